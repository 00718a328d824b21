"""A network of others through the panel's own way: a real worker, a real MRML scene, and the segments are those of `medsegdl segment`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

pytest.importorskip("dynamic_network_architectures", reason="it is in the extra import")

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.io.write import write_image
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.segmentation import segment_mask
from MedSegDLLib.scene.session import Order, new_session
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import TASKS, WEIGHTS_VARIABLE
from Testing.judges.nnunet_folder import Recipe, write_folder

REGIONS = ("liver", "tumour")


def oblique(shape: tuple[int, int, int]) -> Image:
    """Anisotropic, oblique and left-handed, in Hounsfield units."""
    affine = np.eye(4)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    affine[:3, :3] = turn * np.sign(np.linalg.det(turn)) @ np.diag([1.2, 1.4, -2.5])
    affine[:3, 3] = 10.25, -20.5, 33.125
    return Image(np.random.default_rng(1).normal(-100, 300, shape).astype(np.int16), affine, "case")


def test_the_segments_in_the_scene_are_those_of_the_command_line(bare: BareScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With mirrored tiles, as the origin does: what the panel asks for by itself is what the command line does by itself."""
    source = write_folder(tmp_path / "Dataset901_MadeUp", Recipe(features=(4, 6), patch=(12, 12, 12)))
    weights, out = tmp_path / "mine" / "madeup.safetensors", tmp_path / "out"
    weights.parent.mkdir()
    import_network(source, weights, Wishes(licence="CC0"))
    image = oblique((14, 15, 18))
    write_image(image, tmp_path / "case.nii.gz")
    assert main(["segment", "--weights", str(weights), "--input", f"ct={tmp_path / 'case.nii.gz'}", "-o", str(out), "--device", "cpu"]) == 0

    monkeypatch.setenv(WEIGHTS_VARIABLE, str(weights.parent))
    session = new_session()
    try:
        volume = node_from_image(image)
        outcome = session.run(Order(TASKS["madeup"], {"ct": volume}, {"device": "cpu", "mode": "auto"}), sys.executable, lambda: None)
    finally:
        session.close()
    found = 0
    for region in REGIONS:
        written = np.asarray(nibabel.load(out / f"{region}.nii.gz").dataobj).T
        shown = segment_mask(outcome.segmentation, region, image.array.shape)
        np.testing.assert_array_equal(shown, written)
        found += int(written.sum())
    assert 0 < found < image.array.size, "the random network tells something from something"
    assert outcome.segmentation.GetNodeReference(outcome.segmentation.GetReferenceImageGeometryReferenceRole()) is volume


def test_what_the_panel_asks_for_by_itself_is_what_the_network_was_made_for(panel: Any) -> None:
    from MedSegDLLib.scene.parameters import order_of

    assert order_of(panel.parameters).options["mode"] == "auto"
