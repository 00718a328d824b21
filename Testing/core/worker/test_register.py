"""The worker lays one study on another: asked through the server's own door, with arrays in files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from MedSegDLLib.errors import UsageError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.phantom.head import head_phantom
from MedSegDLLib.progress import quiet
from MedSegDLLib.worker import server, services
from MedSegDLLib.worker.protocol import images_to_json

SHIFT_MM = np.array([9.0, -6.0, 5.0])
NEAR_MM = 1.0


@pytest.fixture(scope="module")
def head() -> Image:
    return head_phantom(shape=(40, 48, 40), spacing_mm=4.0).images["flair"]


def asked(images: dict[str, Image], folder: Path) -> dict:
    """The answer to a request."""
    known = services.Services(more={"register": services.register})
    payload = {"inputs": images_to_json(images, folder / "in"), "folder": str(folder / "out")}
    return server.perform({"id": 1, "register": payload}, known, quiet)["result"]["motion"]


def test_a_head_that_lies_elsewhere_is_brought_back(head: Image, tmp_path: Path) -> None:
    off = np.eye(4)
    off[:3, 3] = SHIFT_MM
    found = asked({"fixed": head, "moving": replace(head, affine=off @ head.affine)}, tmp_path)
    assert found["applied"]
    np.testing.assert_allclose(np.array(found["matrix_ras_mm"]) @ off, np.eye(4), atol=NEAR_MM)


def test_one_that_lies_there_needs_nothing(head: Image, tmp_path: Path) -> None:
    assert asked({"fixed": head, "moving": replace(head, array=3 * head.array)}, tmp_path) == {}


def test_without_its_images_it_says_so(head: Image, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="moving"):
        asked({"fixed": head}, tmp_path)
