"""Whether a result can be right: regions whose input is missing, volumes, places and shapes that no finding has. Nothing is changed here.

The bounds come from experts' label maps (17 brains of BraTS: at most 10 parts, the largest at least 0.95 of the whole, none at the
border) and from results known to be wrong (heads with their skull: 11 to 16 parts, the largest 0.2 to 0.9, at the first and last slice).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..checks.findings import Finding, FindingCode, Severity
from ..geometry.boxes import bounding_box
from ..geometry.image import Grid
from ..result import MM3_PER_ML, MOST_ENLARGED, Result, Segment, pixel_area_um2
from ..tasks import Across, Half, Modality, Plan, Task
from .instances import typical_area

MOST_PARTS = 10
FEWEST_PARTS, LEAST_SHARE = 4, 0.5  # so many parts, of which the largest holds less than this
MOST_OUTSIDE = 0.01  # of a region's voxels
OBJECT_UM = 8.0  # root of the area of a typical nucleus
OFF_MIDDLE = 0.2  # of the deviation from left to right (a body: 18 mm); 13 livers lie 48 to 92 mm off
MOST_TURNED = 1.05  # of the deviations along the two ways; 20 brains measure 1.08 to 1.31 (one that is cut off 0.85), CTs 1.0 to 1.2
PROBES = 128  # along an axis
SLACK = 1.5  # beyond the sizes that are typical of the plan's pixels: the training set's extremes
LETTERS = "Hold the letters (R, L, A, P) at the edges of the views against the anatomy before you use the result."
LOOK = "Look at the result on the images before you use it."


@dataclass(frozen=True)
class Outcome:
    """What is judged.

    Attributes:
        result: masks and grid.
        body: (K, J, I) bool, the head or body that was found in the images.
        peaks: region key -> the network's largest probability.
        plan: its thresholds.
        given: keys of the inputs that were there.
    """

    result: Result
    body: np.ndarray
    peaks: dict[str, float]
    plan: Plan
    given: Collection[str]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Keys of the regions that are empty because nothing can be said of them."""
        return left_out(self.result.task, self.given)

    @property
    def found(self) -> list[Segment]:
        """The regions that are not empty."""
        return [segment for segment in self.result.segments if segment.voxel_count]


Judgement = Callable[[Outcome], Iterator[Finding]]


def left_out(task: Task, given: Collection[str]) -> tuple[str, ...]:
    """Keys of the regions of which nothing can be said: none of the inputs that they need was given."""
    return tuple(region.key for region in task.regions if region.needs and not set(region.needs) & set(given))


def implausible(outcome: Outcome) -> list[Finding]:
    """Findings about a result, in the order of `JUDGEMENTS`; pictures are judged by the first `OF_PICTURES` only."""
    pictures = any(entry.modality is Modality.PICTURE for entry in outcome.result.task.inputs)
    return [finding for judge in (JUDGEMENTS[:OF_PICTURES] if pictures else JUDGEMENTS) for finding in judge(outcome)]


def _without_input(outcome: Outcome) -> Iterator[Finding]:
    """Regions that are left out or doubtful because an input is missing."""
    task = outcome.result.task
    titles = {entry.key: entry.title for entry in task.inputs}
    for region in task.regions:
        for keys, code, says in (
            (region.needs, FindingCode.REGION_LEFT_OUT, "{} cannot be seen without {}, so it is left empty."),
            (region.doubtful_without, FindingCode.REGION_DOUBTFUL, "{} is doubtful without {}."),
        ):
            if keys and not set(keys) & set(outcome.given):
                wanted = " or ".join(titles[key] for key in keys)
                yield Finding(Severity.WARNING, code, keys[0], says.format(region.title, wanted), f"Give {wanted} too if there is one.")


