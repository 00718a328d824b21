"""The inception U-Net in two and three dimensions: fusion, encoder, decoder, segmenter. Only torch enters here.

After Punn and Agarwal, 'Multi-modality encoded fusion with 3D inception U-net and decoder model' (2020), and 'Inception U-Net
architecture for semantic segmentation to identify nuclei in microscopy cell images' (2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import WeightsError
from ..schema.records import Unfit, between, counting, obey, read_record

LEAKY_SLOPE = 0.3  # of both papers' published configuration
_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_DROPOUT = {2: nn.Dropout2d, 3: nn.Dropout3d}
_MAX_POOL = {2: F.max_pool2d, 3: F.max_pool3d}
_UPSAMPLE = {2: "bilinear", 3: "trilinear"}
MOST_LEVELS = 8  # a network halves its input at each: 128 voxels become one
Channels = Annotated[int, between(1, 512)]  # sixteen inputs of 31 neighbouring slices are 496
Width = Annotated[int, between(1, 2048)]


@dataclass(frozen=True)
class Architecture:
    """Everything that fixes the shape of an `InceptionUNet`; stored in the weights' manifest.

    Attributes:
        spatial_dims: 2 or 3.
        in_channels: channels of the input, one a modality (or a colour, or a neighbouring slice).
        out_channels: probability maps, one a region.
        widths: filters a level, finest first; the input's sides must be divisible by 2 ** (levels - 1).
        fusion: encode four modalities singly, in pairs and together before level 0 (brain, 2020); needs four input channels.
        factorised: build the 5-branch of two 3-convolutions (same receptive field, 54/125 of the weights in 3-D).
        hybrid_pool: max and spectral pooling side by side, as a fourth branch and to go down a level (nuclei, 2020).
        residual: two inception modules added to their input at every encoder level (brain, 2020), else one plain module.
        dropout: probability that a whole channel is dropped.
        added_maps: decoder levels whose 1-convolved maps are up-sampled and added into the result.
    """

    spatial_dims: Annotated[int, between(2, 3)]
    in_channels: Channels
    out_channels: Channels
    widths: Annotated[tuple[Width, ...], counting(2, MOST_LEVELS)]
    fusion: bool = False
    factorised: bool = False
    hybrid_pool: bool = False
    residual: bool = True
    dropout: Annotated[float, between(0, 1)] = 0.3
    added_maps: Annotated[int, between(1, MOST_LEVELS)] = 3

    def __post_init__(self) -> None:
        obey(self)
        if self.fusion and self.in_channels != 4:
            raise Unfit(f"fusion needs four modalities, not {self.in_channels}")
        if not 1 <= self.added_maps < len(self.widths):
            raise Unfit(f"added_maps is {self.added_maps}; the decoder has {len(self.widths) - 1} levels")

    @property
    def divisor(self) -> int:
        """Number by which every side of an input must be divisible."""
        return 2 ** (len(self.widths) - 1)


class InstanceNorm(nn.Module):
    """Instance normalisation with scale and shift that also stands a single voxel (which has no deviation to divide by)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (N, C, *spatial) over its spatial axes."""
        return instance_normalised(x, self.weight, self.bias)


def instance_normalised(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Normalise (N, C, *spatial) over its spatial axes, then scale and shift each channel; a single voxel is only scaled and shifted."""
    if x[0, 0].numel() == 1:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return x * weight.view(shape) + bias.view(shape)
    if x.shape[0] == 1:  # the same numbers, without leaving the channels-last layout
        return F.batch_norm(x, None, None, weight, bias, training=True)
    return F.instance_norm(x, weight=weight, bias=bias)


