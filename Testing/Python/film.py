"""A radiologist's round in the desktop Slicer, as pictures of its window: run by `make film`, which joins them.

The shipped weights on the phantom that Sample Data offers; what stands on the pictures is what ran. Settings by environment variable:
$MEDSEGDL_FILM, the folder of the pictures.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import slicer

FOLDER_VARIABLE = "MEDSEGDL_FILM"
LAPTOP = (1366, 740)  # pixels of the window
DOCK = 420  # of the panel
LIST = "film.json"


class Film:
    """Pictures of the window in their order, each with a caption and how long it is shown."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.pictures = folder, []

    def take(self, caption: str, seconds: float, seen: Any = None) -> None:
        """A picture of the window as it is, with a widget of the panel in sight."""
        from self_test_desktop import live

        if seen is not None:
            slicer.modules.MedSegDLWidget.ui.scrollArea.ensureWidgetVisible(seen)
        live(0.3)
        name = f"{len(self.pictures):02d}.png"
        slicer.util.mainWindow().grab().save(str(self.folder / name))
        self.pictures.append({"name": name, "caption": caption, "seconds": seconds})

    def close(self) -> None:
        """Write the list, by which they are joined."""
        (self.folder / LIST).write_text(json.dumps(self.pictures), encoding="utf-8")


def play(film: Film) -> None:
    """The round: load, look at the check, segment, go to a lesion, surfaces, report of what was found."""
    from self_test_desktop import live, open_panel, wait_until

    from MedSegDLLib.scene.lesion_table import rows_of
    from MedSegDLLib.scene.overlay import map_of
    from MedSegDLLib.scene.parameters import inputs_of

    window = slicer.util.mainWindow()
    window.resize(*LAPTOP)
    slicer.util.findChild(window, "PanelDockWidget").setFixedWidth(DOCK)
    for probe in slicer.util.findChildren(window, className="ctkCollapsibleButton", name="DataProbeCollapsibleWidget"):
        probe.collapsed = True
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    widget = open_panel()
    ui, panel = widget.ui, widget.panel
    panel.tour.leave()
    film.take("The panel of MedSegDL, an empty scene", 1.5)
    widget.logic.loadPhantom()
    wait_until(lambda: len(inputs_of(panel.parameters)) == 4, "four inputs are guessed", 60)
    empty = ui.findingsLabel.text
    wait_until(lambda: ui.findingsLabel.text != empty, "the inputs are checked", 60)
    film.take("Four volumes are loaded: the inputs fill themselves, and are checked", 2.5)
    ui.segmentButton.click()
    for _ in range(3):
        live(0.5)
        if panel.session.running:
            film.take("One click on Segment: bias correction, network, segments", 0.8)
    wait_until(lambda: not panel.session.running, "the run has ended", 300)
    wait_until(lambda: panel.parameters.result is not None and rows_of(panel.parameters.result), "the lesions are measured", 60)
    wait_until(lambda: not panel.steps.running and not panel.result.steps.running, "the views are turned", 60)
    live(1.0)
    film.take("The segments, their volumes, and the views at the largest lesion", 3.0, ui.resultTable)
    ui.show3DButton.checked = True
    live(2.0)
    film.take("Show 3D", 2.0, ui.show3DButton)
    ui.uncertaintyBox.click()
    wait_until(lambda: map_of(panel.parameters.result) is not None, "the uncertainty is there", 300)
    wait_until(lambda: not panel.session.running and not panel.shown.busy, "the uncertainty is shown", 60)
    live(1.0)
    film.take("Uncertainty over the images: where the network is undecided", 2.5, ui.uncertaintyBox)


def main() -> None:
    """Play, and end the application whatever happens."""
    code = 1
    try:
        sys.path.insert(0, str(Path(__file__).resolve().parent))
        from self_test_desktop import CASE, offer_repository_python

        offer_repository_python()
        film = Film(Path(os.environ[FOLDER_VARIABLE]))
        CASE["folder"] = film.folder  # there is something to run: wait for the worker
        play(film)
        film.close()
        code = 0
    except BaseException:  # noqa: BLE001 - an exit code must come out in any case
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        slicer.util.exit(code)


main()
