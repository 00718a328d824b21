"""One HTML file about a run: curves from its log, measures with their spread, pictures of the worst, median and best case.

Self-contained: no scripts, nothing fetched. What is drawn comes from `curves` and `overlay`.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from MedSegDLLib.errors import UsageError, counted
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.tasks import Task

from ..cases.case import Case
from .curves import curve
from .evaluate import of_labels, of_result, read_case, spread_text
from .overlay import FALSE_POSITIVE, MISS, TRUE_POSITIVE, overlay

LOG = "log.jsonl"
CURVES = {"loss": "Loss", "validation": "Validation Dice", "rate": "Learning rate", "norm": "Gradient norm (log10)"}
LOGARITHMIC = ("norm",)  # spikes of a million beside 0.5
LEAST = 1e-9
SAID = ("task", "command", "data", "data_hash", "holdout", "patch", "architecture", "plan", "settings")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 980px; margin: 2em auto; padding: 0 1em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .2em .8em; border-bottom: 1px solid #ddd; text-align: right }
td:first-child, th:first-child { text-align: left } pre { background: #f4f4f4; padding: .8em; overflow: auto; white-space: pre-wrap }
svg { width: 460px; max-width: 100%; font-size: 11px } .grid { stroke: #e4e4e4 } .curve { fill: none; stroke: #1668b8; stroke-width: 1.5 }
.title { font-size: 13px; font-weight: 600 } figure { display: inline-block; margin: .4em; vertical-align: top }
img { background: #000; max-width: 300px } figcaption { font-size: 13px }
.key { padding: 0 .6em; border: 1px solid #999; margin-right: .3em }
"""
Entry = dict[str, Any]


@dataclass(frozen=True)
class Pictured:
    """One case of the report: `rank` is worst, median or best, `pictures` are (region, PNG, plane)."""

    rank: str
    name: str
    measures: dict[str, float]
    pictures: tuple[tuple[str, bytes, int], ...]


def read_log(folder: Path) -> list[Entry]:
    """The entries of a run's log; a line that was cut off at the end is left out.

    Raises:
        UsageError: there is no log.
    """
    try:
        lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"{folder} holds no log of a run.", "Give the folder that `medsegdl-train run --out` wrote.") from error
    entries = []
    for line in lines:
        try:
            entries.append(json.loads(line))
        except (ValueError, RecursionError):
            continue
    return entries


