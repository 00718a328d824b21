"""What the panel does, without Qt: from the nodes that the user chose, through the worker, to the nodes of the result.
The client is handed in, so that tests hand in their own. No widget, no torch and no arithmetic may enter.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer

from ..checks.modality_guess import Candidate, guess_modalities
from ..errors import InputRefused, MedSegDLError
from ..geometry.image import Image
from ..result import Result
from ..tasks import Input, Modality, Task, remove_pair
from ..worker.client import Background, Callbacks, SegmentationClient, State
from ..worker.environment import Interpreter, Source, default_folder, find_interpreter, worker_launch
from ..worker.processes import Failure
from ..worker.remote import Address, AnyWorker, is_address
from .guard import failure_of
from .hierarchy import NO_ITEM, NOWHERE, Place, place_of
from .placing import Order, Outcome, pack, placing
from .slicer_python import slicer_python
from .volumes import RESULT_ATTRIBUTE, dicom_tags, image_from_node

if TYPE_CHECKING:
    from ..worker.installation import PipOptions

VOLUME_CLASSES = {Modality.PICTURE: ("vtkMRMLVectorVolumeNode", "vtkMRMLScalarVolumeNode")}
GREY_VOLUMES = ("vtkMRMLScalarVolumeNode",)
BUSY = Failure("usage", "A segmentation is running.", "Wait for it, or cancel it.")
BUSY_INSTALLING = Failure("usage", "The private environment is being made or removed.", "Wait for it, or cancel it.")

FINISHING_BUDGET_S = 0.01  # of one poll, for the steps that put a result into the scene; a step more may begin (up to 0.02 s)


def volume_classes(modality: Modality) -> tuple[str, ...]:
    """Node classes that can be an input of that modality."""
    return VOLUME_CLASSES.get(modality, GREY_VOLUMES)


def guess_nodes(task: Task, leave_out: tuple[Any, ...] = (), case: Place = NOWHERE) -> dict[str, Any]:
    """Input key -> volume node of the scene, by DICOM tags and names; a task's only input takes the only fitting volume there is.

    Args:
        task: whose inputs are looked for.
        leave_out: nodes that stand for an input already.
        case: images of another patient or study are left out; `NOWHERE` leaves none out.
    """
    nodes = [node for node in _volumes(task) if not any(node is taken for taken in leave_out) and place_of(node).fits(case)]
    found = guess_modalities([Candidate(node.GetName(), dicom_tags(node)) for node in nodes], task)
    if not found and len(task.inputs) == 1:
        return _only_one(task.inputs[0], nodes)
    return {key: nodes[index] for key, index in found.items()}


def cases(task: Task) -> list[Place]:
    """The patients' studies of which the scene holds volumes for the task, in the scene's order; those under none are no case."""
    found = dict.fromkeys(place_of(node) for node in _volumes(task))
    whole = [place for place in found if place.study != NO_ITEM]
    return whole + [place for place in found if place.study == NO_ITEM != place.patient and not any(place.fits(other) for other in whole)]


def _only_one(entry: Input, nodes: list[Any]) -> dict[str, Any]:
    """The one node of the class that fits the input best, if it is one."""
    for kind in volume_classes(entry.modality):
        fitting = [node for node in nodes if node.GetClassName() == kind]
        if fitting:
            return {entry.key: fitting[0]} if len(fitting) == 1 else {}
    return {}


def _volumes(task: Task) -> list[Any]:
    """The scene's volumes that an input of the task may take, in the scene's order; what is hidden from the user stays out."""
    classes = {name for entry in task.inputs for name in volume_classes(entry.modality)}
    scene = slicer.mrmlScene
    nodes = (scene.GetNthNodeByClass(n, "vtkMRMLVolumeNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")))
    shown = (node for node in nodes if not node.GetHideFromEditors() and not node.GetAttribute(RESULT_ATTRIBUTE))
    return [node for node in shown if node.GetClassName() in classes]


@dataclass
class _Run:
    """A segmentation on its way: asked for, then packed in a thread, then put into the scene step by step."""

    order: Order
    callbacks: Callbacks
    packing: Background | None = None
    placing: Generator[None, None, Outcome] | None = None
    given_up: bool = False


def new_session() -> Session:
    """A session with a worker of its own."""
    return Session(AnyWorker())


class Session:
    """One panel's worker and what it is asked to do. Everything is delivered from within `poll()`; nothing here waits.

    Args:
        client: the worker; see `client.Worker`.
        environment_folder: where the private environment is made; None takes this user's own place.
    """

    def __init__(self, client: SegmentationClient, environment_folder: Path | None = None) -> None:
        self._client = client
        self._folder = environment_folder or default_folder()
        self._job: Background | None = None
        self._run: _Run | None = None

    @property
    def running(self) -> bool:
        """Whether a segmentation has been asked for and not been answered."""
        return self._run is not None

    @property
    def finishing(self) -> bool:
        """Whether a result is on its way into the scene: `poll` has a little to do each time."""
        return self._run is not None and (self._run.packing is not None or self._run.placing is not None)

    @property
    def making_environment(self) -> bool:
        """Whether a private environment is being made or removed."""
        return self._job is not None

    @property
    def environment_folder(self) -> Path:
        """Where the private environment lies, or would lie."""
        return self._folder

    @property
    def ready(self) -> dict | None:
        """What the worker said of itself, or None."""
        return self._client.ready

    @property
    def starting(self) -> bool:
        """Whether the worker is on its way."""
        return self._client.state is State.STARTING

    @property
    def news_due(self) -> bool:
        """Whether something is under way that `poll` will deliver."""
        return self._job is not None or self.finishing or self._client.state in (State.STARTING, State.BUSY)

    def interpreter(self, setting: str) -> Interpreter:
        """The Python that the worker gets: the setting, $MEDSEGDL_PYTHON, the private environment, Slicer's own."""
        return find_interpreter("" if is_address(setting) else setting, slicer_python(), self._folder)

    def start(self, setting: str, callbacks: Callbacks) -> None:
        """Start the worker in the background, or greet the server that the setting names; see `client.Worker.start`."""
        try:
            launch = Address.parsed(setting) if is_address(setting) else worker_launch(self.interpreter(setting))
        except MedSegDLError as error:
            callbacks.on_error(failure_of(error))
            return
        self._client.start(launch, callbacks)

    def warm(self, task: Task, device: str) -> None:
        """Let an idle worker load a task's weights before they are needed. A failure shows when a segmentation is asked for."""
        if self._client.state is State.READY:
            self._client.warm(task.key, device)

    def check(self, order: Order, callbacks: Callbacks) -> None:
        """Ask for the findings of the input check (dicts, see `client.Worker.check`); while a segmentation runs nothing is asked."""
        if self._run is None:
            self._send(order, callbacks, self._client.check)

    def segment(self, order: Order, callbacks: Callbacks) -> None:
        """Ask for a segmentation; `on_result` gets an `Outcome`, its nodes in the scene."""
        if self._run is not None:
            callbacks.on_error(BUSY)
            return
        run = self._run = _Run(order, callbacks)
        told = Callbacks(callbacks.on_progress, functools.partial(self._pack, run), functools.partial(self._end, run))
        self._send(order, told, lambda images, key, answers: self._client.segment({**images, **order.besides}, key, order.options, answers))

    def run(self, order: Order, setting: str, live: Callable[[], None]) -> Outcome:
        """`start`, `segment`, and wait: for scripts.

        Args:
            order: what to segment.
            setting: see `start`.
            live: called again and again while waiting.

        Raises:
            MedSegDLError: it did not end well.
        """
        outcomes: list[Outcome] = []
        failures: list[Failure] = []
        self.start(setting, Callbacks())
        self.segment(order, Callbacks(on_result=outcomes.append, on_error=failures.append))
        while not outcomes and not failures:
            live()
            self.poll()
        if failures:
            raise MedSegDLError(failures[0].message, failures[0].remedy)
        return outcomes[0]

    def cancel(self) -> None:
        """Stop the segmentation at once, or the making of the environment. `on_error` gets the kind 'cancelled'."""
        if self._job is not None:
            self._job.cancel()
        elif self.finishing:
            self._run.given_up = True
        else:
            self._client.cancel()

    def make_environment(self, callbacks: Callbacks, options: PipOptions | None = None) -> None:
        """Make the private environment in the background; `on_result` gets its `Interpreter`. One job at a time: a second is refused.

        Args:
            callbacks: whom to tell.
            options: where packages come from; None lets `installation.fitting_options` choose.
        """
        from ..worker.installation import make_environment

        base = Interpreter(slicer_python(), Source.SLICER)
        self._do(lambda progress: make_environment(self._folder, base, options, progress), callbacks)

    def remove_environment(self, callbacks: Callbacks) -> None:
        """End the worker, which may use it, and remove the private environment in the background."""
        from ..worker.installation import remove_environment

        self._client.stop()
        self._do(lambda progress: remove_environment(self._folder), callbacks)

    def register(self, moving: Image, fixed: Image, callbacks: Callbacks) -> None:
        """Ask the worker for the motion that lays an image on another one; see `client.Worker.register`."""
        try:
            self._client.register(moving, fixed, callbacks)
        except Exception as error:  # noqa: BLE001 - as in `poll`: without a worker nobody would answer
            callbacks.on_error(failure_of(error))

    def request(self, kind: str, payload: dict, callbacks: Callbacks) -> int:
        """Ask the worker for something else (`look`, `add`); its number, for `withdraw`. See `client.Worker.request`."""
        return self._client.request(kind, payload, callbacks)

    def withdraw(self, number: int) -> None:
        """Give such a request up; the worker lives on."""
        self._client.withdraw(number)

    def add_packages(self, names: tuple[str, ...], callbacks: Callbacks) -> None:
        """End the worker, and put packages into the private environment in the background; see `packages.add_packages`."""
        from ..worker.packages import add_packages

        self._client.stop()
        self._do(lambda progress: add_packages(self._folder, names, None, progress), callbacks)

    def remove_network(self, path: Path) -> None:
        """End the worker, which may hold them, and remove weights of the user's. Raises InputRefused."""
        self._client.stop()
        remove_pair(path)

    def without_worker(self, change: Callable[[], object]) -> None:
        """End the worker, which may hold weights, and change them."""
        self._client.stop()
        change()

    def poll(self) -> None:
        """Deliver what has arrived, and put a part of a result into the scene; call it from a timer.

        Whatever goes wrong within ends the run with `on_error`: nobody waits for ever.
        """
        try:
            self._client.poll()
            self._finish_some()
        except Exception as error:
            if self._run is None:
                raise
            self._end(self._run, failure_of(error))
        if self._job is not None:
            self._job.poll()

    def close(self) -> None:
        """End the worker and all that is being installed, for good."""
        if self._job is not None:
            self._job.end()
        self._drop_placing()
        self._run = None
        self._client.stop()

    def _send(self, order: Order, callbacks: Callbacks, ask: Callable[..., None]) -> None:
        try:
            images = {key: image_from_node(node) for key, node in order.nodes.items()}
            if not images:
                raise InputRefused("No volume is selected.", "Select at least one input.")
            ask(images, order.task.key, callbacks)
        except Exception as error:  # noqa: BLE001 - as in `poll`
            callbacks.on_error(failure_of(error))

    def _do(self, work: Callable[[Any], Any], callbacks: Callbacks) -> None:
        if self._job is not None:
            callbacks.on_error(BUSY_INSTALLING)
            return
        told = replace(callbacks, on_result=self._done(callbacks.on_result), on_error=self._done(callbacks.on_error))
        self._job = Background(work, told)

    def _done(self, then: Callable[[Any], None]) -> Callable[[Any], None]:
        def end(answer: Any) -> None:
            self._job = None
            then(answer)

        return end

    def _pack(self, run: _Run, result: Result) -> None:
        """The worker has answered: find the regions' voxels in a thread, for that takes long on large volumes."""
        if self._run is run:
            told = Callbacks(on_result=functools.partial(self._begin, run, result), on_error=functools.partial(self._end, run))
            run.packing = Background(lambda progress: pack(result), told)

    def _begin(self, run: _Run, result: Result, packed: Any) -> None:
        run.packing = None
        if self._run is run:
            run.placing = placing(run.order, result, packed)

    def _finish_some(self) -> None:
        """A part of the way from a result to its nodes, so short that nobody notices."""
        run = self._run
        if run is None:
            return
        if run.given_up:
            self._drop_placing()
            self._end(run, Failure("cancelled", "Cancelled."))
        elif run.packing is not None:
            run.packing.poll()
        deadline = time.monotonic() + FINISHING_BUDGET_S
        while run.placing is not None and self._run is run:
            self._step(run)
            if time.monotonic() >= deadline:
                return

    def _step(self, run: _Run) -> None:
        try:
            next(run.placing)
        except StopIteration as done:
            self._run = None
            run.callbacks.on_result(done.value)

    def _drop_placing(self) -> None:
        """Take back what is in the scene of a result that is not to come."""
        if self._run is not None and self._run.placing is not None:
            self._run.placing.close()

    def _end(self, run: _Run, failure: Failure) -> None:
        if self._run is run:
            self._run = None
            run.callbacks.on_error(failure)
