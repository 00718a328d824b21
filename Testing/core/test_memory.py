"""The memory that a run will take, foretold: near what runs take, growing with what they hold, and a warning where it is not free."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from MedSegDLLib import memory
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.memory import Ahead, estimate_memory, extents
from MedSegDLLib.pipeline import Options, load_once, segment
from MedSegDLLib.tasks import BRAIN, LIVER, Task

from .tiny import LPS, head_images, tiny_weights

LIBRARY = Path(__file__).resolve().parents[2] / "MedSegDL"
CPU = torch.device("cpu")
RUN = """
import sys; from pathlib import Path; import numpy as np, torch
from MedSegDLLib.geometry.image import Image; from MedSegDLLib.network.device import resident_memory_mb
from MedSegDLLib.pipeline import Options, segment, warm; from MedSegDLLib.tasks import TASKS
torch.set_num_threads(1); key, weights = sys.argv[1], Path(sys.argv[2]) if sys.argv[2] else None
def body(n, low, high, mm):
    z, y, x = np.ogrid[-1:1:n*1j, -1:1:n*1j, -1:1:n*1j]
    ball = x**2 + y**2 + z**2 < 0.8
    array = np.where(ball, np.random.default_rng(0).integers(low, high, (n, n, n)), -1000 if low < 0 else 0).astype(np.int16)
    return Image(array, np.diag([-mm, -mm, mm, 1.0]))
def images(n, mm):
    if key == 'liver': return {'ct': body(n, -100, 200, mm)}
    return {name: body(n, 300, 400 + 9 * i, mm) for i, name in enumerate(('t1', 't1ce', 't2', 'flair'))}
task, options = TASKS[key], Options('cpu', weights, uncertainty=True)
given = images(256 if key == 'liver' else 128, 0.9)
held = resident_memory_mb(); Path('/proc/self/clear_refs').write_text('5')
record = segment(given, task, options).record
peak = next(line for line in Path('/proc/self/status').read_text(encoding="utf-8").splitlines() if line.startswith('VmHWM'))
print(held, int(peak.split()[1]) / 1024, record['expected_memory_mb'])
"""


def forecast_of(
    images: dict[str, Image], task: Task, folder: Path, options: Options = Options("cpu"), extracted: int = 0, looking_bytes: int = 0
) -> memory.Forecast:
    ahead = Ahead(len(images) * task.bias_correction, extracted, looking_bytes)
    return estimate_memory(images, task, load_once(tiny_weights(folder, task), task), options, ahead, CPU)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's memory peak and resets it")
@pytest.mark.parametrize("task", [BRAIN, LIVER], ids=lambda task: task.key)
def test_a_run_takes_what_was_foretold(task: Task, tmp_path: Path) -> None:
    """Whole process within 25 %, what the run adds within a half. The CT's network is tiny: the pipeline's own arrays are left."""
    command = [sys.executable, "-c", RUN, task.key, "" if task.bias_correction else str(tiny_weights(tmp_path, task))]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(LIBRARY)}, capture_output=True, text=True, check=True)
    held, peak, foretold = map(float, done.stdout.split())
    assert 0.75 < foretold / peak < 1.25
    assert 0.5 < (foretold - held) / (peak - held) < 1.5


def test_more_to_hold_is_more_foretold(tmp_path: Path) -> None:
    few, many = (forecast_of(head_images(keys, (48, 56, 52), 3.0), BRAIN, tmp_path) for keys in (("t1",), ("t1", "t1ce", "t2", "flair")))
    assert many.added_mb["bias correction"] > few.added_mb["bias correction"] > 0
    kept = forecast_of(head_images(), BRAIN, tmp_path, Options("cpu", keep_bias_field=True, uncertainty=True))
    plain = forecast_of(head_images(), BRAIN, tmp_path)
    assert kept.added_mb["network"] > plain.added_mb["network"] and set(kept.added_mb) - set(plain.added_mb) == {"uncertainty"}
    assert plain.most_mb == max(plain.added_mb.values())


def test_extraction_and_registration_are_foretold(tmp_path: Path) -> None:
    """Images without their skull are copies that stay until the network has its tensor; registration is told where it is not off."""
    images = head_images()
    plain, with_skull = (forecast_of(images, BRAIN, tmp_path, extracted=count) for count in (0, 4))
    assert set(with_skull.added_mb) - set(plain.added_mb) == {"brain extraction"}
    assert with_skull.added_mb["prepare"] > plain.added_mb["prepare"]
    copies = 4 * sum(image.array.size for image in images.values()) / memory.MIB
    assert with_skull.added_mb["bias correction"] - plain.added_mb["bias correction"] >= 0.9 * copies
    left = forecast_of(images, BRAIN, tmp_path, Options("cpu", registration="off"))
    assert set(plain.added_mb) - set(left.added_mb) == {"register"}
    looking = forecast_of(images, BRAIN, tmp_path, extracted=4, looking_bytes=600 * memory.MIB)
    assert looking.added_mb["brain extraction"] >= 600 and looking.added_mb["network"] == with_skull.added_mb["network"]


def test_inputs_on_other_grids_count_twice(tmp_path: Path) -> None:
    images = head_images(("t1", "flair"), (48, 56, 52), 3.0)
    moved = images["t1"].affine.copy()
    moved[0, 3] += 6.0
    weights = load_once(tiny_weights(tmp_path, BRAIN), BRAIN)
    together, apart = (extents(given, BRAIN, weights, 2) for given in (images, {**images, "t1": Image(images["t1"].array, moved)}))
    assert (together.resampled, apart.resampled) == (0, 1)


def test_the_box_is_the_foregrounds(tmp_path: Path) -> None:
    array = np.full((40, 60, 80), -1000, np.int16)
    array[8:32, 12:48, 20:60] = 50
    found = extents({"ct": Image(array, LPS)}, LIVER, load_once(tiny_weights(tmp_path, LIVER), LIVER), 0)
    exact = 24 * 36 * 40
    assert exact <= found.box <= 1.6 * exact and found.whole == array.size  # to four voxels a side


def test_too_little_free_memory_is_a_warning_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options("cpu", tiny_weights(tmp_path, BRAIN))
    assert "memory" not in {warning["code"] for warning in segment(head_images(), BRAIN, options).record["warnings"]}
    monkeypatch.setattr(memory, "available_memory_bytes", lambda device: 1 << 20)
    record = segment(head_images(), BRAIN, options).record
    warning = next(warning for warning in record["warnings"] if warning["code"] == "memory")
    assert warning["severity"] == "warning" and "GiB" in warning["message"]
