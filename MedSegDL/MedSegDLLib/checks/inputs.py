"""The input check: everything that can be wrong with a set of images, found before anything runs, each with a remedy.

numpy only. One image by itself is looked at in `image_checks`; here is what concerns the set: which are given, where they lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from ..geometry.image import Grid, Image
from ..options import MASK_KEY
from ..tasks import Modality, Task
from .contrasts import exchanged, mirrored, ranks_of, twins
from .coverage import LEAST_MISSING, missing_shares
from .findings import Finding, FindingCode, Severity
from .modality_guess import Candidate, contradiction
from .one_image import Subject, check_image

__all__ = ["Finding", "FindingCode", "Severity", "check"]

LITTLE_OVERLAP = 0.5  # of the smaller volume
PROBES = 16  # points an axis by which an overlap is measured
EXCHANGE_REMEDY = "Make sure that every image is what it was chosen for."
OTHER_OR_NONE = "Choose another image for one of them, or leave it out."
SAME_STEP = 7919  # every so-manieth voxel is compared to find an image that was given twice (a prime: it meets all columns)


def check(images: dict[str, Image], task: Task) -> list[Finding]:
    """What is wrong or worth knowing about the input of a run, errors first.

    Args:
        images: input key -> Image, as read; a brain mask among them (`MASK_KEY`) is none, and passed over.
        task: what they are to be used for.

    Returns:
        findings; the run must not start while one of them is an ERROR.
    """
    inputs = {entry.key: entry for entry in task.inputs}
    images = {key: image for key, image in images.items() if key != MASK_KEY or not task.skull_stripped}
    subjects = [Subject(inputs[key], images[key], task) for key in _in_order(task) if key in images]
    findings = [*_which(images, task), *(finding for subject in subjects for finding in check_image(subject))]
    unusable = {finding.input for finding in findings if finding.severity is Severity.ERROR}
    usable = [subject for subject in subjects if subject.input.key not in unusable]
    findings += [finding for subject in usable for finding in _chosen(subject)]
    findings += [*_together(usable), *_contrasts(usable)]
    return sorted(findings, key=lambda finding: list(Severity).index(finding.severity))


def _in_order(task: Task) -> list[str]:
    """Input keys, the one that lends its grid first."""
    return sorted((entry.key for entry in task.inputs), key=task.reference_order.index)


def _which(images: dict[str, Image], task: Task) -> Iterator[Finding]:
    """Inputs that the task does not know, and those that are not there."""
    titles = {entry.key: entry.title for entry in task.inputs}
    for key in sorted(images.keys() - titles.keys()):
        says = f"'{key}' is no input of {task.title}."
        yield Finding(Severity.ERROR, FindingCode.UNKNOWN_INPUT, key, says, f"Its inputs are: {', '.join(titles)}.")
    if not images.keys() & titles.keys():
        says = f"No image was given for {task.title}."
        yield Finding(Severity.ERROR, FindingCode.NO_INPUT, "", says, f"Give at least one of: {', '.join(titles.values())}.")
        return
    for key in (key for key in titles if key not in images):
        says = f"{titles[key]} is missing: the segmentation is less accurate without it."
        yield Finding(Severity.WARNING, FindingCode.MISSING, key, says, f"Give the {titles[key]} image too if there is one.")


def _chosen(subject: Subject) -> Iterator[Finding]:
    """Whether name and header say that the image is another than it was chosen for."""
    against = contradiction(Candidate(subject.image.name, subject.image.tags), subject.input.key, subject.task)
    if against:
        title, reason = against
        yield subject.warning(FindingCode.LOOKS_LIKE_ANOTHER, f"looks like {_article(title)}: {reason}.", EXCHANGE_REMEDY)


def _article(title: str) -> str:
    return title if title.startswith("none") else f"a {title}"


def _contrasts(subjects: list[Subject]) -> Iterator[Finding]:
    """Whether the intensities say that two images were exchanged, or that one is mirrored."""
    by_key = {subject.input.key: subject for subject in subjects}
    ranks = ranks_of({key: subject.image for key, subject in by_key.items() if subject.image.channels == 1})
    pairs = exchanged(ranks)
    if pairs:
        one, two = (by_key[key] for key in pairs[0])
        others = "".join(f", or {by_key[a].input.title} and {by_key[b].input.title}" for a, b in pairs[1:])
        says = f"and {two.name} seem to be exchanged{others}: what is brightest in the FLAIR is dark in the T2."
        yield one.warning(FindingCode.EXCHANGED, says, f"{EXCHANGE_REMEDY} Left must be left in all of them.")
        return
    for key, other in _odd_ones(mirrored(ranks)):
        says = f"shows on the left what {by_key[other].name} shows on the right: one of them seems to be mirrored."
        yield by_key[key].warning(FindingCode.MIRRORED, says, "Check left and right in both, and convert the wrong one anew.")


def _odd_ones(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One pair for each image that is at odds, the one with most contradictions first in it."""
    counts = Counter(key for pair in pairs for key in pair)
    if not pairs:
        return []
    odd = max(counts, key=lambda key: counts[key])
    return [(odd, next(key for key in pair if key != odd)) for pair in pairs if odd in pair][:1]


