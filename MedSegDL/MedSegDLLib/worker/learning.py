"""A network that goes on learning from a user's corrections: trained in a child, judged on cases kept back, used only if it is better.

The work is `medsegdl-train finetune`, `export` and `evaluate`, where the Python of the worker has them; they are never put there.
Blocks: call it in the background (`client.Background`). Standard library only.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputRefused, MedSegDLError
from ..progress import Progress, quiet
from ..tasks import WEIGHTS_SUFFIX, manifest_path, own_weights_folder, remove_pair
from .environment import LIBRARY_FOLDER, Interpreter, child_environment
from .processes import Launch, run_with_lines

PACKAGE = "medsegdl_training"
INSTALL = "pip install medsegdl-training"  # as its pyproject.toml calls it
LEAST_CASES = 3  # two to learn from and one to be judged on
ONE_KEPT_OF = 4  # cases
LEAST_GAIN = 0.001  # of Dice; less is rounding of the weights
STEPS = 200  # as `medsegdl-train finetune` has it by default
LOG = "log.jsonl"  # of a run: a line a step
RUN, NEW, EARLIER, NOTE = "run", "new", "earlier", "learned.json"
TRAINED, EXPORTED, HALF_JUDGED = 0.7, 0.72, 0.86  # shares of the whole
DICE = "Dice "  # how the measures that judge begin, as `medsegdl-train evaluate` calls them
KEPT_LINES = 20  # of what a child said, for the message of its failure
Run = Callable[[Sequence[str], Callable[[str], None]], int]


@dataclass(frozen=True)
class Lesson:
    """What to learn.

    Attributes:
        task: key of the task.
        cases: list of the corrected cases (cases.csv).
        folder: for the run, and for the earlier weights while the new ones are in use; made where there is none.
        steps: of training.
    """

    task: str
    cases: Path
    folder: Path
    steps: int = STEPS


@dataclass(frozen=True)
class Learned:
    """What came of it.

    Attributes:
        trained, kept: names of the cases that were learned from, and of those that judged.
        before, after: mean Dice over the task's regions and the kept cases.
        new: the new weights, not in use yet.
    """

    trained: tuple[str, ...]
    kept: tuple[str, ...]
    before: float
    after: float
    new: Path

    @property
    def is_better(self) -> bool:
        """Whether the new weights are worth using."""
        return self.after >= self.before + LEAST_GAIN


def case_names(cases: Path) -> list[str]:
    """The corrected cases of a list; none where there is no list."""
    if not cases.is_file():
        return []
    with cases.open(encoding="utf-8", newline="") as stream:
        return sorted(row["name"] for row in csv.DictReader(stream))


def shared_out(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(to learn from, kept back): one of `ONE_KEPT_OF` is kept, always the same for the same names.

    Raises:
        InputRefused: there are too few.
    """
    if len(names) < LEAST_CASES:
        says = f"There are {len(names)} corrected cases, and {LEAST_CASES} are needed: two to learn from, and one to be judged on."
        if len(names) == 1:
            says = f"There is one corrected case, and {LEAST_CASES} are needed: two to learn from, and one to be judged on."
        raise InputRefused(says, "Correct further results, and save each as a training case.")
    kept = tuple(names[::ONE_KEPT_OF])
    return tuple(name for name in names if name not in kept), kept


def child_run(interpreter: Interpreter) -> Run:
    """A function that runs `medsegdl-train` in a Python of its own: arguments and listener in, exit code out."""

    def run(arguments: Sequence[str], listen: Callable[[str], None]) -> int:
        line = (str(interpreter.python), "-m", PACKAGE, *arguments)
        try:
            return run_with_lines(Launch(line, child_environment(interpreter), LIBRARY_FOLDER), listen)
        except OSError as error:
            says = f"The Python {interpreter.python} cannot be started: {error.strerror or error}."
            raise InputRefused(says, "Choose another Python in the settings.") from error

    return run


def learn(lesson: Lesson, run: Run, progress: Progress = quiet) -> Learned:
    """Train on the corrected cases from the weights in use, and judge both by those kept back. Nothing that is in use is touched.

    Args:
        lesson: what to learn.
        run: see `child_run`.
        progress: called with (fraction, message) at least five times a second; may raise `Cancelled`.

    Raises:
        InputRefused: too few cases, or the training package is not there.
        MedSegDLError: a step failed.
        Cancelled: `progress` raised it.
    """
    trained, kept = shared_out(case_names(lesson.cases))
    folder, new = lesson.folder / RUN, lesson.folder / NEW / f"{lesson.task}{WEIGHTS_SUFFIX}"
    for place in (folder, new.parent):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    _must_be_installed(run, progress)
    data = ("--task", lesson.task, "--data", str(lesson.cases))

    def steps_taken(line: str) -> None:
        progress(TRAINED * min(_lines(folder / LOG) / lesson.steps, 1.0), "Learning from the corrections")

    _do(run, ("finetune", *data, "--out", str(folder), "--steps", str(lesson.steps), "--holdout", *kept), steps_taken)
    _do(run, ("export", "--run", str(folder), "--out", str(new)), lambda line: progress(TRAINED, "Writing the weights"))
    scores = []
    for name, begun, weights in (("before", EXPORTED, ()), ("after", HALF_JUDGED, ("--weights", str(new)))):
        told = lesson.folder / RUN / f"{name}.json"
        line = ("evaluate", *data, "--cases", *kept, *weights, "--json", str(told))
        _do(run, line, lambda line, begun=begun: progress(begun, "Judging on the cases kept back"))
        scores.append(_mean_dice(told))
    return Learned(trained, kept, *scores, new)


