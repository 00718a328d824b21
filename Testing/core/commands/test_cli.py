"""The command line as a user meets it: exit codes, one sentence, nothing half written."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI

from ..tiny import LPS, head_images, tiny_weights

LIBRARY = Path(__file__).resolve().parents[3] / "MedSegDL"


@pytest.fixture
def head(tmp_path) -> dict[str, Path]:
    """Four small volumes as files."""
    paths = {key: tmp_path / f"case_{key}.nii.gz" for key in ("t1", "t1ce", "t2", "flair")}
    for key, image in head_images().items():
        write_image(image, paths[key])
    return paths


@pytest.fixture
def brain_weights(tmp_path) -> Path:
    return tiny_weights(tmp_path, BRAIN)


def arguments(head: dict[str, Path], weights: Path, folder: Path, *more: str) -> list[str]:
    inputs = [part for key, path in head.items() for part in (f"--{key}", str(path))]
    return ["segment", "--task", "brain", *inputs, "-o", str(folder), "--device", "cpu", "--weights", str(weights), *more]


def test_segment_writes_what_the_contract_says(head, brain_weights, tmp_path, capsys):
    folder = tmp_path / "out"
    assert main(arguments(head, brain_weights, folder, "--uncertainty")) == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {"segmentation.seg.nrrd", "WT.nii.gz", "TC.nii.gz", "ET.nii.gz", "report.json", "uncertainty.nii.gz"}
    flair, mask = sitk.ReadImage(str(head["flair"])), sitk.ReadImage(str(folder / "WT.nii.gz"))
    assert mask.GetSize() == flair.GetSize() and np.allclose(mask.GetOrigin(), flair.GetOrigin())
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    voxels = int(sitk.GetArrayFromImage(mask).sum())
    assert report["voxel_count"]["WT"] == voxels
    assert report["volumes_ml"]["WT"] == pytest.approx(voxels * 6.0**3 / 1000)
    assert len(report["inputs"]["t1"]["sha256"]) == 64
    assert "WT" in capsys.readouterr().out


@pytest.mark.parametrize("micron", [None, 0.5])
def test_nuclei_are_numbered(tmp_path, capsys, micron):
    random = np.random.default_rng(0)
    affine = LPS if micron is None else LPS @ np.diag([micron / 1000, micron / 1000, 1, 1])
    write_image(Image(random.integers(0, 255, (1, 40, 60, 3), dtype=np.uint8), affine, "cells"), tmp_path / "cells.png")
    weights = tiny_weights(tmp_path, NUCLEI, seed=1)  # one that finds objects in noise
    folder = tmp_path / "out"
    assert main(["segment", "--task", "nuclei", "--image", str(tmp_path / "cells.png"), "-o", str(folder), "--weights", str(weights)]) == 0
    numbers = sitk.ReadImage(str(folder / "nuclei.png"))
    assert numbers.GetPixelID() == sitk.sitkUInt16 and numbers.GetSize() == (60, 40)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["count"] == sitk.GetArrayFromImage(numbers).max() > 0
    assert report["volumes_ml"] == {"nucleus": None}
    pixels = report["voxel_count"]["nucleus"]
    assert report["areas_um2"] == {"nucleus": None if micron is None else pytest.approx(pixels * micron**2)}
    said = capsys.readouterr().out
    assert (
        said.startswith(f"{report['count']} objects")
        and "mL" not in said
        and f"{pixels} pixels" in said
        and ("um2" in said) == bool(micron)
    )
    assert len((folder / "objects.csv").read_text(encoding="utf-8").splitlines()) == report["count"] + 1


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def text(path: Path) -> None:
    path.write_text("this is no image", encoding="utf-8")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def gone(path: Path) -> None:
    path.unlink()


def not_numbers(path: Path) -> None:
    image = head_images()["flair"]
    values = image.array.astype(np.float32)
    values[3:9] = np.nan
    write_image(image.with_array(values), path)


def all_zero(path: Path) -> None:
    image = head_images()["flair"]
    write_image(image.with_array(np.zeros_like(image.array)), path)


def one_slice(path: Path) -> None:
    image = head_images()["flair"]
    write_image(Image(image.array[12:13], image.affine), path)


def a_metre_away(path: Path) -> None:
    image = head_images()["flair"]
    affine = image.affine.copy()
    affine[0, 3] += 1000
    write_image(Image(image.array, affine), path)


def four_dimensional(path: Path) -> None:
    sitk.WriteImage(sitk.JoinSeries([sitk.Image(8, 8, 8, sitk.sitkInt16)] * 3), str(path))


def hounsfield(path: Path) -> None:
    image = head_images()["flair"]
    write_image(image.with_array((image.array - 1024).astype(np.int16)), path)


def gzip_of_text(path: Path) -> None:
    path.write_bytes(gzip.compress(b"this is no image" * 100))


SPOILERS = (truncated, text, empty, gone, not_numbers, all_zero, one_slice, a_metre_away, four_dimensional, hounsfield, gzip_of_text)


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda f: f.__name__)
def test_bad_input_is_refused_in_one_sentence(spoil, head, brain_weights, tmp_path, capfd):
    spoil(head["flair"])
    folder = tmp_path / "out"
    assert main(arguments(head, brain_weights, folder)) == 3
    said = capfd.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    lines = said.err.strip().splitlines()
    assert len(lines) == 1 and "case_flair.nii.gz" in lines[0], said.err
    assert not folder.exists()


def test_weights_must_be_genuine(head, brain_weights, tmp_path, capfd):
    folder = tmp_path / "out"
    assert main(arguments(head, tmp_path / "none.safetensors", folder)) == 4
    assert main(arguments(head, tiny_weights(tmp_path, LIVER), folder)) == 4
    changed = bytearray(brain_weights.read_bytes())
    changed[-3] ^= 1
    brain_weights.write_bytes(changed)
    assert main(arguments(head, brain_weights, folder)) == 4
    assert "Traceback" not in capfd.readouterr().err and not folder.exists()


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_path_is_no_path(head, brain_weights, tmp_path, capsys, monkeypatch, empty):
    """What an unset variable of a script makes of `-o "$OUT"`: it would be the current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for command in (
        arguments(head, brain_weights, empty),
        ["segment", "--task", "brain", "--t1", empty, "-o", "out"],
        ["segment", "--task", "brain", "--t1", str(head["t1"]), "-o", "out", "--weights", empty],
        ["n4", str(head["t1"]), "-o", empty],
        ["evaluate", "--task", "brain", "--prediction", empty, "--reference", str(head["t1"])],
        ["demo", "-o", empty],
    ):
        with pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code == 2
        assert "is empty" in capsys.readouterr().err
    assert not list((tmp_path / "here").iterdir())


