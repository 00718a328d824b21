"""What can be measured: one name, one function, one process each."""

from __future__ import annotations

import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A measurement.

    Attributes:
        module, function: where it is; called with `quick`, returns what JSON can hold.
        limit_s: it is ended after so long.
        in_quick: whether `--quick` does it too.
    """

    module: str
    function: str
    limit_s: float
    in_quick: bool = True

    def run(self, quick: bool) -> dict:
        """Measure here and now."""
        return getattr(importlib.import_module(f"bench.{self.module}"), self.function)(quick)


PIECES = {
    "phases-brain": Piece("phases", "brain", 120),
    "phases-head": Piece("phases", "head", 240),
    "from-the-scanner": Piece("from_the_scanner", "measure", 3600, in_quick=False),
    "phases-liver": Piece("phases", "liver", 240),
    "worker": Piece("first_case", "measure", 300),
    "n4-simpleitk": Piece("n4", "against_simpleitk", 600),
    "n4-ants": Piece("n4", "against_ants", 120),
    "monai": Piece("peers", "monai_segresnet", 240),
    "nnunet": Piece("peers", "nnunet", 600),
    "equal-grid": Piece("peers", "equal_grid", 600),
    "n4-threads": Piece("n4_threads", "measure", 120),
    "compiled": Piece("compiled", "measure", 240, in_quick=False),
    "disk": Piece("disk", "measure", 120),
    "memory": Piece("memory", "measure", 300),
    "scaling-brain": Piece("scaling", "brain", 240),
    "scaling-liver": Piece("scaling", "liver", 400),
    "training-step": Piece("training_step", "measure", 1500),
    "imported": Piece("imported", "measure", 3600),
    "cohort": Piece("many", "cohort", 1200, in_quick=False),
    "cohort-small": Piece("many", "small_cohort", 1200, in_quick=False),
    "cohort-driver": Piece("many", "driver", 300, in_quick=False),
    "cohort-nnunet": Piece("many", "folder", 900, in_quick=False),
    "desks": Piece("desks", "measure", 1200, in_quick=False),
    "desks-memory": Piece("desks", "rounds", 1200, in_quick=False),
    "bias-truth": Piece("bias_truth", "measure", 600, in_quick=False),
}
