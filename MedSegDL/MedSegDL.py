"""The module: title, panel and logic. It declares and connects; the work is in MedSegDLLib (scene/session.py and what it calls).
Written for PythonQt: properties are attributes, signals connect by their C++ signature. No arithmetic, no torch.
"""

from __future__ import annotations

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from MedSegDLLib.scene import slicer_python, wording
from MedSegDLLib.scene.parameters import MedSegDLParameterNode, forget_node, guess_inputs, inputs_of, order_of, task_of, wrapped
from MedSegDLLib.scene.segmentation import show_3d
from MedSegDLLib.scene.session import Order, Outcome, Session, guess_nodes
from MedSegDLLib.scene.table import table_rows
from MedSegDLLib.scene.widgets import InputRows, fill_table, new_timer, parameter_widgets, python_setting, set_python_setting
from MedSegDLLib.tasks import TASKS
from MedSegDLLib.worker.client import Callbacks, Failure, Worker

POLL_MS = 50  # how often the worker is asked for news while news is due
IDLE_POLL_MS = 1000  # and else: only to notice that it died
CHECK_DELAY_MS = 400  # after the last change of an input, so that a guess of four volumes is one check
PYTHON_DELAY_MS = 1000  # after the last key in the path of another Python
BEFORE_THE_SELECTORS = 100.0  # priority of observation; theirs are 10 and less
GUESS_DELAY_MS = 300  # after a volume came: it is named and filled after it is added


