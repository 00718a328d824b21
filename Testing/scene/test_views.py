"""What the views show, on view nodes of a real scene; drawing is the desktop's."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.scene import views
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.volumes import node_from_image


def volume(name: str) -> Any:
    """A small volume."""
    return node_from_image(Image(np.zeros((3, 4, 5), np.int16), np.eye(4), name))


def test_the_slice_views_turn_to_a_place_one_after_the_other(bare: BareScene) -> None:
    slices = []
    for name, turn in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        slices.append(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceNode", name))
        slices[-1].SetLayoutName(name)
        slices[-1].SetOrientation(turn)
    assert len(list(views.jumping(np.array([11.0, -7.0, 23.0])))) == 3
    for node in slices:
        assert [round(node.GetSliceToRAS().GetElement(row, 3), 3) for row in range(3)] == [11, -7, 23]


def test_a_view_a_step_shows_the_volume_and_nothing_is_done_twice(bare: BareScene) -> None:
    shown, other = volume("shown"), volume("other")
    slices = [slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode") for _ in range(3)]
    for node in slices:
        node.SetBackgroundVolumeID(other.GetID())
    steps = views.showing(shown)
    for done in range(3):
        next(steps)
        assert [node.GetBackgroundVolumeID() == shown.GetID() for node in slices] == [True] * (done + 1) + [False] * (2 - done)
    assert list(steps) == [] and list(views.showing(shown)) == []
