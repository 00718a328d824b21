"""Pictures without labels, for the mean teacher and for pre-training. Crops and normalisation are as for labelled ones."""

from __future__ import annotations

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import Plan

from ..cases.case import Case
from ..cases.dsb2018 import pictures_in
from ..cases.fingerprint import fingerprint
from ..cases.pictures import read_picture
from ..cases.selection import Selection
from .nuclei_sampler import NucleiSampler
from .sampler import Sampler, WithoutLabels


def make_unlabelled(selection: Selection, plan: Plan, patch: tuple[int, ...], seed: int) -> Sampler:
    """All selected pictures of `images/` in the folder, or of the folder itself; see `MakeSampler`.

    Raises:
        InputRefused: there are none.
    """
    folder = selection.data / "images" if (selection.data / "images").is_dir() else selection.data
    cases = selection.of(Case(path.stem, {"image": path}, None) for path in (pictures_in(folder) if folder.is_dir() else ()))
    if not cases:
        raise InputRefused(f"There are no pictures in {folder}.", "Give a folder of pictures, or one that holds images/.")
    pictures = [read_picture(case) for case in cases]
    return WithoutLabels(NucleiSampler(pictures, plan, patch, fingerprint([case.inputs["image"] for case in cases])))
