"""What the panel saves with the scene: the parameter node, built from the tasks, and what it asks for as an `Order`.
Desktop only (slicer.parameterNodeWrapper); no widget may enter. Annotations stay objects: the wrapper reads them.
"""

from dataclasses import replace
from enum import Enum
from typing import Any

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper

from ..options import AUTO, MASK_KEY, OFF, ON
from ..tasks import TASKS, Input, Task
from .choices import opinions
from .correcting import inputs_behind
from .head_nodes import corrected_mask
from .hierarchy import NOWHERE, Place, joined, place_of
from .placing import Order
from .report_case import record_of
from .session import cases, guess_nodes
from .translation import label
from .volumes import RESULT_ATTRIBUTE


class Labelled(Enum):
    """A choice that is stored by name and shown by value; parameterNodeWrapper asks for `label`."""

    def label(self) -> str:
        """What the user sees."""
        return label(self.value)


Device = Labelled("Device", {"auto": _("Automatic"), "cpu": _("CPU"), "cuda": _("GPU (CUDA)")}, module=__name__)
Mode = Labelled("Mode", {"auto": _("Automatic"), "fast": _("Fast"), "accurate": _("Accurate")}, module=__name__)
Switch = Labelled("Switch", {AUTO: _("Automatic"), ON: _("On"), OFF: _("Off")}, module=__name__)


def input_parameter(task: Task, entry: Input) -> str:
    """Name of the parameter (and node reference role) that holds an input of a task."""
    return f"{task.key}_{entry.key}"


def input_parameter_of(task: Task, key: str) -> str:
    """The same by the input's key."""
    return next(input_parameter(task, entry) for entry in task.inputs if entry.key == key)


class _Declared:
    """What is saved with the scene, besides the inputs of every task, which `declare` adds.

    task: what to segment. chosen: names of the inputs that the user chose, 'not given' included.
    output: segmentation to write into, None for a new one. result, resultTable, summary: of the last run.
    showSurfaces: show the 3-D surfaces when done. biasCorrection, uncertainty, device, mode, brainExtraction, registration:
    see `pipeline.Options`.
    """

    task: Labelled
    chosen: str
    output: vtkMRMLSegmentationNode
    result: vtkMRMLSegmentationNode
    resultTable: vtkMRMLTableNode
    summary: str
    showSurfaces: bool
    biasCorrection: bool = True
    uncertainty: bool
    device: Device
    mode: Mode
    brainExtraction: Switch
    registration: Switch


CHOICES = {"device": Device, "mode": Mode, "brainExtraction": Switch, "registration": Switch}
RESERVED = {"mro", "label"}  # no member of such an Enum can have these names
OFFERED: dict[str, Task] = {}  # the tasks that can be chosen; see `declare`


def declare() -> None:
    """Declare the parameter node for the tasks of today: a choice, and a volume parameter an input, for each that serves no other task.

    A parameter cannot be added to a wrapped class, so that it is another class each time. Let go of every wrapped node before: an old one
    that lives on would refuse the choices that it does not know.
    """
    global TaskChoice, MedSegDLParameterNode, INPUT_NAMES
    OFFERED.clear()
    OFFERED.update({key: task for key, task in TASKS.items() if not task.helper})
    TaskChoice = Labelled("TaskChoice", {_choice(key): title for key, title in _titles().items()}, module=__name__)
    inputs = {input_parameter(task, entry): vtkMRMLScalarVolumeNode for task in OFFERED.values() for entry in task.inputs}
    INPUT_NAMES = tuple(inputs)
    own = {name: value for name, value in vars(_Declared).items() if name not in ("__dict__", "__weakref__")}
    annotations = {**_Declared.__annotations__, "task": TaskChoice, **inputs}
    MedSegDLParameterNode = parameterNodeWrapper(type("MedSegDLParameterNode", (), {**own, "__annotations__": annotations}))


