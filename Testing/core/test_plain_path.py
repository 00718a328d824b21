"""Every shortcut against the plain path: whole volumes in float32, the network as it was trained, whole probabilities, then a threshold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from scipy.ndimage import center_of_mass, distance_transform_edt, gaussian_filter, gaussian_filter1d

from MedSegDLLib.geometry.align import align
from MedSegDLLib.geometry.background import background_value
from MedSegDLLib.geometry.boxes import bounding_box
from MedSegDLLib.geometry.image import Grid, Image
from MedSegDLLib.geometry.resample import resample
from MedSegDLLib.io.read import read_image
from MedSegDLLib.network.inception_unet import InceptionUNet
from MedSegDLLib.network.sliding_window import neighbour_stack
from MedSegDLLib.network.weights import find_weights
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.pipeline import Options, load_once, segment
from MedSegDLLib.postprocess.edges import (
    BINS,
    CORE_MM,
    HISTOGRAM_BLUR,
    INSIDE_MM,
    MOST,
    MOST_ERROR,
    OUTSIDE_MM,
    RARE,
    SHELL_MM,
    SMOOTHING_MM,
    SPARED,
    SURE,
)
from MedSegDLLib.preprocess.foreground import FOREGROUND
from MedSegDLLib.preprocess.normalise import OUTSIDE, network_grid, normalise
from MedSegDLLib.tasks import BRAIN, LIVER, Plan, Region, Task

DATA = Path(os.environ.get("MEDSEGDL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
CASE = DATA / "brain" / "labelled" / "BraTS-GLI-00000-000"
BRAIN_NAMES = {"t1": "t1n", "t1ce": "t1c", "t2": "t2W", "flair": "t2f"}
CT = DATA / "liver" / "3dircadb_01_ct.nii.gz"
LIVER_SLICES = slice(64, 84)  # 32 mm through the middle of the liver
EVERY_OTHER = 2  # voxel in the plane: 1.1 mm, still finer than any liver network's grid
MEANT = 0.999  # Dice
MEANT_EDGES = 0.99  # distances and histograms come from the network's grid, here from the image's


def plain(images: dict[str, Image], task: Task, file: Path | None) -> dict[str, np.ndarray]:
    """Masks without kernels, tiles, slabs, boxes or int16."""
    weights = load_once(find_weights(task, file), task)
    plan = weights.plan
    aligned = align(images, task)
    foreground = FOREGROUND[plan.scale]({key: image.array for key, image in aligned.volumes.items() if image is not None})
    source = aligned.grid.cropped(bounding_box(foreground))
    target = network_grid(source, plan)
    channels = []
    for image in aligned.volumes.values():
        if image is None:
            channels.append(torch.zeros(target.shape))
            continue
        values = torch.from_numpy(image.array.astype(np.float32))
        inside = torch.from_numpy(foreground) & (values != (background_value(image.array) or 0.0))
        whole = normalise(values, plan, inside)[bounding_box(foreground)].contiguous()
        channels.append(resample(whole, source, target, "linear", OUTSIDE[plan.scale]))
    fine = resample(_probabilities(weights.network, torch.stack(channels), plan.slices), target, aligned.grid)
    if plan.follow_edges:
        image = aligned.volumes[aligned.reference].array
        fine[0] = _edges_followed(fine[0], fine[1:].amax(dim=0), image, aligned.grid, plan)
    masks: dict[str, np.ndarray] = {}
    for region, probability in zip(task.regions, fine):
        limit = masks[region.inside] > 0 if region.inside else foreground
        masks[region.key] = _cleaned((probability >= plan.threshold_of(region)).numpy() & limit, region, aligned.grid.voxel_volume_mm3)
    return masks


def _probabilities(network: InceptionUNet, x: torch.Tensor, slices: int) -> torch.Tensor:
    """(R, K, J, I) of (C, K, J, I), with the edge repeated to the network's divisor."""
    flat = network.arch.spatial_dims == 2
    batch = neighbour_stack(x, slices) if flat else x[None]
    sides = batch.shape[2:]
    missing = [(-side) % network.arch.divisor for side in sides]
    padded = torch.nn.functional.pad(batch, [n for extra in reversed(missing) for n in (0, extra)], mode="replicate")
    network.eval()
    with torch.inference_mode():
        found = torch.cat([torch.sigmoid(network(one[None])) for one in padded])
    found = found[(..., *(slice(0, n) for n in sides))]
    return found.transpose(0, 1) if flat else found[0]


