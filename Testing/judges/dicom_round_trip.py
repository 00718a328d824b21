"""A made-up head through an archive and back: the log in docs/dicom.md, and its picture. `make dicom-round-trip` makes both."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests
from highdicom.color import CIELabColor
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from MedSegDLLib.commands.main import main as medsegdl
from MedSegDLLib.geometry.image import LPS_FROM_RAS
from MedSegDLLib.phantom.head import Phantom, head_phantom
from MedSegDLLib.report.png import png
from MedSegDLLib.tasks import BRAIN

from ..core.dicom_kinds import MR, slices
from ..core.orthanc import Server, needs_orthanc, running

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "dicom-round-trip.png"
SHAPE, SPACING_MM = (80, 96, 80), 2.0
TITLES = {"flair": "t2 flair", "t1ce": "t1 gd"}
INTRODUCTION = """\
`make dicom-round-trip` makes this: a phantom's head is stored in Orthanc, fetched and segmented by `medsegdl dicomweb`, its SEG is
stored there, taken out again, and laid on its source by pydicom and highdicom alone. Every frame must name a slice that the archive
holds, and lie where that slice says that it lies; the Dice is that with the phantom's own truth, which goes another way."""
SHOWN = 3  # slices a source
ENLARGED = 3
TURNS_DEGREES = (12.0, -8.0, 20.0)  # of the oblique head, about its three axes


@dataclass(frozen=True)
class Source:
    """How the head lies in the scanner.

    Attributes:
        name: for the log.
        axes: axes of the phantom's arrays (K, J, I) that become slices, rows and columns; with `reversed` the slices go the other way.
        turned: whether the head was turned.
    """

    name: str
    axes: tuple[int, int, int] = (0, 1, 2)
    reversed: bool = False
    turned: bool = False

    def voxels(self, array: np.ndarray) -> np.ndarray:
        """A volume of the phantom, slice by slice as it is acquired."""
        moved = np.ascontiguousarray(array.transpose(self.axes))
        return moved[::-1] if self.reversed else moved

    def affine(self, phantom: Phantom) -> np.ndarray:
        """Acquired (i, j, k, 1) to LPS mm."""
        order = np.zeros((4, 4))
        for axis, of in enumerate(self.axes):  # arrays are (K, J, I), indices (i, j, k)
            order[2 - of, 2 - axis] = 1
        order[3, 3] = 1
        if self.reversed:
            flip = np.diag([1.0, 1.0, -1.0, 1.0])
            flip[2, 3] = SHAPE[self.axes[0]] - 1
            order = order @ flip
        return LPS_FROM_RAS @ (_turn() if self.turned else np.eye(4)) @ phantom.grid.affine @ order


SOURCES = (
    Source("sagittal, slices from left to right", (2, 0, 1), reversed=True),
    Source("oblique", turned=True),
)


def _turn() -> np.ndarray:
    turn = np.eye(4)
    for axis, degrees in enumerate(TURNS_DEGREES):
        one, (a, b) = np.eye(4), [other for other in range(3) if other != axis]
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one[[a, a, b, b], [a, b, a, b]] = cosine, -sine, sine, cosine
        turn = turn @ one
    return turn


def examination(source: Source, phantom: Phantom) -> list[Dataset]:
    """The head as a study of four series."""
    affine, study, frame = source.affine(phantom), generate_uid(), generate_uid()
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    made: list[Dataset] = []
    for number, (key, title) in enumerate(TITLES.items(), start=1):
        series = generate_uid()
        for k, one in enumerate(slices(source.voxels(phantom.images[key].array), kind=MR, SeriesDescription=title)):
            one.StudyInstanceUID, one.SeriesInstanceUID, one.FrameOfReferenceUID = study, series, frame
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            one.SeriesNumber = number
            one.ImagePositionPatient = [f"{part:.9g}" for part in (affine @ [0, 0, k, 1])[:3]]
            one.ImageOrientationPatient = [f"{part:.9g}" for part in (affine[:3, :2] / spacing[:2]).T.ravel()]
            one.PixelSpacing, one.SliceThickness = [SPACING_MM, SPACING_MM], SPACING_MM
            made.append(one)
    return made


@dataclass(frozen=True)
class Laid:
    """A SEG on its source, by what the two say of themselves.

    Attributes:
        grey: (K, J, I), the source's slices in the order of their numbers.
        regions: segment label -> (K, J, I) bool.
        colours: segment label -> red, green, blue in 0..255.
        furthest_mm: between where a frame says that it lies and where its slice does.
    """

    grey: np.ndarray
    regions: dict[str, np.ndarray]
    colours: dict[str, tuple[int, ...]]
    furthest_mm: float


