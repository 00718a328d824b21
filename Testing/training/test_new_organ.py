"""An organ that no shipped task knows, from a folder of images to segments: the commands of the README, and what they are made of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from medsegdl_training.cases import find_cases, special
from medsegdl_training.cases.characteristics import patient_axes
from medsegdl_training.cases.decathlon import channels_of, read_description
from medsegdl_training.cases.proposal import code_of, propose
from medsegdl_training.cases.selection import Selection
from medsegdl_training.cases.volume import prepared_case
from medsegdl_training.commands.main import main as train
from medsegdl_training.train.planning import architecture_of, profile_for
from medsegdl_training.train.volume_sampler import FOREGROUND_SHARE, VolumeSampler, make_sampler, window_start
from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.network.sliding_window import neighbour_stack
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.tasks import LIVER, TASKS, WEIGHTS_VARIABLE, Modality, Scale, Task, read_task, user_weights_folder
from Testing.training import made_up_organs

CASES = 4
HELD_OUT = "made_003"
LEAST_DICE = 0.8  # reached after eighty steps: 0.97 and more


@pytest.fixture(autouse=True)
def a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose weights folder is empty."""
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.delenv("MEDSEGDL_CACHE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "home"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert user_weights_folder().is_relative_to(tmp_path)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three made-up data sets."""
    out = tmp_path_factory.mktemp("sets")
    for make in (made_up_organs.bellies, made_up_organs.knots, made_up_organs.stacks):
        make(out, CASES)
    return out


def proposed(folder: Path, out: Path) -> str:
    """A task file for a data set."""
    assert train(["new-task", "--data", str(folder), "-o", str(out), "--memory-gb", "0.5"]) == 0
    return str(out)


def test_a_new_organ_in_five_commands(sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    data, task, plan, run = (
        str(sets / "Dataset101_Bellies"),
        str(tmp_path / "bellies.json"),
        str(tmp_path / "plan.json"),
        str(tmp_path / "run"),
    )
    ct = sets / "Dataset101_Bellies" / "imagesTr" / f"{HELD_OUT}_0000.nii.gz"
    weights, out = user_weights_folder() / "bellies.safetensors", tmp_path / "out"
    tiny = ["--steps", "80", "--batch", "1", "--widths", "6", "8", "--patch", "20", "24", "32", "--rate", "2e-2", "--warm-up", "5"]
    tiny += ["--average", "0.8", "--augmentation", "mirror", "--threads", "1", "--seed", "1"]
    assert train(["new-task", "--data", data, "-o", task]) == 0
    assert train(["plan", "--task", task, "--data", data, "--out", plan, "--memory-gb", "0.5"]) == 0
    assert train(["run", "--task", task, "--data", data, "--plan", plan, "--out", run, "--holdout", HELD_OUT, *tiny]) == 0
    assert train(["export", "--run", run, "--out", str(weights)]) == 0
    assert main(["segment", "--task", "bellies", "--ct", str(ct), "-o", str(out), "--device", "cpu"]) == 0
    assert TASKS["bellies"] == read_task(task) and json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))["task"] == "bellies"
    scores, truth = tmp_path / "scores.json", ct.parents[1] / "labelsTr" / f"{HELD_OUT}.nii.gz"
    assert main(["evaluate", "--task", "bellies", "--prediction", str(out), "--reference", str(truth), "--json", str(scores)]) == 0
    [case] = json.loads(scores.read_text(encoding="utf-8"))["cases"]
    dice = {key: measures["dice"] for key, measures in case["regions"].items()}
    assert min(dice.values()) > LEAST_DICE and set(dice) == {"spleen", "kidneys"}, dice
    again = ["run", "--task", task, "--data", data, "--out", run, "--resume", "--steps", "81", "--threads", "1"]
    assert train(again) == 0, "the run knows its task, plan and network"
    assert train(["inspect", "--task", task, "--data", data]) == 0
    measured, report = tmp_path / "measured.json", tmp_path / "report.html"
    evaluate = ["evaluate", "--task", task, "--data", data, "--weights", str(weights), "--cases", HELD_OUT, "--threads", "1"]
    assert train([*evaluate, "--json", str(measured)]) == 0
    assert train(["report", "--run", run, "--out", str(report), "--scores", str(measured), "--data", data, "--weights", str(weights)]) == 0
    assert "Dice spleen" in report.read_text(encoding="utf-8")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "channels", "patch", "given"),
    [("Dataset102_Knots", 2, ("16", "16", "16"), ("t1_gd", "t2")), ("Task103_Stacks", 3, ("32", "32"), ("mri",))],
)
def test_channels_regions_and_slices(
    sets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, channels: int, patch: tuple, given: tuple
) -> None:
    """Two channels with nested regions in blocks, and thick slices with their neighbours: samples from the cache, a run, segments."""
    data, file = str(sets / name), proposed(sets / name, tmp_path / "task.json")
    task = read_task(file)
    assert train(["cache", "--task", file, "--data", data, "--out", str(tmp_path / "cache")]) == 0
    case = find_cases(sets / name, task)[0]
    selection, sides = Selection(sets / name, left_out=(HELD_OUT,)), tuple(map(int, patch))
    drawn = []
    for folder in ("", str(tmp_path / "cache")):
        monkeypatch.setenv("MEDSEGDL_CACHE", folder)
        drawn.append(make_sampler(task, selection, task.plan, sides, 0).draw(torch.Generator().manual_seed(3), 5))
    assert torch.equal(drawn[0].x, drawn[1].x) and torch.equal(drawn[0].y, drawn[1].y)
    assert drawn[0].x.shape == (5, channels, *sides) and drawn[0].y.shape == (5, len(task.regions), *sides)
    run, weights = str(tmp_path / "run"), tmp_path / "w.safetensors"
    tiny = ["--steps", "2", "--batch", "2", "--widths", "2", "3", "--patch", *patch, "--threads", "1"]
    assert train(["run", "--task", file, "--data", data, "--out", run, *tiny]) == 0
    assert train(["export", "--run", run, "--out", str(weights)]) == 0
    assert load_weights(weights, task).network.arch.in_channels == channels
    inputs = [part for key in given for part in ("--input", f"{key}={case.inputs[key]}")]
    assert main(["segment", "--weights", str(weights), *inputs, "-o", str(tmp_path / "out"), "--device", "cpu"]) == 0
    assert {f"{region.key}.nii.gz" for region in task.regions} < {path.name for path in (tmp_path / "out").iterdir()}


