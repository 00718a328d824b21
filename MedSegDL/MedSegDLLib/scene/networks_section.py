"""The panel's networks: those that the user added, with what they take on disk; a way to add one, and to remove one.
Desktop only. Looking and converting is the worker's (`imports.offers`), packages come by `worker.packages`; here are the buttons and words.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import UsageError
from ..tasks import Pair, Task, manifest_path, own_weights_folder, pair_bytes, pairs_in, read_manifest, weights_places
from ..worker.client import Callbacks
from ..worker.environment import Interpreter, Source
from ..worker.processes import Failure
from ..worker.remote import is_address
from . import parameters as declared
from .guard import guarded
from .session import Session
from .translation import sentence
from .wording import breakable, bytes_text

UI_FILE = Path(__file__).resolve().parents[2] / "Resources" / "UI" / "Networks.ui"
PACKAGES_LINK = "medsegdl:packages"
MOST_NAMES = 8  # of regions that are listed
MODEL_FILES = "Auto3DSeg (*.pt *.pth)"


class NetworksSection:
    """The list, the buttons under it, and the question that is asked before a network is added.

    Args:
        ui: the panel's widgets; those of Networks.ui are added to them, above the section Advanced.
        session: whose worker it is.
        panel: has `report(failure)`, `restart()`, `show_progress(fraction, message)`, `update_buttons()`, `expect_news()`, `log(text)`,
            `tasks_changed()`, `parameters`, `failure` and `python`.
    """

    def __init__(self, ui: Any, session: Session, panel: Any) -> None:
        self.ui, self.session, self.panel = ui, session, panel
        self.report = panel.report
        self._widget = slicer.util.loadUI(str(UI_FILE))
        layout = ui.scrollContents.layout()
        layout.insertWidget(layout.indexOf(ui.advancedCollapsibleButton), self._widget)
        vars(ui).update(vars(slicer.util.childWidgetVariables(self._widget)))
        self._offer: dict[str, Any] | None = None
        self._request: int | None = None  # of the conversion that is under way
        self._pairs: tuple[Pair, ...] = ()
        self._items: list[Any] = []
        self._locked = False
        ui.networkOfferWidget.visible = False
        ui.addNetworkButton.connect("clicked(bool)", self.choose_folder)
        ui.addModelButton.connect("clicked(bool)", self.choose_file)
        ui.removeNetworkButton.connect("clicked(bool)", self.remove)
        ui.acceptNetworkButton.connect("clicked(bool)", self.accept)
        ui.declineNetworkButton.connect("clicked(bool)", self.decline)
        ui.networksTable.connect("itemSelectionChanged()", self.chosen_changed)

    @property
    def adding(self) -> bool:
        """Whether a network is being converted."""
        return self._request is not None

    def show(self) -> None:
        """List the networks that the user added; the shipped ones are none of them."""
        try:
            folder = own_weights_folder()
        except UsageError as error:
            self._pairs = ()
            self.ui.networksLabel.text = f"{error.message} {error.remedy}"
            return
        self._pairs = pairs_in(folder)
        total = bytes_text(sum(pair_bytes(pair.path) for pair in self._pairs))
        place = breakable(str(folder))
        told = (
            _("Networks of your own: {size} in {place}.") if self._pairs else _("Networks of your own: none yet. They are kept in {place}.")
        )
        self.ui.networksLabel.text = " ".join([told.format(size=total, place=place), *_unusable(self._pairs)])
        self._fill()
        self.lock(self._locked)

    def lock(self, locked: bool) -> None:
        """Nothing is added or removed while something runs, without a worker, or where a server segments, which has its own networks."""
        self._locked = locked
        server = is_address(self.panel.python.setting)
        free = not locked and not server and self.panel.failure is None
        why = _("The server has networks of its own: add them there.") if server else getattr(self.panel.failure, "message", "")
        for button in (self.ui.addNetworkButton, self.ui.addModelButton):
            button.enabled = free
        self.ui.networkButtonsWidget.toolTip = why
        self.ui.networkOfferWidget.enabled = free
        self.ui.removeNetworkButton.enabled = not locked and self._chosen() is not None

    def offers(self, failure: Failure, task: Task) -> list[tuple[str, str]]:
        """What can be done in one click about a network whose packages are missing: (link, text)."""
        names = self._missing(task) if failure.kind == "package" else ()
        if not names:
            return []
        from ..worker.packages import cost

        what = cost(names)
        text = _("Install what this network needs now ({size}, about {minutes:.0f} min)")
        return [(PACKAGES_LINK, text.format(size=bytes_text(what.download_bytes), minutes=what.minutes))]

    @guarded
    def choose_folder(self) -> None:
        """The user wants to add a folder."""
        self.look(qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("The folder of a network")))

    @guarded
    def choose_file(self) -> None:
        """The user wants to add a file."""
        self.look(qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), _("The file of a network"), "", MODEL_FILES))

    def look(self, path: str) -> None:
        """Ask what lies there; nothing of it is opened yet."""
        if path:
            self.session.request("look", {"source": path}, Callbacks(on_result=self.show_offer, on_error=self.failed))
            self.panel.expect_news()

    @guarded
    def show_offer(self, found: dict[str, Any]) -> None:
        """Say what it is, and ask for the licence where it states none."""
        self._offer = found
        packages, possible = self._packages_text(found["missing"])
        self.ui.networkOfferLabel.text = f"{_offer_text(found)} {packages}".strip()
        self.ui.networkLicenceLineEdit.text = found["licence"]
        self.ui.acceptNetworkButton.enabled = possible
        self.ui.networkOfferWidget.visible = True
        self.ui.scrollArea.ensureWidgetVisible(self.ui.acceptNetworkButton)

    @guarded
    def decline(self) -> None:
        """The user does not want it."""
        self._offer = None
        self.ui.networkOfferWidget.visible = False

    @guarded
    def accept(self) -> None:
        """Add it: first the packages that it needs, where they are missing, then the network itself."""
        if self._locked or self._offer is None:
            return
        if self._offer["missing"]:
            self.install(tuple(self._offer["missing"]), self.convert)
        else:
            self.convert(None)

    def install(self, names: tuple[str, ...], then: Any) -> None:
        """Put packages into the private environment; `then` is called when the worker has been started anew."""

        def installed(nothing: Any) -> None:
            self.panel.restart()
            then(None)

        self.panel.show_progress(0.0, _("Installing what the network needs ..."))
        told = Callbacks(on_progress=self.panel.show_progress, on_result=installed, on_error=self.not_installed)
        self.session.add_packages(names, told)
        self._busy()

    def follow_packages(self, rest: str) -> None:
        """The user wants what the chosen network needs."""
        names = self._missing(declared.task_of(self.panel.parameters))
        if names and not self._locked:
            self.install(names, self.packages_installed)

    @guarded
    def packages_installed(self, nothing: Any) -> None:
        """The network can be used now."""
        self.panel.log(_("The packages are installed."))
        self.panel.update_buttons()

    @guarded
    def convert(self, nothing: Any) -> None:
        """Let the worker convert it; the panel shows how far it is, and Cancel gives it up."""
        payload = {"source": self._offer["source"], "licence": self.ui.networkLicenceLineEdit.text, "folder": str(own_weights_folder())}
        self.panel.show_progress(0.0, _("Adding the network ..."))
        told = Callbacks(on_progress=self.panel.show_progress, on_result=self.added, on_error=self.failed)
        self._request = self.session.request("add", payload, told)
        self._busy()

    def cancel(self) -> None:
        """Give the conversion up; nothing of it is left."""
        if self._request is not None:
            self.session.withdraw(self._request)

    @guarded
    def added(self, told: dict[str, Any]) -> None:
        """It is in the list of tasks, and chosen."""
        self._request = None
        self.decline()
        self.panel.tasks_changed()
        self.panel.parameters.task = declared.choice_of(told["task"])
        self.panel.log(_("{title} was added (licence: {licence}).").format(title=told["title"], licence=told["licence"] or _("not stated")))
        self.show()
        self.panel.update_buttons()

    @guarded
    def failed(self, failure: Failure) -> None:
        """Say why; what was asked stays, so that it can be tried again."""
        self._request = None
        self.report(failure)

    @guarded
    def not_installed(self, failure: Failure) -> None:
        """Say why, and go on with what there was."""
        self.panel.restart()
        self.failed(failure)

    @guarded
    def chosen_changed(self) -> None:
        """Another row was chosen."""
        chosen = self._chosen()
        self.ui.removeNetworkButton.text = (
            _("Remove ({size})").format(size=bytes_text(pair_bytes(chosen.path))) if chosen is not None else _("Remove")
        )
        self.lock(self._locked)

    @guarded
    def remove(self) -> None:
        """Remove the chosen network, after a question: there may be no other copy of it."""
        chosen = self._chosen()
        if chosen is None or self._locked:
            return
        question = _("Remove {file} and its manifest from {place}? This cannot be undone.")
        if slicer.util.confirmOkCancelDisplay(question.format(file=chosen.path.name, place=chosen.path.parent)):
            self.session.remove_network(chosen.path)
            self.panel.tasks_changed()
            self.panel.log(_("{file} was removed.").format(file=chosen.path.name))
            self.show()
            self.panel.restart()

    def _busy(self) -> None:
        self.panel.update_buttons()
        self.panel.expect_news()

    def _chosen(self) -> Pair | None:
        row = self.ui.networksTable.currentRow()
        return self._pairs[row] if 0 <= row < len(self._pairs) else None

    def _fill(self) -> None:
        """A row a network: its name and what it takes. The items are kept, for not every PythonQt hands them over to the table."""
        view = self.ui.networksTable
        view.rowCount, view.columnCount = len(self._pairs), 2
        view.visible = bool(self._pairs)
        view.setHorizontalHeaderLabels([_("Network"), _("On disk")])
        self._items = [_row(pair) for pair in self._pairs]
        for number, cells in enumerate(self._items):
            for column, item in enumerate(cells):
                view.setItem(number, column, item)
        header = view.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)

    def _interpreter(self) -> Interpreter:
        return self.session.interpreter(self.panel.python.setting)

    def _missing(self, task: Task) -> tuple[str, ...]:
        """Packages that the task's weights need and the private environment, if it is the one in use, has not."""
        from ..worker.packages import PACKAGES_OF_PLAN, missing

        if self._interpreter().source is not Source.PRIVATE:
            return ()
        pairs = (pair for place in weights_places() for pair in pairs_in(place) if pair.task is not None and pair.task.key == task.key)
        plan = next((read_manifest(manifest_path(pair.path)).get("plan") for pair in pairs), None)
        kind = str(plan.get("kind")) if isinstance(plan, dict) else ""
        return missing(self.session.environment_folder, PACKAGES_OF_PLAN.get(kind, ()))

    def _packages_text(self, names: list[str]) -> tuple[str, bool]:
        """What is said of packages that are missing, and whether the network can be added all the same."""
        if not names:
            return "", True
        if self._interpreter().source is not Source.PRIVATE:
            told = _("It needs {packages}, not installed in {python}: install them there, or use the private environment (Advanced).")
            return told.format(packages=", ".join(names), python=breakable(str(self._interpreter().python))), False
        from ..worker.packages import cost

        what = cost(names)
        told = _("It needs {packages}, which are installed first: {download} to download, {disk} on disk, about {minutes:.0f} min.")
        sizes = {"download": bytes_text(what.download_bytes), "disk": bytes_text(what.disk_bytes), "minutes": what.minutes}
        return told.format(packages=", ".join(names), **sizes), True