def laid(seg: Dataset, images: Sequence[Dataset]) -> Laid:
    """Put the frames of a SEG on the slices that they name."""
    held = {one.SOPInstanceUID: one for one in images}
    wanted = {entry.ReferencedSOPInstanceUID for entry in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    stack = sorted((held[uid] for uid in wanted), key=lambda one: int(one.InstanceNumber))
    place = {one.SOPInstanceUID: k for k, one in enumerate(stack)}
    grey = np.stack([one.pixel_array for one in stack])
    labels = {int(entry.SegmentNumber): str(entry.SegmentLabel) for entry in seg.SegmentSequence}
    regions = {label: np.zeros(grey.shape, bool) for label in labels.values()}
    furthest = 0.0
    frames = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    for pixels, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
        source = held[group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID]
        apart = np.subtract(group.PlanePositionSequence[0].ImagePositionPatient, source.ImagePositionPatient, dtype=float)
        furthest = max(furthest, float(np.linalg.norm(apart)))
        number = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        regions[labels[number]][place[source.SOPInstanceUID]] |= pixels > 0
    colours = {str(entry.SegmentLabel): _rgb(entry.RecommendedDisplayCIELabValue) for entry in seg.SegmentSequence}
    return Laid(grey, regions, colours, furthest)


def _rgb(lab: Sequence[int]) -> tuple[int, ...]:
    lightness, a, b = lab
    return tuple(CIELabColor(lightness / 0xFFFF * 100, a / 0xFFFF * 255 - 128, b / 0xFFFF * 255 - 128).to_rgb())


def picture(found: Laid) -> np.ndarray:
    """(H, W, 3) uint8: the slices with most of the first region, outlines in the SEG's own colours."""
    areas = next(iter(found.regions.values())).sum(axis=(1, 2))
    middle = int(areas.argmax())
    step = max(1, int((areas > areas.max() / 2).sum()) // 4)
    parts = []
    for k in (middle - step, middle, middle + step)[:SHOWN]:
        high = np.percentile(found.grey, 99.5)
        grey = np.clip(found.grey[k] / high, 0, 1) * 255
        shown = np.repeat(_larger(grey.astype(np.uint8))[..., None], 3, axis=-1)
        for label, mask in found.regions.items():
            shown[_outline(_larger(mask[k]))] = found.colours[label]
        parts.append(shown)
    return np.concatenate(parts, axis=1)


def _larger(plane: np.ndarray) -> np.ndarray:
    return plane.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)


def _outline(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    return mask & ~(padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:])


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Overlap of two masks."""
    return float(2 * np.count_nonzero(one & (other > 0)) / (np.count_nonzero(one) + np.count_nonzero(other)))


def travel(source: Source, phantom: Phantom, server: Server, folder: Path) -> tuple[list[str], Laid]:
    """There and back: lines for the log, and the SEG on its source."""
    study = examination(source, phantom)
    server.store(study, folder / "sent")
    uid, told = study[0].StudyInstanceUID, io.StringIO()
    command = ["dicomweb", server.url, "--study", uid, "--task", "brain", "--send", "-o", str(folder / "out"), "--device", "cpu"]
    with contextlib.redirect_stdout(told):
        code = medsegdl(command)
    if code:
        raise SystemExit(f"medsegdl dicomweb ended with {code}")
    seg = next(one for one in server.instances("SEG") if one.StudyInstanceUID == uid)
    found = laid(seg, [one for one in server.instances("MR") if one.StudyInstanceUID == uid])
    keys = [entry.key for entry in BRAIN.regions]
    overlaps = [dice(mask, source.voxels(phantom.truth[key])) for key, mask in zip(keys, found.regions.values(), strict=True)]
    shown = "medsegdl dicomweb URL --study UID --task brain --send -o DIR"
    lines = [f"### {source.name}", "", "```", f"$ {shown}", *told.getvalue().replace(str(folder), "").strip().splitlines(), "```", ""]
    overlaps_text = ", ".join(f"{key} {value:.3f}" for key, value in zip(keys, overlaps))
    lines += [
        f"{len(study)} slices stored. The SEG that came back has {seg.NumberOfFrames} frames, each within {found.furthest_mm:.1g} mm",
        "of the slice that it names.",
        f"Dice with the phantom's truth: {overlaps_text}.",
        "",
    ]
    return lines, found


def log() -> list[str]:
    """All sources, there and back; draws the picture."""
    phantom, lines, rows = head_phantom(0, SHAPE, SPACING_MM), [], []
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        version = requests.get(f"{server.rest}/system", timeout=20).json()["Version"]
        for number, source in enumerate(SOURCES):
            more, found = travel(source, phantom, server, Path(folder) / f"{number}")
            lines += more
            rows.append(picture(found))
    width = max(row.shape[1] for row in rows)
    PICTURE.write_bytes(png(np.concatenate([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows])))
    head = [f"## There and back: Orthanc {version}", "", INTRODUCTION, ""]
    return [*head, *lines, f"![SEG from the archive on its source]({PICTURE.name})"]


def main() -> None:
    """Print the log."""
    if needs_orthanc.args[0]:
        raise SystemExit(needs_orthanc.kwargs["reason"])
    print("\n".join(log()))


if __name__ == "__main__":
    sys.exit(main())
