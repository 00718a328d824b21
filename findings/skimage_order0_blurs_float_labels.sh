#!/usr/bin/env bash
# scikit-image 0.26.0 resize(order=0) of a label map that nibabel 5.4.2 handed over by get_fdata(). (2026-11-29)
# Guess: order=0 is nearest neighbour, so only labels that were there come out, whatever the array's dtype.
# Happens: the default for anti_aliasing goes by dtype. For whole numbers it is off; for floats (get_fdata always gives float64) the
# labels are blurred by a Gaussian first. Between labels 4 and 1, or 4 and 0, labels 2 and 3 appear after rounding.
# Matters: background, oedema and tumour core get a rim of a third tissue; a mask of one label changes in size.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet scikit-image==0.26.0 nibabel==5.4.2 numpy==2.2.6
venv/bin/python - <<'PY'
import nibabel as nib
import numpy as np
import skimage
from skimage.transform import resize

print("scikit-image", skimage.__version__, "nibabel", nib.__version__)
labels = np.zeros((40, 40, 40), np.uint8)
labels[10:30, 10:30, 10:30] = 4
labels[16:24, 16:24, 16:24] = 1
nib.save(nib.Nifti1Image(labels, np.eye(4)), "labels.nii.gz")
loaded = nib.load("labels.nii.gz")

def halved(array, **more):
    return resize(array, (20, 20, 20), order=0, preserve_range=True, **more)

# Guess: the three differ in dtype only.
for name, array, more in (
    ("whole numbers", np.asarray(loaded.dataobj), {}),
    ("get_fdata()", loaded.get_fdata(), {}),
    ("get_fdata(), anti_aliasing=False", loaded.get_fdata(), {"anti_aliasing": False}),
):
    result = halved(array, **more)
    counts = np.bincount(np.rint(result).astype(int).ravel(), minlength=5)
    print(f"{name:33} {len(np.unique(result)):4} different values; rounded, voxels of labels 0 to 4: {counts.tolist()}")
    if name == "get_fdata()":
        assert len(np.unique(result)) > 3 and counts[2] > 0 and counts[3] > 0, "behaviour changed: floats"
    else:
        assert counts.tolist() == [7000, 64, 0, 0, 936], "behaviour changed: nearest"
PY
