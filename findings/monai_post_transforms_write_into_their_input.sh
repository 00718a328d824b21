#!/usr/bin/env bash
# MONAI 1.6.1: five transforms of monai.transforms.post that clean a mask up. (2026-11-30)
# Guess: post-processing transforms give a new array and leave what they were given as it was, as RemoveSmallObjects, LabelFilter and
# AsDiscrete do.
# Happens: KeepLargestConnectedComponent and FillHoles work in the array or tensor that they were given, and return a view of it.
# Matters: who counts false islands, Dice or lesions before and after gets the same number twice; a prediction that was to be kept is lost.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet monai==1.6.1 torch==2.13.0 numpy==2.2.6 scikit-image==0.25.2
venv/bin/python -W ignore - <<'PY'
import monai
import numpy as np
import torch
from monai.transforms import AsDiscrete, FillHoles, KeepLargestConnectedComponent, LabelFilter, RemoveSmallObjects

print("monai", monai.__version__)
GIVEN = np.zeros((1, 8, 8), np.uint8)
GIVEN[0, 0, 0] = 1  # an island
GIVEN[0, 2:7, 2:7] = 1
GIVEN[0, 4, 4] = 0  # a hole
TRANSFORMS = (KeepLargestConnectedComponent([1]), RemoveSmallObjects(min_size=4), LabelFilter([2]), FillHoles(), AsDiscrete(threshold=2))
changed = {}
for transform in TRANSFORMS:
    for make in (np.array, torch.tensor):
        given = make(GIVEN.copy())
        made = transform(given)
        assert not np.array_equal(np.asarray(made), GIVEN), "each of them has something to do"
        name = type(transform).__name__
        changed[name, make.__name__] = not np.array_equal(np.asarray(given), GIVEN)
        print(f"{name:30} {make.__name__:7} what it was given is {'another now' if changed[name, make.__name__] else 'as it was'}")  # guess: as it was
assert {name for (name, _), so in changed.items() if so} == {"KeepLargestConnectedComponent", "FillHoles"}, "behaviour changed"
assert sum(changed.values()) == 4, "behaviour changed"
PY
