"""Cached cases give what in-memory ones give, patch by patch; a stale or missing one is made anew."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from medsegdl_training.cases.brain_cache import CachedBrainCase
from medsegdl_training.cases.cache import FOLDER_VARIABLE, LOCK, cache_key, cached, open_case, write_case
from medsegdl_training.cases.selection import Selection
from medsegdl_training.cases.volume import cut
from medsegdl_training.commands.main import main
from medsegdl_training.experiments.cache_comparison import STORES, compare
from medsegdl_training.train.brain_sampler import make_sampler
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import BRAIN
from Testing.training.test_brain import write_patient

pytest.importorskip("blosc2")
PATCH = (16, 16, 16)


@pytest.fixture
def arrays() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(2, 40, 50, 45, generator=generator)
    return {"image": image, "regions": image > 1, "healthy": (image[:1] * 3).to(torch.uint8)}


@pytest.mark.parametrize("start", [(0, 0, 0), (20, 30, 7), (-5, 40, -9), (38, 48, 44), (60, 0, 0), (-16, 0, 0)])
def test_a_patch_from_disk_is_the_one_from_memory(start: tuple[int, int, int], arrays: dict, tmp_path: Path) -> None:
    write_case(tmp_path / "case", "key", arrays, {"small": torch.arange(3)})
    found = open_case(tmp_path / "case", "key")
    for name, array in arrays.items():
        inside = all(0 - 16 < a < n for a, n in zip(start, array.shape[1:]))
        expected = cut(array, start, PATCH) if inside else torch.zeros((len(array), *PATCH), dtype=array.dtype)
        patch = found.patch(name, start, PATCH)
        assert patch.dtype == array.dtype and torch.equal(patch, expected)
        assert torch.equal(found.whole(name), array)
    assert found.small["small"].tolist() == [0, 1, 2]


def test_only_a_true_key_opens(arrays: dict, tmp_path: Path) -> None:
    made = []

    def make() -> tuple[dict, dict]:
        made.append(1)
        return arrays, {}

    for key, count in (("one", 1), ("one", 1), ("two", 2), ("two", 2)):
        cached(tmp_path / "case", key, make)
        assert len(made) == count
    assert open_case(tmp_path / "case", "one") is not None  # for a training that still reads it
    assert open_case(tmp_path / "case", "three") is None and open_case(tmp_path / "none", "one") is None
    assert [path.name for path in tmp_path.iterdir()] == ["case"]


def test_a_failed_write_leaves_nothing_behind(arrays: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_case(tmp_path / "case", "old", arrays, {})

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("blosc2.asarray", full)
    with pytest.raises(InputRefused, match="No space left"):
        write_case(tmp_path / "case", "new", arrays, {})
    assert open_case(tmp_path / "case", "old") is not None
    assert [path.name for path in (tmp_path / "case").iterdir()] == ["old"]


def test_a_version_that_was_left_damaged_is_made_anew(arrays: dict, tmp_path: Path) -> None:
    write_case(tmp_path / "case", "key", arrays, {})
    (tmp_path / "case" / "key" / "case.json").write_text("{")
    found = cached(tmp_path / "case", "key", lambda: (arrays, {}))
    assert torch.equal(found.whole("image"), arrays["image"])


def test_who_comes_second_keeps_what_the_first_wrote(arrays: dict, tmp_path: Path) -> None:
    write_case(tmp_path / "case", "key", arrays, {})
    written = (tmp_path / "case" / "key" / "image.b2nd").stat().st_ino
    write_case(tmp_path / "case", "key", arrays, {})
    assert (tmp_path / "case" / "key" / "image.b2nd").stat().st_ino == written
    assert [path.name for path in (tmp_path / "case").iterdir()] == ["key"]


RACED = 12  # cases that two processes want at the same time


def test_two_processes_make_each_case_once_and_read_it_whole(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "Testing.training.test_cache", str(tmp_path)]
    processes = [subprocess.Popen([*line, str(number)], env=environment, stderr=subprocess.PIPE, text=True) for number in range(2)]
    for process in processes:
        _, said = process.communicate(timeout=180)
        assert process.returncode == 0, said[-2000:]
    assert len(list(tmp_path.glob("made-*"))) == RACED
    assert not [path for path in tmp_path.glob("case*/.*") if path.name != LOCK]


def race(folder: Path, number: str) -> None:
    """Make and read the cases together with another process that does the same."""
    (folder / f"ready-{number}").touch()
    while len(list(folder.glob("ready-*"))) < 2:
        time.sleep(0.01)
    for case in range(RACED):
        whole = torch.full((1, 40, 40, 40), float(case))

        def make(case: int = case, whole: torch.Tensor = whole) -> tuple[dict, dict]:
            (folder / f"made-{case}-{number}").touch()
            time.sleep(0.02)
            return {"image": whole}, {}

        assert torch.equal(cached(folder / f"case{case}", "key", make).whole("image"), whole)


def test_a_damaged_file_is_named(arrays: dict, tmp_path: Path) -> None:
    write_case(tmp_path / "case", "key", arrays, {})
    (tmp_path / "case" / "key" / "image.b2nd").write_bytes(b"no array")
    with pytest.raises(InputRefused, match="cached case"):
        open_case(tmp_path / "case", "key").patch("image", (0, 0, 0), PATCH)


def test_the_key_follows_contents_and_plan(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    key = cache_key([path], BRAIN.plan)
    assert key == cache_key([path], BRAIN.plan)
    assert key != cache_key([path], BRAIN.plan, 2)
    path.write_bytes(b"two")
    assert key != cache_key([path], BRAIN.plan)


def test_the_source_draws_the_same_from_cache_and_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, enhancing in (("old", 4), ("new", 3)):
        write_patient(tmp_path / "data", name, enhancing, enhancing)
    in_memory = make_sampler(Selection(tmp_path / "data"), BRAIN.plan, PATCH, 0)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "cache"))
    assert main(["cache", "--task", "brain", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "cache")]) == 0
    on_disk = make_sampler(Selection(tmp_path / "data"), BRAIN.plan, PATCH, 0)
    assert all(isinstance(case, CachedBrainCase) for case in on_disk.patients)
    for seed in range(6):
        one, two = (sampler.draw(torch.Generator().manual_seed(seed), 2) for sampler in (in_memory, on_disk))
        assert torch.equal(one.x, two.x) and torch.equal(one.y, two.y)


def test_every_store_gives_the_same_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("zarr")
    array = np.random.default_rng(0).normal(size=(2, 40, 36, 33)).astype(np.float32)
    outcomes = compare(array, 16)
    assert [outcome.name for outcome in outcomes] == list(STORES)
    assert all(0 < outcome.megabytes < 2 * array.nbytes / 1e6 and outcome.read_ms > 0 for outcome in outcomes)


if __name__ == "__main__":
    race(Path(sys.argv[1]), sys.argv[2])
