"""The follow-up as one page and as CSV: pictures, mL and change, lesions matched, response with thresholds and their sources.

The page speaks the language of the first study's case (`Case.say`); the columns of the CSV keep their names.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import asdict
from html import escape

from .. import __version__
from ..metrics.diameters import Lesion
from ..report.case import Say
from ..report.page import document, findings_text, millilitres, pictures_table, swatch, table
from ..report.planes import Layer, drawn
from .course import Course, RegionCourse
from .matching import Kind
from .response import Criteria, threshold_rows

AID = "An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here."
CHART_WIDTH, CHART_HEIGHT, MARGIN = 420, 150, 40
COLUMNS = (
    "study",
    "region",
    "volume_ml",
    "change_percent",
    "target_sum",
    "lesion",
    "lesion_ml",
    "longest_mm",
    "perpendicular_mm",
    "kind",
    "earlier",
)


def page(course: Course) -> str:
    """The follow-up as HTML."""
    case = course.studies[0].case
    title = case.say("{task}: follow-up").format(task=case.say(case.task.title))
    return "".join(document(title, _body(course, case.say), case.say, case.language))


def csv_text(course: Course) -> str:
    """A row a region and study, and a row a lesion."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for one in course.regions:
        writer.writerows(_rows(one))
    return stream.getvalue()


def _body(course: Course, say: Say) -> Iterator[str]:
    made = say("Made on {date} with MedSegDL {version}.").format(date=time.strftime("%Y-%m-%d"), version=__version__)
    yield f"<p class='small'>{escape(made)} {escape(say(AID))}</p>"
    yield _head(say("Studies, on the first one")) + _pictures(course, say)
    yield _head(say("Volumes")) + _volumes(course, say) + _chart(course, say)
    yield _head(say("Response of the last study")) + _responses(course, say) + _thresholds(course.criteria, say)
    yield _head(say("Lesions of the last study")) + "".join(_lesions(one, say) for one in course.regions)
    entries = [{**asdict(finding), "severity": finding.severity.value} for finding in course.findings]
    yield _head(say("Findings")) + findings_text(entries, say)


