"""The module: title, panel and logic. It declares; the work is in MedSegDLLib (scene/panel.py, scene/session.py and what they call).

Slicer imports this file at its start, for every user: MedSegDLLib, and numpy with it, comes when the panel opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

if TYPE_CHECKING:
    from MedSegDLLib.scene.panel import Panel
    from MedSegDLLib.scene.parameters import MedSegDLParameterNode
    from MedSegDLLib.scene.placing import Order, Outcome
    from MedSegDLLib.scene.session import Session


class MedSegDL(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        speak(slicer.app.applicationLocaleName)
        self.parent.title = _("MedSegDL")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        self.parent.dependencies = []
        self.parent.contributors = ["MedSegDL developers"]
        self.parent.helpText = _(
            "Segments brain tumours in MR, the liver and its tumours in CT, and cell nuclei in microscopy pictures with inception U-Nets. "
            "Research use only - not a medical device."
        )
        self.parent.acknowledgementText = _("The networks follow the published work of N. S. Punn and S. Agarwal on inception U-Nets.")
        slicer.app.connect("startupCompleted()", offer_sample_data)


def speak(locale: str) -> None:
    """Speak the application's language. Nothing is imported for English."""
    if not locale.startswith("en"):
        from MedSegDLLib.scene.translation import install

        install(locale)


def offer_sample_data() -> None:
    """Offer the brain phantom in the Sample Data module, once all modules are there."""
    from MedSegDLLib.scene.slicer_python import offer_phantom

    offer_phantom(lambda source: MedSegDLLogic().loadPhantom())


class MedSegDLWidget(ScriptedLoadableModuleWidget):
    """What Slicer calls; the panel does it."""

    def __init__(self, parent: Any = None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.logic: MedSegDLLogic | None = None
        self.panel: Panel | None = None

    def setup(self) -> None:
        """Build the panel; called once, when it is opened for the first time."""
        from MedSegDLLib.scene.panel import Panel

        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/MedSegDL.ui"))
        self.layout.addWidget(widget)
        self.logic = MedSegDLLogic()
        self.panel = Panel(widget, self.logic)
        self.ui = self.panel.ui
        if self.parent.isEntered:  # reloaded while shown: Slicer does not call enter again
            self.enter()

    @property
    def _parameterNode(self) -> MedSegDLParameterNode | None:
        """The scene's parameter node, under the name that Slicer's module template gives it."""
        return self.panel.parameters

    def enter(self) -> None:
        """The panel is shown."""
        self.panel.enter()

    def exit(self) -> None:
        """Another module is shown."""
        self.panel.exit()

    def cleanup(self) -> None:
        """The application closes or the module is reloaded."""
        if self.panel is not None:
            self.panel.close()


class MedSegDLLogic(ScriptedLoadableModuleLogic):
    """What scripts use: the parameter node, the session with its worker, and `segment`, which waits.

    Args:
        session: the session to use; a new one with a worker of its own where None.
    """

    def __init__(self, session: Session | None = None):
        from MedSegDLLib.scene.session import new_session

        ScriptedLoadableModuleLogic.__init__(self)
        self.session = session or new_session()

    def getParameterNode(self) -> MedSegDLParameterNode:
        """The scene's parameter node, wrapped."""
        from MedSegDLLib.scene.parameters import wrapped

        return wrapped(super().getParameterNode())

    def segment(self, order: Order) -> Outcome:
        """Segment and wait for the result's nodes; the application lives on meanwhile. Raises MedSegDLError."""
        from MedSegDLLib.scene.widgets import python_setting

        return self.session.run(order, python_setting(), slicer.app.processEvents)

    def loadPhantom(self) -> list[slicer.vtkMRMLScalarVolumeNode]:
        """Compute the brain phantom and load its four volumes."""
        from MedSegDLLib.scene.slicer_python import load_phantom
        from MedSegDLLib.scene.widgets import python_setting

        return load_phantom(self.session.interpreter(python_setting()))


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
        from MedSegDLLib.scene.session import guess_nodes
        from MedSegDLLib.tasks import TASKS

        nodes = {key: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"case_{key}") for key in ("flair", "t1ce", "t2", "t1")}
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "case_seg")
        self.assertEqual(guess_nodes(TASKS["brain"]), nodes)
