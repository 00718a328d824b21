"""'Save as DICOM': the segments as they are in the scene, beside the series that their volume was loaded from; read back with highdicom."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest
import slicer
from highdicom.seg import segread

from MedSegDLLib.errors import InputRefused
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.formats import DICOM_CAPTURE, DICOM_REPORT, DICOM_RESULTS, DICOM_SEGMENTATION
from MedSegDLLib.io.read import read_image
from MedSegDLLib.progress import quiet
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.guard import failure_of
from MedSegDLLib.scene.segmentation import cut_out, segment_mask
from MedSegDLLib.scene.volumes import image_from_node, local_affine, node_from_image, vtk_matrix
from MedSegDLLib.tasks import BRAIN
from MedSegDLLib.worker.save_dicom import save

from ..core.dicom.test_output import same_places, stored_places
from ..core.dicom_kinds import Kind, kinds
from ..scene.conftest import put_under_transform, put_under_warp
from .fake_client import FakeClient
from .test_results import draw, segmented
from .test_run import hidden, loaded, take_all  # noqa: F401 - a fixture

KINDS = {kind.name: kind for kind in kinds()}
OBLIQUE = KINDS["oblique 0"]
DRAWN = "SCT^49755003^Morphologically Altered Structure~SCT^4147007^Mass~^^~Anatomic codes~SCT^12738006^Brain~^^"


class Database:
    """What the section needs of Slicer's ctkDICOMDatabase."""

    isOpen = True

    def __init__(self, files: dict[str, Path]) -> None:
        self.files, self.inserted = files, []

    def fileForInstance(self, uid: str) -> str:
        """Where an instance lies."""
        return str(self.files.get(uid, ""))

    def instanceValue(self, uid: str, tag: str) -> str:
        """No tags."""
        return ""

    def insert(self, path: str) -> None:
        """The database copies the file."""
        self.inserted.append(pydicom.dcmread(path))


def turned(image: Image) -> Image:
    """The same voxels at the same places with their slices in the other order, as some of Slicer's readers give them."""
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = image.array.shape[0] - 1
    return Image(image.array[::-1].copy(), image.affine @ flip, image.name)


@pytest.fixture
def series(entered: Any, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SimpleNamespace]:
    """A series in the database, its volume in the scene, segmented."""

    def made(kind: Kind = OBLIQUE, change: Callable[[Image], Image] = lambda image: image) -> SimpleNamespace:
        path = kind.write(tmp_path / "scan")
        files = {str(pydicom.dcmread(file, force=True).SOPInstanceUID): file for file in sorted(path.rglob("*")) if file.is_file()}
        database = Database(files)
        monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
        volume = node_from_image(change(read_image(path)), "flair")
        volume.SetAttribute("DICOM.instanceUIDs", " ".join(files))
        entered.inputs.fill()
        node = segmented(entered, client)
        return SimpleNamespace(panel=entered, node=node, volume=volume, files=files, database=database, kind=kind)

    return made


def saved(case: SimpleNamespace, client: FakeClient, folder: Path | None) -> None:
    """The panel asks, the worker's own function answers."""
    section, before = case.panel.dicom, len(client.requested)
    section.save(folder)
    for _ in range(1000):
        take_all(section.steps)
        case.panel.poll()
        if not section.news_due:
            return
        if len(client.requested) > before:
            before = len(client.requested)
            kind, payload = client.requested[-1]
            assert kind == "dicom"
            try:
                client.answer(save(payload, quiet))
            except InputRefused as error:
                client.fail(failure_of(error))
    raise AssertionError("it is never saved")


def mask_of(case: SimpleNamespace, key: str) -> np.ndarray:
    """A segment on the volume's grid."""
    return segment_mask(case.node, key, tuple(reversed(case.volume.GetImageData().GetDimensions())))


