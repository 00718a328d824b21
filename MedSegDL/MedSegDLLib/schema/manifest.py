"""What a manifest tells beside task, plan and network: training data, licence, scores, calibration. Every reader finds the type it expects.

A key that is known here holds what stands here or is left out; others are nobody's business and stay as they are, for later versions
tell more. Numbers may be null where a measure has no value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from .records import Law, Unfit, between, counting, read, shown

LONGEST_LINE, LONGEST_TEXT = 1000, 200_000  # characters; the nuclei's command has some thousands, a licence in full ten thousand
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # but tabs and new lines: what terminals obey and XML refuses


def _is_text(value: str, longest: int, lines: bool) -> bool:
    return len(value) <= longest and not _CONTROLS.search(value) and (lines or not {"\n", "\t"} & set(value))


Line = Annotated[str, Law(lambda value: _is_text(value, LONGEST_LINE, False), f"one line of {LONGEST_LINE} characters at most")]
Text = Annotated[str, Law(lambda value: _is_text(value, LONGEST_TEXT, True), f"{LONGEST_TEXT} printable characters at most")]
Count = Annotated[int, between(0, 10**12)]
Share = Annotated[float, between(0, 1)]
Measures = dict[Line, float | None]
Lines = Annotated[tuple[Line, ...], counting(0, 10_000)]
Texts = Annotated[tuple[Text, ...], counting(0, 10_000)]

# A key that begins with '!' must be there. A list of one table stands for any number of such objects.
_SUBSET = {"!inputs": Lines, "!mean": Measures, "n": Count}
_SCORE = {
    "protocol": Text,
    "mean": Measures,
    "cases": [{"!name": Line, "!measures": Measures, "regions": {"*": Measures}, "notes": Texts, "seconds": float | None}],
    "subsets": [_SUBSET],
    "tuned_on": Text,
    "weights_sha256": Line,
    "date": Line,
}
_CURVE = {
    "expected_error": Share,
    "expected_error_above_half": Share,
    "curve": Annotated[tuple[tuple[Share, Share, Count], ...], counting(0, 10_000)],
}
_TRAINING = {
    "data": Text,
    "licence": Text,
    "data_hash": Line,
    "cases": Count,
    "held_out": Lines,
    "command": Text,
    "seed": Annotated[int, between(-(2**63), 2**64)],
    "steps": Count,
    "minutes": Annotated[float, between(0, 1e9)],
    "spacing_mm": Annotated[tuple[float, ...], counting(3, 3)] | None,
    "reproducible": Text,
    "note": Text,
    "blend": {"!share": Share, "!sha256": Line},
}
_TOLD = {
    "date": Line,
    "licence_note": Text,
    "precision": Line,
    "sha256": Line,
    "architecture": {},
    "plan": {},
    "outputs": Lines,
    "training": _TRAINING,
    "scores": [_SCORE],
    "calibration": {"!protocol": Text, "cases": Count, "date": Line, "!regions": {"*": _CURVE}},
}


def refuse_misfit_told(manifest: Mapping[str, Any]) -> None:
    """Raises Unfit: something that the manifest tells is not what its readers expect; in a sentence without its full stop."""
    _obey(_TOLD, manifest, "")


def printable(value: Any) -> Any:
    """JSON to be written, each control character in its texts a space: whatever a licence file or a command line held can be read again."""
    if isinstance(value, Mapping):
        return {key: printable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [printable(one) for one in value]
    return _CONTROLS.sub(" ", value) if isinstance(value, str) else value


def _obey(law: Any, value: Any, where: str) -> None:
    """Tables and lists of tables here; everything else as type hints of records."""
    if isinstance(law, dict):
        _obey_table(law, value, where)
    elif isinstance(law, list):
        if not isinstance(value, list):
            raise Unfit(f"'{where}' is {shown(value)}, not a list")
        for number, one in enumerate(value):
            _obey(law[0], one, f"{where}[{number}]")
    else:
        read(law, value, where)


def _obey_table(table: dict[str, Any], value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        raise Unfit(f"'{where}' is {shown(value)}, not an object")
    laws = {key.removeprefix("!"): law for key, law in table.items()}
    missing = [key[1:] for key in table if key.startswith("!") and key[1:] not in value]
    if missing:
        raise Unfit(f"the key '{missing[0]}' in '{where}' is missing")
    for key, one in value.items():
        law = laws.get(key, laws.get("*"))
        if law is not None:
            _obey(law, one, f"{where}.{key:.60}" if where else key)
