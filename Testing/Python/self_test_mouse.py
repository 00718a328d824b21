"""Mouse clicks that come from the X server (its XTest extension), as a user's do: through the window, the layout and the event filters.
Only on Linux with a display; elsewhere `available` says so.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import time
from typing import Any

import slicer

LEFT = 1
SETTLE_S = 0.15  # for the window to look at what came
CURRENT_SCREEN, NOW = -1, 0


class Mouse:
    """The pointer of the display that the application is on. Raises OSError where there is none."""

    def __init__(self) -> None:
        names = [ctypes.util.find_library(name) for name in ("X11", "Xtst")]
        if not os.environ.get("DISPLAY") or None in names:
            raise OSError("no X server with the XTest extension")
        self._x, self._test = (ctypes.CDLL(name) for name in names)
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._display = ctypes.c_void_p(self._x.XOpenDisplay(None))
        if not self._display:
            raise OSError("the X server does not answer")

    def click(self, widget: Any, place: Any = None) -> None:
        """Press and release the left button on a widget: at a place of its own (QPoint), else in its middle."""
        self.move(widget, place)
        self.press()
        live(SETTLE_S)

    def move(self, widget: Any, place: Any = None) -> None:
        """Let the pointer rest there."""
        rectangle = widget.rect if not callable(widget.rect) else widget.rect()
        point = widget.mapToGlobal(rectangle.center() if place is None else place)
        for x in (point.x() - 1, point.x()):  # a motion is seen only where there is one
            self._test.XTestFakeMotionEvent(self._display, CURRENT_SCREEN, int(x), int(point.y()), ctypes.c_ulong(NOW))
        self._x.XSync(self._display, 0)
        live(SETTLE_S)

    def press(self) -> None:
        """Press and release where it rests, and come back at once."""
        for down in (1, 0):
            self._test.XTestFakeButtonEvent(self._display, LEFT, down, ctypes.c_ulong(NOW))
        self._x.XSync(self._display, 0)


def available() -> str:
    """Why there can be no clicks; "" where there can."""
    try:
        Mouse()
    except OSError as error:
        return str(error)
    return ""


def live(seconds: float) -> None:
    """Let the application live for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        slicer.app.processEvents()
        time.sleep(0.003)
