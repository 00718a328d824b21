"""A result's segmentation as 'Save as DICOM' needs it: every segment as it now is, and the files of the series that its volume came from.
No widget. Slicer's DICOM database is asked where the application has one.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import InputRefused
from ..geometry.boxes import bounding_box
from ..geometry.image import Grid
from ..io.seg_nrrd import AUTOMATIC, MANUAL, SEMIAUTOMATIC
from ..tasks import BRAIN_MASK, Code, Region, Task
from ..worker.save_dicom import LOAD_IT, PROBES_A_SLICE, Part, Scene, not_from_dicom
from .correcting import reference_of, untouched_of
from .report_case import record_of
from .segmentation import labelmap_voxels, segment_ids
from .volumes import local_affine, numpy_matrix, to_world

INSTANCES = "DICOM.instanceUIDs"  # attribute of a volume that Slicer's DICOM module has loaded (DICOMScalarVolumePlugin)
FILES_A_STEP = 50  # questions to the database (sqlite) between two looks at the window
TISSUE = Code("SCT", "85756007", "Tissue")  # Slicer's own default for what a user draws
LONGEST_NAME = 64  # of an LO
CODE = re.compile(r"([^~^]+)\^([^~^]+)\^([^~^]+)")


def dicom_database() -> Any:
    """Slicer's DICOM database; None where the application has none, or it is not open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database if database is not None and database.isOpen else None


def collecting(node: Any, task: Task) -> Generator[None, None, Scene]:
    """The steps from a segmentation to what is saved of it, a segment a step; what is returned touches the scene no more.

    Raises:
        InputRefused: the volume is gone or was not loaded from DICOM, files of its series are gone, or there are no segments.
    """
    volume = reference_of(node)
    files = yield from finding_files(volume)
    to_patient = np.linalg.inv(to_world(volume)) @ to_world(node) if apart(node, volume) else np.eye(4)
    parts = []
    for key in segment_ids(node):
        if key != BRAIN_MASK.regions[0].key:
            parts.append(_part(node, task, key, to_patient))
            yield
    if not parts:
        raise InputRefused("The segmentation has no segments.", "Segment again, or draw some.")
    shape = tuple(reversed(volume.GetImageData().GetDimensions()))
    return Scene(task, record_of(node), Grid(shape, local_affine(volume)), files, parts, probes_of(volume, shape))


def probes_of(volume: Any, shape: tuple[int, int, int]) -> np.ndarray:
    """Some voxels of every slice of a volume: (n, 4) of k, j, i and value."""
    places = np.random.default_rng(0).integers(0, shape, (PROBES_A_SLICE * shape[0], 3))
    places[:, 0] = np.arange(len(places)) // PROBES_A_SLICE
    values = vtk_to_numpy(volume.GetImageData().GetPointData().GetScalars())[np.ravel_multi_index(tuple(places.T), shape)]
    return np.column_stack([places, values])


def apart(node: Any, volume: Any) -> bool:
    """Whether the two lie under transforms of their own."""
    return node.GetTransformNodeID() != volume.GetTransformNodeID()


def finding_files(volume: Any) -> Generator[None, None, list[Path]]:
    """The files of the series that a volume was loaded from: by the database, else where the volume itself says that they lie.

    Raises:
        InputRefused: it is from elsewhere, or a file is gone.
    """
    uids, database = (volume.GetAttribute(INSTANCES) or "").split(), dicom_database()
    found = [Path(name) for name in stored_names(volume)]
    if uids and database is not None:
        found = []
        for number, uid in enumerate(uids, start=1):
            found.append(Path(database.fileForInstance(uid) or ""))
            if number % FILES_A_STEP == 0:
                yield
    elif uids and not found:
        raise InputRefused("The volume came from Slicer's DICOM database, and this application has none.", LOAD_IT)
    if not found:
        raise not_from_dicom()
    missing = sum(not path.is_file() for path in found)
    if missing:
        raise InputRefused(
            f"{missing} of the {len(found)} files of the volume's series {'is' if missing == 1 else 'are'} no longer where the DICOM "
            "database has them.",
            "Put the files back, or import the series again.",
        )
    return found


def stored_names(volume: Any) -> Iterator[str]:
    """The files that a volume was read from outside of the DICOM module."""
    storage = volume.GetStorageNode()
    if storage is not None:
        names = [storage.GetFileName(), *(storage.GetNthFileName(n) for n in range(storage.GetNumberOfFileNames()))]
        yield from dict.fromkeys(name for name in names if name)


def _part(node: Any, task: Task, key: str, to_patient: np.ndarray) -> Part:
    labelmap, values = labelmap_voxels(node, key)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    box = bounding_box(values) if values.size else (slice(0, 0),) * 3
    voxels = (values[box] > 0).astype(np.uint8)
    first = np.eye(4)
    first[:3, 3] = [low + side.start for low, side in zip(labelmap.GetExtent()[::2], reversed(box))]
    region = next((region for region in task.regions if region.key == key), None)
    if region is not None:
        algorithm = SEMIAUTOMATIC if _is_edited(node, key, voxels, numpy_matrix(matrix) @ first) else AUTOMATIC
    else:
        region, algorithm = drawn_region(node, key), MANUAL
    return Part(region, voxels, to_patient @ numpy_matrix(matrix) @ first, algorithm)


def _is_edited(node: Any, key: str, voxels: np.ndarray, affine: np.ndarray) -> bool:
    """Whether a region is another than the run gave it: voxel by voxel where its result was kept, else by their number."""
    untouched = untouched_of(node)
    if untouched is None or key not in segment_ids(untouched):
        count = int(np.count_nonzero(voxels))
        return record_of(node).get("voxel_count", {}).get(key, count) != count
    labelmap, values = labelmap_voxels(untouched, key)
    if not values.any():
        return bool(voxels.any())
    matrix, box = vtk.vtkMatrix4x4(), bounding_box(values)
    labelmap.GetImageToWorldMatrix(matrix)
    start = [low + side.start for low, side in zip(labelmap.GetExtent()[::2], reversed(box))]
    same_place = np.allclose(numpy_matrix(matrix) @ [*start, 1], affine[:, 3], atol=1e-6)
    return not (same_place and np.array_equal(values[box] > 0, voxels > 0))


def drawn_region(node: Any, key: str) -> Region:
    """What a segment that the reader has added is: its name, colour and terminology."""
    segment = node.GetSegmentation().GetSegment(key)
    tag = vtk.reference("")
    segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), tag)
    codes = [code_of(part) for part in str(tag.get()).split("~")[1:]] + [None] * 5
    name = re.sub(r"[\x00-\x1f\x7f\\]", " ", segment.GetName() or "").strip()[:LONGEST_NAME].strip() or "Segment"
    number = node.GetSegmentation().GetSegmentIndex(key) + 1
    colour = tuple(float(min(max(part, 0), 1)) for part in segment.GetColor())
    return Region(f"drawn-{number}", name, colour, codes[0] or TISSUE, codes[1] or TISSUE, codes[4])


def code_of(text: str) -> Code | None:
    """A code as Slicer writes it ('SCT^85756007^Tissue'); None where it is none, or not one that DICOM takes."""
    found = CODE.fullmatch(text)
    try:
        return Code(*found.groups()) if found else None
    except ValueError:
        return None
