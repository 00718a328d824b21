"""Regular expressions out of a file: only such as answer at once on every name, for Python's `re` tries all ways to fit.

`(a+)+b` takes longer than anyone lives on forty letters; a task from elsewhere must not be able to do that.
"""

from __future__ import annotations

import re

from .records import Law

LONGEST = 500  # characters
MOST_WAYS = 2**16  # that a name may be tried in from one of its letters, an alternative; some milliseconds for all of them
LONGEST_NAME = 256  # letters of a file name: the ways of `x*`

_TOKENS = re.compile(
    r"(?P<skip>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?:[:=!]|<[=!])|\(\?P<\w+>)"
    r"|(?P<odd>\(\?)|(?P<sign>[()|?*+{])|(?P<rest>.)",
    re.DOTALL,
)


def is_quick(pattern: str) -> bool:
    """Whether it is a regular expression that takes no longer than `MOST_WAYS` steps or so from any letter of a name."""
    if len(pattern) > LONGEST or _ways(pattern) > MOST_WAYS:
        return False
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _ways(pattern: str) -> int:
    """An upper bound of the ways to try: choices one after the other multiply; those of a group that is repeated have no bound."""
    ways, depth, last = [1], 0, ""
    for token in _TOKENS.finditer(pattern):
        sign = token.group("sign")
        if token.group("odd") or (sign in ("?", "*", "+", "{") and last == ")"):
            return MOST_WAYS + 1  # a repeated group, a reference, a condition, flags
        if sign == "|" and not depth:
            ways.append(1)
        elif sign in ("|", "?"):
            ways[-1] *= 2
        elif sign in ("*", "+", "{"):
            ways[-1] *= LONGEST_NAME
        depth += (token.group().startswith("(")) - (sign == ")")
        last = token.group()
    return sum(ways)


QUICK_PATTERN = Law(is_quick, f"a regular expression of {LONGEST} characters at most, without repeated groups and many repeats")
