"""The head phantom as files, for those who cannot import torch themselves: `python -m MedSegDLLib.phantom.sample_data FOLDER`.
One NRRD file a contrast; Slicer's Sample Data module and the self tests load them. Nothing else may enter.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ..io.write import write_image
from .head import head_phantom

HEAD_MM = (160, 192, 160)  # what a whole head takes along (K, J, I), see `head_phantom`


def write_phantom(folder: Path, seed: int = 0, spacing_mm: float = 1.0) -> dict[str, Path]:
    """Write `phantom_<contrast>.nrrd` into a folder.

    Args:
        folder: made where it is missing.
        seed: which head.
        spacing_mm: side of the voxels; 4 makes a head of 40 x 48 x 40 voxels.

    Returns:
        contrast -> file.

    Raises:
        InputRefused: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    phantom = head_phantom(seed, tuple(round(side / spacing_mm) for side in HEAD_MM), spacing_mm)
    paths = {key: folder / f"phantom_{key}.nrrd" for key in phantom.images}
    for key, path in paths.items():
        write_image(phantom.images[key], path)
    return paths


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="MedSegDLLib.phantom.sample_data", description="Write the head phantom as NRRD files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--spacing", type=float, default=1.0, help="side of the voxels in mm")
    chosen = parser.parse_args(arguments)
    write_phantom(chosen.folder, chosen.seed, chosen.spacing)


if __name__ == "__main__":
    main()