@pytest.mark.parametrize(
    ("name", "change"),
    [("oblique 0", turned), ("sagittal", lambda image: image), ("enhanced MR, shuffled", turned)],
    ids=["oblique", "sagittal", "frames"],
)
def test_every_voxel_lies_where_the_reader_sees_it(
    name: str, change: Callable, series: Callable, client: FakeClient, tmp_path: Path
) -> None:
    case = series(KINDS[name], change)
    mask = np.zeros(mask_of(case, "WT").shape, np.uint8)
    mask[1, 2:4, 3:9] = mask[-1, -1, -1] = 1
    draw(case.node, "ET", mask)
    saved(case, client, tmp_path / "out")
    found = stored_places(pydicom.dcmread(tmp_path / "out" / DICOM_SEGMENTATION))
    for number, region in enumerate(BRAIN.regions, start=1):
        assert same_places(mask_of(case, region.key), local_affine(case.volume), found[number]), region.key
    referred = {str(entry.ReferencedSOPInstanceUID) for entry in segread(tmp_path / "out" / DICOM_SEGMENTATION).SourceImageSequence}
    assert referred == set(case.files)
    assert "out" in case.panel.ui.logTextEdit.toPlainText() and case.panel.dicom.button.enabled


def test_it_says_what_the_network_gave_what_was_corrected_and_what_was_drawn(series: Callable, client: FakeClient, tmp_path: Path) -> None:
    case = series()
    mask = mask_of(case, "TC")
    mask[0, 0, 0] ^= 1
    mask[tuple(np.argwhere(mask)[-1])] ^= 1  # as many voxels as before
    draw(case.node, "TC", mask)
    key = case.node.GetSegmentation().AddEmptySegment("mine", "By hand", [0.2, 0.4, 0.6])
    case.node.GetSegmentation().GetSegment(key).SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), f"Anything~{DRAWN}")
    draw(case.node, key, mask)
    case.node.GetSegmentation().RemoveSegment("ET")
    saved(case, client, tmp_path / "out")
    seg = segread(tmp_path / "out" / DICOM_SEGMENTATION)
    told = [(str(entry.SegmentLabel), str(entry.SegmentAlgorithmType)) for entry in seg.SegmentSequence]
    assert told == [("Whole tumour (WT)", "AUTOMATIC"), ("Tumour core (TC)", "SEMIAUTOMATIC"), ("By hand", "MANUAL")]
    assert seg.SegmentSequence[2].SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Mass"
    assert seg.SegmentSequence[2].AnatomicRegionSequence[0].CodeMeaning == "Brain"
    assert "SegmentationAlgorithmIdentificationSequence" not in seg.SegmentSequence[2]
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(DICOM_RESULTS)


def test_into_the_database(series: Callable, client: FakeClient, tmp_path: Path) -> None:
    case = series()
    saved(case, client, None)
    assert [str(entry.Modality) for entry in case.database.inserted] == ["SEG", "SR", "OT"]
    assert len({str(entry.StudyInstanceUID) for entry in case.database.inserted}) == 1
    assert "database" in case.panel.ui.logTextEdit.toPlainText()


def test_a_finer_grid_is_sampled_and_said(series: Callable, client: FakeClient, tmp_path: Path) -> None:
    """The Segment Editor can draw on a finer geometry than the volume's."""
    case = series()
    mask = mask_of(case, "WT")
    fine = np.repeat(np.repeat(np.repeat(mask, 2, 0), 2, 1), 2, 2)
    half = np.diag([0.5, 0.5, 0.5, 1.0])
    half[:3, 3] = -0.25
    labelmap = cut_out(fine)
    labelmap.SetGeometryFromImageToWorldMatrix(vtk_matrix(local_affine(case.volume) @ half))
    segment = case.node.GetSegmentation().GetSegment("WT")
    segment.RemoveAllRepresentations()
    segment.AddRepresentation("Binary labelmap", labelmap)
    saved(case, client, tmp_path / "out")
    found = stored_places(pydicom.dcmread(tmp_path / "out" / DICOM_SEGMENTATION))
    assert same_places(mask, local_affine(case.volume), found[1])
    assert "finer" in case.panel.ui.logTextEdit.toPlainText()


