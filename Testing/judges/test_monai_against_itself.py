"""Imported networks of MONAI against MONAI 1.6.1 itself: bundles by their own `inference.json`, Auto3DSeg by its own chain."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation

pytest.importorskip("monai", reason="monai is in the extras dev and import")

from MedSegDLLib.errors import WeightsError
from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.imports.auto3dseg import auto3dseg_plan
from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.imports.monai_bundle import JOINED, bundle_network, bundle_plan
from MedSegDLLib.io.read import read_images
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.postprocess.label_map import largest_parts
from MedSegDLLib.preprocess.monai import lattice, monai_input
from MedSegDLLib.tasks import task_of_weights

EQUAL_SHARE = 0.9999
LOAD = [{"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"}]
RAS = {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"}
SPACING = {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"}
WINDOW = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True}
INVERTED = {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image", "nearest_interp": False}
LARGEST = [
    {"_target_": "Activationsd", "keys": "pred", "softmax": True},
    INVERTED,
    {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
]
HALVES = [
    {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
    INVERTED,
    {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
]
UNET = {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [4, 8, 8], "strides": [2, 2]}
SEGRESNET = {"_target_": "SegResNet", "blocks_down": [1, 1], "blocks_up": [1], "init_filters": 8, "in_channels": 4, "out_channels": 3}
SWIN = {
    "_target_": "SwinUNETR",
    "spatial_dims": 3,
    "img_size": 32,
    "in_channels": 1,
    "out_channels": 3,
    "feature_size": 12,
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 2, 4, 4],
    "norm_name": "batch",
    "use_checkpoint": False,
}


def bundle(network: dict, before: list, after: list, roi: list[int], inputs: list[str], outputs: list[str]) -> tuple[dict, dict]:
    """`inference.json` and `metadata.json` in the manner of the model zoo."""
    config = {
        "imports": ["$import glob"],
        "device": "$torch.device('cpu')",
        "network_def": network,
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": before},
        "inferer": {"_target_": "SlidingWindowInferer", "roi_size": roi, "sw_batch_size": 2, "overlap": 0.5},
        "postprocessing": {"_target_": "Compose", "transforms": after},
    }
    told = {"inputs": {"image": {"channel_def": dict(enumerate(inputs))}}, "outputs": {"pred": {"channel_def": dict(enumerate(outputs))}}}
    return config, json.loads(json.dumps({"version": "0.1", "license": "Apache-2.0", "network_data_format": told}))


BUNDLES: dict[str, tuple[dict, dict]] = {
    "spleen": bundle(
        UNET | {"num_res_units": 2, "norm": "batch"}, [*LOAD, RAS, SPACING, WINDOW], LARGEST, [16, 16, 16], ["CT"], ["background", "spleen"]
    ),
    "brats": bundle(
        SEGRESNET | {"dropout_prob": 0.2},
        [LOAD[0], {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True}],
        [*HALVES, {"_target_": "Lambdad", "keys": "pred", "func": JOINED}],
        [24, 16, 16],
        ["T1c", "T1", "T2", "FLAIR"],
        ["Tumor core", "Whole tumor", "Enhancing tumor"],
    ),
    "plain": bundle(
        UNET | {"num_res_units": 0, "act": ["LEAKYRELU", {"negative_slope": 0.2}], "adn_ordering": "NA", "in_channels": 2},
        [LOAD[0], RAS, SPACING, {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True}],
        LARGEST,
        [16, 16, 16],
        ["T1", "T2"],
        ["background", "cyst"],
    ),
    "deconv": bundle(
        SEGRESNET | {"upsample_mode": "deconv", "act": "mish", "norm": ["GROUP", {"num_groups": 4}], "in_channels": 1},
        [*LOAD, SPACING, WINDOW],
        HALVES,
        [16, 16, 16],
        ["CT"],
        ["a", "b", "c"],
    ),
    "swin": bundle(SWIN, [*LOAD, RAS, SPACING, WINDOW], LARGEST, [32, 32, 32], ["CT"], ["background", "a", "b"]),
}
# Stored otherwise than RAS; of the network's voxels none is as near to one of the image's as to another.
AFFINE = np.array([[0.0, 0.0, 1.73, 5.0], [-1.1, 0.0, 0.0, 7.0], [0.0, 1.4, 0.0, -3.0], [0.0, 0.0, 0.0, 1.0]])


def images_of(folder: Path, count: int, shape: tuple[int, ...] = (23, 19, 14)) -> list[Path]:
    files = []
    for number in range(count):
        values = ndimage.gaussian_filter(np.random.default_rng(number).normal(size=shape), 1.5) * 500
        values[:3] = 0
        files.append(folder / f"image_{number}.nii.gz")
        nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), AFFINE), files[-1])
    return files


def made_network(config: dict[str, Any]) -> torch.nn.Module:
    """As MONAI's own parser makes it, with outputs that differ from place to place."""
    from monai.bundle import ConfigParser

    torch.manual_seed(3)
    entry = {key: value for key, value in config["network_def"].items() if key != "img_size"}
    network = ConfigParser({"network_def": entry}).get_parsed_content("network_def").eval()
    for parameter in list(network.parameters())[-2:]:  # of the last layer: no output wins everywhere
        parameter.data.copy_(torch.randn_like(parameter) if parameter.ndim > 1 else torch.zeros_like(parameter))
    return network


