"""What an nnU-Net v2 result folder says: `plans.json` and `dataset.json` as a plan and labels. Opens no checkpoint.

Everything that this version cannot do exactly is refused by name.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import WeightsError, counted
from ..network.nnunet_plan import Channel, Function, NnunetPlan, Resampling, Scheme

REMEDY = "Give the result folder as nnU-Net v2 wrote it (dataset.json, plans.json, fold_X/checkpoint_final.pth)."
OURS_ONLY = "Only networks that nnU-Net's own planners and trainers make can be imported."
AS_STORED = ("SimpleITKIO", "NibabelIO", "Tiff3DIO")  # readers that take an image's axes as its file stores them
TO_RAS = ("NibabelIOWithReorient", "SimpleITKIOWithReorient")
PICTURES = ("NaturalImage2DIO",)
NETWORKS = ("PlainConvUNet", "ResidualEncoderUNet")
BACKGROUND, IGNORED = "background", "ignore"

# nnU-Net's own trainers that leave the network as the plans have it: they change a length, an augmentation, a loss or an optimiser.
TRAINERS = re.compile(
    r"nnUNetTrainer(|BN|NoDA|NoMirroring|NoDeepSupervision|CosAnneal|_warmup|_noDummy2DDA"
    r"|Benchmark_5epochs(_noDataLoading)?|DA5(ord0|Segord0|_10epochs)?|_DASegOrd0(_NoMirroring)?"
    r"|_onlyMirror01(_1500ep|_DASegOrd0|_DA5)?|(Vanilla)?Ada[mn](1en3|3en4|1en1)?(CosAnneal)?|_\d{1,5}epochs?(_NoMirroring)?"
    r"|DiceLoss|DiceCELoss_noSmooth|Topk10Loss(LS01)?|DiceTopK10Loss|CELoss(_5epochs)?|_probabilisticOversampling(_\d{3})?)"
    r"|nnUNet_Trainer_BS8"
)
WITH_BATCH_NORM = "nnUNetTrainerBN"


@dataclass(frozen=True)
class Outputs:
    """What the outputs of a network stand for.

    Attributes:
        names: of the regions, in the order of `dataset.json`.
        values: as in `NnunetPlan`.
        paints: as in `NnunetPlan`.
        regions: the labels of each region.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    paints: bool
    regions: tuple[tuple[int, ...], ...]