def _edges_followed(probability: torch.Tensor, inner: torch.Tensor, image: np.ndarray, grid: Grid, plan: Plan) -> torch.Tensor:
    """Bayes' rule with SciPy's filters and distances, all of it on the image's own voxels; the region that contains the others."""
    low, high = plan.window
    sides = grid.spacing_mm[::-1]
    smooth = gaussian_filter(image.astype(np.float64).clip(low, high), SMOOTHING_MM / sides, mode="nearest")
    mask = probability.numpy() >= plan.threshold
    distance = distance_transform_edt(~mask, sampling=sides) - distance_transform_edt(mask, sampling=sides)
    levels = ((smooth - low) * BINS / (high - low)).astype(int).clip(0, BINS - 1)
    inside, shell = _shares(smooth[distance < -CORE_MM], plan.window), (distance > SHELL_MM[0]) & (distance < SHELL_MM[1])
    side = sum((index > middle) << axis for axis, (index, middle) in enumerate(zip(np.indices(mask.shape), center_of_mass(mask))))
    evidence = np.zeros(mask.shape)
    for octant in range(8):
        outside = _shares(smooth[shell & (side == octant)], plan.window)
        overlap = np.minimum(inside / inside.sum(), outside / outside.sum()).sum() / 2
        if overlap <= MOST_ERROR:
            heard_here = side == octant
            evidence[heard_here] = np.log(inside / outside).clip(-MOST, MOST)[levels[heard_here]]
    heard = (distance > -INSIDE_MM) & (distance < OUTSIDE_MM) & (inner.numpy() < SPARED)
    moved = torch.sigmoid(torch.logit(probability, SURE) + torch.from_numpy(evidence).float())
    return torch.where(torch.from_numpy(heard), moved, probability)


def _shares(intensities: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    counts = gaussian_filter1d(np.histogram(intensities, BINS, window)[0].astype(float), HISTOGRAM_BLUR, mode="constant")
    return counts / max(counts.sum(), 1) + RARE


def _cleaned(mask: np.ndarray, region: Region, voxel_mm3: float) -> np.ndarray:
    """SimpleITK's own way, on the whole volume."""
    ordered = sitk.RelabelComponent(
        sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))),
        minimumObjectSize=int(np.ceil(region.smallest_ml * 1000 / voxel_mm3 - 1e-9)),
    )
    labels = sitk.GetArrayFromImage(ordered)
    sizes = np.bincount(labels.ravel())
    large = np.isin(labels, [part for part in range(1, sizes.size) if sizes[part] >= region.smallest_share * sizes[1:].max()])
    return ((labels == 1) if region.largest_only else large).astype(np.uint8)


def dice(one: np.ndarray, two: np.ndarray) -> float:
    together = int(one.sum()) + int(two.sum())
    return 1.0 if together == 0 else 2 * int((one & two).sum()) / together


def held_alike(images: dict[str, Image], task: Task, file: Path | None = None, meant: float = MEANT) -> None:
    """N4 has its own judges: without it on both sides."""
    quick = segment(images, task, Options("cpu", weights=file, bias_correction=False)).masks
    slow = plain(images, task, file)
    assert slow[task.regions[0].key].any()
    assert min(dice(quick[key], slow[key]) for key in slow) >= meant


def test_a_phantom():
    held_alike(head_phantom(7, (64, 72, 64), 2.5).images, BRAIN)


@pytest.mark.skipif(not CASE.is_dir(), reason=f"no labelled brain in {DATA}")
def test_a_real_brain():
    held_alike({key: read_image(CASE / f"{CASE.name}-{name}.nii.gz") for key, name in BRAIN_NAMES.items()}, BRAIN)


@pytest.mark.skipif(not CT.exists(), reason=f"no CT in {DATA}")
@pytest.mark.parametrize(("follow_edges", "meant"), [(False, MEANT), (True, MEANT_EDGES)], ids=["network alone", "edges followed"])
def test_a_slab_of_a_real_ct(follow_edges: bool, meant: float, tmp_path: Path):
    shipped, copy = find_weights(LIVER, None), tmp_path / "liver.safetensors"
    copy.write_bytes(shipped.read_bytes())
    manifest = json.loads(shipped.with_suffix(".json").read_text(encoding="utf-8"))
    manifest["plan"]["follow_edges"] = follow_edges
    copy.with_suffix(".json").write_text(json.dumps(manifest), encoding="utf-8")
    whole = read_image(CT)
    start = whole.affine @ np.array([0, 0, LIVER_SLICES.start, 1.0])
    affine = whole.affine @ np.diag([EVERY_OTHER, EVERY_OTHER, 1.0, 1.0])
    affine[:3, 3] = start[:3]
    images = {"ct": Image(whole.array[LIVER_SLICES, ::EVERY_OTHER, ::EVERY_OTHER].copy(), affine, "ct")}
    held_alike(images, LIVER, copy, meant)
