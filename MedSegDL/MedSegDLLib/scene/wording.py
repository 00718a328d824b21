"""What the panel says, as text and simple HTML: findings, failures, the summary of a run. No Qt, no Slicer, no torch."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence
from typing import Any

from ..tasks import Task
from ..worker.environment import Interpreter
from ..worker.installation import Plan
from ..worker.processes import Failure

SEVERITY_COLORS = {"error": "#c0392b", "warning": "#d35400", "note": "#2e86c1"}  # readable on Slicer's light and dark panels
SEVERITY_ORDER = tuple(SEVERITY_COLORS)
GOOD_COLOR = "#27ae60"
INDENTED = "margin:1px 0 1px 16px"
MANY_INPUTS = 3  # from so many on they are counted instead of named
MAKE_ENVIRONMENT_LINK = "medsegdl:environment"
KIND_LINK = "medsegdl:kind:"  # and the code of a kind of finding: unfold or fold it
LONGEST_RUN = 24  # characters without a place to break: the panel works at 350 pixels
NEEDS_HELPER = ("torch", "installation")  # kinds of failure where the helper program is not there
NEEDS_PYTHON = (*NEEDS_HELPER, "python")  # kinds of failure that another Python cures

INPUT_HELP = {  # what an input is called elsewhere
    "t1": "T1-weighted, before the contrast agent: T1, T1w, T1n, MPRAGE, SPGR.",
    "t1ce": "T1-weighted, after the contrast agent (gadolinium): T1ce, T1c, T1Gd, T1+C, T1 post. Only here does enhancing tumour show.",
    "t2": "T2-weighted, fluid is bright: T2, T2w, TSE.",
    "flair": "T2-weighted with dark fluid: FLAIR, T2-FLAIR, TIRM. Its grid is the result's.",
    "ct": "A CT in Hounsfield units, best in the portal venous phase.",
    "mr": "An MR of the head of any weighting, with the skull on.",
    "image": "A picture of cells, grey or in colours.",
}

KIND_TEXTS = {  # what a kind of finding is in a few words; kinds that are not here are told by their own sentence
    "missing": "missing, less accurate without",
    "little_overlap": "overlaps little with the others",
    "cut_off": "field of view is cut off",
    "grids_differ": "on another grid, will be resampled",
    "same_image": "the same image twice",
    "looks_like_another": "looks like another kind of image",
    "exchanged": "seems to be exchanged with another input",
    "mirrored": "seems to be mirrored",
    "copied_slice": "has copied slices",
    "background": "background is not zero",
    "few_slices": "has few slices",
    "zscored": "already normalised",
    "skull": "skull present",
    "label_map": "looks like a label map",
    "extent": "unusual size",
    "anisotropic": "thick slices",
    "huge": "very large",
    "memory": "memory may be short",
    "header": "its header is ambiguous",
    "implausible_volume": "the result takes more than can be",
    "outside_the_body": "part of the result lies outside of the body",
    "touches_border": "the result reaches the border of the image",
    "scattered": "the result is scattered in many parts",
    "region_left_out": "cannot be seen without it, left empty",
    "region_doubtful": "the result is doubtful without it",
}


def findings_html(findings: Sequence[dict[str, Any]], task: Task, good: str, unfolded: Collection[str] = ()) -> str:
    """The findings of the input check, a line a kind, the worst first; `good` where there are none.

    A line names the inputs and says in a few words what they have; its link unfolds the whole sentences with what to do. Errors, and what a
    few words cannot say, are unfolded from the start.

    Args:
        findings: dicts with severity, code, input, message and remedy (as in the run record's warnings).
        task: whose inputs the findings name.
        good: what to say of inputs without findings.
        unfolded: codes of the kinds that the reader has unfolded.
    """
    if not findings:
        return _line(GOOD_COLOR, "&#10003;", html.escape(good))
    titles = {entry.key: entry.title for entry in task.inputs}
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for finding in sorted(findings, key=lambda finding: _rank(finding["severity"])):
        kinds.setdefault((finding["severity"], finding.get("code", "")), []).append(finding)
    return "".join(_kind(code, kind, titles, code in unfolded) for (_severity, code), kind in kinds.items())


def offers_html(offers: Sequence[tuple[str, str]]) -> str:
    """Links to what can be done in one click: (link, text)."""
    links = (f'<a href="{html.escape(link)}">{html.escape(text)}</a>' for link, text in offers)
    return "".join(f'<p style="{INDENTED}">&#8594; {link}</p>' for link in links)


def failure_html(failure: Failure, environment: str = "") -> str:
    """Why something did not work and what to do; with a link to the helper program where that would help.

    Args:
        failure: message and remedy.
        environment: text of the link that installs the helper program.
    """
    color = SEVERITY_COLORS["note" if failure.kind == "cancelled" else "error"]
    text = f"{_escaped(failure.message)} {_remedy(failure.remedy)}"
    if failure.kind in NEEDS_HELPER and environment:
        text = html.escape("This needs the helper program, which does the arithmetic.")
    text = _line(color, "&#9679;", text)
    if failure.kind not in NEEDS_PYTHON or not environment:
        return text
    return f'{text}<p style="{INDENTED}"><a href="{MAKE_ENVIRONMENT_LINK}">{html.escape(environment)}</a></p>'


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


def result_text(name: str, volumes: Sequence[dict[str, str]], lesions: Sequence[dict[str, str]], told: Sequence[str]) -> str:
    """A result as plain text for the dictation: a line a segment, a line a lesion, and what else is told; no objects of a picture.

    Args:
        name: of the segmentation.
        volumes: see `table.table_rows`.
        lesions: see `lesion_table.rows_of`.
        told: further lines; empty ones are left out.
    """
    lines = [name]
    for row in volumes:
        size = f"{milliliters(float(row['Volume mL']))} mL" if "Volume mL" in row else f"{row.get('Count', '?')} objects"
        lines.append(f"{row['Segment']}: {size}")
    for row in (row for row in lesions if "Longest mm" in row):
        across = f"{float(row['Longest mm']):.1f} x {float(row['Perpendicular mm']):.1f} mm"
        lines.append(f"Lesion {row['Id']} {row['Number']}: {milliliters(float(row['Volume mL']))} mL, {across}")
    return "\n".join([*lines, *(line for line in told if line)])


def lesions_text(rows: Sequence[dict[str, str]], burdens: Sequence[tuple[str, float, str]]) -> str:
    """How many lesions (or objects, with their mean area) there are, and what share of an organ they take; "" where there is nothing.

    Args:
        rows: see `lesion_table.rows_of`.
        burdens: (segment, per cent, organ).
    """
    if rows and "Area px" in rows[0]:
        areas = [float(row["Area px"]) for row in rows]
        return f"{len(rows):,} objects, mean area {sum(areas) / len(areas):.1f} px. A click shows one."
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["Segment"]] = counts.get(row["Segment"], 0) + 1
    counted = ", ".join(f"{name}: {count}" for name, count in counts.items())
    told = [f"Lesions - {counted}. A click shows one."] if counted else []
    return " ".join([*told, *(f"{name} takes {share:.1f} % of {organ}." for name, share, organ in burdens)])


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


def _kind(code: str, findings: Sequence[dict[str, Any]], titles: dict[str, str], unfolded: bool) -> str:
    """All findings of one kind in a line, or with their sentences under it."""
    color = SEVERITY_COLORS.get(findings[0]["severity"], SEVERITY_COLORS["note"])
    words = KIND_TEXTS.get(code)
    if words is None or findings[0]["severity"] == "error":
        return "".join(_line(color, "&#9679;", _sentences(finding, titles)) for finding in findings)
    inputs = [titles[finding["input"]] for finding in findings if finding.get("input") in titles]
    where = ", ".join(dict.fromkeys(inputs)) if len(inputs) < MANY_INPUTS else f"{len(inputs)} inputs"
    told = f"<b>{html.escape(where)}:</b> {words}" if where else words.capitalize()
    line = _line(color, "&#9679;", f'{told} <a href="{KIND_LINK}{html.escape(code)}">{"less" if unfolded else "more"}</a>')
    sentences = (f'<p style="{INDENTED}">{_sentences(finding, titles)}</p>' for finding in findings)
    return line + ("".join(sentences) if unfolded else "")


def _sentences(finding: dict[str, Any], titles: dict[str, str]) -> str:
    """A finding in full."""
    title = titles.get(finding.get("input") or "", "")
    where = f"<b>{html.escape(title)}:</b> " if title and title not in finding["message"] else ""
    return f"{where}{_escaped(finding['message'])} {_remedy(finding.get('remedy', ''))}"


def _remedy(remedy: str) -> str:
    return f"<i>{_escaped(remedy)}</i>" if remedy else ""


def _line(color: str, sign: str, text: str) -> str:
    return f"<p style='margin:1px 0'><span style='color:{color}'>{sign}</span> {text.strip()}</p>"
