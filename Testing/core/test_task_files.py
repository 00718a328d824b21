"""A task is a file: a pair of weights and manifest dropped into a folder is one more, and nothing absurd in it gets past its loading."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import InputRefused, UsageError, WeightsError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.network.weights import find_weights, load_weights
from MedSegDLLib.tasks import (
    BRAIN,
    LIVER,
    SHIPPED,
    TASK_KEY,
    TASKS,
    TASKS_FOLDER,
    WEIGHTS_FOLDER,
    WEIGHTS_VARIABLE,
    Task,
    carried_task,
    chosen_task,
    manifest_path,
    read_manifest,
    read_task,
    task_named,
    user_weights_folder,
    weights_places,
)
from MedSegDLLib.worker.protocol import result_from_json, result_to_json

from .tiny import LPS, ball, tiny_weights

CODE = {"scheme": "SCT", "value": "78961009", "meaning": "Spleen"}
SPLEEN: dict[str, Any] = {
    "key": "spleen",
    "title": "Spleen, 100 % of it (CT)",
    "version": 2,
    "inputs": [{"key": "ct", "title": "CT", "modality": "CT"}],
    "regions": [
        {"key": "spleen", "title": "Spleen", "color": [0.6, 0.4, 0.2], "category": CODE, "type": CODE},
        {"key": "cyst", "title": "Cyst", "color": [0.1, 0.2, 0.3], "category": CODE, "type": CODE, "inside": "spleen"},
    ],
    "plan": {"scale": "window", "spacing_mm": [5, 5, 5], "tile": [32, 32, 32], "window": [-100, 200]},
    "profile": "liver-3d",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's weights folder, empty; nothing else is named."""
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    folder = user_weights_folder()
    assert folder.is_relative_to(tmp_path) and weights_places()[0] == folder
    folder.mkdir(parents=True)
    return folder


def belly() -> Image:
    """A small CT."""
    shape = (20, 24, 24)
    values = np.where(ball(shape, (10, 12, 12), 9), 40, -1000) + np.random.default_rng(0).integers(-9, 9, shape)
    return Image(values.astype(np.int16), LPS @ np.diag([9.0, 9.0, 9.0, 1.0]), "ct")


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file with a sign of equality in its name."""
    path = tmp_path_factory.mktemp("images") / "a=b.nii.gz"
    write_image(belly(), path)
    return path


@pytest.mark.parametrize("key", SHIPPED)
def test_shipped_weights_carry_their_task(key: str) -> None:
    """As it is told by the shipped file: `medsegdl-train describe --weights F --task KEY` writes it into the manifest."""
    manifest = read_manifest(WEIGHTS_FOLDER / f"{key}.safetensors")
    assert TASK_KEY in manifest and carried_task(manifest, key) == SHIPPED[key]


@pytest.mark.parametrize("key", SHIPPED)
def test_the_shipped_tasks_are_files(key: str) -> None:
    assert read_task(TASKS_FOLDER / f"{key}.json") == SHIPPED[key] == Task.from_json(json.loads(json.dumps(SHIPPED[key].to_json())))
    assert SHIPPED[key].key == key and hash(SHIPPED[key]) is not None


def test_a_short_task_says_what_it_leaves_out() -> None:
    task = Task.from_json(SPLEEN)
    assert task.reference_order == ("ct",)
    [convention] = task.conventions
    assert convention.labels == {"spleen": (1, 2), "cyst": (2,)} and convention.title == "1 spleen, 2 cyst"
    assert Task.from_json(task.to_json()) == task


def test_a_pair_in_the_users_folder_is_a_task_more(folder: Path, tmp_path: Path, ct: Path, capsys: pytest.CaptureFixture) -> None:
    """From the drop to the segments, without a line of code: in TASKS, --task, evaluate, info, and over the worker's wire."""
    task = Task.from_json(SPLEEN)
    assert "spleen" not in TASKS
    pair = tiny_weights(folder, task).rename(folder / "Any name 1.5.safetensors")
    assert "spleen" not in TASKS, "its manifest has another name"
    (folder / "spleen.json").rename(manifest_path(pair))
    assert TASKS["spleen"] == task and list(TASKS) == [*SHIPPED, "spleen"]
    assert find_weights(task) == pair and load_weights(pair, task).plan == task.plan
    out = tmp_path / "out"
    assert main(["segment", "--task", "spleen", "--ct", str(ct), "-o", str(out), "--device", "cpu"]) == 0
    assert {path.name for path in out.iterdir()} >= {"spleen.nii.gz", "cyst.nii.gz", "segmentation.seg.nrrd", "report.json"}
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["task"] == "spleen"
    truth = str(out / "spleen.nii.gz")
    assert main(["evaluate", "--task", "spleen", "--prediction", str(out), "--reference", truth]) == 0
    assert main(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.split("\n{", 1)[-1].join(["{", ""]))
    assert told["tasks"]["spleen"]["inputs"] == {"ct": "CT (CT)"} and told["weights"]["spleen"]["file"] == str(pair)
    assert not told["tasks"]["spleen"]["shipped"] and str(folder) in told["weights_folders"] and not told["problems"]
    with pytest.raises(SystemExit) as ended:  # 100 % in a title is no format of argparse's
        main(["segment", "--help"])
    assert ended.value.code == 0 and "CT (liver), CT (spleen)" in " ".join(capsys.readouterr().out.split())


