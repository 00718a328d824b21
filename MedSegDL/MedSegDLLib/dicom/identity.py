"""Whose images they are, read for one purpose: to be struck out of every text that leaves the reading rooms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .values import IDENTITY, Values

SHORTEST_NAME = 3  # letters; shorter ones are in too many words
STRUCK = "..."
# How people write a day (year, month, day of the header) into a description.
DAYS = ("{0}-{1}-{2}", "{2}.{1}.{0}", "{2}/{1}/{0}", "{1}/{2}/{0}", "{2}-{1}-{0}", "{2}{1}{0}")


def striker(values: Values) -> Callable[[str], str]:
    """What strikes the patient's names, numbers, days and addresses, as this header states them, out of a text."""
    words = sorted({word for keyword in IDENTITY for word in _words(keyword, values)}, key=len, reverse=True)
    if not words:
        return lambda text: text
    told = re.compile("|".join(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])" for word in words), re.IGNORECASE)
    return lambda text: told.sub(STRUCK, text)


def _words(keyword: str, values: Values) -> Iterator[str]:
    text = values.text(keyword)
    yield from (word for word in re.split(r"\W+", text) if len(word) >= SHORTEST_NAME)
    if keyword == "PatientBirthDate" and re.fullmatch(r"\d{8}", text):
        yield from (form.format(text[:4], text[4:6], text[6:]) for form in DAYS)
