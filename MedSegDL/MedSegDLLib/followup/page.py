"""The follow-up as one page and as CSV: pictures, mL and change, lesions matched, response with thresholds and their sources."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from dataclasses import asdict
from html import escape

from .. import __version__
from ..metrics.diameters import Lesion
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
    return "".join(document(f"{course.studies[0].case.task.title}: follow-up", _body(course)))


def csv_text(course: Course) -> str:
    """A row a region and study, and a row a lesion."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for one in course.regions:
        writer.writerows(_rows(one))
    return stream.getvalue()


def _body(course: Course) -> Iterator[str]:
    yield f"<p class='small'>Made on {time.strftime('%Y-%m-%d')} with MedSegDL {escape(__version__)}. {AID}</p>"
    yield f"<h2>Studies, on the first one</h2>{_pictures(course)}<h2>Volumes</h2>{_volumes(course)}{_chart(course)}"
    yield f"<h2>Response of the last study</h2>{_responses(course)}{_thresholds(course.criteria)}"
    yield "<h2>Lesions of the last study</h2>" + "".join(_lesions(one) for one in course.regions)
    entries = [{**asdict(finding), "severity": finding.severity.value} for finding in course.findings]
    yield f"<h2>Findings</h2>{findings_text(entries)}"


def _pictures(course: Course) -> str:
    """The axial slice through the first study's largest lesion, in each study."""
    place, pictures = course.studies[0].case.place, {}
    for number, study in enumerate(course.studies, start=1):
        moved = study.moved
        layers = [Layer(moved.masks[region.key], region.color) for region in moved.regions]
        pictures[f"Study {number}"] = drawn(moved.image, moved.grid, layers, place)["Axial"]
    return pictures_table(pictures)


def _volumes(course: Course) -> str:
    heads = ("Region (mL)", *(f"Study {number}" for number in range(1, len(course.studies) + 1)), "Change since the first")
    rows = [(swatch(one.region), *map(millilitres, one.volumes_ml), change_text(one.volumes_ml)) for one in course.regions]
    return table(heads, rows)


def change_text(values: list[float]) -> str:
    """'+3.2 (+12 %)' of the last value against the first."""
    change = values[-1] - values[0]
    share = f" ({100 * change / values[0]:+.0f} %)" if values[0] else ""
    return f"{change:+.3g}{share}"


def _chart(course: Course) -> str:
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
        f"Study {n + 1}</text>"
        for n in range(count)
    )
    labels += f"<text x='2' y='20' font-size='11'>{millilitres(most)} mL</text>"
    return f"<svg width='{CHART_WIDTH}' height='{CHART_HEIGHT}' role='img'>{''.join(lines)}{labels}</svg>"


def _responses(course: Course) -> str:
    unit = "mm2" if course.criteria.measure == "product" else "mm"
    rows = [
        (
            swatch(one.region),
            f"<b>{one.diameters.value}</b>",
            " &#8594; ".join(f"{value:,.0f}" for value in one.sums) + f" {unit}",
            f"<b>{one.volume.value}</b>",
            change_text(one.volumes_ml) + " mL",
        )
        for one in course.regions
    ]
    return table(("Region", "By diameters", "Sum of targets", "By volume", "Change"), rows)


def _thresholds(criteria: Criteria) -> str:
    rows = [(measure, partial, progressive, escape(source)) for measure, partial, progressive, source in threshold_rows(criteria)]
    told = (
        f"Partial response is counted from the first study, progression from the smallest value so far; a new measurable lesion "
        f"({criteria.smallest_mm:.0f} mm and more) is progression; up to {criteria.targets} largest lesions are targets."
    )
    return table(("Thresholds", "Partial", "Progressive", "Source"), rows) + f"<p class='small'>{told}</p>"


def _lesions(one: RegionCourse) -> str:
    if not one.lesions[-1] and not one.lesions[-2]:
        return f"<p><b>{escape(one.region.label)}</b>: none</p>"
    rows = []
    for match in one.matches[-1]:
        now, before = _sizes(one.lesions[-1], match.after), _sizes(one.lesions[-2], match.before)
        kind = Kind.NEW.value if set(match.after) & set(one.new) else match.kind.value
        numbers = ", ".join(str(index + 1) for index in match.after) or "-"
        rows.append((numbers, f"<b>{kind}</b>" if kind in (Kind.NEW.value, Kind.GONE.value) else kind, before, now))
    return f"<p><b>{escape(one.region.label)}</b></p>" + table(("Lesion", "", "Study before", "Last study"), rows)


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
