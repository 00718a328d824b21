"""Regions end where the image's intensities change, no further away than they may, and nowhere else than without where it tells nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from MedSegDLLib.geometry import boxes
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.postprocess import edges
from MedSegDLLib.postprocess.edges import CORE_MM, FAR_MM, INSIDE_MM, OUTSIDE_MM, bayes_error, edges_of, octants, signed_distance_mm
from MedSegDLLib.postprocess.restore import Known, restore
from MedSegDLLib.tasks import LIVER, NUCLEI, Plan, Scale

from ..tiny import LPS
from .test_restore import oblique

PLAN = replace(LIVER.plan, threshold=0.5, inner_threshold=0.5)
TASK = replace(LIVER, regions=(LIVER.region("liver"),), conventions=(), label_names=())
COARSE = Grid((32, 32, 32), LPS @ np.diag([3.0, 3.0, 3.0, 1.0]))
CENTRE = (COARSE.affine @ np.array([15.5, 15.5, 15.5, 1.0]))[:3]
FINE = Grid((60, 96, 96), LPS @ np.diag([1.0, 1.0, 1.6, 1.0]))
TURNED = oblique(20, (1.1, 0.9, 2.0), (50, 100, 90), CENTRE)
RADIUS_MM = 25.0


def distance_from(centre_mm: np.ndarray, grid: Grid) -> np.ndarray:
    """(K, J, I) mm."""
    kji = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1)
    return np.linalg.norm(kji[..., ::-1] @ grid.affine[:3, :3].T + grid.affine[:3, 3] - centre_mm, axis=-1)


def drawn(grid: Grid, radius_mm: float, inside: float = 110.0, around: float = 40.0, noise: float = 15.0) -> Image:
    """A bright ball with the noise of a CT, int16."""
    values = np.where(distance_from(CENTRE, grid) < radius_mm, inside, around)
    return Image((values + np.random.default_rng(0).normal(0, noise, grid.shape)).astype(np.int16), grid.affine, "ct")


def unsure(radius_mm: float, slope_mm: float = 2.0) -> torch.Tensor:
    """A network's ball, one half on its surface: (1, K, J, I)."""
    return torch.from_numpy(1 / (1 + np.exp((distance_from(CENTRE, COARSE) - radius_mm) / slope_mm))).float()[None]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("target", [FINE, TURNED], ids=["straight", "turned"])
@pytest.mark.parametrize("off_mm", [3.0, -2.0])
def test_a_border_moves_to_where_intensities_change(target: Grid, off_mm: float) -> None:
    truth = distance_from(CENTRE, target) < RADIUS_MM
    image, network = drawn(target, RADIUS_MM), unsure(RADIUS_MM + off_mm)
    plain = restore(network, COARSE, target, TASK, replace(PLAN, follow_edges=False), known=Known(image=image)).masks["liver"] > 0
    followed = restore(network, COARSE, target, TASK, PLAN, known=Known(image=image)).masks["liver"] > 0
    assert overlap(plain, truth) < 0.91
    assert overlap(followed, truth) > 0.97


@pytest.mark.parametrize("values", ["the same everywhere", "the same noise everywhere", "no image"])
def test_an_image_that_tells_nothing_changes_nothing(values: str) -> None:
    image = {"the same everywhere": Image(np.full(FINE.shape, 100, np.int16), FINE.affine, "ct"), "no image": None}.get(
        values, drawn(FINE, 1e3)
    )
    network = unsure(RADIUS_MM)
    plain = restore(network, COARSE, FINE, TASK, replace(PLAN, follow_edges=False)).masks["liver"] > 0
    followed = restore(network, COARSE, FINE, TASK, PLAN, known=Known(image=image)).masks["liver"] > 0
    if values == "the same noise everywhere":
        assert overlap(plain, followed) > 0.99
    else:
        assert np.array_equal(plain, followed)