def monai_answer(config: dict[str, Any], network: torch.nn.Module, files: list[Path]) -> np.ndarray:
    """(R, I, J, K) of 0 and 1 (or (1, I, J, K) of labels), as the bundle's own chains and inferer give it; only its join is left out."""
    from monai.bundle import ConfigParser
    from monai.data import decollate_batch, list_data_collate

    kept = {**config, "postprocessing": {**config["postprocessing"]}}
    kept["postprocessing"]["transforms"] = [one for one in kept["postprocessing"]["transforms"] if one["_target_"] != "Lambdad"]
    parser = ConfigParser({key: kept[key] for key in ("preprocessing", "inferer", "postprocessing")})
    before, after, inferer = (parser.get_parsed_content(key) for key in ("preprocessing", "postprocessing", "inferer"))
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        batch = list_data_collate([before({"image": [str(file) for file in files] if len(files) > 1 else str(files[0])})])
        batch["pred"] = inferer(batch["image"], network)
        (found,) = [after(one)["pred"] for one in decollate_batch(batch)]
    return np.asarray(found)


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_gives_the_same_answer(name: str, tmp_path: Path, opened_here: None) -> None:
    config, metadata = BUNDLES[name]
    source = tmp_path / name
    for folder in ("configs", "models"):
        (source / folder).mkdir(parents=True)
    (source / "configs" / "inference.json").write_text(json.dumps(config))
    (source / "configs" / "metadata.json").write_text(json.dumps(metadata))
    network = made_network(config)
    torch.save(network.state_dict(), source / "models" / "model.pt")
    manifest = import_network(source, tmp_path / "net.safetensors", Wishes())
    assert manifest["training"]["licence"] == "Apache-2.0"
    task = task_of_weights(tmp_path / "net.safetensors")
    files = images_of(tmp_path, len(task.inputs))
    answer = monai_answer(config, network, files)
    images = read_images(dict(zip((entry.key for entry in task.inputs), files)))
    masks = segment(images, task, Options(device="cpu", weights=tmp_path / "net.safetensors", uncertainty=True)).masks
    for number, region in enumerate(task.regions):
        wanted = answer[0] == number + 1 if len(answer) == 1 else answer[number] != 0
        assert 0 < wanted.mean() < 1, "an answer of one value shows nothing"
        assert (masks[region.key].transpose(2, 1, 0) == wanted).mean() >= EQUAL_SHARE, region.key


AUTO3DSEG: dict[str, dict[str, Any]] = {
    "brats": {
        "network": {"_target_": "SegResNetDS", "init_filters": 4, "blocks_down": [1, 1], "norm": "INSTANCE", "in_channels": 4,
                    "out_channels": 3, "dsdepth": 2},
        "normalize_mode": "meanstd", "intensity_bounds": [0, 1], "roi_size": [24, 16, 16], "sigmoid": True, "crop_foreground": True,
        "orientation_ras": True, "resample_resolution": [1.0, 1.0, 1.0],
    },
    "organs": {
        "network": {"_target_": "SegResNetDS", "init_filters": 4, "blocks_down": [1, 1], "norm": "BATCH", "in_channels": 1,
                    "out_channels": 3, "dsdepth": 1},
        "normalize_mode": "ct", "intensity_bounds": [-150, 250], "roi_size": [16, 16, 16], "sigmoid": False, "crop_foreground": True,
        "resample_resolution": [1.5, 1.5, 1.5],
    },
    "several": {
        "network": {"_target_": "SegResNetDS", "init_filters": 4, "blocks_down": [1, 1], "norm": "BATCH", "in_channels": 3,
                    "out_channels": 3, "dsdepth": 1},
        "normalize_mode": "ct", "intensity_bounds": [-150, 250], "roi_size": [16, 16, 16], "sigmoid": False, "crop_foreground": True,
        "extra_modalities": {"image2": "meanstdtanh", "image3": "pet"}, "orientation_ras": True, "resample_resolution": [2.0, 2.0, 2.0],
    },
}  # fmt: skip


