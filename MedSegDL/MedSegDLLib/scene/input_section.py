"""The panel's inputs: a selector for each input of each task, filled as volumes come, one by one; what the user chooses stays.
Desktop only. What is chosen by whom is `parameters.InputChoices`; nothing of a run enters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _

from ..checks.modality_guess import warming
from ..tasks import Task
from ..worker.processes import Failure
from .choices import Opinion, exchanged_pair, fitting_tasks, opinions, swaps
from .guard import guarded
from .hierarchy import NOWHERE, Place
from .observing import Observing
from .parameters import OFFERED, InputChoices, MedSegDLParameterNode, inputs_of, task_of
from .session import cases
from .translation import label
from .volumes import state_of
from .widgets import InputRows, Steps, new_timer

GUESS_DELAY_MS = 300  # after the last volume came or changed: it is named and filled after it is added
SWAP_LINK, TASK_LINK = "medsegdl:swap:", "medsegdl:task:"  # and what they are about, in the findings
# What may change about a volume: its name, its transform or what moves that, its voxels
CHANGES = (
    vtk.vtkCommand.ModifiedEvent,
    slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
    slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent,
)
BEFORE_THE_SELECTORS = 100.0  # priority of observation; theirs are 10 and less


class InputSection(Observing):
    """The selectors, and the guess that fills them.

    Args:
        ui: the panel's widgets; the selectors are added to them.
        report: whom to tell what went wrong.
    """

    def __init__(self, ui: Any, report: Callable[[Failure], None]) -> None:
        Observing.__init__(self)
        self.ui = ui
        ui.caseLabel, ui.caseComboBox = _case_row(ui.inputsWidget.layout())
        ui.caseComboBox.connect("activated(int)", self.case_chosen)
        self.rows = InputRows(ui.inputsWidget.layout())
        vars(ui).update(self.rows.selectors)
        self.report = report
        self.choices: InputChoices | None = None
        self.opinions: dict[str, Opinion] = {}
        self.reconsidered: Callable[[], None] = lambda: None  # called after a look at volumes that changed
        self._places: list[Place] = []
        self.timer = new_timer(self.look, GUESS_DELAY_MS, once=True)
        self.steps = Steps(report)
        self.steps.start(warming())
        self._followed = self._locked = False
        ui.guessButton.connect("clicked(bool)", self.guess_anew)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeAddedEvent, self.on_node_added)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.on_node_goes, priority=BEFORE_THE_SELECTORS)

    def follow(self) -> None:
        """The panel is shown: look at the volumes that are there, and at those that come."""
        self._followed = True
        volumes = slicer.util.getNodesByClass("vtkMRMLVolumeNode")
        for node in volumes:
            self._follow_volume(node)
        self.fill()

    def pause(self) -> None:
        """The panel is hidden: nothing is filled."""
        self._followed = False
        self.timer.stop()

    def renew(self) -> None:
        """Selectors for the tasks of today (see `parameters.declare`)."""
        for name in self.rows.selectors:
            vars(self.ui).pop(name)
        self.rows.renew()
        vars(self.ui).update(self.rows.selectors)

    def explain(self) -> None:
        """Say why each image stands for its input, and what contradicts it."""
        if self.choices is not None:
            parameters = self.choices.parameters
            self._show_cases(task_of(parameters))
            self.opinions = opinions(inputs_of(parameters), task_of(parameters))
            self.rows.explain(task_of(parameters), self.opinions)

    def _show_cases(self, task: Task) -> None:
        """List the studies of the scene, where there are several, and show whose images are selected."""
        found, box = cases(task), self.ui.caseComboBox
        self.ui.caseLabel.visible = box.visible = len(found) > 1
        names = [place.name for place in found]
        if names != [box.itemText(row) for row in range(box.count)]:
            box.clear()
            box.addItems(names)
        self._places = found
        now = self.choices.case
        box.currentIndex = next((row for row, place in enumerate(found) if now != NOWHERE and place.fits(now)), -1)

    @guarded
    def case_chosen(self, row: int) -> None:
        """The user wants the images of another study."""
        if self.choices is not None and not self._locked and row < len(self._places):
            self.choices.choose_case(self._places[row])

    @property
    def state(self) -> tuple[Any, ...]:
        """What findings and reasons rest on: the task, and each selected volume with its name, voxels and place."""
        parameters = self.choices.parameters
        return task_of(parameters).key, tuple((key, state_of(node)) for key, node in inputs_of(parameters).items())

    def offers(self, findings: Sequence[dict]) -> list[tuple[str, str]]:
        """What could be done about the findings in one click: (link, text)."""
        if self.choices is None:
            return []
        task, nodes = task_of(self.choices.parameters), inputs_of(self.choices.parameters)
        titles = {entry.key: label(entry.title) for entry in task.inputs}
        pairs, seen = swaps(self.opinions, task), exchanged_pair(findings, nodes, task)
        if seen is not None and not any(set(seen) == set(pair) for pair in pairs):
            pairs.append(seen)
        told = [(f"{SWAP_LINK}{a}:{b}", _("Swap {one} and {other}").format(one=titles[a], other=titles[b])) for a, b in pairs]
        for key, other in fitting_tasks(findings, task, OFFERED):
            told.append((f"{TASK_LINK}{other.key}:{key}", _("Use it for: {task}").format(task=label(other.title))))
        return told

    def follow_swap(self, rest: str) -> None:
        """The user wants two inputs exchanged."""
        if self.choices is not None and not self._locked:
            self.choices.swap(*rest.split(":"))

    def follow_task(self, rest: str) -> None:
        """The user wants an image used for another task."""
        if self.choices is not None and not self._locked:
            self.choices.use_for(*rest.split(":"))

    def lock(self, locked: bool) -> None:
        """Fill nothing while a segmentation runs; what came meanwhile is looked at afterwards."""
        was_locked, self._locked = self._locked, locked
        if was_locked and not locked and self._followed:
            self.timer.start()

    def close(self) -> None:
        """For good."""
        self.timer.stop()
        self.steps.stop()
        self.removeObservers()

    def set_parameters(self, parameters: MedSegDLParameterNode | None) -> None:
        """Work on these parameters; None for none."""
        self.choices = InputChoices(parameters) if parameters is not None else None

    def show(self, task: Task) -> None:
        """Show the selectors of one task, and fill them."""
        self.rows.show(task)
        self.fill()

    @guarded
    def fill(self) -> None:
        """Guess what is empty, but not while a scene is being read: its own choices come with its end."""
        if self.choices is not None and not self._locked and not slicer.mrmlScene.IsBatchProcessing():
            self.choices.fill()

    @guarded
    def look(self) -> None:
        """Volumes came or changed: fill what is empty, and think again about what is selected."""
        self.fill()
        self.reconsidered()

    @guarded
    def guess_anew(self) -> None:
        """The user asks for a guess of everything."""
        if self.choices is not None:
            self.choices.guess_anew()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    @guarded
    def on_node_added(self, caller: vtk.vtkObject, event: str, node: vtk.vtkObject) -> None:
        """Perhaps a volume; it will be complete in a moment."""
        if self._followed and node is not None and node.IsA("vtkMRMLVolumeNode"):
            self._follow_volume(node)
            self.timer.start()

    @guarded
    def on_volume_changed(self, caller: vtk.vtkObject, event: str) -> None:
        """A volume was named, filled or moved, maybe long after it was added."""
        if self._followed:
            self.timer.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    @guarded
    def on_node_goes(self, caller: vtk.vtkObject, event: str, node: vtk.vtkObject) -> None:
        """A selected node leaves the scene: nothing else may take its place."""
        for event in CHANGES:
            self.removeObserver(node, event, self.on_volume_changed)
        if self.choices is not None:
            self.choices.forget(node)

    def _follow_volume(self, node: Any) -> None:
        for event in CHANGES:
            if not self.hasObserver(node, event, self.on_volume_changed):
                self.addObserver(node, event, self.on_volume_changed)


def _case_row(form: Any) -> tuple[Any, Any]:
    """The row that offers the studies of the scene, above the inputs."""
    label, box = qt.QLabel(_("Study:")), qt.QComboBox()
    label.name, box.name = "caseLabel", "caseComboBox"
    box.sizeAdjustPolicy = qt.QComboBox.AdjustToMinimumContentsLengthWithIcon
    box.toolTip = _("The scene holds images of several studies. One is segmented at a time: choose which; its images fill the inputs.")
    form.addRow(label, box)
    return label, box