@pytest.mark.parametrize("radius_mm", [RADIUS_MM - 12, RADIUS_MM + 12])
def test_no_border_moves_further_than_it_may(radius_mm: float) -> None:
    followed = restore(unsure(RADIUS_MM), COARSE, FINE, TASK, PLAN, known=Known(image=drawn(FINE, radius_mm))).masks["liver"] > 0
    distance, voxel_mm = distance_from(CENTRE, FINE), 3.0
    assert followed[distance < RADIUS_MM - INSIDE_MM - voxel_mm].all()
    assert not followed[distance > RADIUS_MM + OUTSIDE_MM + voxel_mm].any()


def test_a_dark_tumour_at_the_surface_stays_liver() -> None:
    at_surface = CENTRE + np.array([RADIUS_MM - 4.0, 0.0, 0.0])
    image = drawn(FINE, RADIUS_MM)
    tumour = (distance_from(at_surface, FINE) < 7) & (distance_from(CENTRE, FINE) < RADIUS_MM)
    image.array[tumour] -= 60
    network = unsure(RADIUS_MM)
    inner = torch.from_numpy(1 / (1 + np.exp(distance_from(at_surface, COARSE) - 8))).float()[None]
    found = restore(torch.cat([network, inner]), COARSE, FINE, LIVER, PLAN, known=Known(image=image)).masks
    unaware = restore(torch.cat([network, torch.zeros_like(inner)]), COARSE, FINE, LIVER, PLAN, known=Known(image=image)).masks
    assert (found["liver"] > 0)[tumour].mean() > 0.95 > 0.6 > (unaware["liver"] > 0)[tumour].mean()
    assert (found["tumour"] <= found["liver"]).all() and overlap(found["tumour"] > 0, tumour) > 0.8


def rough(seed: int) -> torch.Tensor:
    """A network's ball whose surface errs by 1.5 mm here and there: (1, K, J, I)."""
    noise = torch.randn((1, 1, *COARSE.shape), generator=torch.Generator().manual_seed(seed))
    for _ in range(3):
        noise = torch.nn.functional.avg_pool3d(noise, 5, stride=1, padding=2, count_include_pad=False)
    error_mm = (1.5 * noise / noise.std())[0, 0].numpy()
    return torch.from_numpy(1 / (1 + np.exp((distance_from(CENTRE, COARSE) - RADIUS_MM + error_mm) / 2.0))).float()[None]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("muscle", [1.0, 0.8, 0.5], ids=["all round", "but for a fifth of fat", "one half, fat the other"])
@pytest.mark.parametrize("contrast", [0.0, 5.0, 10.0, 25.0])
def test_an_isodense_liver_is_never_made_worse(contrast: float, muscle: float, seed: int) -> None:
    """As bright as what lies around it on some or all sides: there the network's border stays, elsewhere it may gain."""
    across = np.arange(FINE.shape[2])[None, None] / FINE.shape[2]
    values = np.where(distance_from(CENTRE, FINE) < RADIUS_MM, 60.0 + contrast, np.where(across < muscle, 60.0, -100.0))
    noise = np.random.default_rng(seed).normal(0, 15, FINE.shape)
    image, network = Image((values + noise).astype(np.int16), FINE.affine, "ct"), rough(seed)
    truth = distance_from(CENTRE, FINE) < RADIUS_MM
    plain = restore(network, COARSE, FINE, TASK, replace(PLAN, follow_edges=False)).masks["liver"] > 0
    followed = restore(network, COARSE, FINE, TASK, PLAN, known=Known(image=image)).masks["liver"] > 0
    assert overlap(followed, truth) >= overlap(plain, truth)
    if muscle == 0.5 and contrast:
        assert overlap(followed, truth) > overlap(plain, truth) + 0.005


