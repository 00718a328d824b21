"""One confusion matrix a pair of masks, and every overlap measure read off it. Only numpy enters here; no files, no tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """Counts of voxels; every overlap measure comes from these four.

    Where a ratio has no denominator it is 1 if both masks are empty (nothing to find and nothing found) and 0 otherwise, as BraTS counts
    Dice. No case is ever left out of a mean for being empty.

    Attributes:
        tp, fp, fn, tn: voxels in both masks, in the prediction only, in the reference only, in neither.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    def _ratio(self, part: float, whole: float) -> float:
        if whole == 0:
            return float(self.tp + self.fp + self.fn == 0)
        return part / whole

    @property
    def dice(self) -> float:
        """2 |P and R| / (|P| + |R|)."""
        return self._ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def iou(self) -> float:
        """|P and R| / |P or R| (Jaccard); Dice = 2 IoU / (1 + IoU)."""
        return self._ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def sensitivity(self) -> float:
        """Share of the reference that was found (recall)."""
        return self._ratio(self.tp, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the prediction that is right."""
        return self._ratio(self.tp, self.tp + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity; of voxels this is Dice."""
        return self._ratio(2 * self.precision * self.sensitivity, self.precision + self.sensitivity)

    @property
    def accuracy(self) -> float:
        """Share of all voxels that are right: mostly background, so high for any small object."""
        return self._ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    @property
    def voe(self) -> float:
        """Volumetric overlap error (LiTS): 1 - IoU."""
        return 1.0 - self.iou

    @property
    def rvd(self) -> float | None:
        """Relative volume difference (LiTS): (|P| - |R|) / |R|; 0 if both are empty, None if only the reference is."""
        if self.tp + self.fn == 0:
            return 0.0 if self.fp == 0 else None
        return (self.fp - self.fn) / (self.tp + self.fn)


def confusion(prediction: np.ndarray, reference: np.ndarray) -> Confusion:
    """Compare two masks of one shape; whatever is not 0 counts as inside.

    Raises:
        ValueError: the shapes differ.
    """
    same_shape(prediction, reference)
    predicted, true = prediction.astype(bool), reference.astype(bool)
    tp = int(np.count_nonzero(predicted & true))
    fp, fn = int(np.count_nonzero(predicted)) - tp, int(np.count_nonzero(true)) - tp
    return Confusion(tp, fp, fn, predicted.size - tp - fp - fn)


def same_shape(prediction: np.ndarray, reference: np.ndarray) -> None:
    """Raises ValueError where the shapes differ."""
    if prediction.shape != reference.shape:
        raise ValueError(f"masks of one shape are needed, not {prediction.shape} and {reference.shape}")
