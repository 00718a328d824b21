"""How well numbered objects agree with those of a reference: Kaggle's mean precision, AJI and panoptic quality, from one table of overlaps.

The three are not comparable with one another. Only numpy enters here; no files, no tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .overlap import same_shape

KAGGLE_THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))  # Data Science Bowl 2018
PANOPTIC_IOU = 0.5  # from here on no object matches twice


@dataclass(frozen=True)
class Overlaps:
    """Every pair of objects that share a pixel, and the area of every object.

    Attributes:
        found, true: (n,) which object of either image, counted from 0.
        shared: (n,) pixels in both.
        found_area, true_area: pixels of every object.
    """

    found: np.ndarray
    true: np.ndarray
    shared: np.ndarray
    found_area: np.ndarray
    true_area: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """(n,) IoU of the pairs."""
        return self.shared / (self.found_area[self.found] + self.true_area[self.true] - self.shared)

    @property
    def both_empty(self) -> bool:
        """Nothing to find and nothing found."""
        return not (len(self.found_area) or len(self.true_area))


def overlaps(instances: np.ndarray, reference: np.ndarray) -> Overlaps:
    """Compare two images of numbered objects in one pass.

    Args:
        instances, reference: integer labels of one shape; 0 is background, every other number one object.

    Raises:
        ValueError: the shapes differ.
    """
    same_shape(instances, reference)
    names, found = np.unique(instances, return_inverse=True)
    true_names, true = np.unique(reference, return_inverse=True)
    pairs, shared = np.unique(found.ravel().astype(np.int64) * len(true_names) + true.ravel(), return_counts=True)
    row, column = np.divmod(pairs, len(true_names))
    objects = (names[row] != 0) & (true_names[column] != 0)
    here, there = names != 0, true_names != 0
    return Overlaps(
        (np.cumsum(here) - 1)[row[objects]],
        (np.cumsum(there) - 1)[column[objects]],
        shared[objects],
        np.bincount(found.ravel(), minlength=len(names))[here],
        np.bincount(true.ravel(), minlength=len(true_names))[there],
    )


def kaggle_precision(instances: np.ndarray, reference: np.ndarray) -> float:
    """Mean over the IoU thresholds 0.50, 0.55 ... 0.95 of TP / (TP + FP + FN) over objects (Kaggle Data Science Bowl 2018).

    An object is found where its IoU with one of the reference is greater than the threshold; from 0.5 on no object matches twice.
    Both images empty: 1. One of them empty: 0. Arguments and errors as for `overlaps`.
    """
    pairs = overlaps(instances, reference)
    if pairs.both_empty:
        return 1.0
    hits = np.array([np.count_nonzero(pairs.iou > threshold) for threshold in KAGGLE_THRESHOLDS])
    return float(np.mean(hits / (len(pairs.found_area) + len(pairs.true_area) - hits)))


def aggregated_jaccard(instances: np.ndarray, reference: np.ndarray) -> float:
    """Aggregated Jaccard index (Kumar and others 2017): shared pixels over united pixels, objects of the reference matched to their best.

    Every object of the reference is matched to the object of the largest IoU with it (one that nothing touches adds its own area to the
    union), and every object that is nobody's best adds its area to the union. As in the paper, an object may be the best of several.
    Both images empty: 1. One of them empty: 0. Arguments and errors as for `overlaps`.
    """
    pairs = overlaps(instances, reference)
    if pairs.both_empty:
        return 1.0
    order = np.lexsort((pairs.found, -pairs.iou, pairs.true))  # the best of every object of the reference first
    _, first = np.unique(pairs.true[order], return_index=True)
    best = order[first]
    shared = int(pairs.shared[best].sum())
    unused = np.ones(len(pairs.found_area), bool)
    unused[pairs.found[best]] = False
    united = pairs.true_area.sum() + pairs.found_area[pairs.found[best]].sum() - shared + pairs.found_area[unused].sum()
    return float(shared / united)


@dataclass(frozen=True)
class PanopticQuality:
    """Panoptic quality of one class (Kirillov and others 2019). No objects in either image: every measure is 1.

    Attributes:
        iou_sum: sum of the IoU of the matched pairs, those of IoU > 0.5.
        tp, fp, fn: matched pairs, objects without a match, missed objects of the reference.
    """

    iou_sum: float
    tp: int
    fp: int
    fn: int

    @property
    def segmentation(self) -> float:
        """SQ: mean IoU of the matched pairs; 0 where nothing matches."""
        return self.iou_sum / self.tp if self.tp else float(self.fp + self.fn == 0)

    @property
    def recognition(self) -> float:
        """RQ: F1 of the objects."""
        whole = self.tp + (self.fp + self.fn) / 2
        return self.tp / whole if whole else 1.0

    @property
    def quality(self) -> float:
        """PQ = SQ x RQ."""
        return self.segmentation * self.recognition


def panoptic_quality(instances: np.ndarray, reference: np.ndarray) -> PanopticQuality:
    """Match objects whose IoU is above 0.5. Arguments and errors as for `overlaps`."""
    pairs = overlaps(instances, reference)
    matched = pairs.iou[pairs.iou > PANOPTIC_IOU]
    return PanopticQuality(float(matched.sum()), len(matched), len(pairs.found_area) - len(matched), len(pairs.true_area) - len(matched))
