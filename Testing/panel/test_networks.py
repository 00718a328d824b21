"""The panel's networks: the list, what is asked before one is added, the task list afterwards, and removal. The worker is played."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import slicer

from MedSegDLLib.tasks import LIVER, TASK_KEY, WEIGHTS_VARIABLE, Task, manifest_path
from MedSegDLLib.worker.environment import Interpreter, Source
from MedSegDLLib.worker.processes import Failure
from Testing.core.tiny import tiny_weights

from . import pythonqt
from .fake_client import FakeClient, result_of
from .test_panel import choose, selected, volume

PACKAGES_LINK = "medsegdl:packages"
SPLEEN = replace(LIVER, key="spleen", title="Spleen (CT)")
FOUND = {"source": "/somewhere/x", "kind": "nnU-Net v2", "title": "Spleen", "regions": [f"r{n}" for n in range(12)], "licence": "CC BY 4.0",
         "bytes": 3_000_000, "missing": []}  # fmt: skip


@pytest.fixture
def mine(panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: FakeClient) -> Any:
    """The panel, its worker ready, with an empty weights folder of the user's; the tasks are the shipped ones again afterwards."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(folder))
    panel.enter()
    client.become_ready()
    panel.poll()
    yield panel
    monkeypatch.delenv(WEIGHTS_VARIABLE)
    panel.tasks_changed()


def listed(panel: Any) -> list[str]:
    """The titles in the task list."""
    box = panel.ui.taskComboBox
    return [box.itemText(row) for row in range(box.count)]


def rows(panel: Any) -> list[tuple[str, ...]]:
    table = panel.ui.networksTable
    return [tuple(table.item(row, column).text() for column in range(table.columnCount)) for row in range(table.rowCount)]


def visible(widget: Any) -> bool:
    return not pythonqt.unwrap(widget).isHidden()


def add(panel: Any, client: FakeClient, folder: Path, task: Task = SPLEEN) -> None:
    """Look, accept, and let the worker write the weights."""
    panel.networks.look("/somewhere/x")
    client.answer(FOUND)
    panel.poll()
    panel.ui.acceptNetworkButton.click()
    tiny_weights(folder, task)
    client.answer({"task": task.key, "title": task.title, "weights": "", "licence": "CC BY 4.0"})
    panel.poll()


def test_what_it_is_and_its_licence_are_told_before_it_is_added(mine: Any, client: FakeClient) -> None:
    assert not visible(mine.ui.networkOfferWidget) and "none yet" in mine.ui.networksLabel.text
    mine.networks.look("/somewhere/x")
    assert client.requested == [("look", {"source": "/somewhere/x"})]
    client.answer(FOUND)
    mine.poll()
    told = mine.ui.networkOfferLabel.text
    assert "nnU-Net v2" in told and "3 MB" in told and "r7 and 4 more" in told
    assert mine.ui.networkLicenceLineEdit.text == "CC BY 4.0" and mine.ui.acceptNetworkButton.enabled
    mine.ui.networkLicenceLineEdit.text = "as agreed"
    mine.ui.acceptNetworkButton.click()
    folder = os.environ[WEIGHTS_VARIABLE]
    assert client.requested[1:] == [("add", {"source": "/somewhere/x", "licence": "as agreed", "folder": folder})]
    client.progress(0.4, "Reading checkpoint_final.pth")
    mine.poll()
    assert mine.ui.progressBar.value == 40 and visible(mine.ui.runWidget) and not mine.ui.addNetworkButton.enabled
    mine.ui.cancelButton.click()
    assert client.withdrawn == [2]
    client.fail(Failure("cancelled", "Cancelled."))
    mine.poll()
    assert visible(mine.ui.segmentButton) and mine.ui.addNetworkButton.enabled and visible(mine.ui.networkOfferWidget)
    mine.ui.declineNetworkButton.click()
    assert not visible(mine.ui.networkOfferWidget)


def test_it_is_in_the_list_at_once_and_segments_and_can_be_removed(
    mine: Any, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, ct = listed(mine), volume("some_ct")
    choose(mine, "liver")
    mine.ui.uncertaintyCheckBox.checked = True
    add(mine, client, tmp_path / "mine")
    assert listed(mine) == [*before, "Spleen (CT)"] and mine.parameters.task.name == "spleen"
    assert [name for name, _ in rows(mine)] == ["Spleen (CT)"] and rows(mine)[0][1].endswith(("kB", "MB"))
    assert selected(mine) == {"spleen_ct": ct}, "its own selector is filled"
    assert mine.ui.uncertaintyCheckBox.checked, "all other choices stay"
    mine.ui.segmentButton.click()
    kind, images, task, _options = client.asked[-1]
    assert (kind, task, images["ct"].name) == ("segment", "spleen", "some_ct")
    client.answer(result_of(SPLEEN, images))
    for _ in range(200):
        mine.poll()
        if not mine.session.running:
            break
    assert mine.parameters.result.GetSegmentation().GetNumberOfSegments() == 2

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda text: "spleen.safetensors" in text, raising=False)
    mine.ui.networksTable.selectRow(0)
    assert mine.ui.removeNetworkButton.text.startswith("Remove (")
    mine.ui.removeNetworkButton.click()
    assert listed(mine) == before and rows(mine) == [] and list((tmp_path / "mine").iterdir()) == []
    assert mine.parameters.task.name == "brain" and "spleen_ctSelector" not in vars(mine.ui)
    assert client.stopped, "the worker may hold the file"


