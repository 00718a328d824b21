"""Weights files: what is written comes back, and every kind of damage is refused in a sentence with a remedy."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from MedSegDLLib.errors import WeightsError
from MedSegDLLib.network.weights import WEIGHTS_VARIABLE, find_weights, load_weights, manifest_path, save_weights
from MedSegDLLib.tasks import BRAIN, BRAIN_MASK, LIVER, NUCLEI, TASKS, WEIGHTS_FOLDER
from Testing.core.tiny import tiny_network, tiny_weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return tiny_weights(tmp_path, NUCLEI)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest in place."""
    manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
    change(manifest)
    manifest_path(path).write_text(json.dumps(manifest))


def replace_tensors(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors and make the manifest's hash fit again: only a later check can refuse them."""
    tensors = safetensors.torch.load(path.read_bytes())
    change(tensors)
    content = safetensors.torch.save(tensors)
    path.write_bytes(content)
    edit(path, lambda manifest: manifest.update(sha256=hashlib.sha256(content).hexdigest()))


def refusal(path: Path, task: object = NUCLEI) -> str:
    """The sentence with which the weights are refused; there must be a remedy as well."""
    with pytest.raises(WeightsError) as caught:
        load_weights(path, task)
    assert caught.value.remedy
    assert caught.value.message.endswith(".")
    assert caught.value.exit_code == 4
    return caught.value.message


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_float16_weights_come_back_as_the_nearest_half(tmp_path: Path, task: object) -> None:
    network = tiny_network(task)
    loaded = load_weights(tiny_weights(tmp_path, task), task)
    for key, value in network.state_dict().items():
        torch.testing.assert_close(loaded.network.state_dict()[key], value.half().float(), rtol=0, atol=0)
    assert loaded.plan == task.plan
    assert not loaded.network.training


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_the_order_in_memory_does_not_matter(tmp_path: Path, precision: str) -> None:
    """safetensors' numpy side saves transposed arrays scrambled, without a word; its torch side raises."""
    network = tiny_network(NUCLEI, 1)
    manifest = {"task": "nuclei", "task_version": NUCLEI.version, "plan": NUCLEI.plan.to_json(), "outputs": list(NUCLEI.outputs)}
    plain = save_weights(network, tmp_path / "plain.safetensors", manifest, precision=precision)
    turned = network.to(memory_format=torch.channels_last)
    assert not all(value.is_contiguous() for value in turned.state_dict().values())
    assert save_weights(turned, tmp_path / "turned.safetensors", manifest, precision=precision)["sha256"] == plain["sha256"]


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_int8_weights_are_within_half_a_step_of_every_output_channel(tmp_path: Path, task: object) -> None:
    network = tiny_network(task)
    path = tmp_path / f"{task.key}.safetensors"
    save_weights(
        network, path, {"task": task.key, "task_version": task.version, "plan": task.plan.to_json(), "outputs": list(task.outputs)}, "int8"
    )
    loaded = load_weights(path, task).network.state_dict()
    for key, value in network.state_dict().items():
        axis = 1 if ".up." in key else 0  # transposed convolutions hold their outputs in the second axis
        others = [i for i in range(value.ndim) if i != axis]
        quantised = key.endswith("weight") and value.ndim > 1
        half_step = value.abs().amax(others, keepdim=True) / 127 / 2 if quantised else value.abs() * 2**-11
        assert ((loaded[key] - value).abs() <= half_step * 1.001 + 1e-7).all(), key


def test_the_prediction_survives_both_precisions(tmp_path: Path) -> None:
    network, x = tiny_network(NUCLEI), torch.rand(1, 3, 16, 16)
    entry = {"task": "nuclei", "task_version": 1, "plan": NUCLEI.plan.to_json(), "outputs": list(NUCLEI.outputs)}
    for precision, tolerance in (("float16", 5e-3), ("int8", 0.1)):
        save_weights(network, tmp_path / "w.safetensors", entry, precision)
        loaded = load_weights(tmp_path / "w.safetensors", NUCLEI).network
        with torch.no_grad():
            torch.testing.assert_close(loaded(x), network(x), atol=tolerance, rtol=0)


def test_int8_is_smaller(tmp_path: Path) -> None:
    from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet

    entry = {"task": "liver", "task_version": 1, "plan": LIVER.plan.to_json(), "outputs": list(LIVER.outputs)}
    network, sizes = InceptionUNet(PROFILES["liver"]), []
    for precision in ("float16", "int8"):
        save_weights(network, tmp_path / "w.safetensors", entry, precision)
        sizes.append((tmp_path / "w.safetensors").stat().st_size)
    assert sizes[1] < 0.55 * sizes[0]
    assert sizes[0] < 12e6


def test_a_manifest_of_its_own_tells_the_hash_of_the_file(weights: Path) -> None:
    manifest = json.loads(manifest_path(weights).read_text(encoding="utf-8"))
    assert manifest["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()


def test_saving_refuses_what_the_precision_cannot_hold(tmp_path: Path) -> None:
    network = tiny_network(NUCLEI)
    with torch.no_grad():
        next(network.parameters()).fill_(1e6)
    with pytest.raises(ValueError, match="not finite in float16"):
        save_weights(network, tmp_path / "w.safetensors", {})
    with pytest.raises(ValueError, match="precision"):
        save_weights(network, tmp_path / "w.safetensors", {}, "float64")
    assert not list(tmp_path.iterdir())


def test_missing_files(weights: Path, tmp_path: Path) -> None:
    assert "was not found" in refusal(tmp_path / "none.safetensors")
    manifest_path(weights).unlink()
    assert "nuclei.json was not found" in refusal(weights)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"task"', "\xff", "[" * 100_000])
def test_a_manifest_that_is_no_manifest(weights: Path, text: str) -> None:
    manifest_path(weights).write_bytes(text.encode("latin-1"))
    assert "nuclei.json" in refusal(weights)


@pytest.mark.parametrize("key", ["format", "task", "task_version", "sha256", "precision", "architecture", "plan", "outputs"])
def test_an_entry_that_is_missing_or_of_the_wrong_type(weights: Path, key: str) -> None:
    edit(weights, lambda manifest: manifest.update({key: 1.5}))
    assert f"'{key}'" in refusal(weights)
    edit(weights, lambda manifest: manifest.pop(key))
    assert f"'{key}'" in refusal(weights)


def test_one_changed_byte_is_seen(weights: Path) -> None:
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert "SHA-256" in refusal(weights)


def test_weights_of_another_task_or_version(weights: Path) -> None:
    assert "for the task 'nuclei', not for 'brain'" in refusal(weights, BRAIN)
    edit(weights, lambda manifest: manifest.update(task_version=99))
    assert "version 99" in refusal(weights)


def test_outputs_in_another_order(weights: Path) -> None:
    edit(weights, lambda manifest: manifest.update(outputs=["boundary", "nucleus"]))
    refusal(weights)


def test_an_unknown_format_or_precision(weights: Path) -> None:
    edit(weights, lambda manifest: manifest.update(precision="float4"))
    assert "format" in refusal(weights)
    edit(weights, lambda manifest: manifest.update(precision="float16", format=2))
    assert "format" in refusal(weights)


@pytest.mark.parametrize(
    "change",
    [
        {"scale": "unheard of"},
        {"surprise": 1},
    ],
)
def test_a_plan_that_does_not_fit(weights: Path, change: dict[str, Any]) -> None:
    edit(weights, lambda manifest: manifest["plan"].update(change))
    assert "plan" in refusal(weights)


def test_only_networks_of_the_fixed_list(weights: Path) -> None:
    edit(weights, lambda manifest: manifest["architecture"].update(name="os.system"))
    assert "unknown network" in refusal(weights)


@pytest.mark.parametrize(
    "change",
    [
        {"widths": [2, -2, 3]},
        {"widths": "abc"},
        {"widths": [2, 2.5, 3]},
        {"widths": [None, 2, 3]},
        {"spatial_dims": 4},
        {"added_maps": 9},
        {"dropout": 7},
        {"in_channels": 5},
        {"out_channels": 3},
    ],
    ids=str,
)
def test_a_network_that_cannot_be_or_does_not_fit(weights: Path, change: dict[str, Any]) -> None:
    edit(weights, lambda manifest: manifest["architecture"]["arguments"].update(change))
    refusal(weights)


def test_an_absurdly_large_network_costs_no_memory(weights: Path) -> None:
    edit(weights, lambda manifest: manifest["architecture"]["arguments"].update(widths=[2048, 2048, 2048]))  # 3 GB if it were made
    assert "do not fit the network" in refusal(weights)
    edit(weights, lambda manifest: manifest["architecture"]["arguments"].update(widths=[60_000, 60_000, 60_000]))
    assert "from 1 to 2048" in refusal(weights)


def test_tensors_missing_unknown_or_of_another_shape_or_type(weights: Path) -> None:
    good, before = weights.read_bytes(), manifest_path(weights).read_text(encoding="utf-8")
    key = "segmenter.heads.0.bias"
    changes: list[Callable[[dict[str, torch.Tensor]], object]] = [
        lambda tensors: tensors.pop(key),
        lambda tensors: tensors.update(stowaway=torch.zeros(1, dtype=torch.float16)),
        lambda tensors: tensors.update({key: torch.zeros(7, dtype=torch.float16)}),
        lambda tensors: tensors.update({key: tensors[key].double()}),
    ]
    for change in changes:
        weights.write_bytes(good)
        manifest_path(weights).write_text(before)
        replace_tensors(weights, change)
        assert "do not fit the network" in refusal(weights)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite(weights: Path, value: float) -> None:
    replace_tensors(weights, lambda tensors: tensors["segmenter.heads.0.bias"].fill_(value))
    assert "not finite" in refusal(weights)


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"\xff" * 64], ids=["empty", "pickle", "garbage"])
def test_a_file_that_is_not_safetensors(weights: Path, content: bytes) -> None:
    weights.write_bytes(content)
    edit(weights, lambda manifest: manifest.update(sha256=hashlib.sha256(content).hexdigest()))
    assert "safetensors format" in refusal(weights)


