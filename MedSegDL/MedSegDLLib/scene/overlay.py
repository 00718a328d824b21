"""The network's uncertainty over the images: the entropy of its probabilities, brightest where one is near 0.5, as the foreground of the
slice views. What is certain stays clear. No widget.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer

UNCERTAINTY_ROLE = "MedSegDL.Uncertainty"  # the segmentation's reference to its map
LEAST_SHOWN, BRIGHTEST = 0.1, 0.7  # bits, mean over the regions: of three, one at 0.5 alone gives 0.33
OPACITY = 0.65
COLORS = "vtkMRMLColorTableNodeFilePlasma.txt"  # Slicer's own; a scene without it shows grey
UNDER_ATTRIBUTE = "MedSegDL.Under"  # of a slice view: what was its foreground, and how opaque


def map_of(node: Any) -> Any:
    """The map of a segmentation; None where none was asked for."""
    return None if node is None else node.GetNodeReference(UNCERTAINTY_ROLE)


def largest_value(volume: Any) -> float:
    """The largest uncertainty in a map, bits."""
    return float(volume.GetImageData().GetScalarRange()[1])


def laying_over(volume: Any) -> Iterator[None]:
    """Lay a map over the images, a view a step."""
    _dress(volume)
    yield
    for view in _views():
        if view.GetForegroundVolumeID() != volume.GetID():
            view.SetAttribute(UNDER_ATTRIBUTE, f"{view.GetForegroundVolumeID() or ''} {view.GetForegroundOpacity()}")
            view.SetForegroundVolumeID(volume.GetID())
            view.SetForegroundOpacity(OPACITY)
            yield


def lifting(volume: Any) -> Iterator[None]:
    """Take a map off the images, a view a step; what lay there before comes back."""
    for view in _views():
        if view.GetForegroundVolumeID() == volume.GetID():
            before, _space, opacity = (view.GetAttribute(UNDER_ATTRIBUTE) or " 0").partition(" ")
            view.SetForegroundVolumeID(before if slicer.mrmlScene.GetNodeByID(before) is not None else None)
            view.SetForegroundOpacity(float(opacity))
            view.RemoveAttribute(UNDER_ATTRIBUTE)
            yield


def lies_over(volume: Any) -> bool:
    """Whether a map is the foreground of a view."""
    return volume is not None and any(view.GetForegroundVolumeID() == volume.GetID() for view in _views())


def _dress(volume: Any) -> None:
    """From dark to bright between two bounds; clear below."""
    volume.CreateDefaultDisplayNodes()
    display = volume.GetDisplayNode()
    was_modifying = display.StartModify()
    if slicer.mrmlScene.GetNodeByID(COLORS) is not None:
        display.SetAndObserveColorNodeID(COLORS)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.0, BRIGHTEST)
    display.SetAutoThreshold(False)
    display.SetThreshold(LEAST_SHOWN, 1e6)
    display.SetApplyThreshold(True)
    display.EndModify(was_modifying)


def _views() -> list[Any]:
    scene, kind = slicer.mrmlScene, "vtkMRMLSliceCompositeNode"
    return [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]
