"""The demonstration: a phantom as files, through a real MRML scene, segmented, measured against its own truth, saved and pictured.
Needs no input; the scene's libraries are imported only when it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..geometry.image import Image
from ..io.write import write_image
from ..metrics import confusion
from ..result import MM3_PER_ML, Result
from ..tasks import BRAIN, Task
from .head import Phantom, head_phantom

if TYPE_CHECKING:
    from ..scene.bare import BareScene

SEED = 0
STUDY = "Phantom study"

Segmenter = Callable[[dict[str, Image], Task], Result]


def run_demo(folder: Path, segmenter: Segmenter | None = None, phantom: Phantom | None = None) -> dict[str, Any]:
    """Segment a phantom in a scene and write demo.mrb, demo.seg.nrrd, demo.png and the four volumes; prints a few lines.

    Args:
        folder: where to write; must exist.
        segmenter: what segments; the shipped weights where None.
        phantom: the head; the demo's own at 1 mm where None.

    Returns:
        {"dice": {region: 0..1}, "volumes_ml": {region: mL}, "true_ml": {region: mL}, "files": {name: Path}, "seconds": s}.

    Raises:
        MedSegDLError: the scene's libraries are missing, or whatever `segment` and the files raise.
    """
    from ..scene.bare import open_scene

    started = perf_counter()
    scene = open_scene()
    phantom = phantom or head_phantom(SEED)
    print(f"Phantom: {' x '.join(map(str, phantom.grid.shape[::-1]))} voxels, {len(phantom.images)} contrasts.")
    inputs = _written(phantom, folder)
    volumes = {key: scene.load_volume(path, path.stem) for key, path in inputs.items()}
    print(f"Scene: {len(volumes)} volumes loaded; segmenting ...")
    nodes = _segmented(volumes, segmenter or _shipped())
    outcome = _judged(phantom, *nodes)
    files = {"scene": folder / "demo.mrb", "segmentation": folder / "demo.seg.nrrd", "picture": folder / "demo.png"}
    _saved(scene, nodes, files)
    outcome |= {"files": {**files, **inputs}, "seconds": perf_counter() - started}
    _report(outcome, folder)
    return outcome


def _shipped() -> Segmenter:
    from ..pipeline import segment

    return segment


def _written(phantom: Phantom, folder: Path) -> dict[str, Path]:
    """The contrasts as NRRD files: what a user would start from."""
    paths = {key: folder / f"{image.name}.nrrd" for key, image in phantom.images.items()}
    for key, path in paths.items():
        write_image(phantom.images[key], path)
    return paths


def _segmented(volumes: dict[str, Any], segmenter: Segmenter) -> tuple[Any, Any, Any]:
    """Volume nodes to (reference volume, segmentation, table), hung in the subject hierarchy under one study."""
    from ..scene.hierarchy import place_beside, place_in_study
    from ..scene.segmentation import add_segmentation, show_3d
    from ..scene.table import volumes_table
    from ..scene.volumes import image_from_node

    place_in_study(STUDY, *volumes.values())
    result = segmenter({key: image_from_node(node) for key, node in volumes.items()}, BRAIN)
    reference = volumes[result.reference]
    segmentation = add_segmentation(result, reference)
    show_3d(segmentation)
    table = volumes_table(segmentation, BRAIN)
    place_beside(reference, segmentation, table)
    return reference, segmentation, table


def _judged(phantom: Phantom, reference: Any, segmentation: Any, table: Any) -> dict[str, Any]:
    """Dice against the phantom's truth and the volumes, both read back from the nodes."""
    from ..scene.segmentation import segment_mask
    from ..scene.table import measure

    keys = [region.key for region in BRAIN.regions]
    masks = {key: segment_mask(segmentation, key, phantom.grid.shape) for key in keys}
    return {
        "dice": {key: confusion(masks[key], phantom.truth[key]).dice for key in keys},
        "volumes_ml": {key: measure(segmentation, key).volume_ml for key in keys},
        "true_ml": {key: float(phantom.truth[key].sum(dtype=int)) * phantom.grid.voxel_volume_mm3 / MM3_PER_ML for key in keys},
    }


def _saved(scene: BareScene, nodes: tuple[Any, Any, Any], files: dict[str, Path]) -> None:
    from ..scene.picture import render_result

    reference, segmentation, _ = nodes
    scene.save_node(segmentation, files["segmentation"])
    render_result(reference, segmentation, BRAIN, files["picture"])
    scene.save(files["scene"])


def _report(outcome: dict[str, Any], folder: Path) -> None:
    print(f"{'':<18}{'Dice':>8}{'volume':>12}{'truth':>12}")
    for region in BRAIN.regions:
        dice, volume_ml, true_ml = (outcome[column][region.key] for column in ("dice", "volumes_ml", "true_ml"))
        print(f"{region.title:<18}{dice:>8.3f}{volume_ml:>9.1f} mL{true_ml:>9.1f} mL")
    names = ", ".join(outcome["files"][key].name for key in ("scene", "segmentation", "picture"))
    print(f"{outcome['seconds']:.0f} s. Open in Slicer or look at: {folder}/ ({names})")
