"""What the self tests do with the desktop: wait while it lives, take pictures, make the tiny case, or, where no Python can run the
worker, volumes and a result by hand. No assertion of its own.

Settings by environment variables: MEDSEGDL_PYTHON the worker's Python (else Slicer's own), MEDSEGDL_SCREENSHOTS a folder for pictures,
MEDSEGDL_RUNS how many runs test_76 undoes in a row.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
import vtk

from MedSegDLLib.result import Result, Segment
from MedSegDLLib.scene.placing import Order
from MedSegDLLib.scene.slicer_python import slicer_python
from MedSegDLLib.scene.volumes import image_from_node
from MedSegDLLib.tasks import BRAIN_MASK
from MedSegDLLib.worker.environment import LIBRARY_FOLDER, PYTHON_VARIABLE, Source, child_environment, find_interpreter
from MedSegDLLib.worker.processes import Launch, run_with_lines

LONGEST_GAP_MS = 50  # of this thread, between two ticks of a timer; drawing by a processor comes on top
SCREENSHOTS_VARIABLE = "MEDSEGDL_SCREENSHOTS"
WEIGHTS_VARIABLE = "MEDSEGDL_WEIGHTS"
START_LIMIT_S = 300.0  # the first import of torch on a slow disk
PAUSE_S = 0.01
TICK_MS = 5
LOOK_MS = 200
BUSY_PROGRAMS = 4.0  # a core, up to which times are as on a quiet machine
WRITTEN = "written"  # the last word of make_tiny_case.py
WINDOW = (1500, 1100)  # wide enough for the panel beside four views
WIDTHS = (350, 450)  # of the panel's dock in pictures
QWIDGETSIZE_MAX = 16777215
BRAIN_INPUTS = ["flair", "t1", "t1ce", "t2"]
MOVED_MM = 9.0  # of the made head's T1
MADE_SHAPE = (16, 20, 18)  # (K, J, I) of volumes made by hand
REPOSITORY_PYTHON = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "python"  # `make test` makes it, with torch
CASE: dict[str, Any] = {}  # folder: of the tiny case, None without a worker; reason: why there is none


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


def close_dialogs(count: int) -> list[str]:
    """Close the next modal dialogs, as a user who has changed his mind; their class names, as they come."""
    closed: list[str] = []

    def look() -> None:
        dialog = slicer.app.activeModalWidget()
        if dialog is not None:
            closed.append(dialog.className())
            dialog.close()
        if len(closed) < count:
            qt.QTimer.singleShot(LOOK_MS, look)

    qt.QTimer.singleShot(LOOK_MS, look)
    return closed


def screenshot(name: str) -> None:
    """Pictures of the main window and of the whole panel in $MEDSEGDL_SCREENSHOTS; none where that is not set, or there is no window."""
    folder, window = os.environ.get(SCREENSHOTS_VARIABLE), slicer.util.mainWindow()
    if not folder or window is None:
        return
    window.resize(*WINDOW)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    live(1.0)
    for _look in range(2):  # a view that was resized draws its image and its outlines apart
        slicer.util.forceRenderAllViews()
        live(0.3)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for suffix, widget in (("", window), ("-panel", slicer.util.getModuleWidget("MedSegDL").parent)):
        path = Path(folder) / f"{name}{suffix}.png"
        widget.grab().save(str(path))
        print(f"picture: {path}")


def pictures(name: str, ui: Any, widget: Any) -> None:
    """Pictures of the window as it is, the panel 350 and 450 pixels wide, scrolled to a section; none where none are wanted."""
    folder, window = os.environ.get(SCREENSHOTS_VARIABLE), slicer.util.mainWindow()
    if not folder or window is None:
        return
    window.resize(*WINDOW)
    dock = slicer.util.findChild(window, "PanelDockWidget")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        dock.setFixedWidth(width)
        live(0.5)
        ui.scrollArea.ensureWidgetVisible(widget)
        live(0.5)
        path = Path(folder) / f"{name}-{width}.png"
        window.grab().save(str(path))
        print(f"picture: {path}")
    dock.setMinimumWidth(0)
    dock.setMaximumWidth(QWIDGETSIZE_MAX)


def dated(volume: Any, day: str) -> None:
    """Hang a volume under a new study of a day, as the DICOM module does."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), f"study of {day}")
    hierarchy.SetItemAttribute(study, slicer.vtkMRMLSubjectHierarchyConstants.GetDICOMStudyDateAttributeName(), day)
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), study)


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


