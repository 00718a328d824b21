"""What the panel has done by Slicer's own Python, or beside it: where that Python is, torch into it, the phantom into the scene.
No widget and no torch may enter.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

from ..errors import MedSegDLError
from ..io.private_folder import private_folder
from ..worker.environment import LIBRARY_FOLDER, SAFETENSORS, TORCH, Interpreter, child_environment
from ..worker.processes import Failure, Launch, run_with_lines

THUMBNAIL = Path(__file__).resolve().parents[2] / "Resources" / "Icons" / "BrainPhantom.png"  # Resources/draw_thumbnail.py
PHANTOM_MODULE = "MedSegDLLib.phantom.sample_data"


def slicer_python() -> Path:
    """Slicer's own Python as a program of its own (`sys.executable` outside the desktop)."""
    return Path(shutil.which("PythonSlicer") or sys.executable)


def install_torch() -> Failure | None:
    """Install torch into Slicer's Python through the extension PyTorch, which asks the user first; main thread only, blocking.

    Returns:
        None where it is installed, else why not (the extension is missing, or the user said no).
    """
    try:
        import PyTorchUtils
    except ImportError:
        message = "The extension PyTorch is not installed."
        return Failure("torch", message, "Install it with the Extensions Manager and restart Slicer, or make a private environment.")
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=TORCH.removeprefix("torch")) is None:
        return Failure("torch", "PyTorch was not installed.", "Make a private environment instead.")
    _install(SAFETENSORS)
    return None


def _install(requirement: str) -> None:
    """A small package into Slicer's Python, unless it is there; by `slicer.packaging`, where this Slicer has it (5.11)."""
    try:
        from slicer.packaging import pip_ensure
    except ImportError:
        slicer.util.pip_install(requirement)
    else:
        pip_ensure([requirement], requester="MedSegDL")


def offer_phantom(load: Callable[[Any], Any]) -> None:
    """Offer the procedural brain phantom in the Sample Data module; it is computed on this machine, nothing is downloaded.

    Args:
        load: called with the source when the user asks for it.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="MedSegDL",
        sampleName="MedSegDL brain phantom",
        uris="medsegdl:phantom",
        fileNames="phantom",
        nodeNames="phantom",
        customDownloader=load,
        thumbnailFileName=str(THUMBNAIL),
    )


def load_phantom(interpreter: Interpreter, spacing_mm: float = 1.0) -> list[Any]:
    """Let the worker's Python compute the head phantom, and load its volumes; the application lives on meanwhile.

    Raises:
        MedSegDLError: that Python cannot compute it.
    """
    with private_folder() as folder:
        make_phantom(interpreter, folder, spacing_mm)
        return [slicer.util.loadVolume(str(path), {"singleFile": True}) for path in sorted(folder.glob("*.nrrd"))]


def make_phantom(interpreter: Interpreter, folder: Path, spacing_mm: float = 1.0) -> None:
    """Let a Python write the phantom's files into a folder. Raises MedSegDLError where it cannot."""
    arguments = (str(interpreter.python), "-X", "utf8", "-m", PHANTOM_MODULE, str(folder), "--spacing", str(spacing_mm))
    said: list[str] = []

    def listen(line: str) -> None:
        said.append(line)
        slicer.app.processEvents()

    try:
        code = run_with_lines(Launch(arguments, child_environment(interpreter), LIBRARY_FOLDER), listen)
    except OSError as error:
        raise MedSegDLError(f"{interpreter.python} cannot be started.", "Choose another Python in MedSegDL's settings.") from error
    if code:
        last = next((line for line in reversed(said) if line.strip()), "")
        raise MedSegDLError(f"The phantom could not be computed: {last.strip()}", "Choose a Python that has torch in MedSegDL's settings.")
