"""Networks of others, built from a fixed list of names: by the packages that define them (dynamic-network-architectures and MONAI, of the
extra `import`), or written anew here (`linknet`).

A manifest gives a name and arguments, both checked; no name of a class is ever looked up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn

from ..errors import PackageMissing, WeightsError
from .linknet import build_linknet

# Without what these ask for besides torch: the layers need none of it, and it would bring another build of torch's companions.
REMEDY = (
    'Install it with pip install "medsegdl[import]"; for the panel\'s own environment: '
    f'"{sys.executable}" -m pip install --no-deps dynamic-network-architectures monai scipy'
)
UNKNOWN_REMEDY = "Weights of this version's own say what they are: import the network again, or use one of a kind that this version knows."
READS_NUMBERS = {"SwinUNETR"}  # while it is built, so that it needs real memory: its sizes have narrower bounds
MOST_SWIN_FEATURES, MOST_SWIN_DEPTH = 96, 8  # twice the largest that MONAI's zoo has
MOST_STAGES, MOST_FEATURES, MOST_REPEATS, MOST_SIDE = 12, 4096, 64, 31
NNUNET_KEYS = {"in_channels", "out_channels", "dimensions", "features", "kernel_sizes", "strides", "encoder", "decoder", "bias", "slope"}
NNUNET_KEYS |= {"norm", "norm_eps", "affine"}
DROPOUT = "dropout"  # only of networks that were trained with it


def build_foreign(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Build a network of the fixed list.

    Args:
        name: one of `BUILDERS`.
        arguments: as its builder takes them; JSON types.

    Raises:
        WeightsError: an unknown name, unknown, missing or absurd arguments, or a package that is not there.
    """
    if name not in BUILDERS:
        raise WeightsError(f"The weights ask for an unknown network ({name}).", "Use weights made for this version of MedSegDL.")
    try:
        return BUILDERS[name](arguments)
    except ModuleNotFoundError as error:
        raise PackageMissing(f"The network {name} needs the package {error.name}, which is not installed.", REMEDY) from error
    except (KeyError, TypeError, ValueError, AssertionError, RuntimeError, OverflowError) as error:
        message = f"The weights' description of the network {name} does not fit ({type(error).__name__}: {error})."
        raise WeightsError(message, UNKNOWN_REMEDY) from error