def _nothing(outcome: Outcome) -> Iterator[Finding]:
    """Regions of which no voxel was found, with how near the network came."""
    for segment in outcome.result.segments:
        region = segment.region
        if segment.voxel_count or region.key in outcome.left_out:
            continue
        severity = Severity.WARNING if region.inside is None else Severity.NOTE
        peak, threshold = outcome.peaks[region.key], outcome.plan.threshold_of(region)
        says = f"Nothing was found of {region.title}: its largest probability is {peak:.2f}, and {threshold:g} is needed."
        if peak >= threshold:
            says = f"Nothing was found of {region.title} but parts that are too small or outside of what contains it."
        remedy = "Check that the inputs are what they were chosen for." if region.inside is None else "There may be none."
        yield Finding(severity, FindingCode.NOTHING_FOUND, "", says, remedy)


def _pixels(outcome: Outcome) -> Iterator[Finding]:
    """Pictures whose pixels are not those that the network knows: resampled, too coarse, or not known and objects of another size."""
    if outcome.plan.pixel_um is None:
        return
    (low, high), area = outcome.plan.pixel_um, pixel_area_um2(outcome.result.grid, outcome.result.task)
    side, wanted = math.sqrt(area or 0), math.sqrt(low * high)
    title = outcome.result.task.regions[0].title
    if side > MOST_ENLARGED * wanted:
        says = f"Pixels of {side:.3g} micrometres are too coarse for {title}: what was found is doubtful."
        yield Finding(Severity.WARNING, FindingCode.SCALE, "", says, "Give a picture of a higher magnification, or the right --pixel-size.")
    elif side and not low <= side <= high:
        says = f"The network saw the picture with pixels of {wanted:.3g} in place of {side:.3g} micrometres; the result has the latter."
        yield Finding(Severity.NOTE, FindingCode.SCALE, "", says, "Give the right --pixel-size if the picture's own is wrong.")
    elif not side and outcome.result.instances is not None:
        across = math.sqrt(typical_area(outcome.result.instances))
        if across and not OBJECT_UM / high / SLACK <= across <= OBJECT_UM / low * SLACK:
            known = f"{OBJECT_UM / high:.0f} to {OBJECT_UM / low:.0f}"
            says = f"{title} measure about {across:.0f} pixels a side, and the network knows those of {known}: what was found is doubtful."
            yield Finding(Severity.WARNING, FindingCode.SCALE, "", says, "Give the side of a pixel in micrometres (--pixel-size).")


def _volume(outcome: Outcome) -> Iterator[Finding]:
    body = np.count_nonzero(outcome.body)
    for segment in outcome.found:
        share = segment.voxel_count / body if body else 0.0
        if segment.region.inside is None and share > segment.region.most_share:
            says = f"{segment.region.title} takes {share:.0%} of all that the images show: that is more than can be."
            yield Finding(Severity.WARNING, FindingCode.IMPLAUSIBLE_VOLUME, "", says, LOOK)


def _place(outcome: Outcome) -> Iterator[Finding]:
    for segment in outcome.found:
        box = bounding_box(segment.mask)
        outside = np.count_nonzero(segment.mask[box] > outcome.body[box]) / segment.voxel_count
        if outside > MOST_OUTSIDE:
            says = f"{outside:.0%} of {segment.region.title} lies outside of what the images show."
            yield Finding(Severity.WARNING, FindingCode.OUTSIDE_THE_BODY, "", says, LOOK)


def _orientation(outcome: Outcome) -> Iterator[Finding]:
    """Sides exchanged, or front and side: organs lie in their half, and heads and bodies are longer one way across than the other."""
    task, body = outcome.result.task, _places(outcome.body, outcome.result.grid)
    if not len(body):
        return
    middle, (across, deep, _) = body.mean(axis=0), body.std(axis=0)
    for segment in outcome.found:
        half, places = segment.region.half, _places(segment.mask, outcome.result.grid)
        if half is None or not len(places):
            continue
        right = places[:, 0].mean() - middle[0]
        if half is Half.RIGHT and right < -OFF_MIDDLE * across:
            says = f"{segment.region.title} lies in the left half of the body: the header may exchange left and right."
            yield Finding(Severity.WARNING, FindingCode.ORIENTATION, "", says, LETTERS)
        elif half is Half.LEFT and right > OFF_MIDDLE * across:
            says = f"{segment.region.title} lies in the right half of the body: the header may exchange left and right."
            yield Finding(Severity.WARNING, FindingCode.ORIENTATION, "", says, LETTERS)
    if task.longer is Across.FRONT_BACK and across > MOST_TURNED * deep:
        says = "What the images show is longer from left to right than from front to back: it is cut off, or its header exchanges axes."
        yield Finding(Severity.WARNING, FindingCode.ORIENTATION, "", says, LETTERS)
    elif task.longer is Across.LEFT_RIGHT and deep > MOST_TURNED * across:
        says = "What the images show is longer from front to back than from left to right: it is cut off, or its header exchanges axes."
        yield Finding(Severity.WARNING, FindingCode.ORIENTATION, "", says, LETTERS)


