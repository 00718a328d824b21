"""What the panel says, as text and simple HTML, in the reader's language: findings, failures, the summary of a run. No widget, no torch."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ..tasks import Task
from ..worker.environment import Interpreter
from ..worker.processes import Failure
from .translation import is_one, label, sentence

if TYPE_CHECKING:
    from ..metrics.density import Density
    from ..worker.installation import Plan

SEVERITY_ORDER = ("error", "warning", "note")
INDENTED = "margin:1px 0 1px 16px"
MANY_INPUTS = 3  # from so many on they are counted instead of named
MAKE_ENVIRONMENT_LINK = "medsegdl:environment"
KIND_LINK = "medsegdl:kind:"  # and the code of a kind of finding: unfold or fold it
LONGEST_RUN = 24  # characters without a place to break: the panel works at 350 pixels
NEEDS_HELPER = ("torch", "installation")  # kinds of failure where the helper program is not there
NEEDS_PYTHON = (*NEEDS_HELPER, "python")  # kinds of failure that another Python cures


@dataclass(frozen=True)
class Scheme:
    """Colours of words and signs on one kind of background. Attributes: error, warning, note: of findings; good: where there is none."""

    error: str
    warning: str
    note: str
    good: str

    def of(self, severity: str) -> str:
        """The colour of a finding; that of a note where the severity is unknown."""
        return {"error": self.error, "warning": self.warning}.get(severity, self.note)


# At least 4.5 to 1 on Slicer's light and dark panels and their tables (qSlicerStyle.cxx); a test measures it.
LIGHT = Scheme(error="#b03020", warning="#a04000", note="#1f6391", good="#1a6e2d")
DARK = Scheme(error="#ff8a80", warning="#ffb74d", note="#64b5f6", good="#81c784")


def input_helps() -> dict[str, str]:
    """What the inputs are called elsewhere, by their keys."""
    return {
        "t1": _("T1-weighted, before the contrast agent: T1, T1w, T1n, MPRAGE, SPGR."),
        "t1ce": _(
            "T1-weighted, after the contrast agent (gadolinium): T1ce, T1c, T1Gd, T1+C, T1 post. Only here does enhancing tumour show."
        ),
        "t2": _("T2-weighted, fluid is bright: T2, T2w, TSE."),
        "flair": _("T2-weighted with dark fluid: FLAIR, T2-FLAIR, TIRM. Its grid is the result's."),
        "ct": _("A CT in Hounsfield units, best in the portal venous phase."),
        "mr": _("An MR of the head of any weighting, with the skull on."),
        "image": _("A picture of cells, grey or in colours."),
    }


def kind_texts() -> dict[str, str]:
    """What the kinds of findings are in a few words, by their codes; those that are not here are told by their own sentence."""
    return {
        "missing": _("missing, less accurate without"),
        "little_overlap": _("overlaps little with the others"),
        "cut_off": _("field of view is cut off"),
        "grids_differ": _("on another grid, will be resampled"),
        "same_image": _("the same image twice"),
        "looks_like_another": _("looks like another kind of image"),
        "exchanged": _("seems to be exchanged with another input"),
        "mirrored": _("seems to be mirrored"),
        "copied_slice": _("has copied slices"),
        "background": _("background is not zero"),
        "few_slices": _("has few slices"),
        "zscored": _("already normalised"),
        "skull": _("skull present"),
        "label_map": _("looks like a label map"),
        "extent": _("unusual size"),
        "anisotropic": _("thick slices"),
        "huge": _("very large"),
        "memory": _("memory may be short"),
        "header": _("its header is ambiguous"),
        "implausible_volume": _("the result takes more than can be"),
        "outside_the_body": _("part of the result lies outside of the body"),
        "orientation": _("may lie otherwise than its header says"),
        "touches_border": _("the result reaches the border of the image"),
        "scattered": _("the result is scattered in many parts"),
        "small_parts": _("small parts beside a much larger one are left out"),
        "region_left_out": _("cannot be seen without it, left empty"),
        "region_doubtful": _("the result is doubtful without it"),
    }


def findings_html(findings: Sequence[dict[str, Any]], task: Task, good: str, unfolded: Collection[str] = (), scheme: Scheme = LIGHT) -> str:
    """The findings of the input check, a line a kind, the worst first; `good` where there are none.

    A line names the inputs and says in a few words what they have; its link unfolds the whole sentences with what to do. Errors, and what a
    few words cannot say, are unfolded from the start.

    Args:
        findings: dicts with severity, code, input, message and remedy (as in the run record's warnings).
        task: whose inputs the findings name.
        good: what to say of inputs without findings.
        unfolded: codes of the kinds that the reader has unfolded.
        scheme: colours.
    """
    if not findings:
        return _line(scheme.good, "&#10003;", html.escape(good))
    titles = {entry.key: label(entry.title) for entry in task.inputs}
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for finding in sorted(findings, key=lambda finding: _rank(finding["severity"])):
        kinds.setdefault((finding["severity"], finding.get("code", "")), []).append(finding)
    return "".join(_kind(code, kind, titles, code in unfolded, scheme) for (_severity, code), kind in kinds.items())


def offers_html(offers: Sequence[tuple[str, str]]) -> str:
    """Links to what can be done in one click: (link, text)."""
    links = (f'<a href="{html.escape(link)}">{html.escape(text)}</a>' for link, text in offers)
    return "".join(f'<p style="{INDENTED}">&#8594; {link}</p>' for link in links)


def failure_html(failure: Failure, environment: str = "", scheme: Scheme = LIGHT) -> str:
    """Why something did not work and what to do; with a link to the helper program where that would help.

    Args:
        failure: message and remedy.
        environment: text of the link that installs the helper program.
        scheme: colours.
    """
    color = scheme.note if failure.kind == "cancelled" else scheme.error
    text = f"{_escaped(sentence(failure.message))} {_remedy(failure.remedy)}"
    if failure.kind in NEEDS_HELPER and environment:
        text = html.escape(_("This needs the helper program, which does the arithmetic."))
    text = _line(color, "&#9679;", text)
    if failure.kind not in NEEDS_PYTHON or not environment:
        return text
    return f'{text}<p style="{INDENTED}"><a href="{MAKE_ENVIRONMENT_LINK}">{html.escape(environment)}</a></p>'


def objects_text(count: int) -> str:
    """So many objects."""
    return (_("{count} object") if is_one(count) else _("{count} objects")).format(count=f"{count:,}")


def summary(record: dict[str, Any], time_text: str) -> str:
    """One line on a finished run: how many objects (for tasks that count them), how long, where.

    Args:
        record: the run record.
        time_text: sentence with {seconds} and {device}.
    """
    counted = [] if record.get("count") is None else [f"{objects_text(int(record['count']))}."]
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
        size = f"{milliliters(float(row['Volume mL']))} mL" if "Volume mL" in row else objects_text(int(row["Count"]))
        lines.append(f"{row['Segment']}: {size}")
    for row in (row for row in lesions if "Longest mm" in row):
        across = f"{float(row['Longest mm']):.1f} x {float(row['Perpendicular mm']):.1f} mm"
        size = f"{milliliters(float(row['Volume mL']))} mL"
        lines.append(_("Lesion {name} {number}: {size}, {across}").format(name=row["Id"], number=row["Number"], size=size, across=across))
    return "\n".join([*lines, *(line for line in told if line)])


def density_text(density: Density) -> str:
    """How densely the objects lie, and by which pixels."""
    if density.per_mm2 is None:
        told = _("{density} per megapixel: the picture states no size of its pixels.")
        return told.format(density=f"{density.per_megapixel:,.0f}")
    told = _("{density} per mm2, at {area} um2 a pixel.")
    return told.format(density=f"{density.per_mm2:,.0f}", area=f"{density.pixel_area_um2:.3g}")


def lesions_text(rows: Sequence[dict[str, str]], burdens: Sequence[tuple[str, float, str]], density: Density | None = None) -> str:
    """How many lesions (or objects, with their mean area) there are, and what share of an organ they take; "" where there is nothing.

    Args:
        rows: see `lesion_table.rows_of`.
        burdens: (segment, per cent, organ).
        density: of objects.
    """
    if rows and "Area px" in rows[0]:
        areas = [float(row["Area px"]) for row in rows]
        told = _("{count} objects, mean area {area} px. A click shows one.")
        told = _("One object, area {area} px. A click shows it.") if is_one(len(rows)) else told
        counted = told.format(count=f"{len(rows):,}", area=f"{sum(areas) / len(areas):.1f}")
        return counted if density is None else f"{counted} {density_text(density)}"
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["Segment"]] = counts.get(row["Segment"], 0) + 1
    counted = ", ".join(f"{name}: {count}" for name, count in counts.items())
    told = [_("Lesions - {counted}. A click shows one.").format(counted=counted)] if counted else []
    taken = _("{name} takes {share} % of {organ}.")
    return " ".join([*told, *(taken.format(name=name, share=f"{share:.1f}", organ=organ) for name, share, organ in burdens)])


def interpreter_text(interpreter: Interpreter, ready: dict[str, Any] | None) -> str:
    """Which Python runs the worker, whose choice it was, and what it has."""
    chosen = breakable(f"{interpreter.python} ({sentence(interpreter.source.value)})")
    if ready is None:
        return chosen
    return f"Python {ready.get('python', '?')}, torch {ready.get('torch', '?')}, {str(ready.get('device', '?')).upper()}: {chosen}"


def server_text(ready: dict[str, Any] | None) -> str:
    """Which server segments, what it has, and how many wait there. Never its token."""
    if ready is None or "server" not in ready:
        return _("A server, by its address.")
    waits = _("{count} waiting").format(count=ready["waiting"]) if ready.get("waiting") else _("nobody waiting")
    return f"{breakable(str(ready['server']))}: torch {ready.get('torch', '?')}, {str(ready.get('device', '?')).upper()}, {waits}."


def breakable(text: str) -> str:
    """Text in which a line may break: long runs without a space (paths, names of series) get invisible places for it (U+200B)."""
    return re.sub(rf"\S{{{LONGEST_RUN}}}", lambda run: f"{run[0]}\u200b", text)


def bytes_text(count: int) -> str:
    """A size for the reader."""
    if count < 1e6:
        return f"{max(count / 1e3, 1):.0f} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def plan_text(plan: Plan) -> str:
    """What making the private environment costs, before it begins."""
    cpu = _(
        "PyTorch for the CPU: {download} to download, {disk} on disk, about {minutes} min. "
        "It can be cancelled, goes on where it stopped, and can be removed."
    )
    gpu = _(
        "PyTorch with CUDA for the GPU: {download} to download, {disk} on disk, about {minutes} min. "
        "It can be cancelled, goes on where it stopped, and can be removed."
    )
    sizes = {"download": bytes_text(plan.download_bytes), "disk": bytes_text(plan.disk_bytes)}
    return (cpu if plan.cpu_only else gpu).format(minutes=f"{plan.minutes:.0f}", **sizes)


def _escaped(text: str) -> str:
    return html.escape(breakable(text))


def _rank(severity: str) -> int:
    return SEVERITY_ORDER.index(severity) if severity in SEVERITY_ORDER else len(SEVERITY_ORDER)


def _kind(code: str, findings: Sequence[dict[str, Any]], titles: dict[str, str], unfolded: bool, scheme: Scheme) -> str:
    """All findings of one kind in a line, or with their sentences under it."""
    color = scheme.of(findings[0]["severity"])
    words = kind_texts().get(code)
    if words is None or findings[0]["severity"] == "error":
        return "".join(_line(color, "&#9679;", _sentences(finding, titles)) for finding in findings)
    inputs = [titles[finding["input"]] for finding in findings if finding.get("input") in titles]
    where = ", ".join(dict.fromkeys(inputs)) if len(inputs) < MANY_INPUTS else _("{count} inputs").format(count=len(inputs))
    told = f"<b>{html.escape(where)}:</b> {html.escape(words)}" if where else html.escape(words[:1].upper() + words[1:])
    line = _line(
        color, "&#9679;", f'{told} <a href="{KIND_LINK}{html.escape(code)}">{html.escape(_("less") if unfolded else _("more"))}</a>'
    )
    sentences = (f'<p style="{INDENTED}">{_sentences(finding, titles)}</p>' for finding in findings)
    return line + ("".join(sentences) if unfolded else "")


def _sentences(finding: dict[str, Any], titles: dict[str, str]) -> str:
    """A finding in full."""
    title = titles.get(finding.get("input") or "", "")
    message = sentence(finding["message"])
    where = f"<b>{html.escape(title)}:</b> " if title and title not in message else ""
    return f"{where}{_escaped(message)} {_remedy(finding.get('remedy', ''))}"


def _remedy(remedy: str) -> str:
    return f"<i>{_escaped(sentence(remedy))}</i>" if remedy else ""


def _line(color: str, sign: str, text: str) -> str:
    return f"<p style='margin:1px 0'><span style='color:{color}'>{sign}</span> {text.strip()}</p>"
