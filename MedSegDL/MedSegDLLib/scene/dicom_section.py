"""The panel's 'Save as DICOM': SEG, SR and secondary capture of the result as it now is, into a folder or Slicer's DICOM database.
Desktop only. The worker writes; here are the buttons and what they say.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputRefused
from ..io.formats import DICOM_RESULTS
from ..io.private_folder import remove_private_folder
from ..tasks import Task
from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from ..worker.protocol import make_private_folder
from ..worker.remote import is_address
from .guard import guarded
from .translation import sentence
from .widgets import Steps, button_row, python_setting

ARRAYS, FILES = "arrays", "files"  # in the private folder


class DicomSection:
    """The buttons and what they do.

    Args:
        layout: of the result.
        panel: has `report(failure)`, `expect_news()`, `log(text)` and `session`.
        subject: the segmentation that is shown and its task; None for none.
    """

    def __init__(self, layout: Any, panel: Any, subject: Callable[[], tuple[Any, Task] | None]) -> None:
        self.panel, self.subject = panel, subject
        self.steps = Steps(self.report)
        self._writing: Background | None = None
        self._place: Path | None = None
        self._target: Path | None = None
        row = button_row(layout)
        self.button = qt.QPushButton(_("Save as DICOM ..."))
        self.button.name = "saveDicomButton"
        self.button.toolTip = _(
            "Write segmentation (SEG), measurements (SR) and pictures beside the series of the volume, as the segments now are."
        )
        self.databaseButton = qt.QPushButton(_("Into DICOM database"))
        self.databaseButton.name = "dicomDatabaseButton"
        self.databaseButton.toolTip = _("The same, into Slicer's DICOM database.")
        for button, clicked in ((self.button, self.clicked), (self.databaseButton, self.database_clicked)):
            button.connect("clicked(bool)", clicked)
            row.addWidget(button)
        self.widget = self.button.parentWidget()
        self.show()

    @property
    def news_due(self) -> bool:
        """Whether something is being saved."""
        return self._place is not None

    def show(self) -> None:
        """Offer what there is: pictures cannot be saved, and the database only where the application has one."""
        subject = self.subject()
        possible = has_database = subject is not None and not subject[1].pictures
        if possible:
            from .dicom_nodes import dicom_database  # imported with the first result (`warming`)

            has_database = dicom_database() is not None
        self.widget.visible, self.databaseButton.visible = possible, has_database

    def poll(self) -> None:
        """Hear of the thread that writes the voxels out."""
        if self._writing is not None:
            self._writing.poll()

    def close(self) -> None:
        """For good."""
        self.steps.stop()
        if self._writing is not None:
            self._writing.end()
        self._end()

    @guarded
    def clicked(self) -> None:
        """Ask where to, and save."""
        chosen = qt.QFileDialog.getExistingDirectory(self.button.window(), _("A folder for the DICOM files"))
        if chosen and (not any((Path(chosen) / name).exists() for name in DICOM_RESULTS) or self._may_replace()):
            self.save(Path(chosen))

    @guarded
    def database_clicked(self) -> None:
        """Save into the database."""
        self.save(None)

    def save(self, folder: Path | None) -> None:
        """Save what is shown; into the database where the folder is None.

        Raises:
            InputRefused: there is no result, or the worker is on another machine.
        """
        subject = self.subject()
        if subject is None:
            raise InputRefused("There is no result to save.", "Segment first.")
        if is_address(python_setting()):
            raise InputRefused(
                "A server segments, and the files of the series are on this machine.",
                "Choose a Python of this machine (Advanced), and save again.",
            )
        self._target, self._place = folder, make_private_folder()
        self._lock(True)
        self.steps.start(self._collected(*subject))
        self.panel.expect_news()

    def _may_replace(self) -> bool:
        return slicer.util.confirmYesNoDisplay(_("The folder holds DICOM files of a result already. Replace them?"))

    def _collected(self, node: Any, task: Task) -> Iterator[None]:
        """Take the segments out of the scene, one a step, then let a thread write their voxels."""
        from ..worker.save_dicom import request_of
        from .dicom_nodes import collecting

        scene = yield from collecting(node, task)
        told = Callbacks(on_result=self.ask, on_error=self.report)
        place, target = self._place, self._target or self._place / FILES
        self._writing = Background(lambda progress: request_of(scene, place / ARRAYS, target), told)

    @guarded
    def ask(self, payload: dict) -> None:
        """The voxels are there: the worker reads the series and writes the files."""
        self._writing = None
        failures: list[Failure] = []
        self.panel.session.start(python_setting(), Callbacks(on_error=failures.append))
        if failures:
            self.report(failures[0])
            return
        from ..worker.save_dicom import KIND

        self.panel.session.request(KIND, payload, Callbacks(on_result=self.saved, on_error=self.report))
        self.panel.expect_news()

    @guarded
    def saved(self, answer: dict[str, Any]) -> None:
        """The files are there."""
        for note in answer["notes"]:
            self.panel.log(sentence(note))
        if self._target is None:
            self.steps.start(self._inserted([Path(path) for path in answer["files"]]))
        else:
            self._end(_("The result was saved as DICOM: {path}").format(path=self._target))

    def _inserted(self, files: Sequence[Path]) -> Iterator[None]:
        """Hand the files to the database, which copies them, one a step."""
        from .dicom_nodes import dicom_database

        for path in files:
            database = dicom_database()
            if database is None:
                raise InputRefused("The DICOM database was closed meanwhile.", "Open it in the DICOM module, and save again.")
            database.insert(str(path))
            yield
        self._end(_("The result was saved into the DICOM database."))

    def report(self, failure: Failure) -> None:
        """It could not be saved: give the buttons back, and say why."""
        self._writing = None
        self._end()
        self.panel.report(failure)

    def _end(self, text: str = "") -> None:
        """The private folder goes, and the buttons come back."""
        place, self._place = self._place, None
        if place is not None:
            threading.Thread(target=remove_private_folder, args=(place,), daemon=True).start()  # the worker may hold its files a moment
        self._lock(False)
        if text:
            self.panel.log(text)

    def _lock(self, locked: bool) -> None:
        self.button.enabled = self.databaseButton.enabled = not locked