def auto3dseg_answer(config: dict[str, Any], network: torch.nn.Module, files: list[Path], brats: bool) -> np.ndarray:
    """The chain of SlicerMONAIAuto3DSeg's `auto3dseg_segresnet_inference.py` (2026-03), its BraTS and its other way."""
    from monai.data import decollate_batch, list_data_collate
    from monai.inferers import SlidingWindowInfererAdapt
    from monai.transforms import Compose, ConcatItemsd, CropForegroundd, EnsureTyped, Invertd, LoadImaged, Orientationd, Spacingd
    from monai.utils import convert_to_dst_type

    keys = ["image"] if brats else [f"image{number + 1}" for number in range(len(files))]
    load = LoadImaged(keys=keys, ensure_channel_first=True, dtype=None, image_only=False)
    typed = EnsureTyped(keys="image", data_type="tensor", dtype=torch.float)
    turned = [Orientationd(keys="image", axcodes="RAS")] if config.get("orientation_ras", False) else []
    crop = CropForegroundd(keys="image", source_key="image" if brats else "image1", margin=10, allow_smaller=True)
    pixdim = config["resample_resolution"]
    bounds = {"min_pixdim": np.array(pixdim) * 0.75, "max_pixdim": np.array(pixdim) * 1.25}
    spacing = Spacingd(keys=["image"], pixdim=pixdim, mode=["bilinear"], dtype=torch.float, **bounds)
    placed = [*turned, crop, spacing]
    if brats:
        chain, loaded = Compose([load, typed, *placed, *normalised("image", config["normalize_mode"], config)]), {"image": files}
    else:
        modes = [config["normalize_mode"], *config.get("extra_modalities", {}).values()]
        scale = [one for key, mode in zip(keys, modes) for one in normalised(key, mode, config)] if len(keys) > 1 else []
        alone = normalised("image", modes[0], config) if len(keys) == 1 else []
        chain = Compose([*scale, ConcatItemsd(keys=keys, name="image", dim=0), typed, *alone, *placed])
        loaded = load({key: str(file) for key, file in zip(keys, files)})
    inferer = SlidingWindowInfererAdapt(
        roi_size=config["roi_size"], sw_batch_size=1, overlap=0.625, mode="gaussian", cache_roi_weight_map=False
    )
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        batch = list_data_collate([chain(loaded)])
        logits = inferer(batch["image"], network)
        pred = torch.sigmoid(logits) >= 0.5 if config["sigmoid"] else torch.argmax(torch.softmax(logits, 1), 1, keepdim=True)
        batch["pred"] = convert_to_dst_type(pred.to(torch.uint8), batch["image"], dtype=torch.uint8)[0]
        undo = Invertd(keys="pred", orig_keys="image", transform=chain, nearest_interp=True)
        (found,) = [undo(one)["pred"] for one in decollate_batch(batch)]
    return np.asarray(found)


def normalised(key: str, mode: str, config: dict[str, Any]) -> list[Any]:
    """`_add_normalization_transforms` of the same script."""
    from monai.transforms import Lambdad, NormalizeIntensityd, ScaleIntensityRanged

    if mode in ("range", "ct"):
        low, high = config["intensity_bounds"]
        window = ScaleIntensityRanged(keys=key, a_min=low, a_max=high, b_min=-1, b_max=1, clip=False)
        return [window, Lambdad(keys=key, func=torch.sigmoid)]
    if mode == "pet":
        return [Lambdad(keys=key, func=lambda x: torch.sigmoid((x - x.min()) / x.std()))]
    tanh = [Lambdad(keys=key, func=lambda x: 3 * torch.tanh(x / 3))] if mode == "meanstdtanh" else []
    return [NormalizeIntensityd(keys=key, nonzero=True, channel_wise=True), *tanh]


