"""Which colours words and signs have: those for a light panel or for a dark one (`wording.Scheme`), as Slicer's style is at the moment.
It can be changed at any time: who has written in colours asks again. Desktop only.
"""

from __future__ import annotations

from typing import Any

from .wording import DARK, LIGHT, Scheme

MIDDLE = 128  # lightness of the background between a light panel and a dark one


def scheme_of(widget: Any) -> Scheme:
    """The colours for what is written on a widget."""
    return LIGHT if widget.palette.window().color().lightness() >= MIDDLE else DARK
