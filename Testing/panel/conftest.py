"""The panel on a real MRML scene, under the stand-ins, with a worker that the tests play themselves."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("slicer", reason="slicer-core is not installed: no MRML scene")
pytest.importorskip("PySide6", reason="PySide6 is not installed: no widgets")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtWidgets

from MedSegDLLib.scene import guard
from MedSegDLLib.scene.bare import BareScene, open_scene

from . import pythonqt, standins
from .fake_client import FakeClient


@pytest.fixture(scope="session")
def application() -> QtWidgets.QApplication:
    """Qt, and the stand-ins in their places."""
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    standins.install()
    return application


@pytest.fixture
def bare(application: QtWidgets.QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[BareScene]:
    """A fresh scene in a stand-in for the desktop. A slot that raised fails the test, as it would show an error in the desktop."""
    monkeypatch.delenv("MEDSEGDL_PYTHON", raising=False)
    old = {name: getattr(slicer, name, None) for name in ("mrmlScene", "modules")}
    bare = open_scene()
    slicer.app = standins.Application()
    standins.Settings.values = {"MedSegDL/TourSeen": "true"}  # the tour is what few tests are about
    pythonqt.slot_errors.clear()
    yield bare
    errors = list(pythonqt.slot_errors)
    pythonqt.forget_all()
    del slicer.app
    for name, value in old.items():
        setattr(slicer, name, value)
    assert not errors, errors


@pytest.fixture
def module(bare: BareScene) -> Any:
    """The module MedSegDL."""
    return standins.import_panel()


@pytest.fixture
def client(module: Any, monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """The worker that every new logic gets."""
    from MedSegDLLib.scene import session

    client = FakeClient()
    monkeypatch.setattr(session, "AnyWorker", lambda: client)
    return client


@pytest.fixture
def widget(module: Any, client: FakeClient, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module's widget, set up but not entered."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))  # no private environment of this user's
    widget = module.MedSegDLWidget(standins.module_panel())
    widget.setup()
    yield widget
    widget.cleanup()


@pytest.fixture
def bugs() -> list[str]:
    """What the panel has to report that is no user's mistake and no worker's; a test that makes some must empty it."""
    return []


@pytest.fixture
def panel(widget: Any, bugs: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The panel, set up but not entered. A callback that raised fails the test."""
    monkeypatch.setattr(guard, "failure_of", functools.partial(_noted, bugs, guard.failure_of))
    yield widget.panel
    assert not bugs, "\n".join(bugs)


def _noted(bugs: list[str], failure_of: Any, error: Exception) -> Any:
    failure = failure_of(error)
    bugs += [failure.details] if failure.kind == "bug" else []
    return failure


@pytest.fixture
def entered(panel: Any, client: FakeClient) -> Any:
    """The panel as shown to the user, its worker ready."""
    panel.enter()
    client.become_ready()
    panel.poll()
    return panel


@pytest.fixture
def editor(bare: BareScene, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the Segment Editor was asked for."""
    return standins.segment_editor(monkeypatch)
