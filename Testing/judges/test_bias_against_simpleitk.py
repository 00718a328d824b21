"""The judge of the bias correction: SimpleITK's N4 at fixed iteration counts (threshold 0), where stop rules play no part."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from MedSegDLLib.preprocess.n4 import N4Options, correct_bias, default_mask

from ..core.biased import biased_head, centred_rms

SAME = 1e-5  # rms of the difference of log fields; SimpleITK with one thread differs as much from itself with two (sums in float32)


def itk_log_field(volume: np.ndarray, mask: np.ndarray | None, options: N4Options) -> np.ndarray:
    """SimpleITK's log field at full size; 2-D where the volume has one slice, all voxels where there is no mask."""
    flat = volume.shape[0] == 1
    image = sitk.GetImageFromArray(volume[0] if flat else volume)
    shrink = list(options.shrink)[: image.GetDimension()]
    judge = sitk.N4BiasFieldCorrectionImageFilter()
    judge.SetMaximumNumberOfIterations(list(options.iterations))
    judge.SetConvergenceThreshold(options.threshold)
    masks = [] if mask is None else [sitk.GetImageFromArray((mask[0] if flat else mask).astype(np.uint8))]
    judge.Execute(*(sitk.Shrink(given, shrink) for given in (image, *masks)))
    field = sitk.GetArrayFromImage(judge.GetLogBiasFieldAsImage(image))
    return field[None] if flat else field


def our_log_field(volume: np.ndarray, mask: np.ndarray, options: N4Options) -> np.ndarray:
    return correct_bias(torch.from_numpy(volume)[None], torch.from_numpy(mask), options).log_field[0].numpy()


@pytest.mark.parametrize(
    ("shape", "shrink", "iterations"),
    [
        ((40, 48, 44), (4, 4, 4), (12, 10, 8)),
        ((41, 47, 45), (2, 2, 2), (6, 5, 4)),
        ((40, 48, 44), (1, 1, 1), (2, 2)),
        ((12, 48, 44), (3, 4, 1), (8, 6, 4)),
        ((1, 96, 88), (4, 4, 1), (10, 8, 6)),
        ((1, 96, 88), (2, 2, 1), (10, 8)),
        ((1, 48, 44), (1, 1, 1), (8, 8)),
    ],
)
def test_same_field_as_simpleitk(shape: tuple[int, int, int], shrink: tuple[int, int, int], iterations: tuple[int, ...]) -> None:
    case = biased_head(shape)
    options = N4Options(shrink=shrink, iterations=iterations, threshold=0.0)
    difference = our_log_field(case.volume, case.head, options) - itk_log_field(case.volume, case.head, options)
    assert centred_rms(difference, case.head) < SAME


@pytest.mark.parametrize(
    ("shape", "shrink", "iterations"),
    [
        ((40, 48, 44), (4, 4, 4), (12, 10, 8)),
        ((41, 47, 45), (2, 2, 2), (5, 4)),
        ((24, 28, 26), (1, 1, 1), (4, 3)),
        ((1, 96, 88), (4, 4, 1), (10, 8, 6)),
        ((1, 96, 88), (2, 2, 1), (6, 6)),
        ((1, 48, 44), (1, 1, 1), (6, 6)),
    ],
)
def test_same_field_without_a_mask(shape: tuple[int, int, int], shrink: tuple[int, int, int], iterations: tuple[int, ...]) -> None:
    case = biased_head(shape)
    air = np.abs(np.random.default_rng(3).normal(0, 3, shape)) + 1
    volume = np.where(case.head, case.volume, air).astype(np.float32)
    everywhere = np.ones(shape, dtype=bool)
    options = N4Options(shrink=shrink, iterations=iterations, threshold=0.0)
    difference = our_log_field(volume, everywhere, options) - itk_log_field(volume, None, options)
    assert centred_rms(difference, everywhere) < SAME


def test_same_field_in_a_part_of_the_head() -> None:
    case = biased_head()
    part = case.head.copy()
    part[:, :20] = False
    options = N4Options(shrink=2, iterations=(6, 6), threshold=0.0)
    difference = our_log_field(case.volume, part, options) - itk_log_field(case.volume, part, options)
    assert centred_rms(difference, part) < SAME


def test_stops_where_simpleitk_stops_on_a_coarse_grid() -> None:
    case = biased_head((64, 80, 72))
    options = N4Options(shrink=4, iterations=(50, 50, 50), threshold=1e-3)
    ours = correct_bias(torch.from_numpy(case.volume)[None], torch.from_numpy(case.head), options)
    assert ours.iterations[0] < options.iterations
    assert centred_rms(ours.log_field[0].numpy() - itk_log_field(case.volume, case.head, options), case.head) < SAME


def test_same_field_on_a_real_brain(data) -> None:
    folder = data / "brain" / "unlabelled" / "BraTS-GLI-00027-000"
    volume = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "BraTS-GLI-00027-000-t1n.nii.gz"), sitk.sitkFloat32))
    options = N4Options(shrink=4, iterations=(4, 3, 3), threshold=0.0)
    mask = default_mask(volume)
    difference = our_log_field(volume, mask, options) - itk_log_field(volume, mask, options)
    assert centred_rms(difference, mask) < SAME
