"""Names that are no text, too long, or in folders that may not be entered: a sentence and an exit code, in and out of each command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.atomic import atomic_path
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import WRITABLE_SUFFIXES, write_image
from MedSegDLLib.tasks import BRAIN, NUCLEI

from ..small_images import left_in, numbers
from ..tiny import LPS, head_images, tiny_weights

LIBRARY = Path(__file__).resolve().parents[3] / "MedSegDL"
NO_TEXT = os.fsdecode(b"M\xfcller")  # ISO 8859-1, as old cameras and zips have it
LONG = "n" * 300
pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are always text")


@pytest.fixture
def t1(tmp_path: Path) -> Path:
    write_image(head_images()["t1"], tmp_path / "t1.nii.gz")
    return tmp_path / "t1.nii.gz"


def commands(t1: Path, weights: Path, *, given: Path | None = None, output: Path | None = None) -> dict[str, list[str]]:
    """Each command with a bad input or a bad output."""
    folder = t1.parent
    image, out = str(given or t1), str(output or folder / "out")
    file = out if output else f"{out}.nii.gz"
    return {
        "segment": ["segment", "--task", "brain", "--t1", image, "-o", out, "--device", "cpu", "--weights", str(weights)],
        "n4": ["n4", image, "-o", file, "--iterations", "1"],
        "n4 --field": ["n4", image, "-o", str(folder / "good.nii.gz"), "--field", file, "--iterations", "1"],
        "n4 --mask": ["n4", str(t1), "--mask", image, "-o", file, "--iterations", "1"],
        "evaluate": ["evaluate", "--task", "brain", "--prediction", image, "--reference", str(t1)],
        "evaluate the other": ["evaluate", "--task", "brain", "--prediction", str(t1), "--reference", image],
        "evaluate --json": ["evaluate", "--task", "brain", "--prediction", image, "--reference", image, "--json", file],
    }


def one_sentence(said: str) -> None:
    lines = [line for line in said.splitlines() if line.startswith("medsegdl:")]
    assert len(lines) == 1 and "Traceback" not in said and len(said.strip().splitlines()) == 1, said


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
@pytest.mark.parametrize("folder", [False, True])
def test_files_whose_names_are_no_text_are_written_and_read(tmp_path: Path, suffix: str, folder: bool) -> None:
    place = tmp_path / NO_TEXT if folder else tmp_path
    place.mkdir(exist_ok=True)
    shape = (1, 8, 9) if suffix in (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp") else (4, 5, 6)
    array = numbers("uint8", shape)
    path = place / (f"v{suffix}" if folder else f"{NO_TEXT}{suffix}")
    write_image(Image(array, np.eye(4)), path)
    assert left_in(place) == [path.name] or left_in(tmp_path) == [path.name]
    back = read_image(path).array
    assert back.shape == array.shape and (suffix in (".jpg", ".jpeg") or np.array_equal(back, array))


def test_every_command_works_on_names_that_are_no_text(t1: Path, tmp_path: Path) -> None:
    weights = tiny_weights(tmp_path, BRAIN)
    given = tmp_path / f"{NO_TEXT}.nii.gz"
    shutil.copy(t1, given)
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY)}
    folder = tmp_path / NO_TEXT
    run = [sys.executable, "-m", "MedSegDLLib.commands.main"]
    for number, more in enumerate(
        (
            ["segment", "--task", "brain", "--t1", given, "-o", folder, "--device", "cpu", "--weights", weights],
            ["n4", given, "-o", folder / f"{NO_TEXT}.nrrd", "--iterations", "1", "--field", folder / "field.mha"],
            ["evaluate", "--task", "brain", "--prediction", folder, "--reference", folder, "--json", folder / f"{NO_TEXT}.json"],
        )
    ):
        done = subprocess.run([*run, *map(os.fsencode, more)], capture_output=True, env=environment)
        assert done.returncode == 0 and b"Traceback" not in done.stderr, (number, done.stderr.decode("utf-8", "replace"))
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["task"] == "brain"
    assert read_image(folder / f"{NO_TEXT}.nrrd").array.shape == read_image(t1).array.shape


def test_pictures_whose_names_are_no_text(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (1, 40, 60, 3), dtype=np.uint8)
    write_image(Image(picture, LPS), tmp_path / f"{NO_TEXT}.png")
    weights = tiny_weights(tmp_path, NUCLEI)
    out = tmp_path / f"{NO_TEXT} out"
    assert (
        main(["segment", "--task", "nuclei", "--image", str(tmp_path / f"{NO_TEXT}.png"), "-o", str(out), "--weights", str(weights)]) == 0
    )
    assert left_in(out) == ["nuclei.png", "nucleus.nii.gz", "objects.csv", "report.json", "segmentation.seg.nrrd"]


@pytest.mark.parametrize("command", commands(Path("t1"), Path("w")))
@pytest.mark.parametrize("bad", ["given", "output"])
def test_names_that_are_too_long(t1: Path, tmp_path: Path, command: str, bad: str, capfd) -> None:
    if bad == "output" and command in ("evaluate", "evaluate the other"):
        return
    arguments = commands(t1, tiny_weights(tmp_path, BRAIN), **{bad: tmp_path / f"{LONG}.nii.gz"})[command]
    before = left_in(tmp_path)
    assert main(arguments) == 3
    one_sentence(capfd.readouterr().err)
    assert left_in(tmp_path) == before


def test_the_longest_name_that_a_folder_takes_is_written(tmp_path: Path) -> None:
    name = "n" * (255 - len(".nii.gz")) + ".nii.gz"
    write_image(Image(numbers(), np.eye(4)), tmp_path / name)
    assert np.array_equal(read_image(tmp_path / name).array, numbers()) and left_in(tmp_path) == [name]
    with atomic_path(tmp_path / ("x" * 255)) as temporary:
        temporary.write_text("whole")
    assert (tmp_path / ("x" * 255)).read_text() == "whole"


EACH = """
import json, sys
from MedSegDLLib.commands.main import main
for name, arguments in json.loads(sys.argv[1]).items():
    print(name, main(arguments), file=sys.stderr, flush=True)
