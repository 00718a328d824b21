#!/usr/bin/env bash
# ANTsPy 0.6.3, iMath(mask, "GetLargestComponent") on a mask whose largest part has fewer than 50 voxels. (2026-11-29)
# Guess: the largest part comes back, whatever its size; an empty mask stays empty.
# Happens: under 50 voxels (or empty), the answer is ones in EVERY voxel of the volume, without a warning.
# With a third argument (least size, in voxels) a small part is kept; below that size it is again all ones.
# Matters: cleaning a small lesion, or a network's empty answer, turns the whole field of view into the segment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet antspyx==0.6.3 numpy==2.2.6
venv/bin/python - <<'PY'
import ants
import numpy as np

def cleaned(voxels, *least):
    mask = np.zeros((20, 30, 40), np.float32)
    box = np.zeros(64, np.float32)
    box[:voxels] = 1
    mask[5:9, 10:14, 10:14] = box.reshape(4, 4, 4)
    return int(ants.iMath(ants.from_numpy(mask), "GetLargestComponent", *least).numpy().sum())

print("ANTsPy", ants.__version__)
# Guess: 0, 27, 49, 50, 64 voxels in give the same out.
seen = {voxels: cleaned(voxels) for voxels in (0, 27, 49, 50, 64)}
for voxels, kept in seen.items():
    print(f"{voxels:3} voxels in, {kept:6} out, of {20 * 30 * 40} in the volume")
small_kept, still_too_small = cleaned(27, 1), cleaned(27, 30)
print("27 in, least size 1:", small_kept, "out; least size 30:", still_too_small, "out")

assert seen == {0: 24000, 27: 24000, 49: 24000, 50: 50, 64: 64}, "behaviour changed"
assert (small_kept, still_too_small) == (27, 24000), "behaviour changed"
PY
