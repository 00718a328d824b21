"""Small DICOM series for the tests, written slice by slice through GDCM."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from MedSegDLLib.geometry.image import LPS_FROM_RAS

PATIENT = "Doe^Jane"
CT_CLASS, MR_CLASS = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"


@dataclass(frozen=True)
class Series:
    """What is written: (K, J, I) stored numbers at an RAS affine, with further tags for all slices."""

    array: np.ndarray
    affine: np.ndarray
    uid: str = "1.2.826.0.1.3680043.2.1125.7"
    tags: dict[str, str] = field(default_factory=dict)

    def position(self, k: int) -> np.ndarray:
        """LPS mm of the first voxel of slice k."""
        return (LPS_FROM_RAS @ self.affine @ [0, 0, k, 1])[:3]

    def write_slice(self, path: Path, k: int) -> Path:
        """One slice under any name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = (LPS_FROM_RAS @ self.affine)[:3, :3]
        spacing = np.linalg.norm(columns, axis=0)
        cosines = (columns / spacing)[:, :2].T.ravel()
        image = sitk.GetImageFromArray(self.array[k], isVector=self.array.ndim == 4)
        image.SetSpacing(spacing[:2].tolist())
        values = {
            "0008|0016": CT_CLASS,
            "0008|0060": "CT",
            "0010|0010": PATIENT,
            "0020|000e": self.uid,
            "0020|000d": "1.2.826.0.1.3680043.2.1125.1",
            "0008|0018": f"{self.uid}.{k + 1}",
            "0020|0013": str(k),
            "0020|0032": "\\".join(f"{x:.10g}" for x in self.position(k)),
            "0020|0037": "\\".join(f"{x:.10g}" for x in cosines),
            **self.tags,
        }
        for key, value in values.items():
            image.SetMetaData(key, value)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetImageIO("GDCMImageIO")
        writer.SetFileName(str(path))
        writer.Execute(image)
        return path

    def write(self, folder: Path, seed: int = 0, suffix: str = "") -> Path:
        """All slices under names whose order says nothing."""
        names = [f"{n:03d}{suffix}" for n in range(len(self.array))]
        random.Random(seed).shuffle(names)
        for k, name in enumerate(names):
            self.write_slice(folder / name, k)
        return folder
