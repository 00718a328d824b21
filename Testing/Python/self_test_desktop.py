"""What the self tests do with the desktop: wait while it lives, take pictures, make the tiny case. No assertion of its own.

Settings by environment variables: MEDSEGDL_PYTHON the worker's Python (else Slicer's own), MEDSEGDL_SCREENSHOTS a folder for pictures.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

from MedSegDLLib.environment import LIBRARY_FOLDER, child_environment, find_interpreter
from MedSegDLLib.processes import Launch, run_with_lines
from MedSegDLLib.scene.slicer_python import slicer_python

SCREENSHOTS_VARIABLE = "MEDSEGDL_SCREENSHOTS"
WEIGHTS_VARIABLE = "MEDSEGDL_WEIGHTS"
START_LIMIT_S = 300.0  # the first import of torch on a slow disk
PAUSE_S = 0.01
WRITTEN = "written"  # the last word of make_tiny_case.py
WINDOW = (1500, 1100)  # wide enough for the panel beside four views


def wait_until(done: Callable[[], Any], what: str, limit_s: float = START_LIMIT_S) -> Any:
    """Let the application live until something is true; what it is. Raises AssertionError when it takes too long."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        slicer.app.processEvents()
        found = done()
        if found:
            return found
        time.sleep(PAUSE_S)
    raise AssertionError(f"after {limit_s:.0f} s still not: {what}")


def live(seconds: float) -> None:
    """Let the application live for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        slicer.app.processEvents()
        time.sleep(PAUSE_S)


def screenshot(name: str) -> None:
    """Pictures of the main window and of the whole panel in $MEDSEGDL_SCREENSHOTS; none where that is not set, or there is no window."""
    folder, window = os.environ.get(SCREENSHOTS_VARIABLE), slicer.util.mainWindow()
    if not folder or window is None:
        return
    window.resize(*WINDOW)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    live(1.0)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for suffix, widget in (("", window), ("-panel", slicer.util.getModuleWidget("MedSegDL").parent)):
        path = Path(folder) / f"{name}{suffix}.png"
        widget.grab().save(str(path))
        print(f"picture: {path}")


def make_tiny_case() -> tuple[Path | None, str]:
    """A folder with phantom and weights, $MEDSEGDL_WEIGHTS pointing there; or None and the reason why it cannot be made."""
    interpreter = find_interpreter("", slicer_python())
    print(f"worker: {interpreter.python} ({interpreter.source.value})")
    folder, said = Path(tempfile.mkdtemp(prefix="medsegdl-self-test-")), []
    script = Path(__file__).resolve().with_name("make_tiny_case.py")
    arguments = (str(interpreter.python), "-X", "utf8", str(script), str(folder))
    try:
        code = run_with_lines(Launch(arguments, child_environment(interpreter), LIBRARY_FOLDER), said.append)
    except OSError as error:
        code, said = -1, [str(error)]
    if code or WRITTEN not in said:
        last = next((line for line in reversed(said) if line.strip()), f"exit code {code}")
        return None, f"{interpreter.python} cannot run the worker ({last.strip()}): set MEDSEGDL_PYTHON to a Python that has torch"
    os.environ[WEIGHTS_VARIABLE] = str(folder)
    return folder, ""
