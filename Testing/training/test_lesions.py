"""Cubes of real lesions and series of thick slices: what is read, where it comes to lie, and what is left alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from medsegdl_training.cases.lesion_cubes import SIDES_MM, completed, find_lesions, read_lesion
from medsegdl_training.cases.selection import Selection
from medsegdl_training.synthesis.brain_images import TissueIntensities
from medsegdl_training.synthesis.grafts import graft
from medsegdl_training.synthesis.scanner import inclined_slices, misplaced, thick_series
from medsegdl_training.synthesis.tissue import Tissue
from medsegdl_training.train.brain_sampler import Mixture, find_names, make_sampler
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.tasks import BRAIN

from .test_brain import write_patient

SIDE = 32
LEVEL = 5.0  # of the lesion's FLAIR, which nothing else here has


def cube(**places: tuple[slice, slice, slice]) -> dict[str, np.ndarray]:
    """Brain of 1 in the first half along x, with boxes (x, y, z) of oedema, necrosis and rim."""
    image, labels = np.zeros((4, SIDE, SIDE, SIDE), np.float16), np.zeros((SIDE, SIDE, SIDE), np.uint8)
    image[:, :16] = 1
    for name, label in (("oedema", 2), ("necrosis", 1), ("rim", 4)):
        if name in places:
            labels[places[name]] = label
            image[3][places[name]] = LEVEL
    return {"image": image, "seg": labels}


def written(folder: Path, name: str, arrays: dict[str, np.ndarray]) -> Path:
    (folder / "cubes").mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "cubes" / f"{name}.npz", **arrays)
    return folder


NESTED = {"oedema": np.s_[2:14, 4:20, 4:28], "necrosis": np.s_[6:12, 8:16, 8:24], "rim": np.s_[8:10, 10:14, 10:20]}


def test_a_cube_keeps_its_place_its_millimetres_and_its_values(tmp_path: Path) -> None:
    [entry] = find_lesions(written(tmp_path, "BraTS20_Training_200_007", cube(**NESTED)))
    found = read_lesion(entry, BRAIN.plan)
    volumes = found.regions.flatten(1).sum(dim=1) * 8.0
    for volume, region in zip(volumes, ("oedema", "necrosis", "rim")):
        x, y, z = (part.stop - part.start for part in NESTED[region])
        assert float(volume) == pytest.approx(x * y * z * np.prod(SIDES_MM), rel=0.2)
    middle = (found.regions[0].nonzero().float().mean(dim=0) - (torch.tensor(found.regions.shape[1:]) - 1) / 2) * 2.0
    wanted = [((part.start + part.stop) / 2 - 16) * side for part, side in zip(NESTED["oedema"], SIDES_MM)][::-1]
    assert middle.tolist() == pytest.approx(wanted, abs=1.0)  # z, y, x from the cube's middle
    assert float(found.image[3][found.regions[0]].median()) == LEVEL
    assert bool((found.image[:, ~found.inside] == 0).all()) and torch.allclose(found.image[:3, found.inside], torch.ones(()), atol=1e-3)
    assert bool((found.regions.long().diff(dim=0) <= 0).all())
    assert float(found.intensities.level[Tissue.OEDEMA - 1, 3]) == pytest.approx(LEVEL, abs=0.6)
    assert bool(found.intensities.level[: Tissue.WHITE].isnan().all())


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda arrays: {"image": arrays["image"]},
        lambda arrays: arrays | {"seg": arrays["seg"] + 3},
        lambda arrays: arrays | {"image": arrays["image"][:3]},
        lambda arrays: arrays | {"seg": np.array([{}], dtype=object)},
    ],
    ids=["no labels", "other labels", "three modalities", "objects"],
)
def test_another_file_is_refused_by_name(tmp_path: Path, spoilt: object) -> None:
    [entry] = find_lesions(written(tmp_path, "BraTS20_Training_200_007", spoilt(cube(**NESTED))))
    with pytest.raises(InputRefused, match=r"BraTS20_Training_200_007\.npz is no cube"):
        read_lesion(entry, BRAIN.plan)


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    [entry] = find_lesions(written(tmp_path, "BraTS20_Training_200_007", cube(**NESTED)))
    entry.path.write_bytes(entry.path.read_bytes()[:300])
    with pytest.raises(InputRefused, match="no cube of a lesion"):
        read_lesion(entry, BRAIN.plan)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patient whole, three lesions of others, of whom one is reserved for tests and one is held out by the test."""
    place = tmp_path_factory.mktemp("cubes")
    write_patient(place, "whole", 3, 1)
    for number in ("200_007", "201_008"):
        written(place, f"BraTS20_Training_{number}", cube(**NESTED))
    written(place, "BraTS20_Training_158_009", {"image": np.zeros(1)})
    return place


