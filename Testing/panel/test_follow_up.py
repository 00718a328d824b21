"""Follow-up in the panel: two results are offered, laid on each other by the worker, compared, shown, and remembered by the scene."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from MedSegDLLib.geometry.registration import Motion, motion
from MedSegDLLib.scene import follow_up, translation
from MedSegDLLib.scene.follow_up_texts import told_html
from MedSegDLLib.scene.report_case import RECORD_ATTRIBUTE
from MedSegDLLib.scene.wording import DARK, LIGHT
from MedSegDLLib.tasks import BRAIN
from MedSegDLLib.worker.processes import Failure

from . import pythonqt
from .fake_client import FakeClient
from .test_panel import brain_volumes
from .test_results import draw, segmented
from .test_run import hidden, loaded, take_all  # noqa: F401 - a fixture


@pytest.fixture
def two(loaded: Any, client: FakeClient) -> Any:  # noqa: F811
    """The panel with the results of two studies; the second one's tumour is smaller."""
    segmented(loaded, client)
    assert hidden(loaded.follow_up.widget)  # one result is no follow-up
    for name, node in brain_volumes("later").items():
        loaded.parameters.setValue(f"brain_{name}", node)
    node = segmented(loaded, client)
    mask = np.zeros((6, 7, 8), np.uint8)
    mask[2:4, 2:4, 2:4] = 1
    for key in ("WT", "TC", "ET"):
        draw(node, key, mask)
    loaded.result.timer.stop()
    return loaded


def worked(panel: Any) -> None:
    """Until the comparison is in the scene, or has failed."""
    section = panel.follow_up
    for _ in range(2000):
        take_all(section.steps)
        panel.poll()
        if not section.news_due or section._waits:
            return
    raise AssertionError("the comparison does not end")


def rows(table: Any) -> list[list[str]]:
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def test_from_two_results_to_the_change(two: Any, client: FakeClient) -> None:
    section = two.follow_up
    assert not hidden(section.widget) and section.studiesTable.rowCount == 2 and hidden(section.changeTable)
    section.compareButton.click()
    worked(two)
    kind, images, _task, _options = client.asked[-1]
    assert kind == "register" and images["fixed"].name.startswith("case") and images["moving"].name.startswith("later")
    assert not section.compareButton.enabled
    client.answer({"motion": {}})
    worked(two)
    assert section.compareButton.enabled and section.change is follow_up.follow_up_of(BRAIN)
    assert [row[0] for row in rows(section.changeTable)] == ["Whole tumour (WT)", "Tumour core (TC)", "Enhancing tumour (ET)"]
    assert rows(section.changeTable)[0][1:] == ["0.12", "0.008", "-0.112\n(-93 %)"]
    assert [row[:2] for row in rows(section.lesionTable)] == [["WT 1", "same"], ["TC 1", "same"], ["ET 1", "same"]]
    told = section.label.text
    for part in ("Whole tumour (WT): not measurable by diameters, partial response by volume.", "not a diagnosis", "J Clin Oncol", "-65 %"):
        assert part in told, part
    assert "registered" not in told and hidden(section.laidCheckBox)


def test_a_study_that_lay_elsewhere_is_laid_on_the_first_and_it_can_be_undone(two: Any, client: FakeClient) -> None:
    section = two.follow_up
    section.compareButton.click()
    worked(two)
    way = motion(np.zeros(3), np.array([0.0, 0.0, 1.0]), np.zeros(3))
    client.answer({"motion": Motion(way, 1.0, 0.0, 0.1, 0.2, True).entry()})
    worked(two)
    later = section.points[1].node
    assert "1.0 mm and 0.0 degrees" in section.label.text and not hidden(section.laidCheckBox) and section.laidCheckBox.checked
    assert later.GetParentTransformNode() is not None
    section.laidCheckBox.click()
    assert later.GetParentTransformNode() is None


def test_without_a_worker_it_is_compared_as_it_lies_and_said(two: Any, client: FakeClient) -> None:
    section = two.follow_up
    section.points[1].node.SetAttribute(RECORD_ATTRIBUTE, '{"weights": {"sha256": "another"}}')
    section.compareButton.click()
    worked(two)
    client.fail(Failure("crash", "Gone."), dead=True)
    worked(two)
    assert "was not registered" in section.label.text and section.changeTable.rowCount == 3
    assert "segmented with different networks" in section.label.text and "kind of image" not in section.label.text
    dark = told_html(section.change, BRAIN, DARK)
    assert DARK.warning in dark and LIGHT.warning not in dark and LIGHT.warning in section.label.text


