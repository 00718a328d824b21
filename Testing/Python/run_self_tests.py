"""Runs the self tests in an installed Slicer and ends it with an honest exit code: 0 only if every test ran and passed.

    Slicer --testing --no-splash --additional-module-paths MedSegDL --python-script Testing/Python/run_self_tests.py

Settings by environment variables, see self_test_desktop.py.
"""

from __future__ import annotations

import sys
import traceback
import unittest
from pathlib import Path

import slicer

PASSED, FAILED = 0, 1


def folder_of_tests() -> Path:
    """Where this script lies; Slicer tells it to scripts as `__file__`."""
    if "__file__" in globals():
        return Path(__file__).resolve().parent
    return Path(slicer.util.modulePath("MedSegDL")).resolve().parent.parent / "Testing" / "Python"


def run() -> int:
    """Run all tests; the exit code."""
    sys.path.insert(0, str(folder_of_tests()))
    suite = unittest.defaultTestLoader.loadTestsFromName("MedSegDLSelfTest")
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    complete = result.testsRun > 0 and failed == 0 and skipped == 0
    verdict = "passed" if complete else "FAILED"
    print(f"MedSegDL self tests {verdict}: {result.testsRun} run, {failed} failed, {skipped} skipped")
    return PASSED if complete else FAILED


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
