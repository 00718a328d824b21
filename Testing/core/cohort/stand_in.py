"""A cohort's worker without torch: it does what its first input file says, and writes the files of a made-up result."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from MedSegDLLib.cohort.local import local_launch
from MedSegDLLib.cohort.orders import DONE, FAILED, KEPT, Order, Outcome
from MedSegDLLib.io.write import REPORT_FILE
from MedSegDLLib.worker import server
from MedSegDLLib.worker.processes import Launch
from MedSegDLLib.worker.services import Services

HERE = Path(__file__).resolve().parent
FORECAST_MB = 1.0


def stand_in_launch() -> Launch:
    """Start a worker that is this module."""
    launch = local_launch()
    paths = os.pathsep.join([launch.environment["PYTHONPATH"], str(HERE.parents[2])])
    return replace(
        launch, arguments=(sys.executable, "-m", "Testing.core.cohort.stand_in"), environment={**launch.environment, "PYTHONPATH": paths}
    )


def case(payload: dict, progress=None) -> dict:
    """`work`; `pause S` works for S seconds; `crash N`, `memory N` until N strategies are left out; `refuse`; `sleep`. Done once only."""
    order = Order.from_json(payload)
    do, _, until = Path(order.inputs["flair"]).read_text().partition(" ")
    folder = Path(order.folder)
    if (folder / REPORT_FILE).exists():
        return Outcome(order.case, KEPT).to_json()
    folder.mkdir(exist_ok=True)
    with (folder / "tries").open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    (folder / "network").write_text(network_namespace())
    left_out = order.options["strategies_left_out"]
    if do == "crash" and left_out < int(until):
        os._exit(7)
    if do == "memory" and left_out < int(until):
        return Outcome(order.case, FAILED, "memory", "Too large.").to_json()
    if do == "refuse":
        return Outcome(order.case, FAILED, "input", "It is damaged.", "Copy it again.", {"flair": "1"}, "2").to_json()
    if do == "pause":
        time.sleep(float(until))
    while do == "sleep":
        time.sleep(0.05)
        progress(0.5, f"At {time.monotonic()}")
    (folder / REPORT_FILE).write_text(json.dumps(report(len(folder.name) + left_out)))
    return Outcome(order.case, DONE).to_json()


def counted_case(payload: dict, run: str) -> dict:
    """For Ray."""
    return case(payload)


def network_namespace() -> str:
    """Which of the machine's networks this process is in."""
    link = Path("/proc/self/ns/net")
    return str(link.readlink()) if link.exists() else ""


def report(volume: float) -> dict:
    """The report of a made-up result."""
    return {
        "volumes_ml": dict.fromkeys(("WT", "TC", "ET"), volume),
        "areas_um2": dict.fromkeys(("WT", "TC", "ET")),
        "voxel_count": dict.fromkeys(("WT", "TC", "ET"), int(1000 * volume)),
        "count": None,
        "warnings": [],
        "seconds": {"network": 1.0},
        "strategy": "whole on cpu",
        "device": "cpu",
        "weights": {"sha256": "2"},
        "inputs": {"flair": {"sha256": "1"}},
    }


def forecast(payload: dict, progress) -> dict:
    """Next to nothing."""
    return {"mb": FORECAST_MB, "devices": 0}


def describe() -> dict:
    """Not the core."""
    return {"python": sys.version.split()[0]}


if __name__ == "__main__":
    sys.exit(server.main(Services(describe=describe, more={"case": case, "forecast": forecast})))
