"""Ray on two machines (network namespaces of this one): a node is lost, then the head; nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from MedSegDLLib.cohort.driver import JOURNAL_FILE
from Testing.networks import Machine, two_machines, why_not

from .test_driver import ROOT, made_up

pytest.importorskip("ray", reason="Ray is not installed (pip install 'medsegdl[ray]')")
CASES = 30
PORT = 6399
LIMIT_S = 600.0  # Ray takes minutes to start on a busy machine
OF_RAY = {
    "RAY_gcs_rpc_server_reconnect_timeout_s": "15",  # a minute by default, for a head that is away
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",  # all machines and the driver must have the same
    "RAY_AUTH_TOKEN": "a-token-for-the-tests-of-sufficient-length",
}
STARTS = 8  # Ray gives up after half a minute, too little for a busy machine
STARTED = "Ray runtime started"
DRIVER = """
import sys
from pathlib import Path
from MedSegDLLib.cohort import ray_cluster
from MedSegDLLib.cohort.driver import Cohort, run_cohort
from MedSegDLLib.cohort.orders import Needs
from MedSegDLLib.errors import MedSegDLError
from MedSegDLLib.options import Options
from Testing.core.cohort import stand_in
from Testing.core.cohort.test_driver import made_up
ray_cluster.carry_out_counted = stand_in.counted_case
folder, count = Path(sys.argv[2]), int(sys.argv[3])
cohort = Cohort(made_up(folder, *["pause 0.5"] * count), "brain", Options(keep_names=True), folder)
try:
    found = run_cohort(cohort, ray_cluster.RayEngine(Needs(50.0, 1, 2), None, sys.argv[1]), lambda *told: None)
except MedSegDLError as error:
    sys.exit(f"{error.message} {error.remedy}")
print("ended", sorted({outcome.status for outcome in found.values()}), len(found), flush=True)
"""


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    if reason := why_not():
        pytest.skip(reason)
    with two_machines() as both:
        yield both


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder of a short name: the names of sockets have at most 107 letters, and Ray's are long."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Cluster:
    """A head on the first machine, a node on the second, and a driver beside the head."""

    def __init__(self, head: Machine, node: Machine, folder: Path, sockets: Path) -> None:
        self._sockets = sockets
        self.head, self.node, self.folder, self.log = head, node, folder, folder / "log"
        paths = os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL"), os.environ.get("PYTHONPATH", "")])
        self._environment = {**OF_RAY, "PYTHONPATH": paths}

    def start(self) -> None:
        where = ["--temp-dir", str(self._sockets), "--port", str(PORT), "--include-dashboard", "false"]
        self._ray(self.head, "--head", *where)
        self._ray(self.node, "--address", f"{self.head.address}:{PORT}")

    def drive(self) -> subprocess.Popen:
        address = f"{self.head.address}:{PORT}"
        return self.head.start(
            sys.executable, "-c", DRIVER, address, str(self.folder), str(CASES), log=self.log, environment=self._environment
        )

    def done(self) -> list[str]:
        """Cases in the journal, in the order of its lines."""
        path = self.folder / JOURNAL_FILE
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line)["case"] for line in lines]

    def wait_for(self, count: int, driver: subprocess.Popen, network: str = "") -> None:
        """Until so many cases are done, and one on this network."""

        def enough() -> bool:
            assert driver.poll() is None, self._said()[-3000:]
            done = self.done()
            return len(done) >= count and (not network or any(self.network(case) == network for case in done))

        self._until(enough, "the cases do not end")

    def network(self, case: str) -> str:
        """Where the case was done."""
        return (self.folder / case / "network").read_text(encoding="utf-8")

    def _ray(self, machine: Machine, *arguments: str) -> None:
        common = ["--node-ip-address", machine.address, "--num-cpus", "1", "--memory", str(1 << 30), "--object-store-memory", str(80 << 20)]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, *common, "--disable-usage-stats", "--block"]
        before, tries = self._said().count(STARTED), [machine.start(*command, log=self.log, environment=self._environment)]

        def started() -> bool:
            if tries[-1].poll() is not None:
                assert len(tries) < STARTS, self._said()[-3000:]
                tries.append(machine.start(*command, log=self.log, environment=self._environment))
            return self._said().count(STARTED) > before

        self._until(started, "Ray does not start")

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def _until(self, condition: Callable[[], bool], says: str) -> None:
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, f"{says}:\n{self._said()[-3000:]}"
            time.sleep(0.1)


def test_a_node_and_then_the_head_are_lost_and_nothing_is_lost_or_done_twice(machines, sockets, tmp_path):
    cluster = Cluster(*machines, tmp_path, sockets)
    node = machines[1].start("readlink", "/proc/self/ns/net", log=tmp_path / "node")
    assert node.wait() == 0
    network = (tmp_path / "node").read_text(encoding="utf-8").strip()
    cluster.start()
    driver = cluster.drive()
    cluster.wait_for(4, driver, network)
    machines[1].lose()
    at_loss = len(cluster.done())
    cluster.wait_for(at_loss + 3, driver)  # the head alone goes on
    machines[0].lose(but={driver.pid})
    assert driver.wait(LIMIT_S) != 0, "the driver says that the cluster is gone"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/report.json")}
    assert 0 < len(before) < CASES
    cluster.start()
    driver = cluster.drive()
    assert driver.wait(LIMIT_S) == 0, cluster.log.read_text(encoding="utf-8")[-3000:]
    assert sorted(cluster.done()) == [case.identity(True) for case in made_up(tmp_path, *["pause 0.5"] * CASES)], "nothing is lost"
    assert all(path.stat().st_mtime_ns == when for path, when in before.items()), "what was done is not done again"
    tries = Counter({path.parent.name: len(path.read_text().split()) for path in tmp_path.glob("*/tries")})
    again = sum(tries.values()) - CASES
    print(f"{at_loss} cases when the node was lost, {len(before)} when the head was; {again} begun twice, as their node was lost")
    assert again <= 4, "only what a lost machine had begun is begun again"
