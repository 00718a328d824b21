"""A MRML scene outside the desktop, on the `slicer-core` wheel, for the demo and the tests.
Inside desktop Slicer it hands out the application's own scene and changes nothing.
"""

from __future__ import annotations

import errno
import os
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..errors import InputRefused, MedSegDLError
from ..io.atomic import atomic_path, flush_to_disk, not_written
from ..io.private_folder import make_private_folder

SLICER_CORE = "slicer-core==5.12.4.0"  # its scene is the desktop's, compiled from the same sources
SINGLE_FILE = 1


@dataclass(frozen=True)
class BareScene:
    """A scene and what must live as long as it.

    Attributes:
        scene: the vtkMRMLScene, also `slicer.mrmlScene`.
        kept: logics and the cache folder; without a reference they die and take the colour nodes with them.
    """

    scene: Any
    kept: tuple[Any, ...] = ()

    def load_volume(self, path: str | os.PathLike, name: str = "") -> Any:
        """A volume file as a new scalar volume node.

        Raises:
            InputRefused: the file cannot be read.
        """
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name or Path(path).name.split(".")[0])
        storage = node.CreateDefaultStorageNode()
        storage.SetSingleFile(SINGLE_FILE)  # numbered files of a folder are not one stack
        self._read(node, storage, path)
        node.CreateDefaultDisplayNodes()
        return node

    def load_segmentation(self, path: str | os.PathLike) -> Any:
        """A .seg.nrrd file as a new segmentation node.

        Raises:
            InputRefused: the file cannot be read.
        """
        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", Path(path).name.split(".")[0])
        self._read(node, node.CreateDefaultStorageNode(), path)
        node.CreateDefaultDisplayNodes()
        return node

    def save_node(self, node: Any, path: str | os.PathLike) -> None:
        """One node into a file of its own kind (.seg.nrrd, .nrrd, .tsv), atomically.

        Raises:
            InputRefused: the file cannot be written.
        """
        storage = node.CreateDefaultStorageNode()
        self.scene.AddNode(storage)
        try:
            with atomic_path(path) as draft:
                draft.touch()  # Slicer's writer would make missing folders
                storage.SetFileName(str(draft))
                _written(storage.WriteData(node), draft)
        finally:
            self.scene.RemoveNode(storage)  # it points at the draft; with the scene the node is written anew

    def save(self, path: str | os.PathLike) -> None:
        """The whole scene as one .mrb, atomically.

        Raises:
            InputRefused: the file cannot be written.
        """
        path = Path(path)
        try:
            with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
                draft = Path(folder) / path.name  # a .mrb holds its own file name, so a draft under another would not do
                _written(self.scene.WriteToMRB(str(draft), None), draft)
                flush_to_disk(draft)
                draft.replace(path)
        except OSError as error:
            raise not_written(path, error) from error

    def load(self, path: str | os.PathLike) -> None:
        """The contents of a .mrb, added to this scene.

        Raises:
            InputRefused: the file cannot be read.
        """
        here = Path.cwd()
        try:
            done = _undamaged(path) and self.scene.ReadFromMRB(str(Path(path).resolve()), False)
        finally:
            os.chdir(here)  # a failed unzip leaves the process in its folder
        if not done:
            raise InputRefused(f"{Path(path).name} could not be read.", f"Check that it is a scene saved by Slicer: {path}")

    def _read(self, node: Any, storage: Any, path: str | os.PathLike) -> None:
        self.scene.AddNode(storage)
        storage.SetFileName(str(path))
        if not Path(path).is_file() or not storage.ReadData(node):
            self.scene.RemoveNode(storage)
            self.scene.RemoveNode(node)
            raise InputRefused(f"{Path(path).name} could not be read into the scene.", f"Check the file: {path}")
        node.SetAndObserveStorageNodeID(storage.GetID())


def in_desktop() -> bool:
    """Whether this Python runs inside the desktop application."""
    try:
        import slicer
    except ImportError:
        return False
    return hasattr(slicer, "app")


def open_scene() -> BareScene:
    """A fresh scene that `slicer.mrmlScene` and `slicer.modules` point at; in the desktop, the application's own, untouched.

    Raises:
        MedSegDLError: neither the desktop nor slicer-core is there.
    """
    try:
        import slicer
    except ImportError as error:
        raise MedSegDLError(f"A MRML scene needs Slicer's libraries ({error}).", f"Install them: pip install {SLICER_CORE}") from error
    if in_desktop():
        return BareScene(slicer.mrmlScene)
    scene = slicer.vtkMRMLScene()
    slicer.mrmlScene = scene
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)
    application.SetModuleLogic("Colors", colors)
    volumes = _module_logic(slicer.vtkSlicerVolumesLogic, application, scene)
    segmentations = _module_logic(slicer.vtkSlicerSegmentationsModuleLogic, application, scene)
    slicer.modules = SimpleNamespace(
        volumes=SimpleNamespace(logic=lambda: volumes), segmentations=SimpleNamespace(logic=lambda: segmentations)
    )
    cache = make_private_folder() / "cache"
    cache.mkdir()
    remote_io = _remote_io(slicer, scene, cache)
    return BareScene(scene, (application, colors, volumes, segmentations, remote_io))


def _module_logic(kind: type, application: Any, scene: Any) -> Any:
    logic = kind()
    logic.SetMRMLApplicationLogic(application)
    logic.SetMRMLScene(scene)
    return logic


def _remote_io(slicer: Any, scene: Any, cache: Path) -> Any:
    """Reading a .mrb goes through the scene's cache, which must have a folder of its own."""
    (cache / ".slicer-cache").touch()  # the cache manager clears only folders with this mark
    logic = slicer.vtkMRMLRemoteIOLogic()
    logic.GetCacheManager().SetRemoteCacheDirectory(str(cache))
    logic.SetMRMLScene(scene)
    logic.AddDataIOToScene()
    return logic


def _undamaged(path: str | os.PathLike) -> bool:
    """Whether a zip file is whole; Slicer reads on where a checksum is wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, zlib.error):
        return False


def _written(done: bool, draft: Path) -> None:
    """Slicer's writers answer False and keep the reason to themselves; most often the disk is full."""
    if not done or not draft.is_file() or draft.stat().st_size == 0:
        raise OSError(errno.EIO, "Slicer's writer failed")
