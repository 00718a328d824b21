"""Learning from corrections, with a training package that the test plays: who trains, who judges, what is used, and the way back."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from MedSegDLLib.errors import Cancelled, InputRefused, MedSegDLError
from MedSegDLLib.tasks import WEIGHTS_VARIABLE
from MedSegDLLib.worker.environment import Interpreter, Source
from MedSegDLLib.worker.learning import Lesson, Run, child_run, is_in_use, learn, put_in_use, shared_out, take_back, told_of

NAMES = ["a1", "b2", "c3", "d4", "e5"]


def value(arguments: Sequence[str], name: str) -> Path:
    return Path(arguments[list(arguments).index(name) + 1])


def trainer(before: float, after: float, asked: list[list[str]] | None = None) -> Run:
    """A training package by which the kept cases have these Dice before and after."""

    def run(arguments: Sequence[str], listen: Callable[[str], None]) -> int:
        (asked if asked is not None else []).append(list(arguments))
        if arguments[0] == "finetune":
            (value(arguments, "--out") / "log.jsonl").write_text("{}\n" * 50, encoding="utf-8")
        if arguments[0] == "export":
            write_pair(value(arguments, "--out"), f"learned {after}")
        if arguments[0] == "evaluate":
            dice = after if "--weights" in arguments else before
            told = {"Dice liver": dice + 0.1, "Dice tumour": dice - 0.1, "HD95 liver (mm)": 99.0}
            value(arguments, "--json").write_text(json.dumps({"mean": told}), encoding="utf-8")
        listen("")
        return 0

    return run


def write_pair(path: Path, name: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(name.encode())
    path.with_suffix(".json").write_text(json.dumps({"sha256": name}), encoding="utf-8")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's weights folder."""
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def lesson(tmp_path: Path, own: Path) -> Lesson:
    cases = tmp_path / "cases.csv"
    cases.write_text("name,ct,reference\n" + "".join(f"{name},x,y\n" for name in NAMES), encoding="utf-8")
    return Lesson("liver", cases, tmp_path / "learning", steps=100)


def test_what_judges_is_never_trained_on(lesson: Lesson) -> None:
    asked: list[list[str]] = []
    told: list[tuple[float, str]] = []
    learned = learn(lesson, trainer(0.6, 0.7, asked), lambda *said: told.append(said))
    assert set(learned.trained) | set(learned.kept) == set(NAMES) and not set(learned.trained) & set(learned.kept)
    assert [line[0] for line in asked] == ["--help", "finetune", "export", "evaluate", "evaluate"]
    for line, option in ((asked[1], "--holdout"), (asked[3], "--cases"), (asked[4], "--cases")):
        assert line[line.index(option) + 1 :][: len(learned.kept)] == list(learned.kept)
    assert "--weights" not in asked[3] and learned.is_better and (learned.before, learned.after) == pytest.approx((0.6, 0.7))
    assert [fraction for fraction, _said in told] == sorted(fraction for fraction, _said in told) and 0.3 < told[1][0] < 0.4


def test_what_is_no_better_is_not_called_so() -> None:
    for names in (NAMES[:2], []):
        with pytest.raises(InputRefused, match="needed"):
            shared_out(names)
    assert shared_out(NAMES) == (("b2", "c3", "d4"), ("a1", "e5"))


@pytest.mark.parametrize(("before", "after", "better"), [(0.6, 0.6, False), (0.6, 0.5, False), (0.6, 0.6004, False), (0.6, 0.602, True)])
def test_better_by_more_than_rounding(lesson: Lesson, before: float, after: float, better: bool) -> None:
    assert learn(lesson, trainer(before, after)).is_better is better


@pytest.mark.parametrize("had", [True, False], ids=["weights of the user's own", "the shipped ones"])
def test_used_and_taken_back(lesson: Lesson, own: Path, had: bool) -> None:
    place = own / "liver.safetensors"
    if had:
        write_pair(place, "mine")
    assert not is_in_use(lesson)
    for after in (0.7, 0.8):  # a second lesson does not make the first one's weights the earlier ones
        put_in_use(lesson, learn(lesson, trainer(0.6, after)))
        assert place.read_bytes() == f"learned {after}".encode() and is_in_use(lesson)
    assert told_of(lesson)["after"] == pytest.approx(0.8)
    take_back(lesson)
    assert (place.read_bytes() == b"mine") if had else not place.exists()
    assert place.with_suffix(".json").exists() is had and not is_in_use(lesson)


def test_weights_that_came_later_are_not_taken_away(lesson: Lesson, own: Path) -> None:
    put_in_use(lesson, learn(lesson, trainer(0.6, 0.7)))
    write_pair(own / "liver.safetensors", "newer")
    with pytest.raises(InputRefused, match="others"):
        take_back(lesson)
    assert (own / "liver.safetensors").read_bytes() == b"newer"


def test_a_cancel_or_a_failure_leaves_what_is_in_use(lesson: Lesson, own: Path) -> None:
    write_pair(own / "liver.safetensors", "mine")

    def cancel(fraction: float, message: str) -> None:
        if "Judging" in message:
            raise Cancelled()

    with pytest.raises(Cancelled):
        learn(lesson, trainer(0.6, 0.7), cancel)

    def fails(arguments: Sequence[str], listen: Callable[[str], None]) -> int:
        listen("medsegdl-train: The disk is full. Make room.")
        return 3 if arguments[0] == "finetune" else 0

    with pytest.raises(MedSegDLError, match="The disk is full"):
        learn(lesson, fails)
    assert (own / "liver.safetensors").read_bytes() == b"mine" and not is_in_use(lesson)


def test_a_python_without_the_package_is_told_how(lesson: Lesson, tmp_path: Path) -> None:
    """A real child: a Python that has only its standard library."""
    bare = tmp_path / "bare.py"
    bare.write_text(f"#!{sys.executable} -S\nimport runpy, sys\nrunpy.run_module(sys.argv[2])\n", encoding="utf-8")
    bare.chmod(0o755)
    with pytest.raises(InputRefused) as caught:
        learn(lesson, child_run(Interpreter(bare, Source.SETTING)))
    assert "not installed" in caught.value.message and "pip install medsegdl-training" in caught.value.remedy
    with pytest.raises(InputRefused, match="cannot be started"):
        learn(lesson, child_run(Interpreter(tmp_path / "none", Source.SETTING)))