def test_modalities_in_one_file_are_unpacked_and_lists_are_read(sets: Path, tmp_path: Path) -> None:
    """Task05_Prostate of the Decathlon keeps T2 and ADC in one file; afterwards it is as any data set of nnU-Net, or a list of files."""
    whole, out = tmp_path / "Task05_Gland", tmp_path / "out"
    made = sets / "Dataset102_Knots"
    files = [made / "imagesTr" / f"made_000_{channel}.nii.gz" for channel in ("0000", "0001")]
    both = sitk.JoinSeries([sitk.ReadImage(str(path)) for path in files])
    for folder in ("imagesTr", "labelsTr"):
        (whole / folder).mkdir(parents=True)
    sitk.WriteImage(both, str(whole / "imagesTr" / "gland_00.nii.gz"))
    shutil.copy(made / "labelsTr" / "made_000.nii.gz", whole / "labelsTr" / "gland_00.nii.gz")
    row = {"image": "./imagesTr/gland_00.nii.gz", "label": "./labelsTr/gland_00.nii.gz"}
    entry = {"name": "GLAND", "modality": {"0": "T2", "1": "ADC"}, "labels": {"0": "background", "1": "PZ", "2": "TZ"}, "training": [row]}
    (whole / "dataset.json").write_text(json.dumps(entry), encoding="utf-8")
    task = propose(whole / "dataset.json")
    with pytest.raises(InputRefused, match="unpack"):
        find_cases(whole, task)
    assert train(["unpack", "--data", str(whole), "--out", str(out)]) == 0
    [case] = find_cases(out, task)
    assert propose(out / "dataset.json").meaning == task.meaning and list(case.inputs) == ["t2", "adc"]
    for path, origin in zip(case.inputs.values(), files, strict=True):
        assert (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) == sitk.GetArrayFromImage(sitk.ReadImage(str(origin)))).all()
    lines = ["name,t2,adc,reference", f"mine,{case.inputs['t2']},,{case.reference}"]
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8")
    [mine] = find_cases(tmp_path / "list.csv", task)
    assert (mine.name, list(mine.inputs)) == ("mine", ["t2"]) and prepared_case(mine, task, task.plan).image[1].abs().sum() == 0


