"""A task of pictures that no shipped one knows: from a folder, or a list, to segments, with nothing but the data and a task file."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from medsegdl_training.cases import find_cases
from medsegdl_training.cases.preparation import prepared
from medsegdl_training.cases.proposal import propose
from medsegdl_training.cases.references import read_reference
from medsegdl_training.cases.selection import Selection
from medsegdl_training.commands.main import main as train
from medsegdl_training.train.nuclei_sampler import NucleiSampler
from medsegdl_training.train.samplers import cases_of, sampler_of, unlabelled_sampler_of
from medsegdl_training.train.volume_sampler import make_sampler
from medsegdl_training.transforms.augment import recipe_for
from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import InputRefused, UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.preprocess.normalise import prepare
from MedSegDLLib.tasks import NUCLEI, Modality, Scale, Task, read_task
from Testing.training import made_up_organs
from Testing.training.made_up import write_pictures

CASES = 4
HELD_OUT = "made_003"
LEAST_DICE = 0.8  # reached after sixty steps: 0.99 and more
TINY = ["--batch", "2", "--widths", "6", "8", "--rate", "3e-2", "--warm-up", "5", "--average", "0.8", "--threads", "1", "--seed", "1"]


@pytest.fixture(scope="module")
def dishes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RGB pictures as nnU-Net keeps them."""
    return made_up_organs.dishes(tmp_path_factory.mktemp("sets"), CASES)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey TIFFs as the Decathlon would keep them."""
    return made_up_organs.films(tmp_path_factory.mktemp("sets"), CASES)


def proposed(folder: Path, out: Path) -> str:
    """A task file for a data set."""
    assert train(["new-task", "--data", str(folder), "-o", str(out), "--memory-gb", "0.5"]) == 0
    return str(out)


def test_pictures_in_five_commands(dishes: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """Regions within regions, told by colour; trained, exported, segmented, evaluated."""
    file, plan, run, data = str(tmp_path / "dishes.json"), str(tmp_path / "plan.json"), str(tmp_path / "run"), str(dishes)
    weights, out = tmp_path / "trained.safetensors", tmp_path / "out"
    assert train(["new-task", "--data", data, "-o", file]) == 0
    assert "own pixels" in capsys.readouterr().out
    assert train(["plan", "--task", file, "--data", data, "--out", plan, "--memory-gb", "0.5", "--holdout", HELD_OUT]) == 0
    many = ["--steps", "60", "--patch", "48", "48", "--augmentation", "mirror", *TINY]
    assert train(["run", "--task", file, "--data", data, "--plan", plan, "--out", run, "--holdout", HELD_OUT, *many]) == 0
    for wrong in ("dishes.safetensors", "dishes.json"):  # which would take the task file's place
        assert train(["export", "--run", run, "--out", str(tmp_path / wrong)]) == 2
    assert train(["export", "--run", run, "--out", str(weights)]) == 0
    assert json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))["training"]["data"] == "3 labelled pictures"
    picture = dishes / "imagesTr" / f"{HELD_OUT}_0000.png"
    assert main(["segment", "--weights", str(weights), "--input", f"image={picture}", "-o", str(out), "--device", "cpu"]) == 0
    assert {"colony.nii.gz", "colony_core.nii.gz", "segmentation.seg.nrrd"} < {path.name for path in out.iterdir()}
    scores = tmp_path / "scores.json"
    judged = ["evaluate", "--task", file, "--data", data, "--weights", str(weights), "--cases", HELD_OUT, "--threads", "1"]
    assert train([*judged, "--json", str(scores)]) == 0
    [case] = json.loads(scores.read_text(encoding="utf-8"))["cases"]
    assert min(entry["dice"] for entry in case["regions"].values()) > LEAST_DICE, case["measures"]
    assert train(["inspect", "--task", file, "--data", data]) == 0
    report = tmp_path / "report.html"
    assert train(["report", "--run", run, "--out", str(report), "--scores", str(scores), "--data", data, "--weights", str(weights)]) == 0
    assert "Dice colony" in report.read_text(encoding="utf-8")
    capsys.readouterr()


def test_grey_pictures_and_a_list(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder as the Decathlon's, and the same files as a list: the same samples, from memory and from the cache; they train."""
    file = proposed(films, tmp_path / "films.json")
    task = read_task(file)
    rows = [f"{case.name},{case.inputs['image'].resolve()},{case.reference.resolve()}" for case in find_cases(films, task)]
    listed = tmp_path / "list.csv"
    listed.write_text("\n".join(["name,image,reference", *rows]), encoding="utf-8")
    assert train(["cache", "--task", file, "--data", str(films), "--out", str(tmp_path / "cache")]) == 0
    drawn = []
    for data, cache in ((films, ""), (listed, ""), (films, str(tmp_path / "cache"))):
        monkeypatch.setenv("MEDSEGDL_CACHE", cache)
        drawn.append(make_sampler(task, Selection(data), task.plan, (32, 32), 0).draw(torch.Generator().manual_seed(3), 6))
    assert all(torch.equal(drawn[0].x, other.x) and torch.equal(drawn[0].y, other.y) for other in drawn[1:])
    assert drawn[0].x.shape == (6, 3, 32, 32) and drawn[0].y.shape == (6, 1, 32, 32)
    run, weights = str(tmp_path / "run"), str(tmp_path / "w.safetensors")
    assert train(["run", "--task", file, "--data", str(listed), "--out", run, "--steps", "2", "--patch", "32", "32", *TINY]) == 0
    assert train(["export", "--run", run, "--out", weights]) == 0
    picture = films / "imagesTr" / "made_000.tif"
    assert main(["segment", "--weights", weights, "--input", f"image={picture}", "-o", str(tmp_path / "out"), "--device", "cpu"]) == 0
    assert read_image(tmp_path / "out" / "bar.nii.gz").array.shape == (1, 60, 50)


