"""The report from the panel: of what is shown, edits included, and without the names of the nodes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.scene import translation

from .fake_client import FakeClient
from .test_results import draw, segmented
from .test_run import loaded, settle_lesions, take_all  # noqa: F401 - a fixture


def written(panel: Any, path: Path) -> str:
    """The page that the panel writes, without its pictures."""
    panel.reporting.write(path)
    while panel.reporting.news_due:
        take_all(panel.reporting.steps)
        panel.poll()
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text(encoding="utf-8"))


def test_a_page_and_its_figures_of_what_is_shown(loaded: Any, client: FakeClient, tmp_path: Path) -> None:  # noqa: F811
    node = segmented(loaded, client)
    reference = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    for named in (node, reference):
        named.SetName("Mustermann^Anna 1951")
    text = written(loaded, tmp_path / "one.html")
    assert "Whole tumour (WT)" in text and "not a medical device" in text and text.count("<img") == 3
    assert "Mustermann" not in text and str(tmp_path) not in text
    assert (tmp_path / "one.csv").read_text(encoding="utf-8").startswith("kind,region")
    assert loaded.reporting.button.enabled and "one.html" in loaded.ui.logTextEdit.toPlainText()


def test_an_edit_counts(loaded: Any, client: FakeClient, tmp_path: Path) -> None:  # noqa: F811
    node = segmented(loaded, client)
    settle_lesions(loaded)
    mask = np.zeros((6, 7, 8), np.uint8)
    mask[1:5, 1:5, 1:5] = 1
    draw(node, "ET", mask)
    written(loaded, tmp_path / "edited.html")
    rows = (tmp_path / "edited.csv").read_text(encoding="utf-8").splitlines()
    assert any(row.startswith("region,Enhancing tumour (ET),ET,,0.0640") for row in rows)


def test_without_its_volume_it_says_so_and_writes_nothing(loaded: Any, client: FakeClient, tmp_path: Path) -> None:  # noqa: F811
    node = segmented(loaded, client)
    slicer.mrmlScene.RemoveNode(node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()))
    loaded.reporting.write(tmp_path / "none.html")
    take_all(loaded.reporting.steps)
    assert "no longer in the scene" in loaded.ui.findingsLabel.text
    assert loaded.reporting.button.enabled and not list(tmp_path.glob("none.*"))


def test_the_report_speaks_the_panels_language(monkeypatch: pytest.MonkeyPatch, loaded: Any, client: FakeClient, tmp_path: Path) -> None:  # noqa: F811
    segmented(loaded, client)
    settle_lesions(loaded)
    german = translation.sentences_of(tuple(translation.messages(translation.file_for("de_DE"))))
    monkeypatch.setattr(translation, "_sentences", german)
    monkeypatch.setattr(translation, "_language", "de")
    text = written(loaded, tmp_path / "bericht.html")
    assert (
        "lang='de'" in text and "kein Medizinprodukt" in text and "Gesamttumor (WT)" in text and "Umrisse auf dem Bild: Referenz." in text
    )
    assert "Whole tumour" not in text and "Run record" not in text and "Lesions" not in text
    rows = (tmp_path / "bericht.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("Art,Region,id,Nummer,Volumen_ml") and rows[1].startswith("Region,Gesamttumor (WT),WT,")
    assert translation.translated("{count} smaller ones are in the CSV.") == "{count} kleinere stehen in der CSV-Datei."
