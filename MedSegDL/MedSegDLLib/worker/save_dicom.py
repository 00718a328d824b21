"""A segmentation as it is in a scene, as DICOM beside the series that its volume came from: what the panel's 'Save as DICOM' asks for.

Both sides import this room; pydicom and highdicom come in with the work, in the worker. Nothing of a patient goes into the request but the
paths of the files.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputRefused, MedSegDLError, UsageError
from ..geometry.image import Grid
from ..progress import Progress
from ..result import Result, Segment
from ..schema.records import read_record
from ..tasks import TASK_KEY, Region, Task
from .protocol import read_array, write_array

if TYPE_CHECKING:
    from ..dicom.case import Case
    from ..dicom.origin import Reading

KIND = "dicom"  # of the request
SAME_VOXEL = 0.1  # of a voxel, by which the scene's grid and the series' may differ: readers round positions, and average steps
PROBES_A_SLICE = 24  # voxels that are compared
FEWEST_PROBES = 5  # of a slice, that are not background; by less it is not judged
SAME_VALUE = 1e-3  # of the range; float32 and rescaling round
LEAST_SHARE = 0.3  # of a slice's that agree; two slices of a head have few equal voxels, a third of a CT's may be padding
SERIES = "The series"  # what sentences call it
LOAD_IT = "Load its series by Slicer's DICOM module, segment it, and save that."


@dataclass(frozen=True)
class Part:
    """A segment as it is in the scene.

    Attributes:
        region: its name, colour and codes.
        voxels: (K, J, I) uint8, not 0 inside; only as much as holds the segment.
        affine: voxel (i, j, k, 1) to RAS mm of the patient, (4, 4).
        algorithm: how it was made (PS3.3 C.8.20.2): 'AUTOMATIC', 'SEMIAUTOMATIC' where it was corrected, 'MANUAL'.
    """

    region: Region
    voxels: np.ndarray
    affine: np.ndarray
    algorithm: str


@dataclass(frozen=True)
class Scene:
    """A segmentation with what is known of it, out of the scene.

    Attributes:
        record: the run record; empty where it is not known.
        grid: of the volume that it lies on, RAS mm of the patient.
        files: of that volume's series.
        probes: some voxels of that volume, (n, 4): k, j, i, value; the series must hold the same.
    """

    task: Task
    record: Mapping[str, Any]
    grid: Grid
    files: Sequence[Path]
    parts: Sequence[Part]
    probes: np.ndarray


def request_of(scene: Scene, arrays: Path, folder: Path) -> dict:
    """The payload of a request; the voxels are written into `arrays`. Raises InputRefused where the disk does not take them.

    Args:
        scene: what is to be saved.
        arrays: a private folder, there until the answer.
        folder: where the DICOM files go.
    """
    parts = [
        {
            "region": asdict(part.region),
            "array": str(write_array(arrays / f"{number}.npy", part.voxels)),
            "affine": part.affine.tolist(),
            "algorithm": part.algorithm,
        }
        for number, part in enumerate(scene.parts)
    ]
    return {
        TASK_KEY: scene.task.to_json(),
        "record": dict(scene.record),
        "shape": list(scene.grid.shape),
        "affine": scene.grid.affine.tolist(),
        "files": [str(path) for path in scene.files],
        "probes": scene.probes.tolist(),
        "parts": parts,
        "folder": str(folder),
    }


def scene_of(payload: Mapping[str, Any]) -> tuple[Scene, Path]:
    """Inverse of `request_of`: the scene, and the folder for the DICOM files. Raises UsageError where the payload does not fit."""
    try:
        parts = [
            Part(read_record(Region, entry["region"], "region"), _voxels(entry["array"]), _matrix(entry["affine"]), str(entry["algorithm"]))
            for entry in payload["parts"]
        ]
        grid = Grid(_shape(payload["shape"]), _matrix(payload["affine"]))
        files = [Path(path) for path in payload["files"]]
        probes = np.array(payload["probes"], dtype=np.float64).reshape(-1, 4)
        if not (np.isfinite(probes).all() and (probes[:, :3] >= 0).all() and (probes[:, :3] < grid.shape).all()):
            raise ValueError("a probe lies outside of the volume")
        return Scene(Task.from_json(payload[TASK_KEY]), dict(payload["record"]), grid, files, parts, probes), Path(payload["folder"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # Unfit is a ValueError
        raise UsageError(f"The request to save as DICOM does not fit: {error}.") from error


def _voxels(path: str) -> np.ndarray:
    array = read_array(Path(path))
    if array.ndim != 3 or array.dtype != np.uint8:
        raise ValueError("a segment is no (K, J, I) of bytes")
    return array


def _matrix(entry: Any) -> np.ndarray:
    matrix = np.array(entry, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or np.linalg.det(matrix) == 0:
        raise ValueError("an affine is no invertible matrix of 4 x 4")
    return matrix


def _shape(entry: Any) -> tuple[int, int, int]:
    if len(entry) != 3 or not all(isinstance(size, int) and size > 0 for size in entry):
        raise ValueError("a shape is no three sizes")
    return tuple(entry)


def save(payload: dict, progress: Progress) -> dict:
    """Write SEG, SR and secondary capture of a segmentation into a folder: all three or none.

    Returns:
        {"files": paths, "notes": sentences that the reader should know}.

    Raises:
        InputRefused: the series cannot be read or referred to, is not the volume's, or the folder does not take the files.
        MedSegDLError: this Python has no pydicom or highdicom.
        UsageError: the payload does not fit.
    """
    scene, folder = scene_of(payload)
    try:
        from ..dicom.origin import lacks_frame_of_reference
        from ..dicom.output import writers
        from ..io.write import write_together
    except ModuleNotFoundError as error:
        what = f"Saving as DICOM needs pydicom and highdicom, and {sys.executable} has no {error.name}."
        raise MedSegDLError(what, "Install highdicom there, or choose another Python in the settings.") from error
    progress(0.1, "Reading the series")
    reading = _reading(scene)
    progress(0.5, "Measuring")
    result, resampled = _result_on(reading.image.grid, scene)
    case = measured_case(result, reading, {part.region.key: part.algorithm for part in scene.parts})
    progress(0.8, "Writing")
    files = write_together(folder, writers(case))
    notes = []
    if resampled:
        notes.append("Segments were drawn on a finer or turned grid: each voxel of the series took the nearest of theirs.")
    if lacks_frame_of_reference(reading.origin):
        notes.append("The series states no FrameOfReferenceUID: the DICOM results name one of their own.")
    return {"files": [str(path) for path in files], "notes": notes}


def measured_case(result: Result, reading: Reading, algorithms: Mapping[str, str] | None = None) -> Case:
    """A result beside the series that lent its grid, measured.

    Args:
        result: masks on the grid of the reading.
        reading: the series.
        algorithms: region key -> how it was made, see `Part`; AUTOMATIC where it is not said.

    Raises:
        InputRefused: the source states too little to be referred to.
    """
    from ..dicom.case import Case, Measures
    from ..metrics.size import size_of

    sizes = {segment.region.key: size_of(segment.mask, result.grid) for segment in result.segments}
    measures = {key: Measures(size.volume_ml, size.parts, size.longest_mm) for key, size in sizes.items()}
    return Case(result, reading.image, reading.origin, measures, algorithms or {})


def not_from_dicom() -> InputRefused:
    """The refusal of a volume that came from elsewhere."""
    return InputRefused("The volume that the result lies on was not loaded from DICOM: there is nothing to refer to.", LOAD_IT)


def _reading(scene: Scene) -> Reading:
    """The series, which must be what the scene shows."""
    from ..dicom.read import read_files
    from ..io.time_limit import within_limit

    try:
        reading = within_limit(lambda: read_files(scene.files, SERIES), SERIES)
    except OSError as error:
        what = f"A file of the series cannot be read any more ({error.strerror})."
        raise InputRefused(what, "Put the files back, or load the series again.") from error
    if reading is None:
        raise not_from_dicom()
    if reading.time_points > 1:
        raise InputRefused("The files hold several time points, and which of them the volume shows is not known.", LOAD_IT)
    if not _all_voxels(scene.grid, reading.image.grid):
        what = "The volume does not lie on the voxels of its series (it was moved, cropped or resampled, or the gantry was tilted)."
        raise InputRefused(what, LOAD_IT)
    to_series = np.linalg.inv(reading.image.affine) @ scene.grid.affine
    if not _same_values(scene.probes, to_series, reading.image.array):
        raise InputRefused("The volume does not show its series (slices in another order, another time point, or changed values).", LOAD_IT)
    return reading


def _same_values(probes: np.ndarray, to_series: np.ndarray, array: np.ndarray) -> bool:
    """Whether the series holds at the probes what the volume does, or what becomes that by a slope and an intercept (PET in SUV).

    What is darkest in both tells nothing, and padding is read as air: in every slice a part of the others must agree.

    Args:
        probes: (n, 4) of k, j, i and value.
        to_series: indices (i, j, k, 1) of the volume to the series'.
        array: (K, J, I) of the series.
    """
    indices = np.rint(to_series[:3, :3] @ probes[:, 2::-1].T + to_series[:3, 3:]).astype(int)
    told, found = probes[:, 3], array[tuple(indices[::-1])].astype(np.float64)
    telling = (told != told.min(initial=np.inf)) | (found != found.min(initial=np.inf))
    slices, told, found = probes[telling, 0], told[telling], found[telling]
    if len(told) < FEWEST_PROBES or not np.ptp(told) or not np.ptp(found):
        return True
    near = SAME_VALUE * np.ptp(found)
    if np.mean(np.abs(told - found) <= near) < LEAST_SHARE:
        told = np.polyval(np.polyfit(told, found, 1), told)
    agree = np.abs(told - found) <= near
    shares = [agree[slices == k].mean() for k in np.unique(slices) if np.count_nonzero(slices == k) >= FEWEST_PROBES]
    return all(share >= LEAST_SHARE for share in [agree.mean(), *shares])


def _all_voxels(grid: Grid, other: Grid) -> bool:
    """Whether two grids have the same voxels at the same places, in whatever order."""
    matrix = np.linalg.inv(other.affine) @ grid.affine
    if not _same_voxels(matrix, grid.shape):
        return False
    ends = np.rint((matrix @ _ends(grid.shape))[:3])
    return bool((ends.min(axis=1) == 0).all() and (ends.max(axis=1) == np.array(other.shape[::-1]) - 1).all())


def _ends(shape: Sequence[int], beyond: float = 0.0) -> np.ndarray:
    """Indices (i, j, k, 1) of the eight corner voxels of a shape (K, J, I), or of points a part of a voxel beyond them: (4, 8)."""
    sides = ((-beyond, size - 1 + beyond) for size in reversed(shape))
    return np.array(np.meshgrid(*sides, [1.0], indexing="ij")).reshape(4, -1)


def _same_voxels(matrix: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether indices (i, j, k, 1) of a grid of a shape (K, J, I) become whole indices of another one, each axis along an axis."""
    whole = np.rint(matrix)
    axes = np.abs(whole[:3, :3])
    if not (axes.sum(axis=0) == 1).all() or not (axes.sum(axis=1) == 1).all():
        return False
    return bool(np.abs((matrix - whole) @ _ends(shape)).max() < SAME_VOXEL)


