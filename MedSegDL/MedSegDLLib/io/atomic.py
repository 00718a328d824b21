"""Files that appear whole or not at all, JSON, and hashes of files. Standard library and numpy only."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputRefused
from .locks import folder_lock

BLOCK_BYTES = 2**20
PREFIX = ".medsegdl-"  # of every hidden file and folder that lies beside results while they are written
LONGEST_SUFFIX = 16


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file; of a folder, the hash over the sorted hashes of its files, so that names do not count."""
    path = Path(path)
    if path.is_dir():
        hashes = sorted(file_sha256(file) for file in path.rglob("*") if file.is_file())
        return hashlib.sha256("".join(hashes).encode()).hexdigest()
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path with the same suffix in a hidden folder beside; moved to `path` when the block ends well, removed when not.

    Its name holds nothing of the file's own, which may be as long as names can be, or no text. The folder's lock tells `transaction.repair`
    whether its process was killed.

    Raises:
        InputRefused: for whatever the file system says no to (full disk, no permission, no such folder).
    """
    path = Path(path)
    place = path.parent / f"{PREFIX}{secrets.token_hex(8)}"
    temporary, lock = place / f"new{_plain_suffix(path)}", None
    try:
        place.mkdir()
        lock = folder_lock(place)
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
        if lock is not None:
            lock.close()
        shutil.rmtree(place, ignore_errors=True)


def _plain_suffix(path: Path) -> str:
    """The file's suffix, both parts of '.nii.gz', where it is a plain one."""
    suffix = "".join(path.suffixes[-2:]) if path.suffix.lower() == ".gz" else path.suffix
    return suffix if suffix.isascii() and len(suffix) <= LONGEST_SUFFIX else ""


def flush_to_disk(path: Path) -> None:
    """Wait until the file's content lies on the disk; raises the OSError of a disk that cannot take it."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def not_written(path: Path, error: OSError) -> InputRefused:
    """The refusal for an output that the file system did not take."""
    remedy = "Free some space or choose another folder." if error.errno == errno.ENOSPC else "Choose another folder."
    return InputRefused(f"{path.name} could not be written to {path.parent}: {reason(error)}.", remedy)


def write_json(obj: Any, path: str | os.PathLike) -> None:
    """Write JSON atomically in UTF-8; see `json_text`."""
    with atomic_path(path) as temporary:
        temporary.write_text(json_text(obj), encoding="utf-8")


def json_text(obj: Any) -> str:
    """Indented JSON that can be written in UTF-8; numbers that JSON does not know (NaN, infinity) null, bytes that are no text '?'."""
    text = json.dumps(_finite(obj), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


def _finite(obj: Any) -> Any:
    if isinstance(obj, dict):
        return {str(key): _finite(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [_finite(value) for value in obj]
    if isinstance(obj, np.generic):
        obj = obj.item()
    return None if isinstance(obj, float) and not math.isfinite(obj) else obj


def reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "no space left on the disk"
    return (error.strerror or str(error)).lower()
