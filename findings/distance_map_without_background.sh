#!/usr/bin/env bash
# Distance to the background where there is none (mask fills the crop): scipy 1.15.3, edt 3.1.2, SimpleITK 2.5.7. (2026-11-29)
# Guess: an error, inf, or everywhere one large number; in any case the same everywhere and plainly no distance.
# Happens: scipy gives plausible distances, 1 in the first corner and growing towards the last, to a point outside the array.
# edt gives inf (and finite ones to the faces with black_border=True); SimpleITK's Maurer map about -1.8e19, finite.
# Matters: a lesion that fills its bounding box, or a patch inside an organ, gets boundary weights that lean to one corner.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet scipy==1.15.3 edt==3.1.2 SimpleITK==2.5.7 numpy==2.2.6
venv/bin/python - <<'PY'
from importlib.metadata import version

import edt
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

print("scipy", version("scipy"), "edt", version("edt"), "SimpleITK", sitk.__version__)
mask = np.ones((9, 9, 9), np.uint8)
by_scipy = ndimage.distance_transform_edt(mask)
by_edt = edt.edt(mask)
to_faces = edt.edt(mask, black_border=True)
by_itk = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(sitk.GetImageFromArray(mask), False, False, True))
# Guess: in each row the same number three times, none of them a plausible distance.
for name, distances in (("scipy", by_scipy), ("edt", by_edt), ("edt, black_border", to_faces), ("SimpleITK", by_itk)):
    print(f"{name:18} first corner {distances[0, 0, 0]:10.4g}   centre {distances[4, 4, 4]:10.4g}   last corner {distances[8, 8, 8]:10.4g}")

assert by_scipy[0, 0, 0] == 1 and 7 < by_scipy[4, 4, 4] < 8 and 14 < by_scipy[8, 8, 8] < 15, "behaviour changed: scipy"
assert np.isinf(by_edt).all() and to_faces.max() == 5, "behaviour changed: edt"
assert np.isfinite(by_itk).all() and (by_itk < -1e19).all(), "behaviour changed: SimpleITK"
PY
