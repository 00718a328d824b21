"""What the panel saves with the scene: the parameter node, built from the tasks, and what it asks for as an `Order`.
Desktop only (slicer.parameterNodeWrapper); no widget may enter. Annotations stay objects: the wrapper reads them.
"""

from enum import Enum
from typing import Any

import slicer
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLTableNode
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import parameterNodeWrapper

from ..tasks import TASKS, Input, Task
from .session import Order, guess_nodes


class Labelled(Enum):
    """A choice that is stored by name and shown by value; parameterNodeWrapper asks for `label`."""

    def label(self) -> str:
        """What the user sees."""
        return self.value


TaskChoice = Labelled("TaskChoice", {key: _(task.title) for key, task in TASKS.items()}, module=__name__)
Device = Labelled("Device", {"auto": _("Automatic"), "cpu": _("CPU"), "cuda": _("GPU (CUDA)")}, module=__name__)
Mode = Labelled("Mode", {"fast": _("Fast"), "accurate": _("Accurate")}, module=__name__)


def input_parameter(task: Task, entry: Input) -> str:
    """Name of the parameter (and node reference role) that holds an input of a task."""
    return f"{task.key}_{entry.key}"


def _with_inputs_of_all_tasks(declared: type) -> type:
    """Class decorator: one volume parameter an input of every task, so that a new task needs no line here."""
    inputs = {input_parameter(task, entry): vtkMRMLScalarVolumeNode for task in TASKS.values() for entry in task.inputs}
    declared.__annotations__ = {**declared.__annotations__, **inputs}
    return declared


@parameterNodeWrapper
@_with_inputs_of_all_tasks
class MedSegDLParameterNode:
    """What is saved with the scene.

    task: what to segment. output: segmentation to write into, None for a new one. result, resultTable, summary: of the last run.
    showSurfaces: show the 3-D surfaces when done. biasCorrection, uncertainty, device, mode: see `pipeline.Options`.
    """

    task: TaskChoice
    output: vtkMRMLSegmentationNode
    result: vtkMRMLSegmentationNode
    resultTable: vtkMRMLTableNode
    summary: str
    showSurfaces: bool
    biasCorrection: bool = True
    uncertainty: bool
    device: Device
    mode: Mode


def wrapped(node: Any) -> MedSegDLParameterNode:
    """A parameter node of the scene, wrapped. A choice that this version does not know is forgotten: it would be refused."""
    for name, choices in (("task", TaskChoice), ("device", Device), ("mode", Mode)):
        if node.GetParameter(name) not in choices.__members__:
            node.UnsetParameter(name)
    return MedSegDLParameterNode(node)


def task_of(parameters: MedSegDLParameterNode) -> Task:
    """The chosen task."""
    return TASKS[parameters.task.name]


def inputs_of(parameters: MedSegDLParameterNode) -> dict[str, Any]:
    """Input key -> volume node of the chosen task; what is not given is left out."""
    task = task_of(parameters)
    nodes = {entry.key: parameters.getValue(input_parameter(task, entry)) for entry in task.inputs}
    return {key: node for key, node in nodes.items() if node is not None}


def guess_inputs(parameters: MedSegDLParameterNode) -> None:
    """Fill the inputs of the chosen task from the scene's volumes, in one change."""
    task = task_of(parameters)
    found = guess_nodes(task)
    with slicer.util.NodeModify(parameters):
        for entry in task.inputs:
            parameters.setValue(input_parameter(task, entry), found.get(entry.key))


def forget_node(parameters: MedSegDLParameterNode, node: Any) -> None:
    """Take a node that is about to leave the scene out of the selected inputs and the output, in one change.

    Else its selector would select the node listed before it, silently (qMRMLNodeComboBox): another modality, or a segmentation that the
    next run would write over.
    """
    selected = [input_parameter(task, entry) for task in TASKS.values() for entry in task.inputs] + ["output"]
    with slicer.util.NodeModify(parameters):
        for name in selected:
            if parameters.getValue(name) is node:
                parameters.setValue(name, None)


def order_of(parameters: MedSegDLParameterNode) -> Order:
    """What a click on Segment asks for. The last run's table is filled anew where its segmentation is written again."""
    options = {
        "device": parameters.device.name,
        "mode": parameters.mode.name,
        "bias_correction": parameters.biasCorrection,
        "uncertainty": parameters.uncertainty,
    }
    again = parameters.output is not None and parameters.output is parameters.result
    return Order(task_of(parameters), inputs_of(parameters), options, parameters.output, parameters.resultTable if again else None)
