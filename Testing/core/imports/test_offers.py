"""What is told of a network before it is added: from its configuration alone, whichever of its files was chosen; or one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from MedSegDLLib.errors import InputRefused, UsageError, WeightsError
from MedSegDLLib.imports import offers
from MedSegDLLib.imports.checkpoint import CHILD
from MedSegDLLib.imports.offers import add, look
from MedSegDLLib.tasks import WEIGHTS_VARIABLE, own_weights_folder
from MedSegDLLib.worker.environment import LIBRARY_FOLDER, Interpreter, Source, child_environment
from Testing.judges.test_monai_against_itself import BUNDLES


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The spleen's bundle without its weights: nothing but words is looked at."""
    root = tmp_path / "spleen_ct"
    (root / "configs").mkdir(parents=True)
    (root / "models").mkdir()
    (root / "models" / "model.pt").write_bytes(b"nothing that could be opened")
    for name, content in zip(("inference.json", "metadata.json"), BUNDLES["spleen"]):
        (root / "configs" / name).write_text(json.dumps(content))
    return root


@pytest.mark.parametrize("chosen", ["", "models/model.pt"])
def test_a_bundle_is_told_by_its_folder_and_by_its_file(bundle: Path, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers.importlib.util, "find_spec", lambda name: None)
    assert look(bundle / chosen) == {
        "source": str(bundle), "kind": "MONAI bundle", "title": "spleen_ct", "regions": ["spleen"], "licence": "Apache-2.0", "bytes": 28,
        "missing": ["monai", "scipy"],
    }  # fmt: skip


def test_a_model_file_is_told_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "brats").mkdir()
    (tmp_path / "brats" / "model.pt").write_bytes(b"x")
    (tmp_path / "brats" / "LICENSE").write_text("Apache-2.0\n")
    told = look(tmp_path / "brats" / "model.pt")
    assert (told["kind"], told["title"], told["licence"], told["regions"]) == ("Auto3DSeg", "brats", "Apache-2.0", [])


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({}, "is nothing that can be added"),
        ({"plans.json": "{}"}, "dataset.json"),
        ({"dataset.json": "[", "plans.json": "{}"}, "no valid JSON"),
        ({"dataset.json": '{"labels": {"background": 0}}', "plans.json": "{}", "fold_0/checkpoint_final.pth": "x"}, "no label but"),
        ({"dataset.json": "{}", "plans.json": "{}"}, "has no fold_X"),
        ({"configs/inference.json": "{}"}, "metadata.json"),
        ({"configs/inference.json": '{"preprocessing": "$evil()"}', "configs/metadata.json": "{}"}, "does not fit"),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_sentence(tmp_path: Path, files: dict[str, str], named: str) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(WeightsError, match=named):
        look(tmp_path)


def test_nothing_is_left_where_it_cannot_be_added(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError):
        add(bundle, "CC0", tmp_path / "mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputRefused, match="cannot be made"):
        add(bundle, "CC0", tmp_path / "file" / "below")
    assert list((tmp_path / "mine").iterdir()) == []
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(bundle / "models" / "model.pt"))
    with pytest.raises(UsageError, match="one weights file"):
        own_weights_folder()


def test_the_child_that_opens_a_checkpoint_ends_with_its_parent(tmp_path: Path) -> None:
    """Its stdin ends however the parent does; a pipe that is never written stands for a checkpoint that takes long."""
    import os

    os.mkfifo(tmp_path / "slow.pth")
    environment = child_environment(Interpreter(Path(sys.executable), Source.SETTING))
    arguments = [sys.executable, "-m", CHILD, str(tmp_path / "slow.pth"), str(tmp_path), str(2**33), "600"]
    child = subprocess.Popen(arguments, stdin=subprocess.PIPE, env=environment, cwd=LIBRARY_FOLDER)
    child.stdin.close()
    assert child.wait(120) == 1
