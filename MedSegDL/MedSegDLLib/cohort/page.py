"""`cohort.html`: the cohort on one page that needs no network and no other file. Written as it is made: a picture at a time in memory."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from .. import __version__
from ..errors import counted
from ..io.atomic import atomic_path
from ..tasks import Region, Task
from .table import FAR, Row, outliers_first, size_unit
from .thumbnail import THUMBNAIL_FILE

PAGE_FILE = "cohort.html"
BINS = 24
PLOT_WIDTH, PLOT_HEIGHT, AXIS_HEIGHT = 288, 96, 16
UNITS = {"ml": "mL", "um2": "µm²"}
NOTICE = "Research software, not a medical device."

STYLE = """
body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#222;background:#fff}h1{font-size:20px}h2{font-size:16px;margin-top:2em}
table{border-collapse:collapse}th,td{padding:4px 10px;text-align:right;border-bottom:1px solid #ddd;vertical-align:middle}
th{cursor:pointer;position:sticky;top:0;background:#f4f4f4;user-select:none}th[aria-sort=ascending]::after{content:" ▲"}
th[aria-sort=descending]::after{content:" ▼"}td:first-child,th:first-child,.words{text-align:left}td.words{max-width:28em}
tr.far td:nth-child(3){color:#b30000;font-weight:600}tr.failed{background:#fff0f0}img{display:block;height:96px}
code{font-size:13px}figure{display:inline-block;margin:0 24px 12px 0}figcaption{font-size:13px}p.note{color:#666}
abbr{text-decoration:underline dotted;cursor:help}
"""
SCRIPT = """
document.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
  const body = document.querySelector("tbody"), rows = [...body.rows], up = head.getAttribute("aria-sort") === "descending";
  document.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const value = row => { const cell = row.cells[column], number = cell.dataset.value;
    return number === undefined ? cell.textContent : parseFloat(number); };
  const order = new Intl.Collator("en", {numeric: true}).compare;
  rows.sort((a, b) => { const x = value(a), y = value(b);
    if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
    return (up ? 1 : -1) * (typeof x === "number" ? x - y : order(x, y)); });
  rows.forEach(row => body.appendChild(row));
}));
"""


def write_page(rows: Sequence[Row], task: Task, folder: Path) -> Path:
    """Write `cohort.html`, atomically. Raises InputRefused where the folder does not take it."""
    path = folder / PAGE_FILE
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", errors="replace") as stream:
        stream.writelines(_page(rows, task, folder))
    return path


def _page(rows: Sequence[Row], task: Task, folder: Path) -> Iterator[str]:
    failed = sum(row.failed for row in rows)
    far = sum(row.outlier > FAR for row in rows)
    yield f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>Cohort: {escape(task.title)}</title><style>{STYLE}</style>"
    yield f"<h1>{escape(task.title)}: {counted(len(rows), 'case')}</h1>"
    yield f"<p>{len(rows) - failed} segmented, {failed} failed, {far} unusual (more than {FAR} robust deviations from the median"
    yield f" of a size, on a logarithmic scale). MedSegDL {__version__}. {NOTICE}</p>"
    yield from (_plot(region, [row.sizes.get(region.key) for row in rows], UNITS[size_unit(task)]) for region in task.regions)
    yield "<h2>Cases</h2><p class='note'>Failures and unusual cases first; a click on a column's head sorts.</p>"
    yield f"<table><thead><tr>{_head(task)}</tr></thead><tbody>"
    for row in outliers_first(rows):
        yield _row(row, task, folder)
    yield f"</tbody></table><script>{SCRIPT}</script></html>\n"


def _head(task: Task) -> str:
    sizes = [f"{region.title} ({UNITS[size_unit(task)]})" for region in task.regions]
    titles = ["Case", "", "Unusual", *sizes, *(["Objects"] if task.instances else []), "Seconds"]
    return "".join(f"<th>{escape(title)}</th>" for title in titles) + "<th class='words'>Warnings and reasons</th>"


def _row(row: Row, task: Task, folder: Path) -> str:
    kind = "failed" if row.failed else "far" if row.outlier > FAR else ""
    sizes = [_number(row.sizes.get(region.key), 2) for region in task.regions]
    count = [_number(row.count, 0)] if task.instances else []
    words = escape(row.reason) if row.failed else ", ".join(_warnings(row))
    cells = [
        f"<td><code>{escape(row.case)}</code></td>",
        f"<td>{_thumbnail(row, folder)}</td>",
        _number(None if row.failed else row.outlier, 1),
        *sizes,
        *count,
        _number(row.seconds, 1),
        f"<td class='words'>{words}</td>",
    ]
    return f"<tr class='{kind}'>{''.join(cells)}</tr>\n"


def _warnings(row: Row) -> Iterator[str]:
    """Each in a word or two; the whole sentence where the mouse rests on it."""
    for code, sentence in zip(row.warnings, row.sentences, strict=True):
        yield f"<abbr title='{escape(sentence)}'>{escape(code.replace('_', ' '))}</abbr>"


def _number(value: float | None, digits: int) -> str:
    return "<td></td>" if value is None else f"<td data-value='{value!r}'>{value:,.{digits}f}</td>"


def _thumbnail(row: Row, folder: Path) -> str:
    path = folder / row.case / THUMBNAIL_FILE
    if row.failed or not path.is_file():
        return ""
    return f"<img alt='' src='data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}'>"


def _plot(region: Region, sizes: Sequence[float | None], unit: str) -> str:
    """A histogram of a region's sizes over the cases that have one."""
    values = [size for size in sizes if size is not None]
    if not values:
        return ""
    most = max(values) or 1.0
    counts = [0] * BINS
    for value in values:
        counts[min(BINS - 1, int(BINS * value / most))] += 1
    width = PLOT_WIDTH / BINS
    colour = "#" + "".join(f"{round(255 * part):02x}" for part in region.color)
    bars = "".join(
        f"<rect x='{place * width:.1f}' y='{PLOT_HEIGHT * (1 - count / max(counts)):.1f}' width='{width - 1:.1f}' "
        f"height='{PLOT_HEIGHT * count / max(counts):.1f}' fill='{colour}'/>"
        for place, count in enumerate(counts)
        if count
    )
    axis = f"<text x='0' y='{PLOT_HEIGHT + 13}' font-size='11'>0</text><text x='{PLOT_WIDTH}' y='{PLOT_HEIGHT + 13}' font-size='11' "
    axis += f"text-anchor='end'>{most:,.1f} {unit}</text>"
    drawing = f"<svg width='{PLOT_WIDTH}' height='{PLOT_HEIGHT + AXIS_HEIGHT}' role='img'>{bars}{axis}</svg>"
    caption = f"{escape(region.title)}, {counted(len(values), 'case')}, most in one bar: {max(counts)}"
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"
