"""Which cases of a data set are read: whom to hold out (a patient, under whatever names), what to leave out, and what nobody may use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from MedSegDLLib.errors import UsageError

from .patients import nearest, patients_of, reserved, show_any, show_only


class Named(Protocol):
    """What has a case's name."""

    @property
    def name(self) -> str: ...


Entry = TypeVar("Entry", bound=Named)


@dataclass(frozen=True)
class Selection:
    """Which cases of a data set are read.

    Attributes:
        data: its folder or list.
        holdout: names of cases; nothing of their patients is read, be it an image, a shape or a colour, under whatever name it comes.
        left_out: names of cases, these alone.
        only: names of cases; nothing but their patients is read, whatever `holdout` says. None for all. Who may be one of them or another
            patient is on neither side of a split.
    """

    data: Path
    holdout: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those that are read."""
        return [entry for entry in entries if self.reads(entry.name)]

    def reads(self, name: str) -> bool:
        """Whether a case of that name is read."""
        if reserved(name) or name in self.left_out:
            return False
        return show_only(name, self.only) if self.only is not None else not show_any(name, self.holdout)

    def without(self, names: Iterable[str]) -> Selection:
        """The same less these cases."""
        return Selection(self.data, self.holdout, (*self.left_out, *names), self.only)

    def held_out(self) -> Selection:
        """The other side of the split: nothing but what is held out here."""
        return Selection(self.data, (), self.left_out, self.holdout)

    def refuse_unknown(self, names: Iterable[str]) -> None:
        """Refuse to hold out or leave out what is not there: it would be read all the same.

        Args:
            names: of all that the data set holds, shapes included.

        Raises:
            UsageError: naming the nearest that there is.
        """
        there = set(names)
        unknown = [("--holdout", name) for name in self.holdout if not show_any(name, there)]
        unknown += [("--leave-out", name) for name in self.left_out if name not in there]
        for option, name in unknown:
            raise UsageError(f"{option} names '{name}', and there is no such case.", nearest(name, there))


def sides_meet(one: Iterable[str], other: Iterable[str]) -> set[str]:
    """Patients who are on both sides of a split."""
    first, second = (frozenset().union(*map(patients_of, names)) for names in (one, other))
    return set(first & second)
