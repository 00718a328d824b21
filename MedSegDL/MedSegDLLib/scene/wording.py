"""What the panel says, as text and simple HTML: findings, failures, the summary of a run. No Qt, no Slicer, no torch."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from ..tasks import Task
from ..worker.environment import Interpreter
from ..worker.installation import Plan
from ..worker.processes import Failure

SEVERITY_COLORS = {"error": "#c0392b", "warning": "#d35400", "note": "#2e86c1"}  # readable on Slicer's light and dark panels
SEVERITY_ORDER = tuple(SEVERITY_COLORS)
GOOD_COLOR = "#27ae60"
MAKE_ENVIRONMENT_LINK = "medsegdl:environment"
INSTALL_LINK = "medsegdl:slicer"
LONGEST_RUN = 24  # characters without a place to break: the panel works at 350 pixels
NEEDS_PYTHON = ("torch", "python", "installation")  # kinds of failure that another Python cures


def findings_html(findings: Sequence[dict[str, Any]], task: Task, good: str) -> str:
    """The findings of the input check, the worst first; `good` where there are none.

    Args:
        findings: dicts with severity, input, message and remedy (as in the run record's warnings).
        task: whose inputs the findings name.
        good: what to say of inputs without findings.
    """
    if not findings:
        return _line(GOOD_COLOR, "&#10003;", html.escape(good))
    titles = {entry.key: entry.title for entry in task.inputs}
    ranked = sorted(findings, key=lambda finding: _rank(finding["severity"]))
    return "".join(_finding(finding, titles.get(finding.get("input") or "", "")) for finding in ranked)


def failure_html(failure: Failure, environment: str = "", install: str = "") -> str:
    """Why something did not work and what to do; with links to the two cures where another Python would help.

    Args:
        failure: message and remedy.
        environment, install: texts of the links 'make a private environment' and 'install into Slicer'.
    """
    color = SEVERITY_COLORS["note" if failure.kind == "cancelled" else "error"]
    text = _line(color, "&#9679;", f"{_escaped(failure.message)} {_remedy(failure.remedy)}")
    if failure.kind not in NEEDS_PYTHON or not environment:
        return text
    links = f'<a href="{MAKE_ENVIRONMENT_LINK}">{html.escape(environment)}</a> &nbsp; <a href="{INSTALL_LINK}">{html.escape(install)}</a>'
    return f"{text}<p style='margin:2px 0 2px 16px'>{links}</p>"


def summary(record: dict[str, Any], time_text: str, count_text: str) -> str:
    """One line on a finished run: how many objects, how long, where.

    Args:
        record: the run record.
        time_text: sentence with {seconds} and {device}.
        count_text: sentence with {count}, for tasks that count objects.
    """
    counted = [] if record.get("count") is None else [count_text.format(count=record["count"])]
    seconds = sum(record.get("seconds", {}).values())
    return " ".join([*counted, time_text.format(seconds=f"{seconds:.1f}", device=str(record.get("device", "?")).upper())])


def milliliters(volume_ml: float) -> str:
    """A volume for the table: three significant digits below 10 mL, one decimal above."""
    return f"{volume_ml:.1f}" if abs(volume_ml) >= 10 else f"{volume_ml:.3g}"


def interpreter_text(interpreter: Interpreter, ready: dict[str, Any] | None) -> str:
    """Which Python runs the worker, whose choice it was, and what it has."""
    chosen = breakable(f"{interpreter.python} ({interpreter.source.value})")
    if ready is None:
        return chosen
    return f"Python {ready.get('python', '?')}, torch {ready.get('torch', '?')}, {str(ready.get('device', '?')).upper()}: {chosen}"


def server_text(ready: dict[str, Any] | None) -> str:
    """Which server segments, what it has, and how many wait there. Never its token."""
    if ready is None or "server" not in ready:
        return "A server, by its address."
    waits = f"{ready.get('waiting', 0)} waiting" if ready.get("waiting") else "nobody waiting"
    return f"{breakable(str(ready['server']))}: torch {ready.get('torch', '?')}, {str(ready.get('device', '?')).upper()}, {waits}."


def breakable(text: str) -> str:
    """Text in which a line may break: long runs without a space (paths, names of series) get invisible places for it (U+200B)."""
    return re.sub(rf"\S{{{LONGEST_RUN}}}", lambda run: f"{run[0]}\u200b", text)


def bytes_text(count: int) -> str:
    """A size for the reader."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def plan_text(plan: Plan) -> str:
    """What making the private environment costs, before it begins."""
    kind = "for the CPU" if plan.cpu_only else "with CUDA for the GPU"
    return (
        f"PyTorch {kind}: {bytes_text(plan.download_bytes)} to download, {bytes_text(plan.disk_bytes)} on disk, "
        f"about {plan.minutes:.0f} minutes. It can be cancelled, goes on where it stopped, and can be removed."
    )


def _escaped(text: str) -> str:
    return html.escape(breakable(text))


def _rank(severity: str) -> int:
    return SEVERITY_ORDER.index(severity) if severity in SEVERITY_ORDER else len(SEVERITY_ORDER)


def _finding(finding: dict[str, Any], title: str) -> str:
    color = SEVERITY_COLORS.get(finding["severity"], SEVERITY_COLORS["note"])
    where = f"<b>{html.escape(title)}:</b> " if title and title not in finding["message"] else ""
    return _line(color, "&#9679;", f"{where}{_escaped(finding['message'])} {_remedy(finding.get('remedy', ''))}")


def _remedy(remedy: str) -> str:
    return f"<i>{_escaped(remedy)}</i>" if remedy else ""


def _line(color: str, sign: str, text: str) -> str:
    return f"<p style='margin:1px 0'><span style='color:{color}'>{sign}</span> {text.strip()}</p>"