def test_what_is_proposed(dishes: Path, films: Path) -> None:
    colours, grey = propose(dishes / "dataset.json"), propose(films / "dataset.json")
    for task in (colours, grey):
        assert task.pictures and [entry.modality for entry in task.inputs] == [Modality.PICTURE]
        assert (task.plan.scale, task.plan.spacing_mm, task.plan.mirror) == (Scale.PERCENTILE, None, ())
    assert [(region.key, region.inside) for region in colours.regions] == [("colony", None), ("colony_core", "colony")]
    assert propose_from({"channel_names": {"0": "R", "1": "G", "2": "B"}}, dishes.parent).pictures, "told by the colours alone"
    assert not propose_from({"channel_names": {"0": "MR"}, "file_ending": ".nii.gz"}, dishes.parent).pictures


def propose_from(entry: dict, place: Path) -> Task:
    """Of a `dataset.json` with such entries."""
    (place / "dataset.json").write_text(json.dumps({"labels": {"rod": 1}, **entry}), encoding="utf-8")
    return propose(place / "dataset.json")


def test_training_sees_the_picture_as_segment_does(dishes: Path) -> None:
    task = propose(dishes / "dataset.json")
    for case in find_cases(dishes, task):
        image = read_image(case.inputs["image"])
        at_work = prepare({"image": image}, np.ones(image.array.shape[:3], bool), task.plan).x
        ready = prepared(case, task, task.plan)
        assert torch.equal(ready.x, at_work)
        drawn = read_image(case.reference).array
        assert np.array_equal(ready.regions.numpy(), np.stack([drawn > 0, drawn == 2]))


def test_labels_go_by_pixels_whatever_the_files_say_of_their_size(films: Path, tmp_path: Path) -> None:
    """A TIFF of a microscope tells its pixels' size and its label map tells none; and where pixels are resampled labels go along."""
    task = propose(films / "dataset.json")
    [first, *_] = find_cases(films, task)
    image, drawn = read_image(first.inputs["image"]), read_image(first.reference)
    sized = tmp_path / "sized.tif"
    write_image(Image(image.array, np.diag([-0.0005, -0.0005, 1, 1])), sized)
    case = type(first)("sized", {"image": sized}, first.reference)
    assert read_image(sized).grid.spacing_mm[0] == pytest.approx(0.0005, rel=1e-3) != drawn.grid.spacing_mm[0]
    assert np.array_equal(prepared(case, task, task.plan).regions[0].numpy(), drawn.array > 0)
    finer = Task.from_json({**task.to_json(), "plan": {**task.plan.to_json(), "pixel_um": [0.9, 1.1]}})
    coarse = prepared(case, finer, finer.plan)
    assert coarse.x.shape == (3, 1, 30, 25) and coarse.regions.sum() == pytest.approx((drawn.array > 0).sum() / 4, rel=0.1)


def test_turning_and_dyes_are_for_pictures_that_have_no_up() -> None:
    upright = Task.from_json({**NUCLEI.to_json(), "instances": False, "auxiliary": [], "plan": {**NUCLEI.plan.to_json(), "mirror": [-1]}})
    assert (recipe_for(NUCLEI).rotation_degrees, recipe_for(NUCLEI).stain_share) == (180.0, 0.5)
    assert (recipe_for(upright).rotation_degrees, recipe_for(upright).stain_share, recipe_for(upright).invert_share) == (20.0, 0.0, 0.0)


