"""Runs the self tests in an installed Slicer and ends it with an honest exit code: 0 if every test ran and passed, 1 if one failed,
2 if none failed but some could not run (no Python with torch for the worker: the reason is printed).

    Slicer --testing --no-splash --additional-module-paths MedSegDL --python-script Testing/Python/run_self_tests.py

Settings by environment variables: MEDSEGDL_SELF_TESTS the beginnings of the names of the tests to run ("test_04 test_13"; else all), and
those of self_test_desktop.py.
"""

from __future__ import annotations

import os
import sys
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path

import slicer

CHOICE_VARIABLE = "MEDSEGDL_SELF_TESTS"
PASSED, FAILED, INCOMPLETE = 0, 1, 2
VERDICTS = {PASSED: "passed", FAILED: "FAILED", INCOMPLETE: "INCOMPLETE"}


def folder_of_tests() -> Path:
    """Where this script lies; Slicer tells it to scripts as `__file__`."""
    if "__file__" in globals():
        return Path(__file__).resolve().parent
    return Path(slicer.util.modulePath("MedSegDL")).resolve().parent.parent / "Testing" / "Python"


def run() -> int:
    """Run all tests; the exit code."""
    sys.path.insert(0, str(folder_of_tests()))
    from self_test_opening import open_for_the_first_time

    open_for_the_first_time()
    from self_test_desktop import offer_repository_python

    offer_repository_python()
    suite = chosen(unittest.defaultTestLoader.loadTestsFromName("MedSegDLSelfTest"))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    for reason in sorted({reason for _test, reason in result.skipped}):
        print(f"not run: {reason}")
    code = verdict(result)
    print(f"MedSegDL self tests {VERDICTS[code]}: {result.testsRun - skipped} run, {failed} failed, {skipped} could not run")
    return code


def chosen(suite: unittest.TestSuite) -> unittest.TestSuite:
    """The tests that $MEDSEGDL_SELF_TESTS names by their beginnings; all where it is empty or not set."""
    names = tuple(os.environ.get(CHOICE_VARIABLE, "").split())
    return unittest.TestSuite(test for test in _flat(suite) if not names or test.id().rsplit(".", 1)[-1].startswith(names))


def _flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        yield from _flat(test) if isinstance(test, unittest.TestSuite) else [test]


def verdict(result: unittest.TestResult) -> int:
    """The exit code for what became of the tests."""
    if not result.wasSuccessful() or result.testsRun == 0:
        return FAILED
    return INCOMPLETE if result.skipped else PASSED


def main() -> None:
    """Run, and end the application whatever happens."""
    code = FAILED
    try:
        code = run()
    except BaseException:  # noqa: BLE001 - an exit code must come out in any case
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        slicer.util.exit(code)


main()
