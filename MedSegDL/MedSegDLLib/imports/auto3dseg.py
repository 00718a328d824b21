"""What the `.pt` of a SegResNet of Auto3DSeg says of itself (`config`), as SlicerMONAIAuto3DSeg runs it: a plan and an architecture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from ..errors import WeightsError, counted
from ..network.monai_plan import Intensities, MonaiPlan
from ..schema.records import Unfit

REMEDY = "Give the model.pt of SlicerMONAIAuto3DSeg, with its 'config' and 'state_dict'."
MARGIN, OVERLAP, TOLERANCE = 10, 0.625, 0.25  # voxels; of a tile; of a spacing: auto3dseg_segresnet_inference.py
NORMALISATIONS = {
    "none": Intensities.UNCHANGED,
    "range": Intensities.SIGMOID,
    "ct": Intensities.SIGMOID,
    "meanstd": Intensities.ZSCORE,
    "mri": Intensities.ZSCORE,
    "meanstdtanh": Intensities.TANH,
    "pet": Intensities.LOGISTIC,
}
WHOLE_HEAD, WHOLE_HEAD_PARTS = "whole-head", 2  # of a model whose path says so two parts of each region are kept
WITHOUT_EFFECT = {"spatial_dims", "_target_", "act"}
BRATS_INPUTS, BRATS_REGIONS = ("T2F", "T1C", "T1N", "T2W"), ("WT", "TC", "ET")
ACTIVATION = "relu"  # the network's own


def auto3dseg_plan(config: Mapping[str, Any], network: Mapping[str, Any], brats: bool, name: str = "") -> MonaiPlan:
    """The plan. For BraTS SlicerMONAIAuto3DSeg turns, crops, resamples and normalises; for all others it normalises first, and crops
    what it turned to the box of what it loaded.

    Args:
        config: of the checkpoint.
        network: its arguments.
        brats: see `is_brats`.
        name: the model's file with its folder, by which SlicerMONAIAuto3DSeg goes.

    Raises:
        WeightsError: a value that is missing, absurd, or known by no name here.
    """
    try:
        outputs, channels, sigmoid = int(network["out_channels"]), int(network["in_channels"]), bool(config.get("sigmoid", False))
        modes = _modes(config, channels, brats)
        bounds = config.get("intensity_bounds") or (0.0, 1.0)
        return MonaiPlan(
            orientation="RAS" if config.get("orientation_ras", False) else "",
            margin=MARGIN if config.get("crop_foreground", True) else None,
            spacing_mm=config.get("resample_resolution"),
            tolerance=TOLERANCE,
            intensities=modes[0],
            others=modes[1:],
            scaled_first=not brats,
            box_as_stored=not brats,
            single=True,
            source=(float(bounds[0]), float(bounds[1])),
            channels=channels,
            tile=config["roi_size"],
            overlap=OVERLAP,
            gaussian=True,
            softmax=not sigmoid,
            nearest=True,
            parts=WHOLE_HEAD_PARTS if WHOLE_HEAD in name and not brats else None,
            regions=[(number,) for number in range(outputs) if number or sigmoid],
            outputs=outputs,
        )
    except (Unfit, KeyError, TypeError, ValueError) as error:
        what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"The model's configuration does not fit: {what}.", REMEDY) from error


def _modes(config: Mapping[str, Any], channels: int, brats: bool) -> tuple[Intensities, ...]:
    """Of every channel; for BraTS one for all, else those of `extra_modalities` for the second and further images."""
    extra = config.get("extra_modalities") or {}
    told = [config["normalize_mode"], *(extra.values() if isinstance(extra, Mapping) and not brats else ())]
    told = told * channels if brats else told
    unknown = [mode for mode in told if not isinstance(mode, str) or mode not in NORMALISATIONS]
    if unknown:
        raise WeightsError(f"The model's normalisation '{unknown[0]!s:.60}' is not known to this version.", REMEDY)
    if len(told) != channels:
        raise ValueError(f"it takes {counted(channels, 'image')}, and the normalisation of {len(told)} is told")
    return tuple(NORMALISATIONS[mode] for mode in told)


def auto3dseg_network(config: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's entry: name and arguments. Raises WeightsError: another network than SegResNetDS, by name."""
    entry = config.get("network")
    name = str(entry.get("_target_", "")).rsplit(".", 1)[-1] if isinstance(entry, Mapping) else ""
    if name != "SegResNetDS":
        raise WeightsError(f"The model's network '{name}' is not known to this version.", REMEDY)
    given = entry.get("act", ACTIVATION)
    if str(given if isinstance(given, str) else given[0]).lower() != ACTIVATION or entry.get("spatial_dims", 3) != 3:
        raise WeightsError(f"The model's network '{name}' is not one of volumes with the activation {ACTIVATION}.", REMEDY)
    plain = {key: value for key, value in entry.items() if key not in WITHOUT_EFFECT and value is not None}
    if any(isinstance(value, str) and value.startswith(("$", "@")) for value in plain.values()):
        raise WeightsError("The model's network is described by an expression, which would have to be run.", REMEDY)
    return {"name": name, "arguments": plain}


def is_brats(config: Mapping[str, Any], name: str) -> bool:
    """Whether it is a model of BraTS, by the words that SlicerMONAIAuto3DSeg goes by."""
    return "brats" in f"{name} {config.get('bundle_root', '')}".lower()


def region_names(plan: MonaiPlan, brats: bool, labels: Mapping[int, str]) -> list[str]:
    """Names of the regions: BraTS's own, those of a `labels.csv`, or numbers."""
    if brats and len(plan.regions) == len(BRATS_REGIONS):
        return list(BRATS_REGIONS)
    return [labels.get(outputs[0] if plan.softmax else outputs[0] + 1, f"region {outputs[0]}") for outputs in plan.regions]


def input_names(plan: MonaiPlan, brats: bool) -> list[str]:
    """Names of the inputs: those of BraTS in the order of SlicerMONAIAuto3DSeg."""
    known = BRATS_INPUTS if brats else ("image",)
    return list(known) if len(known) == plan.channels else [f"image {n}" for n in range(1, plan.channels + 1)]


def read_labels(text: str) -> dict[int, str]:
    """A `labels.csv` of SlicerMONAIAuto3DSeg: label value -> name; lines that say nothing are passed over."""
    found = {}
    for row in csv.DictReader(io.StringIO(text)):
        value, name = row.get("LabelValue"), row.get("Name")
        if value and name and value.strip().isdecimal():
            found[int(value)] = name.strip()
    return found
