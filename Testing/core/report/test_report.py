"""The report of a case: pictures that lie as the patient does, the same figures as elsewhere, nobody's name."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.metrics.diameters import lesions_of
from MedSegDLLib.report.case import Case
from MedSegDLLib.report.page import NOTICE, page
from MedSegDLLib.report.planes import Layer, drawn
from MedSegDLLib.report.png import png
from MedSegDLLib.report.table import csv_text
from MedSegDLLib.tasks import BRAIN, NUCLEI

from ..commands.test_cli import arguments, brain_weights, head  # noqa: F401 - fixtures
from ..dicom.test_identity import MARKS, put
from ..dicom.test_identity import head as named_head

SHAPE = (20, 24, 28)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, -2.0, 0, 25], [0, 0, 3.0, -20], [0, 0, 0, 1]])  # LPS
YELLOW = (1.0, 1.0, 0.0)


def case(**more) -> Case:
    """Two lesions in a noisy head, the larger to the patient's right, at the front and high."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[13:17, 4:9, 3:9] = 1  # low i is right, low j the front, high k the top
    mask[4:6, 18:20, 20:22] = 1
    noise = np.random.default_rng(0).uniform(50, 100, SHAPE).astype(np.float32)
    empty = np.zeros(SHAPE, np.uint8)
    return Case(BRAIN, Grid(SHAPE, AFFINE), {"WT": mask, "TC": mask * 0, "ET": empty}, **{"image": Image(noise, AFFINE), **more})


def html_of(text: str) -> str:
    """A page without its pictures."""
    return re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", text)


def middle_of(picture: np.ndarray) -> np.ndarray:
    """(2,) where the yellow outline lies, 0..1 from the top and from the left."""
    found = np.argwhere((picture[..., 0] == 255) & (picture[..., 1] == 255) & (picture[..., 2] == 0))
    return found.mean(axis=0) / picture.shape[:2]


def test_a_png_is_read_as_it_was_by_pillow() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    np.testing.assert_array_equal(np.asarray(Pillow.open(io.BytesIO(png(pixels)))), pixels)


def test_the_patients_right_is_left_and_the_front_is_up_whatever_the_order_of_the_voxels() -> None:
    one = case()
    layer = Layer(one.masks["WT"] * (np.arange(SHAPE[0]) > 10)[:, None, None], YELLOW)
    pictures = drawn(one.image, one.grid, [layer], one.place)
    down, across = middle_of(pictures["Axial"])
    assert down < 0.4 and across < 0.4
    down, across = middle_of(pictures["Coronal"])
    assert down < 0.4 and across < 0.4
    down, across = middle_of(pictures["Sagittal"])
    assert down < 0.4 and across < 0.4
    turned = np.zeros((4, 4))
    turned[[0, 1, 2, 3], [2, 1, 0, 3]] = 1  # k, j, i for i, j, k
    flipped = turned @ np.diag([1.0, 1, -1, 1])
    flipped[0, 3] = 0
    again = one.image.array.transpose(2, 1, 0)[:, :, ::-1]
    move = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [-1.0, 0, 0, SHAPE[0] - 1], [0, 0, 0, 1]])
    moved = drawn(Image(again, AFFINE @ move), one.grid, [layer], one.place)
    for name, picture in pictures.items():
        assert np.abs(picture.astype(int) - moved[name]).max() <= 1, name


def test_figures_are_those_of_the_lesions_and_places_those_of_the_patient() -> None:
    one = case()
    rows = list(csv.DictReader(io.StringIO(csv_text(one))))
    lesions = lesions_of(one.masks["WT"], AFFINE)
    found = [row for row in rows if row["kind"] == "lesion"]
    assert [float(row["volume_ml"]) for row in found] == pytest.approx([lesion.volume_ml for lesion in lesions], abs=1e-4)
    assert [row["id"] for row in rows if row["kind"] == "region"] == ["WT", "TC", "ET"]
    assert float(rows[0]["volume_ml"]) == pytest.approx((120 + 8) * 12 / 1000)
    assert float(found[0]["R_mm"]) > 0 and float(found[1]["R_mm"]) < 0
    text = html_of(page(one))
    assert "Whole tumour (WT)</b>: 2" in text and f"{lesions[0].longest_mm:.1f} x {lesions[0].perpendicular_mm:.1f}" in text
    assert re.search(r"R \d+, A \d+, S \d+", text) and re.search(r"L \d+, P \d+, I \d+", text)


def test_a_page_needs_nothing_else_and_says_what_it_is() -> None:
    text = page(case(record={"warnings": [{"severity": "warning", "code": "x", "message": "<T2> missing.", "remedy": ""}]}))
    assert NOTICE in text and text.count("data:image/png") == 3
    assert not re.search(r"(?:src|href)=['\"](?!data:)", text) and "http" not in text and "<script" not in text
    assert "&lt;T2&gt; missing." in text
    bare = page(case(image=None))
    assert bare.count("data:image/png") == 3 and "image was not given" in bare


def test_a_picture_is_never_taller_than_a_page() -> None:
    """Of a slab that is three voxels thick, too: Qt's printer would not end."""
    thin = Grid((200, 3, 3), np.eye(4))
    text = page(Case(BRAIN, thin, {"WT": np.ones(thin.shape, np.uint8)}))
    assert all(int(height) <= 224 for height in re.findall(r"height='(\d+)'", text))