class MedSegDL(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("MedSegDL")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["MedSegDL developers"]
        self.parent.helpText = _(
            "Segments brain tumours in MR, the liver and its tumours in CT, and cell nuclei in microscopy pictures with inception U-Nets. "
            "Research use only - not a medical device."
        )
        self.parent.acknowledgementText = _("The networks follow the published work of N. S. Punn and S. Agarwal on inception U-Nets.")
        slicer.app.connect("startupCompleted()", lambda: slicer_python.offer_phantom(lambda source: MedSegDLLogic().loadPhantom()))


class MedSegDLWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._entered = False
        self._parameterNode = None
        self._guiTag = None
        self._failure = None  # why there is no worker, if so
        self._shownTask = None
        self._checkedInputs = None

    def setup(self) -> None:
        """Build the panel; called once, when it is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/MedSegDL.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self._inputRows = InputRows(self.ui.inputsWidget.layout())
        vars(self.ui).update(self._inputRows.selectors)
        self._parameterWidgets = parameter_widgets(self.ui)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.runWidget.visible = False
        self.ui.resultCollapsibleButton.visible = False
        self.ui.pythonPathLineEdit.currentPath = python_setting()
        self.logic = MedSegDLLogic()
        self._connectWidgets()
        self._observeScene()
        self.initializeParameterNode()
        if self.parent.isEntered:  # reloaded while shown: Slicer does not call enter again
            self.enter()

    def _connectWidgets(self):
        self._timer = new_timer(self.onPoll, IDLE_POLL_MS)
        self._checkTimer = new_timer(self.onCheck, CHECK_DELAY_MS, once=True)
        self._guessTimer = new_timer(self.onVolumesCame, GUESS_DELAY_MS, once=True)
        self._pythonTimer = new_timer(self.onPythonChosen, PYTHON_DELAY_MS, once=True)
        self.ui.guessButton.connect("clicked(bool)", self.onGuess)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegment)
        self.ui.cancelButton.connect("clicked(bool)", self.onCancel)
        self.ui.editButton.connect("clicked(bool)", self.onEdit)
        self.ui.environmentButton.connect("clicked(bool)", self.onMakeEnvironment)
        self.ui.installButton.connect("clicked(bool)", self.onInstall)
        self.ui.findingsLabel.connect("linkActivated(QString)", self.onLink)
        self.ui.pythonPathLineEdit.connect("currentPathChanged(QString)", self.onPythonTyped)
        self.ui.pythonPathLineEdit.connect("validInputChanged(bool)", self.onPythonTyped)  # all that an emptied line tells

    def _observeScene(self):
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneChanged)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneChanged)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeGoes, priority=BEFORE_THE_SELECTORS)

    def enter(self) -> None:
        """The panel is shown: follow the scene and wake the worker, so that it is warm when the user clicks."""
        self._entered = True
        if self._parameterNode is None:
            self.initializeParameterNode()
        self.onVolumesCame()
        self.startWorker()

    def exit(self) -> None:
        """Another module is shown. A run goes on and is followed; nothing new is asked."""
        self._entered = False
        self._checkTimer.stop()
        self._guessTimer.stop()

    def cleanup(self) -> None:
        """The application closes or the module is reloaded."""
        for timer in (self._timer, self._checkTimer, self._guessTimer, self._pythonTimer):
            timer.stop()
        self.logic.session.close()
        self.setParameterNode(None)
        self.removeObservers()

    def onSceneStartClose(self, caller: vtk.vtkObject | None = None, event: str | None = None) -> None:
        """The nodes are about to go: nothing may write to them."""
        if self.logic.session.running:
            self.onCancel()
        self.setParameterNode(None)

    def onSceneChanged(self, caller: vtk.vtkObject | None = None, event: str | None = None) -> None:
        """The scene was closed, or another one loaded."""
        if self._entered:
            self.initializeParameterNode()

    def onNodeAdded(self, caller: vtk.vtkObject | None = None, event: str | None = None) -> None:
        """Perhaps a volume; it will be complete in a moment."""
        if self._entered:
            self._guessTimer.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeGoes(self, caller: vtk.vtkObject, event: str, node: vtk.vtkObject) -> None:
        """A selected node leaves the scene: nothing else may take its place."""
        if self._parameterNode is not None:
            forget_node(self._parameterNode, node)

    def onVolumesCame(self) -> None:
        """Guess, unless the user has chosen already, or a scene is being read: its own choice comes with its end (onSceneChanged)."""
        if self._parameterNode is not None and not slicer.mrmlScene.IsBatchProcessing() and not inputs_of(self._parameterNode):
            self.onGuess()

    def initializeParameterNode(self) -> None:
        """Take the scene's parameter node, and guess where it names no input yet."""
        self.setParameterNode(self.logic.getParameterNode())
        self.onVolumesCame()

    def setParameterNode(self, parameterNode: MedSegDLParameterNode | None) -> None:
        """Follow a parameter node; None for none."""
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObservers(self.onParametersChanged)
        self._parameterNode = parameterNode
        self._checkedInputs = None
        if parameterNode is not None:  # not connectGui: it does not return its tag, without which nothing can be unbound
            self._guiTag = parameterNode.connectParametersToGui(self._parameterWidgets)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParametersChanged)
            self.onParametersChanged()

    def onParametersChanged(self, caller: vtk.vtkObject | None = None, event: str | None = None) -> None:
        """Bring the panel up to date with the parameter node."""
        if self._parameterNode is None:
            return
        self._showTask(task_of(self._parameterNode))
        self._showResult()
        self._updateButtons()
        inputs = (self._shownTask, tuple((key, node.GetID()) for key, node in inputs_of(self._parameterNode).items()))
        if inputs != self._checkedInputs:
            self._checkedInputs = inputs
            self._checkTimer.start()

    def _showTask(self, task):
        if task.key == self._shownTask:
            return
        self._shownTask = task.key
        self._inputRows.show(task)
        self.ui.biasCorrectionCheckBox.enabled = task.bias_correction
        self.onVolumesCame()
        self._warm()

    def _updateButtons(self):
        running = self.logic.session.running or self.logic.session.making_environment
        given = self._parameterNode is not None and bool(inputs_of(self._parameterNode))
        ready = _("Segment the selected volumes.") if given else _("Select at least one input.")
        self.ui.segmentButton.visible, self.ui.runWidget.visible = not running, running
        self.ui.segmentButton.enabled = given and self._failure is None
        self.ui.segmentButton.toolTip = ready if self._failure is None else self._failure.message
        for button in (self.ui.environmentButton, self.ui.installButton, self.ui.guessButton):
            button.enabled = not running

    def onGuess(self) -> None:
        """Fill the inputs of the task from the scene's volumes."""
        if self._parameterNode is not None:
            guess_inputs(self._parameterNode)

    def onCheck(self) -> None:
        """Ask the worker what it thinks of the inputs."""
        if not self._entered or self._parameterNode is None or self._failure or self.logic.session.running:
            return
        order, asked = order_of(self._parameterNode), self._checkedInputs
        if not order.nodes:
            self.ui.findingsLabel.text = _("Load a volume and select it above.")
            return

        def show(findings: list[dict]) -> None:
            if asked == self._checkedInputs:  # an answer about inputs that are no longer selected is of no use
                self.ui.findingsLabel.text = wording.findings_html(findings, order.task, _("The inputs look as they should."))

        self.logic.session.check(order, Callbacks(on_result=show, on_error=self.onFailed))
        self._expectNews()

    def onFailed(self, failure: Failure) -> None:
        """A check or an environment that could not be made; nothing was left behind, what was cancelled is asked again in its time."""
        if failure.kind != "cancelled":
            self._showFailure(failure)
        self._updateButtons()

    def startWorker(self) -> None:
        """Start the worker in the background, unless it runs."""
        self._failure = None
        session = self.logic.session
        session.start(self.ui.pythonPathLineEdit.currentPath, Callbacks(on_result=self.onWorkerReady, on_error=self.onWorkerFailed))
        if session.starting:
            self.ui.findingsLabel.text = _("Getting ready ...")
        self._showInterpreter()
        self._updateButtons()
        self._expectNews()

    def onWorkerReady(self, ready: dict) -> None:
        """The worker is there: let it warm up and look at the inputs."""
        self._showInterpreter()
        self.onCheck()
        self._warm()

    def onWorkerFailed(self, failure: Failure) -> None:
        """There is no worker; the panel says why, and what can be done."""
        if failure.kind != "cancelled":
            self._failure = failure
        self.onFailed(failure)

    def onPythonTyped(self) -> None:
        """Wait for the end of the path."""
        self._pythonTimer.start()

    def onPythonChosen(self) -> None:
        """Another interpreter was chosen."""
        self._pythonTimer.stop()
        set_python_setting(self.ui.pythonPathLineEdit.currentPath)
        self.startWorker()

    def onPoll(self) -> None:
        """Deliver what the worker said since the last time."""
        session = self.logic.session
        with slicer.util.tryWithErrorDisplay(_("The result could not be shown.")):
            session.poll()
        if not session.news_due:
            self._timer.interval = IDLE_POLL_MS

    def _expectNews(self):
        self._timer.interval = POLL_MS
        self._timer.start()

    def _warm(self, ready=None):
        if self._parameterNode is not None:
            self.logic.session.warm(task_of(self._parameterNode), self._parameterNode.device.name)

    def _showInterpreter(self):
        session = self.logic.session
        self.ui.pythonStateLabel.text = wording.interpreter_text(session.interpreter(self.ui.pythonPathLineEdit.currentPath), session.ready)

    def _showFailure(self, failure):
        self.ui.findingsLabel.text = wording.failure_html(failure, _("Make private environment"), _("Install PyTorch into Slicer"))
        self.ui.logTextEdit.appendPlainText(f"{failure.message} {failure.remedy}\n{failure.details}".strip())

    def onSegment(self) -> None:
        """Start the segmentation; the button gives way to progress and Cancel."""
        self._showProgress(0.0, _("Starting ..."))
        self.logic.session.start(self.ui.pythonPathLineEdit.currentPath, Callbacks())
        told = Callbacks(on_progress=self._showProgress, on_result=self.onSegmented, on_error=self.onSegmentFailed)
        self.logic.session.segment(order_of(self._parameterNode), told)
        self._updateButtons()
        self._expectNews()

    def onCancel(self) -> None:
        """Stop at once; the next click starts anew."""
        self.logic.session.cancel()
        self._expectNews()

    def onSegmented(self, outcome: Outcome) -> None:
        """The result is in the scene: show its volumes."""
        with slicer.util.NodeModify(self._parameterNode):
            self._parameterNode.result = outcome.segmentation
            self._parameterNode.resultTable = outcome.table
            self._parameterNode.summary = wording.summary(outcome.record, _("{seconds} s on {device}."), _("{count} objects."))
        warnings = outcome.record.get("warnings", [])
        self.ui.findingsLabel.text = wording.findings_html(warnings, task_of(self._parameterNode), _("Done."))
        self.ui.logTextEdit.appendPlainText(self._parameterNode.summary)
        self._updateButtons()
        if self._parameterNode.showSurfaces:
            show_3d(outcome.segmentation)

    def onSegmentFailed(self, failure: Failure) -> None:
        """Nothing was written; say why. A worker that is gone is started again, so that the next click finds it warm."""
        self._showFailure(failure)
        if self.logic.session.ready is None and self._entered:
            back = Callbacks(on_result=self._warm, on_error=self.onWorkerFailed)
            self.logic.session.start(self.ui.pythonPathLineEdit.currentPath, back)
        self._updateButtons()

    def _showProgress(self, fraction, message):
        self.ui.progressBar.value = round(100 * fraction)
        self.ui.progressBar.format = f"{message} %p%"

    def _showResult(self):
        segmentation, table = self._parameterNode.result, self._parameterNode.resultTable
        shown = segmentation is not None and table is not None
        self.ui.resultCollapsibleButton.visible = shown
        self.ui.show3DButton.setSegmentationNode(segmentation)
        if shown:
            self.ui.resultLabel.text = self._parameterNode.summary
            self._shownItems = fill_table(self.ui.resultTable, segmentation, table_rows(table))

    def onEdit(self) -> None:
        """Open the Segment Editor on the result and the volume that lent it its grid."""
        segmentation = self._parameterNode.result
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.util.getModuleWidget("SegmentEditor").editor
        editor.setSegmentationNode(segmentation)
        editor.setSourceVolumeNode(segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole()))

    def onLink(self, link: str) -> None:
        """One of the two cures in the findings was chosen."""
        (self.onMakeEnvironment if link == wording.MAKE_ENVIRONMENT_LINK else self.onInstall)()

    def onMakeEnvironment(self) -> None:
        """Install torch into a folder of our own, in the background; Slicer stays as it is."""
        self._showProgress(0.0, _("Making the environment ..."))
        told = Callbacks(on_progress=self._showProgress, on_result=self.onEnvironmentMade, on_error=self.onFailed)
        self.logic.session.make_environment(told)
        self._updateButtons()
        self._expectNews()

    def onEnvironmentMade(self, interpreter: str) -> None:
        """Use the new environment, whatever was chosen before."""
        self.ui.logTextEdit.appendPlainText(_("The private environment is ready."))
        self.ui.pythonPathLineEdit.currentPath = ""
        self.onPythonChosen()

    def onInstall(self) -> None:
        """Install torch into Slicer's own Python, after Slicer's own question."""
        with slicer.util.tryWithErrorDisplay(_("PyTorch could not be installed."), waitCursor=True):
            failure = slicer_python.install_torch()
        self.startWorker() if failure is None else self.onWorkerFailed(failure)