def _must_be_installed(run: Run, progress: Progress) -> None:
    said: list[str] = []

    def listen(line: str) -> None:
        progress(0.0, "Looking for the training package")
        said.append(line)

    if run(("--help",), listen) != 0:
        text = " ".join(said)
        if PACKAGE in text and "No module named" in text:
            raise InputRefused("The training package is not installed in the worker's Python.", f"Install it there: {INSTALL}.")
        raise MedSegDLError("The training package cannot be started.", said[-1] if said else "")


def _do(run: Run, arguments: Sequence[str], listen: Callable[[str], None]) -> None:
    """One command of the training package, to its end."""
    said: list[str] = []

    def hear(line: str) -> None:
        if line.strip():
            said.append(line.strip())
            del said[:-KEPT_LINES]
        listen(line)

    code = run(arguments, hear)
    if code != 0:
        last = said[-1].removeprefix("medsegdl-train: ") if said else f"exit code {code}"
        raise MedSegDLError(f"Learning stopped: {last}", "The network in use is as it was.")


def _lines(path: Path) -> int:
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0


def _mean_dice(path: Path) -> float:
    """The mean over regions of what `evaluate` measured."""
    mean = json.loads(path.read_text(encoding="utf-8"))["mean"]
    values = [float(value) for name, value in mean.items() if name.startswith(DICE)]
    if not values:
        raise MedSegDLError("The kept cases could not be judged.", "Save cases with a segmentation that is not empty.")
    return sum(values) / len(values)


def put_in_use(lesson: Lesson, learned: Learned) -> Path:
    """Let the new weights be found before all others; what the user had of the task before is kept for `take_back`.

    Nobody may hold the weights open meanwhile.

    Raises:
        InputRefused: the file system says no.
        UsageError: $MEDSEGDL_WEIGHTS names a file.
    """
    place = own_weights_folder() / f"{lesson.task}{WEIGHTS_SUFFIX}"
    kept = lesson.folder / EARLIER / place.name
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not is_in_use(lesson):  # of two lessons in a row one click takes back both: what was there before the first
            shutil.rmtree(kept.parent, ignore_errors=True)
            kept.parent.mkdir(parents=True)
            _copy(place, kept)
        remove_pair(place)
        _copy(learned.new, place)
        told = {"before": learned.before, "after": learned.after, "trained": len(learned.trained), "kept": len(learned.kept)}
        told |= {"place": str(place), "sha256": _hash(place)}
        (lesson.folder / NOTE).write_text(json.dumps(told), encoding="utf-8")
    except OSError as error:
        says = f"The new weights could not be put into {place.parent}: {(error.strerror or str(error)).lower()}."
        raise InputRefused(says, "Make room there, and learn again.") from error
    return place


def is_in_use(lesson: Lesson) -> bool:
    """Whether weights that were learned here are in use."""
    note = told_of(lesson)
    return bool(note) and _hash(Path(note["place"])) == note["sha256"]


def told_of(lesson: Lesson) -> dict:
    """What was noted of the weights in use; empty where there are none of ours."""
    try:
        return json.loads((lesson.folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def take_back(lesson: Lesson) -> None:
    """Let the weights from before be used again. Nobody may hold those in use open meanwhile.

    Raises:
        InputRefused: the file system says no.
    """
    if not is_in_use(lesson):
        raise InputRefused("The learned weights are no longer in use: others have taken their place.", "Choose weights in Networks.")
    place = Path(told_of(lesson)["place"])
    kept = lesson.folder / EARLIER / place.name
    remove_pair(place)
    try:
        _copy(kept, place)
        (lesson.folder / NOTE).unlink()
    except OSError as error:
        says = f"The earlier weights could not be put back into {place.parent}: {(error.strerror or str(error)).lower()}."
        raise InputRefused(says, f"They lie in {kept.parent}.") from error


def _hash(place: Path) -> str:
    """What the manifest of weights says of them; "" without one."""
    try:
        return str(json.loads(manifest_path(place).read_text(encoding="utf-8")).get("sha256", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _copy(source: Path, target: Path) -> None:
    """Weights, then their manifest, without which they are nothing to anybody; nothing where there are none."""
    for start, end in ((source, target), (manifest_path(source), manifest_path(target))):
        if start.is_file():
            shutil.copyfile(start, end)