def test_a_changed_task_gets_selectors_of_its_own(mine: Any, client: FakeClient, tmp_path: Path) -> None:
    add(mine, client, tmp_path / "mine")
    old, wrapper = mine.ui.spleen_ctSelector, weakref.ref(mine.parameters)
    tiny_weights(tmp_path / "mine", replace(SPLEEN, title="Spleen, again"))
    mine.tasks_changed()
    assert "Spleen, again" in listed(mine) and mine.ui.spleen_ctSelector is not old
    assert wrapper() is None, "an old wrapper that lives on would refuse the choices that it does not know"
    assert mine.parameters.task.name == "spleen", "the choice is the scene's, not the class's"


def test_packages_that_it_needs_are_told_with_their_price_and_installed_first(
    mine: Any, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr(mine.session, "interpreter", lambda setting: Interpreter(Path("/env/bin/python"), Source.PRIVATE))
    monkeypatch.setattr(mine.session, "add_packages", lambda names, told: given.append((names, told)))
    mine.networks.look("/somewhere/x")
    client.answer({**FOUND, "missing": ["dynamic_network_architectures", "scipy"]})
    mine.poll()
    assert "35 MB to download, 144 MB on disk, about 1 min" in mine.ui.networkOfferLabel.text
    mine.ui.acceptNetworkButton.click()
    [(names, told)] = given
    assert names == ("dynamic_network_architectures", "scipy") and client.requested[-1][0] == "look"
    told.on_result(None)
    assert client.requested[-1][0] == "add" and client.requested[-1][1]["source"] == "/somewhere/x", "then the network itself"


def test_into_a_python_that_is_not_ours_nothing_is_installed(mine: Any, client: FakeClient) -> None:
    mine.networks.look("/somewhere/x")
    client.answer({**FOUND, "missing": ["monai"]})
    mine.poll()
    assert "monai" in mine.ui.networkOfferLabel.text and "install them there" in mine.ui.networkOfferLabel.text
    assert not mine.ui.acceptNetworkButton.enabled


def test_a_network_whose_packages_are_gone_offers_them(
    mine: Any, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(mine, client, tmp_path / "mine")
    manifest = manifest_path(tmp_path / "mine" / "spleen.safetensors")
    entry = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**entry, "plan": {**entry["plan"], "kind": "nnunet"}}))
    monkeypatch.setattr(mine.session, "interpreter", lambda setting: Interpreter(Path("/env/bin/python"), Source.PRIVATE))
    given: list[Any] = []
    monkeypatch.setattr(mine.session, "add_packages", lambda names, told: given.append(names))
    mine.report(Failure("weights", "They are damaged."))
    assert PACKAGES_LINK not in mine.ui.findingsLabel.text
    mine.report(Failure("package", "It needs the package x.", "Install it."))
    assert PACKAGES_LINK in mine.ui.findingsLabel.text and "1 min" in mine.ui.findingsLabel.text
    mine.findings.follow_link(PACKAGES_LINK)
    assert given == [("dynamic_network_architectures", "scipy")]


def test_a_server_has_networks_of_its_own(mine: Any) -> None:
    mine.ui.pythonPathLineEdit.currentPath = "http://127.0.0.1:8765/#token"
    mine.update_buttons()
    assert not mine.ui.addNetworkButton.enabled and "server" in mine.ui.networkButtonsWidget.toolTip


def test_a_variable_that_names_one_file_leaves_no_place_for_others(mine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tiny_weights(tmp_path, SPLEEN)))
    mine.networks.show()
    assert "unset it" in mine.ui.networksLabel.text and rows(mine) == []


def test_two_tasks_of_one_title_are_two_choices(mine: Any, tmp_path: Path) -> None:
    for key in ("spleen", "spleen-2"):
        tiny_weights(tmp_path / "mine", replace(SPLEEN, key=key))
    mine.tasks_changed()
    assert listed(mine)[-2:] == ["Spleen (CT) [spleen]", "Spleen (CT) [spleen-2]"]
    mine.ui.taskComboBox.currentIndex = len(listed(mine)) - 1
    assert mine.parameters.task.name == "spleen-2"


def carried(*path: Any) -> Callable[[dict[str, Any]], None]:
    """An edit of a manifest: in the task that it carries, the last of `path` is put where the others lead."""
    *way, last, value = path

    def edit(manifest: dict[str, Any]) -> None:
        place: Any = manifest[TASK_KEY]
        for key in way:
            place = place[key]
        place[last] = value

    return edit