@pytest.mark.parametrize("name", AUTO3DSEG)
def test_a_model_of_auto3dseg_gives_the_same_answer(name: str, tmp_path: Path, opened_here: None) -> None:
    config, brats = AUTO3DSEG[name], name == "brats"
    network = made_network({"network_def": config["network"]})
    source = tmp_path / name
    source.mkdir()
    torch.save({"config": config, "state_dict": network.state_dict(), "epoch": 3}, source / "model.pt")
    (source / "labels.csv").write_text("LabelValue,Name\n1,liver\n2,spleen\n")
    import_network(source / "model.pt", tmp_path / "net.safetensors", Wishes(licence="x"))
    task = task_of_weights(tmp_path / "net.safetensors")
    assert [region.key for region in task.regions] == (["WT", "TC", "ET"] if brats else ["liver", "spleen"])
    files = images_of(tmp_path, len(task.inputs))
    answer = auto3dseg_answer(config, network, files, brats)
    images = read_images(dict(zip((entry.key for entry in task.inputs), files)))
    masks = segment(images, task, Options(device="cpu", weights=tmp_path / "net.safetensors")).masks
    for number, region in enumerate(task.regions):
        wanted = answer[0] == number + 1 if len(answer) == 1 else answer[number] != 0
        assert 0 < wanted.mean() < 1, "an answer of one value shows nothing"
        assert (masks[region.key].transpose(2, 1, 0) == wanted).mean() >= EQUAL_SHARE, region.key


TURNS = {"straight": np.eye(3), "oblique": Rotation.from_rotvec([0.1, -0.2, 0.15]).as_matrix()}


@pytest.mark.parametrize("single", [True, False], ids=["float32", "float64"])
@pytest.mark.parametrize("turn", TURNS)
def test_what_lies_at_the_edge_of_a_head_counts_as_with_monai(turn: str, single: bool) -> None:
    """2 mm to 1 mm: every second voxel lies on one of the image's, and keeps a trace of its neighbour or not by rounding alone."""
    from monai.data import MetaTensor
    from monai.transforms import NormalizeIntensity, Spacing

    affine = np.eye(4)
    affine[:3, :3] = TURNS[turn] * (1.9 if turn == "straight" else 2.0)  # of what is not 0 ours may differ in the seventh figure
    values = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(12, 14, 16)), 1.0).astype(np.float32) * 300 + 200
    values[:3], values[-2:], values[:, :, :4] = 0, 0, 0
    plan = replace(bundle_plan(*BUNDLES["plain"]), orientation="", spacing_mm=(0.95, 0.95, 1.0), single=single, channels=1)
    image = MetaTensor(torch.from_numpy(values.transpose(2, 1, 0).copy())[None], affine=torch.from_numpy(affine))
    spacing = Spacing(plan.spacing_mm, mode="bilinear", dtype=torch.float32 if single else torch.float64)
    wanted = NormalizeIntensity(nonzero=True, channel_wise=True)(spacing(image))
    ours = monai_input([values], Grid(values.shape, affine), plan).x
    assert (np.asarray(wanted) == 0).any() and torch.allclose(ours, wanted.as_tensor(), atol=1e-4)


ODD_PIXDIMS = ((1.5, 1.5, 2.0), (2.0, 0.75, 3.0))


def odd_grids() -> Iterator[Grid]:
    """Sizes and headers as they come: sides that end on half a voxel, turned, oblique and rounded to float32, one slice."""
    random = np.random.default_rng(5)
    for number in range(60):
        turn = np.eye(3)[:, random.permutation(3)] * random.choice([-1, 1], 3)
        if number % 3 == 0:
            turn = Rotation.random(random_state=number).as_matrix()
        sides = random.choice([0.5, 0.75, 1.0, 1.4985, 1.502, 1.9, 3.0, 5.0], 3)
        affine = np.eye(4)
        affine[:3] = np.column_stack([turn * sides, random.uniform(-200, 200, 3)]).astype(np.float32)
        yield Grid(tuple(random.integers(1, 24, 3)), affine)


