"""One page that needs no network and no other file: simple HTML, for browsers and for Qt's printer (which knows tables, few styles)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import numpy as np

from .. import __version__
from ..geometry.image import Grid
from ..metrics.density import Density
from ..result import pixel_area_um2
from ..tasks import Region
from .case import Case, Say, english
from .planes import Layer, drawn, drawn_picture
from .png import data_uri
from .table import object_areas

NOTICE = "Research software, not a medical device."
MOST_LESIONS = 12  # of a region on the page; the CSV has all
PICTURE_SIDE = 224  # of three beside each other, in pixels of the page: they fit on A4
WIDE = 480
SEVERITY_COLORS = {"error": "#c0392b", "warning": "#b9500a", "note": "#1f6391"}
OWN = "Network's own probability"
OWN_MEANS = "Network's own probability: its mean within the region or lesion. It is not calibrated: a network may be sure and wrong."
WORTH = "In brackets: how many of the voxels with such probabilities were right in cases that the network had not seen."
SIDES = "The patient's right is on the left of axial and coronal pictures; anterior is on the left of sagittal ones."
STYLE = """
body{font-family:sans-serif;font-size:13px;color:#222;background:#fff;max-width:760px;margin:16px auto}
h1{font-size:20px;margin:0 0 4px 0}h2{font-size:15px;margin:14px 0 4px 0}p{margin:2px 0}p.notice{font-weight:bold}
td,th{padding:2px 8px 2px 0;text-align:right;vertical-align:top}td.words,th.words{text-align:left}
p.small,td.small{font-size:11px;color:#555}
"""


def page(case: Case) -> str:
    """The report of a case as HTML."""
    return "".join(_page(case))


def millilitres(volume_ml: float) -> str:
    """Three significant digits below 10 mL, one decimal above."""
    return f"{volume_ml:,.1f}" if abs(volume_ml) >= 10 else f"{volume_ml:.3g}"


def document(title: str, body: Iterable[str], say: Say = english, language: str = "en") -> Iterator[str]:
    """A whole page around a body, with the notice on top."""
    yield f"<!DOCTYPE html><html lang='{language}'><head><meta charset='utf-8'><title>{escape(title)}</title><style>{STYLE}</style></head>"
    yield f"<body><h1>{escape(title)}</h1><p class='notice'>{escape(say(NOTICE))}</p>"
    yield from body
    yield "</body></html>\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML; the first column holds words, the others numbers."""
    head = "".join(f"<th{_words(number)}>{escape(text)}</th>" for number, text in enumerate(heads))
    body = "".join(f"<tr>{''.join(f'<td{_words(n)}>{cell}</td>' for n, cell in enumerate(row))}</tr>" for row in rows)
    return f"<table cellspacing='0'><tr>{head}</tr>{body}</table>"


def findings_text(findings: Sequence[dict[str, Any]], say: Say = english) -> str:
    """A line a finding, the worst first."""
    order = list(SEVERITY_COLORS)
    ranked = sorted(findings, key=lambda entry: order.index(entry["severity"]) if entry["severity"] in order else len(order))
    lines = (
        f"<p><font color='{SEVERITY_COLORS.get(entry['severity'], '#222')}'><b>{escape(say(entry['severity'].capitalize()))}:</b></font> "
        f"{escape(say(entry['message']))} <i>{escape(say(entry.get('remedy', '')))}</i></p>"
        for entry in ranked
    )
    return "".join(lines) or f"<p>{escape(say('None.'))}</p>"


def pictures_table(pictures: dict[str, np.ndarray], side: int = PICTURE_SIDE) -> str:
    """Pictures beside each other with their names under them."""
    images = "".join(f"<td class='words'>{_picture(name, pixels, side)}</td>" for name, pixels in pictures.items())
    names = "".join(f"<td class='words small'>{escape(name)}</td>" for name in pictures)
    return f"<table cellspacing='0'><tr>{images}</tr><tr>{names}</tr></table>"


def _picture(name: str, pixels: np.ndarray, side: int) -> str:
    """In its true proportions, so many pixels of the page high and wide at most: Qt prints for ever where one is taller than the page."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = f"width='{max(1, round(width * scale))}' height='{max(1, round(height * scale))}'"
    return f"<img src='{data_uri(pixels)}' {size} alt='{escape(name)}'>"


def swatch(region: Region, say: Say = english) -> str:
    """A region's name behind a square of its colour."""
    colour = "#" + "".join(f"{round(255 * part):02x}" for part in region.color)
    return f"<font color='{colour}'>&#9632;</font> {escape(say(region.label))}"


def _page(case: Case) -> Iterator[str]:
    title = case.say("{task}: report").format(task=case.say(case.task.title))
    yield from document(title, _body(case), case.say, case.language)


def _body(case: Case) -> Iterator[str]:
    say = case.say
    made = say("Made on {date} with MedSegDL {version}.").format(date=time.strftime("%Y-%m-%d"), version=__version__)
    yield f"<p class='small'>{escape(made)}</p>"
    yield _head(say("Pictures")) + _pictures(case)
    yield _head(say("Counted objects")) + _objects(case) if case.task.instances else _head(say("Volumes")) + _volumes(case)
    if case.lesions:
        yield _head(say("Lesions")) + "".join(_lesions(case))
    yield _head(say("Findings")) + findings_text(case.findings, say)
    yield _head(say("Run record")) + _record(case)


def _head(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _small(text: str) -> str:
    return f"<p class='small'>{escape(text)}</p>"


def _pictures(case: Case) -> str:
    layers = [Layer(case.masks[region.key], region.color) for region in case.regions]
    if case.task.pictures:
        return pictures_table({case.say(case.image_title or "Outlines"): drawn_picture(case.image, case.grid, layers)}, WIDE)
    say = case.say
    under = say("Outlines on the image: {image}.").format(image=say(case.image_title or "reference"))
    if case.image is None:
        under = say("Outlines only: the image was not given.")
    through = say("Slices through the largest lesion.") if any(case.lesions.values()) else say("Slices through the middle.")
    planes = {say(name): pixels for name, pixels in drawn(case.image, case.grid, layers, case.place).items()}
    return pictures_table(planes) + _small(f"{under} {through} {say(SIDES)}")


def _volumes(case: Case) -> str:
    sizes = case.millilitres
    rows = [
        (swatch(region, case.say), millilitres(sizes[region.key]), _share(case, region, sizes), _probability(case, region))
        for region in case.regions
    ]
    say = case.say
    heads = (say("Region"), "mL", say("Share"), say(OWN))
    return table(heads, rows) + _labels(case) + _brain(case) + _small(f"{say(OWN_MEANS)}{_worth(case)}")


def _labels(case: Case) -> str:
    """The same without overlap: regions hold those inside them."""
    volumes, names = case.labels_ml, {label.key: case.say(label.label) for label in case.task.labels}
    if not volumes:
        return ""
    told = ", ".join(f"{names[key]} {millilitres(volume)} mL" for key, volume in volumes.items())
    return _small(case.say("A region holds those inside it. Without overlap: {volumes}.").format(volumes=told))


def _brain(case: Case) -> str:
    """How large the brain is within which was looked, where the skull was taken away."""
    volume_ml = case.record.get("brain_mask_ml")
    if volume_ml is None:
        return ""
    told = case.say("Looked for within a brain mask of {volume} mL.").format(volume=millilitres(float(volume_ml)))
    return f"<p>{escape(told)}</p>"


def _probability(case: Case, region: Region, volume_ml: float | None = None) -> str:
    """Mean of a region or lesion, and what such ones were worth."""
    mean, worth = (case.own_probability(region.key, volume_ml, said) for said in ("mean", "calibrated"))
    return "" if mean is None else f"{mean:.2f}" if worth is None else f"{mean:.2f} ({worth:.2f})"


def _worth(case: Case) -> str:
    """What the brackets mean, where there are any."""
    known = (case.own_probability(region.key, said="calibrated") is not None for region in case.regions)
    return f" {case.say(WORTH)}" if any(known) else ""


def _share(case: Case, region: Region, sizes: dict[str, float]) -> str:
    """What part of the region around it a region takes."""
    around = region.inside
    if around not in sizes or not sizes[around]:
        return ""
    share, name = f"{100 * sizes[region.key] / sizes[around]:.1f}", case.say(case.task.region(around).label)
    return escape(case.say("{share} % of {region}").format(share=share, region=name))


def _lesions(case: Case) -> Iterator[str]:
    say = case.say
    for region in (region for region in case.regions if region.key in case.lesions):
        found = case.lesions[region.key]
        yield f"<p><b>{escape(say(region.label))}</b>: {len(found)}</p>"
        rows = [
            (
                str(number),
                millilitres(one.volume_ml),
                f"{one.longest_mm:.1f} x {one.perpendicular_mm:.1f}",
                _place(one.middle),
                _probability(case, region, one.volume_ml),
            )
            for number, one in enumerate(found[:MOST_LESIONS], start=1)
        ]
        if rows:
            yield table((say("Number"), "mL", say("Diameters (mm)"), say("Place (mm)"), say(OWN)), rows)
        if len(found) > MOST_LESIONS:
            left = len(found) - MOST_LESIONS
            yield _small(
                say("A smaller one is in the CSV.") if left == 1 else say("{count} smaller ones are in the CSV.").format(count=left)
            )
    yield _small(say("Longest diameter in an axial slice, and the longest one across it."))


def _place(middle: np.ndarray) -> str:
    """Where a lesion lies, in letters: L 31, P 12, S 40."""
    return ", ".join(f"{pair[int(value < 0)]} {abs(value):.0f}" for pair, value in zip(("RL", "AP", "SI"), middle))


def _objects(case: Case) -> str:
    areas = [area for _number, area in object_areas(case)]
    say = case.say
    if not areas:
        return f"<p>{escape(say('No objects.'))}</p>"
    several = say("{count} objects, mean area {mean} pixels, median {median}.")
    told = say("One object of {mean} pixels.") if len(areas) == 1 else several
    sizes = told.format(count=f"{len(areas):,}", mean=f"{np.mean(areas):.1f}", median=f"{np.median(areas):.0f}")
    return f"<p>{escape(sizes)} {escape(_density(case, len(areas)))}</p>"


def _density(case: Case, count: int) -> str:
    density = Density(count, int(np.prod(case.grid.shape)), pixel_area_um2(case.grid, case.task))
    if density.per_mm2 is None:
        told = case.say("{density} per megapixel: the picture states no size of its pixels.")
        return told.format(density=f"{density.per_megapixel:,.0f}")
    told = case.say("{density} per mm2, at {area} um2 a pixel.")
    return told.format(density=f"{density.per_mm2:,.0f}", area=f"{density.pixel_area_um2:.3g}")


def _record(case: Case) -> str:
    record = case.record
    if not record:
        return f"<p>{escape(case.say('Not known: the result was not made by this version, or without a record.'))}</p>"
    say = case.say
    weights = record.get("weights", {})
    rows = [
        (say("Task"), escape(say("{task}, version {version}").format(task=say(case.task.title), version=record.get("version", "?")))),
        (say("Network"), escape(str(weights.get("file", "?")))),
        (say("SHA-256 of the network"), escape(str(weights.get("sha256", "?")))),
        (say("Device"), escape(str(record.get("device", "?")))),
        (say("Seconds"), f"{sum(record.get('seconds', {}).values()):.1f}"),
        (say("Inputs"), escape(", ".join(_inputs(case)))),
        (say("Grid of the result"), f"{' x '.join(map(str, case.grid.shape[::-1]))}, {_spacing(case.grid)} mm"),
        (say("Packages"), escape(", ".join(f"{name} {number}" for name, number in record.get("packages", {}).items()))),
    ]
    cells = "".join(f"<tr><td class='words'>{name}</td><td class='words small'>{text}</td></tr>" for name, text in rows)
    return f"<table cellspacing='0'>{cells}</table>"


def _inputs(case: Case) -> list[str]:
    """Titles of the inputs that were given."""
    return [case.say(entry.title) for entry in case.task.inputs if entry.key in case.record.get("inputs", {})]


def _spacing(grid: Grid) -> str:
    return " x ".join(f"{side:.3g}" for side in grid.spacing_mm)


def _words(column: int) -> str:
    return " class='words'" if column == 0 else ""
