"""The report is one file that fetches nothing and shows curves, measures, hits, misses and false positives; scalars reach TensorBoard."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from medsegdl_training.commands.main import main
from medsegdl_training.evaluate import report as room
from medsegdl_training.evaluate.curves import MOST_POINTS, curve
from medsegdl_training.evaluate.overlay import FALSE_POSITIVE, MISS, TRUE_POSITIVE, overlay
from medsegdl_training.evaluate.report import read_log, report, telling
from medsegdl_training.train.board import FOLDER, board, both
from MedSegDLLib.errors import UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.tasks import Task
from Testing.training.made_up import write_pictures

LINE = {"step": 1, "loss": 0.5, "rate": 1e-3, "norm": 3e6, "seconds": 2.0}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run that was killed while it wrote a line."""
    folder = tmp_path / "run"
    folder.mkdir()
    lines = [json.dumps({**LINE, "step": step, "loss": 1 / step, **({"validation": 0.8} if step == 3 else {})}) for step in (1, 2, 3)]
    (folder / "log.jsonl").write_text("\n".join([*lines, '{"step": 4, "lo']))
    settings = {"task": "nuclei", "command": "medsegdl-train run <x>", "cases": ["a"], "settings": {"steps": 3, "seed": 1}}
    (folder / "settings.json").write_text(json.dumps(settings))
    return folder


def scores(**dice: float) -> dict:
    cases = [{"name": name, "measures": {"Dice nucleus": value}} for name, value in dice.items()]
    return {"task": "nuclei", "protocol": "made up", "mean": {"Dice nucleus": 0.5}, "cases": cases, "weights_sha256": "0"}


def pixels(png: bytes, tmp_path: Path) -> np.ndarray:
    path = tmp_path / "picture.png"
    path.write_bytes(png)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture - colour).max(axis=-1) < 70).sum())


def test_a_log_that_was_cut_off_is_read(run: Path, tmp_path: Path) -> None:
    assert [entry["step"] for entry in read_log(run)] == [1, 2, 3]
    with pytest.raises(UsageError, match="no log"):
        read_log(tmp_path)


def test_curves_are_valid_and_short() -> None:
    drawn = ET.fromstring(curve("a < b", range(5000), [float(x % 7) for x in range(5000)]))
    [line] = [part for part in drawn if part.tag == "polyline"]
    points = np.array([[float(n) for n in point.split(",")] for point in line.attrib["points"].split()])
    assert len(points) == MOST_POINTS and (np.diff(points[:, 0]) > 0).all()
    rising = ET.fromstring(curve("up", [1, 2, 3], [0.0, 1.0, 4.0])).find("polyline").attrib["points"].split()
    heights = [float(point.split(",")[1]) for point in rising]
    assert heights[0] > heights[1] > heights[2]
    ET.fromstring(curve("one point", [1], [0.0]))


def test_an_overlay_shows_hits_false_positives_and_misses(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(1, 90, (5, 40, 40)).astype(np.int16)
    found, true = np.zeros(array.shape, bool), np.zeros(array.shape, bool)
    found[3, 10:20, 10:25], true[3, 10:20, 15:30] = True, True
    png, plane = overlay(Image(array, np.diag([-1.0, -1.0, 1.0, 1.0])), found, true)
    picture = pixels(png, tmp_path)
    assert plane == 3 and picture.shape[2] == 3
    hits, wrong, missed = (near(picture, colour) for colour in (TRUE_POSITIVE, FALSE_POSITIVE, MISS))
    assert hits == 2 * wrong == 2 * missed > 0
    places = [np.argwhere(np.abs(picture - colour).max(axis=-1) < 70)[:, 1].mean() for colour in (FALSE_POSITIVE, MISS)]
    assert places[0] < places[1]
    flipped, _ = overlay(Image(array, np.diag([1.0, -1.0, 1.0, 1.0])), found, true)
    assert np.array_equal(pixels(flipped, tmp_path), picture[:, ::-1])


def test_worst_median_and_best_are_chosen_once_each() -> None:
    assert [(rank, case["name"]) for rank, case in telling(scores(a=0.9, b=0.1, c=0.5))] == [("worst", "b"), ("median", "c"), ("best", "a")]
    assert [rank for rank, _ in telling(scores(a=0.9))] == ["worst"]


def test_the_command_writes_one_self_contained_file(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def segment(images: dict[str, Image], task: Task, options: object) -> Result:
        image = images["image"]
        mask = np.zeros(image.grid.shape, np.uint8)
        mask[:, :20] = 1
        return Result(task, image.grid, "image", (Segment(task.regions[0], mask, 1.0),), mask.astype(np.uint32))

    monkeypatch.setattr(room, "segment", segment)
    folder = write_pictures(tmp_path / "data")
    path, out = tmp_path / "scores.json", tmp_path / "reports" / "report.html"
    path.write_text(json.dumps(scores(picture0=0.9, picture1=0.2, picture2=0.5, elsewhere=0.4)))
    options = ["--run", str(run), "--scores", str(path), "--data", str(folder), "--out", str(out), "--threads", "1"]
    assert main(["report", *options]) == 0
    text = out.read_text(encoding="utf-8")
    assert "<script" not in text and not re.search(r"(src|href)=[\"'](?!data:)", text) and "http" not in text
    assert "medsegdl-train run &lt;x&gt;" in text and text.count("<svg") == 4
    assert "worst: picture1" in text and "best: picture0" in text
    images = re.findall(r"data:image/png;base64,([^\"]+)", text)
    assert len(images) == 3 and pixels(base64.b64decode(images[0]), tmp_path).std() > 0


def test_subsets_and_the_five_measures_have_tables(run: Path) -> None:
    entry = scores(a=0.5)
    spread = {"Dice nucleus": {"mean": 0.5, "deviation": 0.125, "n": 4}}
    five = dict.fromkeys(("accuracy", "sensitivity", "precision", "f1", "dice"), 0.25)
    entry |= {"spread": spread, "pooled": {"regions": {"nucleus": five}}, "subsets": [{"inputs": ["t1", "t2"], "spread": spread}]}
    text = report({"task": "nuclei"}, read_log(run), [entry], [])
    assert "0.5000 +- 0.1250 (n = 4)" in text and "t1 + t2" in text and "<td>0.2500</td>" in text


def test_scalars_reach_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told: list[dict] = []
    with board(tmp_path) as show:
        tell = both(told.append, show)
        for step in (1, 2, 3):
            tell({**LINE, "step": step, "loss": 0.5 * step, "name": "no number"})
    events = EventAccumulator(str(tmp_path / FOLDER))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 0.5), (2, 1.0), (3, 1.5)]
    assert "name" not in events.Tags()["scalars"] and len(told) == 3
