"""What the panel does, without Qt: from the nodes that the user chose, through the worker, to the nodes of the result.
The client is handed in, so that tests hand in their own. No widget, no torch and no arithmetic may enter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import slicer

from ..checks.modality_guess import Candidate, guess_modalities
from ..errors import InputRefused, MedSegDLError
from ..result import Result
from ..tasks import Input, Modality, Task
from ..worker.client import Background, Callbacks, SegmentationClient, State
from ..worker.environment import Interpreter, Source, default_folder, find_interpreter, make_environment, worker_launch
from ..worker.processes import Failure
from .hierarchy import place_beside
from .segmentation import add_instances, add_segmentation, add_uncertainty
from .slicer_python import slicer_python
from .table import volumes_table
from .volumes import dicom_tags, image_from_node

VOLUME_CLASSES = {Modality.PICTURE: ("vtkMRMLVectorVolumeNode", "vtkMRMLScalarVolumeNode")}
GREY_VOLUMES = ("vtkMRMLScalarVolumeNode",)
RESULT_ATTRIBUTE = "MedSegDL.Result"  # marks volumes that a run made: they bear their input's name and are no inputs
BUSY = Failure("usage", "A segmentation is running.", "Wait for it, or cancel it.")


@dataclass(frozen=True)
class Order:
    """What the user asks for.

    Attributes:
        task: what to segment.
        nodes: input key -> volume node; inputs that are not given are left out.
        options: fields of `pipeline.Options`, JSON types only.
        output: segmentation node to write into, or None for a new one.
        table: table node to fill anew, or None for a new one.
    """

    task: Task
    nodes: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    table: Any = None

    @property
    def reference(self) -> Any:
        """The node that lends its grid to the result; None where no input is given."""
        return next((self.nodes[key] for key in self.task.reference_order if key in self.nodes), None)


@dataclass(frozen=True)
class Outcome:
    """The nodes of a result.

    Attributes:
        segmentation: vtkMRMLSegmentationNode.
        table: vtkMRMLTableNode with a row a segment.
        uncertainty: vtkMRMLScalarVolumeNode, or None.
        record: the run record (what report.json holds).
    """

    segmentation: Any
    table: Any
    uncertainty: Any
    record: dict[str, Any]


def volume_classes(modality: Modality) -> tuple[str, ...]:
    """Node classes that can be an input of that modality."""
    return VOLUME_CLASSES.get(modality, GREY_VOLUMES)


def guess_nodes(task: Task) -> dict[str, Any]:
    """Input key -> volume node of the scene, by DICOM tags and names; a task's only input takes the only fitting volume there is."""
    nodes = _volumes(task)
    found = guess_modalities([Candidate(node.GetName(), dicom_tags(node)) for node in nodes], task)
    if not found and len(task.inputs) == 1:
        return _only_one(task.inputs[0], nodes)
    return {key: nodes[index] for key, index in found.items()}


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


def place_result(order: Order, result: Result) -> Outcome:
    """Put a result into the scene beside its reference volume.

    Raises:
        InputRefused: the reference was removed from the scene, or changed, since it was given.
    """
    volume = order.nodes[result.reference]
    if not _in_scene(volume):
        raise InputRefused(f"Volume '{volume.GetName()}' was removed while it was segmented.", "Load it again.")
    segmentation = add_segmentation(result, volume, order.output if _in_scene(order.output) else None)
    objects, uncertainty = add_instances(result, volume), add_uncertainty(result, volume)
    for made in (objects, uncertainty):
        if made is not None:
            made.SetAttribute(RESULT_ATTRIBUTE, order.task.key)
    table = volumes_table(segmentation, order.task, order.table if _in_scene(order.table) else None, objects)
    place_beside(volume, segmentation, table, objects, uncertainty)
    return Outcome(segmentation, table, uncertainty, result.record)


def _in_scene(node: Any) -> bool:
    return node is not None and node.GetScene() is not None