def offer_repository_python(python: Path = REPOSITORY_PYTHON) -> None:
    """Let the worker run on the repository's own environment where nobody chose a Python and Slicer's has no torch."""
    chosen = find_interpreter("", slicer_python()).source is not Source.SLICER
    if not chosen and python.exists() and importlib.util.find_spec("torch") is None:
        os.environ[PYTHON_VARIABLE] = str(python)


def write_series(node: Any, folder: Path) -> list[Path]:
    """A volume as a DICOM series (MR), a file a slice, written by pydicom; the files."""
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    image, study, files = image_from_node(node), generate_uid(), []
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    numbers = np.round(100 * np.clip(image.array, 0, 300)).astype(np.uint16)
    series, frame = generate_uid(), generate_uid()
    for k, pixels in enumerate(numbers):
        made, meta = Dataset(), FileMetaDataset()
        made.SOPClassUID = meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        made.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID, made.file_meta = ExplicitVRLittleEndian, meta
        made.StudyInstanceUID, made.SeriesInstanceUID, made.FrameOfReferenceUID, made.Modality = study, series, frame, "MR"
        made.PatientName, made.PatientID, made.SeriesDescription, made.SeriesNumber, made.InstanceNumber = "A^B", "1", "flair", 4, k + 1
        made.ImagePositionPatient = [f"{part:.9g}" for part in (affine @ [0, 0, k, 1])[:3]]
        made.ImageOrientationPatient = [f"{part:.9g}" for part in (affine[:3, :2] / spacing[:2]).T.ravel()]
        made.PixelSpacing, made.SliceThickness = [float(spacing[1]), float(spacing[0])], float(spacing[2])
        made.Rows, made.Columns, made.SamplesPerPixel, made.PhotometricInterpretation = *pixels.shape, 1, "MONOCHROME2"
        made.BitsAllocated = made.BitsStored = 16
        made.HighBit, made.PixelRepresentation, made.PixelData = 15, 0, pixels.tobytes()
        files.append(folder / f"{k:03d}.dcm")
        pydicom.dcmwrite(files[-1], made, enforce_file_format=True)
    return files


def made_volume(name: str) -> Any:
    """A grey volume of noise."""
    noise = np.random.default_rng(0).random(MADE_SHAPE, dtype=np.float32)
    return slicer.util.addVolumeFromArray(noise, name=name)


def made_result(order: Order) -> Result:
    """What the worker could have answered: each region a box within the one before."""
    key = next(key for key in order.task.reference_order if key in order.nodes)
    grid, segments = image_from_node(order.nodes[key]).grid, []
    for margin, region in enumerate(order.task.regions, start=1):
        mask = np.zeros(grid.shape, np.uint8)
        mask[tuple(slice(margin, size - margin) for size in grid.shape)] = 1
        segments.append(Segment(region, mask, grid.voxel_volume_mm3))
    record = {"seconds": {}, "device": "none", "warnings": [], "count": None}
    return Result(order.task, grid, key, tuple(segments), record=record)


def made_head(order: Order) -> Result:
    """What the worker could have answered for a head with its skull of which T1 lay 9 mm off: with a brain mask, and T1's motion."""
    result = made_result(order)
    mask = np.zeros(result.grid.shape, np.uint8)
    mask[1:-1, 1:-1, 1:-1] = 1
    result.brain_mask = Segment(BRAIN_MASK.regions[0], mask, result.grid.voxel_volume_mm3)
    motion = np.eye(4)
    motion[0, 3] = MOVED_MM
    result.record["registration"] = {"t1": {"applied": True, "matrix_ras_mm": motion.tolist()}}
    return result


def needs_worker(test: Callable[[Any], None]) -> Callable[[Any], None]:
    """Skip a test, with the reason, where no Python can run the worker."""

    @functools.wraps(test)
    def run(self: Any) -> None:
        if CASE["folder"] is None:
            self.skipTest(CASE["reason"])
        test(self)

    return run


