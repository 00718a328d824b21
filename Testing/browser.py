"""Debian's Chromium without a window: a page as it is after its scripts have run, and a picture of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Chromium is not installed (apt install chromium)"
VIRTUAL_MS = "3000"  # of the page's own clock, which runs as fast as the work is done
LIMIT_S = 120
ENDED = "written to file"


def find_chromium() -> str | None:
    """Its path, None where it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def dumped(page: Path, profile: Path) -> str:
    """The page's elements after its scripts."""
    return _run(profile, "--dump-dom", page.absolute().as_uri())


def pictured(page: Path, picture: Path, profile: Path, size: tuple[int, int]) -> None:
    """Write the upper part of the page as PNG, (width, height) pixels."""
    _run(profile, f"--screenshot={picture.absolute()}", f"--window-size={size[0]},{size[1]}", "--hide-scrollbars", page.absolute().as_uri())


def _run(profile: Path, *arguments: str) -> str:
    command = [find_chromium() or NAMES[0], "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--no-first-run", "--disable-extensions", f"--virtual-time-budget={VIRTUAL_MS}", *arguments]
    environment = {**os.environ, "HOME": str(profile)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout
