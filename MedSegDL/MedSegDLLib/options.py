"""How to segment: the options of one run, as data. JSON types and paths only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

MODES = ("auto", "fast", "accurate")
MASK_KEY = "brain_mask"  # among the images of a run: the user's own brain mask, on any grid
AUTO, ON, OFF = SWITCH = ("auto", "on", "off")  # what the check finds decides; always; never
SMALLEST_PIXEL_UM, LARGEST_PIXEL_UM = 0.01, 4.0  # of light microscopes: far beyond their resolution, and two pixels a nucleus


@dataclass(frozen=True)
class Options:
    """How to segment.

    Attributes:
        device: auto, cpu, cuda, cuda:n or mps.
        weights: a safetensors file; None takes the shipped one.
        bias_correction: N4 before the network, where the task has it.
        registration: `auto`, `on` or `off`: whether MR inputs are moved onto the reference, where they do not lie on it.
        brain_extraction: `auto`, `on` or `off`: whether the brain is extracted first, where the network expects it and the skull is there.
        mode: `accurate` averages over mirrored images (several times the time), `fast` does not; `auto` does as the network's origin
            does: ours do not, imported ones do where their training allows it.
        uncertainty: also give the entropy image.
        keep_bias_field: also give the log field of every modality.
        strategies_left_out: how many of the network's strategies are not tried, the quickest first: the same answer in less memory.
        pixel_size_um: side of a picture's pixel in micrometres, in place of what its file states.
        keep_names: the record also names the inputs' files; their names are often patients'.
    """

    device: str = "auto"
    weights: Path | None = None
    bias_correction: bool = True
    registration: str = AUTO
    brain_extraction: str = AUTO
    mode: str = "auto"
    uncertainty: bool = False
    keep_bias_field: bool = False
    strategies_left_out: int = 0
    keep_names: bool = False
    pixel_size_um: float | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"The mode '{self.mode}' is unknown.", f"Use {', '.join(MODES)}.")
        for name in ("registration", "brain_extraction"):
            if getattr(self, name) not in SWITCH:
                raise UsageError(f"'{getattr(self, name)}' is no choice of {name.replace('_', ' ')}.", f"Use {', '.join(SWITCH)}.")
        if self.pixel_size_um is not None and not SMALLEST_PIXEL_UM <= self.pixel_size_um <= LARGEST_PIXEL_UM:
            says = f"A pixel of {self.pixel_size_um:g} micrometres is none of a microscope's picture in which nuclei can be seen."
            raise UsageError(says, f"Give the side of a pixel in micrometres, from {SMALLEST_PIXEL_UM:g} to {LARGEST_PIXEL_UM:g}.")