def test_objects_of_any_key_are_numbered_as_nuclei_are(tmp_path: Path) -> None:
    entry = {"key": "micrograph", "title": "M", "modality": "picture"}
    cells = Task.from_json({**NUCLEI.to_json(), "key": "cells", "inputs": [entry], "reference_order": []})
    folder = write_pictures(tmp_path / "data")
    drawn = []
    for task in (NUCLEI, cells):
        sampler = sampler_of(task)(Selection(folder), task.plan, (32, 32), 1)
        assert isinstance(sampler, NucleiSampler) and len(cases_of(task)(folder)) == 3
        drawn.append(sampler.draw(torch.Generator().manual_seed(0), 3))
        assert unlabelled_sampler_of(task)(Selection(folder), task.plan, (32, 32), 1).cases == sampler.cases
    assert torch.equal(drawn[0].x, drawn[1].x) and torch.equal(drawn[0].y, drawn[1].y)


def test_a_folder_of_images_and_labels_serves_any_task_of_pictures(tmp_path: Path) -> None:
    entry = {**NUCLEI.to_json(), "key": "blobs", "instances": False, "auxiliary": [], "conventions": []}
    task = Task.from_json({**entry, "conventions": [{"key": "any", "title": "above 0", "labels": {"nucleus": []}}]})
    batch = make_sampler(task, Selection(write_pictures(tmp_path / "data")), task.plan, (32, 32), 0).draw(
        torch.Generator().manual_seed(0), 2
    )
    assert batch.y.shape == (2, 1, 32, 32) and batch.y.any()


def blank(*shape: int) -> Image:
    """A picture of zeros."""
    return Image(np.zeros((1, *shape), np.uint8), np.eye(4))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: write_image(blank(9, 9), folder / "labelsTr/made_000.png"), "differ in size"),
        (lambda folder: write_image(blank(72, 88, 3), folder / "labelsTr/made_000.png"), "colour picture"),
        (lambda folder: (folder / "imagesTr/made_000_0000.png").write_bytes(b"damaged"), "cannot be read"),
        (lambda folder: (folder / "imagesTr/made_000_0000.png").rename(folder / "imagesTr/made_000_0001.png"), "files of their own"),
    ],
)
def test_mistakes_in_folders_of_pictures(tmp_path: Path, capsys: pytest.CaptureFixture, spoil, says: str) -> None:
    folder = made_up_organs.dishes(tmp_path, 2)
    task = tmp_path / "task.json"
    task.write_text(json.dumps(propose(folder / "dataset.json").to_json()), encoding="utf-8")
    spoil(folder)
    assert train(["run", "--task", str(task), "--data", str(folder), "--out", str(tmp_path / "run"), "--steps", "1"]) == 3
    said = capsys.readouterr().err.strip().splitlines()
    assert says in said[-1] and "Traceback" not in "".join(said) and not (tmp_path / "run").exists()


def test_an_auxiliary_output_that_nothing_teaches_is_refused() -> None:
    task = Task.from_json({**NUCLEI.to_json(), "key": "odd", "instances": False})
    with pytest.raises(UsageError, match="auxiliary output 'boundary'"):
        sampler_of(task)


def test_colours_in_volumes_are_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="colours of its pictures"):
        propose_from({"channel_names": {"0": "R", "1": "G", "2": "B"}, "file_ending": ".nii.gz"}, tmp_path)


@pytest.mark.parametrize(("mode", "bits"), [("P", 8), ("P", 2), ("1", 1), ("L", 2), ("L", 4), ("L", 8)])
def test_label_maps_in_png_are_the_numbers_that_are_stored(tmp_path: Path, mode: str, bits: int) -> None:
    """A palette's colours are no labels, and Pillow spreads 1, 2 and 4 bits over 0 to 255."""
    numbers = np.random.default_rng(0).integers(0, min(2**bits, 4), (9, 14)).astype(np.uint8)
    if mode == "P":
        stored = PIL.Image.fromarray(numbers, "P")
        stored.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
        stored.save(tmp_path / "labels.png", bits=bits)
    elif mode == "1":
        PIL.Image.fromarray(numbers.astype(bool)).save(tmp_path / "labels.png")
    else:
        write_grey_png(tmp_path / "labels.png", numbers, bits)
    assert np.array_equal(read_reference(tmp_path / "labels.png").array[0], numbers)


def write_grey_png(path: Path, numbers: np.ndarray, bits: int) -> None:
    """By the specification, row by row: Pillow writes no grey of 2 or 4 bits."""
    spread = np.unpackbits(numbers[..., None], axis=-1)[..., 8 - bits :].reshape(len(numbers), -1)
    rows = b"".join(b"\0" + np.packbits(row).tobytes() for row in spread)
    header = struct.pack(">IIBBBBB", numbers.shape[1], numbers.shape[0], bits, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in parts)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
