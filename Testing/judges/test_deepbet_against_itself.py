"""deepbet's networks as ours against deepbet 1.0.2 itself, where it is installed: a made-up head, stored in two ways."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.read import read_image
from MedSegDLLib.network.weights import find_weights, load_weights
from MedSegDLLib.preprocess.brain_mask import brain_mask
from MedSegDLLib.tasks import BRAIN_MASK

from ..core.skulls import head

EQUAL = 0.999


def theirs(image: Image, folder: Path) -> np.ndarray:
    """deepbet's mask, (K, J, I)."""
    deepbet = pytest.importorskip("deepbet", reason="deepbet 1.0.2 is not installed")
    path, out = folder / "head.nii.gz", folder / "mask.nii.gz"
    nibabel.save(nibabel.Nifti1Image(image.array.transpose(2, 1, 0), image.affine), path)
    deepbet.run_bet([str(path)], mask_paths=[str(out)], no_gpu=True)
    return read_image(out).array > 0


def test_masks_are_those_of_deepbet(tmp_path: Path) -> None:
    weights = load_weights(find_weights(BRAIN_MASK), BRAIN_MASK)
    flip = np.diag([1.0, -1.0, 1.0, 1.0])
    flip[1, 3] = head().array.shape[1] - 1
    stored = Image(np.ascontiguousarray(head().array[:, ::-1]), head().affine @ flip)
    for name, image in (("straight", head()), ("backwards", stored)):
        folder = tmp_path / name
        folder.mkdir()
        found = brain_mask({"t1": image}, image.grid, weights, torch.device("cpu")) > 0
        wanted = theirs(image, folder)
        assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) >= EQUAL
