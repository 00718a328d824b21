"""The panel's findings: what the check says, a line a kind, what failed and what to do, and the links in it.
Desktop only. The words are `wording`'s; what a link does belongs to whoever offers it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from ..tasks import Task
from ..worker.processes import Failure
from . import wording
from .guard import guarded
from .scheme import scheme_of

Offers = Sequence[tuple[str, str]]


class FindingsSection:
    """The label between the inputs and the result.

    Args:
        ui: the panel's widgets.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, report: Callable[[Failure], None]) -> None:
        self.ui, self.report = ui, report
        self.links: dict[str, Callable[[str], None]] = {wording.KIND_LINK: self.fold}
        self._write: Callable[[], str] = lambda: ""  # what is shown, in the colours of the moment
        self._unfolded: set[str] = set()
        ui.findingsLabel.connect("linkActivated(QString)", self.follow_link)

    def show(self, findings: Sequence[dict], task: Task, good: str, offers: Offers = ()) -> None:
        """Show findings; `good` where there are none; below, what can be done in one click (link, text). What is unfolded stays so."""
        self._put(lambda: wording.findings_html(findings, task, good, self._unfolded, self._scheme) + wording.offers_html(offers))

    def tell(self, text: str) -> None:
        """Show a plain sentence in their place."""
        self._put(lambda: text)

    def fail(self, failure: Failure, offers: Offers = ()) -> None:
        """Show what went wrong, how to come by the helper program where that is missing, and what else can be done in one click."""
        from ..worker.installation import plan

        cost = plan()
        install = _("Install it now ({size}, about {minutes:.0f} min)").format(
            size=wording.bytes_text(cost.download_bytes), minutes=cost.minutes
        )
        self._put(lambda: wording.failure_html(failure, install, self._scheme) + wording.offers_html(offers))

    def restyle(self) -> None:
        """The panel became light or dark: show the same in its colours."""
        self.ui.findingsLabel.text = self._write()

    def _put(self, write: Callable[[], str]) -> None:
        self._write = write
        self.restyle()

    @property
    def _scheme(self) -> wording.Scheme:
        return scheme_of(self.ui.findingsLabel)

    @guarded
    def follow_link(self, link: str) -> None:
        """Do what a link stands for: the longest beginning that is known gets the rest."""
        for start in sorted(self.links, key=len, reverse=True):
            if link.startswith(start):
                self.links[start](link.removeprefix(start))
                return

    def fold(self, code: str) -> None:
        """Unfold a kind of finding, or fold it."""
        self._unfolded ^= {code}
        self.restyle()