def test_weights_alone_tell_their_task(tmp_path: Path, folder: Path, ct: Path) -> None:
    task = Task.from_json({**SPLEEN, "key": "milt", "inputs": [{"key": "device", "title": "CT", "modality": "CT"}]})
    pair, out = tiny_weights(tmp_path, task), str(tmp_path / "out")
    assert "milt" not in TASKS and chosen_task(None, pair) == chosen_task("milt", pair) == task
    run = ["segment", "--weights", str(pair), "-o", out, "--device", "cpu"]
    assert main([*run, "--input", f"device={ct}"]) == 0  # a key that is an option of ours is still an input
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["task"] == "milt"
    assert main([*run, "--input", f"ct={ct}"]) == main([*run, "--input", f"device={ct}", "--input", f"device={ct}"]) == main(run) == 2
    assert main([*run, "--task", "brain", "--input", f"device={ct}"]) == 4
    assert main(["segment", "-o", out, "--input", f"device={ct}"]) == 2
    with pytest.raises(SystemExit):
        main([*run, "--input", str(ct)[1:].replace("=", "")])


def test_the_variable_may_name_a_folder_or_a_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, other = Task.from_json(SPLEEN), Task.from_json({**SPLEEN, "key": "milt"})
    tiny_weights(folder, other)
    (tmp_path / "named").mkdir()
    pair = tiny_weights(tmp_path / "named", task)
    for place in (pair, pair.parent):
        monkeypatch.setenv(WEIGHTS_VARIABLE, str(place))
        assert list(TASKS) == [*SHIPPED, "spleen"] and find_weights(TASKS["spleen"]) == pair
    with pytest.raises(UsageError, match="milt"):
        task_named("milt")
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(pair))
    with pytest.raises(WeightsError, match="for the task 'spleen', not for 'brain'"):
        load_weights(find_weights(BRAIN), BRAIN)


def test_own_weights_of_a_shipped_task_come_first_and_bring_their_task(folder: Path) -> None:
    retitled = replace(LIVER, title="My liver")
    mine = tiny_weights(folder, retitled)
    assert TASKS["liver"] == retitled and find_weights(TASKS["liver"]) == mine and SHIPPED["liver"] is LIVER
    lone = replace(LIVER, regions=LIVER.regions[:1], conventions=(), label_names=())
    tiny_weights(folder, lone)
    with pytest.raises(WeightsError, match="liver"):
        load_weights(mine, LIVER)


