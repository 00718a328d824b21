"""The order in which Tab goes through the panel: as it is read, from top to bottom. Desktop only.

Qt's own order is that in which widgets were made: selectors and sections that are made in Python would come last of all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import qt


def follow_layout(root: Any) -> list[Any]:
    """Let Tab go through the widgets below one in the order of its layouts; those that take the focus, in that order."""
    order = [widget for widget in in_layout_order(root) if widget.focusPolicy != qt.Qt.NoFocus]
    for before, after in itertools.pairwise(order):
        qt.QWidget.setTabOrder(before, after)
    return order


def in_layout_order(widget: Any) -> Iterator[Any]:
    """A widget and those within it, as they are laid out."""
    yield widget
    if hasattr(widget, "widgetResizable"):  # a scroll area, which has no layout
        yield from in_layout_order(widget.widget())
    layout = widget.layout()
    if layout is not None:
        yield from _of_layout(layout)


def _of_layout(layout: Any) -> Iterator[Any]:
    for place in range(layout.count()):
        item = layout.itemAt(place)
        inner = item if hasattr(item, "itemAt") else item.layout()  # a layout within may come as itself
        if inner is not None:
            yield from _of_layout(inner)
        elif item.widget() is not None:
            yield from in_layout_order(item.widget())
