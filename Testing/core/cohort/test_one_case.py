"""One case from files to files: the masks of `segment`, done once and never in vain, and the cohort's command on real workers."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image as Pillow

from MedSegDLLib.cohort.one_case import forecast, is_done, run_order
from MedSegDLLib.cohort.orders import DONE, FAILED, KEPT, Case, Order
from MedSegDLLib.cohort.thumbnail import SIDE, upright
from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import Cancelled
from MedSegDLLib.io.write import write_image
from MedSegDLLib.options import Options
from MedSegDLLib.tasks import BRAIN

from ..tiny import head_images, tiny_weights

REGIONS = ("WT", "TC", "ET")


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    """Two modalities of a small head, and weights that find something in it."""
    folder = tmp_path / "Doe"
    folder.mkdir()
    for key, image in head_images(("t1ce", "flair")).items():
        write_image(image, folder / f"Doe_{key}.nii.gz")
    tiny_weights(tmp_path, BRAIN)
    return {key: folder / f"Doe_{key}.nii.gz" for key in ("t1ce", "flair")}


def order_of(files: dict[str, Path], folder: Path, **options) -> Order:
    weights = str(next(iter(files.values())).parents[1] / "brain.safetensors")
    chosen = {**asdict(Options(device="cpu", bias_correction=False)), "weights": weights, **options}
    names = {path.name: key for key, path in files.items()}
    return Order("c", "brain", {key: str(path) for key, path in files.items()}, str(folder), chosen, threads=1, names=names)


def masks(folder: Path) -> list[np.ndarray]:
    return [sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{key}.nii.gz"))) for key in REGIONS]


def segmented(files: dict[str, Path], folder: Path) -> Path:
    inputs = [part for key, path in files.items() for part in (f"--{key}", str(path))]
    weights = str(next(iter(files.values())).parents[1] / "brain.safetensors")
    command = ["segment", "--task", "brain", *inputs, "-o", str(folder), "--device", "cpu", "--weights", weights, "--no-bias-correction"]
    assert main(command) == 0
    return folder


def test_done_once_kept_while_nothing_changes_and_done_again_when_anything_does(files, tmp_path):
    order = order_of(files, tmp_path / "c")
    first = run_order(order)
    assert (first.status, first.message) == (DONE, "")
    report = json.loads((tmp_path / "c/report.json").read_text())
    assert {key: entry["sha256"] for key, entry in report["inputs"].items()} == first.inputs and "Doe" not in json.dumps(report)
    assert report["weights"]["sha256"] == first.weights
    alone = segmented(files, tmp_path / "alone")
    assert all(np.array_equal(one, two) for one, two in zip(masks(tmp_path / "c"), masks(alone)))
    assert masks(alone)[0].any()
    assert run_order(order).status == KEPT
    assert run_order(replace(order, folder=str(alone))).status == KEPT, "what `segment` wrote is the same result"
    (tmp_path / "c/TC.nii.gz").unlink()
    assert not is_done(order, first), "a file is missing"
    write_image(head_images(("flair",), (24, 28, 24))["flair"], files["flair"])
    changed = run_order(order)
    assert changed.status == DONE and changed.inputs["flair"] != first.inputs["flair"]
    tiny_weights(tmp_path, BRAIN, seed=3)
    other = run_order(order)
    assert other.status == DONE and other.weights != first.weights
    assert is_done(order, other)
    for name, value, done in (("mode", "accurate", False), ("registration", "off", False), ("device", "auto", True)):
        assert is_done(replace(order, options={**order.options, name: value}), other) is done


def test_failures_are_outcomes_without_names_and_leave_nothing(files, tmp_path):
    files["flair"].write_bytes(files["flair"].read_bytes()[:200])
    order = order_of(files, tmp_path / "c")
    found = run_order(order)
    assert (found.status, found.kind) == (FAILED, "input") and found.message.startswith("flair is damaged") and found.remedy
    assert set(found.inputs) == {"t1ce", "flair"} and not (tmp_path / "c").exists()
    stays = run_order(replace(order, failed_before=replace(found, message="As before.").to_json()))
    assert stays.message == "As before."
    files["flair"].unlink()
    gone = run_order(replace(order, failed_before=found.to_json()))
    assert "flair was not found" in gone.message and "Doe" not in gone.message
    (tmp_path / "c").write_text("in the way")
    write_image(head_images(("flair",))["flair"], files["flair"])
    assert "is a file" in run_order(order).message


def test_a_cancel_is_no_outcome(files, tmp_path):
    def cancelled(fraction: float, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        run_order(order_of(files, tmp_path / "c"), cancelled)
    assert not (tmp_path / "c").exists()


def test_less_memory_is_the_same_answer(files, tmp_path):
    tried = [run_order(order_of(files, tmp_path / f"{n}", strategies_left_out=n)) for n in (0, 9)]
    assert all(outcome.status == DONE for outcome in tried)
    reports = [json.loads((tmp_path / f"{n}/report.json").read_text()) for n in (0, 9)]
    assert [report["strategy"].split(" on ")[0] for report in reports] == ["whole", "slab by slab"]
    for one, two in zip(masks(tmp_path / "0"), masks(tmp_path / "9")):  # a voxel whose probability is the threshold's may go either way
        assert one.any() and 2 * (one & two).sum() >= 0.999 * (int(one.sum()) + int(two.sum()))


def test_the_forecast_of_a_case(files, tmp_path):
    expected = forecast(order_of(files, tmp_path))
    assert 50 < expected["mb"] < 5000 and expected["devices"] == 0


def test_the_thumbnail_is_upright_with_outlines(files, tmp_path):
    run_order(order_of(files, tmp_path / "c"))
    with Pillow.open(tmp_path / "c/thumbnail.jpg") as picture:
        values = np.asarray(picture.convert("RGB")).astype(int)
    assert max(values.shape[:2]) == SIDE
    assert (np.ptp(values, axis=2) > 60).sum() > 20, "outlines are coloured, the rest is grey"
    plane = np.array([[1, 2], [3, 4]])  # (J, I): rows to the front, columns to the right
    ras = np.eye(4)
    assert upright(plane, ras, 0).tolist() == [[4, 3], [2, 1]], "front up, the patient's right on the left"
    assert upright(plane, np.diag([-1.0, -1.0, 1.0, 1.0]), 0).tolist() == plane.tolist()
    assert upright(plane.T, ras[[1, 0, 2, 3]], 0).tolist() == [[4, 3], [2, 1]], "i and j exchanged"


def test_the_command_end_to_end(files, tmp_path, capsys):
    (tmp_path / "list.csv").write_text("case,flair,t1ce\nDoe^A,Doe/Doe_flair.nii.gz,Doe/Doe_t1ce.nii.gz\nDoe^B,Doe/none.nii.gz,\n")
    weights = str(tmp_path / "brain.safetensors")
    command = [
        "cohort",
        str(tmp_path / "list.csv"),
        "--task",
        "brain",
        "-o",
        str(tmp_path / "out"),
        "--weights",
        weights,
        "--device",
        "cpu",
    ]
    assert main([*command, "--no-bias-correction", "--scene"]) == 3
    said = capsys.readouterr()
    assert "2 of 2 cases" in said.err and "1 of 2 cases failed" in said.err
    with (tmp_path / "out/cohort.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    done, failed = (Case(name, {}).identity(False) for name in ("Doe^A", "Doe^B"))
    assert [(row["case"], row["status"]) for row in rows] == [(done, "done"), (failed, "failed")]
    report = json.loads((tmp_path / "out" / done / "report.json").read_text())
    assert float(rows[0]["WT_ml"]) == report["volumes_ml"]["WT"] and rows[0]["weights_sha256"] == report["weights"]["sha256"]
    assert "was not found" in rows[1]["reason"]
    assert (tmp_path / "out" / done / "scene.mrb").stat().st_size > 1000
    told = [
        path.read_text(errors="replace") for path in (tmp_path / "out").rglob("*") if path.suffix in (".csv", ".html", ".json", ".jsonl")
    ]
    assert not any("Doe" in text for text in (*told, said.out, said.err))
    alone = segmented(files, tmp_path / "alone")
    assert all(np.array_equal(one, two) for one, two in zip(masks(tmp_path / "out" / done), masks(alone)))