def test_an_account_without_a_home_has_the_shipped_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in (WEIGHTS_VARIABLE, "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert list(TASKS) == list(SHIPPED) and find_weights(TASKS["liver"]).is_file()


def test_two_pairs_of_one_task_are_not_chosen_between_in_silence(folder: Path) -> None:
    task = Task.from_json(SPLEEN)
    for name in ("a", "b"):
        tiny_weights(folder, task).rename(folder / f"{name}.safetensors")
        (folder / "spleen.json").rename(folder / f"{name}.json")
    assert "spleen" in TASKS
    with pytest.raises(WeightsError, match=r"several weights for the task 'spleen': a\.safetensors, b\.safetensors"):
        find_weights(task)
    named = tiny_weights(folder, task)
    assert find_weights(task) == named


def test_a_manifest_that_is_older_than_the_key_finds_the_shipped_task(folder: Path) -> None:
    path = tiny_weights(folder, LIVER)
    edit(path, lambda manifest: manifest.pop(TASK_KEY))
    assert chosen_task(None, path) == LIVER and load_weights(path, LIVER)
    edit(path, lambda manifest: manifest.update(task="unheard-of"))
    with pytest.raises(WeightsError, match="carries no task"):
        chosen_task(None, path)


def test_a_result_carries_its_task_over_the_wire(tmp_path: Path, folder: Path) -> None:
    from MedSegDLLib.pipeline import Options, segment

    task = Task.from_json(SPLEEN)
    result = segment({"ct": belly()}, task, Options("cpu", tiny_weights(tmp_path, task)))
    back = result_from_json(json.loads(json.dumps(result_to_json(result, tmp_path / "wire"))))
    assert back.task == task and "spleen" not in TASKS
    assert all((back.masks[key] == mask).all() for key, mask in result.masks.items())


def edit(path: Path, change: Callable[[dict], object]) -> None:
    """Change the manifest beside a weights file."""
    manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
    change(manifest)
    manifest_path(path).write_text(json.dumps(manifest), encoding="utf-8")


def put(*way: Any) -> Callable[[dict], None]:
    """Change of a task or manifest: the last of `way` is the value, the others lead there."""
    *steps, last, value = way

    def change(entry: Any) -> None:
        for step in steps:
            entry = entry[step]
        entry[last] = value

    return change


def deep(levels: int) -> list:
    """[[[...]]]"""
    found: list = []
    for _ in range(levels):
        found = [found]
    return found


ABSURD_TASKS = {
    "spacing of 0": put("plan", "spacing_mm", [0, 1, 1]),
    "negative spacing": put("plan", "spacing_mm", [1, -1, 1]),
    "spacing that is no number": put("plan", "spacing_mm", [1, float("nan"), 1]),
    "huge spacing": put("plan", "spacing_mm", [1, 1, 1e9]),
    "two spacings": put("plan", "spacing_mm", [1, 1]),
    "tile of 0": put("plan", "tile", [32, 0, 32]),
    "tile of a thousand millions": put("plan", "tile", [10**9] * 3),
    "tile of too many voxels": put("plan", "tile", [4096] * 3),
    "half a voxel of tile": put("plan", "tile", [32, 32.5, 32]),
    "threshold that is no number": put("plan", "threshold", float("nan")),
    "threshold of 7": put("plan", "threshold", 7),
    "threshold as text": put("plan", "threshold", "0.5"),
    "inner threshold of 1": put("plan", "inner_threshold", 1),
    "mirror axis 5": put("plan", "mirror", [5]),
    "mirror axis twice": put("plan", "mirror", [-1, -1]),
    "window downwards": put("plan", "window", [200, -100]),
    "two slices": put("plan", "slices", 2),
    "ten thousand slices": put("plan", "slices", 10_001),
    "unknown scale": put("plan", "scale", "log"),
    "scale of pictures": put("plan", "scale", "percentile"),
    "true for a number": put("version", True),
    "version of the far future": put("version", 10**30),
    "colour out of range": put("regions", 0, "color", [255, 0, 0]),
    "colour of two parts": put("regions", 0, "color", [0.5, 0.5]),
    "region outside of the folder": put("regions", 0, "key", "../spleen"),
    "absolute region": put("regions", 0, "key", "/etc/passwd"),
    "region of another drive": put("regions", 0, "key", "C:spleen"),
    "region with a zero": put("regions", 0, "key", "a\0b"),
    "region named as a device": put("regions", 0, "key", "NUL"),
    "region named as our own file": put("regions", 0, "key", "Uncertainty"),
    "hidden region": put("regions", 0, "key", ".spleen"),
    "empty region": put("regions", 0, "key", ""),
    "two regions of one file": put("regions", 1, "key", "Spleen"),
    "region inside nothing": put("regions", 1, "inside", "liver"),
    "region inside itself": put("regions", 1, "inside", "cyst"),
    "regions in a circle": put("regions", 0, "inside", "cyst"),
    "no regions": put("regions", []),
    "thousands of regions": lambda task: task.update(regions=task["regions"][:1] * 5000),
    "more than all of the body": put("regions", 0, "most_share", 1.5),
    "negative smallest part": put("regions", 0, "smallest_ml", -1),
    "needs an input that is not there": put("regions", 0, "needs", ["flair"]),
    "code with a tilde": put("regions", 0, "type", {**CODE, "meaning": "a~b"}),
    "code that is text": put("regions", 0, "type", "spleen"),
    "title of three lines": put("title", "a\nb\nc"),
    "title of half a character": put("title", "a\ud800b"),
    "code of half a character": put("regions", 0, "type", {**CODE, "meaning": "\udfff"}),
    "title that ends in a control": put("title", "ab\x01"),
    "title of one control": put("title", "\x9b"),
    "title read backwards": put("title", "Spleen\u202e gpj"),
    "title over two paragraphs": put("title", "a\u2029b"),
    "code that isolates its direction": put("regions", 0, "type", {**CODE, "meaning": "a\u2066b"}),
    "title with a space at its end": put("title", "ab "),
    "key with a line's end": put("key", "spleen\n"),
    "letter of another alphabet": put("key", "\u0455pleen"),
    "region with a dot at its end": put("regions", 0, "key", "spleen."),
    "rest outside of the folder": put("regions", 0, "rest", {"key": "../x", "title": "x", "color": [0, 0, 0], "type": CODE}),
    "rest named as a region": put("regions", 0, "rest", {"key": "CYST", "title": "x", "color": [0, 0, 0], "type": CODE}),
    "auxiliary output named as a region": put("auxiliary", ["spleen"]),
    "colour of truths": put("regions", 0, "color", [True, False, True]),
    "profile outside of the folder": put("profile", "../../etc"),
    "one convention twice": put("conventions", [{"key": "a", "title": "a", "labels": {"spleen": [1], "cyst": [1]}}] * 2),
    "pattern of patterns": put(
        "conventions", [{"key": "a", "title": "a", "labels": {"spleen": [1], "cyst": [1]}, "names": "(x{1,9999}){1,9999}"}]
    ),
    "pixels downwards": put("plan", "pixel_um", [2, 1]),
    "seventeen inputs": lambda task: task.update(inputs=[{"key": f"i{n}", "title": "x", "modality": "MR"} for n in range(17)]),
    "title of a million letters": put("title", "a" * 10**6),
    "task outside of the folder": put("key", "../../brain"),
    "input that is an option and more": put("inputs", 0, "key", "ct --weights"),
    "two inputs of one name": lambda task: task.update(inputs=task["inputs"] * 2),
    "no inputs": put("inputs", []),
    "modality of another world": put("inputs", 0, "modality", "XR"),
    "order of references": put("reference_order", ["flair"]),
    "labels of no region": put("conventions", [{"key": "a", "title": "a", "labels": {"liver": [1]}}]),
    "label 0": put("conventions", [{"key": "a", "title": "a", "labels": {"spleen": [0, 1], "cyst": [1]}}]),
    "inner labels outside": put("conventions", [{"key": "a", "title": "a", "labels": {"spleen": [1], "cyst": [2]}}]),
    "name that never ends": put("conventions", [{"key": "a", "title": "a", "labels": {"spleen": [1], "cyst": [1]}, "names": "(a+)+b"}]),
    "names of labels": put("label_names", [["(", "spleen"]]),
    "instances of a volume": put("instances", True),
    "unknown key": put("command", "rm -rf /"),
    "nested without end": put("profile", deep(500)),
    "list for an object": put("plan", []),
    "null for a list": put("regions", None),
}


@pytest.mark.parametrize("change", ABSURD_TASKS.values(), ids=ABSURD_TASKS)
def test_an_absurd_task_is_refused_in_a_sentence(tmp_path: Path, change: Callable[[dict], object]) -> None:
    entry = json.loads(json.dumps(SPLEEN))
    change(entry)
    (tmp_path / "task.json").write_text(json.dumps(entry), encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        read_task(tmp_path / "task.json")
    said = refused.value
    assert "task.json" in said.message and said.message.endswith(".") and "\n" not in said.message and len(said.message) < 700
    assert said.remedy and said.exit_code == 3


ABSURD_MANIFESTS = {
    **{f"task: {name}": (lambda manifest, change=change: change(manifest[TASK_KEY])) for name, change in ABSURD_TASKS.items()},
    "plan of the manifest": put("plan", "spacing_mm", [0, 0, 0]),
    "plan of no kind": put("plan", "kind", []),
    "plan of an unknown kind": put("plan", "kind", "other"),
    "pictures' plan": put("plan", "scale", "percentile"),
    "thousands of levels": put("architecture", "arguments", "widths", [2] * 5000),
    "a level of a thousand millions": put("architecture", "arguments", "widths", [2, 10**9]),
    "four dimensions": put("architecture", "arguments", "spatial_dims", 4),
    "truth for a number": put("architecture", "arguments", "in_channels", True),
    "no dropout": put("architecture", "arguments", "dropout", float("inf")),
    "unknown network": put("architecture", "name", "../../evil"),
    "network that is a list": put("architecture", "name", [1]),
    "another task than it says": put("task", "brain"),
    "another version than it says": put("task_version", 7),
    "version that is true": put("task_version", True),
    "other outputs": put("outputs", ["cyst", "spleen"]),
    "outputs that are lists": put("outputs", [[], []]),
    "hash of a path": put("sha256", "/etc/shadow"),
    "half a hash": lambda manifest: manifest.update(sha256=manifest["sha256"][:10]),
    "format that is true": put("format", True),
    "network without an output": put("architecture", "arguments", "out_channels", 0),
    "network below nothing": put("architecture", "arguments", "widths", [-4, 8]),
    "licence that is a number": put("training", {"licence": 7}),
    "scores in a word": put("scores", "good"),
    "calibration of nothing": put("calibration", {"spleen": "x"}),
    "definition that is a list": put(TASK_KEY, []),
}


@pytest.mark.parametrize("change", ABSURD_MANIFESTS.values(), ids=ABSURD_MANIFESTS)
def test_an_absurd_manifest_ends_with_code_4_and_leaves_nothing(
    tmp_path: Path, folder: Path, ct: Path, change: Callable[[dict], object], capsys: pytest.CaptureFixture
) -> None:
    pair = tiny_weights(folder, Task.from_json(SPLEEN))
    edit(pair, change)
    assert main(["segment", "--weights", str(pair), "--input", f"ct={ct}", "-o", str(tmp_path / "out"), "--device", "cpu"]) == 4
    said = capsys.readouterr().err
    with pytest.raises(WeightsError) as refused:
        load_weights(pair, chosen_task(None, pair))
    assert refused.value.exit_code == 4 and "Traceback" not in said and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()
    assert set(SHIPPED) <= set(TASKS), "what is broken beside them hurts no other task"


def test_other_outputs_are_told_as_such(tmp_path: Path) -> None:
    pair = tiny_weights(tmp_path, Task.from_json(SPLEEN))
    edit(pair, put("outputs", ["spleen", "cyst", "more"]))
    with pytest.raises(WeightsError, match=r"names the outputs spleen, cyst, more; those of the task 'spleen' are spleen, cyst\."):
        load_weights(pair, chosen_task(None, pair))


def test_a_broken_pair_is_told_and_not_used(folder: Path, capsys: pytest.CaptureFixture) -> None:
    pair = tiny_weights(folder, Task.from_json(SPLEEN))
    manifest_path(pair).write_text("{" * 10, encoding="utf-8")
    with pytest.raises(UsageError, match=r"spleen\.safetensors: The manifest spleen\.json is no valid JSON"):
        task_named("spleen")
    assert main(["info"]) == 0
    assert "not used" in capsys.readouterr().out


def test_giant_and_ambiguous_manifests(folder: Path) -> None:
    pair = tiny_weights(folder, Task.from_json(SPLEEN))
    text = manifest_path(pair).read_text(encoding="utf-8")
    for content, says in ((text[:-2] + ',"task":"brain"}', "twice"), (text + " " * 2**24, "larger than 16 MiB")):
        manifest_path(pair).write_text(content, encoding="utf-8")
        with pytest.raises(WeightsError, match=says):
            chosen_task(None, pair)