def _together(subjects: list[Subject]) -> Iterator[Finding]:
    """How the images lie to one another, and whether one was given twice; the first is the reference."""
    for number, subject in enumerate(subjects):
        twin = next((earlier for earlier in subjects[:number] if _same_voxels(earlier.image.array, subject.image.array)), None)
        if twin:
            says = f"is the same image as {twin.name}."
            yield subject.warning(FindingCode.SAME_IMAGE, says, OTHER_OR_NONE)
        if number:
            yield from _against(subject, subjects[0])
    heads = {subject.input.key: subject for subject in subjects if subject.input.modality is Modality.MR}
    for one, two in twins({key: subject.image for key, subject in heads.items()}):
        if not _same_voxels(heads[one].image.array, heads[two].image.array):
            says = f"shows the same as {heads[one].name}, in other numbers or stored another way round."
            yield heads[two].warning(FindingCode.SAME_IMAGE, says, OTHER_OR_NONE)
    yield from _cut_off(list(heads.values()))


def _against(subject: Subject, reference: Subject) -> Iterator[Finding]:
    """Overlap and grid of one image against the reference."""
    grid, other = subject.image.grid, reference.image.grid
    share = overlap(grid, other)
    if share == 0:
        apart = np.linalg.norm(grid.corners().mean(axis=0) - other.corners().mean(axis=0))
        says = f"and {reference.name} do not overlap in space: their centres are {apart:.0f} mm apart."
        yield subject.error(FindingCode.NO_OVERLAP, says, "Give images of one patient and examination, registered to each other.")
    elif share < LITTLE_OVERLAP:
        says = f"and {reference.name} overlap by only {share:.0%} of the smaller."
        yield subject.warning(FindingCode.LITTLE_OVERLAP, says, "Check that they show the same part of the body and are registered.")
    if share and not grid.same_as(other):
        says = f"lies on another grid than {reference.name} and is resampled to it."
        yield subject.note(FindingCode.GRIDS_DIFFER, says, "Nothing need be done if they are of one examination; else register them first.")


def _cut_off(subjects: list[Subject]) -> Iterator[Finding]:
    """Images that do not show a part of the head that the others show."""
    shares = missing_shares({subject.input.key: subject.image for subject in subjects})
    for subject in subjects:
        share = shares.get(subject.input.key, 0.0)
        if share > LEAST_MISSING:
            says = f"does not show {share:.0%} of what the other images show: its field of view is cut off, or it does not lie on them."
            yield subject.warning(FindingCode.CUT_OFF, says, "Give an image of the whole head; there the others alone are used.")


def overlap(one: Grid, two: Grid) -> float:
    """Share of the smaller grid's box that lies within the other's, measured by probes: 0..1."""
    small, large = sorted((one, two), key=lambda grid: np.prod(grid.shape) * grid.voxel_volume_mm3)
    axes = [(np.arange(PROBES) + 0.5) / PROBES * n - 0.5 for n in small.shape[::-1]]
    points = np.stack([*np.meshgrid(*axes, indexing="ij"), np.ones((PROBES,) * 3)], axis=-1).reshape(-1, 4)
    ijk = (points @ (np.linalg.inv(large.affine) @ small.affine).T)[:, :3]
    inside = (ijk >= -0.5) & (ijk <= np.array(large.shape[::-1]) - 0.5)
    return float(inside.all(axis=1).mean())


def _same_voxels(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two arrays hold the same values, going by some of them first."""
    if one.shape != two.shape:
        return False
    return bool(np.array_equal(one.reshape(-1)[::SAME_STEP], two.reshape(-1)[::SAME_STEP]) and np.array_equal(one, two))
