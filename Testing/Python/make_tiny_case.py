"""Writes what the self tests need into a folder: a small phantom and genuine weights of tiny random networks.
Run by the worker's Python, which has torch (Slicer's own need not): `python make_tiny_case.py FOLDER`, MedSegDLLib on PYTHONPATH.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import torch

from MedSegDLLib.network.inception_unet import PROFILES, InceptionUNet, describe
from MedSegDLLib.network.weights import save_weights
from MedSegDLLib.phantom.sample_data import write_phantom
from MedSegDLLib.tasks import TASKS, Task

SPACING_MM = 4.0  # a head of 40 x 48 x 40 voxels: a run takes about a second
COARSE_MM = (6.0, 6.0, 6.0)  # the networks' own grid, so that a run is over in a second
TINY = {"widths": (2, 2, 3), "added_maps": 2}
EAGER_LOGIT = 1.0  # shifts the random networks towards 'yes', so that segments are not empty


def write_tiny_weights(task: Task, folder: Path) -> None:
    """Weights of a random network that the task's loader accepts."""
    torch.manual_seed(0)
    network = InceptionUNet(replace(PROFILES[task.profile], **TINY)).eval()
    with torch.no_grad():
        for name, values in network.segmenter.named_parameters():
            if name.endswith("bias"):
                values += EAGER_LOGIT
    plan = replace(task.plan, spacing_mm=COARSE_MM) if task.plan.spacing_mm else task.plan
    manifest = {"task": task.key, "task_version": task.version, "architecture": describe(network), "plan": plan.to_json()}
    save_weights(network, folder / f"{task.key}.safetensors", {**manifest, "outputs": list(task.outputs)})


def write_foreign(folder: Path) -> None:
    """A result folder of nnU-Net with a tiny random network, where the package that defines such networks is there."""
    if importlib.util.find_spec("dynamic_network_architectures") is not None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
        from Testing.judges.nnunet_folder import Recipe, write_folder

        write_folder(folder, Recipe(features=(4, 6), patch=(12, 12, 12), spacing=(6.0, 6.0, 6.0)))


def main() -> None:
    """Write everything."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_phantom(folder / "phantom", spacing_mm=SPACING_MM)
    for task in TASKS.values():
        write_tiny_weights(task, folder)
    write_foreign(folder / "foreign")
    print("written")


if __name__ == "__main__":
    main()
