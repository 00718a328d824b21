"""Other predictors on the same four volumes: MONAI's sliding window with a SegResNet of our size, nnU-Net with its defaults.

Their weights are random, since speed does not depend on them. Each answer says what was left out of the clock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch

from MedSegDLLib.geometry.align import align
from MedSegDLLib.network.fused_inference import best_kernels, merged
from MedSegDLLib.network.sliding_window import predict, strategies
from MedSegDLLib.network.weights import Weights, find_weights
from MedSegDLLib.pipeline import load_once
from MedSegDLLib.postprocess.restore import Known, restore
from MedSegDLLib.preprocess.foreground import head_mask
from MedSegDLLib.preprocess.normalise import prepare
from MedSegDLLib.tasks import BRAIN

from .inputs import brain_images
from .meter import peak_mb, reset_peak, timed

BUNDLE_ROI = (240, 240, 160)  # MONAI's BraTS bundle: the whole volume in one window
NNUNET_LIMIT_S = 100.0  # of the forward passes; a predictor that takes longer is projected from those done
NNUNET_QUICK_S = 1.0
GRIDS = {"2 mm": (80, 96, 80), "1 mm": (128, 160, 128)}  # of a head's box, divisible by what all three ask for
MIRRORED = 8  # passes a tile: every combination of three axes
Forward = Callable[[torch.Tensor], torch.Tensor]


def monai_segresnet(quick: bool) -> dict:
    """MONAI against ours, both without N4: normalise, network, masks on the input's grid."""
    from monai.inferers import sliding_window_inference

    images = brain_images()
    weights = load_once(find_weights(BRAIN, None), BRAIN)
    count = _parameters(weights.network)
    network, filters = _segresnet_like(count)
    volumes = torch.stack([torch.from_numpy(image.array.astype(np.float32)) for image in images.values()])

    def theirs() -> torch.Tensor:
        with torch.inference_mode():
            x = _normalised(volumes)[None]
            return torch.sigmoid(sliding_window_inference(x, BUNDLE_ROI, 1, network, overlap=0.5))[0] > 0.5

    _ours(images)
    ours_s, _ = timed(lambda: _ours(images))
    reset_peak()
    theirs_s, _ = timed(theirs)
    print(f"MONAI {theirs_s:.1f} s, ours {ours_s:.1f} s", flush=True)
    return {
        "peer": f"MONAI sliding_window_inference, SegResNet({filters} filters)",
        "peer_s": theirs_s,
        "ours_s": ours_s,
        "peer_parameters": _parameters(network),
        "ours_parameters": count,
        "peer_peak_mb": peak_mb(),
        "peer_grid": "1 mm, 1 pass",
        "ours_grid": _grid_of(weights),
        "note": "both from arrays to masks, without N4",
    }


def equal_grid(quick: bool) -> dict:
    """Forward passes alone: the networks on one and the same tensor, at our grid and at theirs, one pass and no mirroring."""
    weights = load_once(find_weights(BRAIN, None), BRAIN)
    ours = merged(weights.network)
    count = _parameters(ours)
    segresnet, filters = _segresnet_like(count)
    rivals = {
        f"ours, {count / 1e6:.1f} M": ours,
        f"MONAI SegResNet, {filters} filters, {_parameters(segresnet) / 1e6:.1f} M": segresnet,
    }
    plain = _default_predictor(NNUNET_LIMIT_S).network
    rivals[f"nnU-Net's PlainConvUNet, {_parameters(plain) / 1e6:.1f} M"] = plain.eval()
    rows = []
    for grid, shape in GRIDS.items():
        if quick and grid != next(iter(GRIDS)):
            continue
        x = torch.randn(1, 4, *shape, generator=torch.Generator().manual_seed(0))
        seconds = {name: _pass_seconds(network, x, own=network is ours) for name, network in rivals.items()}
        rows += [{"grid": grid, "shape": shape, "network": name, "seconds": found} for name, found in seconds.items()]
    return {"rows": rows}


