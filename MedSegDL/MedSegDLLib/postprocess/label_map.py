"""From a network's outputs to one label map on the image's own grid, while the outputs are made: plane after plane, then forgotten.

For networks whose outputs exclude one another or are painted over each other; what is interpolated are the outputs themselves, as
nnU-Net does it (`convert_predicted_logits_to_segmentation_with_correct_shape`), not probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import SimpleITK as sitk
import torch
import torch.nn.functional as F
from torch import Tensor

from ..preprocess.resize import Axis, Resizer

Deciding = Callable[[Tensor], Tensor]


def largest(values: tuple[int, ...]) -> Deciding:
    """The label of the largest of the outputs, the first of equal ones: (R, ...) -> (...) int32."""
    table = torch.tensor(values, dtype=torch.int32)

    def decide(outputs: Tensor) -> Tensor:
        best, label = outputs[0].clone(), torch.full(outputs.shape[1:], values[0], dtype=torch.int32, device=outputs.device)
        for output, value in zip(outputs[1:], table[1:].tolist()):
            label.masked_fill_(output > best, value)
            torch.maximum(best, output, out=best)
        return label

    return decide


def painted(values: tuple[int, ...]) -> Deciding:
    """Each output paints its label where its sigmoid exceeds 0.5, one after the other; 0 where none does."""

    def decide(outputs: Tensor) -> Tensor:
        label = torch.zeros(outputs.shape[1:], dtype=torch.int32, device=outputs.device)
        for output, value in zip(outputs, values):
            label.masked_fill_(torch.sigmoid(output) > 0.5, value)
        return label

    return decide


def over_half(outputs: Tensor) -> Tensor:
    """Probabilities of 0.5 or more, each output for itself: (R, ...) -> (R, ...) bool."""
    return outputs >= 0.5


def largest_parts(mask: np.ndarray, count: int) -> np.ndarray:
    """The so many largest connected parts of a mask (K, J, I), touching by corners too: uint8."""
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask), True))
    sizes = np.bincount(parts.reshape(-1))
    sizes[0] = 0
    kept = np.zeros(sizes.size, dtype=np.uint8)
    kept[np.argsort(sizes)[::-1][:count]] = 1
    return kept[parts] * (mask != 0)


def on_grid(planes: Iterable[tuple[int, Tensor]], way: Resizer, shape: tuple[int, ...]) -> Iterator[tuple[int, Tensor]]:
    """Outputs of single planes (R, S1, S2) on the wanted grid, in order, with their numbers."""
    if way.by_neighbours:
        yield from _rolling(planes, way, shape)
        return
    whole = torch.cat([part.clone() for _, part in planes], dim=1)
    resized = torch.stack([_everywhere(output, way) for output in whole])
    yield from enumerate(resized.unbind(1))


def _rolling(planes: Iterable[tuple[int, Tensor]], way: Resizer, shape: tuple[int, ...]) -> Iterator[tuple[int, Tensor]]:
    """With two neighbouring planes at a time."""
    lower, upper, share = _neighbours(way.axes[0], shape[0])
    held: dict[int, Tensor] = {}
    number = 0
    for start, part in planes:
        held |= {start + n: part[:, n] for n in range(part.shape[1])}
        last = start + part.shape[1] - 1
        while number < shape[0] and upper[number] <= last:
            below, above = held[lower[number]], held[upper[number]]
            one = below if share[number] == 0 else torch.lerp(below, above, share[number])
            yield number, _in_plane(one, way, shape[1:])
            number += 1
        needed = lower[number] if number < shape[0] else last + 1
        held = {n: plane.clone() if n >= start else plane for n, plane in held.items() if n >= needed}


def _neighbours(axis: Axis | None, count: int) -> tuple[list[int], list[int], list[float]]:
    if axis is None:
        return list(range(count)), list(range(count)), [0.0] * count
    lower = axis.lower.tolist()
    return (lower, lower, [0.0] * count) if axis.upper is None else (lower, axis.upper.tolist(), axis.share.tolist())


def _in_plane(outputs: Tensor, way: Resizer, shape: tuple[int, ...]) -> Tensor:
    rows, columns = way.axes[1:]
    if rows is None and columns is None:
        return outputs
    if way.by_edges and all(axis is None or axis.upper is not None for axis in (rows, columns)):
        return F.interpolate(outputs[None], shape, mode="bilinear", align_corners=False)[0]
    outputs = outputs if rows is None else rows.applied(outputs, 1)
    return outputs if columns is None else columns.applied(outputs, 2)


def _everywhere(output: Tensor, way: Resizer) -> Tensor:
    """One output (S0, S1, S2) by splines of a higher order."""
    others = tuple(axis for axis in range(3) if axis != way.across) if way.across is not None else (0, 1, 2)
    ends = output.amin(others, keepdim=True), output.amax(others, keepdim=True)
    for axis in others:
        output = output if way.axes[axis] is None else way.axes[axis].applied(output, axis)
    if way.clipped:
        output = torch.minimum(torch.maximum(output, ends[0]), ends[1])
    if way.across is not None and way.axes[way.across] is not None:
        output = way.axes[way.across].applied(output, way.across)
    return output
