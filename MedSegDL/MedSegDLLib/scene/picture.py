"""Pictures of a result: three planes with the segments drawn in, a view of their surfaces, a legend with the volumes.
Surfaces are ray-cast in numpy: no OpenGL, no display, no graphics driver. Needs torch (for the resampling) besides vtk.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..geometry.image import Grid, Image
from ..geometry.resample import resample
from ..result import MM3_PER_ML, Result
from ..tasks import Task
from .canvas import Canvas, Color

PANEL = 440  # pixels
MARGIN = 12
FILL, GLASS = 0.28, 0.42
VIEW_PIXELS = 180  # of the ray-cast view, enlarged to the panel
SURFACE_AT = 0.35  # of the smoothed mask: below one half, so that thin rims do not vanish
SHADOW_FROM = 0.02  # grey from which a voxel counts as the body
LIGHT = np.array([-0.45, -0.65, -0.61])  # from the upper left behind the viewer, in (right, down, away)

# (right on screen, down on screen) in RAS; the three planes as radiologists expect them.
OBLIQUE = ((-0.88, -0.47, 0), (-0.14, 0.27, -0.95))
PLANES = {"axial": ((-1, 0, 0), (0, -1, 0)), "coronal": ((-1, 0, 0), (0, 0, -1)), "sagittal": ((0, -1, 0), (0, 0, -1))}


@dataclass(frozen=True)
class Overlay:
    """One segment to draw.

    Attributes:
        label: for the legend.
        color: red, green, blue in 0..1.
        mask: (K, J, I), on the image's grid.
        glass: whether something to be seen lies inside it.
    """

    label: str
    color: Color
    mask: np.ndarray
    glass: bool = False


def overlays(masks: dict[str, np.ndarray], task: Task, voxel_volume_mm3: float, count: int | None = None) -> list[Overlay]:
    """What to draw for the regions of a task: colours, and volumes (or the number of objects) in the legend."""
    holders = {region.inside for region in task.regions}
    drawn = []
    for region in task.regions:
        if region.key in masks:
            size = f"{np.count_nonzero(masks[region.key]) * voxel_volume_mm3 / MM3_PER_ML:.1f} mL" if count is None else str(count)
            drawn.append(Overlay(f"{region.label}  {size}", region.color, masks[region.key], region.key in holders))
    return drawn


def overlays_of(result: Result) -> list[Overlay]:
    """What to draw for a result."""
    count = None if result.instances is None else int(np.unique(result.instances).size - 1)
    return overlays(result.masks, result.task, result.grid.voxel_volume_mm3, count)


def overlay_png(
    image: Image, drawn: Sequence[Overlay], path: str | os.PathLike, title: str = "", center: Sequence[float] | None = None
) -> None:
    """Draw segments over their image: axial, coronal, sagittal and a view of the surfaces; one panel for a picture of one slice.

    Args:
        image: (K, J, I) or with colours.
        drawn: outermost first, on the image's grid.
        path: PNG file.
        title: first line.
        center: RAS mm where the planes cross; the middle of the first segment's fullest slices where None.

    Raises:
        InputRefused: the file cannot be written.
    """
    shown = image.with_array(_window(image, drawn))
    place = np.asarray(_center(image, drawn) if center is None else center, dtype=np.float64)
    if image.array.shape[0] == 1:
        panels = [("", plane_picture(shown, drawn, "axial", place))]
    else:
        panels = [(name, plane_picture(shown, drawn, name, place)) for name in PLANES]
        panels.append(("surfaces", surface_picture(shown, drawn)))
    _compose(panels, drawn, title).save(path)


def render_result(volume_node: Any, segmentation_node: Any, task: Task, path: str | os.PathLike) -> None:
    """Picture of a segmentation node over its reference volume, with the volumes that its table shows.

    Args:
        volume_node: the reference.
        segmentation_node: holds segments of `task`.
        path: PNG file.
    """
    from .segmentation import segment_mask, task_segments
    from .volumes import image_from_node

    image = image_from_node(volume_node)
    masks = {r.key: segment_mask(segmentation_node, r.key, image.grid.shape) for r in task_segments(segmentation_node, task)}
    overlay_png(image, overlays(masks, task, image.grid.voxel_volume_mm3), path, f"{task.title}: {volume_node.GetName()}")


def plane_picture(shown: Image, drawn: Sequence[Overlay], plane: str, center: np.ndarray) -> np.ndarray:
    """One plane of the world through `center` with fills and outlines, (PANEL, PANEL, 3) in 0..1.

    Args:
        shown: the image with its values brought to 0..1.
        drawn: outermost first.
        plane: key of `PLANES`.
        center: (3,) RAS mm.
    """
    axes = _screen_axes(*PLANES[plane])
    grid = _view_grid(shown.grid, axes, PANEL, depth_mm=float(axes[:, 2] @ center))
    picture = _colors(shown, grid)
    for overlay in drawn:
        inside = _sampled(overlay.mask, shown.grid, grid)[0] > 0.5
        picture[inside] += (np.float32(overlay.color) - picture[inside]) * FILL
        picture[_outline(inside)] = overlay.color
    return picture


def surface_picture(shown: Image, drawn: Sequence[Overlay]) -> np.ndarray:
    """The segments' surfaces from the front, left and above, before a faint projection of the image: (PANEL, PANEL, 3) in 0..1."""
    box = _bounds(shown.array > SHADOW_FROM if shown.channels == 1 else np.ones(shown.grid.shape, bool))
    grid = _view_grid(shown.grid.cropped(box), _screen_axes(*OBLIQUE), VIEW_PIXELS)
    picture = _shadow(shown, shown.grid.cropped(box))
    seen = [_surface(overlay, shown.grid, grid) for overlay in drawn]
    for picked in _back_to_front([depth for depth, _ in seen]):
        for index, (depth, color) in enumerate(seen):
            here = (picked == index) & np.isfinite(depth)
            picture[here] += (color[here] - picture[here]) * (GLASS if drawn[index].glass else 1.0)
    return _enlarged(picture, PANEL)


