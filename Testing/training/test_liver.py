"""The liver's sampler of batches, on made-up patients written as 3D-IRCADb and LiTS store them; one test looks at the real folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from medsegdl_training.cases.cache import FOLDER_VARIABLE
from medsegdl_training.cases.liver import block_of
from medsegdl_training.cases.selection import Selection
from medsegdl_training.synthesis.ct_images import Organ
from medsegdl_training.synthesis.diaphragm import grow_diaphragm, plant_diaphragm
from medsegdl_training.synthesis.lobes import grow_lobe, plant_lobe
from medsegdl_training.train.liver_sampler import LiverSampler, Mixture, bend, find_cases, make_sampler
from medsegdl_training.transforms.smoothing import blur
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import LIVER

PLANE, BLOCK = (48, 64), (16, 48, 64)  # patches of a 2.5-D and of a 3-D network
PLAN = replace(LIVER.plan, spacing_mm=(1.5, 1.5, 3.0), slices=3)
SHAPE = (12, 60, 80)


def write(array: np.ndarray, path: Path) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.5, 1.5, 3.0))
    sitk.WriteImage(image, str(path))


def body() -> tuple[np.ndarray, np.ndarray]:
    """Organ map and label map: an elliptic body with a liver and a tumour in it."""
    k, j, i = np.indices(SHAPE)
    organs = np.where(((j - 30) / 26) ** 2 + ((i - 40) / 36) ** 2 < 1, int(Organ.BODY), 0).astype(np.uint8)
    liver = (((j - 28) / 14) ** 2 + ((i - 26) / 16) ** 2 < 1) & (k > 2) & (k < 10)
    tumour = (((j - 28) / 4) ** 2 + ((i - 26) / 4) ** 2 < 1) & (k > 4) & (k < 8)
    organs[liver] = Organ.LIVER
    organs[tumour] = Organ.TUMOUR
    return organs, (liver.astype(np.uint8) + tumour)


def hounsfield(organs: np.ndarray, seed: int) -> np.ndarray:
    table = np.full(32, -1000.0)
    table[[Organ.BODY, Organ.LIVER, Organ.TUMOUR]] = (20, 110, 60)
    return (table[organs] + np.random.default_rng(seed).normal(0, 10, organs.shape)).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patient with CT and organs, a LiTS one without organs, a shape without CT, and one whose files are no images."""
    place = tmp_path_factory.mktemp("livers")
    organs, labels = body()
    write(hounsfield(organs, 0), place / "first_ct.nii.gz")
    write(organs, place / "first_organs.nii.gz")
    write(labels, place / "first_seg.nii.gz")
    write(hounsfield(organs, 1), place / "volume-5.nii")
    write(labels, place / "segmentation-5.nii")
    (place / "shapes").mkdir()
    write(organs, place / "shapes" / "second_organs.nii.gz")
    write(labels, place / "shapes" / "second_seg.nii.gz")
    for ending in ("ct", "organs", "seg"):
        (place / f"held-out_{ending}.nii.gz").write_bytes(b"this must never be read")
    return place


@pytest.fixture(scope="module")
def sampler(folder: Path) -> LiverSampler:
    return make_sampler(Selection(folder, ("held-out",)), PLAN, PLANE, seed=0)


def test_held_out_cases_are_never_read(sampler: LiverSampler) -> None:
    assert sampler.cases == ("first", "volume-5", "second")
    assert {case.name: case.hounsfield is None for case in sampler.patients} == {"first": False, "volume-5": False, "second": True}


def test_only_cases_with_a_ct_can_be_measured_on(folder: Path) -> None:
    assert [case.name for case in find_cases(folder)] == ["first", "held-out", "volume-5"]


def test_planes_are_sorted_by_what_they_show(sampler: LiverSampler) -> None:
    for case in sampler.patients:
        tumour, liver, neither = case.planes
        assert len(tumour) == 3 and len(liver) == 4 and len(tumour) + len(liver) + len(neither) == case.organs.shape[0]


