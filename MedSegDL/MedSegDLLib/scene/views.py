"""What the desktop's views show: the reference as background, the surfaces in the middle, one drawing for many changes.
Without a main window (tests, scripts, the demo) nothing is done.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import slicer


def show_volume(volume: Any) -> None:
    """Put a volume into the background of the slice views: they show whatever was loaded last."""
    if _layout() is not None:
        slicer.util.setSliceViewerLayers(background=volume)


def centre_3d() -> None:
    """Turn the 3-D views about what they show; a surface far from the origin would stay out of sight."""
    layout = _layout()
    for number in range(layout.threeDViewCount if layout is not None else 0):
        layout.threeDWidget(number).threeDView().resetFocalPoint()


@contextlib.contextmanager
def drawn_once() -> Iterator[None]:
    """Hold the views back while nodes change."""
    if _layout() is None:
        yield
        return
    slicer.app.pauseRender()
    try:
        yield
    finally:
        slicer.app.resumeRender()


def _layout() -> Any:
    application = getattr(slicer, "app", None)
    return application.layoutManager() if application is not None else None
