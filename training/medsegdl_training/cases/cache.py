"""Prepared cases on disk as chunked, compressed arrays of which a patch can be read alone: cohorts that do not fit into memory.

Blosc2, chosen over Zarr by measurement (`medsegdl-train cache --compare`; figures in training/README.md). A case is a folder
with one folder a version: a `.b2nd` file an array, the small things in `small.safetensors`, and `case.json` with the key that names it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

FORMAT = 2  # raised when what is written changes
CHUNK = 32  # voxels a side of a chunk: patches of 64 to 128 read little that they do not need
LEVEL = 3  # of zstd: 5 saves 1 % more and takes twice as long
DESCRIPTION, SMALL, ENDING, LOCK = "case.json", "small.safetensors", ".b2nd", ".lock"
VERSION_LETTERS = 16  # of the key
FOLDER_VARIABLE = "MEDSEGDL_CACHE"


def cache_folder() -> Path | None:
    """Where prepared cases are kept ($MEDSEGDL_CACHE), or None to keep them in memory."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    return Path(named) if named else None


def cache_key(paths: Iterable[Path], plan: Plan, *more: object) -> str:
    """SHA-256 over the contents of a case's files, the plan, the format, and whatever else its preparation depends on."""
    digest = hashlib.sha256(json.dumps([FORMAT, plan.to_json(), [repr(part) for part in more]], sort_keys=True).encode())
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@dataclass(frozen=True)
class CachedArrays:
    """One case of a cache, nothing of its volumes in memory.

    Attributes:
        folder: of the case.
        small: tensors that are kept in memory.
        shapes: array name -> (C, K, J, I).
    """

    folder: Path
    small: dict[str, Tensor]
    shapes: dict[str, tuple[int, ...]]

    def patch(self, name: str, start: Sequence[int], sides: Sequence[int], outside: float = 0.0) -> Tensor:
        """The part of an array that begins at `start` (K, J, I), `outside` beyond the volume: (C, *sides). Reads the chunks it meets.

        Raises:
            InputRefused: the file is gone or damaged.
        """
        shape = self.shapes[name]
        spans = [(max(first, 0), min(first + side, length)) for first, side, length in zip(start, sides, shape[1:])]
        stored = _open(self.folder / f"{name}{ENDING}")
        patch = torch.full((shape[0], *sides), outside, dtype=torch.from_numpy(np.empty(0, stored.dtype)).dtype)
        if all(low < high for low, high in spans):
            inside = tuple(slice(low - first, high - first) for (low, high), first in zip(spans, start))
            patch[(slice(None), *inside)] = torch.from_numpy(stored[(slice(None), *(slice(*span) for span in spans))])
        return patch

    def whole(self, name: str) -> Tensor:
        """All of an array."""
        return torch.from_numpy(_open(self.folder / f"{name}{ENDING}")[:])


def _open(path: Path) -> Any:
    import blosc2

    try:
        return blosc2.open(str(path), mode="r")
    except (OSError, RuntimeError, ValueError) as error:
        raise InputRefused(
            f"{path.name} of the cached case {path.parent.parent.name} cannot be read.", "Delete the cache; it is made anew."
        ) from error


def write_case(folder: Path, key: str, arrays: dict[str, Tensor], small: dict[str, Tensor]) -> None:
    """Write a case; it appears whole or not at all. Where another process was faster, its case stays.

    Args:
        folder: of the case, which holds a folder a version.
        key: see `cache_key`.
        arrays: (C, K, J, I) of any number type; bool is kept as such.
        small: whatever else a case needs, of any shape.
    """
    version = version_of(folder, key)
    staging = version.with_name(f".{secrets.token_hex(8)}")
    try:
        staging.mkdir(parents=True)
        _fill(staging, key, arrays, small)
        if version.exists() and open_case(folder, key) is None:  # left damaged by a full disk: nobody can be reading it
            shutil.rmtree(version, ignore_errors=True)
        with contextlib.suppress(FileExistsError):
            _renamed(staging, version)
    except OSError as error:
        raise InputRefused(
            f"The case {folder.name} could not be cached: {error.strerror}.", "Free some space or choose another cache."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _fill(place: Path, key: str, arrays: dict[str, Tensor], small: dict[str, Tensor]) -> None:
    import blosc2
    from safetensors.torch import save_file

    for name, array in arrays.items():
        values = np.ascontiguousarray(array.numpy())
        settings = blosc2.CParams(codec=blosc2.Codec.ZSTD, clevel=LEVEL, filters=[blosc2.Filter.SHUFFLE], nthreads=1)
        blosc2.asarray(values, urlpath=str(place / f"{name}{ENDING}"), mode="w", chunks=chunks_of(values.shape), cparams=settings)
    save_file({name: tensor.contiguous() for name, tensor in small.items()}, place / SMALL)
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    (place / DESCRIPTION).write_text(json.dumps({"key": key, "shapes": shapes}), encoding="utf-8")


def _renamed(staging: Path, version: Path) -> None:
    """Give a folder its name in one step.

    Raises:
        FileExistsError: another process has done so already.
    """
    try:
        staging.rename(version)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.EACCES) and version.exists():
            raise FileExistsError(version) from error
        raise


def version_of(folder: Path, key: str) -> Path:
    """The folder of one version of a case: an older one stays, for a training that still reads it."""
    return folder / key[:VERSION_LETTERS]


def chunks_of(shape: Sequence[int]) -> tuple[int, ...]:
    """All channels, and a cube of each."""
    return (shape[0], *(min(CHUNK, side) for side in shape[1:]))


def open_case(folder: Path, key: str) -> CachedArrays | None:
    """A case of the cache, or None where there is none, or one of other sources or another plan."""
    from safetensors.torch import load_file

    version = version_of(folder, key)
    try:
        entry = json.loads((version / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if entry.get("key") != key:
        return None
    return CachedArrays(version, load_file(version / SMALL), {name: tuple(shape) for name, shape in entry["shapes"].items()})


def cached(folder: Path, key: str, make: Callable[[], tuple[dict[str, Tensor], dict[str, Tensor]]]) -> CachedArrays:
    """A case of the cache, made and written first where it is missing or stale; by one process while the others wait for it."""
    found = open_case(folder, key)
    if found is None:
        with locked(folder / LOCK):
            found = open_case(folder, key)
            if found is None:
                write_case(folder, key, *make())
                found = open_case(folder, key)
    if found is None:
        raise InputRefused(f"The cached case {folder.name} cannot be read back.", "Choose another folder for the cache.")
    return found


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """While open, no other process is within the same lock; it falls with its process, however that ends.

    Where the file system has no locks, nobody waits: the same work may be done twice, and the first result stays.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    except OSError as error:
        says = f"The cache {path.parent.parent} cannot be written to: {error.strerror}."
        raise InputRefused(says, "Choose another folder for the cache.") from error
    with handle:
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
