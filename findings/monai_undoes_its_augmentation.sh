#!/usr/bin/env bash
# MONAI 1.6.1: RandFlip followed by Orientation, RandZoom followed by Spacing; TorchIO 1.2.1 for comparison. (2026-11-29)
# Guess: a random flip or zoom is an augmentation, so what follows sees changed anatomy (left swapped with right, larger organ).
# Happens: MONAI writes the flip or the zoom into the affine as well, so the image has not moved in the world. Orientation turns the
# flip back voxel by voxel, Spacing zooms back: the network never sees the augmentation. TorchIO flips the voxels alone, and it stays.
# Matters: the order of two transforms decides whether there is any augmentation; the loss looks normal either way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet monai==1.6.1 torchio==1.2.1 torch==2.13.0 numpy==2.2.6
venv/bin/python - <<'PY'
import monai
import numpy as np
import torch
import torchio as tio
from monai.data import MetaTensor
from monai.transforms import Compose, Orientation, RandFlip, RandZoom, Spacing

print("MONAI", monai.__version__, "TorchIO", tio.__version__, "torch", torch.__version__)
lps = np.diag([-1.0, -1.0, 1.0, 1.0])
ramp = torch.arange(8.0).reshape(1, 8, 1, 1).expand(1, 8, 6, 6).clone()

def row(image):
    return [int(value) for value in image[0, :, 0, 0]]

# Guess: the flipped row differs from the row without a flip, in both libraries.
flip = Compose([RandFlip(prob=1, spatial_axis=0), Orientation("RAS")])
flipped = row(flip(MetaTensor(ramp, affine=torch.tensor(lps))))
plain = row(Orientation("RAS")(MetaTensor(ramp, affine=torch.tensor(lps))))
print("MONAI   without", plain, "with flip", flipped)

subject = tio.ScalarImage(tensor=ramp, affine=lps)
flip = tio.Compose([tio.RandomFlip(axes=(0,), flip_probability=1), tio.ToCanonical()])
tio_flipped, tio_plain = row(flip(subject).data), row(tio.ToCanonical()(subject).data)
print("TorchIO without", tio_plain, "with flip", tio_flipped)

# Guess: a cube of 4096 voxels is about 1.5 ** 3 times as large after a zoom by 1.5 and a resampling to the 1 mm it had.
cube = torch.zeros(1, 40, 40, 40)
cube[:, 12:28, 12:28, 12:28] = 1
zoomed = RandZoom(prob=1, min_zoom=1.5, max_zoom=1.5, mode="nearest", padding_mode="constant")(MetaTensor(cube, affine=torch.eye(4)))
spaced = Spacing((1, 1, 1), mode="nearest")(zoomed)
print("cube", int(cube.sum()), "after RandZoom", int(zoomed.sum()), "after Spacing", int(spaced.sum()), "shape", tuple(spaced.shape))

assert flipped == plain, "behaviour changed: MONAI's flip survives"
assert tio_flipped != tio_plain, "behaviour changed: TorchIO's flip is undone"
assert int(zoomed.sum()) > 3 * 4096 and abs(int(spaced.sum()) - 4096) < 500, "behaviour changed: MONAI's zoom survives"
PY
