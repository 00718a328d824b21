"""Panoptic quality against MONAI and panoptica, AJI against the paper's algorithm written out, on random and degenerate pictures."""

from __future__ import annotations

import numpy as np
import pytest

from MedSegDLLib.metrics import aggregated_jaccard, panoptic_quality

ndimage = pytest.importorskip("scipy.ndimage")
measure = pytest.importorskip("skimage.measure")


def pictures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbered objects and another picture of about the same, with merged, moved, missed and false ones."""
    random = np.random.default_rng(seed)
    size = int(random.integers(24, 70))
    truth = measure.label(ndimage.gaussian_filter(random.normal(size=(size, size)), random.uniform(1, 2.5)) > 0.06)
    moved = np.roll(truth > 0, int(random.integers(0, 3)), 0)
    found = measure.label(ndimage.gaussian_filter(moved + random.normal(size=truth.shape) * 0.4, 1) > 0.5)
    return found, truth


def by_the_paper(found: np.ndarray, truth: np.ndarray) -> float:
    """Kumar and others 2017, algorithm 1."""
    shared, united, used = 0, 0, set()
    names = [name for name in np.unique(found) if name]
    for number in np.unique(truth):
        if not number:
            continue
        lesion = truth == number
        overlaps = {name: ((found == name) & lesion).sum() / ((found == name) | lesion).sum() for name in np.unique(found[lesion]) if name}
        if not overlaps:
            united += lesion.sum()
            continue
        best = max(overlaps, key=overlaps.get)
        shared += ((found == best) & lesion).sum()
        united += ((found == best) | lesion).sum()
        used.add(best)
    united += sum((found == name).sum() for name in names if name not in used)
    return float(shared / united)


@pytest.mark.parametrize("seed", range(20))
def test_the_aggregated_jaccard_index_is_the_papers(seed):
    found, truth = pictures(seed)
    assert aggregated_jaccard(found, truth) == pytest.approx(by_the_paper(found, truth), abs=1e-12)


def test_the_aggregated_jaccard_index_of_one_object_is_scikit_images_jaccard():
    metrics = pytest.importorskip("skimage.metrics")
    found, truth = np.zeros((20, 20), int), np.zeros((20, 20), int)
    found[2:12, 3:14], truth[4:15, 2:12] = 1, 1
    _, false_positives, false_negatives = metrics.adapted_rand_error(truth, found)  # another measure; only that it accepts the same labels
    assert 0 < false_positives <= 1 and 0 < false_negatives <= 1
    matrix = metrics.contingency_table(truth, found).toarray()
    assert aggregated_jaccard(found, truth) == pytest.approx(matrix[1, 1] / (matrix.sum() - matrix[0, 0]))


@pytest.mark.parametrize("seed", range(20))
def test_panoptic_quality_is_monais(seed):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    found, truth = pictures(seed)
    ours = panoptic_quality(found, truth)
    x, y = (torch.from_numpy(labels.astype(np.int64)) for labels in (found, truth))
    names = ("pq", "sq", "rq")
    theirs = [float(metrics.compute_panoptic_quality(x, y, metric_name=name, match_iou_threshold=0.5)) for name in names]
    assert [ours.quality, ours.segmentation, ours.recognition] == pytest.approx(theirs, abs=1e-5)
    counts = metrics.compute_panoptic_quality(x, y, output_confusion_matrix=True).tolist()
    assert [ours.tp, ours.fp, ours.fn] == counts[:3] and ours.iou_sum == pytest.approx(counts[3], abs=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_panoptic_quality_is_panopticas(seed):
    panoptica = pytest.importorskip("panoptica", reason="`make test` installs panoptica apart, as it asks for an older numpy than ours")
    found, truth = pictures(seed)
    pair = panoptica.InputType.UNMATCHED_INSTANCE
    # It also takes an IoU of one half itself, which the definition (Kirillov and others 2019) leaves out: two could then claim one object.
    judge = panoptica.Panoptica_Evaluator(pair, instance_matcher=panoptica.NaiveThresholdMatching(matching_threshold=0.5 + 1e-9))
    theirs = judge.evaluate(found.astype(np.uint16), truth.astype(np.uint16))["ungrouped"]
    ours = panoptic_quality(found, truth)
    assert [ours.tp, ours.fp, ours.fn] == [theirs.tp, theirs.fp, theirs.fn]
    assert [ours.quality, ours.segmentation, ours.recognition] == pytest.approx([theirs.pq, theirs.sq, theirs.rq], abs=1e-6)