def _pass_seconds(network: torch.nn.Module, x: torch.Tensor, own: bool) -> float:
    """The second of two passes; ours with the kernels that it runs with at work."""
    with torch.inference_mode(), best_kernels(x.device) if own else nullcontext():
        network(x)
        return timed(lambda: network(x))[0]


def _grid_of(weights: Weights) -> str:
    return f"{' x '.join(f'{mm:g}' for mm in weights.plan.spacing_mm)} mm, 1 pass"


def _ours(images: dict) -> dict[str, np.ndarray]:
    """Arrays to masks without N4."""
    weights = load_once(find_weights(BRAIN, None), BRAIN)
    aligned = align(images, BRAIN)
    foreground = head_mask({key: image.array for key, image in images.items()})
    prepared = prepare(aligned.volumes, foreground, weights.plan)
    tried = strategies(weights.network.arch, tuple(prepared.x.shape[1:]), torch.device("cpu"))
    probabilities, _ = predict(weights.network, prepared.x, weights.plan, tried, False, lambda fraction, message: None)
    return restore(probabilities, prepared.grid, aligned.grid, BRAIN, weights.plan, Known(foreground)).masks


def _parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _segresnet_like(count: int) -> tuple[torch.nn.Module, int]:
    """The SegResNet whose number of weights is nearest to `count`, and its filters (multiples of 8: group norm)."""
    from monai.networks.nets import SegResNet

    networks = {n: SegResNet(init_filters=n, in_channels=4, out_channels=3, blocks_down=(1, 2, 2, 4)).eval() for n in (8, 16, 24)}
    filters = min(networks, key=lambda n: abs(_parameters(networks[n]) - count))
    return networks[filters], filters


def _normalised(volumes: torch.Tensor) -> torch.Tensor:
    """As the bundle: mean 0 and deviation 1 over what is not 0, a channel at a time."""
    found = torch.zeros_like(volumes)
    for channel, values in zip(found, volumes, strict=True):
        inside = values != 0
        channel[inside] = (values[inside] - values[inside].mean()) / values[inside].std()
    return found


class _Enough(Exception):
    """The time for a peer is over; what is missing is projected."""


