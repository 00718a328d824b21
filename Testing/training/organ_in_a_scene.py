"""A finished result in a real MRML scene: its volume and its segments loaded as Slicer loads them, pictured, and saved as a scene.

python -m Testing.training.organ_in_a_scene WEIGHTS.safetensors CT OUT      (OUT: the folder that `segment` wrote)
"""

from __future__ import annotations

import argparse
from pathlib import Path

from MedSegDLLib.scene.bare import open_scene
from MedSegDLLib.tasks import task_of_weights


def put_into_a_scene(weights: Path, image: Path, out: Path) -> list[str]:
    """Write OUT/scene.mrb and OUT/picture.png; the names of the segments in the scene."""
    scene, task = open_scene(), task_of_weights(weights)
    from MedSegDLLib.scene.picture import render_result
    from MedSegDLLib.scene.segmentation import segment_ids, show_3d

    volume, segmentation = scene.load_volume(image, image.name.partition(".")[0]), scene.load_segmentation(out / "segmentation.seg.nrrd")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    show_3d(segmentation)
    render_result(volume, segmentation, task, out / "picture.png")
    scene.save(out / "scene.mrb")
    return [segmentation.GetSegmentation().GetSegment(key).GetName() for key in segment_ids(segmentation)]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("weights", "image", "out"):
        parser.add_argument(name, type=Path)
    chosen = parser.parse_args()
    print(", ".join(put_into_a_scene(chosen.weights, chosen.image, chosen.out)))


if __name__ == "__main__":
    main()
