"""Frozen dataclasses out of JSON: what a field may hold is told by its type hint, and by laws in it (`Annotated[float, between(0, 1)]`).

The same laws hold for objects made in Python (`obey` in `__post_init__`): one that would be invalid cannot be constructed.
"""

from __future__ import annotations

import functools
import math
import re
import reprlib
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from numbers import Integral, Real
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
SHOWN = 60  # characters of a value that a sentence shows at most
MOST_ITEMS = 10_000  # of any list; what is longer is no description of anything

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = SHOWN


class Unfit(ValueError):
    """A value that may not be there, as a sentence without its full stop: which entry, what it holds, what it must be."""


@dataclass(frozen=True)
class Law:
    """What the values of a field must also be.

    Attributes:
        holds: whether a value of the right type obeys.
        says: what it must be, for sentences and for the documentation ('a number from 0 to 1').
        first: whether it is asked before the items of a list are read, which may be millions.
    """

    holds: Callable[[Any], bool]
    says: str
    first: bool = False


def between(low: float, high: float, unit: str = "") -> Law:
    """A finite number from `low` to `high`, both included."""
    return Law(lambda value: low <= value <= high, f"from {low:g} to {high:g}{unit and ' ' + unit}")


def within(low: float, high: float) -> Law:
    """A finite number between `low` and `high`, neither included."""
    return Law(lambda value: low < value < high, f"over {low:g} and under {high:g}")


def above(low: float, high: float) -> Law:
    """A finite number over `low`, up to `high`."""
    return Law(lambda value: low < value <= high, f"over {low:g} and up to {high:g}")


def counting(low: int, high: int) -> Law:
    """So many items."""
    return Law(lambda value: not isinstance(value, (list, tuple)) or low <= len(value) <= high, f"{low} to {high} of them", first=True)


def matching(pattern: str, says: str) -> Law:
    """Text that a regular expression fits from end to end."""
    return Law(lambda value: re.fullmatch(pattern, value) is not None, says)


def read_record(kind: type[T], entry: Any, where: str = "") -> T:
    """A dataclass from a JSON object.

    Args:
        kind: the dataclass; fields without a default must be there.
        entry: what JSON gave, or an instance of `kind` already.
        where: name of the entry in sentences ('regions[0]'); '' for the whole file.

    Raises:
        Unfit: no object, an unknown or missing key, a value of another type, or against a law.
    """
    if isinstance(entry, kind):
        return entry
    if not isinstance(entry, Mapping):
        raise Unfit(f"{where or 'the whole'} is {shown(entry)}, not an object")
    known = {one.name: one for one in fields(kind)}
    within = f" in '{where}'" if where else ""
    for key in entry:
        if key not in known:
            raise Unfit(f"the key '{key:.{SHOWN}}'{within} is unknown; there are: {', '.join(known)}")
    missing = [name for name, one in known.items() if not has_default(one) and name not in entry]
    if missing:
        raise Unfit(f"the key '{missing[0]}'{within} is missing")
    hints = hints_of(kind)
    values = {key: read(hints[key], value, f"{where}.{key}" if where else key) for key, value in entry.items()}
    try:
        return kind(**values)
    except Unfit as unfit:  # of a law between fields; those of single fields hold already
        raise Unfit(f"{where}: {unfit}" if where else str(unfit)) from unfit


def obey(record: Any) -> None:
    """For `__post_init__` of a frozen dataclass: lists become tuples, and every field obeys its hint; raises Unfit."""
    for name, hint in hints_of(type(record)).items():
        object.__setattr__(record, name, read(hint, getattr(record, name), name))


@functools.cache
def hints_of(kind: type) -> dict[str, Any]:
    """Field name -> type hint with its laws."""
    return get_type_hints(kind, include_extras=True)


def has_default(one: Field) -> bool:
    """Whether a field may be left out."""
    return one.default is not MISSING or one.default_factory is not MISSING


def read(hint: Any, value: Any, where: str) -> Any:
    """A value of JSON (or of Python) as its type hint wants it; raises Unfit."""
    if get_origin(hint) is Annotated:
        inner, *laws = get_args(hint)
        if not all(law.holds(value) for law in laws if law.first):
            raise Unfit(f"'{where}' is {shown(value)}; it must be {described(hint)}")
        found = read(inner, value, where)
        if not all(law.holds(found) for law in laws if not law.first):
            raise Unfit(f"'{where}' is {shown(value)}; it must be {described(hint)}")
        return found
    if get_origin(hint) in (Union, types.UnionType):
        inner = next(one for one in get_args(hint) if one is not type(None))
        return None if value is None else read(inner, value, where)
    if get_origin(hint) is tuple:
        return _read_tuple(get_args(hint), value, where)
    if get_origin(hint) is dict:
        return _read_dict(get_args(hint), value, where)
    if is_dataclass(hint):
        return read_record(hint, value, where)
    return _read_plain(hint, value, where)


def _read_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise Unfit(f"'{where}' is {shown(value)}, not a list")
    if len(value) > MOST_ITEMS:
        raise Unfit(f"'{where}' has {len(value)} items, more than {MOST_ITEMS}")
    hints = [items[0]] * len(value) if items[-1] is Ellipsis else list(items)
    if len(hints) != len(value):
        raise Unfit(f"'{where}' has {len(value)} items, not {len(hints)}")
    return tuple(read(hint, one, f"{where}[{number}]") for number, (hint, one) in enumerate(zip(hints, value)))


def _read_dict(items: tuple[Any, ...], value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unfit(f"'{where}' is {shown(value)}, not an object")
    return {read(items[0], key, where): read(items[1], one, f"{where}.{key:.{SHOWN}}") for key, one in value.items()}


def _read_plain(kind: type, value: Any, where: str) -> Any:
    if issubclass(kind, Enum):
        if value in [member.value for member in kind]:
            return kind(value)
    elif kind is float and isinstance(value, Real) and not isinstance(value, bool):
        if _is_finite(value):
            return float(value)
    elif kind is int and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    elif kind in (str, bool) and isinstance(value, kind):
        return value
    raise Unfit(f"'{where}' is {shown(value)}, not {described(kind)}")


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond what a float holds
        return False


def shown(value: Any) -> str:
    """A value as a sentence shows it: as JSON has it, and short."""
    text = _short.repr(value)
    return {"True": "true", "False": "false", "None": "null"}.get(text, text[: 2 * SHOWN])


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def described(hint: Any) -> str:
    """A type hint in words, for sentences and for the documentation."""
    if get_origin(hint) is Annotated:
        inner, *laws = get_args(hint)
        return f"{described(inner)}{' ' if inner in (int, float) else ', '}{', '.join(law.says for law in laws)}"
    if get_origin(hint) in (Union, types.UnionType):
        return f"{described(next(one for one in get_args(hint) if one is not type(None)))} or null"
    if get_origin(hint) is tuple:
        items = get_args(hint)
        return f"a list, each {described(items[0])}" if items[-1] is Ellipsis else f"[{', '.join(map(described, items))}]"
    if get_origin(hint) is dict:
        return f"an object, each value {described(get_args(hint)[1])}"
    if is_dataclass(hint):
        return f"an object ({hint.__name__})"
    if issubclass(hint, Enum):
        return " or ".join(f'"{member.value}"' for member in hint)
    return _WORDS[hint]
