"""What an accelerator must not be kept waiting for, shown on any machine; and the same results on one, where there is one."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from MedSegDLLib.preprocess import sharpening
from MedSegDLLib.preprocess.n4 import N4Options, _Fit, correct_bias

from ..biased import Biased, biased_head, centred_rms

OPTIONS = N4Options(shrink=2, iterations=(6, 4), threshold=1e-6)
WAITS = ("_local_scalar_dense", "nonzero", "bincount", "unique", "masked_select", "is_nonzero", "equal")  # these read from the device
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


class Watch(TorchDispatchMode):
    """Notes every operation whose result the CPU must know before it can go on."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in WAITS:
            self.waited.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def case() -> Biased:
    return biased_head()


def fit_of(case: Biased, device: str = "cpu") -> _Fit:
    volumes = torch.from_numpy(case.volume)[None].repeat(2, 1, 1, 1).to(device)
    volumes[1, :6] = -1.0  # the second has voxels of its own that do not count
    usable = torch.from_numpy(case.head).to(device) & (volumes > 0)
    fit = _Fit(volumes, usable, OPTIONS)
    fit._start_level()
    return fit


def test_the_watch_sees_what_waits() -> None:
    with Watch() as watch:
        bool(torch.ones(3).any())
        torch.ones(3).nonzero()
    assert watch.waited == ["_local_scalar_dense", "nonzero"]


def test_no_iteration_waits_for_the_device(case: Biased, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharpening, "_sums", sharpening._sums_of_whole_numbers)  # what an accelerator runs
    fit = fit_of(case)
    with Watch() as watch:
        for _ in range(3):
            fit._iterate()
    assert watch.waited == []


@cuda
def test_no_iteration_waits_for_a_real_one(case: Biased) -> None:
    fit = fit_of(case, "cuda")
    fit._iterate()
    torch.cuda.set_sync_debug_mode("error")
    try:
        fit._iterate()
    finally:
        torch.cuda.set_sync_debug_mode("default")


@cuda
def test_the_field_is_the_cpus(case: Biased) -> None:
    volumes, head = torch.from_numpy(case.volume)[None], torch.from_numpy(case.head)
    here, there = correct_bias(volumes, head, OPTIONS), correct_bias(volumes.cuda(), head.cuda(), OPTIONS)
    assert centred_rms((here.log_field - there.log_field.cpu())[0].numpy(), case.head) < 1e-5
