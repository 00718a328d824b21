"""The network some planes at a time: exactly what it computes in one piece, in a quarter of the memory. Only torch enters here.

An instance norm needs the mean and deviation of its whole input, so that blocks evaluated by themselves give another answer (a liver's
tumour of 94 mL went to 0 in small tiles). Here each norm's statistics are taken over the whole in a pass of their own, slab by slab along
the first spatial axis; convolutions read what lies beyond a slab's ends. An inception module keeps nothing but its input and its output:
what lies between is computed anew in each pass (its first convolutions three times, its second twice), which costs time instead of memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fused_inference import MergedInception
from .inception_unet import LEAKY_SLOPE, HybridPool, Inception, InceptionUNet, InstanceNorm, ResidualInception, spectral_pool

SLAB_BYTES = 96 << 20  # of a slab's temporaries: below this the planes beyond its ends cost more than the caches give
LEAST_PLANES = 4  # of a slab: thinner ones compute more beyond their ends than within
MAPS_AT_ONCE = 12  # of a module's filters, alive at once while a slab is computed
_EPSILON = 1e-5  # of `F.batch_norm`
_CONV = {2: F.conv2d, 3: F.conv3d}
_MAX_POOL = {2: F.max_pool2d, 3: F.max_pool3d}

Read = Callable[[int, int], Tensor]  # planes start..stop of a map, all within it: (1, C, stop - start, ...)
Tick = Callable[[int], None]  # told how many multiplications have been done


class Source:
    """A map (1, C, S, ...) that is read some planes at a time, of which no more need exist than is asked for.

    Args:
        read: its planes start..stop.
        shape: (S, ...).
    """

    def __init__(self, read: Read, shape: Sequence[int]) -> None:
        self.read, self.shape = read, tuple(shape)

    def around(self, start: int, stop: int, fill: float = 0.0) -> Tensor:
        """Planes start..stop, of which those beyond either end are `fill`."""
        return _beyond(self.read, start, stop, self.shape[0], fill)


def _beyond(read: Read, start: int, stop: int, planes: int, fill: float = 0.0) -> Tensor:
    """Planes start..stop of a map of so many; those beyond either end are `fill`."""
    low, high = max(start, 0), min(stop, planes)
    found = read(low, high)
    if (low, high) == (start, stop):
        return found
    return F.pad(found, (0, 0) * (found.ndim - 3) + (low - start, stop - high), value=fill)


def held(*maps: Tensor) -> Source:
    """Maps in memory, as if they were concatenated along their channels."""

    def read(start: int, stop: int) -> Tensor:
        parts = [one[:, :, start:stop] for one in maps]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    return Source(read, maps[0].shape[2:])


def beside(first: Source, second: Source) -> Source:
    """Two maps concatenated along their channels."""
    return Source(lambda start, stop: torch.cat([first.read(start, stop), second.read(start, stop)], dim=1), first.shape)


def raised(up: nn.ConvTranspose2d | nn.ConvTranspose3d, coarse: Tensor) -> Source:
    """The transposed convolution (kernel and stride 2) of a map in memory."""

    def read(start: int, stop: int) -> Tensor:
        first = start // 2
        return up(coarse[:, :, first : -(-stop // 2)])[:, :, start - 2 * first : stop - 2 * first]

    return Source(read, [2 * side for side in coarse.shape[2:]])


def upsampled(coarse: Tensor, start: int, stop: int, mode: str) -> Tensor:
    """Planes start..stop of a map interpolated to twice its sides: (1, C, stop - start, ...)."""
    first, last = max(0, (start - 1) // 2), min(coarse.shape[2], stop // 2 + 1)
    fine = F.interpolate(coarse[:, :, first:last], scale_factor=2, mode=mode, align_corners=False)
    return fine[:, :, start - 2 * first : stop - 2 * first]


class Statistics:
    """Mean and variance of every channel over all slabs, gathered without waiting for the device."""

    def __init__(self) -> None:
        self._slabs: list[Tensor] = []
        self._voxels: list[int] = []

    def add(self, raw: Tensor) -> None:
        """One slab: (1, C, s, ...)."""
        values = raw[0].flatten(1)
        variance, mean = torch.var_mean(values, dim=1, correction=0)
        self._slabs.append(torch.stack([mean, variance]))
        self._voxels.append(values.shape[1])

    def total(self) -> tuple[Tensor, Tensor]:
        """(C,) mean and variance of the whole from those of the slabs (Chan, Golub and LeVeque 1983)."""
        means, variances = torch.stack(self._slabs, dim=1)
        share = torch.tensor(self._voxels, dtype=torch.float64).div_(sum(self._voxels)).float().to(means.device)[:, None]
        mean = (share * means).sum(dim=0)
        return mean, (share * (variances + (means - mean) ** 2)).sum(dim=0)


class SlabNetwork:
    """A network evaluated slab by slab on one input.

    Args:
        network: in evaluation mode, as `merged` gives it.
        keep: every layer's output is kept while its module is at work; else it is computed anew whenever it is needed.
        tick: called after every convolution of a slab with its multiplications; what it raises passes through.
    """

    def __init__(self, network: InceptionUNet, keep: bool, tick: Tick) -> None:
        self.network, self.keep, self.tick, self.dims = network, keep, tick, network.arch.spatial_dims
        self._known: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def probabilities(self, x: Tensor, into: Tensor) -> None:
        """Fill `into` (R, *T) with the probabilities of x (1, C, *S); T may be shorter than S at the axes' ends."""
        network = self.network
        encoded = self._encode(self._fused(x))
        del x
        logits: Tensor | None = None
        decoded = encoded.pop()
        steps = list(zip(network.decoder.up, network.decoder.merge))
        for level in reversed(range(len(steps))):
            up, merge = steps[level]
            skip = encoded.pop()
            source = beside(raised(up, decoded), held(skip))
            if level:
                decoded = self._inception(merge, source, skip if skip.shape[1] == merge.join[0].out_channels else None)
                if level < len(network.segmenter.heads):
                    logits = self._head(level, decoded, logits)
            else:
                self._answer(merge, source, logits, into)

    def _fused(self, x: Tensor) -> Source:
        fusion = self.network.fusion
        if isinstance(fusion, nn.Identity):
            return held(x)
        singles = [self._inception(encode, held(x[:, i : i + 1])) for i, encode in enumerate(fusion.single)]
        pairs = []
        for encode in fusion.pair:
            pairs.append(self._inception(encode, held(singles.pop(0), singles.pop(0))))
        return held(self._inception(fusion.all, held(*pairs)), *pairs)

    def _encode(self, source: Source) -> list[Tensor]:
        """One map a level, finest first."""
        maps: list[Tensor] = []
        for level in self.network.encoder.levels:
            for layer in level:
                if isinstance(layer, HybridPool):
                    source = held(self._pooled(layer, maps[-1]))
                elif isinstance(layer, (Inception, MergedInception)):
                    source = held(self._inception(layer, source))
                elif isinstance(layer, ResidualInception):
                    source = held(self._residual(layer, source))
            maps.append(source.read(0, source.shape[0]))
        return maps

    def _residual(self, layer: ResidualInception, source: Source) -> Tensor:
        first = self._inception(layer.first, source)
        found = self._inception(layer.second, held(first), first)
        for start, stop in self.slabs(source.shape, source.shape[0], layer.second.join[0]):
            found[:, :, start:stop] += source.read(start, stop)
        return found

    def _pooled(self, layer: HybridPool, x: Tensor) -> Tensor:
        """Max pooling and spectral pooling; the spectrum is that of the whole picture, one channel at a time."""
        spectral = torch.cat([spectral_pool(x[:, i : i + 1]) for i in range(x.shape[1])], dim=1)

        def read(start: int, stop: int) -> Tensor:
            return torch.cat([F.max_pool2d(x[:, :, 2 * start : 2 * stop], 2), spectral[:, :, start:stop]], dim=1)

        source = Source(read, spectral.shape[2:])
        return self.whole(layer.join, source.read, source.shape)

    def _inception(self, module: Inception | MergedInception, source: Source, into: Tensor | None = None) -> Tensor:
        """The module's whole output; `into` as for `whole`."""
        slab = self._settled(module, source)
        return self.whole(module.join, slab.maps, slab.shape, into)

    def _answer(self, module: Inception | MergedInception, source: Source, logits: Tensor | None, into: Tensor) -> None:
        """The last module with the finest head on it, of which only probabilities are kept."""
        slab, segmenter = self._settled(module, source), self.network.segmenter
        self._measure([(module.join, slab.maps)], slab.shape)
        within = (slice(None), slice(None), *(slice(0, n) for n in into.shape[2:]))
        for start, stop in self.slabs(slab.shape, into.shape[1], module.join[0]):
            here = segmenter.heads[0](self.unit(module.join, slab.maps(start, stop)))
            if logits is not None:
                here += upsampled(logits, start, stop, segmenter.mode)
            into[:, start:stop] = torch.sigmoid(here)[0][within]

    def _head(self, level: int, decoded: Tensor, logits: Tensor | None) -> Tensor:
        """Accumulated logits of a level."""
        here = self.network.segmenter.heads[level](decoded)
        return here if logits is None else here.add_(upsampled(logits, 0, decoded.shape[2], self.network.segmenter.mode))

    def _settled(self, module: Inception | MergedInception, source: Source) -> Slab:
        """The module with all statistics but its last norm's."""
        slab = (MergedSlab if isinstance(module, MergedInception) else PlainSlab)(self, module, source)
        for units in slab.stages():
            if self.keep:
                slab.kept |= {unit: held(self.whole(unit, read, slab.shape)) for unit, read in units}
            else:
                self._measure(units, slab.shape)
        return slab

    def _measure(self, units: list[tuple[nn.Sequential, Read]], shape: tuple[int, ...]) -> None:
        """One pass: the statistics of the units' norms from what their convolutions give."""
        found = [Statistics() for _ in units]
        for start, stop in self.slabs(shape, shape[0], *(unit[0] for unit, _ in units)):
            for statistics, (unit, read) in zip(found, units):
                statistics.add(self.raw(unit, read(start, stop)))
        for (unit, _), statistics in zip(units, found):
            self._known[unit[1]] = statistics.total()

    def whole(self, unit: nn.Sequential, read: Read, shape: tuple[int, ...], into: Tensor | None = None) -> Tensor:
        """One pass: the unit's whole output (1, C, *shape); its convolution is done once, and normalised where it lies.

        Args:
            into: takes the output's place in memory, also where `read` looks at it: a slab is written once the next has been read. What is
                read must not reach further than LEAST_PLANES beyond a slab.
        """
        layer, statistics = unit[0], Statistics()
        found = layer.weight.new_empty((1, layer.out_channels, *shape)) if into is None else into
        slabs = list(self.slabs(shape, shape[0], layer))
        behind: Tensor | None = None
        for number, (start, stop) in enumerate(slabs):
            values = self.raw(unit, read(start, stop))
            statistics.add(values)
            if behind is not None:
                found[:, :, slice(*slabs[number - 1])] = behind
            behind = values
        found[:, :, slice(*slabs[-1])] = behind
        self._known[unit[1]] = statistics.total()
        for start, stop in slabs:
            found[:, :, start:stop] = self._normalised(unit, found[:, :, start:stop].contiguous())
        return found

    def raw(self, unit: nn.Sequential, x: Tensor) -> Tensor:
        """The unit's convolution alone, of planes that bring their own neighbours."""
        layer = unit[0]
        found = _CONV[self.dims](x, layer.weight, layer.bias, layer.stride, (0, *layer.padding[1:]), layer.dilation, layer.groups)
        self.tick(found.numel() * layer.weight[0].numel())
        return found

    def unit(self, unit: nn.Sequential, x: Tensor) -> Tensor:
        """Convolution, norm and leaky ReLU of planes that bring their own neighbours."""
        return self._normalised(unit, self.raw(unit, x))

    def _normalised(self, unit: nn.Sequential, raw: Tensor) -> Tensor:
        norm: InstanceNorm = unit[1]
        mean, variance = self._known[norm]
        return F.leaky_relu_(F.batch_norm(raw, mean, variance, norm.weight, norm.bias, False, 0.0, _EPSILON), LEAKY_SLOPE)

    def slabs(self, shape: tuple[int, ...], planes: int, *layers: nn.Module) -> Iterator[tuple[int, int]]:
        """The planes 0..planes of a map of that shape some at a time, as many as the layers' temporaries allow."""
        thick = max(LEAST_PLANES, SLAB_BYTES // slab_bytes(math.prod(shape[1:]), sum(layer.out_channels for layer in layers)))
        for start in range(0, planes, thick):
            yield start, min(start + thick, planes)


def slab_bytes(plane: int, filters: int) -> int:
    """Memory of the temporaries of one plane of so many voxels."""
    return 4 * plane * filters * MAPS_AT_ONCE


class Slab:
    """An inception module read slab by slab: what its last 1-convolution gets, once the norms before it are known.

    Attributes:
        shape: of the module's output.
        kept: units whose whole output is in memory.
    """

    def __init__(self, network: SlabNetwork, module: Inception | MergedInception, source: Source) -> None:
        self.network, self.module, self.source = network, module, source
        self.kept: dict[nn.Sequential, Source] = {}
        first = module.one if isinstance(module, MergedInception) else module.branches[0]
        self.stride = first[0].stride[0]
        self.shape = tuple(-(-side // self.stride) for side in source.shape)

    def inputs(self, start: int, stop: int, reach: int, fill: float = 0.0) -> Tensor:
        """What a convolution that reaches so many planes to either side reads for output planes start..stop."""
        return self.source.around(start * self.stride - reach, (stop - 1) * self.stride + reach + 1, fill)

    def pool(self, start: int, stop: int) -> Tensor:
        """The input's greatest value of 3 in every direction."""
        dims = self.module.dims
        return _MAX_POOL[dims](self.inputs(start, stop, 1, -math.inf), 3, stride=1, padding=(0, *(1,) * (dims - 1)))

    def output(self, unit: nn.Sequential, read: Read, start: int, stop: int) -> Tensor:
        """A unit's output from memory, or from what it reads."""
        return self.kept[unit].read(start, stop) if unit in self.kept else self.network.unit(unit, read(start, stop))

    def pooled(self) -> list[tuple[nn.Sequential, Read]]:
        """The unit behind the pooling, if there is one."""
        return [] if self.module.pooled is None else [(self.module.pooled, self.pool)]


class MergedSlab(Slab):
    """A factorised module, whose two 3-convolutions of the input are one."""

    module: MergedInception

    def stages(self) -> list[list[tuple[nn.Sequential, Read]]]:
        """The units and what they read, in the order in which their statistics can be had."""
        first = [(self.module.one, self._centre), (self.module.wide, self._near), *self.pooled()]
        return [first, [(self.module.second, self._behind)]]

    def _centre(self, start: int, stop: int) -> Tensor:
        return self.inputs(start, stop, 0)

    def _near(self, start: int, stop: int) -> Tensor:
        return self.inputs(start, stop, 1)

    def _behind(self, start: int, stop: int) -> Tensor:
        return _beyond(lambda a, b: self._wide(a, b)[1], start - 1, stop + 1, self.shape[0])

    def _wide(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """The 3-branch, and the first half of the 5-branch."""
        return self.output(self.module.wide, self._near, start, stop).chunk(2, dim=1)

    def maps(self, start: int, stop: int) -> Tensor:
        """All branches, concatenated: (1, C, stop - start, ...)."""
        low, high = max(start - 1, 0), min(stop + 1, self.shape[0])
        three, five = self._wide(low, high)

        def behind(start: int, stop: int) -> Tensor:
            return _beyond(lambda a, b: five[:, :, a - low : b - low], start - 1, stop + 1, self.shape[0])

        one = self.output(self.module.one, self._centre, start, stop)
        second = self.output(self.module.second, behind, start, stop)
        pooled = [self.output(unit, read, start, stop) for unit, read in self.pooled()]
        return torch.cat([one, three[:, :, start - low : stop - low], second, *pooled], dim=1)


class PlainSlab(Slab):
    """A module of three convolutions of the input, of 1, 3 and 5."""

    module: Inception

    def stages(self) -> list[list[tuple[nn.Sequential, Read]]]:
        """The units and what they read; none waits for another."""
        reach = [unit[0].kernel_size[0] // 2 for unit in self.module.branches]
        return [[*((unit, lambda a, b, r=r: self.inputs(a, b, r)) for unit, r in zip(self.module.branches, reach)), *self.pooled()]]

    def maps(self, start: int, stop: int) -> Tensor:
        """All branches, concatenated: (1, C, stop - start, ...)."""
        return torch.cat([self.output(unit, read, start, stop) for unit, read in self.stages()[0]], dim=1)
