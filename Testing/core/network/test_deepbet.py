"""deepbet's networks in our own form: the same numbers as its layers, its way to the box and back, its wheel and no other."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from MedSegDLLib.errors import WeightsError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.imports.convert import import_network
from MedSegDLLib.imports.deepbet import ARCHITECTURE, LICENCE_FILE, MODELS, PLAN, renamed
from MedSegDLLib.imports.offers import look
from MedSegDLLib.network.deepbet_plan import DeepbetPlan
from MedSegDLLib.network.linknet import build_linknet
from MedSegDLLib.network.weights import Weights, find_weights, load_weights
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.preprocess.brain_mask import brain_mask
from MedSegDLLib.preprocess.deepbet import box_of, deepbet_probability
from MedSegDLLib.schema.records import Unfit
from MedSegDLLib.tasks import BRAIN_MASK

from ..skulls import bare_head, head

CPU = torch.device("cpu")
SMALL = replace(PLAN, finder=(32, 32, 32), tile=(32, 32, 32))
DEEPBET_ML = 1723.84375  # of the head below, by deepbet 1.0.2 itself


# ---- the layers


def their_tensors(seed: int = 0) -> dict[str, Tensor]:
    """Random weights by deepbet's names."""
    torch.manual_seed(seed)
    shapes = {"init.0": (16, 1, 7, 7, 7), "tp_conv1.0": (16, 8, 3, 3, 3), "conv.0": (8, 8, 3, 3, 3), "tp_conv2": (8, 2, 2, 2, 2)}
    for level, (a, b) in enumerate(((16, 16), (16, 32), (32, 64), (64, 128))):
        shapes |= {f"down{level}.block1.double_conv.0": (b, a, 3, 3, 3), f"down{level}.block1.double_conv.3": (b, b, 3, 3, 3)}
        shapes |= {f"down{level}.block2.double_conv.{n}": (b, b, 3, 3, 3) for n in (0, 3)}
        shapes |= {f"down{level}.block1.downsample.0": (b, a, 1, 1, 1)} if a != b else {}
    for level, (a, b) in enumerate(((128, 64), (64, 32), (32, 16), (16, 16))):
        c = a // 4
        shapes |= {f"up{level}.conv1.0": (c, a, 1, 1, 1), f"up{level}.tp_conv.0": (c, c, 3, 3, 3), f"up{level}.conv2.0": (b, c, 1, 1, 1)}
    tensors = {f"{name}.weight": (torch.randn(shape) / np.sqrt(np.prod(shape[1:]))).half().float() for name, shape in shapes.items()}
    return tensors | {f"{name}.bias": torch.randn(n).half().float() for name, n in (("tp_conv1.0", 8), ("conv.0", 8), ("tp_conv2", 2))}


def their_answer(w: dict[str, Tensor], x: Tensor) -> Tensor:
    """The traced graph of deepbet's `LinkNet3d`, in torch's own functions; what stands for 'brain' of its two outputs."""

    def normed(x: Tensor) -> Tensor:
        return F.instance_norm(x)

    def block(x: Tensor, name: str, stride: int) -> Tensor:
        beside = normed(F.conv3d(x, w[f"{name}.downsample.0.weight"], stride=stride)) if stride == 2 else x
        inner = F.relu(normed(F.conv3d(x, w[f"{name}.double_conv.0.weight"], stride=stride, padding=1)))
        return F.relu(normed(F.conv3d(inner, w[f"{name}.double_conv.3.weight"], padding=1)) + beside)

    def up(x: Tensor, name: str, stride: int) -> Tensor:
        x = F.relu(normed(F.conv3d(x, w[f"{name}.conv1.0.weight"])))
        x = F.relu(normed(F.conv_transpose3d(x, w[f"{name}.tp_conv.0.weight"], None, stride, 1, stride - 1)))
        return F.relu(normed(F.conv3d(x, w[f"{name}.conv2.0.weight"])))

    x = F.max_pool3d(F.relu(normed(F.conv3d(x, w["init.0.weight"], stride=2, padding=3))), 3, 2, 1)
    kept = []
    for level in range(4):
        kept.append(x)
        x = block(block(x, f"down{level}.block1", 1 if level == 0 else 2), f"down{level}.block2", 1)
    for level in range(4):
        x = up(x, f"up{level}", 1 if level == 3 else 2) + kept[3 - level]
    x = F.relu(normed(F.conv_transpose3d(x, w["tp_conv1.0.weight"], w["tp_conv1.0.bias"], 2, 1, 1)))
    x = F.relu(normed(F.conv3d(x, w["conv.0.weight"], w["conv.0.bias"], padding=1)))
    return torch.softmax(F.conv_transpose3d(x, w["tp_conv2.weight"], w["tp_conv2.bias"], 2), 1)[:, 1:]


def network(seed: int = 0) -> nn.Module:
    made = build_linknet(ARCHITECTURE["arguments"])
    made.load_state_dict({name: tensor.float() for name, tensor in renamed(their_tensors(seed)).items()})
    return made.eval().requires_grad_(False)


