"""One JSON object out of a file that nobody vouches for: small enough, no key twice, no NaN, no nesting without end."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

MIB = 2**20


class NotStrict(ValueError):
    """What is wrong with the text, as the end of a sentence that begins with the file's name."""


def read_object(path: Path, most_bytes: int) -> dict[str, Any]:
    """The object that a JSON file holds.

    Args:
        path: the file, UTF-8, with or without a byte order mark.
        most_bytes: a larger file is not read.

    Raises:
        NotStrict: it is too large, no JSON, no object, names a key twice, or holds a number or a character that is none.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise NotStrict(f"is larger than {most_bytes // MIB} MiB, which no such file ever is")
    return parse_object(content)


def parse_object(content: bytes) -> dict[str, Any]:
    """The object of a JSON text; raises NotStrict as `read_object` does."""
    try:
        found = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_repeats, parse_constant=_no_number, parse_float=_finite)
        if b"\\u" in content:
            _refuse_half_characters(found)
    except NotStrict:
        raise
    except RecursionError:
        raise NotStrict("is nested too deeply") from None
    except ValueError as error:  # json.JSONDecodeError, UnicodeDecodeError, a whole number of thousands of digits
        raise NotStrict(f"is no valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise NotStrict("holds no JSON object")
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise NotStrict(f"names the key '{next(key for key in keys if keys.count(key) > 1):.60}' twice")
    return found


def _refuse_half_characters(found: Any) -> None:
    """A lone half of a pair of UTF-16 (\\ud800), which JSON can spell: no file and no terminal would take it later."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise NotStrict(f"holds half a character ({error.object[error.start]!a}), which is no text") from error


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(f"{text:.60}")


def _no_number(name: str) -> Any:
    raise NotStrict(f"holds {name}, which is no number that a program could use")
