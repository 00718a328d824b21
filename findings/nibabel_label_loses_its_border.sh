#!/usr/bin/env bash
# nibabel 5.4.2 (nibabel.processing.resample_from_to, over scipy 1.15.3) and nilearn 0.14.1 against SimpleITK 2.5.7. (2026-11-29)
# Guess: nearest neighbour onto a grid with half the spacing and the SAME outer faces copies each voxel eight times.
# Happens: SimpleITK does so. nibabel and nilearn write 0 wherever the new voxel centre lies outside the outermost OLD CENTRES, that is
# over the outer half voxel of the field of view: a label that reaches the faces loses a layer there, a third of the volume in 8 slices.
# Matters: head, lung and body masks reach the first and last slice; with slices of 5 mm it is 2.5 mm at both ends.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet nibabel==5.4.2 scipy==1.15.3 nilearn==0.14.1 SimpleITK==2.5.7 numpy==2.2.6
venv/bin/python - <<'PY'
import nibabel as nib
import nilearn
import numpy as np
import scipy
import SimpleITK as sitk
from nibabel.processing import resample_from_to
from nilearn.image import resample_to_img

print("nibabel", nib.__version__, "scipy", scipy.__version__, "nilearn", nilearn.__version__, "SimpleITK", sitk.__version__)
mask = np.ones((8, 8, 8), np.uint8)  # 512 mm3, fills the field of view
fine = np.diag([0.5, 0.5, 0.5, 1.0])
fine[:3, 3] = -0.25  # outer faces at -0.5 and 7.5 mm, as those of the mask
source = nib.Nifti1Image(mask, np.eye(4))
target = nib.Nifti1Image(np.zeros((16, 16, 16), np.uint8), fine)

# Guess: 512 mm3 by all three.
by_nibabel = resample_from_to(source, target, order=0).get_fdata().sum() / 8
by_nilearn = resample_to_img(source, target, interpolation="nearest", force_resample=True, copy_header=True).get_fdata().sum() / 8
grid = sitk.Image([16, 16, 16], sitk.sitkUInt8)
grid.SetSpacing([0.5] * 3)
grid.SetOrigin([-0.25] * 3)
resampled = sitk.Resample(sitk.GetImageFromArray(mask), grid, sitk.Transform(), sitk.sitkNearestNeighbor)
by_simpleitk = sitk.GetArrayFromImage(resampled).sum() / 8

print("before 512 mm3; nibabel", by_nibabel, "nilearn", by_nilearn, "SimpleITK", by_simpleitk)
assert by_simpleitk == 512, "behaviour changed: SimpleITK"
assert by_nibabel == 343, "behaviour changed: nibabel"  # 14 ** 3 / 8
assert by_nilearn == 343, "behaviour changed: nilearn"
PY
