"""The README's chapter 'Many patients', line by line: each finds its cases, asks its engine, ends with table and page."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.cohort import local, ray_cluster, slurm
from MedSegDLLib.cohort.one_case import run_order
from MedSegDLLib.cohort.orders import Needs, Order, Told
from MedSegDLLib.commands.main import main, parser
from MedSegDLLib.io.write import write_image
from MedSegDLLib.tasks import BRAIN, LIVER

from ..dicom_series import Series
from ..tiny import LPS, head_images, tiny_weights
from .test_driver import ROOT

OF_BIDS = {"t1ce": "ce-gd_T1w", "flair": "FLAIR"}  # two of the four, to be quick
SHAPE, MM = (16, 18, 16), 3.2
HOST = "HOST:6379"


def chapter() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Many patients\n")[2].partition("\n## ")[0]


def lines(command: str) -> list[list[str]]:
    """The chapter's lines of a command of ours, in words."""
    blocks = chapter().split("```")[1::2]
    words = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [entry for entry in words if entry[:2] == ["medsegdl", command]]


def heads(folder: Path, name: Callable[[str], str]) -> None:
    folder.mkdir(parents=True)
    for key, image in head_images(tuple(OF_BIDS), SHAPE, MM).items():
        write_image(image, folder / name(key))


def a_list(place: Path) -> Path:
    heads(place / "files", lambda key: f"{key}.nii.gz")
    with (place / "list.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["case", *OF_BIDS], ["one", *(f"files/{key}.nii.gz" for key in OF_BIDS)]])
    return place / "list.csv"


def bids(place: Path) -> Path:
    heads(place / "sub-1" / "ses-1" / "anat", lambda key: f"sub-1_ses-1_{OF_BIDS[key]}.nii.gz")
    return place


def a_folder_a_case(place: Path) -> Path:
    heads(place / "one", lambda key: f"one_{key}.nii.gz")
    return place


def studies(place: Path) -> Path:
    """A CT at a depth of two."""
    values = np.random.default_rng(0).normal(-1000, 5, (12, 32, 32)).astype(np.int16)
    values[:, 4:28, 4:28] += 1060
    Series(values, LPS @ np.diag([6.0, 6.0, 6.0, 1.0]), tags={"0010|0020": "P1", "0008|103e": "CT"}).write(place / "a" / "b")
    return place


SOURCES = {"LIST.csv": a_list, "BIDS-FOLDER": bids, "FOLDER": a_folder_a_case, "DICOM-ROOT": studies}


class Here:
    """Every engine's stand-in: it does the cases in this process, and keeps what it was asked with."""

    asked: list[tuple] = []

    def __init__(self, *asked: object) -> None:
        Here.asked.append(asked)

    def needs(self, orders: Iterable[Order]) -> Needs:
        return Needs(megabytes=100.0, threads=1, workers=1)

    def run(self, orders: Iterable[Order], told: Told, alone: bool = False) -> None:
        for order in orders:
            told(order, run_order(replace(order, threads=None)))

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny ones, in place of those that are shipped."""
    folder = tmp_path_factory.mktemp("weights")
    for task in (BRAIN, LIVER):
        tiny_weights(folder, task)
    return folder


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, weights: Path) -> list[tuple]:
    """What the engines were made with."""
    monkeypatch.setenv("MEDSEGDL_WEIGHTS", str(weights))
    monkeypatch.setattr(Here, "asked", [])
    for module, name in ((local, "LocalEngine"), (slurm, "SlurmEngine"), (ray_cluster, "RayEngine")):
        monkeypatch.setattr(module, name, Here)
    return Here.asked


def test_the_chapter_has_the_lines_that_are_tested_here() -> None:
    said = [" ".join(words) for words in lines("cohort")]
    assert [words[2] for words in lines("cohort")][:4] == list(SOURCES) and len(said) == 6
    assert any("--engine slurm" in line for line in said) and any("--engine ray" in line for line in said)
    assert len(lines("serve")) == 2


@pytest.mark.parametrize("words", lines("cohort"), ids=" ".join)
def test_a_line_finds_its_cases_and_ends_with_table_and_page(words: list[str], tmp_path: Path, here: list[tuple]) -> None:
    source, out = SOURCES[words[2]](tmp_path / "in"), tmp_path / "out"
    given = [{words[2]: str(source), "DIR": str(out)}.get(word, word) for word in words[1:]]
    assert main([*given, "--device", "cpu", "--brain-extraction", "off", "--registration", "off", "--no-bias-correction"]) == 0
    with (out / "cohort.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["status"] for row in rows] == ["done"] and (out / "cohort.html").stat().st_size > 1000
    assert (out / rows[0]["case"] / "segmentation.seg.nrrd").is_file()
    if "slurm" in words:
        assert here[-1][2:] == (20, "slurm", {"slurm_partition": "gpu"})
    if "ray" in words:
        assert here[-1][1:] == (None, HOST)


def test_the_lines_of_the_server_are_understood() -> None:
    understood = [parser().parse_args(words[1:]) for words in lines("serve")]
    assert (understood[0].host, understood[0].certificate) == ("127.0.0.1", None)
    assert (understood[1].host, understood[1].certificate.name, understood[1].key.name) == ("0.0.0.0", "cert.pem", "key.pem")
