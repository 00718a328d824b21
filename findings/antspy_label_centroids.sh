#!/usr/bin/env bash
# ANTsPy 0.6.3, label_image_centroids against get_center_of_mass and label_geometry_measures of the same library. (2026-11-29)
# Guess: the centroid of each label as a voxel index (i, j, k); with physical=True in mm.
# Happens: in a cubic volume the three axes come back reversed (k, j, i); in any other shape the numbers are no centroid
# in any order, since the coordinates are laid out in one memory order and the voxels in the other. physical=True changes nothing.
# Matters: seed points, crops and "same lesion?" tests made from these centroids point at other tissue.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet antspyx==0.6.3 numpy==2.2.6
venv/bin/python - <<'PY'
import ants
import numpy as np

def look(shape):
    values = np.zeros(shape, np.float32)
    values[2:5, 10:13, 15:18] = 1  # a cube of 27 voxels, centre (3, 11, 16)
    image = ants.from_numpy(values, spacing=(2.0, 2.0, 2.0))
    index = ants.label_image_centroids(image)["vertices"][0]
    physical = ants.label_image_centroids(image, physical=True)["vertices"][0]
    mass = np.array(ants.get_center_of_mass(image))
    geometry = ants.label_geometry_measures(image)[["Centroid_x", "Centroid_y", "Centroid_z"]].to_numpy(float)[0]
    print(shape, "voxels of 2 mm; true index (3, 11, 16)")
    print("  label_image_centroids          ", index.round(2).tolist())
    print("  label_image_centroids, physical", physical.round(2).tolist())
    print("  get_center_of_mass (mm)        ", mass.round(2).tolist())
    print("  label_geometry_measures        ", geometry.round(2).tolist())
    assert np.allclose(mass, (6, 22, 32)), "behaviour changed: centre of mass"
    assert np.allclose(physical, index), "behaviour changed: physical"
    return index

print("ANTsPy", ants.__version__)
# Guess: (3, 11, 16) in both volumes.
assert np.allclose(look((20, 20, 20)), (16, 11, 3)), "behaviour changed: cubic volume"
other = look((20, 30, 40))
assert np.abs(np.sort(other) - (3, 11, 16)).max() > 1, "behaviour changed: volume of unequal sides"
PY
