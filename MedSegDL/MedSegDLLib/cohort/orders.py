"""What travels between the driver of a cohort, its engines and their workers: a case, an order, an outcome. JSON types only inside.

Standard library only: no engine needs more to send an order away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

ID_LETTERS = 12  # of a name's SHA-256: two of 100,000 cases meet with a chance of 2e-5, and then the list is refused
LONGEST_NAME = 100  # letters of a folder that is named after a case
DONE, KEPT, FAILED = "done", "kept", "failed"
RETRIED = ("memory", "crash")  # kinds of failure that less memory and an empty machine may cure
HOPELESS = ("weights", "usage")  # kinds of failure of a case that every other one would end with too: one task, weights, options
UNABLE = ("torch", "python", "installation")  # kinds of failure of a worker that would meet every case


@dataclass(frozen=True)
class Case:
    """One case of a cohort.

    Attributes:
        name: as the list or the folder calls it: often a patient's, so it is told to no one unless asked for.
        inputs: input key -> file, DICOM folder or zip.
        refusal: why it cannot be segmented, "" where nothing is known against it: such a case goes on the list of failures.
    """

    name: str
    inputs: Mapping[str, Path]
    refusal: str = ""

    def identity(self, keep_names: bool) -> str:
        """What the case is called in files: the beginning of its name's SHA-256, or the name as a folder can have it."""
        digest = hashlib.sha256(self.name.encode("utf-8", "surrogateescape")).hexdigest()[:ID_LETTERS]
        if not keep_names:
            return digest
        plain = re.sub(r"[^\w.+-]+", "_", self.name).strip("._")[:LONGEST_NAME]
        return plain if plain == self.name else f"{plain}-{digest}"


@dataclass(frozen=True)
class Order:
    """One case to be done.

    Attributes:
        case: its identity.
        task: key of the task.
        inputs: input key -> path.
        folder: where the result goes.
        options: fields of `Options`, JSON types only.
        threads: of torch; None leaves them as they are.
        accelerator: number of the one that the device `auto` means, counted round where there are fewer.
        scene: whether a Slicer scene is wanted too.
        failed_before: the outcome of an earlier run that counts again if inputs and weights are the same; None tries again.
        names: what must not be told (names of files, of the case) -> what is said instead.
    """

    case: str
    task: str
    inputs: Mapping[str, str]
    folder: str
    options: Mapping[str, object] = field(default_factory=dict)
    threads: int | None = None
    accelerator: int = 0
    scene: bool = False
    failed_before: Mapping[str, object] | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict:
        """For a worker."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: dict) -> Order:
        """Inverse of `to_json`."""
        return cls(**entry)


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Attributes:
        case: its identity.
        status: done; kept (it was done before, of the same inputs and weights); failed.
        kind: of a failure, as in `Failure`.
        message, remedy: one sentence each, of a failure.
        inputs: input key -> SHA-256, as far as they could be read.
        weights: SHA-256, "" where unknown.
        seconds: in the worker.
    """

    case: str
    status: str
    kind: str = ""
    message: str = ""
    remedy: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""
    seconds: float = 0.0

    def to_json(self) -> dict:
        """For the journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: dict) -> Outcome:
        """Inverse of `to_json`; raises TypeError where the entry does not fit."""
        return cls(**entry)


@dataclass(frozen=True)
class Needs:
    """What one case takes of a machine, by the forecast of the largest.

    Attributes:
        megabytes: of memory, MiB.
        threads: of torch.
        workers: that this machine bears at once.
        devices: accelerators that `auto` may take here, 0 for the CPU.
    """

    megabytes: float
    threads: int
    workers: int
    devices: int = 0


Told = Callable[[Order, Outcome], None]


class Engine(Protocol):
    """Who works through orders. An engine knows processes and machines, and nothing of images."""

    def run(self, orders: Iterable[Order], told: Told, alone: bool = False) -> None:
        """Carry out every order and tell each outcome once, from the calling thread, in whatever order they end.

        A case that takes its process down is an outcome too (kind `crash` or `memory`). `alone`: one after the other, nothing beside them.

        Raises:
            MedSegDLError: the engine cannot work at all. Whatever `told` raises, and signals, end it; no process of it is left then.
        """
        ...

    def close(self) -> None:
        """Let go of processes and machines."""
        ...