class _PassClock:
    """Seconds of every forward pass of a network; raises `_Enough` before the next one once the limit is reached."""

    def __init__(self, network: torch.nn.Module, limit_s: float) -> None:
        self.seconds: list[float] = []
        self._limit_s, self._start = limit_s, 0.0
        network.register_forward_pre_hook(self._begin)
        network.register_forward_hook(self._end)

    def _begin(self, network: torch.nn.Module, inputs: tuple) -> None:
        if sum(self.seconds) > self._limit_s:
            raise _Enough
        self._start = time.perf_counter()

    def _end(self, network: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        self.seconds.append(time.perf_counter() - self._start)
        print(f"nnU-Net, pass {len(self.seconds)}: {self.seconds[-1]:.1f} s", flush=True)

    @property
    def mean_s(self) -> float:
        return sum(self.seconds) / len(self.seconds)


def nnunet(quick: bool) -> dict:
    """nnU-Net's predictor (half-overlapping Gaussian tiles, mirrored eight times) from arrays to a label map, against ours with N4."""
    images = brain_images()
    volumes = np.stack([image.array.astype(np.float32) for image in images.values()])
    predictor = _default_predictor(NNUNET_QUICK_S if quick else NNUNET_LIMIT_S)
    start = time.perf_counter()
    try:
        predictor.predict_single_npy_array(volumes, {"spacing": [1.0, 1.0, 1.0]})
        whole = True
    except _Enough:
        whole = False
    seconds = time.perf_counter() - start
    done, passes = len(predictor.clock.seconds), predictor.tiles * MIRRORED
    if not whole:
        seconds = predictor.started - start + predictor.clock.mean_s * passes
    return {
        "peer": f"nnU-Net {_version()} predictor, default settings",
        "peer_s": seconds,
        "peer_parameters": _parameters(predictor.network),
        "peer_peak_mb": peak_mb(),
        "peer_grid": f"1 mm, {passes} passes ({predictor.tiles} tiles, mirrored {MIRRORED} ways)",
        "ours_grid": _grid_of(load_once(find_weights(BRAIN, None), BRAIN)),
        "note": "from arrays to a label map" if whole else f"projected from {done} of {passes} passes, export left out",
    }


def _version() -> str:
    from importlib.metadata import version

    return version("nnunetv2")


def _default_predictor(limit_s: float):
    """nnU-Net's predictor as for BraTS, 3d_fullres, with random weights; it stops once its forward passes took `limit_s`."""
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ.setdefault(name, os.devnull)  # else it prints that they are missing
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    class Counting(nnUNetPredictor):
        """Knows how many tiles there are and when the first begins."""

        tiles = 0
        started = 0.0

        def _internal_get_sliding_window_slicers(self, image_size):
            found = super()._internal_get_sliding_window_slicers(image_size)
            self.tiles, self.started = len(found), time.perf_counter()
            return found

    plans = PlansManager(_plans())
    configuration = plans.get_configuration("3d_fullres")
    entry = _plans()["configurations"]["3d_fullres"]["architecture"]
    network = get_network_from_plans(
        entry["network_class_name"], entry["arch_kwargs"], entry["_kw_requires_import"], 4, 3, deep_supervision=False
    )
    predictor = Counting(device=torch.device("cpu"), allow_tqdm=False)
    predictor.manual_initialization(network, plans, configuration, [network.state_dict()], _dataset(), "nnUNetTrainer", (0, 1, 2))
    predictor.clock = _PassClock(network, limit_s)
    return predictor


def _dataset() -> dict:
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": 3}
    channels = {str(number): name for number, name in enumerate(("T1", "T1ce", "T2", "FLAIR"))}
    return {"channel_names": channels, "labels": labels, "regions_class_order": [1, 2, 3], "numTraining": 1, "file_ending": ".nii.gz"}


def _plans() -> dict:
    """What nnU-Net plans for BraTS (8 GB preset, 3d_fullres): six stages, 32 to 320 features, patches of 128x160x112."""
    stages = 6
    resampling = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    architecture = {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": stages,
            "features_per_stage": [32, 64, 128, 256, 320, 320],
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": [[3, 3, 3]] * stages,
            "strides": [[1, 1, 1]] + [[2, 2, 2]] * 4 + [[2, 2, 1]],
            "n_conv_per_stage": [2] * stages,
            "n_conv_per_stage_decoder": [2] * (stages - 1),
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
    configuration = {
        "data_identifier": "nnUNetPlans_3d_fullres",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": [128, 160, 112],
        "median_image_size_in_voxels": [140.0, 171.0, 137.0],
        "spacing": [1.0, 1.0, 1.0],
        "normalization_schemes": ["ZScoreNormalization"] * 4,
        "use_mask_for_norm": [True] * 4,
        "batch_dice": True,
        "architecture": architecture,
    }
    for name in ("data", "seg", "probabilities"):
        configuration[f"resampling_fn_{name}"] = "resample_data_or_seg_to_shape"
        configuration[f"resampling_fn_{name}_kwargs"] = {**resampling, "is_seg": name == "seg", "order": 3 if name == "data" else 1}
    return {
        "dataset_name": "Dataset137_BraTS",
        "plans_name": "nnUNetPlans",
        "original_median_spacing_after_transp": [1.0, 1.0, 1.0],
        "original_median_shape_after_transp": [140, 171, 137],
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {"3d_fullres": configuration},
        "experiment_planner_used": "ExperimentPlanner",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(channel): {} for channel in range(4)},
    }
