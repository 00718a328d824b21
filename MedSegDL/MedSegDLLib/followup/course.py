"""The studies of one patient in the order of time: each measured on its own grid, laid on the first one for matching only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from ..checks.findings import Finding, FindingCode, Severity
from ..errors import UsageError
from ..geometry.image import Grid, Image
from ..metrics.diameters import Lesion
from ..report.case import Case
from ..tasks import Modality, Region, Task
from .matching import Match, matched
from .response import Criteria, Response, by_diameters, by_volume, measurable, sum_of

LOOK = "Look at the studies on each other."
NEEDS = "Give the images too; only MR of the head is registered."


@dataclass(frozen=True)
class Study:
    """One point in time.

    Attributes:
        case: its result.
        motion: (4, 4) RAS mm that lays it on the first study.
    """

    case: Case
    motion: np.ndarray = field(default_factory=lambda: np.eye(4))

    @property
    def moved(self) -> Case:
        """The case where the first study lies: voxels as they were, another affine."""
        grid = Grid(self.case.grid.shape, self.motion @ self.case.grid.affine)
        image = self.case.image
        return replace(self.case, grid=grid, image=None if image is None else replace(image, affine=self.motion @ image.affine))


@dataclass(frozen=True)
class RegionCourse:
    """A region over time; lists have one entry a study.

    Attributes:
        region: which.
        volumes_ml: of the whole region.
        lesions: the largest first.
        sums: over target lesions, see `response.sum_of`.
        matches: between each study and the one before; of the first there are none.
        new: indices of the last study's lesions that none of the earlier studies has.
        diameters, volume: response of the last study.
    """

    region: Region
    volumes_ml: list[float]
    lesions: list[list[Lesion]]
    sums: list[float]
    matches: list[list[Match]]
    new: list[int]
    diameters: Response
    volume: Response


@dataclass(frozen=True)
class Course:
    """What became of a patient's regions.

    Attributes:
        studies: in the order of time.
        criteria: of the response.
        regions: those that are lesions.
        findings: what lowers the trust in the comparison.
    """

    studies: Sequence[Study]
    criteria: Criteria
    regions: list[RegionCourse]
    findings: list[Finding]


def laid_on_first(cases: Sequence[Case]) -> tuple[list[Study], list[Finding]]:
    """The studies, each with its way onto the first one, and what is to be known of it.

    MR of the head is registered rigidly where it does not lie there already; everything else is taken as it lies.
    """
    first, findings = cases[0].image, []
    studies = [Study(cases[0])]
    for number, case in enumerate(cases[1:], start=2):
        motion, found = way(_registered(case.image, first, can_be_registered(case.task)), number)
        studies.append(Study(case, motion))
        findings += found
    return studies, findings


def follow(studies: Sequence[Study], criteria: Criteria, findings: Sequence[Finding] = ()) -> Course:
    """Compare studies.

    Args:
        studies: two or more of one task, in the order of time.
        criteria: thresholds of the response.
        findings: of registration.

    Raises:
        UsageError: fewer than two, of several tasks, or of a task without volumes.
    """
    task = studies[0].case.task if studies else None
    if len(studies) < 2 or any(study.case.task.key != task.key for study in studies):
        raise UsageError("A follow-up needs two or more results of one task.", "Name their folders in the order of time.")
    if task.pictures:
        raise UsageError(f"A follow-up is for volumes, not for {task.title}.", "Compare pictures by their counts.")
    regions = [_course(region, studies, criteria) for region in studies[0].case.regions if region.is_lesion]
    return Course(studies, criteria, regions, [*findings, *_other_weights(studies)])


def _course(region: Region, studies: Sequence[Study], criteria: Criteria) -> RegionCourse:
    key = region.key
    volumes = [study.case.millilitres[key] for study in studies]
    lesions = [study.case.lesions[key] for study in studies]
    sums = [sum_of(found, criteria) for found in lesions]
    matches = [[], *(_matched(key, earlier, later) for earlier, later in pairwise(studies))]
    unknown = set(range(len(lesions[-1])))
    for earlier in studies[:-1]:
        unknown &= {index for match in _matched(key, earlier, studies[-1]) if not match.before for index in match.after}
    is_new = any(measurable(lesions[-1][index], criteria) for index in unknown)
    diameters = by_diameters(sums, not lesions[-1], is_new, criteria)
    return RegionCourse(region, volumes, lesions, sums, matches, sorted(unknown), diameters, by_volume(volumes, criteria))


def _matched(key: str, earlier: Study, later: Study) -> list[Match]:
    motion = np.linalg.inv(earlier.motion) @ later.motion
    return matched(earlier.case.masks[key], earlier.case.grid, later.case.masks[key], later.case.grid, motion)


def can_be_registered(task: Task) -> bool:
    """Whether the studies of a task can be laid on each other: those of MR."""
    return any(entry.modality is Modality.MR for entry in task.inputs)


def _registered(moving: Image | None, fixed: Image | None, possible: bool) -> dict[str, Any] | None:
    """For `way`."""
    from ..geometry.registration import laid  # needs torch, which Slicer's own Python may not have

    if moving is None or fixed is None or not possible:
        return None
    motion = laid(moving, fixed)
    return {} if motion is None else motion.entry()


def way(registered: Mapping[str, Any] | None, number: int) -> tuple[np.ndarray, list[Finding]]:
    """The way of a study onto the first one, (4, 4) RAS mm, and what is to be known of it.

    Args:
        registered: `Motion.entry()`; empty where the study lies there already; None where it was not registered.
        number: of the study, from 1.
    """
    if registered is None:
        says = f"Study {number} was not registered to the first one: its lesions are matched as they lie."
        return np.eye(4), [Finding(Severity.WARNING, FindingCode.NOT_REGISTERED, "", says, NEEDS)]
    if not registered:
        return np.eye(4), []
    if registered["applied"]:
        shift, turn = f"{registered['shift_mm']:.1f}", f"{registered['turn_degrees']:.1f}"
        says = f"Study {number} lay {shift} mm and {turn} degrees off the first one: it was registered."
        return np.array(registered["matrix_ras_mm"]), [Finding(Severity.NOTE, FindingCode.MOVED, "", says, LOOK)]
    says = f"Study {number} could not be registered to the first one: its lesions are matched as they lie."
    return np.eye(4), [Finding(Severity.WARNING, FindingCode.NOT_REGISTERED, "", says, LOOK)]


def _other_weights(studies: Sequence[Study]) -> list[Finding]:
    hashes = {study.case.record.get("weights", {}).get("sha256") for study in studies}
    if len(hashes) == 1:
        return []
    says = "The studies were segmented with different networks: a change may be the network's."
    return [Finding(Severity.WARNING, FindingCode.LOOKS_LIKE_ANOTHER, "", says, "Segment all of them with the same weights.")]
