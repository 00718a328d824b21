"""A network of others through the panel's own way: a real worker, a real MRML scene, and the segments are those of `medsegdl segment`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

pytest.importorskip("dynamic_network_architectures", reason="it is in the extra import")

from MedSegDLLib.commands.main import main
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image
from MedSegDLLib.scene.bare import BareScene
from MedSegDLLib.scene.segmentation import segment_mask
from MedSegDLLib.scene.session import Order, Session, new_session
from MedSegDLLib.scene.volumes import node_from_image
from MedSegDLLib.tasks import SHIPPED, TASKS, WEIGHTS_VARIABLE
from MedSegDLLib.worker.client import Callbacks
from MedSegDLLib.worker.processes import Failure
from Testing.judges.nnunet_folder import Recipe, write_folder

REGIONS = ("liver", "tumour")


def oblique(shape: tuple[int, int, int]) -> Image:
    """Anisotropic, oblique and left-handed, in Hounsfield units."""
    affine = np.eye(4)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    affine[:3, :3] = turn * np.sign(np.linalg.det(turn)) @ np.diag([1.2, 1.4, -2.5])
    affine[:3, 3] = 10.25, -20.5, 33.125
    return Image(np.random.default_rng(1).normal(-100, 300, shape).astype(np.int16), affine, "case")


def ask(session: Session, kind: str, payload: dict[str, Any], **more: Any) -> tuple[list[Any], list[Failure]]:
    """Ask the worker and wait: (results, failures)."""
    results: list[Any] = []
    failures: list[Failure] = []
    number = session.request(kind, payload, Callbacks(on_result=results.append, on_error=failures.append))
    if more.get("withdrawn"):
        session.withdraw(number)
    while not results and not failures:
        session.poll()
    return results, failures


def test_a_network_is_added_by_the_worker_and_its_segments_are_those_of_the_command_line(
    bare: BareScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With mirrored tiles, as the origin does: what the panel asks for by itself is what the command line does by itself."""
    source, mine, out = tmp_path / "Dataset901_Liver", tmp_path / "mine", tmp_path / "out"
    folder = write_folder(source, Recipe(features=(4, 6), patch=(12, 12, 12)))
    plans = json.loads((folder / "plans.json").read_text())
    (folder / "plans.json").write_text(json.dumps(plans | {"dataset_name": "Dataset901_Liver"}))
    mine.mkdir()
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(mine))
    session = new_session()
    try:
        session.start(sys.executable, Callbacks())
        [found], _ = ask(session, "look", {"source": str(folder / "plans.json")})
        assert (found["source"], found["kind"], found["title"], found["licence"], found["missing"]) == (
            str(folder), "nnU-Net v2", "Liver", "", [],
        )  # fmt: skip
        assert found["regions"] == ["liver", "tumour"] and found["bytes"] > 1000
        _, [failure] = ask(session, "add", {"source": str(folder), "folder": str(mine)}, withdrawn=True)
        assert failure.kind == "cancelled" and not list(mine.iterdir())
        _, [failure] = ask(session, "add", {"source": str(tmp_path), "folder": str(mine)})
        assert failure.kind == "weights" and not list(mine.iterdir())
        [told], _ = ask(session, "add", {"source": str(folder), "licence": "CC0", "folder": str(mine)})
        assert told["task"] == "liver-2", "the shipped liver stays what it is"
        assert told["licence"] == "CC0" and list(TASKS) == [*SHIPPED, "liver-2"]

        image, weights = oblique((14, 15, 18)), Path(told["weights"])
        write_image(image, tmp_path / "case.nii.gz")
        given = ["--input", f"ct={tmp_path / 'case.nii.gz'}", "-o", str(out), "--device", "cpu"]
        assert main(["segment", "--weights", str(weights), *given]) == 0
        volume = node_from_image(image)
        order = Order(TASKS["liver-2"], {"ct": volume}, {"device": "cpu", "mode": "auto"})
        outcome = session.run(order, sys.executable, lambda: None)
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
