"""What a MONAI bundle says: `inference.json` and `metadata.json` as a plan, an architecture and names, from a fixed list of transforms.

A bundle's values may be code (they begin with `$`). None is ever evaluated: where one stands in what counts, the bundle is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import WeightsError
from ..network.monai_plan import Intensities, MonaiPlan
from ..schema.records import Unfit

REMEDY = "Give a bundle as MONAI's model zoo has it (configs/inference.json, configs/metadata.json, models/model.pt)."
ONLY_THESE = "Only bundles of the usual transforms can be imported (BraTS SegResNet, spleen UNet, Swin UNETR and their like)."
NETWORKS = {"SegResNet", "UNet", "SwinUNETR"}
WITHOUT_EFFECT = {
    "dropout_prob",
    "dropout",
    "drop_rate",
    "attn_drop_rate",
    "dropout_path_rate",
    "use_checkpoint",
    "img_size",
    "spatial_dims",
}
BEFORE = ("LoadImaged", "EnsureChannelFirstd", "Orientationd", "Spacingd", "ScaleIntensityRanged", "NormalizeIntensityd")  # in this order
ANYWHERE = {"EnsureTyped", "CastToTyped", "ToTensord"}
AFTER = {"Activationsd", "Invertd", "AsDiscreted", "SaveImaged", "EnsureTyped", "Lambdad"}
# The one expression that is known, by its text: how the bundle of BraTS joins its three regions in one label map, which we do not need.
JOINED = "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))"
HALF = 0.5


def bundle_plan(config: Mapping[str, Any], metadata: Mapping[str, Any]) -> MonaiPlan:
    """The plan of a bundle.

    Raises:
        WeightsError: a transform, an argument or an expression that can't be followed exactly, by name.
    """
    try:
        before, after = _chain(config, "preprocessing"), _chain(config, "postprocessing")
        _in_order(before)
        names = output_names(metadata)
        return MonaiPlan(
            **_before(before), **_tiles(config), **_after(after, names), channels=len(input_names(metadata)), outputs=len(names)
        )
    except (Unfit, KeyError, TypeError, ValueError, IndexError) as error:
        what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"The bundle's configuration does not fit: {what}.", REMEDY) from error


def bundle_network(config: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's entry: name and arguments. Raises WeightsError: a network that is not in the list, by name."""
    entry = config.get("network_def", config.get("network"))
    if not isinstance(entry, Mapping) or not isinstance(entry.get("_target_"), str):
        raise WeightsError("The bundle does not define its network as data ('network_def').", ONLY_THESE)
    name = _short(entry["_target_"])
    if name not in NETWORKS:
        raise WeightsError(f"The bundle's network '{name}' is not known to this version.", ONLY_THESE)
    if entry.get("spatial_dims", 3) != 3:
        raise WeightsError(f"The bundle's network '{name}' is not one of volumes.", ONLY_THESE)
    left_out = {*WITHOUT_EFFECT, "_target_", "spatial_dims"}
    return {"name": name, "arguments": {key: _plain(value, config) for key, value in entry.items() if key not in left_out}}


def input_names(metadata: Mapping[str, Any]) -> list[str]:
    """Names of the network's channels."""
    return _channel_names(metadata, "inputs")


def output_names(metadata: Mapping[str, Any]) -> list[str]:
    """Names of the network's outputs."""
    return _channel_names(metadata, "outputs")


def _channel_names(metadata: Mapping[str, Any], side: str) -> list[str]:
    try:
        (entry,) = metadata["network_data_format"][side].values()
        names = entry["channel_def"]
        return [str(names[str(number)]) for number in range(len(names))]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(f"metadata.json does not name the {side} of the network.", REMEDY) from error