def open_panel() -> Any:
    """The real panel, shown, its worker ready, or known not to come."""
    slicer.util.selectModule("MedSegDL")
    widget = slicer.util.getModuleWidget("MedSegDL")
    if CASE["folder"] is not None:
        wait_until(lambda: widget.logic.session.ready, "the worker is ready")
    wait_until(lambda: not widget.logic.session.starting, "the worker has started, or cannot")
    return widget


def load_phantom() -> list[Any]:
    """The phantom's four volumes as nodes; volumes of their names without a worker."""
    return [load(name) for name, load in phantom_loaders()]


def phantom_loaders() -> list[tuple[str, Callable[[str], Any]]]:
    """Name of each volume of the phantom, and a function that loads it under the name that it is given."""
    if CASE["folder"] is None:
        return [(f"phantom_{key}", made_volume) for key in BRAIN_INPUTS]
    paths = sorted((CASE["folder"] / "phantom").glob("*.nrrd"))
    return [(path.stem, functools.partial(load_as, path)) for path in paths]


def load_as(path: Path, name: str) -> Any:
    """A volume from a file, under a name."""
    return slicer.util.loadVolume(str(path), {"singleFile": True, "name": name})


def resident_mb() -> float:
    """Memory that this process has in RAM; 0 where the system does not tell in Linux's way."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    return sum(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def crowd() -> float:
    """How much longer a time may be than on a quiet machine: processor times grow too where many programs share a core's caches and clock.

    Measured: the first opening takes 196 ms of its thread at 5 busy programs a core, 607 ms at 10.
    """
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1.0, load / (os.cpu_count() or 1) / BUSY_PROGRAMS)


class Ticking:
    """A timer that ticks while something is done, and how long the window's thread was at work between two ticks.

    Processor time of this thread: what other programs take on a busy machine is not the panel's. Drawing is counted apart: without a
    graphics card it takes 20 to 30 ms a view (llvmpipe), whoever asks for it; with one it is the card's work.

    Attributes:
        gaps_ms, drawing_ms: of each time between two ticks, all of it and the drawing within.
    """

    def __init__(self, interval_ms: int = TICK_MS) -> None:
        self.gaps_ms: list[float] = []
        self.drawing_ms: list[float] = []
        self._last = self._begun = self._drawn = 0.0
        self._observed: list[tuple[Any, int]] = []
        self._timer = qt.QTimer()
        self._timer.interval = interval_ms
        self._timer.connect("timeout()", self._tick)

    @property
    def longest_ms(self) -> float:
        """The longest time between two ticks without the drawing."""
        return max(gap - drawn for gap, drawn in zip(self.gaps_ms, self.drawing_ms))

    @property
    def drawn_ms(self) -> float:
        """All drawing so far."""
        return sum(self.drawing_ms) + 1000 * self._drawn

    def __enter__(self) -> Ticking:
        for window in render_windows():
            events = ((vtk.vtkCommand.StartEvent, self._draw), (vtk.vtkCommand.EndEvent, self._drew))
            self._observed += [(window, window.AddObserver(event, call)) for event, call in events]
        self._last = time.thread_time()
        self._timer.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._tick()  # what came after the last one counts too; a crowded machine may not have let the timer tick at all
        self._timer.stop()
        for window, tag in self._observed:
            window.RemoveObserver(tag)

    def _draw(self, *_: Any) -> None:
        self._begun = time.thread_time()

    def _drew(self, *_: Any) -> None:
        self._drawn += time.thread_time() - self._begun

    def _tick(self) -> None:
        now = time.thread_time()
        self.gaps_ms.append(1000 * (now - self._last))
        self.drawing_ms.append(1000 * self._drawn)
        self._last, self._drawn = now, 0.0


def render_windows() -> list[Any]:
    """Those of the views that are shown; none without views."""
    layout = slicer.app.layoutManager()
    if layout is None:
        return []
    slices = [layout.sliceWidget(name).sliceView() for name in layout.sliceViewNames()]
    return [view.renderWindow() for view in (*slices, *(layout.threeDWidget(n).threeDView() for n in range(layout.threeDViewCount)))]


def kill(pid: int) -> None:
    """End a process from outside, as the system does when memory runs out."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], check=True)
    else:
        os.kill(pid, signal.SIGKILL)