@pytest.mark.parametrize("real", [0.0, 1.0])
@pytest.mark.parametrize(("patch", "channels"), [(PLANE, 3), (BLOCK, 1)])
def test_batches_have_the_promised_shapes_and_laws(sampler: LiverSampler, real: float, patch: tuple[int, ...], channels: int) -> None:
    batch = replace(sampler, patch=patch, mixture=Mixture(real=real)).draw(torch.Generator().manual_seed(1), 6)
    assert batch.x.shape == (6, channels, *patch) and batch.y.shape == (6, 2, *patch) and batch.weight.shape == (6, 2)
    assert float(batch.x.min()) >= -1 and float(batch.x.max()) <= 1
    assert set(batch.y.unique().tolist()) <= {0.0, 1.0}
    assert bool((batch.y[:, 1] <= batch.y[:, 0]).all())
    assert bool(batch.y[:, 0].any())


def test_a_seed_replays_a_batch(sampler: LiverSampler) -> None:
    first, again, other = (sampler.draw(torch.Generator().manual_seed(seed), 3) for seed in (5, 5, 6))
    assert torch.equal(first.x, again.x) and torch.equal(first.y, again.y)
    assert not torch.equal(first.x, other.x)


@pytest.mark.parametrize("patch", [PLANE, BLOCK, (16, 96, 96)])
def test_the_source_draws_the_same_from_cache_and_memory(
    sampler: LiverSampler, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patch: tuple[int, ...]
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    for _ in range(2):  # written, then found
        kept = make_sampler(Selection(folder, ("held-out",)), PLAN, PLANE, seed=0)
        assert [case.name for case in kept.patients if not hasattr(case, "hounsfield")] == ["first", "volume-5"]
        drawn = [replace(s, patch=patch).draw(torch.Generator().manual_seed(2), 6) for s in (sampler, kept)]
        assert torch.equal(drawn[0].x, drawn[1].x) and torch.equal(drawn[0].y, drawn[1].y)
    assert {path.name for path in tmp_path.iterdir()} == {"first", "volume-5"}


def test_every_kind_of_plane_is_drawn(sampler: LiverSampler) -> None:
    plain = replace(sampler, mixture=Mixture(real=1.0, tumours=0.0, bent=0.0))
    batch = plain.draw(torch.Generator().manual_seed(0), 40)
    tumour, liver = batch.y[:, 1].flatten(1).any(dim=1), batch.y[:, 0].flatten(1).any(dim=1)
    assert bool(tumour.any()) and bool((liver & ~tumour).any()) and bool((~liver).any())


def test_without_synthesis_only_true_tumours_of_patients_with_a_ct_are_drawn(sampler: LiverSampler) -> None:
    straight = replace(sampler, patch=BLOCK, mixture=replace(sampler.mixture, bent=0.0, tumours=1.0))
    true = max(int(case.regions[1].sum()) for case in sampler.patients)
    plain = straight.without_synthesis()
    assert plain.cases == ("first", "volume-5")
    assert plain.data == "2 labelled CTs" and straight.data.startswith("2 labelled CTs, and CTs painted from the label maps of ")
    most = [int(sampler.draw(torch.Generator().manual_seed(4), 12).y[:, 1].flatten(1).sum(dim=1).max()) for sampler in (straight, plain)]
    assert most[1] <= true < most[0]


def test_a_sample_in_shape_is_not_bent(sampler: LiverSampler) -> None:
    assert sampler.mixture.bent > 0 and sampler.in_shape().mixture == replace(sampler.mixture, bent=0.0)


def test_a_case_without_a_share_is_never_drawn(sampler: LiverSampler) -> None:
    real = replace(sampler.without_synthesis().in_shape(), patch=PLANE)
    only = replace(real, patients=[case for case in real.patients if case.name == "first"])
    shared = real.emphasising({"volume-5": 0.0})
    first, second = (each.draw(torch.Generator().manual_seed(0), 6) for each in (only, shared))
    assert torch.equal(first.x, second.x) and torch.equal(first.y, second.y)


def test_a_healed_liver_has_liver_where_the_tumour_was(sampler: LiverSampler) -> None:
    real = replace(sampler.without_synthesis().in_shape(), patch=BLOCK)
    healed = replace(real, mixture=replace(real.mixture, healed=1.0, planes=(1.0, 0.0, 0.0)))
    ill = replace(real, mixture=replace(real.mixture, planes=(1.0, 0.0, 0.0)))
    found = 0
    for seed in range(8):
        before, after = (each.draw(torch.Generator().manual_seed(seed), 1) for each in (ill, healed))
        tumour, liver = before.y[0, 1] > 0, before.y[0, 0] > 0
        if not torch.equal(after.y[:, 0], before.y[:, 0]) or tumour.sum() < 30:
            continue  # another noise was drawn, or another place
        found += 1
        assert not after.y[0, 1].any()
        level = after.x[0, 0][liver & ~tumour].median()
        assert abs(float(after.x[0, 0][tumour].median() - level)) < 0.1 < abs(float(before.x[0, 0][tumour].median() - level))
    assert found >= 3


def test_a_lobe_is_liver_beside_the_liver_and_looks_like_it() -> None:
    shape = (12, 60, 80)
    organs = torch.full(shape, int(Organ.BODY), dtype=torch.uint8)
    organs[:, 20:40, 10:40], organs[:, 20:40, 50:60] = int(Organ.LIVER), int(Organ.LEFT_KIDNEY)
    liver = organs == Organ.LIVER
    block = torch.where(liver, 110.0, -20.0) + 3 * torch.randn(shape, generator=torch.Generator().manual_seed(9))
    grown = 0
    for seed in range(24):
        lobe = grow_lobe(organs, liver, (3.5, 3.5, 4.0), torch.Generator().manual_seed(seed))
        assert not (lobe & (organs != Organ.BODY)).any()
        planted = plant_lobe(block, lobe, liver, 110.0, torch.Generator().manual_seed(seed))
        inner = lobe & (blur(lobe[None].float(), (0.0, 1.5, 1.5))[0] > 0.95)
        if inner.sum() > 50:
            grown += 1
            assert abs(float(planted[inner].median()) - 110) < 15
        assert abs(float(planted[liver].median()) - 110) < 3
        far = blur((lobe | liver)[None].float(), (1.0, 2.0, 2.0))[0] < 1e-4
        torch.testing.assert_close(planted[far], block[far])
    assert grown >= 6
    assert not grow_lobe(organs, torch.zeros_like(liver), (3.5, 3.5, 4.0), torch.Generator()).any()


def trunk() -> torch.Tensor:
    """An organ map (24, 60, 80): a liver to the right, a stomach's place to the left, lungs, and bone at the back."""
    organs = torch.full((24, 60, 80), int(Organ.BODY), dtype=torch.uint8)
    organs[:, :4], organs[:, -4:], organs[:, :, :4], organs[:, :, -4:] = [int(Organ.OUTSIDE)] * 4
    organs[16:, 14:46, 14:66] = int(Organ.LEFT_LUNG)
    organs[10:, 14:46, 50:66] = int(Organ.LEFT_LUNG)
    organs[4:16, 16:42, 14:42] = int(Organ.LIVER)
    organs[:, 50:54, 36:44] = int(Organ.BONE)
    return organs


def test_some_lobes_lengthen_the_left_lobe_and_some_of_them_lift_the_lung() -> None:
    organs = trunk()
    liver, longer, lifted = organs == Organ.LIVER, 0, 0
    for seed in range(40):
        lobe = grow_lobe(organs, liver, (3.5, 3.5, 4.0), torch.Generator().manual_seed(seed))
        assert not (lobe & (organs != Organ.BODY) & (organs != Organ.LEFT_LUNG)).any()
        assert not lobe[16:].any()  # above the liver is the diaphragm
        assert not lobe[:, 47:, 38:42].any()  # and by the spine the great vessels
        longer += bool(lobe[:, :, 52:].any())
        lifted += bool((lobe & (organs == Organ.LEFT_LUNG)).any())
    assert 8 <= longer < 40 and 2 <= lifted <= 26


def test_the_diaphragm_lies_on_the_liver_and_is_no_liver() -> None:
    organs, spacing = trunk(), (3.5, 3.5, 4.0)
    liver, thick = organs == Organ.LIVER, []
    k, j, i = torch.meshgrid(*[torch.arange(n) for n in liver.shape], indexing="ij")
    sides = ((k - k.clamp(4, 15)) * 4.0, (j - j.clamp(16, 41)) * 3.5, (i - i.clamp(14, 41)) * 3.5)
    away_mm = torch.stack(sides).float().norm(dim=0)
    for seed in range(24):
        muscle = grow_diaphragm(organs, liver, spacing, torch.Generator().manual_seed(seed))
        assert set(organs[muscle].tolist()) <= {int(Organ.BODY), int(Organ.LEFT_LUNG)}
        assert not (away_mm[muscle] > 45).any()
        assert not muscle[:4, 24:34, 22:34].any()  # nothing under the liver
        thick.append(int(muscle[16:, 24:34, 22:34].sum()) / 120)
    assert min(thick) < 1 and 2 < max(thick) < 8  # planes of 4 mm
    assert not grow_diaphragm(organs, torch.zeros_like(liver), spacing, torch.Generator()).any()


def test_a_planted_diaphragm_is_darker_than_the_liver_and_leaves_it() -> None:
    organs = trunk()
    liver = organs == Organ.LIVER
    block = torch.where(liver, 110.0, -800.0) + 3 * torch.randn(liver.shape, generator=torch.Generator().manual_seed(9))
    muscle = torch.zeros_like(liver)
    muscle[16:19, 16:42, 14:42] = True
    for seed in range(8):
        planted = plant_diaphragm(block, muscle, liver, 110.0, torch.Generator().manual_seed(seed))
        assert 25 < float(planted[17, 20:38, 18:38].median()) < 105
        assert abs(float(planted[liver].median()) - 110) < 3
        torch.testing.assert_close(planted[:, :10], block[:, :10])


def test_maps_alone_are_no_patients(sampler: LiverSampler) -> None:
    shapes = [case for case in sampler.patients if case.hounsfield is None]
    with pytest.raises(InputRefused, match="no labelled CT"):
        replace(sampler, patients=shapes).without_synthesis()


def test_blocks_repeat_the_outermost_plane_and_pad_the_rest() -> None:
    volume = torch.arange(3.0).view(3, 1, 1).expand(3, 4, 4)
    block = block_of(volume, range(-1, 2), (slice(-1, 3), slice(2, 7)), -9.0)
    assert block.shape == (3, 4, 5)
    assert block[:, 1, 0].tolist() == [0.0, 0.0, 1.0]
    assert bool((block[:, 0] == -9).all()) and bool((block[:, :, 2:] == -9).all())


@pytest.mark.parametrize("planes", [3, 24])
def test_bending_moves_image_and_regions_together(planes: int) -> None:
    regions = torch.zeros((2, planes, 48, 48), dtype=torch.bool)
    regions[0, :, 12:36, 12:36] = True
    regions[1, :, 20:28, 20:28] = True
    block = torch.where(regions[0], 100.0, -1000.0)
    moved, bent = bend(block, regions, 6.0, torch.Generator().manual_seed(2))
    assert not torch.equal(bent, regions)
    inner = slice(1, -1) if planes > 8 else slice(None)  # a thick block may also move out of its first and last plane
    assert float(((moved[inner] > -450) == bent[0, inner]).float().mean()) > 0.995
    assert not bool((bent[1] & ~bent[0]).any())


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        make_sampler(Selection(tmp_path), PLAN, PLANE, seed=0)


def test_real_patients_are_found(data: Path) -> None:
    assert {"3dircadb_01", "3dircadb_07"} <= {case.name for case in find_cases(data)}
