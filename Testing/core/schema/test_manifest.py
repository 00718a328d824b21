"""Each thing that a manifest tells, replaced by each absurd value: refused in a sentence with exit code 4, or every reader can use it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from MedSegDLLib.checks.expectation import expected
from MedSegDLLib.commands.info import describe_installation, format_installation
from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import WeightsError
from MedSegDLLib.network.weights import load_weights, save_weights, task_entries
from MedSegDLLib.postprocess.calibration import reliabilities
from MedSegDLLib.schema.manifest import printable, refuse_misfit_told
from MedSegDLLib.schema.records import Unfit
from MedSegDLLib.tasks import BRAIN, SHIPPED, TASK_KEY, TASKS, WEIGHTS_FOLDER, WEIGHTS_VARIABLE, manifest_path, read_manifest
from Testing.core.tiny import tiny_network

DEEP: Any = [[[[{"a": [{}]}]]]]
ABSURD: dict[str, Any] = {
    "null": None,
    "list": [],
    "object": {},
    "list of objects": [{}],
    "object of objects": {"a": {"b": {"c": [1]}}},
    "nested": DEEP,
    "text": "text",
    "text that terminals obey": "\x1b[2J\r",
    "very long text": "x" * 300_000,
    "negative": -1,
    "zero": 0,
    "huge": 1e308,
    "beyond all floats": 10**400,
    "true": True,
}
NO_NUMBERS = ("NaN", "Infinity", "1e999")  # as JSON's text may have them


def told() -> dict[str, Any]:
    """Everything that the manifest of a shipped network tells, its lists cut short."""
    manifest = read_manifest(WEIGHTS_FOLDER / "brain.safetensors")
    found = {key: manifest[key] for key in ("training", "scores", "calibration", "date", "licence_note")}
    found["training"]["blend"] = {"share": 0.3, "sha256": "ab" * 32}
    [score] = found["scores"]
    [case, *_], [subset, *_] = score["cases"], score["subsets"]
    score["cases"] = [{**case, "regions": {"WT": _few(case["regions"]["WT"])}, "measures": _few(case["measures"])}]
    score["subsets"], score["mean"] = [{**subset, "mean": _few(subset["mean"])}], _few(score["mean"])
    curve = found["calibration"]["regions"]["WT"]
    found["calibration"]["regions"] = {"WT": {**curve, "curve": curve["curve"][:2]}}
    return found


def _few(measures: dict[str, Any]) -> dict[str, Any]:
    return dict(list(measures.items())[:2])


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every entry at any depth; of a list the first."""
    if way:
        yield way
    if isinstance(value, dict):
        for key in value:
            yield from ways(value[key], (*way, key))
    elif isinstance(value, list) and value:
        yield from ways(value[0], (*way, 0))


def changed(entry: dict[str, Any], way: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy in which the entry there has another value."""
    found = copy.deepcopy(entry)
    place: Any = found
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return found


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights that carry the brain's task under another name, alone in the weights folder."""
    path = tmp_path / "brain.safetensors"
    save_weights(tiny_network(BRAIN), path, {**task_entries(BRAIN), "plan": BRAIN.plan.to_json(), **told()})
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path))
    return path


def test_what_is_shipped_is_taken() -> None:
    for key in SHIPPED:
        refuse_misfit_told(read_manifest(WEIGHTS_FOLDER / f"{key}.safetensors"))


def test_every_field_by_every_absurd_value() -> None:
    """What gets past the check can be used by whatever reads manifests without looking twice."""
    entry, taken = {**told(), "plan": {}, "architecture": {}, "outputs": ["WT"], "sha256": "", "precision": "int8"}, set()
    for way in ways(entry):
        for name, value in ABSURD.items():
            manifest = changed(entry, way, value)
            try:
                refuse_misfit_told(manifest)
            except Unfit as fault:
                said = str(fault)
                assert way[0] in said and "\n" not in said and "\x1b" not in said and len(said) < 600, said
                continue
            taken.add((way[0], name))
            expected(manifest, BRAIN, ["flair"])
            reliabilities(manifest, BRAIN)
            weights = {"file": "x", **manifest, "licence": manifest["training"].get("licence", "")}
            format_installation({"medsegdl": "", "packages": {}, "devices": [], "threads": 1, "tasks": {}, "weights_folders": [],
                                 "problems": {}, "weights": {"brain": weights}})  # fmt: skip
    kinds = {name for _, name in taken}
    assert kinds <= {"list", "object", "text", "zero", "huge", "null", "negative", "object of objects", "list of objects"}, (
        "others fit nothing that is told"
    )