def _places(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """Where the voxels of a mask lie, or every so many of a large one: (n, 3) mm along R, A, S."""
    steps = [max(1, length // PROBES) for length in mask.shape]
    indices = np.argwhere(mask[tuple(slice(step // 2, None, step) for step in steps)]) * steps + [step // 2 for step in steps]
    return indices[:, ::-1] @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def _border(outcome: Outcome) -> Iterator[Finding]:
    touching = [segment.region.title for segment in outcome.found if _at_border(segment.mask)]
    if touching:
        says = (
            f"{_listed(touching)} reach{'es' if len(touching) == 1 else ''} the border of the image: what lies beyond is not in the volume."
        )
        yield Finding(Severity.WARNING, FindingCode.TOUCHES_BORDER, "", says, "Give an image that shows all of it if there is one.")


def _shape(outcome: Outcome) -> Iterator[Finding]:
    several = [segment for segment in outcome.found if not segment.region.largest_only]
    parts = {segment.region.title: (_parts(segment.mask), _left_beside(outcome, segment)) for segment in several}
    scattered = [title for title, (sizes, more) in parts.items() if _is_scattered(sizes, more)]
    if scattered:
        counts = " and ".join(f"{len(parts[title][0]) + parts[title][1]}" for title in scattered)
        says = f"{_listed(scattered)} {'is' if len(scattered) == 1 else 'are'} scattered in {counts} parts."
        yield Finding(Severity.WARNING, FindingCode.SCATTERED, "", says, LOOK)


def _small_parts(outcome: Outcome) -> Iterator[Finding]:
    """Parts that are left out because another is much larger: seldom a second tumour, mostly something bright elsewhere."""
    for segment in outcome.found:
        small, region = outcome.result.small_parts.get(segment.region.key), segment.region
        if small is None:
            continue
        together = f"{small.volume_mm3 / MM3_PER_ML:.1f} mL"
        if small.count == 1:
            says = f"A part of {region.title} smaller than {region.smallest_share:.0%} of the largest is left out ({together})."
        else:
            says = (
                f"{small.count} parts of {region.title} smaller than {region.smallest_share:.0%} of the largest are left out ({together})."
            )
        yield Finding(Severity.NOTE, FindingCode.SMALL_PARTS, "", says, "Look whether there is a second, small lesion.")


def _left_beside(outcome: Outcome, segment: Segment) -> int:
    """Parts of a region that were found and left out for their share."""
    small = outcome.result.small_parts.get(segment.region.key)
    return small.count if small else 0


def _is_scattered(sizes: np.ndarray, left_out: int) -> bool:
    return len(sizes) + left_out > MOST_PARTS or (len(sizes) >= FEWEST_PARTS and sizes.max() < LEAST_SHARE * sizes.sum())


def _at_border(mask: np.ndarray) -> bool:
    """Whether a mask (K, J, I) reaches one of the six faces."""
    return any(mask.take(index, axis=axis).any() for axis in range(3) for index in (0, -1))


def _parts(mask: np.ndarray) -> np.ndarray:
    """Voxels of every connected part (corners count as touching): (n,)."""
    inner = np.ascontiguousarray(mask[bounding_box(mask)])
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(inner), True))
    return np.bincount(labels.reshape(-1))[1:]


def _listed(titles: list[str]) -> str:
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


JUDGEMENTS: tuple[Judgement, ...] = (_without_input, _nothing, _pixels, _volume, _place, _orientation, _border, _shape, _small_parts)
OF_PICTURES = 3  # the first judgements, which need no body and no volume