def plan_of(
    plans: Mapping[str, Any], dataset: Mapping[str, Any], configuration: str, mirror: Sequence[int] | None, folds: int = 1
) -> NnunetPlan:
    """The plan of one configuration.

    Args:
        plans, dataset: `plans.json` and `dataset.json`.
        configuration: its name, as the checkpoint says it.
        mirror: `inference_allowed_mirroring_axes` of the checkpoint.
        folds: how many are averaged.

    Raises:
        WeightsError: something is missing, contradicts itself, or can't be done exactly.
    """
    entry = resolved(plans, configuration)
    _refuse_unknown_ways(plans, entry)
    found = outputs_of(dataset)
    try:
        return NnunetPlan(
            orientation="RAS" if reader_of(plans) in TO_RAS else "",
            transpose=tuple(plans["transpose_forward"]),
            channels=_channels(plans, entry, len(channel_names(dataset))),
            spacing_mm=tuple(entry["spacing"]),
            tile=tuple(_whole(side) for side in entry["patch_size"]),
            mirror=tuple(mirror or ()),
            data=_resampling(entry, "resampling_fn_data"),
            logits=_resampling(entry, "resampling_fn_probabilities"),
            values=found.values,
            paints=found.paints,
            regions=found.regions,
            folds=folds,
            pixels=reader_of(plans) in PICTURES,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise WeightsError(f"The plans of the configuration '{configuration}' do not fit: {what}.", REMEDY) from error


def resolved(plans: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A configuration with what it inherits."""
    entries, chain = plans.get("configurations"), []
    while name is not None:
        if not isinstance(entries, dict) or not isinstance(entries.get(name), dict):
            raise WeightsError(f"plans.json has no configuration '{name!s:.100}'.", REMEDY)
        if name in chain:
            raise WeightsError(f"The configuration '{name!s:.100}' inherits from itself.", REMEDY)
        chain.append(name)
        name = entries[name].get("inherits_from")
    found: dict[str, Any] = {}
    for ancestor in reversed(chain):
        found |= copy.deepcopy(entries[ancestor])
    return found


def reader_of(plans: Mapping[str, Any]) -> str:
    """Name of the class that read the training images. Raises WeightsError where it is none of nnU-Net's."""
    name = plans.get("image_reader_writer")
    if name not in (*AS_STORED, *TO_RAS, *PICTURES):
        raise WeightsError(f"The images were read by '{name}', which this version does not know.", OURS_ONLY)
    return name


def _refuse_unknown_ways(plans: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Everything that is done by a class or function of a name that is not nnU-Net's own."""
    if entry.get("previous_stage"):
        raise WeightsError(
            f"The network is the second of a cascade: it needs the answer of '{entry['previous_stage']}' as a further input.",
            "Import the configuration 3d_fullres, or the first network of the cascade by itself.",
        )
    for what, name, known in (
        ("preprocessor", entry.get("preprocessor_name", "DefaultPreprocessor"), ("DefaultPreprocessor",)),
        ("label manager", plans.get("label_manager", "LabelManager"), ("LabelManager",)),
        ("resampling", entry.get("resampling_fn_data"), list(Function)),
        ("resampling", entry.get("resampling_fn_probabilities"), list(Function)),
        *(("normalisation", scheme, list(Scheme)) for scheme in entry.get("normalization_schemes") or ()),
    ):
        if name not in known:
            raise WeightsError(f"The {what} '{name}' is not known to this version.", OURS_ONLY)


def _channels(plans: Mapping[str, Any], entry: Mapping[str, Any], count: int) -> tuple[Channel, ...]:
    statistics = plans.get("foreground_intensity_properties_per_channel", plans.get("foreground_intensity_properties_by_modality", {}))
    schemes, masked = entry["normalization_schemes"], entry["use_mask_for_norm"]
    if not len(schemes) == len(masked) == count:
        raise ValueError(f"it normalises {counted(len(schemes), 'channel')}, and dataset.json names {count}")
    channels = []
    for number, (scheme, only_masked) in enumerate(zip(schemes, masked)):
        if scheme != Scheme.CT:
            channels.append(Channel(Scheme(scheme), bool(only_masked) and scheme == Scheme.ZSCORE))
            continue
        found = statistics[str(number)]
        numbers = (float(found[key]) for key in ("mean", "std", "percentile_00_5", "percentile_99_5"))
        channels.append(Channel(Scheme(scheme), False, *numbers))
    return tuple(channels)


def _resampling(entry: Mapping[str, Any], key: str) -> Resampling:
    """With nnU-Net's own values for what the plans leave out."""
    given = dict(entry.get(f"{key}_kwargs") or {})
    if given.pop("is_seg", False):
        raise ValueError(f"'{key}' is to treat images as labels")
    ours = {"order": "order", "order_z": "order_across", "force_separate_z": "separate", "separate_z_anisotropy_threshold": "anisotropy"}
    names = ours if entry[key] == Function.SPLINE else {name: ours[name] for name in list(ours)[2:]}
    left_out = {"num_threads", "memefficient_seg_resampling", "device"}  # change nothing of the answer
    if given.pop("mode", "linear") != "linear" or given.pop("aniso_axis_mode", "nearest-exact") != "nearest-exact":
        raise ValueError(f"'{key}' interpolates by a mode that this version does not know")
    if set(given) - set(names) - left_out:
        raise ValueError(f"'{key}' has an argument '{min(set(given) - set(names) - left_out)}' that this version does not know")
    usual = {} if entry[key] == Function.SPLINE else {"separate": None, "order": 1}
    return Resampling(Function(entry[key]), **(usual | {names[name]: value for name, value in given.items() if name in names}))


def channel_names(dataset: Mapping[str, Any]) -> list[str]:
    """Names of the inputs, in the network's order."""
    names = dataset.get("channel_names", dataset.get("modality"))
    if not isinstance(names, dict) or sorted(names) != sorted(str(number) for number in range(len(names))) or not names:
        raise WeightsError("dataset.json does not name the channels 0, 1, ... of the images.", REMEDY)
    return [str(names[str(number)]) for number in range(len(names))]


def outputs_of(dataset: Mapping[str, Any]) -> Outputs:
    """What the network's outputs mean (`LabelManager`).

    Raises:
        WeightsError: labels that nnU-Net would not take either, or that are not numbered one after the other.
    """
    labels = dataset.get("labels")
    if not isinstance(labels, dict) or labels.get(BACKGROUND) not in (0, "0"):
        raise WeightsError("dataset.json does not name its labels, with background as 0.", REMEDY)
    try:
        numbers = {name: _numbers(value) for name, value in labels.items() if name != IGNORED}
    except (TypeError, ValueError) as error:
        raise WeightsError("dataset.json has a label that is no number and no list of numbers.", REMEDY) from error
    regions = {name: values for name, values in numbers.items() if set(values) != {0}}
    if not regions:
        raise WeightsError("dataset.json names no label but background.", REMEDY)
    if any(isinstance(value, list) and len(value) > 1 for name, value in labels.items() if name != IGNORED):
        order = dataset.get("regions_class_order")
        if not isinstance(order, list) or len(order) != len(regions):
            raise WeightsError("dataset.json has regions, but 'regions_class_order' does not name a label for each.", REMEDY)
        return Outputs(tuple(regions), tuple(int(label) for label in order), True, tuple(regions.values()))
    known = sorted({label for values in numbers.values() for label in values})
    if known != list(range(len(known))):
        raise WeightsError(f"The labels of dataset.json are not 0, 1, 2, ... but {known}.", REMEDY)
    return Outputs(tuple(regions), tuple(known), False, tuple(regions.values()))


def _whole(value: Any) -> int:
    """A whole number as one; raises ValueError for any other."""
    if int(value) != value:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in value) if isinstance(value, list) else (int(value),)
