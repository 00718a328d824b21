"""Slicer's own DICOM segmentation plug-in on our segments: its 'Export to DICOM' of a result, and its reading of what we write.

The plug-in is Slicer 5.12's Python as it is, run on slicer-core with dcmqi's programs; it is no part of this project. Name its folder:
MEDSEGDL_SLICER_MODULES=<Slicer checkout>/Modules/Scripted, or <Slicer>/lib/Slicer-5.12/qt-scripted-modules. Stand-ins are the database (as
in test_dicom), the list of exportables, and reading and writing one label volume.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest
import slicer
import slicer.util
import vtk

from MedSegDLLib.io.formats import DICOM_SEGMENTATION
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.segmentation import labelmap_voxels, segment_ids
from MedSegDLLib.scene.volumes import numpy_matrix, world_affine
from MedSegDLLib.tasks import BRAIN

from ..core.dicom.test_output import places, same_places, stored_places
from .fake_client import FakeClient
from .test_dicom import KINDS, OBLIQUE, mask_of, saved, series, turned  # noqa: F401 - a fixture
from .test_results import draw

MODULES_VARIABLE = "MEDSEGDL_SLICER_MODULES"
TAGS = {"instanceUID": "0008,0018", "modality": "0008,0060", "seriesDescription": "0008,103E"}
needs_plugin = pytest.mark.skipif(
    not os.environ.get(MODULES_VARIABLE), reason=f"${MODULES_VARIABLE} names no folder of Slicer's scripted modules (see this file's head)"
)


def found(name: str) -> Path:
    """A file of Slicer's scripted modules, in its sources or where it is installed."""
    return next(path for path in sorted(Path(os.environ[MODULES_VARIABLE]).rglob(name)))


def imported(name: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of Slicer by its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def plugin(bare: BareScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """DICOMSegmentationPlugin, with what it wants of the application."""
    core = ModuleType("vtkSegmentationCorePython")
    for name in ("vtkSegment", "vtkSegmentation", "vtkSegmentationConverter", "vtkOrientedImageData"):
        setattr(core, name, getattr(slicer, name))
    monkeypatch.setitem(sys.modules, core.__name__, core)
    imported("DICOMLib", found("DICOMPlugin.py"), monkeypatch)
    terminologies = slicer.vtkSlicerTerminologiesModuleLogic()
    slicer.modules.terminologies = SimpleNamespace(logic=lambda: terminologies)  # like the application, of this test's scene
    slicer.app.temporaryPath = str(tmp_path / "temporary")
    monkeypatch.setattr(slicer.util, "tempDirectory", lambda: str(made(tmp_path / "exporting")))
    monkeypatch.setattr(slicer.util, "saveNode", lambda node, path: bare.save_node(node, path))
    monkeypatch.setattr(slicer.util, "loadLabelVolume", lambda path, options: read_label(bare, path))
    return imported("DICOMSegmentationPlugin", found("DICOMSegmentationPlugin.py"), monkeypatch)


def made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def read_label(bare: BareScene, path: str) -> Any:
    node = bare.scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
    storage = node.CreateDefaultStorageNode()
    storage.SetSingleFile(1)
    bare._read(node, storage, path)
    node.CreateDefaultDisplayNodes()
    return node


def exported(case: SimpleNamespace, plugin: ModuleType, folder: Path, skip_empty: bool = True) -> pydicom.Dataset:
    """What Slicer's 'Export to DICOM' makes of the result."""
    case.database.fileValue = lambda path, tag: str(pydicom.dcmread(path)[tag.replace(",", "")].value)
    folder.mkdir()
    plugin.DICOMSegmentationExporter(case.node).export(str(folder), "seg.dcm", {}, skipEmpty=skip_empty)
    return pydicom.dcmread(folder / "seg.dcm")


@needs_plugin
@pytest.mark.parametrize("name", ["oblique 0", "sagittal", "axial CT"])
def test_slicer_exports_our_segments(name: str, series: Callable, plugin: ModuleType, tmp_path: Path) -> None:  # noqa: F811
    case = series(KINDS[name], turned)
    seg = exported(case, plugin, tmp_path / "out")
    there = [region for region in BRAIN.regions if mask_of(case, region.key).any()]
    assert [str(entry.SegmentLabel) for entry in seg.SegmentSequence] == [region.label for region in there]
    told = stored_places(seg)
    for number, region in enumerate(there, start=1):
        mask, entry = mask_of(case, region.key), seg.SegmentSequence[number - 1]
        assert same_places(mask, world_affine(case.volume), told[number]), region.key
        assert str(entry.SegmentedPropertyTypeCodeSequence[0].CodeValue) == region.type.value
        assert str(entry.SegmentedPropertyCategoryCodeSequence[0].CodeValue) == region.category.value
        assert str(entry.AnatomicRegionSequence[0].CodeValue) == region.anatomy.value
        assert (entry.SegmentAlgorithmType, entry.SegmentAlgorithmName) == ("AUTOMATIC", "MedSegDL")
    referred = {item.ReferencedSOPInstanceUID for item in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert referred <= set(case.files) and referred


@needs_plugin
def test_an_empty_segment_is_skipped_after_a_question(series: Callable, plugin: ModuleType, tmp_path: Path) -> None:  # noqa: F811
    case = series(OBLIQUE)
    draw(case.node, "ET", np.zeros_like(mask_of(case, "ET")))
    with pytest.raises(plugin.DICOMSegmentationExporter.EmptySegmentsFoundError):
        exported(case, plugin, tmp_path / "asked", skip_empty=False)
    seg = exported(case, plugin, tmp_path / "out")
    assert len(seg.SegmentSequence) == 2 and set(stored_places(seg)) == {1, 2}


def labelmap_of(node: Any, key: str) -> tuple[np.ndarray, np.ndarray]:
    """A segment's voxels, and where they lie (RAS)."""
    labelmap, values = labelmap_voxels(node, key)
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(matrix)
    first = np.eye(4)
    first[:3, 3] = labelmap.GetExtent()[::2]
    return values, numpy_matrix(matrix) @ first


@needs_plugin
@pytest.mark.parametrize("name", ["oblique 0", "feet first", "enhanced CT"])
def test_slicer_reads_what_we_save(name: str, series: Callable, client: FakeClient, plugin: ModuleType, tmp_path: Path) -> None:  # noqa: F811
    case = series(KINDS[name])
    saved(case, client, tmp_path / "out")
    path = tmp_path / "out" / DICOM_SEGMENTATION
    uid = str(pydicom.dcmread(path).SOPInstanceUID)
    case.database.files[uid] = path
    reader = plugin.DICOMSegmentationPluginClass()
    reader.cleanup = lambda: None
    reader.addSeriesInSubjectHierarchy = lambda loadable, node: None
    assert reader.load(SimpleNamespace(uid=uid, name="segments"))
    node = slicer.mrmlScene.GetFirstNodeByName("segments")
    shown = [region for region in BRAIN.regions if mask_of(case, region.key).any()]
    segmentation = node.GetSegmentation()
    assert [segmentation.GetSegment(key).GetName() for key in segment_ids(node)] == [region.label for region in shown]
    for key, region in zip(segment_ids(node), shown, strict=True):
        theirs, affine = labelmap_of(node, key)
        assert same_places(mask_of(case, region.key), world_affine(case.volume), places(theirs, affine)), region.key