def test_lesions_go_with_their_patients(folder: Path) -> None:
    assert set(find_names(folder)) >= {"whole", "BraTS20_Training_200_007", "BraTS20_Training_158_009"}
    sampler = make_sampler(Selection(folder, ("BraTS20_Training_201",)), BRAIN.plan, (16, 16, 16), seed=0)
    assert [lesion.name for lesion in sampler.lesions] == ["BraTS20_Training_200_007"]
    assert sampler.data.startswith("1 labelled brains, cubes of 1 lesions, and images")
    assert sampler.without_synthesis().data == "1 labelled brains"


def test_the_hash_of_the_data_tells_another_cube(folder: Path, tmp_path: Path) -> None:
    before = make_sampler(Selection(folder), BRAIN.plan, (16, 16, 16), seed=0).data_hash
    shutil.copytree(folder, tmp_path / "other")
    written(tmp_path / "other", "BraTS20_Training_200_007", cube(oedema=NESTED["oedema"]))
    assert make_sampler(Selection(tmp_path / "other"), BRAIN.plan, (16, 16, 16), seed=0).data_hash != before


def test_grafts_are_drawn_and_only_where_asked_for(folder: Path) -> None:
    sampler = make_sampler(Selection(folder), BRAIN.plan, (32, 32, 32), seed=0)
    real = replace(sampler, mixture=Mixture(real=1.0, planted=0.0, contrast=0.0, grafted=1.0, thick=0.0))
    grafted = real.draw(torch.Generator().manual_seed(1), 4)
    assert bool((grafted.x[:, 3].sub(LEVEL).abs() < 0.05).flatten(1).any(dim=1).all())
    plain = sampler.without_synthesis().draw(torch.Generator().manual_seed(1), 4)
    assert not bool((plain.x[:, 3].sub(LEVEL).abs() < 0.05).any())


def host() -> tuple[torch.Tensor, torch.Tensor]:
    """A brain of 2 with a box of tumour, T2 missing, nothing in the first planes."""
    image = torch.full((4, 30, 30, 30), 2.0)
    image[:, :5], image[2] = 0, 0
    regions = torch.zeros((3, 30, 30, 30), dtype=torch.bool)
    regions[0, 20:28, 20:28, 20:28] = True
    return image, regions