def _short(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def _plain(value: Any, config: Mapping[str, Any]) -> Any:
    """A value without code; a reference to a plain one is followed once."""
    if isinstance(value, str) and value.startswith("@") and value[1:] in config:
        value = config[value[1:]]
    if isinstance(value, str) and value.startswith(("$", "@")):
        raise WeightsError(f"The bundle's configuration has the expression '{value:.80}', which would have to be run.", ONLY_THESE)
    if isinstance(value, Mapping):
        return {key: _plain(one, config) for key, one in value.items()}
    return [_plain(one, config) for one in value] if isinstance(value, list) else value


def _chain(config: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and arguments of the transforms of a chain."""
    found = []
    for entry in config[key]["transforms"]:
        name = _short(str(entry["_target_"]))
        known = {*BEFORE, *ANYWHERE} if key == "preprocessing" else AFTER
        if name not in known:
            raise WeightsError(f"The bundle's transform '{name}' is not known to this version.", ONLY_THESE)
        if name == "Lambdad" and entry.get("func") != JOINED:
            raise WeightsError(f"The bundle's transform '{name}' runs an expression of its own.", ONLY_THESE)
        free = {"_target_", "keys", "meta_keys", "orig_keys", "transform", "func"}
        free |= {*entry} if name in ("SaveImaged", "LoadImaged") else set()
        found.append((name, {argument: _plain(value, config) for argument, value in entry.items() if argument not in free}))
    return found


def _in_order(before: Sequence[tuple[str, Any]]) -> None:
    places = [BEFORE.index(name) for name, _ in before if name in BEFORE]
    if places != sorted(set(places)):
        raise ValueError("its transforms come in another order than usual, or twice")


def _only(arguments: Mapping[str, Any], name: str, usual: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a transform, with those that are left out; ValueError for one that is not known."""
    unknown = sorted(set(arguments) - set(usual))
    if unknown:
        raise ValueError(f"the transform {name} has an argument '{unknown[0]}' that this version does not know")
    return {**usual, **arguments}


def _before(chain: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    plan: dict[str, Any] = {"orientation": "", "margin": None, "spacing_mm": None, "intensities": Intensities.UNCHANGED}
    for name, arguments in chain:
        plan |= READ.get(name, lambda arguments: {})(arguments)
    return plan


def _orientation(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"orientation": str(_only(arguments, "Orientationd", {"axcodes": None})["axcodes"])}


def _spacing(arguments: dict[str, Any]) -> dict[str, Any]:
    given = _only(
        arguments, "Spacingd", {"pixdim": None, "mode": "bilinear", "padding_mode": "border", "align_corners": False, "diagonal": False}
    )
    modes = [given["mode"]] if isinstance(given["mode"], str) else given["mode"]
    if set(modes) != {"bilinear"} or given["padding_mode"] != "border" or given["align_corners"] is not False or given["diagonal"]:
        raise ValueError("the transform Spacingd interpolates otherwise than usual")
    return {"spacing_mm": [float(side) for side in given["pixdim"]]}


def _range(arguments: dict[str, Any]) -> dict[str, Any]:
    given = _only(arguments, "ScaleIntensityRanged", {"a_min": None, "a_max": None, "b_min": 0.0, "b_max": 1.0, "clip": False})
    ranges = {"source": (given["a_min"], given["a_max"]), "target": (given["b_min"], given["b_max"])}
    return {"intensities": Intensities.RANGE, "clip": bool(given["clip"]), **ranges}


def _zscore(arguments: dict[str, Any]) -> dict[str, Any]:
    given = _only(arguments, "NormalizeIntensityd", {"nonzero": False, "channel_wise": False})
    if given != {"nonzero": True, "channel_wise": True}:
        raise ValueError("the transform NormalizeIntensityd is not that of nonzero voxels, channel by channel")
    return {"intensities": Intensities.ZSCORE}


READ: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Orientationd": _orientation,
    "Spacingd": _spacing,
    "ScaleIntensityRanged": _range,
    "NormalizeIntensityd": _zscore,
}


def _tiles(config: Mapping[str, Any]) -> dict[str, Any]:
    entry = {key: _plain(value, config) for key, value in config["inferer"].items()}
    name = _short(entry.pop("_target_"))
    if name != "SlidingWindowInferer":
        raise WeightsError(f"The bundle's inferer '{name}' is not known to this version.", ONLY_THESE)
    usual = {"roi_size": None, "overlap": 0.25, "mode": "constant", "sigma_scale": 0.125, "padding_mode": "constant", "cval": 0.0}
    aside = {"sw_batch_size", "progress", "cache_roi_weight_map", "sw_device", "device"}  # change nothing of the answer
    given = _only({key: value for key, value in entry.items() if key not in aside}, name, usual)
    others = (given["sigma_scale"], given["padding_mode"], given["cval"])
    if given["mode"] not in ("constant", "gaussian") or others != (0.125, "constant", 0.0):
        raise ValueError("the inferer weighs or pads its tiles otherwise than usual")
    return {"tile": given["roi_size"], "overlap": float(given["overlap"]), "gaussian": given["mode"] == "gaussian"}


def _after(chain: Sequence[tuple[str, dict[str, Any]]], names: Sequence[str]) -> dict[str, Any]:
    found = dict(chain)
    activation = _only(found["Activationsd"], "Activationsd", {"softmax": False, "sigmoid": False})
    inverted = _only(found.get("Invertd", {}), "Invertd", {"nearest_interp": True, "to_tensor": True, "device": None})
    decided = _only(found["AsDiscreted"], "AsDiscreted", {"argmax": False, "threshold": None})
    softmax = bool(activation["softmax"])
    if softmax == bool(activation["sigmoid"]) or softmax != bool(decided["argmax"]) or (not softmax and decided["threshold"] != HALF):
        raise ValueError("its outputs are decided otherwise than by softmax and argmax, or by sigmoid and 0.5")
    if "Invertd" in found and inverted["nearest_interp"]:
        raise ValueError("its outputs are brought back by the nearest voxel after they were decided")
    regions = [(number,) for number in range(len(names)) if number or not softmax]
    return {"softmax": softmax, "regions": regions}


def region_names(plan: MonaiPlan, names: Sequence[str]) -> list[str]:
    """Names of the regions: of all outputs but background."""
    return [names[outputs[0]] for outputs in plan.regions]
