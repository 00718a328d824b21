"""What an image holds where there is nothing: the value that resampling must write outside of it. numpy only, no tissue here."""

from __future__ import annotations

import numpy as np

EMPTY_BORDER_SHARE = 0.5  # a volume with so many equal values on its faces has had its background removed
LOWEST, HIGHEST = 0.1, 99.0  # percentiles between which the intensities of an image with noise in its background lie
OFFSET_SHARE = 0.05  # of that range: a smaller offset is the scanner's noise
AIR_SHARE = 0.25  # of that range: faces whose median lies below show air, not tissue
SAMPLE_VOXELS = 500_000


def background_value(array: np.ndarray) -> float | None:
    """The one value that fills most of the volume's faces: 0 where the background was removed, another if z-scored since; else None."""
    values, counts = np.unique(_faces(array), return_counts=True)
    commonest = counts.argmax()
    return float(values[commonest]) if counts[commonest] >= EMPTY_BORDER_SHARE * counts.sum() else None


def share_on_faces(array: np.ndarray, value: float) -> float:
    """How much of a volume's faces holds exactly this value: 0..1."""
    return float((_faces(array) == value).mean())


def value_of_nothing(array: np.ndarray) -> float:
    """What a volume (K, J, I) of arbitrary units holds outside the body: its removed background's value, or the least of its noise.

    A background of noise counts as 0, as scanners store it, unless it lies clearly elsewhere: a constant was added, or the whole image
    was z-scored.
    """
    background = background_value(array)
    if background is not None:
        return background
    sample = array.reshape(-1)[:: max(1, array.size // SAMPLE_VOXELS)]
    low, high = (float(value) for value in np.percentile(sample, (LOWEST, HIGHEST)))
    shows_air = float(np.median(_faces(array))) < low + AIR_SHARE * (high - low)
    return low if shows_air and abs(low) > OFFSET_SHARE * (high - low) else 0.0


def _faces(array: np.ndarray) -> np.ndarray:
    """Values on the six faces of (K, J, I): (n,)."""
    return np.concatenate([array.take(index, axis=axis).reshape(-1) for axis in range(3) for index in (0, -1)])
