"""Every strategy gives the whole's answer; the estimate chooses, exhaustion goes on to the next; progress moves within a pass."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from MedSegDLLib.errors import Cancelled, OutOfMemory
from MedSegDLLib.network import slabs
from MedSegDLLib.network import sliding_window as room
from MedSegDLLib.network.inception_unet import PROFILES, Architecture, InceptionUNet
from MedSegDLLib.network.sliding_window import How, Strategy, estimate_bytes, kept_bytes, neighbour_stack, predict, strategies
from MedSegDLLib.network.weights import find_weights, load_weights
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, TASKS, Task

LIBRARY = Path(__file__).resolve().parents[3] / "MedSegDL"
CPU = torch.device("cpu")
WHOLE, LAYERS, SLABS = (Strategy(how, CPU) for how in How)
ARCH_3D = Architecture(3, 2, 1, (2, 2), added_maps=1)
ARCH_2D = Architecture(2, 3, 1, (2, 2), added_maps=1)
SAME_PROBABILITY = 1e-4
PLENTY = 1 << 50


def quiet(fraction: float, message: str) -> None:
    assert 0.0 <= fraction <= 1.0


def unusual(network: InceptionUNet) -> InceptionUNet:
    """Norms that shift and scale, so that every constant counts."""
    for norm in network.modules():
        if hasattr(norm, "weight") and hasattr(norm, "bias") and norm.weight.ndim == 1:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
    return network.eval().requires_grad_(False)


def lumps(channels: int, shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    """Smooth structures that differ from place to place, with noise: (C, K, J, I)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = 2 * torch.randn(1, channels, *(max(1, n // 6) for n in shape), generator=generator)
    smooth = nn.functional.interpolate(coarse, size=shape, mode="trilinear")[0]
    slope = torch.linspace(-1, 1, shape[-1])  # the ends differ, as a neck and a crown do
    return smooth + slope + 0.2 * torch.randn(smooth.shape, generator=generator)


@pytest.mark.parametrize("strategy", [LAYERS, SLABS], ids=lambda strategy: strategy.how.value)
@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_gives_the_wholes_answer(name: str, strategy: Strategy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of layer: fusion, residuals, strides, both inceptions, spectral pooling, added maps; slabs thinner than their count."""
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1)
    torch.manual_seed(0)
    network = unusual(InceptionUNet(replace(PROFILES[name], widths=(4, 4, 6), added_maps=2)))
    plan = replace(LIVER.plan, slices=3) if name == "liver" else BRAIN.plan
    channels = network.arch.in_channels // plan.slices
    x = lumps(channels, (21, 18, 15) if network.arch.spatial_dims == 3 else (3, 33, 30))
    whole, _ = predict(network, x, plan, [WHOLE], False, quiet)
    found, used = predict(network, x, plan, [strategy], False, quiet)
    assert used is strategy and found.shape == whole.shape == (network.arch.out_channels, *x.shape[1:])
    assert (found - whole).abs().max() < SAME_PROBABILITY
    assert whole.std() > 0.02


SHIPPED = {BRAIN: (40, 48, 40), LIVER: (48, 48, 48), NUCLEI: (1, 160, 144)}


@pytest.mark.parametrize("task", SHIPPED, ids=lambda task: task.key)
def test_the_shipped_weights_find_the_same_regions(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dice of 0.999 or more, against the whole; blocks by themselves, which were the tiles of old, fall far short of it."""
    monkeypatch.setattr(slabs, "SLAB_BYTES", 1 << 20)
    loaded = load_weights(find_weights(task), task)
    x = lumps(loaded.network.arch.in_channels, SHIPPED[task], seed=4)
    whole, _ = predict(loaded.network, x, loaded.plan, [WHOLE], False, quiet)
    level = [float(np.quantile(one.numpy(), 0.9)) for one in whole]  # made-up inputs need not reach the plan's own threshold
    for strategy in (LAYERS, SLABS):
        found, _ = predict(loaded.network, x, loaded.plan, [strategy], False, quiet)
        assert min(dice(a > t, b > t) for a, b, t in zip(found, whole, level)) >= 0.999
    halves = x.split(x.shape[2] // 2, dim=2)
    tiled = torch.cat([predict(loaded.network, half, loaded.plan, [WHOLE], False, quiet)[0] for half in halves], dim=2)
    assert min(dice(a > t, b > t) for a, b, t in zip(tiled, whole, level)) < 0.99


def dice(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize("strategy", [WHOLE, LAYERS, SLABS], ids=lambda strategy: strategy.how.value)
def test_progress_moves_within_a_pass_and_a_cancel_ends_it(strategy: Strategy) -> None:
    network = unusual(InceptionUNet(replace(PROFILES["brain"], widths=(4, 4, 6), added_maps=2)))
    seen: list[float] = []
    predict(network, lumps(4, (16, 16, 16)), BRAIN.plan, [strategy], False, lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen) and seen[0] == 0 and seen[-1] == pytest.approx(1.0)
    assert len(seen) > 40 and np.diff(seen).max() < 0.2

    def cancel(fraction: float, message: str) -> None:
        if fraction > 0.3:
            raise Cancelled()
        assert fraction <= 0.3

    with pytest.raises(Cancelled):
        predict(network, lumps(4, (16, 16, 16)), BRAIN.plan, [strategy], False, cancel)


def test_slices_and_mirrored_passes_share_the_progress() -> None:
    network = unusual(InceptionUNet(ARCH_2D))
    seen: list[float] = []
    plan = replace(NUCLEI.plan, mirror=(-1, -2))
    predict(network, lumps(3, (3, 16, 16)), plan, [LAYERS], True, lambda fraction, message: seen.append(fraction))
    assert seen[-1] == pytest.approx(1.0) and len(seen) > 60


def test_slices_see_their_neighbours() -> None:
    x = torch.arange(4.0).reshape(1, 4, 1, 1).expand(1, 4, 2, 2)
    stack = neighbour_stack(x, 3)
    assert stack.shape == (4, 3, 2, 2)
    assert stack[:, :, 0, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


@pytest.mark.parametrize("strategy", [WHOLE, SLABS], ids=lambda strategy: strategy.how.value)
def test_planes_cover_every_slice(strategy: Strategy) -> None:
    network = unusual(InceptionUNet(ARCH_2D))
    x = torch.randn((1, 7, 10, 6), generator=torch.Generator().manual_seed(2))
    out, _ = predict(network, x, replace(LIVER.plan, slices=3), [strategy], False, quiet)
    for k in range(7):
        slices = torch.stack([x[0, max(k - 1, 0)], x[0, k], x[0, min(k + 1, 6)]])[None]
        assert torch.allclose(out[:, k], torch.sigmoid(network(slices))[0], atol=1e-5)


def test_mirrored_averaging_commutes_with_mirroring() -> None:
    torch.manual_seed(0)
    network = unusual(InceptionUNet(replace(ARCH_3D, factorised=True)))
    x = torch.randn(2, 8, 8, 8)
    plan = replace(BRAIN.plan, mirror=(-1, -2))
    straight, _ = predict(network, x, plan, [WHOLE], True, quiet)
    mirrored, _ = predict(network, torch.flip(x, (-1,)), plan, [WHOLE], True, quiet)
    assert torch.allclose(torch.flip(mirrored, (-1,)), straight, atol=1e-6)
    by_slabs, _ = predict(network, x, plan, [SLABS], True, quiet)
    assert torch.allclose(by_slabs, straight, atol=1e-5)
    plain, _ = predict(network, x, plan, [WHOLE], False, quiet)
    assert not torch.allclose(plain, straight, atol=1e-4)


def free(monkeypatch: pytest.MonkeyPatch, cpu: float, gpu: float = PLENTY) -> None:
    monkeypatch.setattr(room, "available_memory_bytes", lambda device: int(cpu if device.type == "cpu" else gpu))


def test_the_quickest_that_fits_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    arch, shape = PROFILES["brain"], (96, 96, 96)
    free(monkeypatch, PLENTY)
    assert [one.name for one in strategies(arch, shape, CPU)] == ["whole on cpu", "layer by layer on cpu", "slab by slab on cpu"]
    for number, how in enumerate(How):
        needed = (estimate_bytes(arch, shape, how) + kept_bytes(arch, shape)) / room.SAFE_SHARE
        free(monkeypatch, needed + 10)
        assert [one.how for one in strategies(arch, shape, CPU)] == list(How)[number:]
    free(monkeypatch, needed - 10)
    with pytest.raises(OutOfMemory, match=f"{needed / 2**30:.1f} GiB"):
        strategies(arch, shape, CPU)


def test_a_large_picture_leaves_the_desktop_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """3000 x 3000 pixels in one piece take 10 GB; with any amount free they take less than 2."""
    free(monkeypatch, PLENTY)
    chosen = strategies(PROFILES["nuclei"], (1, 3000, 3000), CPU)
    assert [one.how for one in chosen] == [How.SLABS]
    assert estimate_bytes(PROFILES["nuclei"], (1, 3000, 3000), How.SLABS) < 2e9
    assert strategies(PROFILES["nuclei"], (1, 1024, 1024), CPU)[0].how is How.WHOLE


def test_a_gpu_is_tried_before_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda", 0)
    free(monkeypatch, PLENTY)
    found = [(one.how, str(one.device)) for one in strategies(PROFILES["brain"], (96, 96, 96), cuda)]
    assert found == [(how, place) for place in ("cuda:0", "cpu") for how in How]
    free(monkeypatch, PLENTY, gpu=1000)
    assert {one.device for one in strategies(ARCH_3D, (96, 96, 96), cuda)} == {CPU}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exhaustion_goes_on_to_the_next(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[How] = []

    def run(network, x, plan, strategy, mirrored, progress):
        tried.append(strategy.how)
        if strategy is not SLABS:
            raise error
        return torch.zeros(1)

    monkeypatch.setattr(room, "_run", run)
    _, used = predict(InceptionUNet(ARCH_3D), torch.zeros(2, 8, 8, 8), BRAIN.plan, [WHOLE, LAYERS, SLABS], False, quiet)
    assert tried == list(How) and used is SLABS
    with pytest.raises(OutOfMemory):
        predict(InceptionUNet(ARCH_3D), torch.zeros(2, 8, 8, 8), BRAIN.plan, [WHOLE, LAYERS], False, quiet)


def test_other_errors_surface(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(room, "_run", run)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        predict(InceptionUNet(ARCH_3D), torch.zeros(2, 8, 8, 8), BRAIN.plan, [WHOLE, SLABS], False, quiet)


def test_the_estimate_grows_with_the_volume_and_the_network() -> None:
    small, large = (estimate_bytes(ARCH_3D, (side,) * 3) - room.LEAST_PASS_BYTES for side in (32, 64))
    assert large == 8 * small
    wide = Architecture(3, 2, 1, (4, 4), added_maps=1)
    assert estimate_bytes(wide, (64,) * 3) - room.LEAST_PASS_BYTES == 2 * large
    planes = [estimate_bytes(ARCH_2D, (depth, 64, 64)) for depth in (10, 100)]
    assert planes[0] == planes[1]  # slices go through one after the other
    for key in TASKS:
        needs = [estimate_bytes(PROFILES[TASKS[key].profile], (200, 1000, 1000), how) for how in How]
        assert needs == sorted(needs, reverse=True)


MEASURED = """
import sys, torch; from pathlib import Path; from MedSegDLLib.network.device import resident_memory_mb
from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet
from MedSegDLLib.network.sliding_window import *
from MedSegDLLib.tasks import BRAIN
torch.set_num_threads(1); arch, how, tile = PROFILES[sys.argv[1]], How(sys.argv[2]), tuple(map(int, sys.argv[3:]))
network = InceptionUNet(arch).eval().requires_grad_(False); PLAN = BRAIN.plan
def run(shape):
    x = torch.randn(arch.in_channels // PLAN.slices, *shape)
    predict(network, x, PLAN, [Strategy(how, CPU)], False, lambda *a: None)
run((16, 16, 16)); held = resident_memory_mb(); Path('/proc/self/clear_refs').write_text('5'); run(tile)
peak = next(l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('VmHWM'))
print(int(peak.split()[1]) / 1024 - held, (estimate_bytes(arch, tile, how) + kept_bytes(arch, tile)) / 2**20)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's memory peak and resets it")
@pytest.mark.parametrize("how", How, ids=lambda how: how.value)
@pytest.mark.parametrize(("profile", "tile"), [("brain", (64, 64, 64)), ("nuclei", (1, 512, 512))])
def test_the_estimate_is_near_what_a_pass_takes(profile: str, tile: tuple[int, ...], how: How) -> None:
    """In a process of its own. `make bench` holds larger volumes to 25 %; at this size torch's own buffers count too."""
    command = [sys.executable, "-c", MEASURED, profile, how.value, *map(str, tile)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(LIBRARY)}, capture_output=True, text=True, check=True)
    measured, estimated = map(float, done.stdout.split())
    assert 0.65 < estimated / measured < (1.5 if how is How.WHOLE else 2.5)
