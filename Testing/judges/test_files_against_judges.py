"""Files of many kinds: values and places are those that nibabel, SimpleITK, pynrrd and slicerio read, each judge by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from MedSegDLLib.geometry.image import Grid
from MedSegDLLib.io.read import read_image
from MedSegDLLib.io.write import write_seg_nrrd
from MedSegDLLib.result import Result, segments_on
from MedSegDLLib.tasks import BRAIN, LIVER

from ..core.small_images import numbers, oblique_affine

nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")
nrrd = pytest.importorskip("nrrd", reason="pynrrd is not installed")
TYPES = ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
CORNERS = ((0, 0, 0), (5, 0, 0), (0, 4, 0), (0, 0, 3), (5, 4, 3))


def as_ours(array: np.ndarray) -> np.ndarray:
    """In the type that ours reads it in."""
    return array.astype(np.float32) if array.dtype.kind == "f" else array


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_nifti_as_nibabel_reads_it(tmp_path: Path, dtype: str, order: str, kind: type) -> None:
    for seed, suffix in enumerate((".nii", ".nii.gz")):
        affine = oblique_affine(seed, (-1) ** seed)
        header = kind.header_class(endianness=order)
        header.set_data_dtype(np.dtype(dtype))
        image = kind(numbers(dtype, (6, 5, 4), seed), affine, header)
        nibabel.save(image, tmp_path / f"v{suffix}")
        ours, judge = read_image(tmp_path / f"v{suffix}"), nibabel.load(tmp_path / f"v{suffix}")
        assert judge.header.endianness == order
        assert np.array_equal(ours.array, as_ours(np.asanyarray(judge.dataobj)).T) and ours.array.dtype.isnative
        assert np.allclose(ours.affine, judge.affine, atol=1e-6) and ours.notes == ()


@pytest.mark.parametrize("stored", ["uint8", "int16", "uint16", "float32"])
def test_scaled_nifti_as_nibabel_and_itk_read_it(tmp_path: Path, stored: str) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.dtype(stored))
    values = numbers("float32", (6, 5, 4)) * 100
    nibabel.save(nibabel.Nifti1Image(values, oblique_affine(1), header), tmp_path / "v.nii.gz")
    ours = read_image(tmp_path / "v.nii.gz").array
    assert np.allclose(ours, nibabel.load(tmp_path / "v.nii.gz").get_fdata().T, rtol=1e-6)
    assert np.allclose(ours, sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "v.nii.gz"))), rtol=1e-6)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("packed", [True, False])
def test_volumes_of_itk_as_itk_reads_them(tmp_path: Path, suffix: str, dtype: str, packed: bool) -> None:
    for seed in range(2):
        path = tmp_path / f"v{seed}{suffix}"
        volume = sitk.GetImageFromArray(numbers(dtype, seed=seed))
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ oblique_affine(seed, (-1) ** seed)
        sides = np.linalg.norm(lps[:3, :3], axis=0)
        volume.SetSpacing(sides.tolist())
        volume.SetDirection((lps[:3, :3] / sides).ravel().tolist())
        volume.SetOrigin(lps[:3, 3].tolist())
        sitk.WriteImage(volume, str(path), packed)
        ours, judge = read_image(path), sitk.ReadImage(str(path))
        assert np.array_equal(ours.array, as_ours(sitk.GetArrayFromImage(judge))), path.name
        for corner in CORNERS:
            ras = np.array(judge.TransformIndexToPhysicalPoint(corner)) * [-1, -1, 1]
            assert np.allclose((ours.affine @ [*corner, 1])[:3], ras, atol=1e-4)
        assert ours.notes == ()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("detached", [True, False])
def test_nrrd_of_pynrrd_as_pynrrd_reads_it(tmp_path: Path, dtype: str, encoding: str, detached: bool) -> None:
    affine = oblique_affine(3)
    header = {"space": "RAS", "space directions": affine[:3, :3].T, "space origin": affine[:3, 3], "encoding": encoding}
    path = tmp_path / ("v.nhdr" if detached else "v.nrrd")
    nrrd.write(str(path), numbers(dtype, (6, 5, 4)), header, detached_header=detached)
    ours, (judge, _) = read_image(path), nrrd.read(str(path))
    assert np.array_equal(ours.array, as_ours(judge).T) and np.allclose(ours.affine, affine, atol=1e-9) and ours.notes == ()


def nested() -> list[np.ndarray]:
    outer = np.zeros((9, 11, 13), np.uint8)
    outer[1:8, 2:9, 3:11] = 1
    middle, inner = outer.copy(), outer.copy()
    middle[:3] = 0
    inner[:, :, :6] = 0
    return [outer, middle, inner]


@pytest.mark.parametrize("task", [BRAIN, LIVER])
@pytest.mark.parametrize("empty", [False, True])
def test_segmentations_as_slicerio_reads_them(tmp_path: Path, task, empty: bool) -> None:
    """Segment by segment, by name and code; overlapping ones lie in layers of `kinds: list`."""
    slicerio = pytest.importorskip("slicerio", reason="slicerio is not installed")
    masks = nested()[: len(task.regions)]
    if empty:
        masks[-1] = np.zeros_like(masks[-1])
    grid = Grid(masks[0].shape, oblique_affine(5))
    keyed = {region.key: mask for region, mask in zip(task.regions, masks, strict=True)}
    write_seg_nrrd(Result(task, grid, "x", segments_on(grid, task, keyed)), tmp_path / "s.seg.nrrd")
    read = slicerio.read_segmentation(str(tmp_path / "s.seg.nrrd"))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ grid.affine
    assert np.allclose(read["ijkToLPS"], lps, atol=1e-9)
    for region in task.regions:
        segment = slicerio.segment_from_name(read, region.label)
        assert segment["terminology"]["type"][1] == region.type.value
        assert np.allclose(segment["color"], region.color, atol=1e-6)
        voxels = read["voxels"] if read["voxels"].ndim == 3 else read["voxels"][segment["layer"]]
        assert np.array_equal(segment["labelValue"] == voxels.T, keyed[region.key] > 0)


def test_segmentations_as_pynrrd_reads_them(tmp_path: Path) -> None:
    masks = dict(zip(("WT", "TC", "ET"), nested(), strict=True))
    grid = Grid(masks["WT"].shape, oblique_affine(6))
    write_seg_nrrd(Result(BRAIN, grid, "x", segments_on(grid, BRAIN, masks)), tmp_path / "s.seg.nrrd")
    voxels, header = nrrd.read(str(tmp_path / "s.seg.nrrd"), index_order="C")
    assert list(header["kinds"]) == ["list", "domain", "domain", "domain"]
    for layer, mask in enumerate(masks.values()):
        assert np.array_equal(voxels[..., layer] > 0, mask > 0)
        assert header[f"Segment{layer}_Extent"] == "0 12 0 10 0 8"  # slicerio keeps what stands here after voxels were edited
