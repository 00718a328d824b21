"""The engine of a Ray cluster: one that runs, by its address, or one started here. Ray places cases by cores, memory and GPUs."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..errors import MedSegDLError, UsageError
from .orders import FAILED, Needs, Order, Outcome, Told
from .remote import MOST_STARTS, carry_out_counted

WINDOW = 4  # cases in Ray's hands for each that can run: enough for every node, and the driver holds no more
WAIT_S = 0.2
MIB = 1 << 20
HERE = "local"  # Ray's address for a cluster of its own on this machine


class RayEngine:
    """Cases as Ray's tasks.

    Args:
        needs: what a case takes.
        workers: most cases at once; None leaves that to Ray.
        address: of a running cluster (`auto`, `HOST:PORT`, `ray://...`); None starts one here.

    Raises:
        UsageError: Ray is not installed.
        MedSegDLError: there is no cluster at the address.
    """

    def __init__(self, needs: Needs, workers: int | None, address: str | None) -> None:
        try:
            import ray
        except ModuleNotFoundError as error:
            raise UsageError("The engine ray needs Ray.", "Install it: pip install 'medsegdl[ray]'.") from error
        self._ray, self._workers, self._run = ray, workers, secrets.token_hex(4)
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # tasks without a GPU see what the process sees, as Ray will do
        try:
            ray.init(address=address or HERE, include_dashboard=False, log_to_driver=False, logging_level="error")
        except Exception as error:
            says = f"There is no Ray cluster at {address}." if address else "No Ray cluster could be started here."
            raise MedSegDLError(says, "Check --address and Ray's own log (/tmp/ray).") from error
        self._needs = needs
        wanted = {"num_cpus": needs.threads, "memory": int(needs.megabytes * MIB), "num_gpus": min(1, needs.devices)}
        self._task = ray.remote(carry_out_counted).options(max_retries=MOST_STARTS, **wanted)

    def run(self, orders: Iterable[Order], told: Told, alone: bool = False) -> None:
        """See `Engine`."""
        waiting = iter(replace(order, threads=self._needs.threads) for order in orders)
        running: dict[Any, Order] = {}
        at_once = 1 if alone else self._at_once()
        try:
            while True:
                for order in itertools.islice(waiting, at_once - len(running)):
                    running[self._task.remote(order.to_json(), self._run)] = order
                if not running:
                    return
                for ended in self._ray.wait(list(running), timeout=WAIT_S)[0]:
                    order = running.pop(ended)
                    told(order, self._outcome(order, ended))
        finally:
            for left in running:
                self._ray.cancel(left, force=True)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._ray.shutdown()

    def _at_once(self) -> int:
        """Cases in Ray's hands."""
        if self._workers is not None:
            return self._workers
        cores = self._ray.cluster_resources().get("CPU", 1.0)
        return max(1, int(WINDOW * cores / self._needs.threads))

    def _outcome(self, order: Order, ended: Any) -> Outcome:
        errors = self._ray.exceptions
        try:
            return Outcome.from_json(self._ray.get(ended))
        except errors.OutOfMemoryError:
            return Outcome(order.case, FAILED, "memory", "Ray ended its process because memory ran out.", "Use a machine with more memory.")
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError):
            return Outcome(order.case, FAILED, "crash", "Its process ended without a result.", "Try again; the log shows its last lines.")
        except errors.RayTaskError as error:
            if isinstance(error.cause, ImportError):
                raise MedSegDLError(f"The nodes cannot use MedSegDL: {error.cause}.", "Install it on every node.") from error
            return Outcome(order.case, FAILED, "bug", f"It failed where it should not ({type(error.cause).__name__}).", "Please report it.")
        except errors.RayError as error:
            raise MedSegDLError(f"The Ray cluster is gone ({type(error).__name__}).", "Start it; the same command goes on.") from error