ABSURD: dict[str, bytes | Callable[[dict[str, Any]], None]] = {
    "nothing at all": b"",
    "no text": bytes(range(256)) * 4,
    "UTF-16": '{"task": "spleen"}'.encode("utf-16"),
    "a hundred thousand brackets": b"[" * 100_000,
    "no number": b'{"task": NaN}',
    "one key twice": b'{"task": "spleen", "task": "liver"}',
    "a list": b'["spleen", "spleen"]',
    "a number too long": b'{"task": ' + b"9" * 5000 + b"}",
    "a name that leaves the folder": carried("key", "../../spleen"),
    "a name of Windows's": carried("key", "CON"),
    "a title of two lines": carried("title", "Spleen\n<h1>all is well</h1>"),
    "a title of a book": carried("title", "Spleen " * 20_000),
    "no input": carried("inputs", []),
    "a picture beside a volume": carried("inputs", [{"key": k, "title": k, "modality": m} for k, m in (("a", "CT"), ("b", "picture"))]),
    "ten thousand inputs": carried("inputs", [{"key": f"a{n}", "title": "A", "modality": "CT"} for n in range(10_001)]),
    "two inputs of one name": carried("inputs", [{"key": "ct", "title": "CT", "modality": "CT"}] * 2),
    "an image that is none": carried("inputs", 0, "modality", "rumour"),
    "a region within itself": carried("regions", 0, "inside", "liver"),
    "a colour beyond white": carried("regions", 0, "color", [2.0, -1.0, 0.5]),
    "a meaning without a code": carried("regions", 0, "type", {"meaning": "Spleen"}),
    "a version that is true": carried("version", True),
    "no plan in the task": carried("plan", None),
    "a task that is a path": lambda manifest: manifest.update({TASK_KEY: "/etc/passwd"}),
    "a task for another": lambda manifest: manifest.update(task="heart"),
    "scores in words": lambda manifest: manifest.update(scores="very good"),
    "no plan": lambda manifest: manifest.update(plan=None),
    "a plan that is a list": lambda manifest: manifest.update(plan=[]),
    "a licence that is a list": lambda manifest: manifest.update(training={"licence": ["CC0"]}),
}


def test_absurd_manifests_are_told_in_a_sentence_and_everything_else_can_be_used(mine: Any, tmp_path: Path) -> None:
    folder, before = tmp_path / "mine", listed(mine)
    good = tiny_weights(folder, SPLEEN)
    told = json.loads(manifest_path(good).read_text())
    for number, absurd in enumerate(ABSURD.values()):
        shutil.copy(good, pair := folder / f"absurd-{number:02}.safetensors")
        manifest = json.loads(json.dumps(told))
        content = absurd if isinstance(absurd, bytes) else absurd(manifest) or json.dumps(manifest).encode()
        manifest_path(pair).write_bytes(content)
    mine.tasks_changed()
    mine.networks.show()
    assert listed(mine) == [*before, "Spleen (CT)"]
    assert mine.ui.networksLabel.text.count("cannot be used") == 1 and f"{len(ABSURD) - 1} more" in mine.ui.networksLabel.text
    tips = [mine.ui.networksTable.item(row, 0).toolTip() for row in range(mine.ui.networksTable.rowCount)]
    assert len(tips) == len(ABSURD) + 1
    for name, tip in zip(ABSURD, tips):
        assert tip.startswith("The manifest absurd-") and tip.endswith(".") and "\n" not in tip and len(tip) < 500, name
    choose(mine, "spleen")
    assert mine.parameters.task.name == "spleen" and mine.ui.networkLabel.text.startswith("spleen")


@pytest.mark.parametrize("plan", [{"kind": ["nnunet"]}, {"tile": [10**9] * 3}])
def test_a_plan_that_is_none_leaves_the_task_to_be_chosen(mine: Any, tmp_path: Path, plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = manifest_path(tiny_weights(tmp_path / "mine", SPLEEN))
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "plan": plan}))
    monkeypatch.setattr(mine.session, "interpreter", lambda setting: Interpreter(Path("/env/bin/python"), Source.PRIVATE))
    mine.tasks_changed()
    choose(mine, "spleen")
    mine.report(Failure("package", "It needs the package x.", "Install it."))
    assert mine.parameters.task.name == "spleen" and "needs the package x" in mine.ui.findingsLabel.text


@pytest.mark.parametrize("key", ["mro", "label", "name", "value", "class", "task", "0"])
def test_a_task_may_have_any_name(mine: Any, tmp_path: Path, key: str) -> None:
    tiny_weights(tmp_path / "mine", replace(SPLEEN, key=key))
    mine.tasks_changed()
    mine.ui.taskComboBox.currentIndex = len(listed(mine)) - 1
    assert listed(mine)[-1] == "Spleen (CT)" and mine.ui.networkLabel.text.startswith(key)


def test_titles_that_look_like_one_another_are_choices_of_their_own(mine: Any, tmp_path: Path) -> None:
    for key, title in (("a", "S"), ("b", "S"), ("c", "S [a]")):
        tiny_weights(tmp_path / "mine", replace(SPLEEN, key=key, title=title))
    mine.tasks_changed()
    assert len({*listed(mine)}) == len(listed(mine)) == 6 and {"S [b]", "S [a]"} < {*listed(mine)}