@pytest.mark.parametrize(
    "way", [("training",), ("scores",), ("scores", 0), ("scores", 0, "mean"), ("calibration",), ("plan",), ("architecture",), ("outputs",)]
)
def test_a_misfit_ends_with_code_4_in_one_line(pair: Path, way: tuple[Any, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """`training` as a list and `scores` as text ended `info` and the panel's line in a traceback."""
    entry = json.loads(manifest_path(pair).read_text(encoding="utf-8"))
    for value in (ABSURD["nested"], "text", 7):
        manifest_path(pair).write_text(json.dumps(changed(entry, way, value)), encoding="utf-8")
        with pytest.raises(WeightsError, match=r"brain\.json") as refused:
            load_weights(pair, BRAIN)
        assert refused.value.exit_code == 4 and refused.value.remedy
    assert main(["segment", "--weights", str(pair), "--input", "t1=none.nii.gz", "-o", str(pair.parent / "out")]) == 4
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and f"'{way[0]}" in said
    assert main(["info"]) == 0
    assert f"not used: {pair}" in capsys.readouterr().out
    assert TASKS["brain"] == BRAIN, "the shipped task is there, whatever lies beside it"


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_numbers_that_are_none_are_named(pair: Path, number: str) -> None:
    text = manifest_path(pair).read_text(encoding="utf-8")
    manifest_path(pair).write_text(text.replace('"share": 0.3', f'"share": {number}', 1), encoding="utf-8")
    assert manifest_path(pair).read_text(encoding="utf-8") != text
    with pytest.raises(WeightsError, match=f"holds {number}"):
        load_weights(pair, BRAIN)


def test_all_fields_of_the_task_at_once(pair: Path) -> None:
    """Task, plan and network by each absurd value: every other field, each refused on loading or still a network that can run."""
    entry = json.loads(manifest_path(pair).read_text(encoding="utf-8"))
    fields = [way for way in ways(entry) if way[0] in (TASK_KEY, "plan", "architecture", "format", "task", "task_version", "outputs")]
    values = list(ABSURD.values())
    for number, way in enumerate(fields[::2]):
        manifest_path(pair).write_text(json.dumps(changed(entry, way, values[number % len(values)])), encoding="utf-8")
        try:
            load_weights(pair, BRAIN)
        except WeightsError as error:
            said = error.message
            assert error.remedy and not {"\n", "\x1b"} & set(said) and len(said) < 700, (way, said)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """A licence file or a command line may hold anything."""
    notes = {"training": {"licence": "CC\x0cBY\x1b 4.0\nin full", "data": "\u2028"}}
    save_weights(tiny_network(BRAIN), tmp_path / "x.safetensors", {**task_entries(BRAIN), "plan": BRAIN.plan.to_json(), **notes})
    assert read_manifest(tmp_path / "x.safetensors")["training"] == {"licence": "CC BY  4.0\nin full", "data": " "}
    assert printable({"a": ("b\x00", 1, None)}) == {"a": ["b ", 1, None]}


def test_info_tells_scores_that_have_no_value(pair: Path) -> None:
    entry = json.loads(manifest_path(pair).read_text(encoding="utf-8"))
    manifest_path(pair).write_text(json.dumps(changed(entry, ("scores", 0, "mean"), {"Dice WT": 0.5, "HD95 WT": None})), encoding="utf-8")
    assert "score: Dice WT 0.500 (four BraTS" in format_installation(describe_installation())
