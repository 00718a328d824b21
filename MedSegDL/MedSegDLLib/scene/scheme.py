"""Which colours words and signs have: those for a light panel or for a dark one (`wording.Scheme`), as Slicer's style is at the moment.
It can be changed at any time. Desktop only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from .wording import DARK, LIGHT, Scheme

SIGNAL = "paletteChanged(QPalette)"
MIDDLE = 128  # lightness of the background between a light panel and a dark one


def scheme_of(widget: Any) -> Scheme:
    """The colours for what is written on a widget."""
    return LIGHT if widget.palette.window().color().lightness() >= MIDDLE else DARK


def follow_style(function: Callable[[], None]) -> Callable[[], None]:
    """Call a function whenever the application's palette has changed; what ends that."""

    def changed(*_palette: Any) -> None:
        function()

    slicer.app.connect(SIGNAL, changed)
    return lambda: slicer.app.disconnect(SIGNAL, changed)