def _result_on(grid: Grid, scene: Scene) -> tuple[Result, bool]:
    """The segments on the series' own grid, and whether a segment had to be resampled for it."""
    segments, resampled = [], False
    for part in scene.parts:
        to_part = np.linalg.inv(part.affine) @ grid.affine
        resampled |= part.voxels.size > 0 and not _same_voxels(to_part, grid.shape)
        segments.append(Segment(part.region, _sampled(part.voxels, to_part, grid.shape), grid.voxel_volume_mm3))
    reference = str(scene.record.get("reference", ""))
    return Result(scene.task, grid, reference, tuple(segments), record=dict(scene.record)), resampled


def _sampled(voxels: np.ndarray, to_part: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Nearest voxels on another grid, slice by slice and only where there are any: (K, J, I) uint8, 0 or 1.

    Args:
        voxels: (K, J, I) of the part.
        to_part: indices (i, j, k, 1) of the wanted grid to the part's.
        shape: of the wanted grid.
    """
    mask = np.zeros(shape, np.uint8)
    if not voxels.size:
        return mask
    corners = (np.linalg.inv(to_part) @ _ends(voxels.shape, beyond=0.5))[:3]
    low = np.clip(np.floor(corners.min(axis=1)), 0, None).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + 1, shape[::-1])
    if (low >= high).any():
        return mask
    i, j = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    for k in range(low[2], high[2]):
        places = np.rint(to_part[:3, :3] @ np.stack([i.ravel(), j.ravel(), np.full(i.size, k)]) + to_part[:3, 3:]).astype(int)
        inside = ((places >= 0) & (places < np.array(voxels.shape[::-1])[:, None])).all(axis=0)
        row = np.zeros(i.size, np.uint8)
        row[inside] = voxels[tuple(places[::-1, inside])] > 0
        mask[k, low[1] : high[1], low[0] : high[0]] = row.reshape(i.shape)
    return mask