@pytest.mark.parametrize("belief", [0.3, 0.1, 0.03])
def test_a_rim_tumour_that_the_network_hardly_believes_in_stays_liver(belief: float) -> None:
    at_surface = CENTRE + np.array([RADIUS_MM - 4.0, 0.0, 0.0])
    image, network = drawn(FINE, RADIUS_MM), unsure(RADIUS_MM)
    tumour = (distance_from(at_surface, FINE) < 7) & (distance_from(CENTRE, FINE) < RADIUS_MM)
    image.array[tumour] -= 60
    inner = torch.from_numpy(belief * (distance_from(at_surface, COARSE) < 10)).float()[None]
    plain = restore(torch.cat([network, inner]), COARSE, FINE, LIVER, replace(PLAN, follow_edges=False)).masks["liver"] > 0
    found = restore(torch.cat([network, inner]), COARSE, FINE, LIVER, PLAN, known=Known(image=image)).masks["liver"] > 0
    assert found[tumour].mean() >= plain[tumour].mean() - 0.01


def test_a_bayes_error_is_that_of_two_bells() -> None:
    x = torch.linspace(-8, 10, 100_001, dtype=torch.float64)
    first, second = (torch.exp(-0.5 * (x - middle) ** 2) for middle in (0.0, 2.0))
    assert bayes_error(first, second) == pytest.approx(0.158655, abs=1e-4) and bayes_error(first, first) == pytest.approx(0.5)


def test_octants_are_the_eight_sides() -> None:
    mask = np.zeros((6, 7, 8), bool)
    mask[1:5, 1:5, 2:6] = True
    found = octants(mask).numpy()
    assert sorted(np.unique(found)) == list(range(8)) and found[0, 0, 0] == 0 and found[-1, -1, -1] == 7
    assert np.bincount(found[mask]).tolist() == [8] * 8


def test_slices_at_a_time_are_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    image, network = drawn(FINE, RADIUS_MM), unsure(RADIUS_MM + 2)
    usual = restore(network, COARSE, FINE, TASK, PLAN, known=Known(image=image)).masks["liver"]
    for module in (edges, boxes):
        monkeypatch.setattr(module, "SLAB_PLANES", 1000)
    assert np.array_equal(usual, restore(network, COARSE, FINE, TASK, PLAN, known=Known(image=image)).masks["liver"])


@pytest.mark.parametrize("kind", ["nothing", "too small", "outside of the image"])
def test_nothing_is_counted_where_there_is_too_little(kind: str) -> None:
    probability = torch.zeros(COARSE.shape) if kind == "nothing" else unsure(8.0 if kind == "too small" else RADIUS_MM)[0]
    target = FINE
    if kind == "outside of the image":
        far = FINE.affine.copy()
        far[0, 3] += 1000.0
        target = Grid(FINE.shape, far)
    assert edges_of(probability, torch.zeros_like(probability), COARSE, drawn(target, RADIUS_MM), PLAN.window, 0.5) is None
    masks = restore(probability[None], COARSE, target, TASK, PLAN, known=Known(image=drawn(target, RADIUS_MM))).masks
    assert (masks["liver"].sum() > 0) == (kind == "too small")


def test_distances_are_those_of_a_ball() -> None:
    distance = distance_from(CENTRE, COARSE)
    found = signed_distance_mm(distance < RADIUS_MM, COARSE).numpy()
    near = np.abs(distance - RADIUS_MM) < CORE_MM
    assert np.abs(found - (distance - RADIUS_MM))[near].max() < 3.0
    assert found[0, 0, 0] == FAR_MM and found[distance < RADIUS_MM].max() < 0 < found[distance >= RADIUS_MM].min()


def test_a_region_at_the_rim_has_its_border_there_too() -> None:
    mask = np.ones((6, 6, 6), bool)
    assert (signed_distance_mm(mask, Grid(mask.shape, LPS)).numpy() < 0).all()


def test_only_a_window_can_be_counted_in() -> None:
    with pytest.raises(ValueError, match="window"):
        replace(NUCLEI.plan, follow_edges=True)
    assert Plan.from_json(LIVER.plan.to_json()) == LIVER.plan and LIVER.plan.scale is Scale.WINDOW
    assert not Plan.from_json({k: v for k, v in LIVER.plan.to_json().items() if k != "follow_edges"}).follow_edges
