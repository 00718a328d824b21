"""Every library's way to say that memory ran out is known, nothing else is taken for it, and a real exhaustion ends with exit code 5."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.errors import InputRefused, OutOfMemory, ended_for_memory, is_out_of_memory, memory_explained

LIBRARY = Path(__file__).resolve().parents[2] / "MedSegDL"
TORCH_OUT = type("OutOfMemoryError", (RuntimeError,), {})
SAID = (
    MemoryError(),
    np._core._exceptions._ArrayMemoryError((10**9, 10**9), np.dtype("f8")),
    TORCH_OUT("CUDA out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:126] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."
    ),
    RuntimeError("[enforce fail at alloc_cpu.cpp:116] data. DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB, max allowed: 9.07 GB)."),
    RuntimeError("could not create a memory object"),
    RuntimeError("Exception thrown in SimpleITK ImageFileReader_Execute: itk::MemoryAllocationError: Failed to allocate memory for image."),
    RuntimeError("std::bad_alloc"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    OutOfMemory("said already"),
)
OTHERS = (
    RuntimeError("shapes differ"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    ValueError("out of memory"),
    OSError(errno.ENOSPC, "No space left on device"),
    InputRefused("no image"),
)


@pytest.mark.parametrize("error", SAID, ids=lambda error: str(error)[:40])
def test_every_way_to_say_it_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)
    wrapped = RuntimeError("the reader failed")
    wrapped.__cause__ = error
    assert is_out_of_memory(wrapped)
    with pytest.raises(OutOfMemory, match=r"\w"), memory_explained():
        raise error


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: str(error)[:40])
def test_nothing_else_is_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)) as raised, memory_explained():
        raise error
    assert raised.value is error


def test_a_killed_child_ended_for_memory() -> None:
    assert [code for code in (0, 1, -9, -11, 137, 139, -1073741801, 0xC0000017) if ended_for_memory(code)] == [
        -9,
        137,
        -1073741801,
        0xC0000017,
    ]


LIMITED = """
import resource, sys
from pathlib import Path
from MedSegDLLib.commands.main import main
import torch, SimpleITK, MedSegDLLib.pipeline, MedSegDLLib.io.read, MedSegDLLib.io.write
torch.set_num_threads(1)
torch.nn.functional.conv3d(torch.zeros(1, 1, 8, 8, 8), torch.zeros(1, 1, 3, 3, 3))
import numpy as np, scipy.linalg
for solve in (np.linalg.solve, scipy.linalg.solve):  # OpenBLAS ends a process that lacks the 32 MiB of its first call
    solve(np.eye(64), np.eye(64)) @ np.eye(64)
from MedSegDLLib.network import device, sliding_window
import MedSegDLLib.memory as memory
forecast = sys.argv.pop(1) == "blind"
if forecast:  # the estimate sees plenty: what ends the run is a real allocation that fails
    sliding_window.available_memory_bytes = memory.available_memory_bytes = lambda device: 1 << 50
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv.pop(1)) * 2**20,) * 2)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux holds a process to RLIMIT_AS")
@pytest.mark.parametrize("how", ["blind", "seeing"])
@pytest.mark.parametrize("mib", [40, 200])
def test_a_real_exhaustion_ends_with_a_sentence(how: str, mib: int, tmp_path: Path) -> None:
    """A picture that needs 500 MiB in slabs, within 40 (not enough to read it into floats) and 200."""
    from PIL import Image

    Image.fromarray(np.random.default_rng(0).integers(0, 255, (1600, 1600), np.uint8)).save(tmp_path / "cells.png")
    arguments = ["segment", "--task", "nuclei", "--image", str(tmp_path / "cells.png"), "-o", str(tmp_path / "out"), "--device", "cpu"]
    command = [sys.executable, "-c", LIMITED, how, str(mib), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr and "memory" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())