def test_its_page_speaks_the_panels_language(two: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    german = translation.sentences_of(tuple(translation.messages(translation.file_for("de_DE"))))
    monkeypatch.setattr(translation, "_sentences", german)
    monkeypatch.setattr(translation, "_language", "de")
    section, place = two.follow_up, tmp_path / "verlauf.html"
    monkeypatch.setattr(type(two.reporting), "_chosen", lambda reporting: str(place))
    section.compareButton.click()
    worked(two)
    client.answer({"motion": {}})
    worked(two)
    section.reportButton.click()
    while two.reporting.news_due:
        take_all(two.reporting.steps)
        two.poll()
    text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", place.read_text(encoding="utf-8"))
    for words in ("lang='de'", "Verlauf</h1>", "Gesamttumor (WT)", "Untersuchung 2", "Ansprechen bei der letzten", "keine Diagnose"):
        assert words in text, words
    for words in ("Study", "Whole tumour", "Lesions of", "Partial", "disease", "not a diagnosis"):
        assert words not in text, words
    assert place.with_suffix(".csv").read_text(encoding="utf-8").startswith("study,region,volume_ml")


def test_a_comparison_that_came_with_the_scene_is_made_again_for_its_page(two: Any, client: FakeClient) -> None:
    section = two.follow_up
    section.compareButton.click()
    worked(two)
    client.answer({"motion": {}})
    worked(two)
    section._course = None  # as after a scene was loaded
    section.reportButton.click()
    assert "Compare the studies again." in two.ui.findingsLabel.text


def test_the_order_is_the_users_where_nothing_has_a_date(two: Any, client: FakeClient) -> None:
    import qt

    section = two.follow_up
    first, second = (point.node for point in section.points)
    section.studiesTable.setCurrentCell(1, 0)
    assert section.upButton.enabled and not section.downButton.enabled
    section.upButton.click()
    assert [point.node for point in section.chosen()] == [second, first]
    two.parameters_changed()
    assert [point.node for point in section.chosen()] == [second, first]
    section.studiesTable.item(0, 0).setCheckState(qt.Qt.Unchecked)
    section.compareButton.click()
    assert "two or more" in two.ui.findingsLabel.text and section.compareButton.enabled


def test_a_date_that_comes_later_puts_the_studies_in_order(two: Any) -> None:
    """Results are hung under their study after they came."""
    section, hierarchy = two.follow_up, slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    first, second = (point.node for point in section.points)
    for node, day in ((first, "20240301"), (second, "20240101")):
        volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
        hierarchy.SetItemAttribute(study, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMStudyDateAttributeName(), day)
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), study)
    two.parameters_changed()
    assert [point.node for point in section.chosen()] == [second, first]
    assert [row[1] for row in rows(section.studiesTable)] == ["2024-01-01", "2024-03-01"]


def test_it_goes_with_a_result_and_leaves_nothing(two: Any, client: FakeClient) -> None:
    section = two.follow_up
    section.compareButton.click()
    worked(two)
    client.answer({"motion": {}})
    worked(two)
    slicer.mrmlScene.RemoveNode(section.points[0].node)
    section.look()
    assert hidden(section.widget) and section.change is None and len(section.points) == 1
    slicer.mrmlScene.Clear()
    section.look()
    assert not section.points and section.change is None


def test_another_layout_shows_each_study_everywhere_again(two: Any, client: FakeClient) -> None:
    """Else the results would be missing in the views that the user chooses next."""
    layout, views = slicer.vtkMRMLLayoutNode(), []
    for number in (layout.SlicerLayoutFourUpView, layout.SlicerLayoutSideBySideView, layout.SlicerLayoutOneUpRedSliceView):
        layout.AddLayoutDescription(number, "<layout type='horizontal'></layout>")
    slicer.mrmlScene.AddNode(layout)
    layout.SetViewArrangement(layout.SlicerLayoutFourUpView)
    for name in ("Red", "Yellow"):
        for kind in (slicer.vtkMRMLSliceNode, slicer.vtkMRMLSliceCompositeNode):
            view = kind()
            view.SetSingletonTag(name)
            view.SetLayoutName(name)
            slicer.mrmlScene.AddNode(view)
            views.append(view)
    section = two.follow_up
    section.compareButton.click()
    worked(two)
    client.answer({"motion": {}})
    worked(two)
    section.sideButton.click()
    take_all(section.view_steps)
    displays = [point.node.GetDisplayNode() for point in section.points]
    assert section.sideButton.checked and layout.GetViewArrangement() == layout.SlicerLayoutSideBySideView
    assert [list(display.GetViewNodeIDs()) for display in displays] == [[views[0].GetID()], [views[2].GetID()]]
    layout.SetViewArrangement(layout.SlicerLayoutOneUpRedSliceView)
    assert not section.sideButton.checked and not any(display.GetViewNodeIDs() for display in displays)
    assert layout.GetViewArrangement() == layout.SlicerLayoutOneUpRedSliceView
    section.sideButton.click()
    take_all(section.view_steps)
    section.sideButton.click()
    assert layout.GetViewArrangement() == layout.SlicerLayoutOneUpRedSliceView and not section.sideButton.checked


def test_it_is_narrow(two: Any) -> None:
    assert pythonqt.unwrap(two.follow_up.widget).minimumSizeHint().width() <= 330