def test_what_is_proposed(sets: Path) -> None:
    bellies, knots, stacks = (
        propose(sets / name / "dataset.json") for name in ("Dataset101_Bellies", "Dataset102_Knots", "Task103_Stacks")
    )
    assert (bellies.key, bellies.inputs[0].modality, bellies.plan.scale) == ("bellies", Modality.CT, Scale.WINDOW)
    assert [region.type.value for region in bellies.regions] == ["78961009", "64033007"]
    assert [(region.key, region.inside) for region in knots.regions] == [("whole_knot", None), ("knot_core", "whole_knot")]
    assert knots.conventions[0].labels == {"whole_knot": (1, 2), "knot_core": (2,)}
    assert channels_of(read_description(sets / "Dataset102_Knots" / "dataset.json"), Path("x/dataset.json"), knots) == ["t1_gd", "t2"]
    assert stacks.title == "Stacks" and stacks.conventions[0].labels == {"rod": (1,)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"channel_names": {"0": "R", "1": "G", "2": "B"}, "file_ending": ".nii.gz"}, "colours of its pictures"),
        ({"channel_names": {"0": "CT", "2": "CT"}}, "number its channels"),
        ({"labels": {"background": 0}}, "no label but"),
        ({"labels": None}, "names no labels"),
        ({"labels": {"spleen": 1, "ignore": 2}}, "not to be judged"),
        ({"labels": {"spleen": 1, "Spleen!": 2}}, "named"),
        ({"channel_names": None}, "no channels"),
    ],
)
def test_what_no_task_can_be_made_of(tmp_path: Path, change: dict, says: str) -> None:
    entry = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "spleen": 1}, **change}
    (tmp_path / "dataset.json").write_text(json.dumps(entry), encoding="utf-8")
    with pytest.raises(InputRefused, match=says):
        propose(tmp_path / "dataset.json")


def test_names_from_all_the_world_become_files_and_codes(tmp_path: Path) -> None:
    labels = {"background": 0, "Linke Niere": 1, "脾臓": 2, "CON": 3, "../etc": 4, "left_kidney": 5, "Pancreas tumour": 6}
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "123", "1": "T2*"}, "labels": labels}), encoding="utf-8")
    with pytest.raises(InputRefused, match="CON"):  # a device of Windows: whoever named it so must rename it
        propose(tmp_path / "dataset.json")
    del labels["CON"]
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "123", "1": "T2*"}, "labels": labels}), encoding="utf-8")
    task = propose(tmp_path / "dataset.json")
    assert [region.key for region in task.regions] == ["Linke_Niere", "label_2", "etc", "left_kidney", "Pancreas_tumour"]
    assert [entry.key for entry in task.inputs] == ["channel_0", "t2"]
    assert code_of("left_kidney")[1].value == "64033007" and code_of("Lungs")[1].value == "39607008"
    assert code_of("spleen tumour")[1].value == "108369006" and code_of("spleen tumour")[0].value == "49755003"
    assert code_of("gizmo")[1].meaning == "Tissue"


def test_a_task_of_a_shipped_key_but_another_meaning_is_not_trained_as_that_one(tmp_path: Path) -> None:
    assert special(LIVER) == "liver"
    entry = {**LIVER.to_json(), "regions": LIVER.to_json()["regions"][:1], "conventions": [], "label_names": []}
    assert special(Task.from_json(entry)) is None
    (tmp_path / "dataset.json").write_text(
        json.dumps({"name": "Liver", "channel_names": {"0": "CT"}, "labels": {"liver": 1, "cancer": 2}}), encoding="utf-8"
    )
    assert propose(tmp_path / "dataset.json").key == "my-liver"