def test_its_layers_in_our_form_give_its_numbers() -> None:
    x = torch.rand(1, 1, 64, 32, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = torch.sigmoid(network()(x)), their_answer(their_tensors(), x)
    assert theirs.std() > 0.05 and (ours - theirs).abs().max() < 2e-3  # the difference of two outputs is rounded to float16


def test_absurd_descriptions_are_refused() -> None:
    arguments = ARCHITECTURE["arguments"]
    for wrong in ({"features": [16, 32]}, {"features": [16, 32, 64, 10**6]}, {"last": True}, {"out_channels": 2}, {"in_channels": "1"}):
        with pytest.raises(ValueError, match=r"features|arguments"):
            build_linknet({**arguments, **wrong})
    for wrong in ({"tile": (100, 256, 256)}, {"tile": (256, 8192, 8192)}, {"low": 0.9, "high": 0.1}, {"orientation": ""}):
        with pytest.raises(Unfit):
            replace(PLAN, **wrong)
    assert DeepbetPlan.from_json(PLAN.to_json()) == PLAN


# ---- the way to the box and back


class Bright(nn.Module):
    """Stands for a network: what is brighter than most is brain."""

    def forward(self, x: Tensor) -> Tensor:
        return 50 * (x - 0.5)


def test_the_box_is_that_of_deepbet() -> None:
    found = np.zeros((32, 32, 32), bool)
    found[8:20, 4:28, 10:16] = True
    box = box_of(found, (64, 320, 8), PLAN)
    # centres 14, 16, 13 and sides 12, 24, 6 of 32, brought to 64, 320, 8 voxels and made 1.2 times as long, by hand
    assert box == (slice(13, 42), slice(16, 304), slice(2, 4))
    assert box_of(np.zeros((32, 32, 32), bool), (64, 320, 8), PLAN) is None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_however_it_is_stored_each_voxel_keeps_its_answer(order: tuple[int, int, int]) -> None:
    """A bright cuboid in noise, thick slices: the same brain from every storage, at its own place."""
    values = np.random.default_rng(0).integers(0, 20, (12, 40, 36)).astype(np.int16)
    values[3:9, 10:30, 8:24] += 200
    affine = np.diag([-1.0, 1.0, 6.0, 1.0])
    axes = [2 - axis for axis in order[::-1]]
    image = Image(np.ascontiguousarray(values.transpose(order)), affine[:, [*axes, 3]])
    probability, grid = deepbet_probability(image.array, image.grid, [Bright(), Bright()], SMALL, CPU)
    assert tuple(probability.shape) == grid.shape < image.grid.shape
    start = np.rint(np.linalg.solve(image.affine, grid.affine)[:3, 3]).astype(int)[::-1]
    found = np.zeros(image.array.shape, bool)
    found[tuple(slice(a, a + n) for a, n in zip(start, grid.shape))] = probability.numpy() > 0.5
    wanted = image.array >= 200
    assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.9


def test_an_image_of_one_value_has_no_brain() -> None:
    image = Image(np.full((8, 9, 10), 7, np.int16), np.eye(4))
    assert not deepbet_probability(image.array, image.grid, [Bright(), Bright()], SMALL, CPU)[0].any()
    weights = Weights(nn.ModuleList([Bright(), Bright()]), SMALL, {}, Path("none"))
    assert not brain_mask({"t1": image}, image.grid, weights, CPU).any()


def test_the_best_known_contrast_counts_and_others_where_it_ends() -> None:
    """T1 shows the lower half of a brain; what FLAIR says counts above it only, and not at all where T1 shows everything."""
    values = np.zeros((24, 24, 24), np.int16)
    values[4:20, 6:18, 6:18] = 200
    other = np.roll(values, 3, axis=2)
    weights = Weights(nn.ModuleList([Bright(), Bright()]), SMALL, {}, Path("none"))
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    whole, half, flair = Image(values, affine), Image(values[:14], affine), Image(other, affine)
    assert np.array_equal(brain_mask({"flair": flair, "t1": whole}, flair.grid, weights, CPU), values > 0)
    mixed = brain_mask({"flair": flair, "t1": half}, flair.grid, weights, CPU)
    assert np.array_equal(mixed[:13], values[:13] > 0) and np.array_equal(mixed[15:], other[15:] > 0)


# ---- the wheel, and what is shipped


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "deepbet-9.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in MODELS:
            archive.writestr(name, b"other networks, which would be opened as code")
        archive.writestr(LICENCE_FILE, "MIT License")
    assert look(wheel)["kind"] == "deepbet"
    with pytest.raises(WeightsError, match="is not that of deepbet"):
        import_network(wheel, tmp_path / "new.safetensors")
    wheel.write_bytes(b"no archive")
    with pytest.raises(WeightsError, match="is not the wheel"):
        import_network(wheel, tmp_path / "new.safetensors")
    assert not list(tmp_path.glob("new.*"))


def test_the_shipped_weights_find_what_deepbet_finds() -> None:
    """As a task of its own, file to file; pinned to what deepbet itself found on this head. The licence goes with the weights."""
    shipped = load_weights(find_weights(BRAIN_MASK), BRAIN_MASK)
    assert shipped.plan == PLAN and "Permission is hereby granted" in shipped.manifest["origin"]["notice"]
    result = segment({"mr": head()}, BRAIN_MASK, Options("cpu"))
    assert result.volumes_ml["brain"] == pytest.approx(DEEPBET_ML, rel=1e-3)
    brain = bare_head()["t1ce"].array > 0
    found = result.masks["brain"] > 0
    assert 2 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.95
