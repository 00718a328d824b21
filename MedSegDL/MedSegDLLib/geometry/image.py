"""`Image` and `Grid`: voxels and where they lie. The only room that knows a grid; files are read in `files`, resampled in `resample`.

Arrays are (K, J, I), as SimpleITK and Slicer order them: the last axis is the first index. Affines take (i, j, k, 1) to RAS in mm.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
DICOM_TAGS = {  # what an image keeps of its DICOM header: nothing that names a patient
    "SeriesDescription": "0008,103e",
    "ProtocolName": "0018,1030",
    "EchoTime": "0018,0081",
    "RepetitionTime": "0018,0080",
    "InversionTime": "0018,0082",
    "ContrastBolusAgent": "0018,0010",
    "ScanningSequence": "0018,0020",
    "SequenceVariant": "0018,0021",
    "Modality": "0008,0060",
    "ImageType": "0008,0008",
}


@dataclass(frozen=True)
class Grid:
    """A regular grid of voxels.

    Attributes:
        shape: (K, J, I).
        affine: (4, 4) float64, voxel indices (i, j, k, 1) to RAS mm.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray

    def __post_init__(self) -> None:
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError("an affine is a finite 4x4 matrix")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise ValueError("an affine must not fold the volume flat")
        affine.flags.writeable = False
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing_mm(self) -> np.ndarray:
        """Voxel sides along i, j, k: (3,) mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm3 (of the parallelepiped, should the axes be sheared)."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    def world_axes(self) -> tuple[tuple[int, bool], ...]:
        """For i, j, k the world's axis (0 R, 1 A, 2 S) that each runs most nearly along, and whether against it.

        Oblique axes are assigned one after the other, the clearest first, as nibabel's `io_orientation` does.
        """
        left, _, right = np.linalg.svd(self.affine[:3, :3] / self.spacing_mm)
        straight = left @ right
        found = [(0, False)] * 3
        for axis in np.argsort(-(straight**2).max(axis=0), kind="stable"):
            world = int(np.abs(straight[:, axis]).argmax())
            found[axis] = (world, bool(straight[world, axis] < 0))
            straight[world] = 0.0
        return tuple(found)

    @property
    def orientation(self) -> str:
        """Where i, j, k run to, in letters ("LPS" for most DICOM series)."""
        return "".join(("RAS", "LPI")[against][world] for world, against in self.world_axes())

    def same_as(self, other: Grid, tolerance_mm: float = 0.05) -> bool:
        """Whether every voxel centre lies within `tolerance_mm` of the other grid's (rounding in headers is no difference)."""
        if self.shape != other.shape:
            return False
        return bool(np.abs(self.corners() - other.corners()).max() <= tolerance_mm)

    def corners(self) -> np.ndarray:
        """Centres of the eight corner voxels: (8, 3) RAS mm."""
        last = np.array(self.shape[::-1], dtype=np.float64) - 1
        ijk = np.array([[x, y, z] for x in (0, last[0]) for y in (0, last[1]) for z in (0, last[2])])
        return ijk @ self.affine[:3, :3].T + self.affine[:3, 3]

    def cropped(self, box: tuple[slice, slice, slice]) -> Grid:
        """The grid of `array[box]`; slices along (K, J, I) with start and stop, step 1."""
        start = np.array([s.start for s in box[::-1]] + [1.0])
        affine = self.affine.copy()
        affine[:3, 3] = (self.affine @ start)[:3]
        return Grid(tuple(s.stop - s.start for s in box), affine)


@dataclass(frozen=True)
class ReadingNote:
    """What reading a file had to decide because its header says two things, or nothing; the input check turns it into a finding.

    Attributes:
        fields: header fields that it rests on ("sform_code, qform_code").
        says: the rest of a sentence that starts with the image's name.
        remedy: one sentence: what to do about it.
        serious: lowers the trust in the result (a warning); else good to know (a note).
    """

    fields: str
    says: str
    remedy: str
    serious: bool = True


@dataclass(frozen=True)
class Image:
    """A volume or a picture with its place in the world.

    Attributes:
        array: (K, J, I), or (K, J, I, C) for colour pictures; a picture has K = 1.
        affine: (4, 4) float64, (i, j, k, 1) to RAS mm.
        name: file or node name for messages; never a patient's name.
        tags: DICOM tags by keyword (SeriesDescription, EchoTime ...), only those of `DICOM_TAGS`.
        notes: what reading had to decide; empty where the file was clear.
    """

    array: np.ndarray
    affine: np.ndarray
    name: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    notes: tuple[ReadingNote, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim not in (3, 4):
            raise ValueError(f"an Image has 3 axes, or 4 with colours, not {self.array.ndim}")
        object.__setattr__(self, "affine", Grid(self.array.shape[:3], self.affine).affine)

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return Grid(self.array.shape[:3], self.affine)

    @property
    def channels(self) -> int:
        """1 for grey, else the number of colours."""
        return 1 if self.array.ndim == 3 else self.array.shape[3]

    def with_array(self, array: np.ndarray) -> Image:
        """Other values at the same place."""
        return replace(self, array=array)
