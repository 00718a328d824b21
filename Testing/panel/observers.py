"""Observers whose callbacks nobody else holds."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6

# The collector of cycles empties a callback that only a node in Python reaches, though the node lives on in the scene and still calls it.
_KEPT: list[Callable] = []


def observe(node: Any, event: Any, owner: Any, method: str, *arguments: Any) -> int:
    """Call a method of `owner` at each event for as long as `owner` lives; returns the observer's tag."""
    known = weakref.ref(owner)

    def observer(*_: Any) -> None:
        if (alive := known()) is not None and shiboken6.isValid(alive):  # Python may outlive the widget
            getattr(alive, method)(*arguments)

    _KEPT.append(observer)
    return node.AddObserver(event, observer)
