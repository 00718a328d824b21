"""The network of an nnU-Net configuration as a name and arguments of our fixed list; plans of every age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import WeightsError
from ..network.foreign import MOST_STAGES
from .nnunet_folder import NETWORKS, OURS_ONLY, TRAINERS, WITH_BATCH_NORM

LEAKY_SLOPE, NORM_EPS = 0.01, 1e-5  # torch's own, which the plans leave out
CONVOLUTIONS = {f"torch.nn.{path}Conv{dims}d": dims for path in ("", "modules.conv.") for dims in (2, 3)}
NORMS = {
    f"torch.nn.{path}{name}{dims}d": key
    for key, name, module in (("instance", "InstanceNorm", "instancenorm"), ("batch", "BatchNorm", "batchnorm"))
    for path in ("", f"modules.{module}.")
    for dims in (2, 3)
}
ACTIVATIONS = {
    f"torch.nn.{path}{name}": slope for path in ("", "modules.activation.") for name, slope in (("LeakyReLU", LEAKY_SLOPE), ("ReLU", 0.0))
}
IGNORED = {"dropout_op_kwargs", "deep_supervision"}  # do nothing at work


def refuse_unknown_trainer(name: Any) -> None:
    """Raises WeightsError for a trainer that may have built another network than the plans say."""
    if not TRAINERS.fullmatch(str(name)):
        told = f"{' '.join(str(name).split()):.100}"
        says = f"The network was trained by '{told}', which may have changed it in ways that this version does not know."
        raise WeightsError(says, OURS_ONLY)


def architecture_of(entry: Mapping[str, Any], trainer: str, channels: int, outputs: int) -> dict[str, Any]:
    """The manifest's entry: name and arguments.

    Args:
        entry: the configuration, with what it inherits.
        trainer: its name.
        channels, outputs: of the network.

    Raises:
        WeightsError: a network, norm or activation that is not in the list, by name.
    """
    refuse_unknown_trainer(trainer)
    try:
        name, told = _told(entry) if "architecture" in entry else _told_long_ago(entry)
        dims = _named(CONVOLUTIONS, told.pop("conv_op"), "convolution")
        stages = _stages(told.pop("n_stages"))
        kind = _named(NORMS, told.pop("norm_op"), "norm")
        norm = _given(told.pop("norm_op_kwargs", None), {"eps", "affine", "momentum", "track_running_stats"})
        activation = _given(told.pop("nonlin_kwargs", None), {"inplace", "negative_slope"})
        if norm.get("track_running_stats", kind == "batch") is not (kind == "batch"):
            raise ValueError("its norm keeps running statistics otherwise than is usual")
        slope = _named(ACTIVATIONS, told.pop("nonlin"), "activation")
        features = told.pop("features_per_stage")
        arguments = {
            "in_channels": channels,
            "out_channels": outputs,
            "dimensions": dims,
            "features": _repeated(features, stages),
            "kernel_sizes": _sides(told.pop("kernel_sizes"), stages, dims),
            "strides": _sides(told.pop("strides"), stages, dims),
            "encoder": _repeated(told.pop(REPEATS[name]), stages),
            "decoder": _repeated(told.pop("n_conv_per_stage_decoder"), stages - 1),
            "bias": bool(told.pop("conv_bias", False)),
            "norm": kind,
            "norm_eps": float(norm.get("eps", NORM_EPS)),
            "affine": bool(norm.get("affine", kind == "batch")),  # torch's own where the plans leave it out
            "slope": float(activation.get("negative_slope", slope)) if slope else 0.0,
        }
        if told.pop("dropout_op", None) is not None:  # which does nothing at work either, but is counted in the weights' names
            arguments["dropout"] = True
        if not len(arguments["features"]) == len(arguments["strides"]) == len(arguments["kernel_sizes"]) == stages:
            raise ValueError(f"it has {stages} stages, but not as many features, kernels and strides")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"The plans do not describe their network: {what}.", OURS_ONLY) from error
    unknown = sorted(set(told) - IGNORED)
    if unknown:
        raise WeightsError(f"The network {name} has an argument '{unknown[0]}' that this version does not know.", OURS_ONLY)
    changed = {"norm": "batch", "norm_eps": NORM_EPS, "affine": True} if trainer == WITH_BATCH_NORM else {}
    return {"name": name, "arguments": arguments | changed}


PACKAGE = "dynamic_network_architectures."  # another's class of the same name is another network
REPEATS = {"PlainConvUNet": "n_conv_per_stage", "ResidualEncoderUNet": "n_blocks_per_stage"}


def _told(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Plans since nnU-Net 2.3."""
    place, _, name = str(entry["architecture"]["network_class_name"]).rpartition(".")
    if name not in NETWORKS or not place.startswith(PACKAGE):
        raise WeightsError(f"The network '{'.'.join(filter(None, (place, name))):.100}' is not known to this version.", OURS_ONLY)
    return name, dict(entry["architecture"]["arch_kwargs"])


def _told_long_ago(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Plans without an `architecture`: as `ConfigurationManager` rebuilds it."""
    name = entry["UNet_class_name"]
    if name not in NETWORKS:
        raise WeightsError(f"The network '{name}' is not known to this version.", OURS_ONLY)
    stages, dims = len(entry["n_conv_per_stage_encoder"]), len(entry["patch_size"])
    features = [min(entry["UNet_base_num_features"] * 2**n, entry["unet_max_num_features"]) for n in range(stages)]
    return name, {
        "n_stages": stages,
        "features_per_stage": features,
        "conv_op": f"torch.nn.Conv{dims}d",
        "kernel_sizes": entry["conv_kernel_sizes"],
        "strides": entry["pool_op_kernel_sizes"],
        REPEATS[name]: entry["n_conv_per_stage_encoder"],
        "n_conv_per_stage_decoder": entry["n_conv_per_stage_decoder"],
        "conv_bias": True,
        "norm_op": f"torch.nn.InstanceNorm{dims}d",
        "norm_op_kwargs": {"eps": NORM_EPS, "affine": True},
        "nonlin": "torch.nn.LeakyReLU",
    }


def _named(known: Mapping[str, Any], name: Any, what: str) -> Any:
    if name not in known:
        raise WeightsError(f"The network's {what} '{name}' is not known to this version.", OURS_ONLY)
    return known[name]


def _stages(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= MOST_STAGES:
        raise ValueError(f"{value!r} is no number of stages")
    return value


def _given(arguments: Any, known: set[str]) -> dict[str, Any]:
    """Arguments of a layer by name; raises ValueError for one that may change what it does."""
    found = dict(arguments or {})
    if set(found) - known:
        raise ValueError(f"a layer has an argument '{min(set(found) - known)}' that this version does not know")
    return found


def _sides(values: Any, stages: int, dims: int) -> list[list[int]]:
    values = [values] * stages if isinstance(values, int) else list(values)
    return [[int(side)] * dims if isinstance(side, int) else [int(one) for one in side] for side in values]


def _repeated(values: Any, count: int) -> list[int]:
    return [values] * count if isinstance(values, int) else [int(value) for value in values]
