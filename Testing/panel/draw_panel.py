"""Draws the tutorial's pictures of the panel: inputs guessed and checked, at work, and with the volumes of a run.

The panel's widgets are Qt's under the stand-ins of the tests; the phantom is segmented by the shipped weights in a real worker, and
what ran is printed. From the repository's root: `make pictures`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.atomic import file_sha256
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.scene.bare import open_scene
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.environment import PYTHON_VARIABLE

from . import pythonqt, standins

PICTURES = Path(__file__).resolve().parents[2] / "Resources"
WIDTH = 450
SHAPE, SPACING_MM = (160, 192, 160), 1.0
LIMIT_S, PAUSE_S = 300.0, 0.01
PICTURED_PERCENT = 50
CUT = 12  # slices at either end that T2 does not reach
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


def shown(panel: Any, until: Callable[[], bool]) -> None:
    """Let the panel's own timers run until something is so, as the desktop's event loop does."""
    end = time.monotonic() + LIMIT_S
    while not until():
        QtWidgets.QApplication.processEvents()
        panel.poll()
        if time.monotonic() > end:
            raise TimeoutError(panel.ui.logTextEdit.toPlainText())
        time.sleep(PAUSE_S)


def stages() -> Iterator[tuple[str, Any]]:
    """File name and panel, before, during and after a run of the shipped weights in a worker process of their own."""
    images = with_a_shorter_t2(head_phantom(shape=SHAPE, spacing_mm=SPACING_MM).images)
    for key, name in NAMES.items():
        node_from_image(images[key], name)
    os.environ[PYTHON_VARIABLE] = sys.executable
    widget = standins.import_panel().MedSegDLWidget(standins.module_panel())
    widget.setup()
    widget.enter()
    panel = widget.panel
    shown(panel, lambda: "T2" in panel.ui.findingsLabel.text)
    yield "panel-checked.png", widget
    panel.segment()
    shown(panel, lambda: panel.ui.progressBar.value >= PICTURED_PERCENT)
    yield "panel-running.png", widget
    shown(panel, lambda: not panel.session.running and panel.parameters.result is not None and not panel.result.news_due)
    told(panel)
    yield "panel.png", widget
    widget.cleanup()


def told(panel: Any) -> None:
    """Print what ran: the figures in the picture are these."""
    table, weights = panel.parameters.resultTable.GetTable(), find_weights(TASKS["brain"])
    columns = range(table.GetNumberOfColumns())
    voxels = " x ".join(map(str, SHAPE[::-1]))
    print(f"Phantom of seed 0, {voxels} voxels of {SPACING_MM:g} mm; {weights.name}, SHA-256 {file_sha256(weights)}.")
    print(panel.parameters.summary)
    for row in range(table.GetNumberOfRows()):
        print(*(table.GetValue(row, column).ToString() for column in columns))


def save(panel: Any, path: Path) -> None:
    """Grab the panel into a file."""
    widget = pythonqt.unwrap(panel.parent)
    widget.resize(WIDTH, 10)
    widget.show()
    area = pythonqt.unwrap(panel.ui.scrollArea)
    for _ in range(5):  # wrapped labels find their height in several rounds
        QtWidgets.QApplication.processEvents()
        area.setMinimumHeight(area.widget().heightForWidth(area.viewport().width()))  # pictured whole, not scrolled
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