def conv_unit(dims: int, inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, instance normalisation, leaky ReLU: (N, inputs, *S) -> (N, outputs, *ceil(S / stride))."""
    convolution = _CONV[dims](inputs, outputs, kernel, stride=stride, padding=kernel // 2)
    return nn.Sequential(convolution, InstanceNorm(outputs), nn.LeakyReLU(LEAKY_SLOPE, inplace=True))


def spectral_pool(x: Tensor) -> Tensor:
    """Halve (N, C, H, W) by keeping the lower half of its spectrum (Rippel, Snoek and Adams 2015), means kept.

    Sides must be even. Computed in float32 whatever the input's precision.
    """
    height, width = x.shape[-2] // 2, x.shape[-1] // 2
    spectrum = torch.fft.fftshift(torch.fft.fft2(x.float()), dim=(-2, -1))
    top, left = (x.shape[-2] - height) // 2 + height % 2, (x.shape[-1] - width) // 2 + width % 2
    kept = spectrum[..., top : top + height, left : left + width]
    return torch.fft.ifft2(torch.fft.ifftshift(kept, dim=(-2, -1))).real.to(x.dtype) / 4


class HybridPool(nn.Module):
    """Max pooling and spectral pooling side by side, joined by a 1-convolution: (N, C, H, W) -> (N, outputs, H/2, W/2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.join = conv_unit(2, 2 * inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat([F.max_pool2d(x, 2), spectral_pool(x)], dim=1))


class Inception(nn.Module):
    """Convolutions of 1, 3 and 5 side by side, concatenated, then a 1-convolution: (N, inputs, *S) -> (N, outputs, *S/stride)."""

    def __init__(self, arch: Architecture, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        dims = arch.spatial_dims
        five = conv_unit(dims, inputs, outputs, 5, stride)
        if arch.factorised:
            five = nn.Sequential(conv_unit(dims, inputs, outputs, 3, stride), conv_unit(dims, outputs, outputs, 3))
        self.branches = nn.ModuleList([conv_unit(dims, inputs, outputs, 1, stride), conv_unit(dims, inputs, outputs, 3, stride), five])
        self.pooled = conv_unit(dims, inputs, outputs, 1) if arch.hybrid_pool else None
        self.dims = dims
        self.join = conv_unit(dims, outputs * (len(self.branches) + arch.hybrid_pool), outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        maps = [branch(x) for branch in self.branches]
        if self.pooled is not None:
            maps.append(self.pooled(_MAX_POOL[self.dims](x, 3, stride=1, padding=1)))
        return self.join(torch.cat(maps, dim=1))


class Fusion(nn.Module):
    """Four modalities encoded singly, in pairs, and together: (N, 4, *S) -> (N, 8, *S)."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.single = nn.ModuleList([Inception(arch, 1, 1) for _ in range(4)])
        self.pair = nn.ModuleList([Inception(arch, 2, 2) for _ in range(2)])
        self.all = Inception(arch, 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        singles = [encode(x[:, i : i + 1]) for i, encode in enumerate(self.single)]
        pairs = [encode(torch.cat(singles[2 * i : 2 * i + 2], dim=1)) for i, encode in enumerate(self.pair)]
        return torch.cat([self.all(torch.cat(pairs, dim=1)), *pairs], dim=1)


class ResidualInception(nn.Module):
    """Two inception modules with spatial dropout between them, added to their input: the shape stays (N, width, *S)."""

    def __init__(self, arch: Architecture, width: int) -> None:
        super().__init__()
        self.first = Inception(arch, width, width)
        self.drop = _DROPOUT[arch.spatial_dims](arch.dropout)
        self.second = Inception(arch, width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.drop(self.first(x)))


class Encoder(nn.Module):
    """(N, inputs, *S) -> one map a level, finest first: (N, widths[l], *S / 2^l)."""

    def __init__(self, arch: Architecture, inputs: int) -> None:
        super().__init__()
        sources = (inputs, *arch.widths)
        steps = enumerate(zip(sources, arch.widths))
        self.levels = nn.ModuleList([_level(arch, source, width, first=i == 0) for i, (source, width) in steps])

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for level in self.levels:
            x = level(x)
            maps.append(x)
        return maps


def _level(arch: Architecture, inputs: int, width: int, first: bool) -> nn.Sequential:
    """One encoder level: go down (but for the first), widen, and encode with dropout."""
    layers: list[nn.Module] = []
    if arch.hybrid_pool and not first:
        layers.append(HybridPool(inputs, inputs))
    stride = 1 if first or arch.hybrid_pool else 2
    if stride == 2 or not arch.residual or inputs != width:
        layers.append(Inception(arch, inputs, width, stride))
    if arch.residual:
        return nn.Sequential(*layers, ResidualInception(arch, width))
    return nn.Sequential(*layers, _DROPOUT[arch.spatial_dims](arch.dropout))


class Decoder(nn.Module):
    """The encoder's maps, finest first -> decoded maps, finest first (the bottom is not among them)."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        pairs = list(zip(arch.widths, arch.widths[1:]))
        self.up = nn.ModuleList([_TRANSPOSED[arch.spatial_dims](coarse, fine, 2, stride=2) for fine, coarse in pairs])
        self.merge = nn.ModuleList([Inception(arch, 2 * fine, fine) for fine, _ in pairs])
        self.drop = _DROPOUT[arch.spatial_dims](arch.dropout)

    def forward(self, encoded: Sequence[Tensor]) -> list[Tensor]:
        x = encoded[-1]
        decoded: list[Tensor] = []
        for up, merge, skip in reversed(list(zip(self.up, self.merge, encoded))):
            x = self.drop(merge(torch.cat([up(x), skip], dim=1)))
            decoded.insert(0, x)
        return decoded


class Segmenter(nn.Module):
    """1-convolutions on the finest decoded maps, each up-sampled and added to the next finer: -> logits (N, regions, *S)."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.heads = nn.ModuleList([_CONV[arch.spatial_dims](width, arch.out_channels, 1) for width in arch.widths[: arch.added_maps]])
        self.drop = _DROPOUT[arch.spatial_dims](arch.dropout)
        self.mode = _UPSAMPLE[arch.spatial_dims]

    def forward(self, decoded: Sequence[Tensor]) -> list[Tensor]:
        """Accumulated logits a level, finest first; the first is the network's answer, the others serve deep supervision."""
        logits: list[Tensor] = []
        for head, x in reversed(list(zip(self.heads, decoded))):
            here = head(self.drop(x))
            if logits:
                here = here + F.interpolate(logits[0], scale_factor=2, mode=self.mode, align_corners=False)
            logits.insert(0, here)
        return logits


class InceptionUNet(nn.Module):
    """Modalities in, one logit map a region out; `torch.sigmoid` makes probabilities of them.

    Shapes: (N, in_channels, *S) -> (N, out_channels, *S), every side of S divisible by `arch.divisor`.
    """

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch = arch
        self.fusion = Fusion(arch) if arch.fusion else nn.Identity()
        self.encoder = Encoder(arch, 8 if arch.fusion else arch.in_channels)
        self.decoder = Decoder(arch)
        self.segmenter = Segmenter(arch)

    def forward(self, x: Tensor) -> Tensor:
        return self.supervised(x)[0]

    def supervised(self, x: Tensor) -> list[Tensor]:
        """Logits of every added level, finest first, for deep supervision in training."""
        fused = self.fusion(x)
        encoded = self.encoder(fused)
        decoded = self.decoder(encoded)
        return self.segmenter(decoded)


PROFILES = {
    "paper": Architecture(3, 4, 3, (8, 16, 32, 64, 128), fusion=True, dropout=0.3),
    "brain": Architecture(3, 4, 3, (8, 16, 32, 48, 64), fusion=True, factorised=True, dropout=0.1),
    "brainmask": Architecture(3, 1, 1, (8, 16, 32, 48), factorised=True, residual=False, dropout=0.05),
    "liver": Architecture(2, 3, 2, (12, 24, 48, 72, 96), factorised=True, dropout=0.1),
    "liver-3d": Architecture(3, 1, 2, (8, 16, 32, 64, 96), factorised=True, dropout=0.1),
    "volume": Architecture(3, 1, 1, (8, 16, 32, 64, 96), factorised=True, dropout=0.1),
    "slices": Architecture(2, 1, 1, (16, 32, 64, 128, 160), factorised=True, dropout=0.1),
    "iunet": Architecture(2, 3, 1, (16, 32, 64, 128, 256), hybrid_pool=True, residual=False, dropout=0.1),
    "nuclei": Architecture(2, 3, 2, (16, 32, 64, 128, 160), factorised=True, residual=False, dropout=0.05),
    "picture": Architecture(2, 3, 1, (16, 32, 64, 128, 160), factorised=True, residual=False, dropout=0.05),
}


def build(name: str, arguments: dict) -> InceptionUNet:
    """Build a network from a manifest's architecture entry.

    Args:
        name: must be `inception_unet`, the one name of the fixed list.
        arguments: fields of `Architecture`.

    Raises:
        WeightsError: unknown name or arguments.
    """
    if name != "inception_unet":
        raise WeightsError(f"The weights ask for an unknown network ({name!s:.60}).", "Use weights made for this version of MedSegDL.")
    try:
        return InceptionUNet(read_record(Architecture, arguments, "arguments"))
    except (TypeError, ValueError) as error:
        message = f"The weights' description of the network does not fit: {error}."
        raise WeightsError(message, "Use the manifest that came with them.") from error


def describe(network: InceptionUNet) -> dict:
    """The manifest entry from which `build` makes the same network again."""
    return {"name": "inception_unet", "arguments": asdict(network.arch)}