def test_a_mistyped_weights_variable_ends_the_run(head, tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("MEDSEGDL_WEIGHTS", str(tmp_path / "typo"))
    inputs = [part for key, path in head.items() for part in (f"--{key}", str(path))]
    assert main(["segment", "--task", "brain", *inputs, "-o", str(tmp_path / "out"), "--device", "cpu"]) == 4
    assert "does not exist" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_wrong_usage(head, brain_weights, tmp_path, capfd):
    assert main(["segment", "--task", "brain", "-o", str(tmp_path / "out")]) == 2
    assert main(["segment", "--task", "liver", "--t1", str(head["t1"]), "-o", str(tmp_path / "out")]) == 2
    assert main([*arguments(head, brain_weights, tmp_path / "out")[:-4], "--device", "abacus"]) == 2
    capfd.readouterr()
    assert main(["segment", "--task", "kidney", "-o", "x"]) == 2
    said = capfd.readouterr().err
    assert "'kidney' is unknown. Use brain, liver, nuclei, brainmask." in said and "Traceback" not in said


def test_the_output_must_be_a_folder_that_can_be_written(head, brain_weights, tmp_path, capfd):
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    assert main(arguments(head, brain_weights, blocked)) == 3
    assert main(arguments(head, brain_weights, Path("/proc/medsegdl"))) == 3
    assert blocked.read_text(encoding="utf-8") == "in the way" and "Traceback" not in capfd.readouterr().err


def test_help_does_not_import_torch():
    code = "import sys; from MedSegDLLib.commands.main import parser; parser().format_help(); print('torch' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(LIBRARY)}
    )
    assert said.stdout.strip() == "False"


def test_interrupting_leaves_nothing(head, brain_weights, tmp_path):
    folder = tmp_path / "out"
    command = [sys.executable, "-c", INTERRUPTED, *arguments(head, brain_weights, folder)]
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(LIBRARY)}
    )
    assert child.stdout.readline().strip() == "in the network"
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130 and "Traceback" not in said
    assert not folder.exists()


@pytest.mark.parametrize("asked", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,) * 3, (signal.SIGHUP, signal.SIGINT)], ids=str)
def test_impatience_leaves_nothing_either(head, brain_weights, tmp_path, asked):
    """A second signal while the first is being obeyed: no traceback, nothing left behind."""
    folder = tmp_path / "out"
    command = [sys.executable, "-c", SLOW_TO_LEAVE, *arguments(head, brain_weights, folder)]
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stdout.readline().strip() == "in the network"
    child.send_signal(asked[0])
    assert child.stdout.readline().strip() == "leaving"
    for number in asked[1:]:
        child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130 and "Traceback" not in said
    assert not folder.exists()