def _offer_text(found: dict[str, Any]) -> str:
    names = [str(name) for name in found["regions"]]
    listed = ", ".join(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        listed = _("{regions} and {count} more").format(regions=listed, count=len(names) - MOST_NAMES)
    told = _("<b>{title}</b> ({kind}, {size}).").format(
        title=html.escape(breakable(found["title"])), kind=found["kind"], size=bytes_text(found["bytes"])
    )
    return told + (" " + _("It finds: {regions}.").format(regions=html.escape(breakable(listed))) if names else "")


def _unusable(pairs: tuple[Pair, ...]) -> list[str]:
    """What is said of those whose task cannot be told: why it is so of the first, and how many more there are."""
    broken = [pair for pair in pairs if pair.task is None]
    if not broken:
        return []
    told = [_("{file} cannot be used: {why}").format(file=breakable(broken[0].path.name), why=breakable(sentence(broken[0].problem)))]
    more = _("So it is with {count} more: see their tips in the table.")
    return told + ([more.format(count=len(broken) - 1)] if len(broken) > 1 else [])


def _row(pair: Pair) -> tuple[Any, Any]:
    name = qt.QTableWidgetItem(pair.task.title if pair.task is not None else pair.path.stem)
    name.setToolTip(
        sentence(pair.problem) or "\n".join([str(pair.path), _("Licence: {licence}").format(licence=_licence(pair) or _("not stated"))])
    )
    size = qt.QTableWidgetItem(bytes_text(pair_bytes(pair.path)))
    size.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
    return name, size


def _licence(pair: Pair) -> str:
    training = read_manifest(manifest_path(pair.path)).get("training")
    return str(training.get("licence", "")) if isinstance(training, dict) else ""
