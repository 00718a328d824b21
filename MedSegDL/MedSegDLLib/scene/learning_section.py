"""The panel's learning: a button beside the corrections that lets the network learn from the saved cases, in the background, and one that
takes it back. Desktop only. The training and the judging are `worker.learning`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from ..errors import InputRefused
from ..tasks import Task
from ..worker import learning
from ..worker.client import Background, Callbacks
from ..worker.environment import default_folder
from ..worker.learning import Learned, Lesson
from ..worker.processes import Failure
from ..worker.remote import is_address
from .correction_section import training_cases
from .guard import guarded
from .translation import is_one, sentence
from .widgets import new_timer

POLL_MS = 100  # how often the thread that learns is heard


class LearningSection:
    """Two buttons, and the progress of what the first one began.

    Args:
        layout: of the corrections.
        session: its worker must let go of weights that are exchanged.
        panel: reports failures, knows the chosen Python, and starts the worker again.
    """

    def __init__(self, layout: Any, session: Any, panel: Any) -> None:
        self.session, self.panel, self.report = session, panel, panel.report
        self.task: Task | None = None
        self._learning: tuple[Lesson, Background] | None = None
        self._waiting: tuple[Lesson, Learned] | None = None  # for the end of a run, whose weights these are
        self.timer = new_timer(self.poll, POLL_MS)
        self._make_widgets(layout)

    def _make_widgets(self, layout: Any) -> None:
        self.learnButton, self.backButton = qt.QPushButton(_("Learn from my corrections")), qt.QPushButton(_("Use the earlier network"))
        self.learnButton.toolTip = _(
            "Train the network on the saved cases, and judge it on some that are kept back. It is used only if it is better."
        )
        self.backButton.toolTip = _("Take the learned network away: the one from before is used again.")
        self.running = qt.QWidget()
        row = qt.QHBoxLayout(self.running)
        row.setContentsMargins(0, 0, 0, 0)
        self.bar, self.cancelButton = qt.QProgressBar(), qt.QPushButton(_("Cancel"))
        self.cancelButton.toolTip = _("Stop learning. The network in use stays.")
        row.addWidget(self.bar)
        row.addWidget(self.cancelButton)
        self.label = qt.QLabel()
        self.label.wordWrap = True
        for widget in (self.learnButton, self.backButton, self.running, self.label):
            layout.addWidget(widget)
        self.learnButton.connect("clicked(bool)", self.learn)
        self.backButton.connect("clicked(bool)", self.take_back)
        self.cancelButton.connect("clicked(bool)", self.cancel)
        self._show_state()

    @property
    def busy(self) -> bool:
        """Whether a network is learning, or waits to be used."""
        return self._learning is not None or self._waiting is not None

    def show(self, task: Task | None) -> None:
        """Offer the learning for the task of the shown result; None for none."""
        if task is not self.task:
            self.task = task
            if not self.busy:
                self._say("")
        self._show_state()

    def close(self) -> None:
        """For good."""
        self.timer.stop()
        if self._learning is not None:
            self._learning[1].end()
        self._learning = self._waiting = None

    @guarded
    def learn(self) -> None:
        """Begin."""
        setting, lesson = self.panel.python.setting, lesson_of(self.task)
        if is_address(setting):
            raise InputRefused("The network of a server cannot learn here.", "Choose a Python instead of the server (Advanced).")
        learning.shared_out(learning.case_names(lesson.cases))
        run = learning.child_run(self.session.interpreter(setting))
        told = Callbacks(self.show_progress, self.learned, self.failed)
        self._learning = (lesson, Background(lambda progress: learning.learn(lesson, run, progress), told))
        self.show_progress(0.0, _("Starting ..."))
        self._say("")
        self._show_state()
        self.timer.start()

    @guarded
    def cancel(self) -> None:
        """Stop; what is in use stays."""
        if self._learning is not None:
            self._learning[1].cancel()
        elif self._waiting is not None:
            self._waiting = None
            self._show_state()

    @guarded
    def poll(self) -> None:
        """Hear what the thread says, and exchange the weights once no run rests on them."""
        if self._learning is not None:
            self._learning[1].poll()
        if self._waiting is not None and not self.session.running:
            (lesson, learned), self._waiting = self._waiting, None
            self._exchange(lambda: learning.put_in_use(lesson, learned))
        if not self.busy:
            self.timer.stop()

    @guarded
    def take_back(self) -> None:
        """Use the network from before."""
        if self.session.running:
            raise InputRefused("A segmentation is running.", "Wait for it, or cancel it.")
        lesson = lesson_of(self.task)
        self._exchange(lambda: learning.take_back(lesson))
        self._say(_("The network from before is used again."))

    @guarded
    def show_progress(self, fraction: float, message: str) -> None:
        """How far it is, and with what."""
        self.bar.value = round(100 * fraction)
        self.bar.format = f"{sentence(message)} %p%"

    @guarded
    def learned(self, learned: Learned) -> None:
        """The new network was judged: say by what, and use it if it is better."""
        lesson = self._learning[0]
        self._learning = None
        self._say(learned_text(learned))
        if learned.is_better:
            self._waiting = (lesson, learned)
        self._show_state()

    @guarded
    def failed(self, failure: Failure) -> None:
        """Nothing was learned, and nothing changed."""
        self._learning = None
        self._show_state()
        if failure.kind == "cancelled":
            self._say(_("Learning was cancelled. The network in use stays."))
        else:
            self._say(" ".join(sentence(part) for part in (failure.message, failure.remedy) if part))
            self.report(failure)

    def _exchange(self, change: Any) -> None:
        """Let the worker go, which may hold the weights, exchange them, and start it again."""
        try:
            self.session.without_worker(change)
        finally:
            self.panel.networks.show()
            self.panel.restart()
            self._show_state()

    def _show_state(self) -> None:
        self.running.visible = self.busy
        self.learnButton.enabled = not self.busy
        in_use = self.task is not None and not self.task.pictures and learning.is_in_use(lesson_of(self.task))
        self.backButton.visible = in_use and not self.busy

    def _say(self, text: str) -> None:
        self.label.text, self.label.visible = text, bool(text)


def lesson_of(task: Task) -> Lesson:
    """What there is to learn of a task: the cases that were saved, and a folder beside them."""
    from ..correction.training_case import LIST_FILE  # imported with the first result (`warming`)

    folder: Path = default_folder().parent / "learning" / task.key
    return Lesson(task.key, training_cases(task) / LIST_FILE, folder)


def learned_text(learned: Learned) -> str:
    """By what the new network was judged, and what became of it."""
    judged = _("Dice on {kept} cases kept back: {before} before, {after} after learning from {trained}.")
    if is_one(len(learned.kept)):
        judged = _("Dice on one case kept back: {before} before, {after} after learning from {trained}.")
    better = _("The new network is used; one click takes it back.")
    worse = _("That is not better: the network in use stays.")
    figures = {"before": f"{learned.before:.3f}", "after": f"{learned.after:.3f}"}
    told = judged.format(kept=len(learned.kept), trained=len(learned.trained), **figures)
    return f"{told} {better if learned.is_better else worse}"
