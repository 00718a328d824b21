"""The child that opens a checkpoint: `python -m MedSegDLLib.imports.opened_checkpoint CHECKPOINT FOLDER MEMORY_BYTES SECONDS`.

It is the only place of the project that unpickles: with `weights_only=True`, numpy's scalars allowed besides, within limits of memory and
time. Out come `tensors.safetensors` and `told.json`: numbers and text, nothing that can run. The parent believes neither without checks.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

TENSORS_FILE, TOLD_FILE = "tensors.safetensors", "told.json"
MOST_TENSORS = 20_000
LONGEST_NAME = 512
MOST_DEPTH, MOST_ENTRIES, LONGEST_TEXT = 8, 2000, 2000  # of what is told besides tensors
WEIGHTS_KEYS = ("network_weights", "state_dict", "model")  # nnU-Net; Auto3DSeg; MONAI's CheckpointSaver
UNFIT = 4  # exit code: readable, and not what a checkpoint holds


def main(arguments: list[str]) -> int:
    """Open, write both files; returns the exit code."""
    checkpoint, folder, memory_bytes, seconds = Path(arguments[0]), Path(arguments[1]), int(arguments[2]), int(arguments[3])
    import safetensors.torch
    import torch

    limit(memory_bytes, seconds)
    with torch.serialization.safe_globals(allowed()):
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    found = weights_in(content)
    if not found:
        print("it holds no network's weights", file=sys.stderr)
        return UNFIT
    tensors, aliases = distinct(found)
    safetensors.torch.save_file(tensors, folder / TENSORS_FILE)
    others = {str(key)[:LONGEST_NAME]: plain(value) for key, value in content.items() if value is not found}
    told = {"aliases": aliases, "others": {key: value for key, value in others.items() if value is not None}}
    (folder / TOLD_FILE).write_text(json.dumps(told), encoding="utf-8")
    return 0


def _end_with_parent() -> None:
    """Wait for the end of stdin, which the parent keeps open: without it nobody wants the answer. Read without Python's own lock on it."""
    while os.read(0, 1024):
        pass
    os._exit(1)


def limit(memory_bytes: int, seconds: int) -> None:
    """Limit what this process may take from now on: memory on Linux, seconds of a processor everywhere but on Windows."""
    if sys.platform == "win32":
        return
    import resource

    limits = [(resource.RLIMIT_CPU, seconds)]
    if sys.platform.startswith("linux"):  # torch with CUDA has mapped tens of GiB by now
        mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        limits.append((resource.RLIMIT_AS, mapped + memory_bytes))
    for what, most in limits:
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def allowed() -> list[Any]:
    """Besides tensors: numpy's scalars, which nnU-Net keeps its scores in, by both names that numpy has had for them."""
    import numpy as np

    scalar = np._core.multiarray.scalar if hasattr(np, "_core") else np.core.multiarray.scalar
    kinds = {type(np.dtype(kind)) for kind in (np.float64, np.float32, np.float16, np.int64, np.int32, np.bool_)}
    return [(scalar, "numpy._core.multiarray.scalar"), (scalar, "numpy.core.multiarray.scalar"), np.dtype, *kinds]


def weights_in(content: Any) -> Mapping[str, Any]:
    """The state dict of a checkpoint, which may be one itself; empty where there is none."""
    import torch

    if not isinstance(content, Mapping):
        return {}
    for candidate in (*(content.get(key) for key in WEIGHTS_KEYS), content):
        if isinstance(candidate, Mapping) and candidate and all(isinstance(value, torch.Tensor) for value in candidate.values()):
            return candidate if fit_names(candidate) else {}
    return {}


def fit_names(names: Iterable[Any]) -> bool:
    """Whether all are text of a usual length, and not too many."""
    names = list(names)
    return len(names) <= MOST_TENSORS and all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in names)


def distinct(found: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Every tensor once, and other name -> its name: nnU-Net's networks name each weight up to three times."""
    import torch

    tensors: dict[str, Any] = {}
    first: dict[tuple, str] = {}
    aliases = {}
    for name, tensor in found.items():
        place = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if tensor.numel() and place in first:
            aliases[name] = first[place]
            continue
        first[place] = name
        dense = tensor.detach().float() if tensor.is_floating_point() else tensor.detach().to(torch.int64)
        tensors[name] = dense.contiguous().clone()
    return tensors, aliases


def plain(value: Any, depth: int = 0) -> Any:
    """Text, numbers, lists and dictionaries of them; None for everything else, and for what is too long or too deep."""
    if isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) <= LONGEST_TEXT):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if depth < MOST_DEPTH and isinstance(value, (list, tuple)) and len(value) <= MOST_ENTRIES:
        return [plain(part, depth + 1) for part in value]
    if depth < MOST_DEPTH and isinstance(value, Mapping) and len(value) <= MOST_ENTRIES:
        return {str(key)[:LONGEST_NAME]: plain(part, depth + 1) for key, part in value.items()}
    return None


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(main(sys.argv[1:]))
