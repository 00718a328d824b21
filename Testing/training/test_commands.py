"""`medsegdl-train` from end to end on made-up pictures: run, resume, export, evaluate, inspect; and its refusals."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from medsegdl_training.cases.fingerprint import fingerprint
from medsegdl_training.cases.selection import Selection
from medsegdl_training.commands.main import main
from medsegdl_training.train.export import load_run
from medsegdl_training.train.nuclei_sampler import make_sampler
from medsegdl_training.train.settings import Settings
from medsegdl_training.train.unlabelled_sampler import make_unlabelled
from MedSegDLLib.network import inception_unet
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.tasks import NUCLEI
from Testing.training.made_up import write_pictures

TINY = "tiny"


@pytest.fixture(autouse=True)
def tiny_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(inception_unet.PROFILES, TINY, replace(inception_unet.PROFILES["nuclei"], widths=(2, 2, 3), added_maps=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "data")


def run(folder: Path, out: Path, *more: str) -> int:
    options = ["--steps", "3", "--seed", "7", "--profile", TINY, "--patch", "32", "32", "--batch", "2", "--threads", "1"]
    return main(["run", "--task", "nuclei", "--data", str(folder), "--out", str(out), *options, *more])


def test_a_run_is_blended_with_the_weights_it_began_from(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, start = tmp_path / "first", tmp_path / "second", tmp_path / "start.safetensors"
    assert run(folder, first) == 0
    assert main(["export", "--run", str(first), "--out", str(start)]) == 0
    assert run(folder, second, "--init", str(start), "--rate", "0.01") == 0
    card = tmp_path / "card.md"
    for share, out in ((0.25, "quarter"), (1.0, "all")):
        options = ["--blend", str(start), "--blend-share", str(share), "--card", str(card)]
        assert main(["export", "--run", str(second), "--out", str(tmp_path / f"{out}.safetensors"), *options]) == 0
    old, own = load_weights(start, NUCLEI).network.state_dict(), load_run(second)[0].average.state_dict()
    quarter, whole = (load_weights(tmp_path / f"{name}.safetensors", NUCLEI) for name in ("quarter", "all"))
    for key, value in quarter.network.state_dict().items():
        assert torch.allclose(value, 0.75 * own[key] + 0.25 * old[key], rtol=1e-3, atol=1e-6), key
    assert all(torch.equal(value, old[key]) for key, value in whole.network.state_dict().items())
    assert any(not torch.equal(own[key], old[key]) for key in own)
    told = quarter.manifest["training"]["blend"]
    assert told == {"share": 0.25, "sha256": load_weights(start, NUCLEI).manifest["sha256"]}
    assert f"SHA-256 `{told['sha256']}`, which count 1" in card.read_text(encoding="utf-8")

    other = tmp_path / "other"
    assert run(folder, other, "--widths", "4", "6") == 0
    assert "another network" in refused(
        capsys, "export", "--run", str(other), "--out", str(tmp_path / "w.safetensors"), "--blend", str(start)
    )
    assert not (tmp_path / "w.safetensors").exists()


def test_the_whole_way(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, weights = tmp_path / "run", tmp_path / "w" / "nuclei.safetensors"
    scores, card = tmp_path / "scores.json", tmp_path / "cards" / "nuclei.md"
    assert run(folder, out, "--holdout", "picture2") == 0
    assert len((out / "log.jsonl").read_text(encoding="utf-8").splitlines()) == 3

    assert main(["export", "--task", "nuclei", "--run", str(out), "--out", str(weights)]) == 0
    loaded = load_weights(weights, NUCLEI)
    average = load_run(out)[0].average.state_dict()
    for key, value in loaded.network.state_dict().items():
        assert torch.equal(value, average[key].half().float()), key
    training = loaded.manifest["training"]
    assert training["seed"] == 7
    assert training["licence"].startswith("not stated")
    assert training["data"] == "2 pictures with outlined nuclei"
    assert training["steps"] == 3
    assert training["held_out"] == ["picture2"]
    assert len(training["data_hash"]) == 64
    assert "--seed 7" in training["command"]
    assert not re.search(r" '?/", training["command"])  # no absolute paths: they tell whose machine it was

    assert (
        main(["evaluate", "--task", "nuclei", "--data", str(folder), "--weights", str(weights), "--json", str(scores), "--threads", "1"])
        == 0
    )
    found = json.loads(scores.read_text(encoding="utf-8"))
    assert [case["name"] for case in found["cases"]] == ["picture0", "picture1", "picture2"]
    assert 0 <= found["mean"]["Dice nucleus"] <= 1
    assert found["weights_sha256"] == loaded.manifest["sha256"]

    again = [
        "export",
        "--task",
        "nuclei",
        "--run",
        str(out),
        "--out",
        str(weights),
        "--scores",
        str(scores),
        "--note",
        "A note.",
        "--licence",
        "CC0 1.0",
        "--card",
        str(card),
    ]
    assert main(again) == 0
    assert load_weights(weights, NUCLEI).manifest["scores"][0]["mean"] == found["mean"]
    text = card.read_text(encoding="utf-8")
    for part in ("research only", loaded.manifest["sha256"], training["data_hash"], training["command"], "picture2", "CC0", "A note."):
        assert part in text, part

    capsys.readouterr()
    assert main(["inspect", "--task", "nuclei", "--data", str(folder)]) == 0
    assert "picture1  image  1x48x64x3  uint8" in capsys.readouterr().out


def test_a_run_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    straight, parts = tmp_path / "straight", tmp_path / "parts"
    assert run(folder, straight, "--precision", "float32") == 0
    assert run(folder, parts, "--precision", "float32") == 0
    go_on = ["run", "--task", "nuclei", "--data", str(folder), "--out", str(parts), "--resume", "--threads", "1"]
    assert main(go_on) == 0  # nothing left to do
    assert len((parts / "log.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert main([*go_on, "--steps", "5"]) == 0
    steps = [json.loads(line)["step"] for line in (parts / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert steps == [1, 2, 3, 4, 5]
    assert json.loads((parts / "settings.json").read_text(encoding="utf-8"))["command"].count("medsegdl-train run") == 3
    first, second = (load_run(path)[0].network.state_dict() for path in (straight, parts))
    assert not all(torch.equal(first[key], second[key]) for key in first)


def refused(capsys: pytest.CaptureFixture[str], *line: str) -> str:
    assert main(list(line)) in (2, 3)
    return capsys.readouterr().err


def test_refusals(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["run", "--task", "nuclei", "--data", str(folder), "--out", str(tmp_path / "run")]
    assert "no budget" in refused(capsys, *base)
    assert "no network profile" in refused(capsys, *base, "--steps", "1", "--profile", "huge")
    assert "does not fit the network" in refused(capsys, *base, "--steps", "1", "--patch", "30", "30")
    assert "does not fit the network" in refused(capsys, *base, "--steps", "1", "--patch", "32", "32", "32")
    assert "holds no run" in refused(capsys, *base, "--resume")
    assert "no pictures" in refused(
        capsys, "run", "--task", "nuclei", "--data", str(tmp_path), "--out", str(tmp_path / "r"), "--steps", "1"
    )
    assert "holds no run" in refused(capsys, "export", "--task", "nuclei", "--run", str(tmp_path), "--out", str(tmp_path / "w.safetensors"))
    assert run(folder, tmp_path / "run") == 0
    assert "holds a run already" in refused(capsys, *base, "--steps", "1")
    wrong, export = (
        tmp_path / "wrong.json",
        ["export", "--task", "nuclei", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "w.safetensors")],
    )
    assert "wrong.json cannot be read" in refused(capsys, *export, "--scores", str(wrong))
    wrong.write_text("[1]")
    assert "wrong.json holds no scores" in refused(capsys, *export, "--scores", str(wrong))
    assert not (tmp_path / "w.safetensors").exists()
    assert "None of the named cases" in refused(capsys, "evaluate", "--task", "nuclei", "--data", str(folder), "--cases", "nobody")


def test_help_needs_no_torch() -> None:
    code = "import sys; from medsegdl_training.commands.main import parser; parser().format_help(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode == 0


def test_a_run_follows_its_plan_file_and_shows_its_curves(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    plan, out = tmp_path / "plan.json", tmp_path / "run"
    assert main(["plan", "--task", "nuclei", "--data", str(folder), "--out", str(plan), "--profile", TINY, "--memory-gb", "2"]) == 0
    planned = json.loads(plan.read_text(encoding="utf-8"))
    line = ["run", "--task", "nuclei", "--data", str(folder), "--out", str(out), "--steps", "2", "--threads", "1"]
    assert main([*line, "--plan", str(plan), "--board"]) == 0
    settings = json.loads((out / "settings.json").read_text(encoding="utf-8"))
    assert settings["patch"] == planned["patch"] and settings["settings"]["batch"] == planned["batch"]
    assert settings["plan"] == planned["plan"] and settings["architecture"]["arguments"]["widths"] == [2, 2, 3]
    assert list((out / "tensorboard").glob("events*"))


@pytest.mark.parametrize(
    ("option", "values"),
    [
        *((name, ("0", "-1", "2.5", "nan")) for name in ("--steps", "--batch", "--warm-up", "--save-steps", "--patience", "--threads")),
        *((name, ("0", "-1", "nan", "inf", "few")) for name in ("--minutes", "--rate", "--validate-minutes")),
        ("--labels", ("0", "1.5", "nan")),
        ("--seed", ("-1",)),
        ("--average", ("1", "nan", "-0.1")),
        ("--patch", ("0",)),
    ],
)
def test_numbers_that_make_no_run_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, values: tuple[str, ...]
) -> None:
    line = ["run", "--task", "nuclei", "--data", str(folder), "--out", str(tmp_path / "run"), "--steps", "1"]
    for value in values:
        try:
            code = main([*line, f"{option}={value}"])
        except SystemExit as ended:
            code = ended.code
        assert code == 2
        assert value in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": -3},
        {"minutes": 0.0},
        {"minutes": math.nan},
        {"batch": 0},
        {"warm_up": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"clip": -1.0},
        {"average": 1.0},
        {"weight_decay": math.nan},
        {"patience": 0},
        {"validate_minutes": -1.0},
    ],
)
def test_settings_that_make_no_run_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="is"):
        Settings(**{"steps": 1, **wrong})


def test_a_run_goes_on_only_with_what_it_began_with(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert run(folder, out) == 0
    go_on = ["run", "--task", "nuclei", "--out", str(out), "--resume", "--threads", "1", "--steps", "5", "--data"]
    before = (out / "settings.json").read_text(encoding="utf-8")
    for more, says in (
        (["--rate", "0.5"], "another learning rate"),
        (["--seed", "8"], "another seed"),
        (["--patch", "64", "64"], "another patch"),
        (["--widths", "2", "2", "4"], "another architecture"),
        (["--holdout", "picture0"], "another holdout"),
        (["--labels", "0.5"], "another labels"),
        (["--loss", "paper"], "another loss"),
    ):
        assert says in refused(capsys, *go_on, str(folder), *more)
    other = write_pictures(tmp_path / "other", 2)
    assert "The data are not those that the run began with" in refused(capsys, *go_on, str(other))
    assert (out / "settings.json").read_text(encoding="utf-8") == before
    state = torch.load(out / "checkpoint.pt", weights_only=True)
    torch.save({**state, "identity": "0" * 64}, out / "checkpoint.pt")
    assert "was made with other data, another plan or other settings" in refused(capsys, *go_on, str(folder))
    torch.save(state, out / "checkpoint.pt")
    same = ["--seed", "7", "--profile", TINY, "--patch", "32", "32", "--batch", "2"]
    assert main([*go_on, str(folder), *same]) == 0  # the same line again with --resume
    assert load_run(out)[0].step == 5


def test_run_refuses_what_inspect_calls_an_error(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "images" / "picture0.png", folder / "images" / "picture9.png")
    shutil.copy(folder / "labels" / "picture0.png", folder / "labels" / "picture9.png")
    assert main(["inspect", "--task", "nuclei", "--data", str(folder), "--json"]) == 3
    problem = next(p for case in json.loads(capsys.readouterr().out)["cases"] for p in case["problems"] if p["severity"] == "error")
    said = refused(capsys, "run", "--task", "nuclei", "--data", str(folder), "--out", str(tmp_path / "run"), "--steps", "1")
    assert problem["message"] in said and "--leave-out picture9" in said
    assert not (tmp_path / "run").exists()
    assert run(folder, tmp_path / "run", "--leave-out", "picture9") == 0


def test_one_definition_of_the_datas_hash(folder: Path) -> None:
    paths = [folder / name / f"picture{number}.png" for number in range(3) for name in ("images", "labels")]
    labelled = make_sampler(Selection(folder), NUCLEI.plan, (32, 32), 1)
    assert labelled.data_hash == fingerprint(paths)
    assert make_unlabelled(Selection(folder), NUCLEI.plan, (32, 32), 1).data_hash == fingerprint(paths[::2])