class Session:
    """One panel's worker and what it is asked to do. Everything is delivered from within `poll()`; nothing here waits.

    Args:
        client: the worker; see `client.Worker`.
        environment_folder: where the private environment is made; None takes this user's own place.
    """

    def __init__(self, client: SegmentationClient, environment_folder: Path | None = None) -> None:
        self._client = client
        self._folder = environment_folder or default_folder()
        self._making: Background | None = None
        self._running = False

    @property
    def running(self) -> bool:
        """Whether a segmentation has been asked for and not been answered."""
        return self._running

    @property
    def making_environment(self) -> bool:
        """Whether a private environment is being made."""
        return self._making is not None

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
        return self._making is not None or self._client.state in (State.STARTING, State.BUSY)

    def interpreter(self, setting: str) -> Interpreter:
        """The Python that the worker gets: the setting, $MEDSEGDL_PYTHON, the private environment, Slicer's own."""
        return find_interpreter(setting, slicer_python(), self._folder)

    def start(self, setting: str, callbacks: Callbacks) -> None:
        """Start the worker in the background; see `client.Worker.start`."""
        self._client.start(worker_launch(self.interpreter(setting)), callbacks)

    def warm(self, task: Task, device: str) -> None:
        """Let an idle worker load a task's weights before they are needed. A failure shows when a segmentation is asked for."""
        if self._client.state is State.READY:
            self._client.warm(task.key, device)

    def check(self, order: Order, callbacks: Callbacks) -> None:
        """Ask for the findings of the input check (dicts, see `client.Worker.check`); while a segmentation runs nothing is asked."""
        if not self._running:
            self._send(order, callbacks, self._client.check)

    def segment(self, order: Order, callbacks: Callbacks) -> None:
        """Ask for a segmentation; `on_result` gets an `Outcome`, its nodes in the scene."""
        if self._running:
            callbacks.on_error(BUSY)
            return
        self._running = True
        told = replace(callbacks, on_result=functools.partial(self._finish, order, callbacks), on_error=self._ended(callbacks.on_error))
        self._send(order, told, lambda images, key, answers: self._client.segment(images, key, order.options, answers))

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
        if self._making is not None:
            self._making.cancel()
        else:
            self._client.cancel()

    def make_environment(self, callbacks: Callbacks) -> None:
        """Make the private environment in the background; `on_result` gets its `Interpreter`."""
        base = Interpreter(slicer_python(), Source.SLICER)
        told = replace(callbacks, on_result=self._made(callbacks.on_result), on_error=self._made(callbacks.on_error))
        self._making = Background(lambda progress: make_environment(self._folder, base, progress=progress), told)

    def poll(self) -> None:
        """Deliver what has arrived; call it from a timer."""
        self._client.poll()
        if self._making is not None:
            self._making.poll()

    def close(self) -> None:
        """End the worker for good."""
        if self._making is not None:
            self._making.cancel()
        self._running = False
        self._client.stop()

    def _send(self, order: Order, callbacks: Callbacks, ask: Callable[..., None]) -> None:
        try:
            images = {key: image_from_node(node) for key, node in order.nodes.items()}
            if not images:
                raise InputRefused("No volume is selected.", "Select at least one input.")
        except MedSegDLError as error:
            callbacks.on_error(Failure(error.kind, error.message, error.remedy))
            return
        ask(images, order.task.key, callbacks)

    def _finish(self, order: Order, callbacks: Callbacks, result: Result) -> None:
        self._running = False
        try:
            outcome = place_result(order, result)
        except MedSegDLError as error:
            callbacks.on_error(Failure(error.kind, error.message, error.remedy))
            return
        callbacks.on_result(outcome)

    def _ended(self, then: Callable[[Failure], None]) -> Callable[[Failure], None]:
        def end(failure: Failure) -> None:
            self._running = False
            then(failure)

        return end

    def _made(self, then: Callable[[Any], None]) -> Callable[[Any], None]:
        def end(answer: Any) -> None:
            self._making = None
            then(answer)

        return end
