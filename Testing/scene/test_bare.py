"""The scene outside the desktop: separate scenes, honest files, and hands off the desktop's own."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import sys
from pathlib import Path

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")

from MedSegDLLib.errors import InputRefused, MedSegDLError
from MedSegDLLib.scene.bare import SLICER_CORE, in_desktop, open_scene


def test_each_scene_is_its_own(bare):
    bare.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "old")
    fresh = open_scene()
    assert slicer.mrmlScene is fresh.scene
    assert fresh.scene.GetFirstNodeByName("old") is None and bare.scene.GetFirstNodeByName("old")


def test_colours_stay_alive(bare):
    volume = bare.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "flair")
    volume.CreateDefaultDisplayNodes()
    assert volume.GetDisplayNode().GetColorNode() is not None


def test_the_desktops_scene_is_left_alone(bare, monkeypatch):
    assert not in_desktop()
    modules = slicer.modules
    monkeypatch.setattr(slicer, "app", object(), raising=False)
    assert in_desktop()
    assert open_scene().scene is bare.scene
    assert slicer.mrmlScene is bare.scene and slicer.modules is modules


def test_without_slicers_libraries_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer", None)
    with pytest.raises(MedSegDLError) as caught:
        open_scene()
    assert SLICER_CORE in caught.value.remedy


@pytest.mark.parametrize("content", [None, b"", b"not a volume"])
def test_unreadable_files_are_refused_and_leave_no_node(bare, tmp_path, content):
    path = tmp_path / "case.nrrd"
    if content is not None:
        path.write_bytes(content)
    for load in (bare.load_volume, bare.load_segmentation, bare.load):
        with pytest.raises(InputRefused, match="could not be read"):
            load(path)
    assert bare.scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
    assert bare.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_a_damaged_scene_file_leaves_the_process_where_it_was(bare, volume, tmp_path):
    bare.save(tmp_path / "case.mrb")
    whole = (tmp_path / "case.mrb").read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 3 : len(whole) // 2] = bytes(len(whole) // 2 - len(whole) // 3)
    (tmp_path / "damaged.mrb").write_bytes(damaged)
    here = Path.cwd()
    with pytest.raises(InputRefused, match=r"damaged\.mrb could not be read"):
        open_scene().load(tmp_path / "damaged.mrb")
    assert Path.cwd() == here
    open_scene().load(tmp_path / "case.mrb")


def test_unwritable_places_are_refused_and_nothing_is_left(bare, volume, tmp_path):
    missing = tmp_path / "no" / "such"
    for write in (lambda: bare.save(missing / "case.mrb"), lambda: bare.save_node(volume, missing / "case.nrrd")):
        with pytest.raises(InputRefused, match="could not be written"):
            write()
    assert list(tmp_path.iterdir()) == []


def test_saving_a_node_keeps_its_own_file(bare, volume, tmp_path):
    bare.save_node(volume, tmp_path / "a.nrrd")
    loaded = bare.load_volume(tmp_path / "a.nrrd")
    bare.save_node(loaded, tmp_path / "b.nrrd")
    assert loaded.GetStorageNode().GetFileName() == str(tmp_path / "a.nrrd")