def _titles() -> dict[str, str]:
    """Key -> title of the tasks that are offered, no two alike: of two that are, an Enum would make one choice."""
    titles = [task.title for task in OFFERED.values()]
    found: dict[str, str] = {}
    for key, task in OFFERED.items():
        title = task.title if titles.count(task.title) == 1 else f"{task.title} [{key}]"
        while title in found.values():
            title = f"{title} [{key}]"
        found[key] = title
    return found


def _choice(key: str) -> str:
    """Name of a task's choice: its key, but for those that mean something to an Enum. No key has a '_'."""
    return f"{key}_" if key in RESERVED else key


declare()


def choice_of(key: str) -> TaskChoice:
    """The choice of a task by its key."""
    return TaskChoice[_choice(key)]


def wrapped(node: Any) -> MedSegDLParameterNode:
    """A parameter node of the scene, wrapped. A choice that this version does not know is forgotten: it would be refused."""
    for name, choices in {"task": TaskChoice, **CHOICES}.items():
        if node.GetParameter(name) not in choices.__members__:
            node.UnsetParameter(name)
    return MedSegDLParameterNode(node)


def task_of(parameters: MedSegDLParameterNode) -> Task:
    """The chosen task."""
    return OFFERED[parameters.task.name.removesuffix("_")]


def inputs_of(parameters: MedSegDLParameterNode) -> dict[str, Any]:
    """Input key -> volume node of the chosen task; what is not given is left out."""
    task = task_of(parameters)
    nodes = {entry.key: parameters.getValue(input_parameter(task, entry)) for entry in task.inputs}
    return {key: node for key, node in nodes.items() if node is not None}