def _whole(value: Any, most: int, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{value!r} is no number from {least} to {most}")
    return value


def _wholes(values: Any, most: int, count: int | None = None) -> list[int]:
    if not isinstance(values, Sequence) or isinstance(values, str) or (count is not None and len(values) != count):
        raise ValueError(f"{values!r} are not {count or 'some'} numbers")
    return [_whole(value, most) for value in values]


def _unet(class_name: str, repeats: str) -> Callable[[Mapping[str, Any]], nn.Module]:
    """The builder of one of nnU-Net's two networks; `repeats` is what its class calls the convolutions or blocks of a stage."""

    def build(arguments: Mapping[str, Any]) -> nn.Module:
        from dynamic_network_architectures.architectures import unet

        if set(arguments) - {DROPOUT} != NNUNET_KEYS:
            raise ValueError(f"'{min((set(arguments) - {DROPOUT}) ^ NNUNET_KEYS)}' is missing or unknown")
        dims = _whole(arguments["dimensions"], 3, 2)
        features = _wholes(arguments["features"], MOST_FEATURES)
        stages = _whole(len(features), MOST_STAGES, 2)
        norm = {"instance": f"InstanceNorm{dims}d", "batch": f"BatchNorm{dims}d"}[arguments["norm"]]
        return getattr(unet, class_name)(
            input_channels=_whole(arguments["in_channels"], MOST_FEATURES),
            n_stages=stages,
            features_per_stage=features,
            conv_op={2: nn.Conv2d, 3: nn.Conv3d}[dims],
            kernel_sizes=[_wholes(sides, MOST_SIDE, dims) for sides in _every(arguments["kernel_sizes"], stages)],
            strides=[_wholes(sides, MOST_SIDE, dims) for sides in _every(arguments["strides"], stages)],
            num_classes=_whole(arguments["out_channels"], MOST_FEATURES),
            n_conv_per_stage_decoder=_wholes(arguments["decoder"], MOST_REPEATS, stages - 1),
            conv_bias=_yes_or_no(arguments["bias"]),
            dropout_op={2: nn.Dropout2d, 3: nn.Dropout3d}[dims] if _yes_or_no(arguments.get(DROPOUT, False)) else None,
            dropout_op_kwargs={"p": 0.0},
            norm_op=getattr(nn, norm),
            norm_op_kwargs={"eps": _share(arguments["norm_eps"]), "affine": _yes_or_no(arguments["affine"])},
            nonlin=nn.LeakyReLU,
            nonlin_kwargs={"inplace": True, "negative_slope": _share(arguments["slope"])},
            deep_supervision=False,
            **{repeats: _wholes(arguments["encoder"], MOST_REPEATS, stages)},
        )

    return build


def _every(values: Any, count: int) -> Sequence[Any]:
    if not isinstance(values, Sequence) or len(values) != count:
        raise ValueError(f"{values!r} has not {count} entries")
    return values


def _monai(name: str, allowed: Mapping[str, Callable[[Any], Any]]) -> Callable[[Mapping[str, Any]], nn.Module]:
    """The builder of one of MONAI's networks for volumes; `allowed` checks each argument that it may be given."""

    def build(arguments: Mapping[str, Any]) -> nn.Module:
        from monai.networks import nets

        known = {"in_channels": _features, "out_channels": _features, **allowed}
        unknown = sorted(set(arguments) - set(known))
        if unknown:
            raise ValueError(f"'{unknown[0]}' is unknown")
        given = {key: known[key](value) for key, value in arguments.items()}
        return getattr(nets, name)(**given, spatial_dims=3)

    return build


def _features(value: Any) -> int:
    return _whole(value, MOST_FEATURES)


def _swin_features(value: Any) -> int:
    return _whole(value, MOST_SWIN_FEATURES)


def _swin_depths(value: Any) -> list[int]:
    return _wholes(value, MOST_SWIN_DEPTH, 4)


def _swin_heads(value: Any) -> list[int]:
    return _wholes(value, MOST_SWIN_FEATURES, 4)


def _repeats(value: Any) -> list[int]:
    return _wholes(value, MOST_REPEATS)


def _many_features(value: Any) -> list[int]:
    return _wholes(value, MOST_FEATURES)


def _strides(value: Any) -> list[int]:
    return _wholes(value, MOST_SIDE)


def _side(value: Any) -> int:
    return _whole(value, MOST_SIDE)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _norm(value: Any) -> Any:
    """A name of MONAI's norms, alone or with plain arguments."""
    name, arguments = (value, {}) if isinstance(value, str) else (value[0], dict(value[1]))
    if str(name).lower() == "instance_nvfuser":  # the same on a GPU by NVIDIA's own code, always with weights
        name, arguments = "instance", {"affine": True, **arguments}
    if str(name).lower() not in ("batch", "instance", "group") or set(arguments) - {"affine", "num_groups", "eps", "track_running_stats"}:
        raise ValueError(f"the norm {value!r} is unknown")
    if any(not isinstance(one, (bool, int, float)) for one in arguments.values()):
        raise ValueError(f"the norm {value!r} has arguments that are no numbers")
    return (str(name).lower(), arguments) if arguments else str(name).lower()


ACTIVATIONS = ("relu", "prelu", "leakyrelu", "elu", "relu6", "selu", "celu", "gelu", "mish", "swish", "memswish", "geglu")
ACTIVATION_ARGUMENTS = {"inplace", "negative_slope", "num_parameters", "init", "alpha"}


def _act(value: Any) -> Any:
    """A name of MONAI's activations, alone or with plain arguments."""
    name, arguments = (value, {}) if isinstance(value, str) else (value[0], dict(value[1]))
    if str(name).lower() not in ACTIVATIONS or set(arguments) - ACTIVATION_ARGUMENTS:
        raise ValueError(f"the activation {value!r} is unknown")
    if any(not isinstance(one, (bool, int, float)) for one in arguments.values()):
        raise ValueError(f"the activation {value!r} has arguments that are no numbers")
    return (str(name).lower(), arguments) if arguments else str(name).lower()


def _upsampling(value: Any) -> str:
    """A name of how MONAI's SegResNets make a volume larger."""
    if str(value).lower() not in ("nontrainable", "deconv", "pixelshuffle"):
        raise ValueError(f"the upsampling {value!r} is unknown")
    return str(value).lower()


def _order(value: Any) -> str:
    """Of norm (N), dropout (D) and activation (A) after a convolution."""
    if not isinstance(value, str) or not value or len(set(value)) != len(value) or set(value) - set("NDA"):
        raise ValueError(f"the order {value!r} is unknown")
    return value


def _repeats_or_none(value: Any) -> int:
    return _whole(value, MOST_REPEATS, 0)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is no number from 0 to 1")
    return float(value)


def _positive(value: Any) -> list[float]:
    found = [float(one) for one in value]
    if len(found) != 3 or not all(0 < one < 1e3 for one in found):
        raise ValueError(f"{value!r} are not three lengths")
    return found


BUILDERS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "LinkNet": build_linknet,
    "PlainConvUNet": _unet("PlainConvUNet", "n_conv_per_stage"),
    "ResidualEncoderUNet": _unet("ResidualEncoderUNet", "n_blocks_per_stage"),
    "SegResNet": _monai(
        "SegResNet",
        {
            "init_filters": _features,
            "blocks_down": _repeats,
            "blocks_up": _repeats,
            "norm": _norm,
            "num_groups": _features,
            "act": _act,
            "upsample_mode": _upsampling,
            "use_conv_final": _yes_or_no,
        },
    ),
    "SegResNetDS": _monai(
        "SegResNetDS",
        {
            "init_filters": _features,
            "blocks_down": _repeats,
            "blocks_up": _repeats,
            "norm": _norm,
            "dsdepth": _side,
            "upsample_mode": _upsampling,
            "resolution": _positive,
        },
    ),
    "UNet": _monai(
        "UNet",
        {
            "channels": _many_features,
            "strides": _strides,
            "kernel_size": _side,
            "up_kernel_size": _side,
            "num_res_units": _repeats_or_none,
            "act": _act,
            "norm": _norm,
            "adn_ordering": _order,
            "bias": _yes_or_no,
        },
    ),
    "SwinUNETR": _monai(
        "SwinUNETR",
        {
            "feature_size": _swin_features,
            "depths": _swin_depths,
            "num_heads": _swin_heads,
            "norm_name": _norm,
            "use_v2": _yes_or_no,
            "qkv_bias": _yes_or_no,
            "normalize": _yes_or_no,
            "patch_norm": _yes_or_no,
        },
    ),
}