def telling(scores: Entry) -> list[tuple[str, Entry]]:
    """The worst, median and best case by the mean of its Dice; each case once."""

    def dice(case: Entry) -> float:
        values = [value for title, value in case["measures"].items() if title.startswith("Dice")]
        return sum(values) / max(1, len(values))

    ranked = sorted(scores["cases"], key=dice)
    chosen = {"worst": ranked[0], "median": ranked[len(ranked) // 2], "best": ranked[-1]}
    distinct: dict[str, tuple[str, Entry]] = {}
    for rank, case in chosen.items():
        distinct.setdefault(case["name"], (rank, case))
    return list(distinct.values())


def pictured(rank: str, scored: Entry, case: Case, task: Task, options: Options) -> Pictured:
    """Segment a case once more and draw every region over the input that lends its grid (the contrast image for what it shows best)."""
    images, labels = read_case(case)
    result = segment(images, task, options)
    found, true = of_result(result), of_labels(labels, task, case.reference)
    shown = images[result.reference]
    pictures = [(region.key, *overlay(shown, found.regions[region.key], true.regions[region.key])) for region in task.regions]
    return Pictured(rank, case.name, scored["measures"], tuple(pictures))


def report(settings: Entry, log: Sequence[Entry], scores: Sequence[Entry], cases: Sequence[Pictured]) -> str:
    """The HTML document.

    Args:
        settings: the run's settings file.
        log: its entries; see `read_log`.
        scores: files of `evaluate`.
        cases: see `pictured`.
    """
    parts = [_head(settings, log), _curves(log), *(_scores(entry) for entry in scores), _pictures(cases)]
    title = escape(f"MedSegDL: {settings.get('task', 'run')}")
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style></head>'
    return "\n".join([head, f"<body><h1>{title}</h1>", *parts, "</body></html>"]) + "\n"


def _head(settings: Entry, log: Sequence[Entry]) -> str:
    notice = "<p><b>For research only. Not a medical device.</b></p>"
    steps = f"{log[-1]['step']} steps in {log[-1]['seconds'] / 60:.1f} minutes" if log else "no step yet"
    rows = [f"<tr><td>{escape(key)}</td><td style='text-align:left'>{_plain(settings[key])}</td></tr>" for key in SAID if key in settings]
    cases = counted(len(settings.get("cases", ())), "training case")
    return f"{notice}<p>{steps}, {cases}.</p><table>{''.join(rows)}</table>"


def _plain(value: object) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).replace("\n", "<br>")


def _curves(log: Sequence[Entry]) -> str:
    drawn = []
    for key, title in CURVES.items():
        points = [(entry["step"], entry[key]) for entry in log if isinstance(entry.get(key), (int, float)) and math.isfinite(entry[key])]
        if points:
            steps, values = zip(*points)
            drawn.append(curve(title, steps, [math.log10(max(v, LEAST)) for v in values] if key in LOGARITHMIC else values))
    return f"<h2>Curves</h2>{''.join(drawn)}" if drawn else ""


def _scores(scores: Entry) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{spread_text(entry)}</td></tr>" for name, entry in _spread(scores).items())
    table = f"<table><tr><th>measure</th><th>mean ± deviation over cases</th></tr>{rows}</table>"
    return f"<h2>Measures</h2><p>{escape(scores['protocol'])}</p>{table}{_five(scores)}{_subsets(scores)}"


def _spread(scores: Entry) -> Entry:
    """The spread, or what an older file has in its place."""
    old = {name: {"mean": value, "deviation": None, "n": len(scores["cases"])} for name, value in scores["mean"].items()}
    return scores.get("spread", old)


def _five(scores: Entry) -> str:
    names = ("accuracy", "sensitivity", "precision", "f1", "dice")
    regions = scores.get("pooled", {}).get("regions", {})
    rows = [
        f"<tr><td>{escape(key)}</td>{''.join(f'<td>{values[name]:.4f}</td>' for name in names)}</tr>" for key, values in regions.items()
    ]
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<p>All voxels of all cases in one confusion matrix:</p><table><tr><th>region</th>{head}</tr>{''.join(rows)}</table>"


def _subsets(scores: Entry) -> str:
    found = scores.get("subsets", ())
    if not found:
        return ""
    titles = [title for title in found[-1]["spread"] if title.startswith("Dice")]
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    rows = []
    for entry in found:
        cells = "".join(f"<td>{spread_text(entry['spread'][title])}</td>" for title in titles)
        rows.append(f"<tr><td>{escape(' + '.join(entry['inputs']))}</td>{cells}</tr>")
    return f"<h3>With fewer inputs</h3><table><tr><th>given</th>{head}</tr>{''.join(rows)}</table>"


def _pictures(cases: Sequence[Pictured]) -> str:
    if not cases:
        return ""
    meanings = (("found", TRUE_POSITIVE), ("false positive", FALSE_POSITIVE), ("missed", MISS))
    key = "".join(f'<span class="key" style="background:rgb{colour}"></span>{name} &nbsp; ' for name, colour in meanings)
    blocks = [f"<h2>Worst, median, best case</h2><p>{key}</p>"]
    for case in cases:
        measures = ", ".join(f"{name} {value:.3f}" for name, value in case.measures.items())
        blocks.append(f"<h3>{case.rank}: {escape(case.name)}</h3><p>{escape(measures)}</p>")
        blocks += [_figure(region, png, plane) for region, png, plane in case.pictures]
    return "\n".join(blocks)


def _figure(region: str, png: bytes, plane: int) -> str:
    data = base64.b64encode(png).decode()
    caption = f"<figcaption>{escape(region)}, plane {plane}</figcaption>"
    return f'<figure><img alt="{escape(region)}" src="data:image/png;base64,{data}">{caption}</figure>'


def choose(scores: Sequence[Entry], cases: Sequence[Case], task: Task, options: Options, report: Callable[[str], None]) -> list[Pictured]:
    """Pictures of the telling cases of the first scores that the data set holds."""
    by_name = {case.name: case for case in cases if case.reference is not None}
    found = []
    for rank, scored in telling(scores[0]) if scores else ():
        if scored["name"] in by_name:  # scores may come from another folder
            report(f"{rank}: {scored['name']}")
            found.append(pictured(rank, scored, by_name[scored["name"]], task, options))
    return found