def _head(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _study(number: int, say: Say) -> str:
    return say("Study {number}").format(number=number)


def _pictures(course: Course, say: Say) -> str:
    """The axial slice through the first study's largest lesion, in each study."""
    place, pictures = course.studies[0].case.place, {}
    for number, study in enumerate(course.studies, start=1):
        moved = study.moved
        layers = [Layer(moved.masks[region.key], region.color) for region in moved.regions]
        pictures[_study(number, say)] = drawn(moved.image, moved.grid, layers, place)["Axial"]
    return pictures_table(pictures)


def _volumes(course: Course, say: Say) -> str:
    studies = (_study(number, say) for number in range(1, len(course.studies) + 1))
    heads = (say("Region (mL)"), *studies, say("Change since the first"))
    rows = [(swatch(one.region, say), *map(millilitres, one.volumes_ml), change_text(one.volumes_ml)) for one in course.regions]
    return table(heads, rows)


def change_text(values: list[float]) -> str:
    """'+3.2 (+12 %)' of the last value against the first."""
    change = values[-1] - values[0]
    share = f" ({100 * change / values[0]:+.0f} %)" if values[0] else ""
    return f"{change:+.3g}{share}"


def _chart(course: Course, say: Say) -> str:
    """Volumes over the studies as lines."""
    most = max((value for one in course.regions for value in one.volumes_ml), default=0.0) or 1.0
    count = len(course.studies)
    lines = []
    for one in course.regions:
        colour = "#" + "".join(f"{round(255 * part):02x}" for part in one.region.color)
        spots = [
            (MARGIN + n * (CHART_WIDTH - 2 * MARGIN) / (count - 1), CHART_HEIGHT - 24 - (CHART_HEIGHT - 40) * value / most)
            for n, value in enumerate(one.volumes_ml)
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        lines.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'/>")
        lines += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>" for x, y in spots]
    labels = "".join(
        f"<text x='{MARGIN + n * (CHART_WIDTH - 2 * MARGIN) / (count - 1):.1f}' y='{CHART_HEIGHT - 6}' font-size='11' text-anchor='middle'>"
        f"{escape(_study(n + 1, say))}</text>"
        for n in range(count)
    )
    labels += f"<text x='2' y='20' font-size='11'>{millilitres(most)} mL</text>"
    return f"<svg width='{CHART_WIDTH}' height='{CHART_HEIGHT}' role='img'>{''.join(lines)}{labels}</svg>"


def _responses(course: Course, say: Say) -> str:
    unit = "mm2" if course.criteria.measure == "product" else "mm"
    rows = [
        (
            swatch(one.region, say),
            f"<b>{escape(say(one.diameters.value))}</b>",
            " &#8594; ".join(f"{value:,.0f}" for value in one.sums) + f" {unit}",
            f"<b>{escape(say(one.volume.value))}</b>",
            change_text(one.volumes_ml) + " mL",
        )
        for one in course.regions
    ]
    return table((say("Region"), say("By diameters"), say("Sum of targets"), say("By volume"), say("Change")), rows)


def _thresholds(criteria: Criteria, say: Say) -> str:
    rows = [[escape(say(part)) for part in row] for row in threshold_rows(criteria)]
    told = say(
        "Partial response is counted from the first study, progression from the smallest value so far; a new measurable lesion "
        "({smallest} mm and more) is progression; up to {targets} largest lesions are targets."
    ).format(smallest=f"{criteria.smallest_mm:.0f}", targets=criteria.targets)
    heads = (say("Thresholds"), say("Partial"), say("Progressive"), say("Source"))
    return table(heads, rows) + f"<p class='small'>{escape(told)}</p>"


def _lesions(one: RegionCourse, say: Say) -> str:
    name = escape(say(one.region.label))
    if not one.lesions[-1] and not one.lesions[-2]:
        return f"<p><b>{name}</b>: {escape(say('none'))}</p>"
    rows = []
    for match in one.matches[-1]:
        now, before = _sizes(one.lesions[-1], match.after), _sizes(one.lesions[-2], match.before)
        kind = Kind.NEW if set(match.after) & set(one.new) else match.kind
        numbers = ", ".join(str(index + 1) for index in match.after) or "-"
        word = escape(say(kind.value))
        rows.append((numbers, f"<b>{word}</b>" if kind in (Kind.NEW, Kind.GONE) else word, before, now))
    return f"<p><b>{name}</b></p>" + table((say("Lesion"), "", say("Study before"), say("Last study")), rows)


def _sizes(lesions: list[Lesion], indices: tuple[int, ...]) -> str:
    return "; ".join(
        f"{millilitres(lesions[n].volume_ml)} mL, {lesions[n].longest_mm:.1f} x {lesions[n].perpendicular_mm:.1f} mm" for n in indices
    )


def _rows(one: RegionCourse) -> Iterator[dict[str, object]]:
    first = one.volumes_ml[0]
    for number, (volume, found) in enumerate(zip(one.volumes_ml, one.lesions), start=1):
        change = f"{100 * (volume - first) / first:.2f}" if first else ""
        named = {"study": number, "region": one.region.key}
        yield {**named, "volume_ml": f"{volume:.4f}", "change_percent": change, "target_sum": f"{one.sums[number - 1]:.2f}"}
        of = {index: match for match in one.matches[number - 1] for index in match.after}
        for index, lesion in enumerate(found):
            sizes = {"lesion_ml": f"{lesion.volume_ml:.4f}", "longest_mm": f"{lesion.longest_mm:.2f}"}
            sizes["perpendicular_mm"] = f"{lesion.perpendicular_mm:.2f}"
            match = of.get(index)
            told = {"kind": match.kind.value, "earlier": " ".join(str(n + 1) for n in match.before)} if match else {}
            yield {**named, "lesion": index + 1, **sizes, **told}
