"""Pictures: segments are drawn where they are, right is left, and nothing is written by halves."""

# ruff: noqa: E402 - nothing of the scene can be imported where slicer-core is missing

from __future__ import annotations

import numpy as np
import pytest

vtk = pytest.importorskip("vtk", reason="vtk is not installed: pip install vtk")
pytest.importorskip("slicer", reason="slicer-core is not installed: pip install slicer-core==5.12.4.0")

from vtk.util.numpy_support import vtk_to_numpy

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.scene import picture as picture_room
from MedSegDLLib.scene.canvas import Canvas
from MedSegDLLib.scene.picture import (
    MARGIN,
    PANEL,
    Overlay,
    overlay_png,
    overlays,
    overlays_of,
    plane_picture,
    render_result,
    surface_picture,
)
from MedSegDLLib.scene.segmentation import add_segmentation
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import BRAIN, NUCLEI

from .conftest import SHAPE, brain_masks, brain_result, nuclei_result, oblique_affine

RED = (1.0, 0.0, 0.0)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """A view of fewer rays is enough to judge by."""
    monkeypatch.setattr(picture_room, "VIEW_PIXELS", 64)


def read_png(path) -> np.ndarray:
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    data = reader.GetOutput()
    width, height, _ = data.GetDimensions()
    return vtk_to_numpy(data.GetPointData().GetScalars()).reshape(height, width, -1)[::-1] / 255


def block(low: int, high: int) -> np.ndarray:
    mask = np.zeros((40, 40, 40), np.uint8)
    mask[low:high, low:high, low:high] = 1
    return mask


@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0]), np.diag([1.0, -1.0, -1.0, 1.0])])
@pytest.mark.parametrize(("plane", "right", "down"), [("axial", 0, 1), ("coronal", 0, 2), ("sagittal", 1, 2)])
def test_planes_are_turned_as_radiologists_hold_them(affine, plane, right, down):
    """A block towards the patient's right, front and top is drawn left and up (of a sagittal plane: left and up too)."""
    affine = affine.copy()
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, 19.5)
    corner = np.array([8.0, 8.0, 8.0])  # RAS mm
    grid = np.stack([*np.meshgrid(*[np.arange(40.0)] * 3, indexing="ij")[::-1], np.ones((40, 40, 40))], axis=-1)
    ras = grid @ affine.T
    mask = (np.abs(ras[..., :3] - corner).max(axis=-1) < 5).astype(np.uint8)
    shown = Image(np.zeros((40, 40, 40), np.float32), affine)
    picture = plane_picture(shown, [Overlay("block", RED, mask)], plane, corner)
    rows, columns = np.nonzero(picture[..., 0] > 0.1)
    assert rows.size > 500
    assert rows.mean() < PANEL / 2 and columns.mean() < PANEL / 2
    half = 20.0
    assert columns.mean() / PANEL == pytest.approx(0.5 - corner[right] / (2 * half), abs=0.02)
    assert rows.mean() / PANEL == pytest.approx(0.5 - corner[down] / (2 * half), abs=0.02)


def test_outline_is_solid_and_fill_lets_the_image_through():
    shown = Image(np.ones((40, 40, 40), np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
    picture = plane_picture(shown, [Overlay("block", RED, block(10, 30))], "axial", np.array([-20.0, -20.0, 20.0]))
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).round(2).tolist()}
    assert (1.0, 0.0, 0.0) in colours and (1.0, 1.0, 1.0) in colours
    inner = picture[PANEL // 2, PANEL // 2]
    assert 0.5 < inner[1] < 0.9  # white through red


def test_a_surface_inside_glass_is_seen():
    image = Image(np.ones((40, 40, 40), np.float32), np.eye(4))
    outer = Overlay("outer", (0.0, 0.0, 1.0), block(5, 35), glass=True)
    alone = surface_picture(image, [outer])
    both = surface_picture(image, [outer, Overlay("inner", RED, block(15, 25))])
    assert alone[..., 0].max() < 0.75
    middle = (slice(PANEL // 2 - 20, PANEL // 2 + 20),) * 2
    assert (both[middle][..., 0] > both[middle][..., 1] + 0.1).any()


def test_a_surface_behind_is_hidden_by_a_solid_one_in_front():
    image = Image(np.zeros((40, 40, 40), np.float32), np.eye(4))
    inner = Overlay("inner", RED, block(15, 25))
    picture = surface_picture(image, [inner, Overlay("outer", (0.0, 0.0, 1.0), block(5, 35))])
    assert not ((picture[..., 0] > 0.5) & (picture[..., 2] < 0.3)).any()


def test_node_to_file(volume, tmp_path):
    segmentation = add_segmentation(brain_result(volume), volume)
    render_result(volume, segmentation, BRAIN, tmp_path / "case.png")
    picture = read_png(tmp_path / "case.png")
    assert picture.shape[1] == MARGIN + 4 * (PANEL + MARGIN)
    for region in BRAIN.regions:
        assert (np.abs(picture - region.color).max(axis=2) < 0.01).sum() > 50


def test_a_flat_picture_has_one_panel(bare, tmp_path):
    picture = node_from_image(Image(np.full((1, 9, 7), 100, np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0]), "slide"))
    drawn = overlays_of(nuclei_result(picture))
    assert drawn[0].label == "Nuclei  3"
    overlay_png(Image(np.full((1, 9, 7), 100, np.uint8), np.diag([-1.0, -1.0, 1.0, 1.0])), drawn, tmp_path / "nuclei.png")
    pixels = read_png(tmp_path / "nuclei.png")
    assert pixels.shape[1] == PANEL + 2 * MARGIN
    assert (np.abs(pixels - NUCLEI.regions[0].color).max(axis=2) < 0.01).sum() > 50


@pytest.mark.parametrize("masks", [{}, {key: np.zeros(SHAPE, np.uint8) for key in brain_masks()}])
def test_nothing_found_is_a_picture_too(masks, tmp_path):
    image = Image(np.random.default_rng(0).normal(size=SHAPE).astype(np.float32), oblique_affine())
    overlay_png(image, overlays(masks, BRAIN, 1.0), tmp_path / "case.png", "Nothing")
    assert read_png(tmp_path / "case.png").max() > 0.5


def test_legend_states_the_volume():
    labels = [drawn.label for drawn in overlays({"WT": np.ones((10, 10, 10), np.uint8)}, BRAIN, 2.5)]
    assert labels == ["Whole tumour (WT)  2.5 mL"]


def test_text_is_drawn_and_cut_at_the_edge():
    canvas = Canvas(30, 60)
    before = canvas.pixels.copy()
    width = canvas.write("Whole tumour 12.3 mL", 5, 10)
    assert width <= 50
    assert (canvas.pixels != before).any() and canvas.pixels.shape == before.shape
    assert (canvas.pixels[:4] == before[:4]).all()


def test_no_room_for_the_file(tmp_path):
    with pytest.raises(InputRefused, match=r"case\.png could not be written"):
        Canvas(8, 8).save(tmp_path / "missing" / "case.png")
    assert list(tmp_path.iterdir()) == []
