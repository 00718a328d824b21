"""The brain's sampler of batches, on made-up patients written as BraTS stores them; one test looks at the real folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from medsegdl_training.cases.selection import Selection
from medsegdl_training.cases.volume import cut
from medsegdl_training.train.brain_sampler import BrainSampler, Mixture, find_cases, make_sampler
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import BRAIN

PATCH = (16, 16, 16)
SPACING_MM = 3.0

LEVELS = {  # grey levels of fluid, grey, white, core, oedema, rim
    "t1": (120, 300, 400, 250, 300, 280),
    "t1ce": (120, 300, 400, 250, 300, 800),
    "t2": (900, 400, 300, 800, 600, 600),
    "flair": (90, 350, 320, 500, 700, 600),
}


def write(array: np.ndarray, path: Path) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((SPACING_MM,) * 3)
    sitk.WriteImage(image, str(path))


def write_patient(folder: Path, name: str, enhancing: int, seed: int) -> None:
    """Shells of fluid, grey and white matter with a ball of oedema, core and rim."""
    numbers = np.random.default_rng(seed)
    k, j, i = np.indices((30, 32, 30)) - 15.0
    r, t = np.sqrt(k**2 + j**2 + i**2), np.sqrt(k**2 + j**2 + (i - 5) ** 2)
    labels = np.select([t < 2, t < 3, t < 5], [1, enhancing, 2], 0).astype(np.uint8)
    patient = folder / name
    patient.mkdir(parents=True)
    for key, (fluid, grey, white, core, oedema, rim) in LEVELS.items():
        tissue = np.select([r < 9, r < 12, r < 13], [white, grey, fluid], 0)
        value = np.select([t < 2, t < 3, t < 5], [core, rim, oedema], tissue) + numbers.normal(0, 8, r.shape) * (r < 13)
        write((value * (r < 13)).astype(np.int16), patient / f"{name}_{key}.nii.gz")
    write(labels, patient / f"{name}_seg.nii.gz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two patients, of the old and the new label convention, and a third whose files are no images at all."""
    place = tmp_path_factory.mktemp("brains")
    write_patient(place, "old", 4, 0)
    write_patient(place, "new", 3, 1)
    spoilt = place / "held-out"
    spoilt.mkdir()
    for ending in ("t1", "seg"):
        (spoilt / f"held-out_{ending}.nii.gz").write_bytes(b"this must never be read")
    return place


@pytest.fixture(scope="module")
def sampler(folder: Path) -> BrainSampler:
    return make_sampler(Selection(folder, ("held-out",)), BRAIN.plan, PATCH, seed=0)


def test_held_out_cases_are_never_read(sampler: BrainSampler) -> None:
    assert sampler.cases == ("new", "old")
    assert len(sampler.data_hash) == 64


def test_both_label_conventions_give_the_same_regions(sampler: BrainSampler) -> None:
    new, old = sampler.patients
    assert torch.equal(new.regions, old.regions)
    ratio = float(new.regions[0].sum()) * 8 / (4 / 3 * np.pi * (5 * SPACING_MM) ** 3)
    assert ratio == pytest.approx(1, abs=0.15)
    assert not bool((new.regions[1] & ~new.regions[0]).any()) and not bool((new.regions[2] & ~new.regions[1]).any())


def test_images_are_z_scored_with_nothing_outside(sampler: BrainSampler) -> None:
    case = sampler.patients[0]
    brain = case.healthy > 0
    assert bool((case.image[:, ~brain] == 0).all())
    assert torch.allclose(case.image[:, brain].mean(dim=1), torch.zeros(4), atol=0.15)
    assert case.intensities.level[5, 1] > case.intensities.level[2, 1] + 1  # the rim takes up contrast


def test_the_data_are_told_as_they_are(sampler: BrainSampler) -> None:
    assert sampler.data == "2 labelled brains, and images synthesised from their label maps"
    assert sampler.without_synthesis().data == "2 labelled brains"


def test_a_patient_without_a_share_is_never_drawn(sampler: BrainSampler) -> None:
    real = replace(sampler, mixture=Mixture(real=1.0, planted=0.0))
    only, shared = replace(real, patients=[real.patients[0]]), real.emphasising({"old": 0.0})
    first, second = (each.draw(torch.Generator().manual_seed(0), 4) for each in (only, shared))
    assert torch.equal(first.x, second.x) and torch.equal(first.y, second.y)


@pytest.mark.parametrize("mixture", [Mixture(real=1.0), Mixture(real=0.0, planted=1.0), Mixture(real=0.0, planted=0.0)])
def test_batches_have_the_promised_shapes_and_laws(sampler: BrainSampler, mixture: Mixture) -> None:
    batch = replace(sampler, mixture=mixture).draw(torch.Generator().manual_seed(3), 3)
    assert batch.x.shape == (3, 4, *PATCH) and batch.y.shape == (3, 3, *PATCH) and batch.weight.shape == (3, 3)
    assert bool(torch.isfinite(batch.x).all()) and float(batch.x.abs().max()) < 30
    assert set(batch.y.unique().tolist()) <= {0.0, 1.0}
    assert bool((batch.y[:, 2] <= batch.y[:, 1]).all()) and bool((batch.y[:, 1] <= batch.y[:, 0]).all())
    assert not bool((batch.y.bool() & (batch.x == 0).all(dim=1, keepdim=True)).any())  # no tumour outside the brain


def test_without_synthesis_every_value_is_a_patients(sampler: BrainSampler) -> None:
    own = torch.cat([case.image.flatten() for case in sampler.patients] + [torch.zeros(1)]).unique()
    made_up, plain = (kind.draw(torch.Generator().manual_seed(3), 8).x for kind in (sampler, sampler.without_synthesis()))
    assert bool(torch.isin(plain, own).all())
    assert not bool(torch.isin(made_up, own).all())


def test_a_seed_replays_a_batch(sampler: BrainSampler) -> None:
    first, again, other = (sampler.draw(torch.Generator().manual_seed(seed), 2) for seed in (5, 5, 6))
    assert torch.equal(first.x, again.x) and torch.equal(first.y, again.y)
    assert not torch.equal(first.x, other.x)


def test_a_patch_may_be_larger_than_the_volume() -> None:
    x = torch.ones((1, 3, 4, 5))
    padded = cut(x, (-1, -2, 0), (5, 8, 5))
    assert float(padded.sum()) == 60 and padded.shape == (1, 5, 8, 5)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        make_sampler(Selection(tmp_path), BRAIN.plan, PATCH, seed=0)


def test_real_patients_are_found_with_their_modalities(data: Path) -> None:
    found = {case.name: set(case.inputs) for case in find_cases(data)}
    assert found["BraTS-GLI-00000-000"] == {"t1", "t1ce", "t2", "flair"}
    assert found["brats_2013_pat0003_1"] == {"t1ce", "flair"}
    assert "BraTS-GLI-00027-000" not in found
