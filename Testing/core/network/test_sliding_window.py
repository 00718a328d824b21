"""Tiles add up to the whole, the ladder goes down, mirrored averaging is symmetric."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from MedSegDLLib.errors import OutOfMemory
from MedSegDLLib.network import sliding_window as room
from MedSegDLLib.network.inception_unet import Architecture
from MedSegDLLib.network.sliding_window import Rung, gaussian_window, ladder, neighbour_stack, predict, tile_boxes
from MedSegDLLib.tasks import BRAIN, LIVER

LIBRARY = Path(__file__).resolve().parents[3] / "MedSegDL"
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
    plan = replace(LIVER.plan, slices=3)
    out, _ = predict(Pointwise(ARCH_2D), x, plan, [Rung("whole", (19, 16, 16), CPU)], False, quiet)
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
    needed = room.estimate_bytes(ARCH_3D, BRAIN.plan.tile) + room.whole_bytes(ARCH_3D, (300, 300, 300))
    enough_for_tiles = int(needed / room.SAFE_SHARE) + 1
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


def test_a_gpu_that_is_full_leaves_the_cpu(monkeypatch):
    """The estimate takes the rungs of the GPU off ahead; what it lets pass ends there by torch's own error, rung after rung."""
    cuda = torch.device("cuda", 0)
    monkeypatch.setattr(room, "available_memory_bytes", lambda device: 1 << 50)
    names = [rung.name for rung in ladder(ARCH_3D, BRAIN.plan, (200, 200, 200), cuda)]
    assert names == [f"{size} on {place}" for place in ("cuda:0", "cpu") for size in ("whole", "tiles", "small tiles")]
    monkeypatch.setattr(room, "available_memory_bytes", lambda device: 1000 if device.type == "cuda" else 1 << 50)
    assert {rung.device for rung in ladder(ARCH_3D, BRAIN.plan, (200, 200, 200), cuda)} == {CPU}

    full = torch.device("meta")  # stands for a GPU: nothing can be computed there
    tried = []

    def run(network, x, plan, rung, mirrored, progress):
        tried.append(rung.name)
        if rung.device == full:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.zeros(1)

    monkeypatch.setattr(room, "_run", run)
    rungs = [Rung("whole on gpu", (8, 8, 8), full), Rung("tiles on gpu", (4, 4, 4), full), Rung("whole on cpu", (8, 8, 8), CPU)]
    _, used = predict(Pointwise(ARCH_3D), torch.zeros(2, 8, 8, 8), BRAIN.plan, rungs, False, quiet)
    assert tried == ["whole on gpu", "tiles on gpu", "whole on cpu"] and used is rungs[2]


def test_the_estimate_grows_with_the_tile_and_the_network():
    small, large = (room.estimate_bytes(ARCH_3D, (side,) * 3) - room.LEAST_PASS_BYTES for side in (32, 64))
    assert large == 8 * small
    wide = Architecture(3, 2, 1, (4, 4), added_maps=1)
    assert room.estimate_bytes(wide, (64,) * 3) - room.LEAST_PASS_BYTES == 2 * large
    planes = [room.estimate_bytes(ARCH_2D, (depth, 64, 64)) for depth in (10, 100)]
    assert planes[0] == planes[1]  # slices go through one after the other


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's memory peak and resets it")
@pytest.mark.parametrize(("profile", "tile"), [("brain", (64, 64, 64)), ("liver", (1, 384, 384))])
def test_the_estimate_is_near_what_a_pass_takes(profile, tile):
    """In a process of its own. `make bench` holds larger tiles to 25 %; at this size torch's own buffers count too."""
    script = (
        "import sys, torch; from pathlib import Path; from MedSegDLLib.network.device import resident_memory_mb\n"
        "from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet\n"
        "from MedSegDLLib.network.sliding_window import *\n"
        "from MedSegDLLib.tasks import BRAIN\n"
        "torch.set_num_threads(1); arch, tile = PROFILES[sys.argv[1]], tuple(map(int, sys.argv[2:]))\n"
        "network = InceptionUNet(arch); PLAN = BRAIN.plan\n"
        "def run(shape): predict(network, torch.randn(arch.in_channels, *shape), PLAN, [Rung('', shape, CPU)], False, lambda *a: None)\n"
        "run((16, 16, 16)); held = resident_memory_mb(); Path('/proc/self/clear_refs').write_text('5'); run(tile)\n"
        "peak = next(l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) / 1024 - held, (estimate_bytes(arch, tile) + whole_bytes(arch, tile)) / 2**20)\n"
    )
    command = [sys.executable, "-c", script, profile, *map(str, tile)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(LIBRARY)}, capture_output=True, text=True, check=True)
    measured, estimated = map(float, done.stdout.split())
    assert 0.65 < estimated / measured < 1.5


def test_other_errors_surface():
    class Broken(Pointwise):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        predict(Broken(ARCH_3D), torch.zeros(2, 8, 8, 8), BRAIN.plan, [Rung("whole", (8, 8, 8), CPU)] * 2, False, quiet)
