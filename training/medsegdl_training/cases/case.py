"""One case of a data set, as files. Nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One case of a data set, as files.

    Attributes:
        name: without anything that tells whose it is.
        inputs: input key of the task -> file.
        reference: label map, or None where the case has none.
        window: lowest and highest HU that the file was clipped to, where its data set says so; None for a whole CT.
        spacing_invented: the header's spacing was made up: drawn in training, and nothing in mm may be told.
    """

    name: str
    inputs: dict[str, Path]
    reference: Path | None
    window: tuple[float, float] | None = None
    spacing_invented: bool = False
