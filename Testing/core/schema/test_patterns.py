"""Regular expressions out of a file: those that are quick on every name pass, those that are not do not."""

from __future__ import annotations

import re
import time

import pytest

from MedSegDLLib.schema.patterns import MOST_WAYS, is_quick
from MedSegDLLib.tasks import SHIPPED

QUICK = [
    r"BraTS-(GLI|MET)-\d",
    r"o?edema|\bed\b",
    r"case_\d+\.nii",
    r"[(|)*]+",
    r"\(+",
    "",
    r"x.*y",
    r"(?:left|right) kidney(?! cyst)",
    "a{3}",
]
SLOW = [r"(a+)+b", r"(.*)*x", "a?" * 30 + "a" * 30, "(x|x)" * 20, r".*.*.*x", r"(a|a)*b", r"(a)\1*(b)?", r"(?i)a", r"(?(1)a|b)", "x" * 501]


@pytest.mark.parametrize("pattern", QUICK)
def test_quick_ones_pass(pattern: str) -> None:
    assert is_quick(pattern)
    started = time.perf_counter()
    re.search(pattern, "a" * 100 + "x" * 100 + "(" * 55)  # as long as a file name can be
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("pattern", [*SLOW, "(", "[", "*", "a{2}{2}", "\\"])
def test_slow_and_broken_ones_do_not(pattern: str) -> None:
    assert not is_quick(pattern)


def test_the_slowest_that_passes_is_quick_enough() -> None:
    worst = "a*a*b"  # 2 ** 16 ways from each letter, in the bound of the law
    assert is_quick(worst) and not is_quick("a*" + worst) and MOST_WAYS == 2**16
    started = time.perf_counter()
    assert re.search(worst, "a" * 255) is None
    assert time.perf_counter() - started < 5


def test_all_shipped_ones_pass() -> None:
    patterns = [name for task in SHIPPED.values() for name in (*(p for p, _ in task.label_names), *(c.names for c in task.conventions))]
    assert len(patterns) > 15 and all(map(is_quick, patterns))
