#!/usr/bin/env bash
# SimpleITK 2.5.7: Resample of a label map with sitkLabelGaussian, the interpolator made for label maps. (2026-11-29)
# Guess: with the identity transform, onto its own grid, the label map comes back unchanged; only a true resampling smooths.
# Happens: the vote is weighted by a Gaussian that reaches into the neighbours even on the voxel itself: lesions of 1 and of 2 x 2 x 2 voxels
# vanish, 3 x 3 x 3 lose their corners, sheets of one voxel disappear, a second pass takes more. sitkLabelLinear changes nothing.
# Matters: "resample everything to the reference grid" removes small lesions from cases that already lie on that grid.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet SimpleITK==2.5.7 numpy==2.2.6
venv/bin/python - <<'PY'
import numpy as np
import SimpleITK as sitk

print("SimpleITK", sitk.__version__)
labels = np.zeros((30, 30, 30), np.uint8)
labels[3, 3, 3] = 1
labels[8:10, 8:10, 8:10] = 2
labels[13:16, 13:16, 13:16] = 3
labels[20:26, 20:26, 20:26] = 4
labels[3:13, 20, 3:13] = 5  # a sheet, one voxel thick
names = "1 voxel", "2x2x2", "3x3x3", "6x6x6", "sheet of 1"

def counts(image):
    return np.bincount(sitk.GetArrayFromImage(image).ravel(), minlength=6)[1:].tolist()

def onto_itself(image, interpolator):
    return sitk.Resample(image, image, sitk.Transform(), interpolator)

before = sitk.GetImageFromArray(labels)
gaussian = onto_itself(before, sitk.sitkLabelGaussian)
twice = onto_itself(gaussian, sitk.sitkLabelGaussian)
linear = onto_itself(before, sitk.sitkLabelLinear)
# Guess: four equal rows.
print("".ljust(18), *(name.rjust(10) for name in names))
for name, image in (("before", before), ("LabelGaussian", gaussian), ("LabelGaussian x 2", twice), ("LabelLinear", linear)):
    print(name.ljust(18), *(str(count).rjust(10) for count in counts(image)))

assert counts(linear) == counts(before), "behaviour changed: LabelLinear"
assert counts(gaussian)[:3] == [0, 0, 19] and counts(gaussian)[4] == 0, "behaviour changed: LabelGaussian"
assert counts(twice)[2] < 19, "behaviour changed: LabelGaussian twice"
PY
