"""What the views show: the reference as background, the surfaces in the middle. Done in steps, a view each, so that the window goes on.
Slice views are nodes of the scene; 3-D views are the desktop's, without one nothing is done for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import slicer


def showing(volume: Any) -> Iterator[None]:
    """Put a volume into the background of the slice views, a view a step: they show whatever was loaded last."""
    scene, kind = slicer.mrmlScene, "vtkMRMLSliceCompositeNode"
    for view in [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]:
        if view.GetBackgroundVolumeID() != volume.GetID():
            view.SetBackgroundVolumeID(volume.GetID())
            yield


def jumping(place: Sequence[float]) -> Iterator[None]:
    """Turn the slice views to a place, a view a step, so that it lies in their middle.

    Args:
        place: (3,) RAS mm.
    """
    scene, kind = slicer.mrmlScene, "vtkMRMLSliceNode"
    for view in [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]:
        view.JumpSliceByCentering(*(float(part) for part in place))
        yield


def centre_3d() -> None:
    """Turn the 3-D views about what they show; a surface far from the origin would stay out of sight."""
    layout = _layout()
    for number in range(layout.threeDViewCount if layout is not None else 0):
        layout.threeDWidget(number).threeDView().resetFocalPoint()


def _layout() -> Any:
    application = getattr(slicer, "app", None)
    return application.layoutManager() if application is not None else None