"""


def test_folders_that_may_not_be_entered(t1: Path, tmp_path: Path) -> None:
    """In a child that gives up root's right to enter everything, where the tests run as root."""
    closed = tmp_path / "closed"
    closed.mkdir()
    shutil.copy(t1, closed / "t1.nii.gz")
    weights = tiny_weights(tmp_path, BRAIN)
    given = commands(t1, weights, given=closed / "t1.nii.gz")
    output = {f"to {name}": each for name, each in commands(t1, weights, output=closed / "t1.nii.gz").items() if str(closed) in str(each)}
    closed.chmod(0)
    lowered = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if lowered and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    run = [*lowered, sys.executable, "-c", EACH, json.dumps({**given, **output})]
    done = subprocess.run(run, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(LIBRARY)})
    closed.chmod(0o755)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 2 * len({**given, **output}), done.stderr
    for sentence, ended in zip(lines[::2], lines[1::2], strict=True):
        assert sentence.startswith("medsegdl:") and "denied" in sentence and ended.endswith(" 3"), (ended, sentence)
    assert left_in(closed) == ["t1.nii.gz"]


@pytest.mark.parametrize("option", ["-o", "--field"])
@pytest.mark.parametrize("name", ["out.xyz", "gone/out.nii.gz", "folder", "t1.nii.gz/out.nii.gz", "out.png"])
def test_n4_notices_an_impossible_output_before_the_work(t1: Path, tmp_path: Path, option: str, name: str, capfd, monkeypatch) -> None:
    from MedSegDLLib.preprocess import n4

    monkeypatch.setattr(n4, "n4", lambda *_: pytest.fail("the work was begun"))
    (tmp_path / "folder").mkdir()
    outputs = {"-o": str(tmp_path / "fine.nii.gz"), option: str(tmp_path / name)}
    assert main(["n4", str(t1), *(part for pair in outputs.items() for part in pair)]) == 3
    one_sentence(capfd.readouterr().err)
    assert left_in(tmp_path) == ["folder", "t1.nii.gz"]


def test_n4_with_one_name_for_both_outputs(t1: Path, tmp_path: Path, capfd) -> None:
    assert main(["n4", str(t1), "-o", str(tmp_path / "x.nii.gz"), "--field", str(tmp_path / "x.nii.gz")]) == 2
    one_sentence(capfd.readouterr().err)
