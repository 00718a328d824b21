"""A report in another language: every word of it goes through the case's `say`, figures and names do not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.report.case import Case
from MedSegDLLib.report.page import page
from MedSegDLLib.report.table import COLUMNS, csv_text
from MedSegDLLib.tasks import TASKS

OURS = {"MedSegDL", "sha", "weights", "safetensors"}  # names, which are the same everywhere
FINDING = {"severity": "warning", "code": "made", "input": "t1", "message": "Something is odd.", "remedy": "Look at it."}
RECORD = {
    "version": 1,
    "brain_mask_ml": 1234.5,
    "warnings": [FINDING],
    "weights": {"file": "weights.safetensors", "sha256": "0" * 8},
    "inputs": {"flair": {}},
}


def masked(text: str) -> str:
    """Every letter an x, placeholders left: another language."""
    return "".join(part if part.startswith("{") else re.sub("[A-Za-z]", "x", part) for part in re.split(r"(\{\w+\})", text))


def case_of(task: str, **more: object) -> Case:
    """A made result that speaks the made language."""
    masks = {region.key: np.zeros((6, 40, 50) if task != "nuclei" else (1, 40, 50), np.uint8) for region in TASKS[task].regions}
    for margin, mask in enumerate(masks.values(), start=1):
        mask[..., 5 + margin : 20 - margin, 5 + margin : 30 - margin] = 1
        mask[..., 35, 2 * margin :: 4] = 2 if task == "nuclei" else 1  # more lesions than the page lists
    grid = Grid(next(iter(masks.values())).shape, np.eye(4))
    return Case(TASKS[task], grid, masks, RECORD, say=masked, language="xx", **more)


@pytest.mark.parametrize("task", ["brain", "liver", "nuclei"])
def test_no_word_bypasses_the_language(task: str) -> None:
    text = page(case_of(task))
    assert "<html lang='xx'>" in text
    text = re.sub(r"base64,[A-Za-z0-9+/=]+|<style>.*?</style>|<[^>]*>|&\w+;|&#x?\w+;", " ", text, flags=re.DOTALL)
    left = {word for word in re.findall(r"[A-Za-z]{3,}", text) if set(word) - {"x"}} - OURS
    assert not left, left


def test_the_csv_too_and_in_english_it_stays() -> None:
    case = case_of("brain")
    lines = csv_text(case).splitlines()
    assert not {word for word in re.findall(r"[A-Za-z]{3,}", "\n".join(lines)) if set(word) - {"x"}} - {"brain"}  # an id
    plain = csv_text(Case(case.task, case.grid, case.masks, RECORD)).splitlines()
    assert plain[0] == ",".join(COLUMNS) and plain[1].startswith("region,Whole tumour (WT),WT,")
    assert [re.sub("[A-Za-z]", "", line) for line in lines] == [re.sub("[A-Za-z]", "", line) for line in plain], "figures are the same"


def test_volumes_without_overlap_add_up() -> None:
    case = case_of("brain")
    assert list(case.labels_ml) == ["ED", "NCR", "ET"]
    assert sum(case.labels_ml.values()) == pytest.approx(np.count_nonzero(case.masks["WT"] | case.masks["TC"] | case.masks["ET"]) / 1000)
    assert Case(case.task, case.grid, {"WT": case.masks["WT"]}).labels_ml == {}
