"""MedSegDL's core: volumes in, segments out. Imports torch, numpy, SimpleITK and safetensors; only `scene` knows Slicer.

Importing the package is free: torch comes with the first name that needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.3.0"

if TYPE_CHECKING:
    from .errors import Cancelled, InputRefused, MedSegDLError, OutOfMemory, UsageError, WeightsError
    from .geometry.image import Grid, Image
    from .io.read import read_image
    from .io.write import write_image
    from .pipeline import Options, segment
    from .result import Result, Segment
    from .tasks import TASKS, Task

_HOMES = {
    "errors": ("Cancelled", "InputRefused", "MedSegDLError", "OutOfMemory", "UsageError", "WeightsError"),
    "io.read": ("read_image",),
    "io.write": ("write_image",),
    "geometry.image": ("Grid", "Image"),
    "options": ("Options",),
    "pipeline": ("segment",),
    "result": ("Result", "Segment"),
    "tasks": ("TASKS", "Task"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "TASKS",
    "Cancelled",
    "Grid",
    "Image",
    "InputRefused",
    "MedSegDLError",
    "Options",
    "OutOfMemory",
    "Result",
    "Segment",
    "Task",
    "UsageError",
    "WeightsError",
    "__version__",
    "read_image",
    "segment",
    "write_image",
]


def __getattr__(name: str) -> Any:
    """Import a public name's module at its first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
