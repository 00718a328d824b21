"""The bias correction: what it must take away, what it must leave, and what it must refuse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from MedSegDLLib.errors import Cancelled, InputRefused, UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.preprocess import bspline, sharpening
from MedSegDLLib.preprocess.n4 import BiasCorrection, N4Options, _Fit, correct_bias, default_mask, looks_normalised, n4

from ..biased import Biased, biased_head, centred_rms, variation_within

QUICK = N4Options(shrink=2, iterations=(15, 10, 8))


@pytest.fixture(scope="module")
def case() -> Biased:
    return biased_head()


@pytest.fixture(scope="module")
def found(case: Biased) -> BiasCorrection:
    return correct(case.volume, case.head)


def correct(volume: np.ndarray, mask: np.ndarray, options: N4Options = QUICK) -> BiasCorrection:
    return correct_bias(torch.from_numpy(volume)[None], torch.from_numpy(mask), options)


def image_of(array: np.ndarray, name: str = "head.nii.gz") -> Image:
    return Image(array, np.eye(4), name)


# ---- what it takes away


def test_finds_the_field(case: Biased, found: BiasCorrection) -> None:
    before = centred_rms(case.log_field, case.head)
    assert centred_rms(found.log_field[0].numpy() - case.log_field, case.head) < 0.25 * before


def test_evens_out_a_tissue(case: Biased, found: BiasCorrection) -> None:
    white = case.tissue == 3
    before, after = (variation_within(v, white) for v in (case.volume, found.corrected[0].numpy()))
    assert before > 0.07
    assert after < 0.6 * before


def test_corrected_is_volume_over_field(case: Biased, found: BiasCorrection) -> None:
    np.testing.assert_allclose(found.corrected[0], case.volume / np.exp(found.log_field[0].numpy()), rtol=1e-4)


def test_geometric_mean_is_kept(case: Biased, found: BiasCorrection) -> None:
    assert abs(found.log_field[0].numpy()[case.head].mean(dtype=np.float64)) < 1e-5


def test_gain_changes_nothing(case: Biased, found: BiasCorrection) -> None:
    louder = correct(case.volume * 1000, case.head)
    assert centred_rms((louder.log_field - found.log_field)[0].numpy(), case.head) < 1e-4


def test_turned_volume_gives_the_turned_field(case: Biased, found: BiasCorrection) -> None:
    turned = correct(np.ascontiguousarray(case.volume.transpose(2, 0, 1)), np.ascontiguousarray(case.head.transpose(2, 0, 1)))
    assert centred_rms(turned.log_field[0].numpy().transpose(1, 2, 0) - found.log_field[0].numpy(), case.head) < 1e-4


# ---- several volumes


def test_each_volume_has_its_own_field(case: Biased, found: BiasCorrection) -> None:
    other = biased_head(strength=-0.2, seed=1)
    both = correct_bias(torch.from_numpy(np.stack([case.volume, other.volume])), torch.from_numpy(case.head), QUICK)
    alone = correct(other.volume, case.head)
    torch.testing.assert_close(both.log_field[0], found.log_field[0])
    torch.testing.assert_close(both.log_field[1], alone.log_field[0])


def test_a_batch_gives_what_single_fits_give(case: Biased) -> None:
    """Accelerators fit all volumes at once; converged ones are frozen, and each drops its own voxels."""
    volumes = torch.from_numpy(np.stack([case.volume, biased_head(strength=0.05, seed=2).volume, np.full_like(case.volume, 7.0)]))
    volumes[1, 18:22, 20:24, 20:24] = -1.0
    usable = torch.from_numpy(case.head) & (volumes > 0)
    options = N4Options(iterations=(12, 10), threshold=2e-3)
    batch = _Fit(volumes, usable, options)
    batch.run(options.iterations, lambda done: None)
    for m in range(3):
        single = _Fit(volumes[m : m + 1], usable[m : m + 1], options)
        single.run(options.iterations, lambda done: None)
        torch.testing.assert_close(batch.lattices[m], single.lattices[0], atol=1e-5, rtol=1e-4)
        assert batch.iterations[:, m].tolist() == single.iterations[:, 0].tolist()
    assert batch.iterations[0, 0] != batch.iterations[0, 1]


def test_what_an_accelerator_adds_up_gives_the_same_field(case: Biased, found: BiasCorrection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharpening, "_sums", sharpening._sums_of_whole_numbers)
    other = correct(case.volume, case.head)
    assert not torch.equal(other.lattices, found.lattices)
    assert centred_rms((other.log_field - found.log_field)[0].numpy(), case.head) < 1e-5


def test_a_threshold_ends_early_and_zero_does_not(case: Biased) -> None:
    assert correct(case.volume, case.head, N4Options(shrink=4, iterations=(9, 7), threshold=0.0)).iterations == ((9, 7),)
    early = correct(case.volume, case.head, N4Options(shrink=4, iterations=(50, 50), threshold=5e-3)).iterations[0]
    assert 1 <= early[0] < 50


# ---- what would spoil it


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -50.0])
def test_voxels_without_a_logarithm_do_not_count(case: Biased, found: BiasCorrection, value: float) -> None:
    spoilt = case.volume.copy()
    spoilt[20:22, 24:27, 20:23] = value
    field = correct(spoilt, case.head).log_field[0].numpy()
    assert np.isfinite(field).all()
    assert centred_rms(field - found.log_field[0].numpy(), case.head) < 0.01


def test_a_constant_volume_stays(case: Biased) -> None:
    done = correct(np.full_like(case.volume, 7.0), case.head)
    np.testing.assert_allclose(done.corrected, 7.0, rtol=1e-6)


def test_a_mask_of_one_voxel_changes_nothing(case: Biased) -> None:
    mask = np.zeros_like(case.head)
    mask[20, 24, 22] = True
    np.testing.assert_allclose(correct(case.volume, mask).corrected[0], case.volume, rtol=1e-6)


def test_a_mask_that_the_coarse_grid_misses_is_met_on_the_full_one(case: Biased) -> None:
    mask = np.zeros_like(case.head)
    mask[20:24, 24:28, 20:24] = True
    assert np.isfinite(correct(case.volume, mask, N4Options(shrink=8, iterations=(3,))).corrected).all()


@pytest.mark.parametrize("mask_value", [True, False])
def test_nothing_to_work_on_is_refused(case: Biased, mask_value: bool) -> None:
    with pytest.raises(InputRefused, match="nothing to work on"):
        correct(np.zeros_like(case.volume), np.full_like(case.head, mask_value))


@pytest.mark.parametrize("shape", [(1, 32, 30), (2, 32, 30), (3, 3, 3), (26, 64, 60)])
def test_thin_and_tiny_grids(shape: tuple[int, int, int]) -> None:
    volume = biased_head(shape).volume + 5
    done = correct(volume, np.ones(shape, dtype=bool), N4Options(iterations=(4, 4)))
    assert done.corrected.shape == (1, *shape)
    assert np.isfinite(done.corrected).all()


def test_progress_may_cancel(case: Biased) -> None:
    seen: list[float] = []

    def stop(fraction: float, message: str) -> None:
        seen.append(fraction)
        if len(seen) == 4:
            raise Cancelled()

    with pytest.raises(Cancelled):
        correct_bias(torch.from_numpy(case.volume)[None], torch.from_numpy(case.head), QUICK, stop)
    assert seen == sorted(seen)
    assert seen[-1] < 0.5


def test_the_number_of_threads_is_as_before(case: Biased) -> None:
    def stop(fraction: float, message: str) -> None:
        raise Cancelled()

    torch.set_num_threads(2)
    with pytest.raises(Cancelled):
        correct_bias(torch.from_numpy(case.volume)[None], torch.from_numpy(case.head), QUICK, stop)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_progress_ends_at_one(case: Biased) -> None:
    seen: list[float] = []
    correct_bias(torch.from_numpy(case.volume)[None], torch.from_numpy(case.head), QUICK, lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


# ---- options


@pytest.mark.parametrize(
    ("spacing_mm", "shape", "expected"),
    [
        ((1.0, 1.0, 1.0), (155, 240, 240), (4, 4, 4)),
        ((0.9, 0.9, 5.5), (26, 256, 208), (1, 4, 4)),
        ((0.5, 0.5, 2.0), (100, 512, 512), (2, 8, 8)),
        ((1.0, 1.0, 1.0), (5, 9, 2), (1, 2, 1)),
    ],
)
def test_shrink_is_near_isotropic_and_keeps_samples(spacing_mm, shape, expected) -> None:
    assert N4Options(spacing_mm=spacing_mm).shrink_for(shape) == expected


def test_given_shrink_is_along_ijk() -> None:
    assert N4Options(shrink=(4, 3, 2)).shrink_for((100, 100, 100)) == (2, 3, 4)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shrink": 0},
        {"shrink": (2, 2)},
        {"iterations": ()},
        {"iterations": (5, 0)},
        {"threshold": -1.0},
        {"threshold": float("nan")},
        {"control_points": 3},
        {"bins": 1},
        {"fwhm": 0.0},
        {"noise": 0.0},
    ],
)
def test_settings_that_mean_nothing(wrong: dict) -> None:
    with pytest.raises(UsageError):
        N4Options(**wrong)


# ---- splines


@pytest.mark.parametrize("samples", [1, 2, 3, 17, 100])
@pytest.mark.parametrize("controls", [4, 7])
def test_basis_rows_add_to_one(samples: int, controls: int) -> None:
    np.testing.assert_allclose(bspline.basis(samples, controls).sum(dim=1), 1.0, atol=1e-12)


def test_refining_leaves_the_function() -> None:
    lattice = torch.randn(2, 4, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    finer = bspline.refine(lattice)
    assert finer.shape == (2, 5, 7, 11)
    coarse_rows, fine_rows = (
        tuple(bspline.basis(n, c) for n, c in zip((20, 1, 30), lattices.shape[1:], strict=True)) for lattices in (lattice, finer)
    )
    inner = (slice(None), slice(0, -1), slice(None), slice(0, -1))  # the last sample is pulled back by a share of a sample, as in ITK
    torch.testing.assert_close(bspline.evaluate(lattice, coarse_rows)[inner], bspline.evaluate(finer, fine_rows)[inner])


def test_contracting_is_the_transpose_of_evaluating() -> None:
    generator = torch.Generator().manual_seed(1)
    rows = tuple(bspline.basis(n, c) for n, c in ((9, 4), (8, 5), (7, 6)))
    lattice = torch.randn(1, 4, 5, 6, dtype=torch.float64, generator=generator)
    volume = torch.randn(1, 9, 8, 7, dtype=torch.float64, generator=generator)
    torch.testing.assert_close((bspline.evaluate(lattice, rows) * volume).sum(), (lattice * bspline.contract(volume, rows)).sum())


# ---- the command's function


def test_n4_of_an_image(case: Biased) -> None:
    image = image_of(case.volume.astype(np.int16))
    corrected, field = n4(image, None, QUICK)
    assert corrected.grid.same_as(image.grid) and field.grid.same_as(image.grid)
    assert corrected.name == image.name
    assert centred_rms(field.array - case.log_field, case.head) < 0.3 * centred_rms(case.log_field, case.head)


def test_n4_refuses_z_scored_images_by_name(case: Biased) -> None:
    scored = (case.volume - case.volume[case.head].mean()) / case.volume[case.head].std()
    with pytest.raises(InputRefused, match=r"scored\.nii\.gz"):
        n4(image_of(scored, "scored.nii.gz"))


def test_n4_refuses_a_mask_elsewhere(case: Biased) -> None:
    mask = dataclasses.replace(image_of(case.head.astype(np.uint8), "mask.nii.gz"), affine=np.diag([2.0, 1.0, 1.0, 1.0]))
    with pytest.raises(InputRefused, match=r"mask\.nii\.gz"):
        n4(image_of(case.volume), mask)


def test_n4_refuses_colours(case: Biased) -> None:
    with pytest.raises(InputRefused, match="colour"):
        n4(image_of(np.zeros((1, 8, 8, 3), dtype=np.uint8)))


def test_default_mask(case: Biased) -> None:
    np.testing.assert_array_equal(default_mask(case.volume), case.head)
    noisy = case.volume + np.abs(np.random.default_rng(0).normal(0, 3, case.volume.shape)).astype(np.float32)
    inside = default_mask(noisy)
    assert (inside & case.head).sum() > 0.7 * case.head.sum()
    assert (inside & ~case.head).sum() < 0.05 * inside.sum()


def test_what_looks_normalised(case: Biased) -> None:
    head = case.volume[case.head]
    whole = (case.volume - case.volume.mean()) / case.volume.std()
    brain_only = np.where(case.head, (case.volume - head.mean()) / head.std(), 0)
    ringing = case.volume + np.random.default_rng(0).normal(0, 0.5, case.volume.shape)
    assert looks_normalised(whole) and looks_normalised(brain_only)
    assert not looks_normalised(case.volume) and not looks_normalised(ringing)
    assert not looks_normalised(np.full((3, 3, 3), np.nan))


def test_real_volumes_that_are_normalised(data) -> None:
    import SimpleITK as sitk

    def read(*path: str) -> np.ndarray:
        return sitk.GetArrayFromImage(sitk.ReadImage(str(data.joinpath("brain", *path))))

    assert looks_normalised(read("two_modalities", "brats_2013_pat0003_1", "T1c_subtrMeanDivStd.nii.gz"))
    assert not looks_normalised(read("raw", "chris_t1.nii.gz"))
