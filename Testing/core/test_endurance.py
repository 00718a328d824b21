"""A little of `Testing.endurance`: a few runs of a warm worker; in the slow ones killed commands. `make endurance` does hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..endurance import killed_cohorts, killed_segments, killed_stations, warm_runs

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="processes are looked at in /proc (Linux)")


def test_the_memory_of_a_warm_worker_stays_flat(tmp_path: Path) -> None:
    assert len(warm_runs(10, tmp_path)) == 2


@pytest.mark.slow
def test_a_killed_segment_leaves_the_earlier_result_and_nothing_else(tmp_path: Path) -> None:
    assert killed_segments([0.3, 0.7, 0.95], tmp_path)["kills"] == 3


@pytest.mark.slow
def test_killed_cohorts_and_stations(tmp_path: Path) -> None:
    for name, piece in (("cohort", killed_cohorts), ("station", killed_stations)):
        (tmp_path / name).mkdir()
        piece([0.2, 0.5, 0.8, 0.95], tmp_path / name)