@pytest.mark.parametrize("pixdim", ODD_PIXDIMS)
def test_the_grid_of_the_network_is_the_one_that_monai_lays(pixdim: tuple[float, ...]) -> None:
    from monai.data import MetaTensor
    from monai.transforms import Orientation, Spacing

    plan = replace(bundle_plan(*BUNDLES["spleen"]), spacing_mm=pixdim)
    for grid in odd_grids():
        array = np.zeros(grid.shape, np.float32)
        ours = monai_input([array], grid, plan)
        image = MetaTensor(torch.zeros(1, *grid.shape[::-1]), affine=torch.from_numpy(grid.affine.copy()))
        theirs = Spacing(pixdim, mode="bilinear")(Orientation("RAS", labels=None)(image))
        assert tuple(ours.x.shape[1:]) == tuple(theirs.shape[1:]), grid
        found = lattice(plan, ours.frame, grid)
        first = np.linalg.solve(theirs.affine.numpy(), grid.affine)  # the image's voxels among the network's
        corner = [
            0.0 if not flip else grid.shape[axis] - 1.0 for axis, flip in sorted(zip(ours.frame.axes, ours.frame.flipped), reverse=True)
        ]
        place = (first @ [*corner, 1.0])[:3]
        if found.steps != (None, None, None):
            assert np.allclose(place, found.starts, atol=1e-4), grid


def test_of_a_whole_head_two_parts_of_each_region_are_kept() -> None:
    from monai.transforms import KeepLargestConnectedComponent

    arguments = {"in_channels": 1, "out_channels": 3}
    parts = [
        auto3dseg_plan(AUTO3DSEG["organs"], arguments, False, name).parts for name in ("whole-head-1mm-v1.0.1/model.pt", "organs/model.pt")
    ]
    assert parts == [2, None]
    mask = (ndimage.gaussian_filter(np.random.default_rng(2).normal(size=(20, 24, 22)), 1.2) > 0.1).astype(np.uint8)
    theirs = KeepLargestConnectedComponent(num_components=2)(torch.from_numpy(mask.copy())[None])[0].numpy()
    assert ndimage.label(mask)[1] > 2 and 0 < theirs.sum() < mask.sum()
    assert np.array_equal(largest_parts(mask, 2), theirs)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The bundle of the spleen with one entry otherwise."""
    config = json.loads(json.dumps(BUNDLES["spleen"][0]))
    *way, last = path.split(".")
    place = config
    for key in way:
        place = place[int(key) if isinstance(place, list) else key]
    place[int(last) if isinstance(place, list) else last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("preprocessing.transforms.2", {"_target_": "RandFlipd", "keys": "image"}, "RandFlipd"),
        ("preprocessing.transforms.3.pixdim", "$[1.5, 1.5, @z]", r"\$\[1.5"),
        ("preprocessing.transforms.3.mode", "nearest", "Spacingd"),
        ("preprocessing.transforms.4.gamma", 2, "gamma"),
        ("preprocessing.transforms.1", {"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 1, "b_min": 0, "b_max": 1}, "order"),
        ("inferer.roi_size", "$[96] * 3", r"\$\[96"),
        ("inferer._target_", "SlidingWindowHoVerNetInferer", "HoVerNet"),
        ("inferer.padding_mode", "reflect", "pads"),
        ("postprocessing.transforms.2", {"_target_": "KeepLargestConnectedComponentd", "keys": "pred"}, "KeepLargest"),
        ("postprocessing.transforms.2", {"_target_": "Lambdad", "keys": "pred", "func": "$__import__('os').system('true')"}, "of its own"),
    ],
)
def test_bundles_that_cannot_be_followed_exactly_are_refused_by_name(path: str, value: Any, named: str) -> None:
    with pytest.raises(WeightsError, match=named):
        bundle_plan(changed(path, value), BUNDLES["spleen"][1])


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("network_def._target_", "os.system", "'system'"),
        ("network_def.channels", "$[2 ** n for n in range(4)]", r"\$\[2"),
        ("network_def", "$monai.networks.nets.UNet(3, 1, 2)", "as data"),
    ],
)
def test_networks_of_bundles_are_data_or_refused(path: str, value: Any, named: str) -> None:
    with pytest.raises(WeightsError, match=named):
        bundle_network(changed(path, value))