class InputChoices:
    """Whose choice each input is: the user's, which nothing undoes, or a guess.

    What changes by another hand than this one's is the user's choice, 'not given' included.
    """

    def __init__(self, parameters: MedSegDLParameterNode) -> None:
        self.parameters = parameters
        self._known = self._now()

    @property
    def chosen(self) -> set[str]:
        """Parameter names of the inputs that the user chose."""
        return set(self.parameters.chosen.split())

    def note(self) -> None:
        """Find out what the user has chosen since the last time."""
        before, self._known = self._known, self._now()
        changed = {name for name in INPUT_NAMES if self._known[name] is not before[name]}
        if changed:
            self.parameters.chosen = " ".join(sorted(self.chosen | changed))

    def fill(self) -> None:
        """Guess the inputs of the task that are empty, and that the user has not left empty himself; a guess that name and header
        speak against by now is made anew.
        """
        task, given = task_of(self.parameters), inputs_of(self.parameters)
        chosen = {entry.key for entry in task.inputs if input_parameter(task, entry) in self.chosen}
        doubted = {key for key, opinion in opinions(given, task).items() if opinion.looks_like and key not in chosen}
        kept = {key: node for key, node in given.items() if key not in doubted}
        free = [entry.key for entry in task.inputs if entry.key not in kept and entry.key not in chosen]
        if not free:
            return
        case = joined(map(place_of, kept.values())) if kept else NOWHERE
        found = guess_nodes(task, tuple(kept.values()), self._most_complete(task, case, kept))
        self._set({f"{task.key}_{key}": found.get(key) for key in free if key in found or key in doubted})

    @property
    def case(self) -> Place:
        """Whose images the selected ones are."""
        return joined(map(place_of, inputs_of(self.parameters).values()))

    def choose_case(self, case: Place) -> None:
        """Take all inputs of the task from this study: the user has asked for it."""
        task = task_of(self.parameters)
        found, names = guess_nodes(task, case=case), {entry.key: input_parameter(task, entry) for entry in task.inputs}
        self._set({name: found.get(key) for key, name in names.items()}, self.chosen - set(names.values()))

    def _most_complete(self, task: Task, case: Place, kept: dict[str, Any]) -> Place:
        """Of the studies that a case may be of, the one that fills most inputs, the first of several: volumes of two are never mixed."""
        fitting = [place for place in cases(task) if place.fits(case)]
        return max(fitting, key=lambda place: len(guess_nodes(task, tuple(kept.values()), place)), default=case)

    def guess_anew(self) -> None:
        """Forget what was chosen for the task, and guess all its inputs: the user has asked for it."""
        self.choose_case(self._most_complete(task_of(self.parameters), self.case, {}))

    def swap(self, one: str, other: str) -> None:
        """Exchange two inputs of the task: the user has asked for it, and nothing undoes it."""
        task = task_of(self.parameters)
        names = {key: input_parameter_of(task, key) for key in (one, other)}
        nodes = {key: self.parameters.getValue(name) for key, name in names.items()}
        self._set({names[one]: nodes[other], names[other]: nodes[one]}, self.chosen | set(names.values()))

    def use_for(self, task_key: str, key: str) -> None:
        """Give an input of the task to the only input of another task, and choose that task."""
        old, task = input_parameter_of(task_of(self.parameters), key), OFFERED[task_key]
        new = input_parameter(task, task.inputs[0])
        node = self.parameters.getValue(old)
        with slicer.util.NodeModify(self.parameters):
            self._set({new: node, old: None}, (self.chosen | {new}) - {old})
            self.parameters.task = choice_of(task_key)

    def forget(self, node: Any) -> None:
        """Take a node that is about to leave the scene out of the selected inputs and the output, in one change.

        Else its selector would select the node listed before it, silently (qMRMLNodeComboBox): another modality, or a segmentation that the
        next run would write over.
        """
        gone = [name for name in INPUT_NAMES if self.parameters.getValue(name) is node]
        with slicer.util.NodeModify(self.parameters):
            if self.parameters.output is node:
                self.parameters.output = None
            self._set(dict.fromkeys(gone), self.chosen - set(gone))

    def _set(self, values: dict[str, Any], chosen: set[str] | None = None) -> None:
        """Change inputs by our own hand, in one change."""
        self._known.update(values)
        with slicer.util.NodeModify(self.parameters):
            for name, node in values.items():
                if self.parameters.getValue(name) is not node:
                    self.parameters.setValue(name, node)
            if chosen is not None and chosen != self.chosen:
                self.parameters.chosen = " ".join(sorted(chosen))

    def _now(self) -> dict[str, Any]:
        return {name: self.parameters.getValue(name) for name in INPUT_NAMES}


def order_of(parameters: MedSegDLParameterNode) -> Order:
    """What a click on Segment asks for. The last run's table is filled anew where its segmentation is written again."""
    options = {
        "device": parameters.device.name,
        "mode": parameters.mode.name,
        "bias_correction": parameters.biasCorrection,
        "uncertainty": parameters.uncertainty,
        "brain_extraction": parameters.brainExtraction.name,
        "registration": parameters.registration.name,
    }
    again = parameters.output is not None and parameters.output is parameters.result
    order = Order(task_of(parameters), inputs_of(parameters), options, parameters.output, parameters.resultTable if again else None)
    mask = corrected_mask(parameters.result, order.reference, order.task, parameters.brainExtraction.name)
    return order if mask is None else replace(order, besides={MASK_KEY: mask})


def map_order(parameters: MedSegDLParameterNode, node: Any) -> Order:
    """What a wish for the uncertainty of a result asks for: its own inputs, as its own run took them.

    Raises:
        InputRefused: the volumes that it was made from are gone, or not known.
    """
    task = TASKS[node.GetAttribute(RESULT_ATTRIBUTE)]
    now = order_of(parameters)
    then = record_of(node).get("options", {})
    options = {name: then.get(name, value) for name, value in now.options.items()} | {"device": now.options["device"], "uncertainty": True}
    order = Order(task, inputs_behind(node, task), options, table=parameters.resultTable, map_for=node)
    mask = corrected_mask(node, order.reference, task, options["brain_extraction"])
    return order if mask is None else replace(order, besides={MASK_KEY: mask})
