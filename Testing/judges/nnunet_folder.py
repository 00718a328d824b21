"""Result folders as nnU-Net v2 leaves them behind, with small networks of random weights; and nnU-Net's own answer."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from pydoc import locate
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from torch import nn

NORMS = {2: "torch.nn.modules.instancenorm.InstanceNorm2d", 3: "torch.nn.modules.instancenorm.InstanceNorm3d"}
CONVS = {2: "torch.nn.modules.conv.Conv2d", 3: "torch.nn.modules.conv.Conv3d"}
CT_STATISTICS = {"mean": -120.0, "std": 310.0, "percentile_00_5": -900.0, "percentile_99_5": 420.0}


@dataclass
class Recipe:
    """What makes one result folder differ from another."""

    channels: dict[str, str] = field(default_factory=lambda: {"0": "CT"})
    labels: dict[str, Any] = field(default_factory=lambda: {"background": 0, "liver": 1, "tumour": 2})
    regions_class_order: list[int] | None = None
    spacing: tuple[float, ...] = (2.0, 1.5, 1.5)
    patch: tuple[int, ...] = (16, 16, 16)
    schemes: tuple[str, ...] = ("CTNormalization",)
    masked: tuple[bool, ...] = (False,)
    transpose: tuple[int, int, int] = (0, 1, 2)
    mirror: tuple[int, ...] | None = (0, 1, 2)
    folds: tuple[Any, ...] = (0,)
    reader: str = "SimpleITKIO"
    network: str = "PlainConvUNet"
    trainer: str = "nnUNetTrainer"
    configuration: str = "3d_fullres"
    data_kwargs: dict[str, Any] = field(default_factory=lambda: {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None})
    logits_kwargs: dict[str, Any] = field(default_factory=lambda: {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None})
    data_function: str = "resample_data_or_seg_to_shape"
    logits_function: str = "resample_data_or_seg_to_shape"
    old_plans: bool = False
    inherits: bool = False
    features: tuple[int, ...] = (4, 6, 8)
    arch: dict[str, Any] = field(default_factory=dict)  # arguments of the network that are not the usual ones
    seed: int = 0

    @property
    def dimensions(self) -> int:
        return len(self.patch)


def architecture(recipe: Recipe) -> dict[str, Any]:
    dims, stages = recipe.dimensions, len(recipe.features)
    blocks = "n_conv_per_stage" if recipe.network == "PlainConvUNet" else "n_blocks_per_stage"
    return {
        "network_class_name": f"dynamic_network_architectures.architectures.unet.{recipe.network}",
        "arch_kwargs": {
            "n_stages": stages,
            "features_per_stage": list(recipe.features),
            "conv_op": CONVS[dims],
            "kernel_sizes": [[3] * dims] * stages,
            "strides": [[1] * dims] + [[2] * dims] * (stages - 1),
            blocks: [2] * stages,
            "n_conv_per_stage_decoder": [2] * (stages - 1),
            "conv_bias": True,
            "norm_op": NORMS[dims],
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
            **recipe.arch,
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def configuration(recipe: Recipe) -> dict[str, Any]:
    entry = {
        "data_identifier": f"nnUNetPlans_{recipe.configuration}",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(recipe.patch),
        "median_image_size_in_voxels": [40.0] * recipe.dimensions,
        "spacing": list(recipe.spacing),
        "normalization_schemes": list(recipe.schemes),
        "use_mask_for_norm": list(recipe.masked),
        "resampling_fn_data": recipe.data_function,
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": recipe.data_kwargs,
        "resampling_fn_seg_kwargs": {"is_seg": True, "order": 1, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": recipe.logits_function,
        "resampling_fn_probabilities_kwargs": recipe.logits_kwargs,
        "batch_dice": False,
    }
    if not recipe.old_plans:
        return entry | {"architecture": architecture(recipe)}
    stages = len(recipe.features)
    return entry | {
        "UNet_class_name": recipe.network,
        "UNet_base_num_features": recipe.features[0],
        "unet_max_num_features": recipe.features[-1],
        "n_conv_per_stage_encoder": [2] * stages,
        "n_conv_per_stage_decoder": [2] * (stages - 1),
        "num_pool_per_axis": [stages - 1] * recipe.dimensions,
        "pool_op_kernel_sizes": [[1] * recipe.dimensions] + [[2] * recipe.dimensions] * (stages - 1),
        "conv_kernel_sizes": [[3] * recipe.dimensions] * stages,
    }


def plans(recipe: Recipe) -> dict[str, Any]:
    entry = configuration(recipe)
    configurations = {recipe.configuration: entry}
    if recipe.inherits:
        parent = {**entry, "batch_size": 4, "patch_size": [8] * recipe.dimensions}
        configurations = {"parent": parent, recipe.configuration: {"inherits_from": "parent", "patch_size": list(recipe.patch)}}
    return {
        "dataset_name": "Dataset901_MadeUp",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [2.0, 1.5, 1.5],
        "original_median_shape_after_transp": [40, 40, 40],
        "image_reader_writer": recipe.reader,
        "transpose_forward": list(recipe.transpose),
        "transpose_backward": [list(recipe.transpose).index(axis) for axis in range(3)],
        "configurations": configurations,
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": dict.fromkeys(recipe.channels, CT_STATISTICS),
    }


def dataset(recipe: Recipe) -> dict[str, Any]:
    entry = {"channel_names": recipe.channels, "labels": recipe.labels, "numTraining": 3, "file_ending": ".nii.gz"}
    return entry if recipe.regions_class_order is None else entry | {"regions_class_order": recipe.regions_class_order}


def outputs(recipe: Recipe) -> int:
    """How many the network has: a region each, or a label each with background."""
    return len(recipe.labels) - ("ignore" in recipe.labels) - (1 if recipe.regions_class_order else 0)


def random_network(recipe: Recipe, seed: int) -> nn.Module:
    """As nnU-Net builds it, with deep supervision, and weights that make the outputs differ from place to place."""
    torch.manual_seed(1000 * recipe.seed + seed)
    entry = architecture(recipe)
    arguments = {
        key: locate(value) if key in entry["_kw_requires_import"] and value else value for key, value in entry["arch_kwargs"].items()
    }
    if recipe.trainer == "nnUNetTrainerBN":
        arguments |= {
            "norm_op": {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[recipe.dimensions],
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        }
    kind = locate(entry["network_class_name"])
    network = kind(input_channels=len(recipe.channels), num_classes=outputs(recipe), deep_supervision=True, **arguments)
    for name, parameter in network.named_parameters():
        if "seg_layers" in name:
            nn.init.normal_(parameter, std=1.0)
    for name, buffer in network.named_buffers():  # of batch norms: what they saw in training
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand_like(buffer) + 0.5 * name.endswith("var"))
    return network


def write_folder(root: Path, recipe: Recipe) -> Path:
    """A result folder: `dataset.json`, `plans.json`, a checkpoint a fold, as `nnUNetTrainer.save_checkpoint` writes it."""
    folder = root / f"{recipe.trainer}__nnUNetPlans__{recipe.configuration}"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps(dataset(recipe)))
    (folder / "plans.json").write_text(json.dumps(plans(recipe)))
    for number, fold in enumerate(recipe.folds):
        network = random_network(recipe, number)
        checkpoint = {
            "network_weights": network.state_dict(),
            "optimizer_state": torch.optim.SGD(network.parameters(), 0.01, momentum=0.99, nesterov=True).state_dict(),
            "grad_scaler_state": None,
            "logging": {"mean_fg_dice": [np.float64(0.5)], "ema_fg_dice": [np.float64(0.25)], "lrs": [0.01]},
            "_best_ema": np.float64(0.25),
            "current_epoch": 1000,
            "init_args": {"plans": plans(recipe), "configuration": recipe.configuration, "fold": fold, "dataset_json": dataset(recipe),
                          "device": torch.device("cpu")},
            "trainer_name": recipe.trainer,
            "inference_allowed_mirroring_axes": recipe.mirror,
        }  # fmt: skip
        (folder / f"fold_{fold}").mkdir()
        torch.save(checkpoint, folder / f"fold_{fold}" / "checkpoint_final.pth")
    return folder


@dataclass(frozen=True)
class Answer:
    """What nnU-Net says: (K, J, I) labels as it writes them to a file, and logits on the network's grid."""

    labels: np.ndarray
    logits: torch.Tensor


