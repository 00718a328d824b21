"""Histogram sharpening of N3/N4: what log intensities would be without the blur that a smooth field gives their histogram.

Only torch; whole batches of volumes at once, sums that do not depend on the order of threads, no wait for the device within an iteration.
Sources: Sled, Zijdenbos, Evans, IEEE TMI 17(1), 1998; ITK's N4BiasFieldCorrectionImageFilter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

SHARE_STEPS = 2**16  # steps of a share where an accelerator adds them: whole numbers, whose sum does not depend on the order of threads
EMPTY_BIN = 1e-9  # a bin below this share of the fullest one keeps its own value
FLAT = 1e-6  # a range of log intensities below this is a constant image


@dataclass(frozen=True)
class Histogram:
    """Its number of bins, the assumed blur's full width at half maximum (log intensity), and the Wiener noise."""

    bins: int
    fwhm: float
    noise: float


class Sharpener:
    """Sharpens the histograms of M volumes; what stays the same from one iteration to the next is made once.

    Args:
        valid: (M, n) bool; other voxels take no part in the histogram, and their result means nothing.
        histogram: see `Histogram`.
    """

    def __init__(self, valid: torch.Tensor, histogram: Histogram) -> None:
        self._bins, self._fwhm, self._noise = histogram.bins, histogram.fwhm, histogram.noise
        self._valid, self._volumes = valid, len(valid)
        self._all_valid = bool(valid.all())
        self._padded = 2 ** (math.ceil(math.log2(self._bins)) + 1)
        self._offset = (self._padded - self._bins) // 2
        real = {"dtype": torch.float64, "device": valid.device}
        index = torch.arange(self._padded, **real)
        self._place = index - self._offset
        self._kernel = -4 * math.log(2) * torch.minimum(index, self._padded - index) ** 2
        self._row = torch.arange(self._volumes, dtype=torch.int32, device=valid.device)[:, None]

    def __call__(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Expected value of every voxel once the histogram is deconvolved.

        Args:
            values: (M, n) float32 log intensities.

        Returns:
            (M, n) float32, and (M, 1) bool: whether the volume has any spread (without it the expectation means nothing).
        """
        low, high = self._range(values)
        varied = high - low > FLAT
        step = torch.where(varied, (high - low) / (self._bins - 1), 1.0)
        position = ((values - low) / step).clamp_(0, self._bins - 1)
        lower = position.int().clamp_(max=self._bins - 2)
        above = position.sub_(lower)
        table = self._expectation(self._triangle_counts(lower, above), low.double(), step.double()).to(values.dtype)
        rise = torch.diff(table, append=table[:, -1:])
        place = lower.add_(self._row * self._bins).flatten()
        expected = rise.flatten().index_select(0, place).mul_(above.flatten()).add_(table.flatten().index_select(0, place))
        return expected.view_as(values), varied

    def _range(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Least and greatest value of each volume: (M, 1) each."""
        if self._all_valid:
            return values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)
        low = torch.where(self._valid, values, math.inf).amin(dim=1, keepdim=True)
        return low, torch.where(self._valid, values, -math.inf).amax(dim=1, keepdim=True)

    def _triangle_counts(self, lower: torch.Tensor, above: torch.Tensor) -> torch.Tensor:
        """Histogram in which a voxel counts for the two bins that it lies between, by nearness: (M, bins) float64.

        `lower` (M, n) int32 is the bin below, `above` (M, n) the next one's share. One bin more takes voxels that do not count.
        """
        width = self._bins + 1
        if not self._all_valid:
            lower = torch.where(self._valid, lower, self._bins)
        place = (lower + self._row * width).flatten()
        voxels = _sums(place, None, self._volumes * width).view(-1, width)[:, :-1]
        shares = _sums(place, above.flatten(), self._volumes * width).view(-1, width)[:, :-1]
        counts = voxels - shares
        counts[:, 1:] += shares[:, :-1]
        return counts

    def _expectation(self, counts: torch.Tensor, low: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """E(true value | bin) after Wiener deconvolution with a Gaussian: (M, bins) float64; `low`, `step` are (M, 1)."""
        within = slice(self._offset, self._offset + self._bins)
        spread = counts.new_zeros(self._volumes, self._padded)
        spread[:, within] = counts
        width = self._fwhm / step
        gauss = torch.exp(self._kernel / width**2) * (2 * math.sqrt(math.log(2) / math.pi) / width)
        transfer = torch.fft.rfft(gauss).real  # the kernel is symmetric
        wiener = transfer / (transfer**2 + self._noise)
        sharp = torch.fft.irfft(torch.fft.rfft(spread) * wiener, n=self._padded).clamp_(min=0)
        centre = low + self._place * step
        blurred = torch.fft.irfft(torch.fft.rfft(torch.stack([centre * sharp, sharp])) * transfer, n=self._padded)
        empty = blurred[1] <= EMPTY_BIN * blurred[1].amax(dim=1, keepdim=True)
        return torch.where(empty, centre, blurred[0] / blurred[1])[:, within]


def _sums(index: torch.Tensor, shares: torch.Tensor | None, size: int) -> torch.Tensor:
    """How often each of 0..size-1 occurs, or the sum of its shares (0..1): (size,) float64, the same at every run."""
    if index.device.type == "cpu":
        return torch.bincount(index, shares, minlength=size).double()
    return _sums_of_whole_numbers(index, shares, size)


def _sums_of_whole_numbers(index: torch.Tensor, shares: torch.Tensor | None, size: int) -> torch.Tensor:
    """The same for an accelerator, on which `bincount` waits (it reads the maximum) and adds real numbers in any order."""
    added = torch.ones_like(index, dtype=torch.int64) if shares is None else (shares * SHARE_STEPS).round().long()
    total = torch.zeros(size, dtype=torch.int64, device=index.device).scatter_add_(0, index.long(), added)
    return total.double() / (1 if shares is None else SHARE_STEPS)
