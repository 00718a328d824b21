"""Paths for the tests, and the optional folder of real images."""

from __future__ import annotations

import contextlib
import io
import locale
import os
import signal
import sys
import traceback
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: its threads spin otherwise, which busy machines pay for

for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:  # of a shell's background, or nohup: children
        signal.signal(getattr(signal, name), handler)  # would inherit it, and the command line leaves ignored signals alone

LOCALE = locale.setlocale(locale.LC_ALL)
ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT / "MedSegDL", ROOT / "training"):
    sys.path.insert(0, str(folder))


def pytest_runtest_setup() -> None:
    """torch on one thread in every test, whatever the one before has set: sums over threads differ in their last bits, and small
    tensors are slower on many. A hook, as fixtures of a module are made before those of a test."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True)
def own_locale() -> None:
    """The locale that the tests were started with: MRML's reading and writing of scenes sets another one for the whole process."""
    locale.setlocale(locale.LC_ALL, LOCALE)


@pytest.fixture
def opened_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are opened in this process, without limits: the child that opens them has to load torch each time."""
    from MedSegDLLib.imports import checkpoint, opened_checkpoint

    def run_here(given: list[str], patience: object) -> tuple[int, list[str]]:
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                return opened_checkpoint.main(given), said.getvalue().splitlines()
        except Exception:  # noqa: BLE001 - the child ends so too: with a traceback, and the code 1
            return 1, traceback.format_exc().splitlines()

    monkeypatch.setattr(opened_checkpoint, "limit", lambda memory_bytes, seconds: None)
    monkeypatch.setattr(checkpoint, "run_child", run_here)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real images; a test that asks for it is skipped where the images are not."""
    folder = Path(os.environ.get("MEDSEGDL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real images are not there: {folder} (or set $MEDSEGDL_DATA)")
    return folder