def predictor(folder: Path, mirrored: bool) -> Any:
    """nnU-Net's own."""
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    with contextlib.redirect_stdout(io.StringIO()):
        found = nnUNetPredictor(use_mirroring=mirrored, device=torch.device("cpu"), allow_tqdm=False)
        found.initialize_from_trained_model_folder(str(folder), None, "checkpoint_final.pth")
    return found


def nnunet_answer(folder: Path, files: list[Path], mirrored: bool = True, wide: bool = True) -> Answer:
    """Labels and logits of nnU-Net for one case.

    Args:
        wide: its sums in float32; else in float16, as it does.
    """
    from nnunetv2.inference import predict_from_raw_data
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape as exported

    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        judge = predictor(folder, mirrored)
        predict_from_raw_data.compute_gaussian.cache_clear()
        reader = judge.plans_manager.image_reader_writer_class()
        image, properties = reader.read_images([str(file) for file in files])
        preprocessor = judge.configuration_manager.preprocessor_class(verbose=False)
        data, _, properties = preprocessor.run_case_npy(
            image, None, properties, judge.plans_manager, judge.configuration_manager, judge.dataset_json
        )
        half = torch.half
        try:
            torch.half = torch.float32 if wide else half
            logits = judge.predict_logits_from_preprocessed_data(torch.from_numpy(np.asarray(data, dtype=np.float32)))
        finally:
            torch.half = half
        labels = exported(logits.clone(), judge.plans_manager, judge.configuration_manager, judge.label_manager, properties)
        written = folder / f"answer{files[0].suffix if files[0].suffix in ('.png', '.tif') else '.nii.gz'}"
        reader.write_seg(np.asarray(labels), str(written), properties)
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(written)))
    return Answer(labels if labels.ndim == 3 else labels[None], logits.float())
