#!/usr/bin/env bash
# SimpleITK 2.5.7: GetMedian of LabelIntensityStatisticsImageFilter and LabelStatisticsImageFilter. (2026-11-29)
# Guess: the median of the voxels under the label, exactly, as mean and standard deviation are.
# Happens: it is read off a histogram of few bins between the least and the greatest value of the WHOLE image. One voxel outside
# the label (a clip, an implant, the air's padding value) moves the median of an organ it has nothing to do with.
# A median of 40 HU is reported as anything from -23 to 47; the mean beside it stays right. More bins cure the first filter.
# Matters: median HU tables of segments depend on the rest of the scan, so they differ between a crop and the full volume.
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
organ = np.random.default_rng(0).normal(40, 3, (20, 20, 20)).round().astype(np.int16)
label = np.zeros((40, 40, 40), np.uint8)
label[10:30, 10:30, 10:30] = 1
mask = sitk.GetImageFromArray(label)

medians = []
print("air    one voxel outside   LabelIntensityStatistics   LabelStatistics   with 65536 bins   numpy   mean")
for air, outside in ((0, 100), (-1000, 100), (-1000, 3000), (-2000, 20000)):
    values = np.full(label.shape, air, np.int16)
    values[10:30, 10:30, 10:30] = organ
    values[0, 0, 0] = outside  # not under the label
    image = sitk.GetImageFromArray(values)
    first, second, many = sitk.LabelIntensityStatisticsImageFilter(), sitk.LabelStatisticsImageFilter(), sitk.LabelIntensityStatisticsImageFilter()
    many.SetNumberOfBins(65536)
    first.Execute(mask, image)
    second.Execute(image, mask)
    many.Execute(mask, image)
    # Guess: 40.0 in every column but the mean.
    row = first.GetMedian(1), second.GetMedian(1), many.GetMedian(1), float(np.median(organ)), first.GetMean(1)
    print(f"{air:5} {outside:12} {row[0]:22.2f} {row[1]:21.2f} {row[2]:16.2f} {row[3]:11.2f} {row[4]:8.2f}")
    medians.append(row)

assert all(abs(row[4] - 40) < 0.1 and row[3] == 40 and abs(row[2] - 40) < 0.5 for row in medians), "behaviour changed: exact ones"
assert max(row[0] for row in medians) > 46 and min(row[0] for row in medians) < -20, "behaviour changed: LabelIntensityStatistics"
assert min(row[1] for row in medians) < 20, "behaviour changed: LabelStatistics"
PY