def test_an_edited_result_is_called_so() -> None:
    counts = {"WT": 128, "TC": 0, "ET": 0}
    assert not case(record={"voxel_count": counts}).findings
    assert "edited" in case(record={"voxel_count": {**counts, "WT": 127}}).findings[0]["message"]


def test_the_brain_within_which_was_looked_is_measured() -> None:
    for record, said in (({"brain_mask_ml": 1402.345}, True), ({"brain_mask_ml": None}, False), ({}, False)):
        one = case(record=record)
        assert ("within a brain mask of 1,402.3 mL" in html_of(page(one))) == said
        rows = [row for row in csv.DictReader(io.StringIO(csv_text(one))) if row["kind"] == "brain mask"]
        assert [row["volume_ml"] for row in rows] == ["1402.3450"] * said


def test_counted_objects_are_counted_not_measured_in_millilitres() -> None:
    numbers = np.zeros((1, 30, 40), np.uint16)
    numbers[0, 3:8, 3:9], numbers[0, 15:20, 20:30] = 1, 2
    nuclei = Case(NUCLEI, Grid(numbers.shape, np.eye(4)), {NUCLEI.regions[0].key: numbers})
    text = html_of(page(nuclei))
    assert "2 objects, mean area 40.0 pixels" in text and "mL" not in text
    assert [row["pixels"] for row in csv.DictReader(io.StringIO(csv_text(nuclei)))] == ["80", "30", "50"]


def test_the_commands_write_the_same_report(head, brain_weights, tmp_path, capsys) -> None:  # noqa: F811
    folder, first, second = tmp_path / "out", tmp_path / "first.html", tmp_path / "second.html"
    assert main(arguments(head, brain_weights, folder, "--report", str(first))) == 0
    assert main(["report", str(folder), "-o", str(second), "--image", str(head["flair"]), "--weights", str(brain_weights)]) == 0
    assert first.read_text(encoding="utf-8") == second.read_text(encoding="utf-8")
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
    record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert record["weights"]["sha256"] in first.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name, output, says",
    [("nothing", "r.html", "report.json"), ("out", "r.docx", "suffix|unknown"), ("broken", "r.html", "damaged")],
)
def test_what_is_no_result_is_refused_in_a_sentence(name, output, says, tmp_path, capsys) -> None:
    for folder in ("out", "broken"):
        (tmp_path / folder).mkdir()
    (tmp_path / "broken" / "report.json").write_text("{", encoding="utf-8")
    assert main(["report", str(tmp_path / name), "-o", str(tmp_path / output)]) == 3
    assert re.search(says, capsys.readouterr().err)
    assert not list(tmp_path.glob("r.*"))


@pytest.mark.parametrize("more", [(), ("--keep-names",)])
def test_a_report_names_nobody(more, tmp_path: Path, brain_weights, capsys) -> None:  # noqa: F811
    """A head in whose tags, folder and file names a patient is written wherever there is room."""
    path = put(named_head(tmp_path), tmp_path)
    target = tmp_path / "report.html"
    told = ["segment", "--task", "brain", "--weights", str(brain_weights), "--device", "cpu", *more, "--report", str(target)]
    assert main([*told, "--flair", str(path), "-o", str(tmp_path / "out")]) == 0
    text = html_of(target.read_text(encoding="utf-8")) + target.with_suffix(".csv").read_text(encoding="utf-8")
    assert MARKS.findall(text) == [] and str(tmp_path) not in text and "FLAIR" in text


def test_what_probabilities_were_worth_stands_in_brackets_only_where_it_is_known() -> None:
    lesions = lesions_of(case().masks["WT"], AFFINE)
    entry = {"mean": 0.93, "lesions": [{"volume_ml": one.volume_ml, "mean": 0.9 - number / 10} for number, one in enumerate(lesions)]}
    counts = {key: int(np.count_nonzero(mask)) for key, mask in case().masks.items()}
    plain = case(record={"own_probability": {"WT": entry}, "voxel_count": counts})
    assert "In brackets" not in page(plain) and "0.93" in page(plain)
    entry = {**entry, "calibrated": 0.71, "lesions": [{**one, "calibrated": 0.64} for one in entry["lesions"]]}
    told = case(record={"own_probability": {"WT": entry}, "voxel_count": counts})
    text = html_of(page(told))
    assert "In brackets" in text and "0.93 (0.71)" in text and "0.90 (0.64)" in text and "0.80 (0.64)" in text
    rows = list(csv.DictReader(io.StringIO(csv_text(told))))
    assert [(row["own_probability"], row["calibrated_probability"]) for row in rows if row["id"] == "WT"][:2] == [
        ("0.93", "0.71"),
        ("0.9", "0.64"),
    ]
    assert {row["calibrated_probability"] for row in rows if row["id"] != "WT"} == {""}


def test_metal_in_a_ct_leaves_tissue_as_grey_as_it_was() -> None:
    values = np.random.default_rng(0).uniform(-100, 150, (12, 14, 16)).astype(np.float32)
    values[0, 0, 0] = -1000
    metal = values.copy()
    metal[:, :3] = 3000
    here = np.array([8.0, 9.0, 6.0])
    plain, other = (
        drawn(Image(array, np.eye(4), tags={"Modality": "CT"}), Grid(array.shape, np.eye(4)), (), here) for array in (values, metal)
    )
    assert all((plain[name] == other[name]).mean() > 0.5 for name in plain)
