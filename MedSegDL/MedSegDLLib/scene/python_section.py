"""The panel's Python: which one runs the worker, and the ways to one that has torch: a private environment, or Slicer's own.
Desktop only. Making and removing is `worker.installation`, in the background; here are the buttons and what they say.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from ..worker.remote import is_address
from . import slicer_python, wording
from .guard import guarded
from .session import Session
from .widgets import new_timer, python_setting, set_python_setting

PYTHON_DELAY_MS = 1000  # after the last key in the path of another Python


class PythonSection:
    """Path, state, private environment.

    Args:
        ui: the panel's widgets.
        session: whose worker it is.
        panel: has `report(failure)`, `restart()`, `show_progress(fraction, message)`, `update_buttons()`, `expect_news()`.
    """

    def __init__(self, ui: Any, session: Session, panel: Any) -> None:
        self.ui, self.session, self.panel = ui, session, panel
        self.report = panel.report
        self.timer = new_timer(self.python_chosen, PYTHON_DELAY_MS, once=True)
        self._measuring: Background | None = None
        ui.pythonPathLineEdit.currentPath = python_setting()
        ui.environmentButton.connect("clicked(bool)", self.make_environment)
        ui.removeButton.connect("clicked(bool)", self.remove_environment)
        ui.installButton.connect("clicked(bool)", self.install)
        ui.pythonPathLineEdit.connect("currentPathChanged(QString)", self.python_typed)
        ui.pythonPathLineEdit.connect("validInputChanged(bool)", self.python_typed)  # all that an emptied line tells

    @property
    def setting(self) -> str:
        """The path that the user has given, or nothing."""
        return self.ui.pythonPathLineEdit.currentPath

    @property
    def packages(self) -> Path | None:
        """The folder that the environment is made of without a network, where the user has chosen one: it, or a file in it."""
        text = self.ui.packagesPathLineEdit.currentPath.strip()
        chosen = Path(text).expanduser()
        return (chosen.parent if chosen.is_file() else chosen) if text else None

    @property
    def news_due(self) -> bool:
        """Whether the size of the environment is being measured."""
        return self._measuring is not None

    def show(self) -> None:
        """Say which Python it is, and what the private environment costs or takes."""
        interpreter = self.session.interpreter(self.setting)
        self.ui.pythonStateLabel.text = wording.interpreter_text(interpreter, self.session.ready)
        if is_address(self.setting):
            self.ui.pythonStateLabel.text = wording.server_text(self.session.ready)
        told = Callbacks(on_result=self.show_size, on_error=self.report)
        self._measuring = Background(lambda progress: _size_of(self.session.environment_folder), told)

    def poll(self) -> None:
        """Show the size once it is known."""
        if self._measuring is not None:
            self._measuring.poll()

    def close(self) -> None:
        """For good."""
        self.timer.stop()
        self._measuring = None

    @guarded
    def show_size(self, size: int) -> None:
        """What the private environment takes, or what it would."""
        from ..worker.installation import plan

        self._measuring = None
        self.ui.removeButton.enabled = size > 0 and not self.session.making_environment and not self.session.running
        self.ui.removeButton.text = _("Remove ({size})").format(size=wording.bytes_text(size)) if size else _("Remove")
        place = wording.breakable(str(self.session.environment_folder))
        self.ui.environmentLabel.text = wording.plan_text(plan()) if not size else _("Private environment: {place}").format(place=place)

    @guarded
    def python_typed(self) -> None:
        """Wait for the end of the path."""
        self.timer.start()

    @guarded
    def python_chosen(self) -> None:
        """Another interpreter was chosen."""
        self.timer.stop()
        set_python_setting(self.setting)
        self.panel.restart()

    @guarded
    def make_environment(self) -> None:
        """Install torch into a folder of our own, in the background; Slicer stays as it is. A second click starts no second one."""
        if self.session.making_environment or self.session.running:
            return
        self.panel.show_progress(0.0, _("Making the environment ..."))
        told = Callbacks(on_progress=self.panel.show_progress, on_result=self.environment_made, on_error=self.environment_failed)
        from ..worker.installation import fitting_options, plan

        packages = self.packages
        self.session.make_environment(told, None if packages is None else replace(fitting_options(), wheels=packages))
        if packages is None:
            self.panel.log(wording.plan_text(plan()))
        self._busy()

    @guarded
    def environment_made(self, interpreter: Any) -> None:
        """Use the new environment, whatever was chosen before."""
        self.panel.log(_("The private environment is ready."))
        self.ui.pythonPathLineEdit.currentPath = ""
        self.python_chosen()

    @guarded
    def environment_failed(self, failure: Failure) -> None:
        """Say why, and work on with what there was."""
        self.panel.restart()
        self.report(failure)

    @guarded
    def remove_environment(self) -> None:
        """Give the disk back."""
        if self.session.making_environment or self.session.running:
            return
        self.panel.show_progress(0.0, _("Removing the environment ..."))
        self.session.remove_environment(Callbacks(on_result=self.environment_removed, on_error=self.environment_failed))
        self._busy()

    @guarded
    def environment_removed(self, nothing: Any) -> None:
        """Go on with the Python that is left."""
        self.panel.log(_("The private environment is removed."))
        self.panel.restart()

    @guarded
    def install(self) -> None:
        """Install torch into Slicer's own Python, after Slicer's own question."""
        with slicer.util.tryWithErrorDisplay(_("PyTorch could not be installed."), waitCursor=True):
            failure = slicer_python.install_torch()
        self.panel.restart() if failure is None else self.panel.worker_failed(failure)

    def _busy(self) -> None:
        self.panel.update_buttons()
        self.panel.expect_news()


def _size_of(folder: Path) -> int:
    """Bytes of the private environment, in a thread: what knows it is imported there (`warming`)."""
    from ..worker.installation import environment_bytes

    return environment_bytes(folder)
