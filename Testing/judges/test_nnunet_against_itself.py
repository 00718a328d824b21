"""Imported nnU-Net networks against nnU-Net 2.8.1 itself: random weights, made-up images, every kind of plan.

nnU-Net sums the tiles' outputs in float16. For its logits and labels to be comparable it is let sum in float32 here (its weights of the
tiles stay those of float16); `test_as_it_is_with_its_float16_sums` takes it as it is, and asks that labels differ only where those sums
cannot tell two outputs apart.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
import torch
from scipy import ndimage

pytest.importorskip("nnunetv2", reason="nnunetv2 2.8.1 is in the extra bench")

from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.io.read import read_images
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.postprocess.imported import Case, channels_of, nnunet_planes
from MedSegDLLib.preprocess.nnunet import nnunet_input
from MedSegDLLib.tasks import task_of_weights
from Testing.judges.nnunet_folder import Answer, Recipe, nnunet_answer, write_folder

EQUAL_SHARE = 0.9999  # of the voxels
LOGITS = 1e-3
SMALL: dict[str, Any] = {"features": (4, 6), "patch": (12, 12, 12)}
UNMIRRORED: dict[str, Any] = {**SMALL, "mirror": None}
MR: dict[str, Any] = {"channels": {"0": "T1", "1": "T2"}, "schemes": ("ZScoreNormalization",) * 2, "masked": (True, True)}
REGIONS: dict[str, Any] = {
    "labels": {"background": 0, "whole tumour": [1, 2, 3], "tumour core": [2, 3], "enhancing": 3},
    "regions_class_order": [1, 2, 3],
}
TORCH: dict[str, Any] = {"is_seg": False, "force_separate_z": None}
OBLIQUE = (0.789027, -0.573417, -0.220521, 0.474095, 0.796596, -0.375059, 0.390731, 0.191384, 0.90039)  # turned by 12, -23, 31 degrees
THICK: dict[str, Any] = {
    "patch": (6, 16, 16),
    "spacing": (5.0, 1.3, 1.3),
    "features": (4, 6, 6),
    "mirror": None,
    "arch": {"kernel_sizes": [[1, 3, 3], [1, 3, 3], [3, 3, 3]], "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2]]},
}
SAGITTAL = (0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # columns are the directions of i, j, k in LPS


def splines(order: int, across: int, separate: bool | None = None) -> dict[str, Any]:
    return {"is_seg": False, "order": order, "order_z": across, "force_separate_z": separate}


# name -> recipe, shape (K, J, I), spacing (K, J, I), direction
CASES: dict[str, tuple[Recipe, tuple[int, ...], tuple[float, ...], tuple[float, ...] | None]] = {
    "CT": (Recipe(**{**SMALL, "mirror": (0, 2)}), (11, 19, 22), (2.5, 1.2, 1.1), None),
    "CT that is smaller than a tile": (Recipe(**UNMIRRORED), (5, 24, 7), (2.0, 1.2, 1.6), None),
    "thick slices": (Recipe(**{**UNMIRRORED, "patch": (6, 16, 16), "spacing": (6.0, 1.5, 1.5)}), (8, 22, 20), (6.5, 1.2, 1.1), None),
    "thick images, cubes in the network": (Recipe(**UNMIRRORED), (5, 22, 20), (7.0, 1.2, 1.1), None),
    "MR with regions, axes exchanged": (
        Recipe(**MR, **REGIONS, **{**SMALL, "mirror": (1,)}, transpose=(2, 0, 1)),
        (16, 17, 19),
        (1.2, 1.9, 1.1),
        None,
    ),
    "planes, two folds": (
        Recipe(**{**SMALL, "patch": (16, 16)}, spacing=(1.5, 1.3), mirror=(0, 1), folds=(0, 3), configuration="2d"),
        (4, 22, 24),
        (4.5, 1.2, 1.1),
        None,
    ),
    "residual encoder, turned to RAS": (
        Recipe(**UNMIRRORED, reader="NibabelIOWithReorient", network="ResidualEncoderUNet"),
        (13, 17, 19),
        (2.5, 1.2, 1.1),
        SAGITTAL,
    ),
    "stored sagittally, taken as stored": (Recipe(**UNMIRRORED, old_plans=True), (13, 17, 19), (2.5, 1.2, 1.1), SAGITTAL),
    "torch's resampling": (
        Recipe(
            **{**UNMIRRORED, "spacing": (5.2, 1.5, 1.5), "patch": (6, 16, 16)},
            data_function="resample_torch_fornnunet",
            data_kwargs=TORCH,
            logits_function="resample_torch_fornnunet",
            logits_kwargs=TORCH,
        ),
        (9, 22, 20),
        (5.0, 1.2, 1.1),
        None,
    ),
    "splines everywhere": (
        Recipe(**{**UNMIRRORED, "spacing": (5.2, 1.5, 1.5)}, data_kwargs=splines(3, 1), logits_kwargs=splines(3, 3)),
        (12, 18, 17),
        (6.0, 1.2, 1.1),
        None,
    ),
    "nothing resampled": (
        Recipe(
            **{**UNMIRRORED, "spacing": (2.0, 1.5, 1.5)},
            data_function="no_resampling_hack",
            data_kwargs={},
            logits_function="no_resampling_hack",
            logits_kwargs={},
        ),
        (13, 17, 19),
        (2.5, 1.2, 1.1),
        None,
    ),
    "thick slices read by nibabel, oblique, kernels and strides within planes": (
        Recipe(**THICK, reader="NibabelIO"),
        (9, 31, 27),
        (4.7, 0.9, 1.1),
        OBLIQUE,
    ),
    "planes across the file's, residual": (
        Recipe(
            **REGIONS,
            **MR,
            **{**SMALL, "patch": (16, 16)},
            spacing=(1.5, 1.3),
            mirror=None,
            transpose=(2, 0, 1),
            configuration="2d",
            network="ResidualEncoderUNet",
        ),
        (22, 24, 9),
        (1.2, 1.3, 4.1),
        None,
    ),
    "one of two channels masked, one slice across": (
        Recipe(
            channels={"0": "T1", "1": "CT"},
            schemes=("ZScoreNormalization", "CTNormalization"),
            masked=(True, False),
            **{**UNMIRRORED, "data_kwargs": splines(3, 0, True), "logits_kwargs": splines(1, 0, True)},
        ),
        (16, 17, 19),
        (1.2, 1.9, 1.1),
        OBLIQUE,
    ),
    "a stack in a TIFF": (Recipe(**UNMIRRORED, reader="Tiff3DIO"), (13, 17, 19), (2.5, 1.2, 1.1), None),
    "picture in colours": (
        Recipe(
            **{**SMALL, "patch": (16, 16)},
            spacing=(1.0, 1.0),
            mirror=None,
            configuration="2d",
            channels={"0": "R", "1": "G", "2": "B"},
            schemes=("RGBTo01Normalization",) * 3,
            masked=(False,) * 3,
            reader="NaturalImage2DIO",
        ),
        (1, 22, 27),
        (1.0, 1.0, 1.0),
        None,
    ),
    "odd order of classes, an ignored label": (
        Recipe(
            **MR,
            **UNMIRRORED,
            labels={"background": 0, "a": [1, 2, 3], "b": [2], "c": [3, 1], "ignore": 4},
            regions_class_order=[3, 1, 2],
        ),
        (16, 17, 19),
        (1.2, 1.9, 1.1),
        None,
    ),
    "trained with dropout": (
        Recipe(**UNMIRRORED, arch={"dropout_op": "torch.nn.Dropout3d", "dropout_op_kwargs": {"p": 0.5}}),
        (11, 19, 22),
        (2.5, 1.2, 1.1),
        None,
    ),
    "one number for all stages": (
        Recipe(**UNMIRRORED, arch={"features_per_stage": 4, "kernel_sizes": 3, "strides": [1, 2], "n_conv_per_stage": 1}),
        (11, 19, 22),
        (2.5, 1.2, 1.1),
        None,
    ),
    "inherited, rescaled, unchanged grid": (
        Recipe(
            **{**UNMIRRORED, "spacing": (2.5, 1.2, 1.1)},
            inherits=True,
            channels={"0": "rescale_to_0_1", "1": "nonorm"},
            schemes=("RescaleTo01Normalization", "NoNormalization"),
            masked=(False, False),
        ),
        (13, 17, 19),
        (2.5, 1.2, 1.1),
        None,
    ),
}


def made_up(shape: tuple[int, ...], spacing: tuple[float, ...], direction: tuple[float, ...] | None, seed: int, ct: bool) -> sitk.Image:
    """Blobs; without air around for a CT, with zeros around, a hole and a bright spot, beside which splines overshoot, for an MR."""
    random = np.random.default_rng(seed)
    values = ndimage.gaussian_filter(random.normal(size=shape), 1.5) * 4
    values = values * 400 - 100 if ct else np.abs(values) * 300 + 20
    if not ct:
        values[:2] = values[:, :3] = values[..., -2:] = 0
        values[6:8, 7:9, 7:9] = 0
        values[9:11, 9:11, 4:6] = 2 * values.max()
    image = sitk.GetImageFromArray(values.astype(np.int16))
    image.SetSpacing(spacing[::-1])
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection(direction or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))
    return image


def files_of(folder: Path, name: str) -> list[Path]:
    recipe, shape, spacing, direction = CASES[name]
    if recipe.reader == "NaturalImage2DIO":
        colours = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(*shape[1:], 3)), (2, 2, 0)) * 400 + 128
        picture = sitk.GetImageFromArray(colours.clip(0, 255).astype(np.uint8), isVector=True)
        sitk.WriteImage(picture, str(folder / "case_0000.png"))
        return [folder / "case_0000.png"]
    if recipe.reader == "Tiff3DIO":
        tifffile.imwrite(folder / "case_0000.tif", sitk.GetArrayFromImage(made_up(shape, spacing, direction, 0, True)))
        (folder / "case.json").write_text(json.dumps({"spacing": spacing}))
        return [folder / "case_0000.tif"]
    files = []
    for number in range(len(recipe.channels)):
        files.append(folder / f"case_{number:04d}.nii.gz")
        ct = recipe.schemes[number] != "ZScoreNormalization"
        sitk.WriteImage(made_up(shape, spacing, direction, number, ct), str(files[-1]))
    return files


def both(tmp_path: Path, name: str, wide: bool = True) -> tuple[Answer, np.ndarray, dict[str, np.ndarray], torch.Tensor]:
    """nnU-Net's answer; ours: labels by the masks' own values, masks, logits."""
    recipe = CASES[name][0]
    source, files = write_folder(tmp_path, recipe), files_of(tmp_path, name)
    answer = nnunet_answer(source, files, mirrored=recipe.mirror is not None, wide=wide)
    weights = tmp_path / "imported.safetensors"
    import_network(source, weights, Wishes(licence="CC0"))
    task = task_of_weights(weights)
    images = read_images(dict(zip((entry.key for entry in task.inputs), files)))
    result = segment(images, task, Options(device="cpu", weights=weights))
    loaded = load_weights(weights, task)
    arrays = channels_of(images.values(), loaded.plan.sizes[0])
    grid = next(iter(images.values())).grid
    ready = nnunet_input(arrays, grid, loaded.plan)
    case = Case(arrays, grid, tuple(loaded.network))
    logits = torch.cat([planes.clone() for _, planes in nnunet_planes(case, loaded.plan, ready)], dim=1)
    labels = {region.key: values for region, values in zip(task.regions, loaded.plan.regions)}
    wanted = {key: np.isin(answer.labels, values) for key, values in labels.items()}
    return answer, wanted, result.masks, logits


@pytest.mark.parametrize("name", CASES)
def test_the_same_answer(name: str, tmp_path: Path, opened_here: None) -> None:
    answer, wanted, masks, logits = both(tmp_path, name)
    assert logits.shape == answer.logits.shape
    assert (logits - answer.logits).abs().max() <= LOGITS
    assert len(np.unique(answer.labels)) > 1, "a label map of one value shows nothing"
    for key, mask in masks.items():
        assert (mask.astype(bool) == wanted[key]).mean() >= EQUAL_SHARE, key


def test_as_it_is_with_its_float16_sums(tmp_path: Path, opened_here: None) -> None:
    _, wanted, masks, logits = both(tmp_path, "inherited, rescaled, unchanged grid", wide=False)
    best = logits.topk(2, dim=0).values
    sure = (best[0] - best[1]).numpy() > 0.05  # float16 has 11 bits: 0.002 of a logit of 4, a few times over
    corner = torch.zeros(logits.shape[1:])
    corner[4:-4, 4:-4, 4:-4] = 1  # in the corners of the volume weights are 6e-8, and sums next to nothing
    compared = sure & corner.bool().numpy()
    assert compared.mean() > 0.05
    for key, mask in masks.items():
        assert (mask.astype(bool) == wanted[key])[compared].mean() >= EQUAL_SHARE
