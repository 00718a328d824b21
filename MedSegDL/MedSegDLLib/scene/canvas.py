"""A drawing surface: colours blended into a numpy picture, text by VTK's FreeType renderer, PNG files.
No OpenGL and no window enter, so it works on any machine; no image geometry either.
"""

from __future__ import annotations

import os

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ..io.atomic import atomic_path

DOTS_PER_INCH = 96
BACKGROUND = (0.055, 0.065, 0.085)
INK = (0.90, 0.92, 0.95)
Color = tuple[float, float, float]


class Canvas:
    """A picture that is drawn on.

    Attributes:
        pixels: (height, width, 3) float32 in 0..1.
    """

    def __init__(self, height: int, width: int) -> None:
        self.pixels = np.broadcast_to(np.float32(BACKGROUND), (height, width, 3)).copy()

    def paste(self, picture: np.ndarray, top: int, left: int) -> None:
        """Put a (height, width, 3) picture down."""
        self.pixels[top : top + picture.shape[0], left : left + picture.shape[1]] = picture

    def box(self, top: int, left: int, side: int, color: Color) -> None:
        """A filled square."""
        self.pixels[top : top + side, left : left + side] = color

    def write(self, text: str, top: int, left: int, size: int = 13, color: Color = INK) -> int:
        """Draw one line of text with its upper left corner there; returns its width in pixels. What does not fit is cut off."""
        coverage = _letters(text, size)[: self.pixels.shape[0] - top, : self.pixels.shape[1] - left, None]
        part = self.pixels[top : top + coverage.shape[0], left : left + coverage.shape[1]]
        part += (np.float32(color) - part) * coverage
        return coverage.shape[1]

    def save(self, path: str | os.PathLike) -> None:
        """Write a PNG atomically.

        Raises:
            InputRefused: the file system does not take it.
        """
        data = vtk.vtkImageData()
        data.SetDimensions(self.pixels.shape[1], self.pixels.shape[0], 1)
        rows_upwards = np.ascontiguousarray((self.pixels[::-1].clip(0, 1) * 255).round().astype(np.uint8))
        data.GetPointData().SetScalars(numpy_to_vtk(rows_upwards.reshape(-1, 3), deep=True))
        writer = vtk.vtkPNGWriter()
        writer.SetInputData(data)
        with atomic_path(path) as draft:
            writer.SetFileName(str(draft))
            writer.Write()
            if writer.GetErrorCode():
                raise OSError(writer.GetErrorCode(), "the PNG writer failed")


def _letters(text: str, size: int) -> np.ndarray:
    """How much of each pixel a line of text covers, (height, width) 0..1."""
    style = vtk.vtkTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(size)
    style.SetColor(1.0, 1.0, 1.0)
    image, extent = vtk.vtkImageData(), [0, 0]
    vtk.vtkTextRenderer.GetInstance().RenderString(style, text, image, extent, DOTS_PER_INCH)
    width, height, _ = image.GetDimensions()  # padded to powers of two at the right and at the top
    coverage = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 4)[..., 3]
    return coverage[: extent[1], : extent[0]][::-1].astype(np.float32) / 255
