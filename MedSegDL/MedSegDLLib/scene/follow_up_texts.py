"""What the panel says of a follow-up, in the reader's language: the response with its thresholds and their sources. No widget."""

from __future__ import annotations

import html
from typing import Any

from slicer.i18n import tr as _

from ..tasks import Task
from .follow_up import part_of, told_of
from .table import table_rows
from .translation import sentence
from .wording import LIGHT, Scheme, findings_html

SMALL = "margin:1px 0; font-size:small"


def told_html(change: Any, task: Task, scheme: Scheme = LIGHT) -> str:
    """The response of each region by diameters and by volume, the thresholds, what lowers the trust, and what it is not.

    Args:
        change: see `follow_up.follow_up_of`.
        task: of its studies.
        scheme: colours.
    """
    classes = response_texts()
    findings = [{**finding, "code": ""} for finding in told_of(change)["findings"]]  # each in full: the words of a kind are about images
    line = _("{region}: {diameters} by diameters, {volume} by volume.")
    told = [
        line.format(region=row["Region"], diameters=classes[row["Diameters"]], volume=classes[row["Volume"]]) for row in table_rows(change)
    ]
    limits = _("{measure}: partial from {partial}, progressive from {progressive} ({source}).")
    rows = table_rows(part_of(change, "Thresholds")) if part_of(change, "Thresholds") is not None else []
    small = [limits.format(**{name.lower(): sentence(text) for name, text in row.items()}) for row in rows]
    aid = _(
        "An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here."
    )
    response = "".join(f"<p style='margin:1px 0'>{html.escape(entry)}</p>" for entry in told)
    below = "".join(f"<p style='{SMALL}'>{html.escape(entry)}</p>" for entry in small)
    return (
        response
        + (findings_html(findings, task, "", scheme=scheme) if findings else "")
        + below
        + f"<p style='{SMALL}'><b>{html.escape(aid)}</b></p>"
    )


def response_texts() -> dict[str, str]:
    """The classes of response, by their English names."""
    from ..followup.response import Response

    return {
        Response.COMPLETE.value: _("complete response"),
        Response.PARTIAL.value: _("partial response"),
        Response.STABLE.value: _("stable disease"),
        Response.PROGRESSIVE.value: _("progressive disease"),
        Response.NOT_MEASURABLE.value: _("not measurable"),
    }


def kind_texts() -> dict[str, str]:
    """What becomes of a lesion."""
    from ..followup.matching import Kind

    return {
        Kind.SAME.value: _("same"),
        Kind.NEW.value: _("new"),
        Kind.GONE.value: _("gone"),
        Kind.MERGED.value: _("merged"),
        Kind.SPLIT.value: _("split"),
    }