class MedSegDLLogic(ScriptedLoadableModuleLogic):
    """What scripts use: the parameter node, the session with its worker, and `segment`, which waits.

    Args:
        session: the session to use; a new one with a worker of its own where None.
    """

    def __init__(self, session=None):
        ScriptedLoadableModuleLogic.__init__(self)
        self.session = session or Session(Worker())

    def getParameterNode(self) -> MedSegDLParameterNode:
        """The scene's parameter node, wrapped."""
        return wrapped(super().getParameterNode())

    def segment(self, order: Order) -> Outcome:
        """Segment and wait for the result's nodes; the application lives on meanwhile. Raises MedSegDLError."""
        return self.session.run(order, python_setting(), slicer.app.processEvents)

    def loadPhantom(self) -> list[slicer.vtkMRMLScalarVolumeNode]:
        """Compute the brain phantom and load its four volumes."""
        return slicer_python.load_phantom(self.session.interpreter(python_setting()))


class MedSegDLTest(ScriptedLoadableModuleTest):
    """What can be tested without a worker: names lead to inputs. The full tests are in Testing/Python."""

    def setUp(self) -> None:
        """An empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run all tests of this class."""
        self.setUp()
        self.test_inputs_are_guessed_from_names()

    def test_inputs_are_guessed_from_names(self) -> None:
        """Volumes are found by their names, and what is no volume of the task is left out."""
        nodes = {key: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"case_{key}") for key in ("flair", "t1ce", "t2", "t1")}
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "case_seg")
        self.assertEqual(guess_nodes(TASKS["brain"]), nodes)
