"""Every phase is computed on the chosen device, with the CPU's answer: on an accelerator made of counted tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegDLLib import pipeline
from MedSegDLLib.geometry import resample
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.network import device as device_room
from MedSegDLLib.network import sliding_window
from MedSegDLLib.network.device import choose_device, full_precision
from MedSegDLLib.options import Options
from MedSegDLLib.preprocess.n4 import N4Options, n4
from MedSegDLLib.record import Stopwatch
from MedSegDLLib.result import Result
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, Task

from .accelerator import ACCELERATOR, CPU, Accelerator, at_work
from .tiny import LPS, ball, head_images, tiny_weights

PREPARES = {"aten.stack.default", "aten.add_.Tensor"}  # inputs side by side before they are sent; a report's own sums


def turned(image: Image) -> Image:
    """On a grid that is oblique to the others."""
    angle, affine = np.deg2rad(5), np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return Image(image.array, affine @ image.affine, image.name)


def images_of(task: Task) -> dict[str, Image]:
    random = np.random.default_rng(0)
    if task is BRAIN:
        images = head_images(shape=(16, 18, 17), mm=8.0)
        return {**images, "t1": turned(images["t1"])}
    if task is LIVER:
        shape = (24, 28, 30)
        liver = ball(shape, (12, 14, 15), 9)
        values = np.where(liver, 110, 20) + random.normal(0, 12, shape)
        return {
            "ct": Image(np.where(ball(shape, (12, 14, 15), 13), values, -1000).astype(np.int16), LPS @ np.diag([5.0, 5.0, 5.0, 1.0]), "ct")
        }
    return {"image": Image(random.integers(0, 255, (1, 40, 44, 3)).astype(np.uint8), LPS, "picture")}


def run(task: Task, folder: Path) -> Result:
    # whether inputs lie on each other, and where they belong, is SimpleITK's to find, on the CPU
    options = Options("cpu", tiny_weights(folder, task), uncertainty=True, keep_bias_field=True, registration="off")
    return pipeline.segment(images_of(task), task, options)


@pytest.fixture(params=[True, False], ids=["float64", "no float64"])
def float64(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the accelerator knows float64; the pipeline is sent there."""
    monkeypatch.setattr(pipeline, "choose_device", lambda name: ACCELERATOR)
    monkeypatch.setattr(sliding_window, "available_memory_bytes", lambda device: 1 << 50)
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)  # torch has no wrapped tensors in the former
    if not request.param:
        monkeypatch.setattr(resample, "WITHOUT_FLOAT64", (ACCELERATOR.type,))
    return request.param


@contextmanager
def watched(accelerator: Accelerator, counts: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Elements computed on the accelerator by phase."""
    phase = Stopwatch.phase

    @contextmanager
    def counted(watch: Stopwatch, name: str) -> Iterator[None]:
        before = accelerator.computed
        with phase(watch, name):
            yield
        counts[name] = counts.get(name, 0) + accelerator.computed - before

    monkeypatch.setattr(Stopwatch, "phase", counted)
    yield


@pytest.mark.parametrize("task", [BRAIN, LIVER, NUCLEI], ids=lambda task: task.key)
def test_no_phase_falls_back_to_the_cpu(task: Task, float64: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: dict[str, int] = {}
    with at_work(float64) as accelerator, watched(accelerator, counts, monkeypatch):
        there = run(task, tmp_path)
    busy = {name for name, elements in counts.items() if elements > 1000}
    monkeypatch.setattr(pipeline, "choose_device", lambda name: CPU)
    here = run(task, tmp_path)
    wanted = {"prepare", "network", "uncertainty"}
    wanted |= {"align", "bias correction", "restore"} if task is BRAIN else {"restore"}
    assert busy >= wanted
    if float64:  # without it N4's small grid and oblique coordinates are the CPU's
        assert {name for name, _ in accelerator.on_cpu} <= PREPARES
    assert there.record["device"] == str(ACCELERATOR)
    for ours, theirs in zip(there.segments, here.segments):
        both = ours.mask.sum() + theirs.mask.sum()
        assert both == 0 or 2 * (ours.mask & theirs.mask).sum() / both >= 0.999
    assert np.abs(there.uncertainty - here.uncertainty).max() < 1e-2


def test_the_accelerator_is_as_strict_as_a_real_one() -> None:
    with at_work(float64=False) as accelerator:
        there = torch.ones(3, 3).to(ACCELERATOR)
        assert (there @ there).cpu().tolist() == [[3.0] * 3] * 3 and accelerator.computed > 0
        with pytest.raises(RuntimeError, match="same device"):
            there + torch.ones(3, 3)
        with pytest.raises((RuntimeError, TypeError)):
            there.numpy()
        with pytest.raises(TypeError, match="float64"):
            there.double()
        torch.ones(100, 100) + torch.ones(100, 100)
        assert ("aten.add.Tensor", 10_000) in accelerator.on_cpu


def test_n4_alone_runs_there_too() -> None:
    image = head_images(("t1",), shape=(16, 18, 17), mm=8.0)["t1"]
    options = N4Options(shrink=1, iterations=(3, 2))
    with at_work() as accelerator:
        there, _ = n4(image, None, options, device=ACCELERATOR)
        assert accelerator.computed > 10 * image.array.size and not accelerator.on_cpu
    here, _ = n4(image, None, options)
    assert np.allclose(there.array, here.array, rtol=1e-4)


def test_auto_takes_cuda_before_mps_before_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def machine(cuda: int, mps: bool) -> str:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        return str(choose_device("auto"))

    assert (machine(0, False), machine(0, True), machine(1, True)) == ("cpu", "mps", "cuda")
    assert str(choose_device("cuda:0")) == "cuda:0" and str(choose_device("mps")) == "mps"
    machine(1, False)
    for wrong in ("cuda:1", "mps", "cuda:", "mps:0", "cpu:0", "gpu", "cuda:-1"):
        with pytest.raises(device_room.UsageError):
            choose_device(wrong)


def test_tf32_is_off_on_cuda_and_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with full_precision(torch.device("cuda", 0)):
        assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32


def test_what_torch_holds_unused_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (100, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 500)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 300)
    assert device_room.available_memory_bytes(torch.device("cuda", 0)) == 300
