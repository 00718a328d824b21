"""A checkpoint's tensors, read by a child that may take only so much memory and time; what it says is checked here once more."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from ..errors import WeightsError
from ..io.free_memory import free_memory_bytes
from ..progress import Progress, quiet
from ..worker.environment import LIBRARY_FOLDER, Interpreter, Source, child_environment
from ..worker.processes import Launch, run_with_lines
from .opened_checkpoint import TENSORS_FILE, TOLD_FILE, UNFIT

CHILD = "MedSegDLLib.imports.opened_checkpoint"
LARGEST_BYTES = 8 * 2**30  # of a checkpoint; nnU-Net's largest, with its optimiser, has 1.3 GB
BASE_BYTES = 2**28  # that reading may take besides
COPIES = 5  # of the file that its reading may need: as stored, as tensors, widened, once more for writing
SECONDS = 600
LAST_LINES = 50
REMEDY = "Copy it anew from where it was trained, or export it again."


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds.

    Attributes:
        tensors: name -> tensor, each once; float32, or int64 for counters.
        aliases: further names of the same tensors -> the names in `tensors`.
        others: what else it tells: text, numbers, lists and dictionaries of them.
    """

    tensors: dict[str, Tensor]
    aliases: dict[str, str]
    others: dict[str, Any]

    def named(self, name: str) -> Tensor | None:
        """The tensor of any of its names."""
        return self.tensors.get(self.aliases.get(name, name))


def open_checkpoint(path: Path, progress: Progress = quiet, seconds: int = SECONDS) -> Checkpoint:
    """Read a `.pth` or `.pt` file.

    Args:
        path: the file.
        progress: asked now and then; may raise `Cancelled`.
        seconds: the longest that it may take.

    Raises:
        WeightsError: it is missing, too large, damaged, no checkpoint, holds something else than weights, or takes too much time or memory.
    """
    size = _size_of(path)
    memory = BASE_BYTES + min(COPIES * size, free_memory_bytes())
    with tempfile.TemporaryDirectory(prefix="medsegdl-import-") as folder:
        given = [str(path.resolve()), folder, str(memory), str(seconds)]
        code, said = run_child(given, _TimeLimit(seconds, path.name, progress))
        if code:
            raise WeightsError(f"{path.name} cannot be imported: {_why(code, said)}.", REMEDY)
        return believed(Path(folder), path.name)


def run_child(given: list[str], limit: _TimeLimit) -> tuple[int, list[str]]:
    """Run `opened_checkpoint` in a process of its own: its exit code, and the last that it said."""
    environment = {**child_environment(Interpreter(Path(sys.executable), Source.SETTING)), "OMP_NUM_THREADS": "1"}
    code = run_with_lines(Launch((sys.executable, "-m", CHILD, *given), environment, LIBRARY_FOLDER), limit)
    return code, limit.said


def _size_of(path: Path) -> int:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise WeightsError(f"The checkpoint {path} was not found.", "Check the path.") from error
    if not path.is_file() or size == 0:
        raise WeightsError(f"The checkpoint {path} is empty or no file.", REMEDY)
    if size > LARGEST_BYTES:
        raise WeightsError(f"The checkpoint {path.name} has {size / 2**30:.1f} GiB, more than weights ever have.", REMEDY)
    return size


class _TimeLimit:
    """Hears the child, until the time is up."""

    def __init__(self, seconds: int, name: str, progress: Progress) -> None:
        self.said: list[str] = []
        self.until, self.name, self.progress = time.monotonic() + seconds, name, progress

    def __call__(self, line: str) -> None:
        if line:
            self.said.append(line)
            del self.said[:-LAST_LINES]
        self.progress(0.3, f"Reading {self.name}")
        if time.monotonic() > self.until:
            raise WeightsError(f"{self.name} cannot be imported: reading it takes too long.", REMEDY)


def _why(code: int, said: list[str]) -> str:
    """What the child's end means; its last words name what it refused."""
    last = " ".join(said[-12:])
    if code == UNFIT and said:
        return said[-1]
    if "GLOBAL " in last:
        return f"it holds something else than weights ({last.partition('GLOBAL ')[2].split(' ')[0]}), which might run"
    if code < 0 or "MemoryError" in last or "memory" in last.lower():
        return "reading it takes more memory or time than weights ever need"
    return "it is damaged, cut off, or no checkpoint"


def believed(folder: Path, name: str) -> Checkpoint:
    """What the child wrote. Raises WeightsError where it is not what it must be."""
    try:
        told = json.loads((folder / TOLD_FILE).read_text(encoding="utf-8"))
        tensors = safetensors.torch.load_file(folder / TENSORS_FILE)
        return Checkpoint(tensors, dict(told["aliases"]), dict(told["others"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError, safetensors.SafetensorError) as error:
        raise WeightsError(f"{name} cannot be imported: nothing came out of it.", REMEDY) from error
