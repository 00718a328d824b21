"""MR inputs that do not lie on the reference are moved onto it, rigidly, and what was done is said. See `geometry.registration`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..checks.findings import Finding, FindingCode, Severity
from ..geometry.align import reference_of
from ..geometry.image import Image
from ..geometry.registration import Motion, lies_on, moved, register
from ..options import OFF, ON
from ..progress import Progress, quiet
from ..tasks import Modality, Task


@dataclass(frozen=True)
class Registered:
    """The inputs where they belong.

    Attributes:
        images: input key -> Image; a moved one has another affine and the same voxels.
        motions: input key -> what was found; of those only that were looked at closely.
        findings: one for each that was moved, or that fits nowhere.
    """

    images: dict[str, Image]
    motions: dict[str, Motion] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def entry(self) -> dict:
        """For the run record."""
        return {"registration": {key: motion.entry() for key, motion in self.motions.items()}}


def onto_reference(images: dict[str, Image], task: Task, wanted: str, progress: Progress = quiet) -> Registered:
    """Move the task's MR inputs onto its reference where they do not lie on it.

    Args:
        images: input key -> Image, checked.
        task: whose inputs they are.
        wanted: `auto` looks closely at those that a quick test finds elsewhere, `on` at all, `off` at none.
        progress: called with (fraction 0..1, message).
    """
    reference = reference_of(images, task)
    others = [entry for entry in task.inputs if entry.key in images and entry.key != reference and entry.modality is Modality.MR]
    found, motions, findings = dict(images), {}, []
    for number, entry in enumerate(others if wanted != OFF else ()):
        progress(number / len(others), f"Looking how the {entry.title} lies")
        image, fixed = images[entry.key], images[reference]
        if wanted != ON and lies_on(image, fixed):
            continue
        motion = motions[entry.key] = register(image, fixed)
        found[entry.key] = moved(image, motion.matrix) if motion.applied else image
        findings += _said(entry.key, _named(entry.title, image), _named(_title(task, reference), fixed), motion)
    return Registered(found, motions, findings)


def _title(task: Task, key: str) -> str:
    return next(entry.title for entry in task.inputs if entry.key == key)


def _named(title: str, image: Image) -> str:
    return f"{title} ({image.name})" if image.name else title


def _said(key: str, name: str, reference: str, motion: Motion) -> Iterator[Finding]:
    """What the user has to know of a motion."""
    if motion.applied:
        says = f"{name} lies {motion.shift_mm:.1f} mm and {motion.turn_degrees:.1f} degrees off {reference}: it is moved onto it."
        yield Finding(Severity.NOTE, FindingCode.MOVED, key, says, "Look at both on each other; without registration it stays where it is.")
    elif motion.is_large:
        says = f"{name} may not lie on {reference}, but no place was found where it clearly fits better: it is left where it is."
        yield Finding(Severity.WARNING, FindingCode.NOT_REGISTERED, key, says, "Look at both on each other, and register them by hand.")
