"""Where in a picture there is something to see, and between which intensities: frames of one value, and large fields with few objects.

A network whose norms look at a whole picture sees few objects in a large field otherwise than those that it was trained on: it is shown the
surroundings of each once more by themselves. numpy and SimpleITK only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..geometry.boxes import NOTHING, Box, is_empty, voxels_of

LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0  # of the intensities of a usual picture, which become 0 and 1
BLOCK = 4  # pixels a side that are averaged before objects are looked for: a nucleus is larger, noise is not
CELL = 32  # blocks a side over which the ground is taken to be even: larger than twice any nucleus
FAR = 6.0  # deviations of the ground's blocks from which a block belongs to an object
MOST_UNEVEN = 0.03  # of a picture's range: noise varies by 0.005; on tissue (0.07) what stands out most is not all that there is
GREYS = 255  # an even ground has a deviation all the same: a grey level of a picture of 8 bits
DEVIATION_OF_MEDIAN = 1.4826  # standard deviation over the median of absolute deviations, of normal noise
MARGIN = 8  # blocks around an object: with them a lone nucleus takes 4 % of what is looked at, as in pictures of the training set
SPARSE_SHARE = 0.25  # of a picture that objects with their surroundings take; above, it is looked at as a whole alone
SATURATED_SHARE = 0.1  # of the objects' pixels may lie beyond the brightest that is told apart: 1 % of a picture that they fill to a tenth


@dataclass(frozen=True)
class Survey:
    """What a picture holds.

    Attributes:
        content: the box within its frame; empty for a picture of one value.
        places: boxes of objects and their surroundings, disjoint, where these are few in a large field; else none.
        low, high: intensities that become 0 and 1.
    """

    content: Box
    places: tuple[Box, ...]
    low: float
    high: float


def survey(array: np.ndarray) -> Survey:
    """Look over a picture: (1, J, I) grey or (1, J, I, C) in colours, finite."""
    content = content_box(array[0])
    if is_empty(content):
        return Survey(NOTHING, (), float(array.flat[0]), float(array.flat[0]))
    inner = array[content]
    dark, bright = objects_in(inner[0] if inner.ndim == 3 else inner[0].mean(axis=-1, dtype=np.float32))
    places = boxes_of(dark | bright, content)
    if not places or sum(voxels_of(place) for place in places) > SPARSE_SHARE * voxels_of(content):
        low, high = np.percentile(inner, (LOW_PERCENT, HIGH_PERCENT))
        return Survey(content, (), float(low), float(high))
    beyond = [min(LOW_PERCENT, 100 * SATURATED_SHARE * float(blocks.mean())) or LOW_PERCENT for blocks in (dark, bright)]
    low, high = np.percentile(inner, (beyond[0], 100 - beyond[1]))
    return Survey(content, places, float(low), float(high))


def content_box(picture: np.ndarray) -> Box:
    """The box of (J, I) or (J, I, C) without the lines of one colour at its four sides, of one slice; `NOTHING` where no line is left."""
    low, high = [0, 0], list(picture.shape[:2])
    turns = 0
    while turns < 2 and low[0] < high[0] and low[1] < high[1]:  # until neither axis loses a line
        for axis in range(2):
            before = low[axis], high[axis]
            lines = picture[low[0] : high[0], low[1] : high[1]].swapaxes(0, axis)
            while low[axis] < high[axis] and _even(lines[low[axis] - before[0]]):
                low[axis] += 1
            while low[axis] < high[axis] and _even(lines[high[axis] - 1 - before[0]]):
                high[axis] -= 1
            turns = turns + 1 if before == (low[axis], high[axis]) else 0
    return (slice(0, 1), *map(slice, low, high)) if turns else NOTHING


def _even(line: np.ndarray) -> bool:
    return bool((line == line[:1]).all())


def objects_in(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of a picture (J, I) that are clearly darker, and clearly brighter, than an even ground: (J / 4, I / 4) bool, rounded up."""
    blocks = _means(grey.astype(np.float32), BLOCK)
    away = blocks - _ground(blocks)
    contrast = float(np.ptp(grey))
    noise = max(DEVIATION_OF_MEDIAN * float(np.median(np.abs(away))), contrast / GREYS)
    even = noise <= MOST_UNEVEN * contrast
    return even & (away < -FAR * noise), even & (away > FAR * noise)


def _means(picture: np.ndarray, side: int) -> np.ndarray:
    """Means over squares of `side` pixels; the last ones of an axis are filled up with the edge."""
    padded = np.pad(picture, [(0, -n % side) for n in picture.shape], mode="edge")
    return padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side).mean(axis=(1, 3))


def _ground(blocks: np.ndarray) -> np.ndarray:
    """What the picture is where no objects are: medians of cells, linear between their centres, for every block."""
    rows, columns = (np.array_split(np.arange(n), max(1, n // CELL)) for n in blocks.shape)
    medians = np.array([[np.median(blocks[np.ix_(down, across)]) for across in columns] for down in rows])
    wide = np.stack([np.interp(np.arange(blocks.shape[1]), [part.mean() for part in columns], line) for line in medians])
    return np.stack([np.interp(np.arange(blocks.shape[0]), [part.mean() for part in rows], line) for line in wide.T], axis=1)


def boxes_of(objects: np.ndarray, content: Box) -> tuple[Box, ...]:
    """Disjoint boxes of one slice, in pixels, around objects (J / 4, I / 4) bool of the content, with a margin."""
    reached = sitk.GetArrayFromImage(sitk.BinaryDilate(sitk.GetImageFromArray(objects.astype(np.uint8)), [MARGIN] * 2, sitk.sitkBox))
    while True:
        boxes = _parts(reached)
        filled = np.zeros_like(reached)
        for box in boxes:
            filled[box] = 1
        if np.array_equal(filled, reached):  # no part has another within its corners any more
            return tuple((slice(0, 1), *map(_in_pixels, box, content[1:])) for box in boxes)
        reached = filled


def _parts(blocks: np.ndarray) -> list[tuple[slice, slice]]:
    """Bounding boxes of the connected parts."""
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(sitk.ConnectedComponent(sitk.GetImageFromArray(blocks), True))
    boxes = [shapes.GetBoundingBox(label) for label in shapes.GetLabels()]
    return [(slice(j, j + height), slice(i, i + width)) for i, j, width, height in boxes]


def _in_pixels(blocks: slice, within: slice) -> slice:
    return slice(within.start + BLOCK * blocks.start, min(within.start + BLOCK * blocks.stop, within.stop))
