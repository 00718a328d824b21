#!/usr/bin/env bash
# NIfTI whose header says its unit is the micrometre: SimpleITK 2.5.7 against nibabel 5.4.2; MONAI 1.6.1 between; NRRD. (2026-11-29)
# Guess: readers take spacing and affine as the numbers stand; nobody looks at xyzt_units (or else all do, for each format).
# Happens: ITK converts NIfTI to mm (200 becomes 0.2, origin too), nibabel does not. MONAI gives the one or the other by the reader
# it is told to use. In NRRD ITK does not convert: the same volume with space units "microns" keeps 200.
# Matters: micro-CT and light-sheet volumes differ by 1000 between two readers, a volume in mm3 by 10 ** 9.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet SimpleITK==2.5.7 nibabel==5.4.2 itk-io==5.4.7 monai==1.6.1 torch==2.13.0 numpy==2.2.6
venv/bin/python - <<'PY'
import monai
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from monai.transforms import LoadImage

print("SimpleITK", sitk.__version__, "nibabel", nib.__version__, "MONAI", monai.__version__)
affine = np.diag([200.0, 200.0, 200.0, 1.0])
affine[:3, 3] = 1000, 2000, 3000
image = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), affine)
image.header.set_xyzt_units("micron")
nib.save(image, "volume.nii")

header = "\n".join([
    "NRRD0004", "type: short", "dimension: 3", "space: right-anterior-superior", "sizes: 4 4 4", "endian: little", "encoding: raw",
    "space directions: (200,0,0) (0,200,0) (0,0,200)", "space origin: (1000,2000,3000)", 'space units: "microns" "microns" "microns"',
])
with open("volume.nrrd", "wb") as file:
    file.write(header.encode() + b"\n\n" + bytes(4 * 4 * 4 * 2))

# Guess: 200 five times.
by_itk, by_itk_nrrd = sitk.ReadImage("volume.nii"), sitk.ReadImage("volume.nrrd")
seen = {
    "nibabel, NIfTI": float(nib.load("volume.nii").header.get_zooms()[0]),
    "SimpleITK, NIfTI": by_itk.GetSpacing()[0],
    "SimpleITK, NRRD": by_itk_nrrd.GetSpacing()[0],
    "MONAI NibabelReader, NIfTI": float(LoadImage(reader="NibabelReader", image_only=True)("volume.nii").pixdim[0]),
    "MONAI ITKReader, NIfTI": float(LoadImage(reader="ITKReader", image_only=True)("volume.nii").pixdim[0]),
}
for name, spacing in seen.items():
    print(f"{name:27} spacing {spacing:g}")
print("SimpleITK origin, NIfTI", by_itk.GetOrigin(), "NRRD", by_itk_nrrd.GetOrigin())
assert np.allclose(list(seen.values()), [200, 0.2, 200, 200, 0.2]), "behaviour changed: spacing"
assert np.allclose(by_itk.GetOrigin(), (-1, -2, 3)) and np.allclose(by_itk_nrrd.GetOrigin(), (-1000, -2000, 3000)), "behaviour changed: origin"
PY
