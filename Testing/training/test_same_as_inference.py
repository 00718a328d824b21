"""What a network sees in training, before augmentation, is what `segment` gives it: voxel by voxel, every task, odd kinds of files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import Tensor

from medsegdl_training.cases import brain, liver
from medsegdl_training.cases.case import Case
from medsegdl_training.cases.pictures import read_picture
from medsegdl_training.cases.selection import Selection
from medsegdl_training.train import brain_sampler, liver_sampler, nuclei_sampler
from MedSegDLLib import pipeline
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.io.read import read_image
from MedSegDLLib.options import Options
from MedSegDLLib.preprocess.normalise import normalise
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task
from Testing.core.tiny import tiny_weights
from Testing.training import test_brain, test_liver
from Testing.training.made_up import picture

HALF_FLOAT = 1e-3  # of what a window brings to -1..1: CTs are kept in half floats
Seen = Callable[[Task, dict[str, Path]], Tensor]


@pytest.fixture
def seen_by_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """The tensor that `segment` hands to the network, for files as a user gives them."""

    def run(task: Task, inputs: dict[str, Path]) -> Tensor:
        caught: list[Tensor] = []
        honest = pipeline.predict

        def predict(network: torch.nn.Module, x: Tensor, *more: object, **named: object) -> object:
            caught.append(x.clone())
            return honest(network, x, *more, **named)

        monkeypatch.setattr(pipeline, "predict", predict)
        folder = tmp_path / f"weights of {task.key}"
        folder.mkdir(exist_ok=True)
        pipeline.segment({key: read_image(path) for key, path in inputs.items()}, task, Options("cpu", tiny_weights(folder, task)))
        return caught[0]

    return run


def moved(path: Path, change: Callable[[sitk.Image], sitk.Image]) -> None:
    """Write a file anew in another form."""
    sitk.WriteImage(change(sitk.ReadImage(str(path))), str(path))


def mirrored_storage(image: sitk.Image) -> sitk.Image:
    """The same voxels at the same places, stored from the other end."""
    return sitk.Flip(image, (True, False, True))


def finer_grid(image: sitk.Image) -> sitk.Image:
    """The same head on another grid, which begins elsewhere."""
    grid = sitk.Image(50, 40, 37, sitk.sitkInt16)
    grid.SetSpacing((2.0, 2.6, 2.7))
    grid.SetOrigin((-3.0, -4.0, 1.0))
    return sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkInt16)


def z_scored(image: sitk.Image) -> sitk.Image:
    array = sitk.GetArrayFromImage(image).astype(np.float32)
    head = array != 0
    array[head] = (array[head] - array[head].mean()) / array[head].std()
    written = sitk.GetImageFromArray(array)
    written.CopyInformation(image)
    return written


def as_stored(image: sitk.Image) -> sitk.Image:
    return image


@pytest.mark.parametrize("form", [as_stored, mirrored_storage, finer_grid, z_scored])
@pytest.mark.parametrize("missing", [None, "flair"])
def test_a_brain(tmp_path: Path, seen_by_segment: Seen, form: Callable, missing: str | None) -> None:
    test_brain.write_patient(tmp_path / "data", "one", 4, 0)
    moved(tmp_path / "data" / "one" / "one_t2.nii.gz", form)
    if missing:
        (tmp_path / "data" / "one" / f"one_{missing}.nii.gz").unlink()
    [case] = brain.find_cases(tmp_path / "data")
    prepared = brain.prepared_case(case, BRAIN.plan)
    shown = seen_by_segment(BRAIN, case.inputs)
    assert torch.equal(prepared.image, shown)
    assert bool((shown[2] != 0).any())
    assert prepared.complete is (missing is None)

    sampler = brain_sampler.make_sampler(Selection(tmp_path / "data"), BRAIN.plan, (48, 48, 48), 0).without_synthesis().in_shape()
    patch = sampler.draw(torch.Generator().manual_seed(1), 1).x[0]
    assert bool(torch.isin(patch, torch.cat([shown.flatten(), torch.zeros(1)])).all())


def test_a_modality_stored_from_the_other_end_lies_on_the_others(tmp_path: Path) -> None:
    test_brain.write_patient(tmp_path, "one", 4, 0)
    [case] = brain.find_cases(tmp_path)
    straight = brain.prepared_case(case, BRAIN.plan).image
    moved(case.inputs["t2"], mirrored_storage)
    turned = brain.prepared_case(case, BRAIN.plan).image
    assert float((straight[2] - turned[2]).abs().mean()) < 0.02 < float((straight[2].flip(2) - turned[2]).abs().mean())


@pytest.mark.parametrize("form", [mirrored_storage, finer_grid])
def test_labels_on_another_grid_are_the_same_regions(tmp_path: Path, form: Callable) -> None:
    test_brain.write_patient(tmp_path, "one", 4, 0)
    [case] = brain.find_cases(tmp_path)
    before = brain.prepared_case(case, BRAIN.plan).regions
    labels = sitk.ReadImage(str(case.reference))
    if form is finer_grid:
        changed = sitk.Resample(labels, finer_grid(sitk.Cast(labels, sitk.sitkInt16)), sitk.Transform(), sitk.sitkNearestNeighbor)
    else:
        changed = form(labels)
    sitk.WriteImage(changed, str(case.reference))
    after = brain.prepared_case(case, BRAIN.plan).regions
    dice = [2 * float((one & other).sum()) / float(one.sum() + other.sum()) for one, other in zip(before, after)]
    assert min(dice) == 1.0 if form is mirrored_storage else dice[0] > 0.8  # the rim is a voxel thin: another grid loses it


def test_labels_of_somewhere_else_are_refused(tmp_path: Path) -> None:
    test_brain.write_patient(tmp_path, "one", 4, 0)
    [case] = brain.find_cases(tmp_path)
    labels = sitk.ReadImage(str(case.reference))
    labels.SetOrigin((500.0, 0.0, 0.0))
    sitk.WriteImage(labels, str(case.reference))
    with pytest.raises(InputRefused, match="beyond its image"):
        brain.prepared_case(case, BRAIN.plan)


@pytest.fixture
def ct(tmp_path: Path) -> Case:
    """A CT with air around and in it, so that resampling meets borders of 1100 HU, and its labels."""
    organs, labels = test_liver.body()
    volume = test_liver.hounsfield(organs, 3)
    volume[:, 20:30, 50:56] = -1000
    test_liver.write(volume, tmp_path / "volume-1.nii")
    test_liver.write(labels, tmp_path / "segmentation-1.nii")
    return liver.find_cases(tmp_path)[0]


def test_a_ct(ct: Case, seen_by_segment: Seen) -> None:
    plan = replace(LIVER.plan, spacing_mm=(2.3, 2.3, 4.0))
    case = liver.prepared_case(liver.LiverFiles.of(ct), LIVER.plan)
    shown = seen_by_segment(LIVER, ct.inputs)[0]
    in_training = normalise(case.hounsfield.float(), LIVER.plan)
    torch.testing.assert_close(in_training, shown, atol=HALF_FLOAT, rtol=0)
    border = (shown > -0.9) & (shown < -0.3)
    assert int(border.sum()) > 100  # partial volumes of air and tissue were compared too
    other = liver.prepared_case(liver.LiverFiles.of(ct), plan)
    assert other.hounsfield.shape != case.hounsfield.shape


def test_a_sample_of_a_ct_is_a_part_of_what_segment_shows(ct: Case, seen_by_segment: Seen) -> None:
    shown = seen_by_segment(LIVER, ct.inputs)[0]
    sampler = liver_sampler.make_sampler(Selection(ct.reference.parent), LIVER.plan, (8, 16, 16), 0).without_synthesis().in_shape()
    sampler = replace(sampler, mixture=replace(sampler.mixture, planes=(1.0, 0.0, 0.0)))
    for seed in range(12):
        x = sampler.draw(torch.Generator().manual_seed(seed), 1).x[0, 0]
        parts = shown.unfold(1, 16, 1).unfold(2, 16, 1)
        first = (parts - x[0]).abs().amax(dim=(-1, -2))
        if float(first.min()) < HALF_FLOAT:
            return
    raise AssertionError("no plane of a sample is a part of the prepared CT")


FORMS = {
    "grey": lambda grey: grey,
    "16 bit": lambda grey: grey.astype(np.uint16) * 257 - 3,
    "RGB": lambda grey: np.stack([grey, grey // 2, 255 - grey], axis=-1),
    "RGBA": lambda grey: np.stack([grey, grey // 2, 255 - grey, np.full_like(grey, 255)], axis=-1),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_picture(tmp_path: Path, seen_by_segment: Seen, form: str) -> None:
    for name in ("images", "labels"):
        (tmp_path / "data" / name).mkdir(parents=True)
    grey, labels = picture((64, 80), 5)
    image = FORMS[form](grey.clip(1, 255))
    sitk.WriteImage(sitk.GetImageFromArray(image, isVector=image.ndim == 3), str(tmp_path / "data" / "images" / "p.png"))
    sitk.WriteImage(sitk.GetImageFromArray(labels), str(tmp_path / "data" / "labels" / "p.png"))
    [case] = nuclei_sampler.find_cases(tmp_path / "data")
    shown = seen_by_segment(NUCLEI, case.inputs)[:, 0]
    sampler = nuclei_sampler.make_sampler(Selection(tmp_path / "data"), NUCLEI.plan, (64, 80), 0).without_synthesis().in_shape()
    x = sampler.draw(torch.Generator().manual_seed(0), 1).x[0]
    torch.testing.assert_close(x, shown, atol=2e-5, rtol=0)
    assert read_picture(case).labels.max() == labels.max()
