"""Paths for the tests, and the optional folder of real images."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch loads: its threads spin otherwise, which busy machines pay for
ROOT = Path(__file__).resolve().parent.parent
for folder in (ROOT / "MedSegDL", ROOT / "training"):
    sys.path.insert(0, str(folder))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real images; a test that asks for it is skipped where the images are not."""
    folder = Path(os.environ.get("MEDSEGDL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real images are not there: {folder} (or set $MEDSEGDL_DATA)")
    return folder
