"""Bias-field correction (N4) in torch: a smooth multiplicative field a volume, estimated on a coarse grid, removed at full size.

The algorithm is ITK's, checked against it; only torch and numpy may enter.
Sources: Tustison et al., IEEE TMI 29(6), 2010 (N4); Sled et al., IEEE TMI 17(1), 1998 (histogram sharpening).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from ..checks.intensities import looks_normalised
from ..errors import InputRefused, UsageError
from ..geometry.boxes import bounding_box
from ..geometry.image import Image
from ..geometry.resample import knows_float64
from ..network.device import full_precision
from ..progress import Progress
from . import bspline
from .foreground import head_mask
from .sharpening import Histogram, Sharpener

Box = tuple[slice, slice, slice]

SHRUNK_SPACING_MM = 4.0  # finer costs time and changes the field by less than its own error (phantom: 0.0126 against 0.0132 rms)
LEAST_SAMPLES = 4  # an axis that has as many is never shrunk below it: one cubic span
LEAST_VOXELS = 64  # fewer on the coarse grid cannot fill a lattice of 4x4x4: the full grid is used then
PLANES = 16  # evaluated at a time at full size: few enough for the caches, enough for two threads to share
CHECK_EVERY = 5  # iterations between two looks at the convergence on an accelerator, where each look waits for it


@dataclass(frozen=True)
class N4Options:
    """Settings of the estimate.

    Attributes:
        shrink: every n-th voxel is used along i, j, k; one number for all; None chooses it from the spacing.
        spacing_mm: voxel sides along i, j, k; only the choice of `shrink` reads it.
        iterations: most iterations a level; each level halves the spans of the lattice.
        threshold: a level ends when the field's coefficient of variation falls to this; 0 never ends early.
        control_points: of the first level, an axis.
        bins, fwhm, noise: histogram bins, width of the assumed blur (log intensity), Wiener noise.

    The defaults are the best of the usual settings on real heads with known fields (`python -m bench.bias_truth`, 6 labelled
    brain volumes and a head): white matter's variation falls most (0.0879 to 0.0680), and tumours keep 89 % of their contrast.
    SimpleITK's own settings, four levels of 50 at 1e-3, find the known field better (rms error 0.007 against 0.013), but follow the tumour
    itself, which keeps 57 %; two levels leave a third of the field (0.030).

    Raises:
        UsageError: a setting that means nothing.
    """

    shrink: tuple[int, int, int] | int | None = None
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    iterations: tuple[int, ...] = (50, 40, 30)
    threshold: float = 1e-4
    control_points: int = 4
    bins: int = 200
    fwhm: float = 0.15
    noise: float = 0.01

    def __post_init__(self) -> None:
        shrink = (self.shrink,) * 3 if isinstance(self.shrink, int) else self.shrink
        object.__setattr__(self, "shrink", None if shrink is None else tuple(int(s) for s in shrink))
        object.__setattr__(self, "iterations", tuple(int(n) for n in self.iterations))
        for wrong, message in (
            (shrink is not None and (len(shrink) != 3 or min(shrink) < 1), "The shrink factor is one or three whole numbers from 1."),
            (not self.iterations or min(self.iterations) < 1, "Iterations are whole numbers from 1, one a level."),
            (not self.threshold >= 0, "The convergence threshold is a number from 0."),
            (self.control_points < 4, "A cubic lattice needs four or more control points an axis."),
            (self.bins < 2 or not self.fwhm > 0 or not self.noise > 0, "Bins are two or more, width and noise above 0."),
        ):
            if wrong:
                raise UsageError(message, "Correct the option of the bias correction.")

    def shrink_for(self, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Factors along K, J, I for a grid of that shape; an axis keeps four samples where it has them."""
        chosen = self.shrink or tuple(int(SHRUNK_SPACING_MM / mm + 0.5) for mm in self.spacing_mm)
        return tuple(max(1, min(s, n // LEAST_SAMPLES)) for s, n in zip(chosen[::-1], shape, strict=True))


@dataclass(frozen=True)
class BiasCorrection:
    """What `correct_bias` found.

    Attributes:
        corrected: (M, K, J, I) float32, volumes over exp(field).
        lattices: (M, a, b, c) control points of the log fields.
        iterations: one tuple a volume: iterations done a level.
    """

    corrected: torch.Tensor
    lattices: torch.Tensor
    iterations: tuple[tuple[int, ...], ...]

    @cached_property
    def log_field(self) -> torch.Tensor:
        """(M, K, J, I) float32, natural logarithm, mean 0 over the mask; evaluated when first asked for."""
        return bspline.evaluate(self.lattices, _rows(tuple(self.corrected.shape[1:]), self.lattices))


def correct_bias(
    volumes: torch.Tensor, mask: torch.Tensor, options: N4Options | None = None, progress: Progress | None = None
) -> BiasCorrection:
    """N4 for several volumes on one grid with one mask: a field of its own for each.

    Voxels of the mask that are not finite and positive in a volume are left out of that volume's estimate. A volume that is
    constant within the mask keeps its values (field 0). Each field's mean over the mask is 0, so geometric means are kept.

    Args:
        volumes: (M, K, J, I), any real type, raw intensities (not z-scored); K may be 1.
        mask: (K, J, I) bool, on the same device.
        options: see `N4Options`.
        progress: called with a fraction and a message at least every fifth iteration; what it raises passes through.

    Raises:
        InputRefused: no voxel of the mask is finite and positive in one of the volumes.
    """
    options = options or N4Options()
    report = progress or (lambda fraction, message: None)
    with full_precision(volumes.device):
        lattices, iterations = _fields_of(volumes, mask, options, report)
        corrected = torch.empty(volumes.shape, dtype=torch.float32, device=volumes.device)
        rows = _rows(tuple(mask.shape), lattices)
        for lattice, volume, found in zip(lattices, volumes, corrected):
            lattice -= _mean_of(lattice, volume, mask, rows)  # the weights of a B-spline add to 1: lowers the field by its mean
            _remove(volume, lattice, rows, found)
    report(1.0, "Bias field removed")
    return BiasCorrection(corrected, lattices, iterations)


def _mean_of(lattice: torch.Tensor, volume: torch.Tensor, mask: torch.Tensor, rows: bspline.Matrices) -> torch.Tensor:
    """Mean of a field over the usable mask, a scalar; evaluated within the mask's box only."""
    planes_of, *box = bounding_box(mask)
    planes = bspline.in_plane(lattice[None], *(matrix[span] for matrix, span in zip(rows[1:], box, strict=True)))
    exact = torch.float64 if knows_float64(lattice.device) else torch.float32
    total, count = torch.zeros((2, 1), dtype=exact, device=lattice.device)
    for start in range(planes_of.start, planes_of.stop, PLANES):
        part = slice(start, min(start + PLANES, planes_of.stop))
        field = bspline.stack(planes, rows[0][part])
        usable = _usable(volume[(part, *box)], mask[(part, *box)]).float()
        total += torch.dot(field.flatten(), usable.flatten())
        count += usable.sum()
    return (total / count)[0].to(lattice.dtype)


def _remove(volume: torch.Tensor, lattice: torch.Tensor, rows: bspline.Matrices, corrected: torch.Tensor) -> None:
    """Fill `corrected` (K, J, I) with the volume over its field.

    A few planes at a time, which stay in the processor's cache: half the time of whole volumes, and no memory for the field.
    """
    planes = bspline.in_plane(lattice[None], *rows[1:])
    for start in range(0, len(volume), PLANES):
        part = slice(start, start + PLANES)
        torch.mul(volume[part], bspline.stack(planes, rows[0][part])[0].neg_().exp_(), out=corrected[part])


def _rows(shape: tuple[int, int, int], lattices: torch.Tensor) -> bspline.Matrices:
    """Basis matrices of every voxel of a grid of that shape for lattices (M, a, b, c)."""
    return tuple(bspline.basis(n, c).to(lattices.dtype).to(lattices.device) for n, c in zip(shape, lattices.shape[1:], strict=True))


def _usable(volumes: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Voxels of the mask that have a logarithm: bool. NaN compares false, so it is left out too."""
    return mask & (volumes > 0) & (volumes < math.inf)


def _fields_of(
    volumes: torch.Tensor, mask: torch.Tensor, options: N4Options, report: Progress
) -> tuple[torch.Tensor, tuple[tuple[int, ...], ...]]:
    """Lattices (M, a, b, c) float32 on the volumes' device, and the iterations done a volume and level."""
    coarse, usable = _coarse_grid(volumes, mask, options)
    count = len(volumes)
    # An accelerator is bound by the number of launches: one batch. A CPU gains nothing by it and stops each volume by itself.
    groups = [slice(0, count)] if coarse.device.type != "cpu" else [slice(m, m + 1) for m in range(count)]
    fits = []
    with one_thread():
        for number, group in enumerate(groups):
            message = f"Correcting the bias field ({number + 1} of {len(groups)})" if len(groups) > 1 else "Correcting the bias field"
            fit = _Fit(coarse[group], usable[group], options)
            fit.run(options.iterations, lambda done, n=number, text=message: report((n + done) / (len(groups) + 1), text))
            fits.append(fit)
    lattices = torch.cat([fit.lattices for fit in fits]).to(volumes.device)
    return lattices, tuple(tuple(row) for fit in fits for row in fit.iterations.T.tolist())


@contextmanager
def one_thread() -> Iterator[None]:
    """One CPU thread within: hundreds of small steps, between which threads wait for one another.

    Two threads gain a third on a quiet machine; on a loaded one they took 67 s instead of 1.8 s (2 cores, shrink 4, load 13).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _coarse_grid(volumes: torch.Tensor, mask: torch.Tensor, options: N4Options) -> tuple[torch.Tensor, torch.Tensor]:
    """Every s-th voxel of the volumes (M, k, j, i) float32, and which of them count; the full grid where that leaves too few.

    The estimate needs float64; where the device has none (Apple's) it is made on the CPU, which is quick enough.
    """
    device = volumes.device if knows_float64(volumes.device) else torch.device("cpu")
    for shrink in (options.shrink_for(tuple(mask.shape)), (1, 1, 1)):
        picks = tuple(_picks(n, s) for n, s in zip(mask.shape, shrink, strict=True))
        coarse = volumes[(slice(None), *picks)].to(device, torch.float32)
        usable = _usable(coarse, mask[picks].to(device))
        least = int(usable.flatten(1).sum(dim=1).min())
        if least >= LEAST_VOXELS:
            break
    if least == 0:
        raise InputRefused(
            "The bias correction has nothing to work on: its mask is empty, or every voxel in it is zero, negative or not a number.",
            "Give a mask that covers the head, or switch the bias correction off.",
        )
    return coarse, usable


def _picks(size: int, shrink: int) -> slice:
    """The samples that itk::ShrinkImageFilter keeps of an axis (it averages nothing)."""
    kept = size // shrink
    first = max(0, math.floor((size - 1) / 2 - (kept - 1) * shrink / 2 + 0.5))
    return slice(first, first + (kept - 1) * shrink + 1, shrink)


class _Fit:
    """The estimate on the coarse grid: M log fields as lattices that grow with the levels.

    Only voxels that count in some volume are kept, as rows (M, n); dense arrays span their bounding box, whose basis rows are
    those of the whole coarse grid. Converged volumes are frozen by `active`, so that nothing waits for the device.

    Attributes:
        lattices: (M, a, b, c) float32.
        iterations: (levels, M), done.
    """

    def __init__(self, coarse: torch.Tensor, usable: torch.Tensor, options: N4Options) -> None:
        self._options = options
        self._shape = tuple(coarse.shape[1:])
        self._box = bounding_box(usable.any(dim=0))
        inside = usable[(slice(None), *self._box)]
        self._index = inside.any(dim=0).flatten().nonzero().T.expand(len(coarse), -1)
        self._valid = inside.flatten(1).gather(1, self._index)
        logs = coarse[(slice(None), *self._box)].flatten(1).gather(1, self._index).log_()
        self._logs = torch.where(self._valid, logs, 0.0)
        self._sharpen = Sharpener(self._valid, Histogram(options.bins, options.fwhm, options.noise))
        self._counted = self._valid.float()
        self._weights = inside.float()
        self._residual = torch.zeros_like(self._weights)
        self._fields = torch.zeros_like(self._logs)
        self.lattices = self._logs.new_zeros(len(coarse), *[options.control_points] * 3)
        self.iterations = torch.zeros(0, len(coarse), dtype=torch.long)

    def run(self, iterations: tuple[int, ...], report: Callable[[float], None]) -> None:
        """All levels; `report` gets the fraction done, every fifth iteration."""
        done = 0
        for level, most in enumerate(iterations):
            if level:
                self.lattices = bspline.refine(self.lattices)
            self._start_level()
            self._run_level(most, lambda k, done=done: report((done + k) / sum(iterations)))
            self.iterations = torch.cat([self.iterations, self._done.cpu()[None]])
            done += most

    def _start_level(self) -> None:
        """Matrices and the denominator of the present lattice; they depend on the mask and the level only."""
        rows = [m[s] for m, s in zip(_rows(self._shape, self.lattices.double()), self._box, strict=True)]
        self._basis = tuple(m.to(self.lattices) for m in rows)
        self._numerator = tuple(bspline.wish_numerator(m).to(self.lattices) for m in rows)
        denominator = bspline.contract(self._weights, tuple((m**2).to(self.lattices) for m in rows))
        self._gain = torch.where(denominator > 0, 1 / denominator, 0.0)
        self._active = torch.ones(len(self.lattices), dtype=torch.bool, device=self.lattices.device)
        self._done = torch.zeros(len(self.lattices), dtype=torch.long, device=self.lattices.device)

    def _run_level(self, most: int, report: Callable[[int], None]) -> None:
        """Iterations until every volume has converged."""
        waits = self.lattices.device.type != "cpu"
        for number in range(most):
            if number % CHECK_EVERY == 0:
                report(number)
            if (number % CHECK_EVERY == 0 or not waits) and number and not self._active.any():
                break
            self._iterate()

    def _iterate(self) -> None:
        """One step: sharpen what is left, fit the difference, add it, and see how much the field moved."""
        remaining = self._logs - self._fields
        expected, varied = self._sharpen(remaining)
        self._active &= varied[:, 0]
        self._done += self._active
        self._residual.flatten(1).scatter_(1, self._index, remaining.sub_(expected).mul_(self._counted))
        wish = bspline.contract(self._residual, self._numerator).mul_(self._gain)
        self.lattices = self.lattices + wish.mul_(self._active[:, None, None, None])
        fields = bspline.evaluate(self.lattices, self._basis).flatten(1).gather(1, self._index)
        self._active &= _variation((self._fields - fields).exp_(), self._counted) > self._options.threshold
        self._fields = fields


def _variation(ratio: torch.Tensor, counted: torch.Tensor) -> torch.Tensor:
    """Coefficient of variation of (M, n) values near 1, weights 0 or 1: (M,) float64. ITK adds in float32 and stops later for it."""
    count = counted.sum(dim=1, dtype=torch.float64)
    beside = (ratio - 1).mul_(counted).double()
    mean = beside.sum(dim=1) / count
    squares = torch.linalg.vecdot(beside, beside) - count * mean**2
    return (squares.clamp(min=0) / (count - 1).clamp(min=1)).sqrt() / (1 + mean)


def n4(
    image: Image,
    mask: Image | None = None,
    options: N4Options | None = None,
    progress: Progress | None = None,
    device: torch.device | str = "cpu",
) -> tuple[Image, Image]:
    """Bias correction of one image, as the command `medsegdl n4` gives it.

    Args:
        image: raw intensities, grey.
        mask: on the same grid, above 0 inside; None takes `default_mask`.
        options: `spacing_mm` is replaced by the image's own.
        device: where the field is estimated and removed.

    Returns:
        The corrected image and the log field, both float32.

    Raises:
        InputRefused: a colour picture, a z-scored image, a mask on another grid, or nothing positive in the mask.
    """
    if image.channels > 1:
        raise InputRefused(f"{image.name} is a colour picture; a bias field is estimated on grey values.", "Give one channel.")
    if looks_normalised(image.array):
        raise InputRefused(
            f"{image.name} has negative intensities, as z-scored images have; N4 works on logarithms of raw ones.",
            "Correct the bias before normalising.",
        )
    inside = _mask_array(image, mask)
    options = replace(options or N4Options(), spacing_mm=tuple(float(mm) for mm in image.grid.spacing_mm))
    volume = torch.from_numpy(image.array.astype(np.float32))[None].to(device)
    found = correct_bias(volume, torch.from_numpy(inside).to(device), options, progress)
    return image.with_array(found.corrected[0].cpu().numpy()), image.with_array(found.log_field[0].cpu().numpy())


def _mask_array(image: Image, mask: Image | None) -> np.ndarray:
    """(K, J, I) bool."""
    if mask is None:
        return default_mask(image.array)
    if not mask.grid.same_as(image.grid):
        raise InputRefused(f"The mask {mask.name} is not on the grid of {image.name}.", "Resample the mask to the image.")
    return mask.array > 0


def default_mask(array: np.ndarray) -> np.ndarray:
    """Where to estimate a field in (K, J, I): the head as the pipeline sees it (Otsu's threshold itself would drop dark fluid)."""
    return head_mask({"": np.nan_to_num(array, posinf=0, neginf=0)}) & (array > 0)