def test_mistakes(sets: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = proposed(sets / "Dataset101_Bellies", tmp_path / "task.json")
    capsys.readouterr()
    assert train(["new-task", "--data", str(sets / "Dataset101_Bellies"), "-o", file]) == 2, "a task that was corrected by hand is kept"
    assert train(["new-task", "--data", str(tmp_path), "-o", str(tmp_path / "new.json")]) == 3
    assert train(["plan", "--task", file, "--data", str(sets / "Dataset102_Knots"), "--out", str(tmp_path / "p.json")]) == 3
    assert train(["inspect", "--task", "gizmo", "--data", str(sets)]) == 2
    (tmp_path / "task.json").write_text('{"key": "../x"}', encoding="utf-8")
    assert train(["run", "--task", file, "--data", str(sets), "--out", str(tmp_path / "run"), "--steps", "1"]) == 3
    said = capsys.readouterr().err
    assert "Traceback" not in said and len(said.strip().splitlines()) == 5 and not (tmp_path / "run").exists()


def test_samples_hold_each_region_often_and_padding_is_the_outside(sets: Path) -> None:
    task = propose(sets / "Dataset101_Bellies" / "dataset.json")
    [case, *_] = find_cases(sets / "Dataset101_Bellies", task)
    volume = prepared_case(case, task, task.plan)
    sampler = VolumeSampler([volume], 1, (8, 8, 8), "")
    drawn = sampler.draw(torch.Generator().manual_seed(0), 300)
    shares = (drawn.y.flatten(2).amax(dim=2) > 0).float().mean(dim=0)
    assert (shares > FOREGROUND_SHARE / 2 - 0.1).all(), shares
    wide = VolumeSampler([volume], 1, tuple(side + 9 for side in volume.shape), "").draw(torch.Generator().manual_seed(0), 1)
    assert wide.x[0, 0, -1, -1, -1] == volume.outside == -1.0 and wide.y.sum() == volume.regions.sum()


def test_neighbouring_slices_are_those_of_inference(sets: Path) -> None:
    task = propose(sets / "Task103_Stacks" / "dataset.json")
    [case, *_] = find_cases(sets / "Task103_Stacks", task)
    volume = prepared_case(case, task, task.plan)
    sampler = VolumeSampler([volume], 3, volume.shape[1:], "")
    stack = neighbour_stack(volume.image, 3)
    for plane in (0, 1, volume.shape[0] - 1):
        image, regions = sampler._slice(volume, (plane, 0, 0))
        assert torch.equal(image, stack[plane]) and torch.equal(regions, volume.regions[:, plane])


@pytest.mark.parametrize("containing", [None, 0, 7, 19])
def test_windows_hold_what_they_must(containing: int | None) -> None:
    generator = torch.Generator().manual_seed(0)
    for length, side in ((20, 8), (20, 20), (20, 32)):
        starts = {window_start(length, side, containing, generator) for _ in range(200)}
        assert all(min(0, length - side) <= start <= max(0, length - side) for start in starts)
        assert containing is None or all(start <= containing < start + side for start in starts)


def test_axes_of_the_patient() -> None:
    sagittal = np.array([[0, 0, 4.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    assert patient_axes(np.diag([-1.0, -1.0, 5.0, 1.0])) == [0, 1, 2]
    assert patient_axes(sagittal) == [2, 0, 1]


def test_thick_axial_slices_are_looked_at_by_themselves() -> None:
    def network(spacing: list[float]) -> tuple[str, int]:
        profile, plan = profile_for({"spacing_mm": {"median": spacing}}, LIVER)
        return profile, plan.slices

    assert network([0.8, 0.8, 5.0]) == ("slices", 3)
    assert network([0.8, 0.8, 2.0]) == network([5.0, 0.8, 0.8]) == ("volume", 1)


def test_a_profile_takes_the_channels_of_the_task() -> None:
    task = Task.from_json({**LIVER.to_json(), "plan": {**LIVER.plan.to_json(), "slices": 5}})
    assert architecture_of("slices", task, task.plan).in_channels == 5
    assert not architecture_of("brain", LIVER, LIVER.plan).fusion
    with pytest.raises(UsageError, match="no network profile"):
        architecture_of("gizmo", LIVER, LIVER.plan)
