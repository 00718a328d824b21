"""Which studies are wanted: patterns for tags, told before anything is received. What the tags say goes nowhere."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset

from ..errors import UsageError

EXAMPLE = "Write for instance Modality=CT, or StudyDescription=*liver*."


class Wanted:
    """A study is wanted where one of its slices has them all.

    Args:
        patterns: KEYWORD=PATTERN of the standard's keywords or eight hexadecimal digits; * and ? stand for any letters; case does
            not count.

    Raises:
        UsageError: no such tag.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_parsed(text) for text in patterns]

    @property
    def tags(self) -> list[int]:
        """Those that are looked at."""
        return [tag for tag, _ in self._patterns]

    def __call__(self, header: Dataset) -> bool:
        """Whether a slice has them all."""
        return all(any(fnmatch.fnmatchcase(text.lower(), pattern) for text in _texts(header, tag)) for tag, pattern in self._patterns)


def _parsed(text: str) -> tuple[int, str]:
    name, equals, pattern = text.partition("=")
    tag = tag_for_keyword(name) if name else None  # the dictionary knows elements without a keyword
    if tag is None:
        try:
            tag = int(name, 16) if len(name) == 8 and keyword_for_tag(int(name, 16)) else None
        except ValueError:
            tag = None
    if tag is None or not equals:
        raise UsageError(f"--only {text} names no tag and pattern.", EXAMPLE)
    return int(tag), pattern.lower()


def _texts(header: Dataset, tag: int) -> list[str]:
    """Its values as text, '' where it is absent or makes no sense."""
    try:
        value = header[tag].value if tag in header else ""
        parts = value if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [value]
        return [str(part).strip() for part in parts]
    except (ValueError, TypeError, AttributeError, KeyError, NotImplementedError):
        return [""]