def _shadow(shown: Image, part: Grid) -> np.ndarray:
    """Mean along the view, (VIEW_PIXELS, VIEW_PIXELS, 3), from half as many rays and steps, for it is blurred anyway."""
    grid = _view_grid(part, _screen_axes(*OBLIQUE), VIEW_PIXELS // 2)
    mean = _sampled(shown.array if shown.channels == 1 else shown.array.mean(axis=3), shown.grid, grid).mean(axis=0)
    grey = 0.6 * mean / max(float(mean.max()), 1e-6)
    return _enlarged(np.repeat(grey[..., None], 3, axis=2), VIEW_PIXELS)


def _screen_axes(right: Sequence[float], down: Sequence[float]) -> np.ndarray:
    """Unit vectors to the right, down and away from the viewer as the columns of (3, 3)."""
    away = np.cross(right, down)
    axes = np.stack([right, np.cross(away, right), away], axis=1).astype(np.float64)
    return axes / np.linalg.norm(axes, axis=0)


def _view_grid(source: Grid, axes: np.ndarray, side: int, depth_mm: float | None = None) -> Grid:
    """Cubic voxels along the screen's axes, `side` x `side` of them holding all of the source; one layer at a depth, or all layers."""
    placed = source.corners() @ axes
    extent = np.ptp(placed, axis=0) + source.spacing_mm.max()
    spacing_mm = extent[:2].max() / side
    middle = (placed.min(axis=0) + placed.max(axis=0)) / 2
    layers = 1 if depth_mm is not None else int(np.ceil(extent[2] / spacing_mm))
    middle[2] = middle[2] if depth_mm is None else depth_mm
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing_mm
    affine[:3, 3] = axes @ (middle - spacing_mm * (np.array([side, side, layers]) - 1) / 2)
    return Grid((layers, side, side), affine)


def _sampled(array: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    values = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    return resample(values, source, target).numpy()


def _window(image: Image, drawn: Sequence[Overlay]) -> np.ndarray:
    """Values to 0..1: colours as they are, grey so that contrast is best about the segments."""
    array = np.nan_to_num(image.array.astype(np.float32))
    if image.channels > 1:
        return array[..., :3] / (255.0 if image.array.dtype == np.uint8 else max(float(array.max()), 1e-6))
    union = sum((overlay.mask > 0 for overlay in drawn), np.zeros(image.grid.shape, bool))
    low, high = _true_black(array, union) if array.min() >= 0 else _about(array[union] if union.any() else array[array > array.min()])
    return ((array - low) / max(high - low, 1e-6)).clip(0, 1)


def _true_black(array: np.ndarray, union: np.ndarray) -> tuple[float, float]:
    """Window of MR and microscopy: from 0 to nearly the brightest around the segments."""
    around = array[_bounds(union)] if array.shape[0] > 1 else array
    return 0.0, _percentiles(around[around > 0], 0, 99.8)[1]


def _about(values: np.ndarray) -> tuple[float, float]:
    """Window of CT: wide enough that what borders on the segments is not clipped."""
    low, high = _percentiles(values, 1, 99)
    return low - 1.5 * (high - low), high + 1.5 * (high - low)


def _percentiles(values: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Of some 200,000 of the values; 0 and 1 where there are none."""
    return tuple(np.percentile(values[:: max(1, values.size // 200_000)], (low, high))) if values.size else (0.0, 1.0)


def _bounds(mask: np.ndarray) -> tuple[slice, slice, slice]:
    """Smallest box around what is true; the whole array where nothing is."""
    box = []
    for axis, size in enumerate(mask.shape):
        rows = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(int(rows[0]), int(rows[-1]) + 1) if rows.size else slice(0, size))
    return tuple(box)


def _colors(shown: Image, grid: Grid) -> np.ndarray:
    """The image on one plane as (H, W, 3)."""
    channels = shown.array[..., None] if shown.channels == 1 else shown.array
    planes = [_sampled(channels[..., channel], shown.grid, grid)[0] for channel in range(channels.shape[3])]
    return np.stack(planes if len(planes) == 3 else planes[:1] * 3, axis=2)


def _outline(inside: np.ndarray) -> np.ndarray:
    """Pixels of a mask within two pixels of its border."""
    solid = torch.from_numpy(inside.astype(np.float32))[None, None]
    return inside & (-functional.max_pool2d(-solid, 3, stride=1, padding=1)[0, 0].numpy() < 0.5)


def _surface(overlay: Overlay, source: Grid, view: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Depth (inf where nothing is) and shaded colour of the first surface that each ray along axis 0 meets: (H, W), (H, W, 3)."""
    depth = np.full(view.shape[1:], np.inf)
    color = np.zeros((*view.shape[1:], 3), np.float32)
    if overlay.mask.any():
        part = _part_of_view(source.cropped(_bounds(overlay.mask)), view)
        field = _smoothed(_sampled(overlay.mask, source, view.cropped(part)))
        inside = field > SURFACE_AT
        first = inside.argmax(axis=0)
        depth[part[1:]] = np.where(inside.any(axis=0), first + part[0].start, np.inf)
        color[part[1:]] = _shaded(field, first, overlay.color)
    return depth, color


def _part_of_view(source: Grid, view: Grid) -> tuple[slice, slice, slice]:
    """The voxels of the view that a grid can reach, with a margin for smoothing."""
    corners = np.c_[source.corners(), np.ones(8)] @ np.linalg.inv(view.affine).T
    reach = 3 + source.spacing_mm.max() / view.spacing_mm[0]
    low, high = np.floor(corners.min(axis=0) - reach), np.ceil(corners.max(axis=0) + reach)
    return tuple(slice(int(max(low[a], 0)), int(min(high[a] + 1, n))) for a, n in zip((2, 1, 0), view.shape))


def _smoothed(mask: np.ndarray) -> np.ndarray:
    """Without the steps between voxels."""
    field = torch.from_numpy(mask)[None, None]
    for _ in range(2):
        field = functional.avg_pool3d(field, 3, stride=1, padding=1)
    return field[0, 0].numpy()


def _shaded(field: np.ndarray, first: np.ndarray, color: Color) -> np.ndarray:
    """Colour of the surface at depth `first` under one lamp, with a little gloss: (H, W, 3)."""
    rows, columns = np.indices(first.shape)
    slopes = np.stack([slope[first, rows, columns] for slope in np.gradient(field)[::-1]], axis=-1)
    normals = -slopes / np.maximum(np.linalg.norm(slopes, axis=-1, keepdims=True), 1e-6)
    facing = np.clip(normals @ (LIGHT / np.linalg.norm(LIGHT)), 0, 1)[..., None]
    return (np.float32(color) * (0.30 + 0.70 * facing) + 0.25 * facing**24).clip(0, 1)


def _back_to_front(depths: list[np.ndarray]) -> np.ndarray:
    """For each pass, the index of the surface to paint at each pixel: (passes, H, W), the farthest first."""
    return np.argsort(np.stack(depths), axis=0, kind="stable")[::-1] if depths else np.zeros((0, 1, 1), np.int64)


def _enlarged(picture: np.ndarray, side: int) -> np.ndarray:
    values = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    return functional.interpolate(values, (side, side), mode="bilinear", align_corners=False)[0].permute(1, 2, 0).numpy()


def _center(image: Image, drawn: Sequence[Overlay]) -> np.ndarray:
    """RAS mm of the fullest slice along each axis of the first segment that is not empty; the middle of the image without one."""
    mask = next((overlay.mask for overlay in drawn if overlay.mask.any()), None)
    if mask is None:
        return image.grid.corners().mean(axis=0)
    fullest = [int(mask.sum(axis=tuple(a for a in range(3) if a != axis), dtype=np.int64).argmax()) for axis in (2, 1, 0)]
    return (image.affine @ np.array([*fullest, 1.0]))[:3]


def _compose(panels: Sequence[tuple[str, np.ndarray]], drawn: Sequence[Overlay], title: str) -> Canvas:
    """Panels in a row, title above, legend below."""
    top = 40 if title else MARGIN
    canvas = Canvas(top + PANEL + 58, MARGIN + len(panels) * (PANEL + MARGIN))
    if title:
        canvas.write(title, 10, MARGIN, size=15)
    for column, (name, picture) in enumerate(panels):
        left = MARGIN + column * (PANEL + MARGIN)
        canvas.paste(picture, top, left)
        if name:
            canvas.write(name, top + 6, left + 8, size=11)
    left, line = MARGIN, top + PANEL + 14
    for overlay in drawn:
        canvas.box(line + 3, left, 14, overlay.color)
        left += 22 + canvas.write(overlay.label, line, left + 22) + 26
    canvas.write("Research software, not a medical device", line + 22, MARGIN, size=10, color=(0.55, 0.58, 0.63))
    return canvas
