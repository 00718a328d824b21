"""Draws the tutorial's pictures of the panel under the stand-ins: inputs guessed and checked, at work, and with the volumes of the phantom.
Run it from the repository's root: `PYTHONPATH=MedSegDL python -m Testing.panel.draw_panel`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.phantom.head import Phantom, head_phantom
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene import wording
from MedSegDLLib.scene.bare import open_scene
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker import services

from . import pythonqt, standins
from .fake_client import FakeClient

PICTURES = Path(__file__).resolve().parents[2] / "Resources"
WIDTH = 500
SHAPE, SPACING_MM = (80, 96, 80), 2.0
CUT = 6  # slices at either end that T2 does not reach
NAMES = {"t1": "Phantom-0001-t1n", "t1ce": "Phantom-0001-t1c", "t2": "Phantom-0001-t2w", "flair": "Phantom-0001-t2f"}


def style(application: QtWidgets.QApplication) -> None:
    """A light panel in a common font, as Slicer has it on Linux."""
    application.setStyle("Fusion")
    application.setFont(QtGui.QFont("DejaVu Sans", 9))


def with_a_shorter_t2(images: dict[str, Image]) -> dict[str, Image]:
    """T2 on a grid of its own, as scanners give it, so that the check has something to say."""
    t2 = images["t2"]
    box = (slice(CUT, t2.array.shape[0] - CUT), *(slice(0, size) for size in t2.array.shape[1:]))
    return {**images, "t2": replace(t2, array=t2.array[box], affine=t2.grid.cropped(box).affine)}


def truth_as_result(phantom: Phantom, images: dict[str, Image]) -> Result:
    """The phantom's own truth in the shape of a result, with what the check really says."""
    task, grid = TASKS["brain"], phantom.grid
    segments = tuple(Segment(region, phantom.truth[region.key], grid.voxel_volume_mm3) for region in task.regions)
    named = {key: replace(image, name=NAMES[key]) for key, image in images.items()}
    warnings = services.check(named, task)
    return Result(task, grid, "flair", segments, record={"seconds": {"all": 8.4}, "device": "cpu", "warnings": warnings, "count": None})


def stages() -> Iterator[tuple[str, Any]]:
    """File name and panel, as the user sees it before, during and after a run."""
    phantom = head_phantom(shape=SHAPE, spacing_mm=SPACING_MM)
    images = with_a_shorter_t2(phantom.images)
    for key, name in NAMES.items():
        node_from_image(images[key], name)
    result = truth_as_result(phantom, images)
    module, client = standins.import_panel(), FakeClient()
    module.Worker = lambda: client
    panel = module.MedSegDLWidget(standins.module_panel())
    panel.setup()
    panel.enter()
    client.become_ready()
    panel.poll()
    panel.ui.findingsLabel.text = wording.findings_html(result.record["warnings"], TASKS["brain"], "")
    yield "panel-checked.png", panel
    panel.segment()
    client.progress(0.62, "Segmenting")
    panel.poll()
    yield "panel-running.png", panel
    client.answer(result)
    panel.poll()
    yield "panel.png", panel
    panel.cleanup()


def save(panel: Any, path: Path) -> None:
    """Grab the panel into a file."""
    widget = pythonqt.unwrap(panel.parent)
    widget.resize(WIDTH, 10)
    widget.show()
    for _ in range(5):  # wrapped labels find their height in several rounds
        QtWidgets.QApplication.processEvents()
        widget.resize(WIDTH, widget.heightForWidth(WIDTH) if widget.hasHeightForWidth() else widget.sizeHint().height())
    picture = widget.grab()
    picture.save(str(path))
    print(path, picture.width(), "x", picture.height())


def main() -> None:
    """Draw the pictures, into another folder if one is given."""
    application = QtWidgets.QApplication([])
    style(application)
    standins.install()
    open_scene_before_the_desktop = open_scene()
    slicer.app = standins.Application()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES
    for name, panel in stages():
        panel.ui.advancedCollapsibleButton.collapsed = True
        save(panel, folder / name)
    del open_scene_before_the_desktop
    QtCore.QCoreApplication.quit()


if __name__ == "__main__":
    main()