def test_a_file_far_too_large_is_not_read(weights: Path) -> None:
    os.truncate(weights, 2**40 if hasattr(os, "truncate") else 0)  # sparse: takes no room on the disk
    assert "larger than weights ever are" in refusal(weights)


def test_where_weights_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed, variable, given = (tmp_path / name for name in ("installed", "variable", "given"))
    for folder in (installed, variable, given):
        folder.mkdir()
    monkeypatch.setattr("MedSegDLLib.tasks.WEIGHTS_FOLDER", installed)
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    with pytest.raises(WeightsError, match=r"nuclei\.safetensors was not found in"):
        find_weights(NUCLEI)
    here = tiny_weights(installed, NUCLEI)
    assert find_weights(NUCLEI) == here
    for value in ("", str(variable)):
        monkeypatch.setenv(WEIGHTS_VARIABLE, value)
        if not value:
            assert find_weights(NUCLEI) == here  # set to nothing is not set
    there = tiny_weights(variable, NUCLEI)
    assert find_weights(NUCLEI) == there
    own = tiny_weights(given, NUCLEI)
    assert find_weights(NUCLEI, own) == own
    assert find_weights(NUCLEI, given) == own
    with pytest.raises(WeightsError, match="was not found"):
        find_weights(NUCLEI, tmp_path / "nowhere.safetensors")


def test_ones_own_brain_network_does_without_a_mask_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    own = tiny_weights(tmp_path / "folder", BRAIN)
    for named in (tmp_path / "folder", own):
        monkeypatch.setenv(WEIGHTS_VARIABLE, str(named))
        assert find_weights(BRAIN) == own
        assert find_weights(BRAIN_MASK) == WEIGHTS_FOLDER / "brainmask.safetensors"
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "typo"))
    with pytest.raises(WeightsError, match="does not exist"):
        find_weights(BRAIN_MASK)


@pytest.mark.parametrize(("wrong", "says"), [("typo", "does not exist"), ("empty", r"holds no nuclei\.safetensors"), ("file", "is a file")])
def test_a_variable_that_leads_nowhere_is_no_reason_to_take_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / wrong))
    with pytest.raises(WeightsError, match=says) as refused:
        find_weights(NUCLEI)  # installed ones are there
    assert WEIGHTS_VARIABLE in str(refused.value)
    assert refused.value.exit_code == 4
    own = tiny_weights(tmp_path, NUCLEI)
    assert find_weights(NUCLEI, own) == own  # what is named by the call comes first
