#!/usr/bin/env bash
# SimpleITK 2.5.7: what is done with fractions when an int16 volume (a CT) is resampled, averaged or blurred. (2026-11-30)
# Guess: the nearest whole number, everywhere; a library that interpolates medical images rounds.
# Happens: Resample (linear and B-spline), Mean and DiscreteGaussian cut the fraction off, towards 0: 3.75 HU becomes 3, -2.75 becomes -2.
# BinShrink of the same library rounds. So soft tissue loses half a HU, fat and lung gain half a one, and 0 takes what lies from -1 to 1:
# the histogram gets a peak of twice its height there. Each further pass takes another half (DiscreteGaussian makes three, 1.5 in all).
# As float32 first, all is right.
# Matters: thresholds and mean HU move with each resampling, and to opposite sides above and below water.
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


def moved(image: sitk.Image, by: float, how: int) -> sitk.Image:
    return sitk.Resample(image, image, sitk.TranslationTransform(3, (by, 0.0, 0.0)), how, 0.0, image.GetPixelID())


def inner(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)[2:-2, 2:-2, 2:-2].astype(float)


ramp = sitk.GetImageFromArray(np.broadcast_to(np.arange(-6, 7, dtype=np.int16), (7, 7, 13)).copy())
exact = inner(moved(sitk.Cast(ramp, sitk.sitkFloat32), 0.75, sitk.sitkLinear))[0, 0]
cut = inner(moved(ramp, 0.75, sitk.sitkLinear))[0, 0]
spline = inner(moved(ramp, 0.75, sitk.sitkBSpline))[0, 0]
print("float32 ", exact)
print("linear  ", cut)
print("b-spline", spline)  # guess for both: np.rint(exact)
assert (cut == np.trunc(exact)).all() and (spline == np.trunc(exact)).all() and (cut != np.rint(exact)).any(), "behaviour changed: Resample"

draw = np.random.default_rng(0)
print("tissue   float32   Resample   twice   Mean   DiscreteGaussian   BinShrink")
for mean in (60, 0, -100):
    image = sitk.GetImageFromArray(draw.normal(mean, 12, (40, 40, 40)).round().astype(np.int16))
    right = inner(moved(sitk.Cast(image, sitk.sitkFloat32), 0.3, sitk.sitkLinear)).mean()
    once = moved(image, 0.3, sitk.sitkLinear)
    found = [once, moved(once, -0.3, sitk.sitkLinear), sitk.Mean(image, [1, 1, 1]), sitk.DiscreteGaussian(image, 1.0), sitk.BinShrink(image, [2, 2, 2])]
    means = [inner(one).mean() for one in found]
    print(f"{mean:6} {right:9.2f} {means[0]:10.2f} {means[1]:7.2f} {means[2]:6.2f} {means[3]:12.2f} {means[4]:16.2f}")
    side = np.sign(mean)
    assert side == 0 or all(0.3 < side * (right - one) < 1.8 for one in means[:4]), "behaviour changed: truncation"
    assert abs(means[4] - right) < 0.2, "behaviour changed: BinShrink"
    if mean == 0:
        counts = [int((inner(once) == value).sum()) for value in (-1, 0, 1)]
        print("voxels of -1, 0 and 1 after Resample:", counts)  # guess: about as many of each
        assert counts[1] > 1.6 * max(counts[0], counts[2]), "behaviour changed: the peak at 0"
PY
