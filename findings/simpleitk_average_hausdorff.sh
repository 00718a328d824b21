#!/usr/bin/env bash
# SimpleITK 2.5.7: GetAverageHausdorffDistance against the mean distance between the two surfaces. (2026-11-30)
# Guess: the mean over the surfaces, so a segment whose outline lies 2 mm too far out everywhere has about 2 mm, whatever its size.
# Happens: the mean runs over ALL voxels of a mask, and those that lie inside the other one count as 0: the larger the organ, the smaller it
# gets. The same rim of 2 voxels gives 0.49 for a ball of radius 5 and 0.13 for one of 30, where the surfaces are 1.9 apart in both.
# The plain Hausdorff distance beside it is what one expects.
# Matters: in a table it reads like an average surface distance, and flatters a large organ fourfold against a small lesion.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet SimpleITK==2.5.7 numpy==2.2.6 scipy==1.15.3
venv/bin/python - <<'PY'
import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion, distance_transform_edt

print("SimpleITK", sitk.__version__)
RIM = 2


def ball(radius: float, half: int) -> np.ndarray:
    axis = np.arange(-half, half + 1)
    return (axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2) <= radius**2


def surface(mask: np.ndarray) -> np.ndarray:
    return mask & ~binary_erosion(mask)


def mean_surface_distance(one: np.ndarray, other: np.ndarray) -> float:
    there, back = (distance_transform_edt(~surface(b))[surface(a)] for a, b in ((one, other), (other, one)))
    return float(np.concatenate([there, back]).mean())


print("radius   Hausdorff   'average Hausdorff'   mean distance of the surfaces   mean over all voxels, of both directions")
for radius in (5, 10, 20, 30):
    right, grown = ball(radius, radius + 5), ball(radius + RIM, radius + 5)
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(sitk.GetImageFromArray(right.astype(np.uint8)), sitk.GetImageFromArray(grown.astype(np.uint8)))
    found, surfaces = measure.GetAverageHausdorffDistance(), mean_surface_distance(right, grown)
    voxels = (distance_transform_edt(~right)[grown].mean() + distance_transform_edt(~grown)[right].mean()) / 2
    print(f"{radius:6} {measure.GetHausdorffDistance():11.2f} {found:21.3f} {surfaces:31.3f} {voxels:43.3f}")
    # Guess: the second and the third figure are about the same.
    assert 1.4 < surfaces < 2.3, "the comparison is wrong"
    assert abs(found - voxels) < 0.01 and found < 0.3 * surfaces, "behaviour changed: it is a distance of surfaces now"
PY
