"""The pitfalls of bias correction, one test each: what spoils ITK's field must be dropped, refused, or bounded here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.preprocess.n4 import N4Options, correct_bias, default_mask

from ..biased import Biased, biased_head, centred_rms, variation_within

QUICK = N4Options(shrink=2, iterations=(15, 10, 8))


@pytest.fixture(scope="module")
def case() -> Biased:
    return biased_head()


@pytest.fixture(scope="module")
def base_error(case: Biased) -> float:
    """Field error where nothing is wrong."""
    return error(case.volume, case)


def log_field(volume: np.ndarray, mask: np.ndarray, options: N4Options = QUICK) -> np.ndarray:
    return correct_bias(torch.from_numpy(volume)[None], torch.from_numpy(mask), options).log_field[0].numpy()


def error(volume: np.ndarray, case: Biased, mask: np.ndarray | None = None, options: N4Options = QUICK) -> float:
    return centred_rms(log_field(volume, case.head if mask is None else mask, options) - case.log_field, case.head)


def test_background_in_the_mask_does_no_harm(case, base_error):
    """ITK lets zeros into the histogram as log 0: six times the error with ANTsPy's default mask."""
    assert error(case.volume, case, np.ones_like(case.head)) < 1.05 * base_error


def test_scattered_zeros_do_no_harm(case, base_error):
    spoilt = np.where(np.random.default_rng(0).random(case.volume.shape) < 0.01, 0, case.volume).astype(np.float32)
    assert error(spoilt, case) < 1.3 * base_error


def test_one_negative_voxel_does_not_switch_the_correction_off(case, base_error):
    spoilt = case.volume.copy()
    spoilt[20, 24, 22] = -50
    assert error(spoilt, case) < 1.1 * base_error


def test_hot_voxels_widen_the_bins_but_little_more(case, base_error):
    hot = np.random.default_rng(1).random(case.volume.shape) < 0.001
    assert error(np.where(hot, 20 * case.volume, case.volume).astype(np.float32), case) < 1.5 * base_error


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_outside_the_mask_is_never_looked_at(case, value):
    spoilt = np.where(case.head, case.volume, value).astype(np.float32)
    np.testing.assert_array_equal(log_field(spoilt, case.head), log_field(case.volume, case.head))


def test_whole_numbers_and_their_type_do_not_matter(case, base_error):
    for kind in (np.int16, np.int32, np.float64):
        assert error(case.volume.round().astype(kind), case) < 1.05 * base_error


@pytest.mark.parametrize("gain", [1e-3, 1e6])
def test_the_scale_does_not_matter(case, base_error, gain):
    assert error((case.volume * gain).astype(np.float32), case) == pytest.approx(base_error, rel=0.02)


def test_without_a_field_little_is_invented(case):
    flat = biased_head(strength=0.0)
    assert centred_rms(log_field(flat.volume, flat.head), flat.head) < 0.3 * centred_rms(case.log_field, case.head)


def test_a_second_pass_adds_little(case):
    first = correct_bias(torch.from_numpy(case.volume)[None], torch.from_numpy(case.head), QUICK)
    again = log_field(first.corrected[0].numpy(), case.head)
    assert centred_rms(again, case.head) < 0.25 * centred_rms(first.log_field[0].numpy(), case.head)


def test_thick_slices_keep_their_number():
    """31 slices of 5 mm: shrink 4 on all axes leaves seven, and twice the error; the choice by spacing keeps them."""
    thick = biased_head((20, 64, 60))
    options = N4Options(spacing_mm=(1.5, 1.5, 5.0), iterations=(15, 10, 8))
    assert options.shrink_for(thick.volume.shape)[0] == 1
    coarse = N4Options(shrink=4, iterations=(15, 10, 8))
    assert error(thick.volume, thick, options=options) < error(thick.volume, thick, options=coarse)


def test_the_last_level_is_not_one_too_many(case):
    """A fourth level follows the tissue: more iterations must not spoil white matter."""
    white = case.tissue == 3
    before = variation_within(case.volume, white)
    done = correct_bias(torch.from_numpy(case.volume)[None], torch.from_numpy(case.head), N4Options(shrink=2))
    assert variation_within(done.corrected[0].numpy(), white) < 0.6 * before


def test_a_tumour_keeps_its_contrast():
    """A bright lesion in white matter, as oedema in FLAIR: the default options must leave it nearly as bright."""
    case = biased_head((64, 80, 72), strength=0.15)
    k, j, i = np.ogrid[: case.volume.shape[0], : case.volume.shape[1], : case.volume.shape[2]]
    lesion = (k - 34) ** 2 + (j - 44) ** 2 + (i - 28) ** 2 < 8**2
    white = (case.tissue == 3) & ~lesion
    volume = np.where(lesion, 1.6 * case.volume, case.volume).astype(np.float32)
    done = correct_bias(torch.from_numpy(volume)[None], torch.from_numpy(case.head), N4Options(spacing_mm=(2.0, 2.0, 2.0)))
    truth = volume / np.exp(case.log_field)
    kept = [np.log(np.median(v[lesion]) / np.median(v[white])) for v in (done.corrected[0].numpy(), truth)]
    assert kept[0] > 0.85 * kept[1]


def test_dark_fluid_stays_in_the_default_mask():
    """Otsu's threshold itself would drop it, and the field with it."""
    case = biased_head()
    fluid = case.tissue == 1
    assert (default_mask(case.volume) & fluid).sum() > 0.99 * fluid.sum()


def test_an_empty_mask_is_refused(case):
    with pytest.raises(InputRefused, match="nothing to work on"):
        log_field(case.volume, np.zeros_like(case.head))
