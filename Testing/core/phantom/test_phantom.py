"""The phantom behaves like a patient's four scans: nested truth, contrasts in the right order, a bias that divides out."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.phantom.head import MODALITIES, Tissue, head_phantom
from MedSegDLLib.preprocess.foreground import FOREGROUND
from MedSegDLLib.tasks import BRAIN

SMALL = (40, 48, 40)
SPACING_MM = 4.0


@lru_cache
def head(seed: int):
    return head_phantom(seed, SMALL, SPACING_MM)


@pytest.fixture(scope="module")
def phantom():
    return head(0)


def median(phantom, modality: str, tissue: Tissue) -> float:
    """Of the bias-free image over one tissue."""
    image = phantom.images[modality].array / np.exp(phantom.log_bias[modality])
    return float(np.median(image[phantom.tissue == tissue]))


def test_it_fits_the_brain_task(phantom):
    assert set(phantom.images) == {item.key for item in BRAIN.inputs} == set(MODALITIES)
    assert set(phantom.truth) == {region.key for region in BRAIN.regions}
    for image in phantom.images.values():
        assert image.array.shape == SMALL and image.array.dtype == np.int16
        assert image.grid.same_as(phantom.grid)
    np.testing.assert_allclose(phantom.grid.spacing_mm, SPACING_MM)
    np.testing.assert_allclose(phantom.grid.corners().mean(axis=0), 0, atol=1e-9)


def test_same_seed_same_head_other_seed_other_head(phantom):
    again, other = head_phantom(0, SMALL, SPACING_MM), head(1)
    for key in MODALITIES:
        np.testing.assert_array_equal(again.images[key].array, phantom.images[key].array)
        assert (other.images[key].array != phantom.images[key].array).any()
    np.testing.assert_array_equal(again.tissue, phantom.tissue)
    assert (other.truth["WT"] != phantom.truth["WT"]).any()


@pytest.mark.parametrize("seed", range(3))
def test_truth_is_nested_and_follows_the_tissue(seed):
    phantom = head(seed)
    whole, core, enhancing = (phantom.truth[key].astype(bool) for key in ("WT", "TC", "ET"))
    assert (whole >= core).all() and (core >= enhancing).all()
    np.testing.assert_array_equal(enhancing, phantom.tissue == Tissue.ENHANCING)
    np.testing.assert_array_equal(core & ~enhancing, phantom.tissue == Tissue.NECROSIS)
    np.testing.assert_array_equal(whole & ~core, phantom.tissue == Tissue.OEDEMA)


@pytest.mark.parametrize("seed", range(3))
def test_sizes_are_those_of_people_with_gliomas(seed):
    phantom = head(seed)
    ml = phantom.grid.voxel_volume_mm3 / 1000
    assert 1100 < (phantom.tissue > 0).sum() * ml < 1900
    assert 20 < phantom.truth["WT"].sum(dtype=int) * ml < 180
    assert 5 < phantom.truth["TC"].sum(dtype=int) * ml < 60
    assert 2 < phantom.truth["ET"].sum(dtype=int) * ml < 40
    grey, white = ((phantom.tissue == tissue).sum() for tissue in (Tissue.GREY, Tissue.WHITE))
    assert 0.8 < grey / white < 2.2


def test_the_skull_is_gone_and_only_the_skull(phantom):
    for image in phantom.images.values():
        np.testing.assert_array_equal(image.array > 0, phantom.tissue > 0)
    edge = np.ones(SMALL, bool)
    edge[1:-1, 1:-1, 1:-1] = False
    edge[0] = False  # the brain stem leaves through the floor
    assert not (phantom.tissue[edge] > 0).any()
    foreground = FOREGROUND[BRAIN.plan.scale]({key: image.array for key, image in phantom.images.items()})
    assert np.asarray(foreground, bool)[phantom.tissue > 0].mean() > 0.9


def test_contrasts_are_in_the_order_of_real_scans(phantom):
    t1, t1ce, t2, flair = ({tissue: median(phantom, key, tissue) for tissue in Tissue if tissue} for key in MODALITIES)
    assert t1[Tissue.WHITE] > t1[Tissue.GREY] > t1[Tissue.FLUID]
    assert t1ce[Tissue.ENHANCING] > 1.2 * t1ce[Tissue.WHITE]
    assert t1[Tissue.ENHANCING] < t1[Tissue.WHITE]
    assert t2[Tissue.FLUID] > t2[Tissue.OEDEMA] > t2[Tissue.GREY] > t2[Tissue.WHITE]
    assert flair[Tissue.OEDEMA] > 1.2 * flair[Tissue.GREY] > flair[Tissue.FLUID] * 1.2
    assert t1ce[Tissue.NECROSIS] < t1ce[Tissue.WHITE]


def test_the_bias_divides_out_and_differs_by_modality(phantom):
    white = phantom.tissue == Tissue.WHITE
    for key in MODALITIES:
        raw = phantom.images[key].array[white].astype(float)
        clean = raw / np.exp(phantom.log_bias[key][white])
        assert clean.std() / clean.mean() < 0.8 * raw.std() / raw.mean()
        assert 0.02 < phantom.log_bias[key][phantom.tissue > 0].std() < 0.3
    assert np.abs(phantom.log_bias["t1"] - phantom.log_bias["t2"]).max() > 0.05


def test_the_bias_is_smooth(phantom):
    for field in phantom.log_bias.values():
        steps = [np.abs(np.diff(field, axis=axis)).max() for axis in range(3)]
        assert max(steps) / SPACING_MM < 0.02  # per mm


def test_noise_is_noise(phantom):
    """Two draws of one head differ only by the noise that the seed adds: neighbours in white matter are not the same."""
    white = (phantom.tissue == Tissue.WHITE)[:, :, 1:] & (phantom.tissue == Tissue.WHITE)[:, :, :-1]
    steps = np.diff(phantom.images["t1"].array.astype(float), axis=2)[white]
    assert 5 < np.median(np.abs(steps)) < 60


def test_the_head_does_not_depend_on_the_voxels(phantom):
    fine = head_phantom(0, (80, 96, 80), 2.0)
    for key in ("WT", "TC"):
        coarse_ml = phantom.truth[key].sum(dtype=int) * SPACING_MM**3
        fine_ml = fine.truth[key].sum(dtype=int) * 2.0**3
        assert coarse_ml == pytest.approx(fine_ml, rel=0.2)
    block = fine.truth["WT"].reshape(40, 2, 48, 2, 40, 2).mean(axis=(1, 3, 5)) > 0.5
    both = (block & (phantom.truth["WT"] > 0)).sum()
    assert 2 * both / (block.sum() + phantom.truth["WT"].sum(dtype=int)) > 0.8


def test_it_needs_no_slicer_and_no_vtk():
    code = "import sys, MedSegDLLib.phantom.head; sys.exit(bool({'slicer', 'vtk', 'vtkmodules', 'qt'} & set(sys.modules)))"
    root = Path(__file__).resolve().parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root / "MedSegDL", check=True)
