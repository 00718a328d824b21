"""A Slicer scene a case, on demand: the inputs by their titles, the segmentation on them. Needs Slicer's libraries (extra `scene`)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..geometry.image import Image
from ..io.atomic import PREFIX
from ..io.write import SEGMENTATION_FILE, write_image, write_seg_nrrd
from ..result import Result

SCENE_FILE = "scene.mrb"


def write_scene(result: Result, images: Mapping[str, Image], folder: Path) -> None:
    """Write `scene.mrb` into the folder, atomically. Nothing in it names a file or a patient.

    Args:
        result: the segmentation.
        images: input key -> image as it was read.
        folder: exists.

    Raises:
        MedSegDLError: Slicer's libraries are not installed.
        InputRefused: the folder does not take it.
    """
    from ..scene.bare import open_scene

    scene = open_scene()
    titles = {entry.key: entry.title for entry in result.task.inputs}
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder) as place:
        for key, image in images.items():
            path = Path(place) / f"{key}.nrrd"
            write_image(image, path)
            scene.load_volume(path, titles[key])
        write_seg_nrrd(result, Path(place) / SEGMENTATION_FILE)
        scene.load_segmentation(Path(place) / SEGMENTATION_FILE)
        scene.save(folder / SCENE_FILE)