def test_signals_that_were_ignored_stay_ignored(tmp_path):
    """As under `nohup`."""
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from MedSegDLLib.commands.signals import cancelling\n"
        "import os\n"
        "with cancelling(): os.kill(os.getpid(), signal.SIGHUP)\n"
        "print('went on')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "went on\n"


SLOW_TO_LEAVE = """
import sys, time
import MedSegDLLib.pipeline as pipeline
from MedSegDLLib.commands.main import main

def slow(*arguments, **named):
    try:
        print("in the network", flush=True)
        time.sleep(60)
    finally:
        print("leaving", flush=True)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            time.sleep(0.05)

pipeline.predict = slow
sys.exit(main(sys.argv[1:]))
"""

INTERRUPTED = """
import sys, time
import MedSegDLLib.pipeline as pipeline
from MedSegDLLib.commands.main import main

def slow(*arguments, **named):
    print("in the network", flush=True)
    time.sleep(60)

pipeline.predict = slow
sys.exit(main(sys.argv[1:]))
"""


def test_n4_flattens_a_field_and_writes_it(tmp_path):
    image = head_images(("t1",))["t1"]
    _, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in image.array.shape), indexing="ij")
    biased = image.with_array((image.array * np.exp(0.3 * i + 0.2 * j)).astype(np.float32))
    write_image(biased, tmp_path / "t1.nii.gz")
    out, field = tmp_path / "corrected.nii.gz", tmp_path / "field.nii.gz"
    assert main(["n4", str(tmp_path / "t1.nii.gz"), "-o", str(out), "--field", str(field), "--shrink", "1"]) == 0
    corrected, log_field = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (out, field))
    head = image.array > 0
    assert np.allclose(corrected[head] * np.exp(log_field[head]), biased.array[head], rtol=1e-3)
    truth = (0.3 * i + 0.2 * j)[head]
    assert np.corrcoef(log_field[head], truth)[0, 1] > 0.95


def test_evaluate_a_perfect_copy(tmp_path, capsys):
    labels = np.zeros((12, 12, 12), np.uint8)
    labels[3:9, 3:9, 3:9] = 2
    labels[4:7, 4:7, 4:7] = 1
    labels[5, 5, 5] = 4
    write_image(Image(labels, LPS), tmp_path / "seg.nii.gz")
    out = tmp_path / "measures.json"
    assert (
        main(
            [
                "evaluate",
                "--task",
                "brain",
                "--prediction",
                str(tmp_path / "seg.nii.gz"),
                "--reference",
                str(tmp_path / "seg.nii.gz"),
                "--json",
                str(out),
            ]
        )
        == 0
    )
    measures = json.loads(out.read_text(encoding="utf-8"))
    assert all(region["dice"] == 1.0 for region in measures["cases"][0]["regions"].values())
    assert "WT" in capsys.readouterr().out


def test_info_tells_the_versions(capsys):
    assert main(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["packages"]["torch"] and set(told["weights"]) == {"brain", "liver", "nuclei", "brainmask"}


IN_PLACE = """
import os, signal, sys
from MedSegDLLib.commands.main import main
real, moved = os.replace, []
def replace(source, target):
    real(source, target)
    if os.path.basename(os.path.dirname(source)) == "new":
        moved.append(target)
        if len(moved) == 3:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
os.replace = replace
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT", "SIGKILL"])
def test_a_signal_while_the_files_take_their_places_keeps_the_earlier_result(head, brain_weights, tmp_path, number):
    folder = tmp_path / "out"
    assert main(arguments(head, brain_weights, folder)) == 0
    (folder / "WT.nii.gz").write_text("the earlier mask", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    command = [sys.executable, "-c", IN_PLACE, number, *arguments(head, brain_weights, folder, "--uncertainty")]
    child = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(LIBRARY)})
    assert child.returncode == (-signal.SIGKILL if number == "SIGKILL" else 130) and "Traceback" not in child.stderr
    if number == "SIGKILL":  # the next start takes back what was moved, whatever becomes of that start
        assert main(arguments({"t1": tmp_path / "gone.nii.gz"}, brain_weights, folder)) == 3
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_a_header_left_open_is_printed_and_recorded(head, brain_weights, tmp_path, capsys):
    nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")
    image = nibabel.load(head["flair"])
    aside = image.affine.copy()
    aside[0, 3] += 40
    image.set_qform(aside, 1)
    nibabel.save(image, head["flair"])
    folder = tmp_path / "out"
    assert main(arguments(head, brain_weights, folder)) == 0
    assert "sform and qform lie up to 40.0 mm apart" in capsys.readouterr().err
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [(entry["code"], entry["input"]) for entry in report["warnings"] if entry["code"] == "header"] == [("header", "flair")]
    assert np.allclose(nibabel.load(folder / "WT.nii.gz").affine, image.get_sform())
