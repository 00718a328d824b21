"""What a worker can be asked to do, in terms of the core: segment, check, warm, describe. Torch comes in with the first call.

`worker` knows the protocol and none of this; tests hand it other services.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from ..errors import UsageError
from ..geometry.image import Image
from ..progress import Progress
from ..result import Result
from ..tasks import Task


def segment(images: dict[str, Image], task: Task, options: dict, progress: Progress) -> Result:
    """`pipeline.segment` with the options as they came in JSON.

    Raises:
        UsageError: an option is unknown; and all that `pipeline.segment` raises.
    """
    from .. import pipeline

    unknown = set(options) - {known.name for known in fields(pipeline.Options)}
    if unknown:
        raise UsageError(f"The option '{min(unknown)}' is unknown.", "Use the fields of Options.")
    weights = options.get("weights")
    return pipeline.segment(images, task, pipeline.Options(**{**options, "weights": Path(weights) if weights else None}), progress)


def check(images: dict[str, Image], task: Task) -> list[dict]:
    """The findings of the input check, as in the run record."""
    from ..checks import inputs

    return [
        {"severity": f.severity.value, "code": f.code.value, "input": f.input, "message": f.message, "remedy": f.remedy}
        for f in inputs.check(images, task)
    ]


def warm(task: Task, device: str, weights: Path | None) -> dict:
    """Load the task's weights and run the network once. Raises WeightsError, UsageError."""
    from .. import pipeline

    return pipeline.warm(task, device, weights)


def describe() -> dict:
    """What this process is: versions and the device that `auto` takes.

    Raises:
        ImportError, OSError: a package is missing or cannot be loaded.
    """
    import torch

    from ..network.device import choose_device, package_versions

    device = choose_device("auto")
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {"python": platform.python_version(), "executable": sys.executable, "torch": torch.__version__,
            "device": device.type, "device_name": name, "packages": package_versions()}  # fmt: skip


def look(payload: dict, progress: Progress) -> dict:
    """What a network of others is, before it is converted; see `imports.offers.look`."""
    from ..imports import offers

    return offers.look(Path(_text(payload, "source")))


def add(payload: dict, progress: Progress) -> dict:
    """Convert a network of others into the user's weights folder; see `imports.offers.add`."""
    from ..imports import offers

    return offers.add(Path(_text(payload, "source")), str(payload.get("licence", "")), Path(_text(payload, "folder")), progress)


def register(payload: dict, progress: Progress) -> dict:
    """Lay the image 'moving' on the image 'fixed': `motion` is `registration.Motion.entry()`, empty where it lies there already."""
    from ..geometry.registration import laid
    from .protocol import images_from_json

    images = images_from_json(payload["inputs"]) if isinstance(payload.get("inputs"), dict) else {}
    if not {"moving", "fixed"} <= set(images):
        raise UsageError("The request has no images 'moving' and 'fixed'.")
    motion = laid(images["moving"], images["fixed"])
    return {"motion": {} if motion is None else motion.entry()}


def _text(payload: dict, key: str) -> str:
    if not isinstance(payload.get(key), str) or not payload[key]:
        raise UsageError(f"The request has no '{key}'.")
    return payload[key]


def save_as_dicom(payload: dict, progress: Progress) -> dict:
    """A segmentation of a scene as DICOM; see `save_dicom.save`."""
    from . import save_dicom

    return save_dicom.save(payload, progress)


@dataclass(frozen=True)
class Services:
    """The four things a worker does, and `more` by the kind of request: payload and progress in, JSON types out."""

    segment: Callable[[dict[str, Image], Task, dict, Progress], Result] = segment
    check: Callable[[dict[str, Image], Task], list[dict]] = check
    warm: Callable[[Task, str, Path | None], dict] = warm
    describe: Callable[[], dict] = describe
    more: Mapping[str, Callable[[dict, Progress], dict]] = field(default_factory=dict)


def load() -> Services:
    """The services of the core, everything they need imported, so that a missing package is known before the first request.

    Raises:
        ImportError, OSError: a package is missing or cannot be loaded.
    """
    from .. import pipeline  # noqa: F401 - imported for the sake of failing now
    from ..checks import inputs  # noqa: F401 - imported for the sake of failing now

    return Services(more={"look": look, "add": add, "register": register, "dicom": save_as_dicom})
