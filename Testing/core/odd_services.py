"""A worker's services that need no torch and misbehave as the request's options say; and how to start a worker with them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from MedSegDLLib.errors import ERROR_KINDS
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.result import Result, Segment
from MedSegDLLib.tasks import Task
from MedSegDLLib.worker import server
from MedSegDLLib.worker.environment import Interpreter, Source, child_environment
from MedSegDLLib.worker.processes import Launch
from MedSegDLLib.worker.services import Services

FRACTIONS = (0.25, 0.5, 0.75)
SLEEPER = "import time; time.sleep(60)"


def odd_launch(*arguments: str) -> Launch:
    """Start a worker that has these services; `arguments` go to `main`."""
    here = Path(__file__).resolve().parent
    environment = child_environment(Interpreter(Path(sys.executable), Source.SETTING))
    environment["PYTHONPATH"] = os.pathsep.join([environment["PYTHONPATH"], str(here)])
    return Launch((sys.executable, "-c", "import odd_services; odd_services.main()", *arguments), environment, here)


def main() -> None:
    """Serve, or be one of the workers that cannot."""
    how = sys.argv[1] if len(sys.argv) > 1 else ""
    if how == "talks early":
        print("a word before anything", flush=True)
    if how == "dies early":
        raise RuntimeError("no luck today")
    sys.exit(server.main(Services(odd_segment, odd_check, odd_warm, no_torch if how == "no torch" else describe)))


def describe() -> dict:
    """As the core's, but for torch."""
    return {"python": sys.version.split()[0], "torch": "none", "device": "cpu", "pid": os.getpid()}


def no_torch() -> dict:
    """What happens where torch is missing."""
    raise ModuleNotFoundError("No module named 'torch'", name="torch")


def odd_check(images: dict[str, Image], task: Task) -> list[dict]:
    """One finding that says what arrived."""
    return [{"severity": "note", "code": "arrived", "input": ",".join(images), "message": task.key, "remedy": ""}]


def odd_warm(task: Task, device: str, weights: Path | None) -> dict:
    """What was asked."""
    return {"task": task.key, "device": device}


def odd_segment(images: dict[str, Image], task: Task, options: dict, progress) -> Result:
    """Do what `options['do']` says, then threshold the first image at 0, 1, 2 ... for the task's regions."""
    progress(0.0, "Begun")
    {"work": _nothing, **_ODD}[options.get("do", "work")](images, options, progress)
    for fraction in FRACTIONS:
        progress(fraction, f"At {fraction}")
    first = next(iter(images.values()))
    masks = [(first.array > level).astype(np.uint8) for level, _ in enumerate(task.regions)]
    segments = tuple(Segment(region, mask, first.grid.voxel_volume_mm3) for region, mask in zip(task.regions, masks))
    record = {"task": task.key, "mean": first.array.mean(), "names": [image.name for image in images.values()]}
    counted, doubt = masks[0].astype(np.uint32), first.array.astype(np.float32)
    return Result(task, first.grid, next(iter(images)), segments, counted, doubt, record=record)


def _nothing(images, options, progress) -> None:
    """Work as one should."""


def _raise(images, options, progress) -> None:
    raise ERROR_KINDS[options["kind"]]("The sentence.", "The remedy.")


def _memory(images, options, progress) -> None:
    raise MemoryError


def _torch_memory(images, options, progress) -> None:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")


def _bug(images, options, progress) -> None:
    raise IndexError(f"no such voxel in {next(iter(images.values())).name}")


def _exit(images, options, progress) -> None:
    sys.exit(9)


def _noise(images, options, progress) -> None:
    print("noise of Python", flush=True)
    os.write(1, b"noise of C\n")
    subprocess.run([sys.executable, "-c", "print('noise of a child'); import sys; sys.stdin.read()"], check=True)


def _overwrite(images, options, progress) -> None:
    for image in images.values():
        image.array[:] = -1


def _sleep(images, options, progress) -> None:
    """Sleep beside a sleeping child whose number is written down, unless it is told to stop."""
    child = subprocess.Popen([sys.executable, "-c", SLEEPER])
    Path(options["pids"]).write_text(f"{os.getpid()} {child.pid}")
    while True:
        time.sleep(0.02)
        progress(0.1, f"Sleeping {time.monotonic():.1f}")


def _deaf(images, options, progress) -> None:
    """Sleep without listening, as a long computation does."""
    Path(options["pids"]).write_text(f"{os.getpid()}")
    time.sleep(60)


def _die(images, options, progress) -> None:
    print("last words", file=sys.stderr, flush=True)
    os._exit(7)


def _crash(images, options, progress) -> None:
    if hasattr(signal, "SIGSEGV") and os.name == "posix":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    ctypes.string_at(0)


_ODD = {
    "raise": _raise, "memory": _memory, "torch memory": _torch_memory, "bug": _bug, "exit": _exit, "noise": _noise,
    "overwrite": _overwrite, "sleep": _sleep, "deaf": _deaf, "die": _die, "crash": _crash,
}  # fmt: skip
