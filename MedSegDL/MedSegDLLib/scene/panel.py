"""The panel at work: it follows the parameter node, asks the worker, and shows what is answered. Its sections are rooms of their own.
Desktop only, for PythonQt: properties are attributes, signals connect by their C++ signature. No arithmetic, no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from ..worker.client import Callbacks
from ..worker.processes import Failure
from . import views, wording
from .correction_section import CorrectionSection
from .dicom_section import DicomSection
from .expectation_section import ExpectationSection
from .findings_section import FindingsSection
from .follow_up_section import FollowUpSection
from .guard import guarded
from .head_section import HeadSection
from .input_section import SWAP_LINK, TASK_LINK, InputSection
from .learning_section import LearningSection
from .network_info import network_of
from .networks_section import PACKAGES_LINK, NetworksSection
from .observing import Observing
from .parameters import MedSegDLParameterNode, declare, inputs_of, map_order, order_of, task_of
from .placing import Order, Outcome
from .python_section import PythonSection
from .report_section import ReportSection
from .result_section import ResultSection
from .scheme import scheme_of
from .shown_section import ShownSection
from .tab_order import follow_layout
from .tour_section import TourSection
from .translation import sentence
from .undo_section import UndoSection
from .warming import importing
from .widgets import Steps, button_row, narrow, new_timer, parameter_widgets

POLL_MS = 50  # how often the worker is asked for news while news is due
FINISHING_MS = 5  # while a result is put into the scene: a short step each time
IDLE_POLL_MS = 1000  # and else: only to notice that the worker died
# What a run rests on: nothing of it can be changed while it runs. What is measured and shown of an earlier result stays at hand.
LOCKED = ("inputsWidget", "guessButton", "outputSelector", "uncertaintyCheckBox", "deviceComboBox", "pythonPathLineEdit")
LOCKED += ("environmentButton", "installButton", "packagesPathLineEdit")
CHECK_DELAY_MS = 400  # after the last change of an input, so that a guess of four volumes is one check


class Panel(Observing):
    """What the module's widget shows.

    Args:
        widget: what was loaded from the .ui file.
        logic: MedSegDLLogic.
    """

    def __init__(self, widget: Any, logic: Any) -> None:
        Observing.__init__(self)
        self.logic, self.session = logic, logic.session
        self.ui = slicer.util.childWidgetVariables(widget)
        self.parameters: MedSegDLParameterNode | None = None
        self.failure: Failure | None = None  # why there is no worker, if so
        self.entered = False
        self._gui_tag: int | None = None
        self._shown_task: str | None = None
        self._checked_inputs: Any = None
        self.timer = new_timer(self.poll, IDLE_POLL_MS)
        self.check_timer = new_timer(self.check, CHECK_DELAY_MS, once=True)
        self.steps, self.warm_steps = Steps(self.report), Steps(self.report)
        self.findings = FindingsSection(self.ui, self.report)
        self.expectation = ExpectationSection(self.ui.findingsLabel)
        self.inputs = InputSection(self.ui, self.report)
        self.inputs.reconsidered = self.inputs_changed
        self.result = ResultSection(self.ui, self.report)
        self.shown = ShownSection(self.ui, self.result, self.report, self.ask_for_map)
        row = button_row(self.ui.resultCollapsibleButton.layout())
        self.reporting = ReportSection(row, self.report, lambda: self.result.subject, self.log)
        self.dicom = DicomSection(self.ui.resultCollapsibleButton.layout(), self, lambda: self.result.subject)
        self.undo = UndoSection(row, self)
        self.head = HeadSection(self.ui, self.result, self.report)
        self.correction = CorrectionSection(self.ui, self.report)
        self.python = PythonSection(self.ui, self.session, self)
        self.follow_up = FollowUpSection(self.ui, self.session, self)
        self.networks = NetworksSection(self.ui, self.session, self)
        self.learning = LearningSection(self.correction.widget.layout(), self.session, self)
        self.findings.links[PACKAGES_LINK] = self.networks.follow_packages
        self.findings.links |= {SWAP_LINK: self.inputs.follow_swap, TASK_LINK: self.inputs.follow_task}
        self.findings.links[wording.MAKE_ENVIRONMENT_LINK] = lambda rest: self.python.make_environment()
        self.tour = TourSection(self.ui, self.report)
        self._scheme = scheme_of(self.ui.findingsLabel)
        self._connect(widget)
        follow_layout(widget)
        self.take_parameters()
        self.warm_steps.start(importing())

    def _connect(self, widget: Any) -> None:
        self._parameter_widgets = parameter_widgets(self.ui)
        narrow(self.ui.outputSelector)
        widget.setMRMLScene(slicer.mrmlScene)
        self.ui.runWidget.visible = False
        self.ui.segmentButton.connect("clicked(bool)", self.segment)
        self.ui.cancelButton.connect("clicked(bool)", self.cancel)
        self.ui.logCopyButton.connect("clicked(bool)", self.copy_log)
        self.ui.show3DButton.connect("toggled(bool)", self.surfaces_chosen)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.on_scene_start_close)
        self.addObserver(scene, scene.EndCloseEvent, self.on_scene_changed)
        self.addObserver(scene, scene.EndImportEvent, self.on_scene_changed)

    @guarded
    def enter(self) -> None:
        """The panel is shown: follow the scene and wake the worker, so that it is warm when the user clicks."""
        self.entered = True
        if self.parameters is None:
            self.take_parameters()
        self.inputs.follow()
        self.networks.show()
        self.tour.offer()
        self.start_worker()

    @guarded
    def exit(self) -> None:
        """Another module is shown. A run goes on and is followed; nothing new is asked."""
        self.entered = False
        self.check_timer.stop()
        self.inputs.pause()

    @guarded
    def close(self) -> None:
        """The application ends or the module is reloaded."""
        self.timer.stop()
        self.check_timer.stop()
        self.steps.stop()
        self.warm_steps.stop()
        self.session.close()
        self.set_parameters(None)
        sections = (self.inputs, self.result, self.correction, self.reporting, self.dicom, self.python, self.shown, self.follow_up)
        for section in (*sections, self.undo, self.learning):
            section.close()
        self.removeObservers()

    @guarded
    def on_scene_start_close(self, caller: vtk.vtkObject, event: str) -> None:
        """The nodes are about to go: nothing may write to them."""
        if self.session.running:
            self.cancel()
        for steps in (self.steps, self.result.steps):  # the views would be turned to what is gone
            steps.stop()
        self.undo.close()
        self.set_parameters(None)

    @guarded
    def on_scene_changed(self, caller: vtk.vtkObject, event: str) -> None:
        """The scene was closed, or another one loaded."""
        if self.entered:
            self.take_parameters()

    def take_parameters(self) -> None:
        """Take the scene's parameter node, and guess what it leaves empty."""
        self.set_parameters(self.logic.getParameterNode())
        self.inputs.fill()

    def tasks_changed(self) -> None:
        """Networks were added or removed: declare the parameters anew, with their choices and selectors, and take the scene's again."""
        self.set_parameters(None)
        declare()
        self.inputs.renew()
        self.ui.taskComboBox.clear()  # the parameters' wrapper keeps the place of the choice, which may be none of the new ones
        self._parameter_widgets, self._shown_task = parameter_widgets(self.ui), None
        self.take_parameters()

    def set_parameters(self, parameters: MedSegDLParameterNode | None) -> None:
        """Follow a parameter node; None for none."""
        if self.parameters is not None:
            self.parameters.disconnectGui(self._gui_tag)
            self.removeObservers(self.parameters_changed)
        self.parameters = parameters
        self._checked_inputs = None
        self.inputs.set_parameters(parameters)
        if parameters is not None:  # not connectGui: it does not return its tag, without which nothing can be unbound
            self._gui_tag = parameters.connectParametersToGui(self._parameter_widgets)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.parameters_changed)  # not the wrapper: it is kept
            self.parameters_changed()

    @guarded
    def parameters_changed(self, caller: vtk.vtkObject | None = None, event: str | None = None) -> None:
        """Bring the panel up to date with the parameter node."""
        parameters = self.parameters
        if parameters is None:
            return
        self.inputs.choices.note()
        self._show_task(task_of(parameters))
        self.result.show(parameters.result, parameters.resultTable, parameters.summary)
        self.shown.show()
        self.head.show()
        self.dicom.show()
        self.correction.show(parameters.result)
        self.learning.show(self.correction.task)
        self.follow_up.show(task_of(parameters), parameters.result)
        self.update_buttons()
        self.inputs_changed()

    @guarded
    def inputs_changed(self) -> None:
        """Look again at the inputs, where they or something of them changed since the last look."""
        parameters = self.parameters
        if parameters is None or self.session.running:
            return
        inputs = self.inputs.state
        if inputs != self._checked_inputs:
            self._checked_inputs = inputs
            self.inputs.explain()
            self.expectation.tell(task_of(parameters), inputs_of(parameters), parameters.device.name)
            self.check_timer.start()

    def _show_task(self, task: Any) -> None:
        if task.key == self._shown_task:
            return
        self._shown_task = task.key
        self.inputs.show(task)
        self.ui.networkLabel.text, self.ui.networkLabel.toolTip = network_of(task)
        self._warm()

    def update_buttons(self) -> None:
        """Segment where something is given and there is a worker; progress and Cancel in its place while something runs."""
        running = self.session.running or self.session.making_environment or self.networks.adding
        given = self.parameters is not None and bool(inputs_of(self.parameters))
        ready = _("Segment the selected volumes.") if given else _("Select at least one input.")
        self.ui.segmentButton.visible, self.ui.runWidget.visible = not running, running
        self.ui.segmentButton.enabled = given and self.failure is None
        self.ui.segmentButton.toolTip = ready if self.failure is None else sentence(self.failure.message)
        self.inputs.lock(running)
        if self.parameters is not None:
            self.head.offer(task_of(self.parameters), not running)
        self.undo.show(not running)
        self.networks.lock(running)
        for name in LOCKED:
            getattr(self.ui, name).enabled = not running
        self.ui.biasCorrectionCheckBox.enabled = not running and self.parameters is not None and task_of(self.parameters).bias_correction
        self.shown.lock(running)
        if running:
            self.ui.removeButton.enabled = False

    @guarded
    def check(self) -> None:
        """Ask the worker what it thinks of the inputs."""
        if not self.entered or self.parameters is None or self.failure or self.session.running:
            return
        order, asked = order_of(self.parameters), self._checked_inputs
        if not order.nodes:
            self.findings.tell(_("Load a volume and select it above."))
            return

        def show(findings: list[dict]) -> None:
            if asked == self._checked_inputs:  # an answer about inputs that are no longer selected is of no use
                self.findings.show(findings, order.task, _("The inputs look as they should."), self.inputs.offers(findings))

        self.session.check(order, Callbacks(on_result=show, on_error=self.check_failed))
        self.expect_news()

    @guarded
    def check_failed(self, failure: Failure) -> None:
        """What was cancelled is asked again in its time."""
        if failure.kind != "cancelled":
            self.report(failure)

    @guarded
    def start_worker(self) -> None:
        """Start the worker in the background, unless it runs."""
        self.failure = None
        self.session.start(self.python.setting, Callbacks(on_result=self.worker_ready, on_error=self.worker_failed))
        if self.session.starting:
            self.findings.tell(_("Getting ready ..."))
        self.python.show()
        self.update_buttons()
        self.expect_news()

    restart = start_worker  # another Python is another program: the session ends the old worker first

    @guarded
    def worker_ready(self, ready: dict) -> None:
        """The worker is there: let it warm up and look at the inputs."""
        self.python.show()
        self.check()
        self._warm()

    @guarded
    def worker_failed(self, failure: Failure) -> None:
        """There is no worker; the panel says why, and what can be done."""
        if failure.kind != "cancelled":
            self.failure = failure
            self.report(failure)
        self.update_buttons()

    def report(self, failure: Failure) -> None:
        """Show what went wrong, with the details in the log, and give the panel back to the user."""
        task = task_of(self.parameters) if self.parameters is not None else None
        self.findings.fail(failure, self.networks.offers(failure, task) if task is not None else ())
        self.log(f"{failure.message} {failure.remedy}\n{failure.details}".strip())
        self.update_buttons()

    def log(self, text: str) -> None:
        """A line in the log."""
        self.ui.logTextEdit.appendPlainText(text)

    @guarded
    def copy_log(self) -> None:
        """Copy the whole log to the clipboard."""
        self.ui.logTextEdit.selectAll()
        self.ui.logTextEdit.copy()

    @guarded
    def surfaces_chosen(self, shown: bool) -> None:
        """What the user chooses for this result holds for the next one too."""
        self.parameters.showSurfaces = shown

    @guarded
    def poll(self) -> None:
        """Deliver what the worker said since the last time, and let a result take its next step; a change of Slicer's style is seen too."""
        self.session.poll()
        self.python.poll()
        self.result.poll()
        self.reporting.poll()
        self.follow_up.poll()
        self.dicom.poll()
        self._follow_style()
        sections = (self.session, self.python, self.result, self.reporting, self.follow_up, self.dicom)
        news_due = any(section.news_due for section in sections)
        if self.session.finishing:
            self.timer.interval = FINISHING_MS
        else:
            self.timer.interval = POLL_MS if news_due else IDLE_POLL_MS

    def _follow_style(self) -> None:
        scheme = scheme_of(self.ui.findingsLabel)
        if scheme != self._scheme:  # Slicer became light or dark
            self._scheme = scheme
            self.findings.restyle()
            self.tour.restyle()
            self.follow_up.restyle()
            self.inputs.explain()

    def expect_news(self) -> None:
        """Ask often from now on."""
        self.timer.interval = POLL_MS
        self.timer.start()

    @guarded
    def _warm(self, ready: dict | None = None) -> None:
        if self.parameters is not None:
            self.session.warm(task_of(self.parameters), self.parameters.device.name)

    @guarded
    def segment(self) -> None:
        """Start the segmentation; the button gives way to progress and Cancel."""
        order = order_of(self.parameters)
        if order.besides:
            self.log(_("The corrected brain mask is used."))
        self._run(order, self.segmented)

    @guarded
    def ask_for_map(self, node: Any) -> None:
        """Let the network say once more how sure it is of a result's inputs; the segments stay as they are."""
        self._run(map_order(self.parameters, node), self.map_made)

    @guarded
    def map_made(self, outcome: Outcome) -> None:
        """The map is in the scene: lay it over the images."""
        self.update_buttons()
        self.shown.lay_over(outcome.segmentation)

    def _run(self, order: Order, done: Callable[[Outcome], None]) -> None:
        self.show_progress(0.0, _("Starting ..."))
        self.session.start(self.python.setting, Callbacks())
        told = Callbacks(on_progress=self.show_progress, on_result=done, on_error=self.segment_failed)
        self.session.segment(order, told)
        self.update_buttons()
        self.expect_news()

    @guarded
    def cancel(self) -> None:
        """Stop at once; the next click starts anew."""
        self.networks.cancel() if self.networks.adding else self.session.cancel()
        self.expect_news()

    @guarded
    def segmented(self, outcome: Outcome) -> None:
        """The result is in the scene: show its volumes, and the reference under it."""
        parameters = self.parameters
        self.undo.note(outcome.placed)
        with slicer.util.NodeModify(parameters):
            parameters.result = outcome.segmentation
            parameters.resultTable = outcome.table
            parameters.summary = wording.summary(outcome.record, _("{seconds} s on {device}."))
        self.expectation.learn(task_of(parameters), parameters.device.name, outcome.record)
        warnings = outcome.record.get("warnings", [])
        self.findings.show(warnings, task_of(parameters), _("Done."))
        self.log(parameters.summary)
        self.update_buttons()
        self.result.measure_lesions(look=True)
        self.expect_news()
        role = outcome.segmentation.GetReferenceImageGeometryReferenceRole()
        self.steps.start(self._looking_at(outcome.segmentation.GetNodeReference(role), parameters.showSurfaces))

    def _looking_at(self, reference: Any, surfaces: bool) -> Iterator[None]:
        """Bring the result into sight, then turn the views to it, a view a step."""
        yield  # the section has its size when the window has looked at its events
        self.ui.scrollArea.ensureWidgetVisible(self.ui.resultCollapsibleButton)
        yield from views.showing(reference)
        if surfaces:
            self.result.show_surfaces()

    @guarded
    def segment_failed(self, failure: Failure) -> None:
        """Nothing was written; say why. A worker that is gone is started again, so that the next click finds it warm."""
        self.report(failure)
        self.shown.show()
        if self.session.ready is None and self.entered:
            self.session.start(self.python.setting, Callbacks(on_result=self._warm, on_error=self.worker_failed))
        self.update_buttons()

    @guarded
    def show_progress(self, fraction: float, message: str) -> None:
        """How far it is, and with what."""
        self.ui.progressBar.value = round(100 * fraction)
        self.ui.progressBar.format = f"{sentence(message)} %p%"
