"""Blosc2 against Zarr, and against plain files: size, time to write, time to read random patches. Real arrays in, a table out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from MedSegDLLib.errors import UsageError
from MedSegDLLib.io.private_folder import private_folder

from ..cases.cache import LEVEL, chunks_of

READS = 60
Reader = Callable[[tuple[slice, ...]], np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """One way of storing: megabytes on disk, seconds to write, milliseconds a patch (median over random ones), all with one thread."""

    name: str
    megabytes: float
    write_s: float
    read_ms: float


def compare(array: np.ndarray, side: int, seed: int = 0) -> list[Outcome]:
    """Store one array in every way and read patches of it back, checked to be equal.

    Args:
        array: (C, K, J, I).
        side: of the patches.
        seed: of their places.

    Raises:
        UsageError: Zarr is not installed.
    """
    random = np.random.default_rng(seed)
    sides = [min(side, length) for length in array.shape[1:]]
    corners = [[int(random.integers(0, length - part + 1)) for length, part in zip(array.shape[1:], sides)] for _ in range(READS)]
    spans = [(slice(None), *(slice(a, a + part) for a, part in zip(corner, sides))) for corner in corners]
    with private_folder() as folder:
        return [_measured(name, store, array, folder / name, spans) for name, store in STORES.items()]


def _measured(name: str, store: Callable[[np.ndarray, Path], Reader], array: np.ndarray, path: Path, spans: list[Any]) -> Outcome:
    start = time.perf_counter()
    read = store(array, path)
    write_s = time.perf_counter() - start
    size = sum(part.stat().st_size for part in path.parent.rglob("*") if part.is_file() and path.name in str(part))
    times = []
    for span in spans:
        start = time.perf_counter()
        patch = np.ascontiguousarray(read(span))
        times.append(time.perf_counter() - start)
        if not np.array_equal(patch, array[span]):
            raise ValueError(f"{name} gave back other values")
    return Outcome(name, size / 1e6, write_s, 1000 * float(np.median(times)))


def _plain(array: np.ndarray, path: Path) -> Reader:
    np.save(path.with_suffix(".npy"), array)
    return lambda span: np.load(path.with_suffix(".npy"), mmap_mode="r")[span]


def _blosc2(array: np.ndarray, path: Path) -> Reader:
    import blosc2

    settings = blosc2.CParams(codec=blosc2.Codec.ZSTD, clevel=LEVEL, filters=[blosc2.Filter.SHUFFLE], nthreads=1)
    blosc2.asarray(array, urlpath=str(path), mode="w", chunks=chunks_of(array.shape), cparams=settings)
    return lambda span: blosc2.open(str(path), mode="r", dparams=blosc2.DParams(nthreads=1))[span]


def _zarr(array: np.ndarray, path: Path, shards: bool = False) -> Reader:
    try:
        import zarr
    except ImportError as error:
        raise UsageError("Zarr is not installed.", "pip install zarr, for this comparison only.") from error

    zarr.config.set({"threading.max_workers": 1, "async.concurrency": 1})
    codec = zarr.codecs.BloscCodec(cname="zstd", clevel=LEVEL, shuffle="shuffle")
    chunks = chunks_of(array.shape)
    whole = tuple(-(-length // part) * part for length, part in zip(array.shape, chunks)) if shards else None
    stored = zarr.create_array(str(path), shape=array.shape, dtype=array.dtype, chunks=chunks, shards=whole, compressors=[codec])
    stored[:] = array
    return lambda span: zarr.open_array(str(path), mode="r")[span]


def _zarr_sharded(array: np.ndarray, path: Path) -> Reader:
    return _zarr(array, path, shards=True)


STORES: dict[str, Callable[[np.ndarray, Path], Reader]] = {
    "plain": _plain,
    "blosc2": _blosc2,
    "zarr": _zarr,
    "zarr-one-file": _zarr_sharded,
}


def format_outcomes(outcomes: list[Outcome]) -> str:
    """For a terminal."""
    lines = [f"{'':16}{'MB':>8}{'write s':>10}{'patch ms':>10}"]
    return "\n".join([*lines, *(f"{o.name:16}{o.megabytes:8.1f}{o.write_s:10.2f}{o.read_ms:10.2f}" for o in outcomes)])