def lesion() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A cube of brain of 4 with nested regions; its last planes show none."""
    image, inside = torch.full((4, 12, 12, 12), 4.0), torch.ones((12, 12, 12), dtype=torch.bool)
    image[:, :, 10:], inside[:, 10:] = 0, False
    regions = torch.zeros((3, 12, 12, 12), dtype=torch.bool)
    regions[0, 3:9, 3:9, 3:9], regions[1, 4:8, 4:8, 4:8], regions[2, 5:7, 5:7, 5:7] = True, True, True
    return image, regions, inside


@pytest.mark.parametrize("seed", range(4))
def test_a_graft_changes_its_own_place_and_nothing_else(seed: int) -> None:
    image, regions = host()
    moved, drawn = graft(image, regions, lesion(), torch.tensor([12, 12, 12]), torch.Generator().manual_seed(seed))
    box = (slice(None), slice(6, 18), slice(6, 18), slice(6, 18))
    rest = torch.ones_like(image, dtype=torch.bool)
    rest[box] = False
    assert torch.equal(moved[rest], image[rest]) and torch.equal(drawn[:, 18:], regions[:, 18:])
    assert bool((moved[2] == 0).all()) and bool((moved[:, :5] == 0).all())  # what is missing, and no brain, stay so
    assert float(moved[0, 12, 12, 12]) == pytest.approx(4, abs=0.1) and bool(drawn[:, 12, 12, 12].all())
    assert bool((drawn.long().diff(dim=0) <= 0).all())
    assert float(moved[0].min()) >= 0 and float(moved[0].max()) <= 4  # between the two brains, no ringing


def test_a_graft_may_leave_the_patch_or_miss_the_brain() -> None:
    image, regions = host()
    for centre in ((29, 29, 29), (0, 0, 0), (1, 15, 15)):
        moved, drawn = graft(image, regions, lesion(), torch.tensor(centre), torch.Generator().manual_seed(0))
        assert moved.shape == image.shape and drawn.shape == regions.shape
        assert bool((moved[:, :5] == 0).all()) and not bool(drawn[:, :5].any())
    nothing = (torch.zeros(4, 6, 6, 6), torch.zeros(3, 6, 6, 6, dtype=torch.bool), torch.zeros(6, 6, 6, dtype=torch.bool))
    moved, drawn = graft(image, regions, nothing, torch.tensor([15, 15, 15]), torch.Generator().manual_seed(0))
    assert torch.equal(moved, image) and torch.equal(drawn, regions)


def test_half_of_the_grafts_are_mirrored() -> None:
    image, regions = host()
    values, nested, inside = lesion()
    nested[:, :, :, :6] = False  # the right half alone
    sides = set()
    for seed in range(12):
        _, drawn = graft(image, regions, (values, nested, inside), torch.tensor([12, 12, 12]), torch.Generator().manual_seed(seed))
        sides.add(bool(drawn[0, :18, :18, 12:18].any()))
    assert sides == {True, False}


@pytest.mark.parametrize("seed", range(6))
def test_thick_slices_keep_mean_deviation_background_and_missing_modalities(seed: int) -> None:
    image = torch.randn((4, 24, 20, 18), generator=torch.Generator().manual_seed(seed))
    image[:, :, :4], image[2] = 0, 0
    thick = thick_series(image, 2.0, torch.Generator().manual_seed(seed))
    assert torch.equal(thick == 0, image == 0)
    for channel, before in zip(thick[[0, 1, 3]], image[[0, 1, 3]]):
        brain = before != 0
        assert float(channel[brain].mean()) == pytest.approx(float(before[brain].mean()), abs=1e-3)
        assert float(channel[brain].std()) == pytest.approx(float(before[brain].std()), abs=1e-3)


@pytest.mark.parametrize("axis", range(3))
def test_inclined_slices_show_each_place_between_two_of_them(axis: int) -> None:
    sides, slopes, thickness, phase = (30, 24, 20), (0.1, -0.2), 4.0, 0.3
    ramp = torch.arange(float(sides[axis])).view([-1 if number == axis else 1 for number in range(3)]).expand(sides).contiguous()
    seen = inclined_slices(ramp, axis, thickness, slopes, phase).movedim(axis, 0)
    assert torch.allclose(seen[10:-10], ramp.movedim(axis, 0)[10:-10], atol=1e-4)  # what rises evenly does so still
    noise = torch.randn(sides, generator=torch.Generator().manual_seed(3))
    lines = inclined_slices(noise, axis, thickness, slopes, phase).movedim(axis, 0)
    first, second = (n for number, n in enumerate(sides) if number != axis)
    heights = torch.arange(sides[axis]).view(-1, 1, 1)
    rise = slopes[0] * (torch.arange(first) - first / 2).view(-1, 1) + slopes[1] * (torch.arange(second) - second / 2)
    slice_of = ((heights - rise) / thickness + phase).floor()
    bends = lines.diff(n=2, dim=0).abs()[5:-6]
    within = ((slice_of[2:] == slice_of[:-2])[5:-6]) & (bends > -1)
    assert float(bends[within].mean()) < 0.5 * float(bends[~within].mean())  # straight between two slices, bent at them


def test_a_slice_of_one_voxel_changes_nothing() -> None:
    image = torch.randn((8, 7, 6), generator=torch.Generator().manual_seed(1))
    assert torch.equal(inclined_slices(image, 0, 1.0, (0.2, 0.1), 0.5), image)


def test_what_a_registration_leaves_is_under_a_few_millimetres() -> None:
    grid = torch.stack(torch.meshgrid(*(torch.arange(40.0),) * 3, indexing="ij"))
    for seed in range(8):
        moved = torch.stack([misplaced(axis, 2.0, torch.Generator().manual_seed(seed)) for axis in grid])
        way = 2.0 * (moved - grid)[:, 10:-10, 10:-10, 10:-10].norm(dim=0)  # mm
        assert 0.05 < float(way.mean()) < 4.0


def test_series_lie_apart_or_alike() -> None:
    wave = torch.sin(torch.arange(24.0) * 2.2).view(-1, 1, 1).expand(24, 20, 18)
    alike = set()
    for seed in range(12):
        series = thick_series(torch.stack([wave + 3.0] * 4), 2.0, torch.Generator().manual_seed(seed))
        alike.add(bool(torch.allclose(series[0], series[3], atol=1e-3)))
    assert alike == {True, False}


def test_what_a_lesion_does_not_show_comes_from_another_patient() -> None:
    shown, rest = torch.full((6, 4), torch.nan), torch.arange(24.0).reshape(6, 4)
    shown[4] = 9
    both = completed(TissueIntensities(shown, shown), TissueIntensities(rest, rest))
    assert bool((both.level[4] == 9).all()) and torch.equal(both.level[:4], rest[:4]) and torch.equal(both.spread[5], rest[5])
