"""The panel's report: a button beside the result that writes one page (HTML or PDF) and its figures as CSV.
Desktop only. The page is made by `report.page` (that of a follow-up by `followup.page`) in a thread; Qt prints it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from ..errors import InputRefused
from ..io.atomic import atomic_path
from ..tasks import Task
from ..worker.client import Background, Callbacks
from ..worker.processes import Failure
from .guard import guarded
from .report_case import collecting
from .widgets import Steps

if TYPE_CHECKING:  # imported with the first report (`warming`)
    from ..report.case import Case

PDF, HTML = ".pdf", ".html"
KINDS = f"HTML (*{HTML});;PDF (*{PDF})"
DOTS_PER_INCH = 96  # of a page whose pictures are as large as on a screen
MARGIN_DOTS = 75  # 2 cm, as Qt's own print has it
ON_PAPER = "body { color: black; }"  # else words have the colour of the application's, which is white in a dark style
STRIPS = 6  # of a sheet, one a step
Texts = Callable[[], tuple[str, str]]


class ReportSection:
    """The button and what it does.

    Args:
        layout: of the buttons under the result.
        report: whom to tell what went wrong.
        subject: the segmentation that is shown and its task; None for none.
        log: where to say what was written.
    """

    def __init__(
        self, layout: Any, report: Callable[[Failure], None], subject: Callable[[], tuple[Any, Task] | None], log: Callable[[str], None]
    ) -> None:
        self.report, self.subject, self.log = report, subject, log
        self.steps = Steps(report)
        self._making: Background | None = None
        self.button = qt.QPushButton(_("Report ..."))
        self.button.name = "reportButton"
        self.button.toolTip = _("Write one page with pictures, volumes, lesions and findings (HTML or PDF), and the figures as CSV.")
        self.button.connect("clicked(bool)", self.clicked)
        layout.addWidget(self.button)

    @property
    def news_due(self) -> bool:
        """Whether a page is being made."""
        return self._making is not None or self.steps.running

    def poll(self) -> None:
        """Take the page in once it is made."""
        if self._making is not None:
            self._making.poll()

    def close(self) -> None:
        """For good."""
        self.steps.stop()
        self._making = None

    @guarded
    def clicked(self) -> None:
        """Ask where to, and write."""
        chosen = self._chosen()
        if chosen:
            self.write(Path(chosen))

    def ask(self, texts: Texts) -> None:
        """Ask where to, and write another page there.

        Args:
            texts: makes the page (HTML) and its figures (CSV), in a thread.
        """
        chosen = self._chosen()
        if chosen:
            self._make(_suffixed(Path(chosen)), texts)

    def _chosen(self) -> str:
        return qt.QFileDialog.getSaveFileName(self.button.window(), _("Write a report"), "", KINDS)

    def write(self, path: Path) -> None:
        """Write the report of what is shown; .html where the suffix is another than .pdf."""
        subject = self.subject()
        if subject is None:
            raise InputRefused("There is no result to report on.", "Segment first.")
        self.button.enabled = False
        self.steps.start(self._collected(_suffixed(path), *subject))

    def _collected(self, path: Path, node: Any, task: Task) -> Iterator[None]:
        """Take the masks out of the scene, a region a step, then let a thread draw."""
        try:
            case = yield from collecting(node, task)
        except BaseException:
            self.button.enabled = True
            raise
        self._make(path, functools.partial(_texts, case))

    def _make(self, path: Path, texts: Texts) -> None:
        told = Callbacks(on_result=functools.partial(self.made, path), on_error=self.failed)
        self._making = Background(lambda progress: texts(), told)

    @guarded
    def made(self, path: Path, texts: tuple[str, str]) -> None:
        """The page is there: write it."""
        self._making = None
        self.steps.start(self._written(path, *texts))

    def _written(self, path: Path, html: str, figures: str) -> Iterator[None]:
        try:
            if path.suffix.lower() == PDF:
                yield from printing_pdf(html, path)
            else:
                _write(html, path)
            yield
            _write(figures, path.with_suffix(".csv"))
            self.log(_("The report was written: {path}").format(path=path))
        finally:
            self.button.enabled = True

    @guarded
    def failed(self, failure: Failure) -> None:
        """It could not be made."""
        self._making, self.button.enabled = None, True
        self.report(failure)


def printing_pdf(html: str, path: Path) -> Iterator[None]:
    """Print a page into a PDF file by Qt. Reading, laying out, and each part of a sheet are steps of their own: together they hold the
    window for 50 to 90 ms, alone for 15.

    Raises:
        InputRefused: the disk does not take it.
    """
    with atomic_path(path) as temporary:
        writer = qt.QPdfWriter(str(temporary))
        writer.setPageSize(qt.QPdfWriter.A4)
        writer.setResolution(DOTS_PER_INCH)
        document = qt.QTextDocument()
        document.setDefaultStyleSheet(ON_PAPER)
        document.setDocumentMargin(MARGIN_DOTS)
        document.setHtml(html)
        yield
        document.documentLayout().setPaintDevice(writer)
        yield
        document.setPageSize(qt.QSizeF(writer.width(), writer.height()))  # lays it out
        yield
        painter = qt.QPainter()
        if not painter.begin(writer):
            raise InputRefused(f"{path} cannot be written.", "Choose another folder.")
        try:
            yield from _painting(document, writer, painter)
        finally:
            painter.end()  # compresses the last sheet, and closes the file
        del painter, writer, document


def _painting(document: Any, writer: Any, painter: Any) -> Iterator[None]:
    """Paint the sheets, a strip a step. A picture that two strips share is stored once: Qt knows it again."""
    width, height = writer.width(), writer.height()
    for sheet in range(document.pageCount()):
        if sheet:
            writer.newPage()
            yield
        for strip in range(STRIPS):
            top = sheet * height + strip * height / STRIPS
            painter.save()
            painter.translate(0, -sheet * height)
            document.drawContents(painter, qt.QRectF(0, top, width, height / STRIPS))
            painter.restore()
            yield


def _suffixed(path: Path) -> Path:
    """.html where the suffix is another than .pdf."""
    return path if path.suffix.lower() in (PDF, HTML, ".htm") else path.with_name(f"{path.name}{HTML}")


def _texts(case: Case) -> tuple[str, str]:
    from ..report.page import page
    from ..report.table import csv_text

    return page(case), csv_text(case)


def _write(text: str, path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")
