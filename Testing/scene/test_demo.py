"""The demo from phantom to files, with a stand-in for the network: what it prints and writes agrees with what was segmented."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import numpy as np
import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")

from MedSegDLLib.phantom.demo import run_demo
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene.bare import open_scene
from MedSegDLLib.scene.segmentation import segment_ids, segment_mask


@pytest.fixture(scope="module")
def phantom():
    return head_phantom(1, (40, 48, 40), 4.0)


def answering(masks):
    """A segmenter that gives these masks and keeps what it was given."""
    given = {}

    def segmenter(images, task):
        given.update(images)
        grid = images["flair"].grid
        return Result(task, grid, "flair", tuple(Segment(region, masks[region.key], grid.voxel_volume_mm3) for region in task.regions))

    return segmenter, given


def test_truth_in_dice_one_out(phantom, tmp_path, capsys):
    segmenter, given = answering(phantom.truth)
    outcome = run_demo(tmp_path, segmenter, phantom)
    for key, image in phantom.images.items():
        np.testing.assert_array_equal(given[key].array, image.array)
        assert given[key].grid.same_as(image.grid)
    assert outcome["dice"] == {"WT": 1.0, "TC": 1.0, "ET": 1.0}
    assert outcome["volumes_ml"] == pytest.approx(outcome["true_ml"])
    printed = capsys.readouterr().out
    assert "Enhancing tumour" in printed and "1.000" in printed and len(printed.splitlines()) < 12
    assert {"demo.mrb", "demo.seg.nrrd", "demo.png", "phantom_t1.nrrd"} <= {path.name for path in tmp_path.iterdir()}


def test_files_hold_what_was_segmented_not_the_truth(phantom, tmp_path):
    wrong = {key: np.roll(mask, 2, axis=2) for key, mask in phantom.truth.items()}
    outcome = run_demo(tmp_path, answering(wrong)[0], phantom)
    assert 0 < outcome["dice"]["WT"] < 0.95
    scene = open_scene()
    scene.load(outcome["files"]["scene"])
    segmentation = scene.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert segment_ids(segmentation) == ["WT", "TC", "ET"]
    np.testing.assert_array_equal(segment_mask(segmentation, "WT", phantom.grid.shape), wrong["WT"])
    assert scene.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 4
    assert scene.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1
    loaded = scene.load_segmentation(outcome["files"]["segmentation"])
    np.testing.assert_array_equal(segment_mask(loaded, "ET", phantom.grid.shape), wrong["ET"])


def test_nothing_found(phantom, tmp_path):
    empty = {key: np.zeros_like(mask) for key, mask in phantom.truth.items()}
    outcome = run_demo(tmp_path, answering(empty)[0], phantom)
    assert outcome["dice"]["WT"] == 0.0 and outcome["volumes_ml"]["WT"] == 0.0
    assert outcome["files"]["picture"].stat().st_size > 1000