def test_transforms_of_the_scene_change_nothing(bare: BareScene, series: Callable, client: FakeClient, tmp_path: Path) -> None:
    """Volume and segmentation moved together, and bent together, lie in the patient where they lay."""
    case, shift = series(), np.eye(4)
    shift[:3, 3] = 31.0, -7.0, 12.5
    transform = put_under_transform(bare, case.volume, shift)
    case.node.SetAndObserveTransformNodeID(transform.GetID())
    saved(case, client, tmp_path / "moved")
    put_under_warp(bare, case.volume)
    case.node.SetAndObserveTransformNodeID(case.volume.GetTransformNodeID())
    saved(case, client, tmp_path / "bent")
    for name in ("moved", "bent"):
        found = stored_places(pydicom.dcmread(tmp_path / name / DICOM_SEGMENTATION))
        assert same_places(mask_of(case, "WT"), local_affine(case.volume), found[1]), name


def test_what_cannot_be_saved_is_a_sentence(series: Callable, client: FakeClient, tmp_path: Path) -> None:
    case = series()
    affine, uids = local_affine(case.volume), case.volume.GetAttribute("DICOM.instanceUIDs")
    shift = np.eye(4)
    shift[0, 3] = 1.0  # a whole voxel: each index is still a whole one

    def refused(says: str) -> None:
        saved(case, client, tmp_path / "out")
        assert says in case.panel.ui.findingsLabel.text
        assert not (tmp_path / "out").exists() and case.panel.dicom.button.enabled

    case.volume.SetIJKToRASMatrix(vtk_matrix(affine @ shift))
    refused("does not lie on the voxels of its series")
    case.volume.SetIJKToRASMatrix(vtk_matrix(affine))
    voxels = image_from_node(case.volume).array
    voxels[1:3] = voxels[[2, 1]]  # 'Add data' stacks files by their names
    refused("does not show its series")
    voxels[1:3] = voxels[[2, 1]]
    slicer.dicomDatabase = None
    refused("this application has none")
    case.volume.RemoveAttribute("DICOM.instanceUIDs")
    refused("was not loaded from DICOM")
    slicer.dicomDatabase = case.database
    case.volume.SetAttribute("DICOM.instanceUIDs", uids)
    next(iter(case.files.values())).unlink()
    refused("no longer where the DICOM database")
    case.volume.SetAttribute("DICOM.instanceUIDs", uids.split(" ", 1)[1])
    case.node.GetSegmentation().RemoveAllSegments()
    refused("has no segments")
    slicer.mrmlScene.RemoveNode(case.volume)
    refused("is not in the scene")


def test_a_volume_read_from_its_files_needs_no_database(series: Callable, client: FakeClient, tmp_path: Path) -> None:
    """Slicer's 'Add data' reads DICOM too: then the volume names the files."""
    case = series()
    case.volume.RemoveAttribute("DICOM.instanceUIDs")
    slicer.dicomDatabase = None
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    files = [str(path) for path in case.files.values()]
    storage.SetFileName(files[0])
    for name in files:
        storage.AddFileName(name)
    case.volume.SetAndObserveStorageNodeID(storage.GetID())
    saved(case, client, tmp_path / "out")
    assert {DICOM_SEGMENTATION, DICOM_REPORT, DICOM_CAPTURE} == {path.name for path in (tmp_path / "out").iterdir()}


def test_it_is_offered_where_it_can_be(entered: Any, tmp_path: Path) -> None:
    assert hidden(entered.dicom.widget) and hidden(entered.dicom.databaseButton)
    with pytest.raises(InputRefused, match="no result to save"):
        entered.dicom.save(tmp_path)


def test_a_server_is_no_place_for_it(loaded: Any, client: FakeClient, tmp_path: Path) -> None:  # noqa: F811
    from MedSegDLLib.scene.widgets import set_python_setting  # here: it imports qt, which a fixture puts in place

    segmented(loaded, client)
    assert not hidden(loaded.dicom.widget) and hidden(loaded.dicom.databaseButton)
    set_python_setting("http://127.0.0.1:8765")
    with pytest.raises(InputRefused, match="A server segments"):
        loaded.dicom.save(tmp_path / "out")
