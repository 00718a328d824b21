"""Tiles add up to the whole, the ladder goes down, mirrored averaging is symmetric."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from MedSegDLLib import predict as room
from MedSegDLLib.errors import OutOfMemory
from MedSegDLLib.networks import Architecture
from MedSegDLLib.predict import Rung, gaussian_window, ladder, neighbour_stack, predict, tile_boxes
from MedSegDLLib.tasks import BRAIN, LIVER

CPU = torch.device("cpu")
ARCH_3D = Architecture(3, 2, 1, (2, 2), added_maps=1)
ARCH_2D = Architecture(2, 3, 1, (2, 2), added_maps=1)


def quiet(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0


class Pointwise(nn.Module):
    """A stand-in whose answer at a voxel depends on that voxel alone: tiles must then change nothing."""

    def __init__(self, arch: Architecture) -> None:
        super().__init__()
        self.arch = arch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert all(side % self.arch.divisor == 0 for side in x.shape[2:])
        return x[:, :1] - 0.5 * x[:, 1:2]


@pytest.mark.parametrize("shape", [(8, 8, 8), (9, 17, 12), (1, 5, 3), (31, 4, 10)])
def test_tiles_give_the_whole_answer(shape):
    x = torch.randn((2, *shape), generator=torch.Generator().manual_seed(1))
    rung = Rung("tiles", (8, 8, 8), CPU)
    tiled, used = predict(Pointwise(ARCH_3D), x, BRAIN.plan, [rung], False, quiet)
    assert used is rung
    assert torch.allclose(tiled, torch.sigmoid(x[:1] - 0.5 * x[1:]), atol=1e-5)


def test_slices_see_their_neighbours():
    x = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 2, 2)
    stack = neighbour_stack(x, 3)
    assert stack.shape == (4, 3, 2, 2)
    assert stack[:, :, 0, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_planes_cover_every_slice():
    x = torch.randn((1, 19, 10, 6), generator=torch.Generator().manual_seed(2))
    out, _ = predict(Pointwise(ARCH_2D), x, LIVER.plan, [Rung("whole", (19, 16, 16), CPU)], False, quiet)
    before = x[:, [0, *range(18)]]
    assert torch.allclose(out, torch.sigmoid(before - 0.5 * x), atol=1e-6)


def test_boxes_cover_all_and_stay_inside():
    seen = torch.zeros(37, 20, 9)
    for box in tile_boxes(tuple(seen.shape), (16, 16, 16)):
        assert seen[box].shape == (16, 16, 9)
        seen[box] += 1
    assert seen.min() >= 1


def test_window_is_highest_in_the_middle_and_never_zero():
    window = gaussian_window((9, 9, 9))
    assert window[4, 4, 4] == window.max() and window.min() > 0


def test_mirrored_averaging_commutes_with_mirroring():
    torch.manual_seed(0)
    network = nn.Conv3d(2, 1, 3, padding=1)
    network.arch = ARCH_3D
    x = torch.randn(2, 8, 8, 8)
    rungs = [Rung("whole", (8, 8, 8), CPU)]
    plan = replace(BRAIN.plan, mirror=(-1, -2))
    straight, _ = predict(network, x, plan, rungs, True, quiet)
    mirrored, _ = predict(network, torch.flip(x, (-1,)), plan, rungs, True, quiet)
    assert torch.allclose(torch.flip(mirrored, (-1,)), straight, atol=1e-6)
    plain, _ = predict(network, x, plan, rungs, False, quiet)
    assert not torch.allclose(plain, straight, atol=1e-4)


def test_the_ladder_goes_from_whole_to_small(monkeypatch):
    monkeypatch.setattr(room, "available_memory_bytes", lambda device: 1 << 50)
    names = [rung.name for rung in ladder(ARCH_3D, BRAIN.plan, (200, 200, 200), CPU)]
    assert names == ["whole on cpu", "tiles on cpu", "small tiles on cpu"]


def test_a_rung_that_cannot_fit_is_left_off(monkeypatch):
    enough_for_tiles = int(room.estimate_bytes(ARCH_3D, BRAIN.plan.tile) / room.SAFE_SHARE) + 1
    monkeypatch.setattr(room, "available_memory_bytes", lambda device: enough_for_tiles)
    names = [rung.name for rung in ladder(ARCH_3D, BRAIN.plan, (300, 300, 300), CPU)]
    assert names == ["tiles on cpu", "small tiles on cpu"]
    monkeypatch.setattr(room, "available_memory_bytes", lambda device: 1000)
    with pytest.raises(OutOfMemory):
        ladder(ARCH_3D, BRAIN.plan, (300, 300, 300), CPU)


def test_out_of_memory_goes_one_rung_down():
    class Hungry(Pointwise):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.shape[-1] > 8:
                raise torch.OutOfMemoryError("too large")
            return super().forward(x)

    x = torch.randn(2, 16, 16, 16)
    rungs = [Rung("whole", (16, 16, 16), CPU), Rung("tiles", (8, 8, 8), CPU)]
    _, used = predict(Hungry(ARCH_3D), x, BRAIN.plan, rungs, False, quiet)
    assert used.name == "tiles"
    with pytest.raises(OutOfMemory):
        predict(Hungry(ARCH_3D), x, BRAIN.plan, rungs[:1], False, quiet)


def test_other_errors_surface():
    class Broken(Pointwise):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        predict(Broken(ARCH_3D), torch.zeros(2, 8, 8, 8), BRAIN.plan, [Rung("whole", (8, 8, 8), CPU)] * 2, False, quiet)
