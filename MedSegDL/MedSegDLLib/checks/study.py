"""Which series of an examination is which input of a task: by the modality guess, tags before names, each with its reason.

What is no input is left aside with a reason too. Data in, data out; files are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import InputRefused, UsageError
from ..tasks import Task
from .modality_guess import Candidate, foreign, guesses, words_of

NAMED = 4  # rivals in a sentence at most
BY_HAND = "chosen by hand"


@dataclass(frozen=True)
class Listed:
    """A series to choose from.

    Attributes:
        number: by which it can be chosen.
        tags: DICOM tags by keyword, as `Candidate` takes them.
        slices: images in it.
        aside: why it can be no input, '' where it can.
        remedy: what to do about it where it is one that cannot be read.
    """

    number: str
    tags: Mapping[str, str]
    slices: int
    aside: str = ""
    remedy: str = ""

    @property
    def title(self) -> str:
        """For messages: number and description."""
        return f"series {self.number} {self.tags.get('SeriesDescription', 'untitled')!r}"


@dataclass(frozen=True)
class Matched:
    """What was chosen.

    Attributes:
        taken: input key -> (index of the series, reason).
        aside: index of every other series -> reason.
    """

    taken: Mapping[str, tuple[int, str]]
    aside: Mapping[int, str]


def match(listed: Sequence[Listed], task: Task, chosen: Mapping[str, str] | None = None) -> Matched:
    """Match series to inputs.

    Of series that say the same, the one with more slices counts. Inputs for which nothing speaks are left out.

    Args:
        listed: all series of the examination.
        task: whose inputs are looked for.
        chosen: input key -> number of the series that the user wants for it; an empty one leaves the input out.

    Raises:
        UsageError: a number that is not there.
        InputRefused: two series are equally good for an input, the only one for it cannot be read, or none is for any.
    """
    chosen = chosen or {}
    taken = {key: (_numbered(listed, key, number), BY_HAND) for key, number in chosen.items() if number}
    free = [index for index, series in enumerate(listed) if not series.aside and index not in {there for there, _ in taken.values()}]
    aside = {index: series.aside for index, series in enumerate(listed) if series.aside}
    candidates = {index: Candidate("", dict(listed[index].tags)) for index in free}
    best = _best_of_equals(listed, candidates)
    open_inputs = [entry.key for entry in task.inputs if entry.key not in chosen]
    found = guesses([candidates[index] for index in best], task)
    taken |= {key: (best[guess.index], guess.reason) for key, guess in found.items() if key in open_inputs}
    rivals = {index: candidates[index] for index in best if index not in {there for there, _ in taken.values()}}
    _refuse_undecided(listed, rivals, task, [key for key in open_inputs if key not in taken])
    _refuse_unreadable(listed, task, [key for key in open_inputs if key not in taken])
    if not taken:
        raise InputRefused(_nothing(listed, task), "Choose by hand: --series KEY=NUMBER.")
    used = {index for index, _ in taken.values()}
    aside |= {index: _reason(index, candidates, best) for index in free if index not in used}
    taken = {entry.key: taken[entry.key] for entry in task.inputs if entry.key in taken}
    return Matched(taken, {index: reason for index, reason in sorted(aside.items()) if index not in used})


def _numbered(listed: Sequence[Listed], key: str, number: str) -> int:
    numbers = [series.number for series in listed]
    if number in numbers:
        return numbers.index(number)
    raise UsageError(f"There is no series of number {number} for {key}.", f"The examination holds {', '.join(numbers)}.")


def _best_of_equals(listed: Sequence[Listed], candidates: Mapping[int, Candidate]) -> list[int]:
    """One index for series whose headers say the same, where one of them has most slices."""
    groups: dict[frozenset[str], list[int]] = {}
    for index, candidate in candidates.items():
        groups.setdefault(frozenset(word.word for word in words_of(candidate)), []).append(index)
    best: list[int] = []
    for group in groups.values():
        most = max(listed[index].slices for index in group)
        best += [index for index in group if listed[index].slices == most]
    return sorted(best)


def _refuse_undecided(listed: Sequence[Listed], candidates: Mapping[int, Candidate], task: Task, keys: Sequence[str]) -> None:
    """Raise InputRefused for an input that each of several series would be a sure guess for, if it were alone."""
    for entry in (entry for entry in task.inputs if entry.key in keys):
        rivals = [index for index, candidate in candidates.items() if entry.key in guesses([candidate], task)]
        if len(rivals) > 1:
            names = " or ".join(listed[index].title for index in rivals[:NAMED])
            remedy = f"Choose with --series {entry.key}={listed[rivals[0]].number}, or leave it out with --series {entry.key}=."
            raise InputRefused(f"{entry.title} may be {names}: their headers say the same.", remedy)


def _refuse_unreadable(listed: Sequence[Listed], task: Task, keys: Sequence[str]) -> None:
    """Raise InputRefused for an input whose only series cannot be read: it is not left out in silence."""
    for entry in (entry for entry in task.inputs if entry.key in keys):
        for series in (series for series in listed if series.remedy):
            if entry.key in guesses([Candidate("", dict(series.tags))], task):
                remedy = f"{series.remedy} Or leave {entry.title} out with --series {entry.key}=."
                raise InputRefused(f"{entry.title} would be {series.title}, but it {series.aside}.", remedy)


def _nothing(listed: Sequence[Listed], task: Task) -> str:
    titles = ", ".join(series.title for series in listed[:NAMED])
    more = f" and {len(listed) - NAMED} more" if len(listed) > NAMED else ""
    return f"No series looks like an input of {task.title}: {titles}{more}."


def _reason(index: int, candidates: Mapping[int, Candidate], best: Sequence[int]) -> str:
    if index not in best:
        return "says the same as another with more slices"
    return foreign(candidates[index]) or "none of the inputs by its header"
