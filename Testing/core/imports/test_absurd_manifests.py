"""Manifests of imported weights in which one value is absurd: each is refused on loading, with one sentence and exit code 4."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

pytest.importorskip("dynamic_network_architectures", reason="it is in the extra import")

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import WeightsError
from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.tasks import chosen_task, manifest_path
from Testing.judges.nnunet_folder import Recipe, write_folder


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """An edit: the last of `path` is put where the others lead."""
    *way, last, value = path

    def edit(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for key in way:
            place = place[key]
        place[last] = value

    return edit


ARGUMENTS = ("architecture", "arguments")
ABSURD: dict[str, Callable[[dict[str, Any]], None]] = {
    "spacing of nothing": put("plan", "spacing_mm", 0, 0.0),
    "a negative spacing": put("plan", "spacing_mm", 1, -1.0),
    "spacing in text": put("plan", "spacing_mm", "fine"),
    "a tile of nothing": put("plan", "tile", 0, 0),
    "a tile of a thousand millions": put("plan", "tile", 2, 10**9),
    "a tile of another network": put("plan", "tile", [12, 12]),
    "a plane's tile and spacing for a network of volumes": lambda manifest: manifest["plan"].update(
        tile=[12, 12], spacing_mm=[1.0, 1.0], mirror=[]
    ),
    "a tile that the network cannot halve": put("plan", "tile", 0, 13),
    "mirror axis 5": put("plan", "mirror", [5]),
    "an axis mirrored twice": put("plan", "mirror", [1, 1]),
    "axes that are none": put("plan", "transpose", [0, 0, 1]),
    "an unheard-of orientation": put("plan", "orientation", "UPS"),
    "a step beyond the tile": put("plan", "step", 7),
    "no step": put("plan", "step", 0),
    "a thousand folds": put("plan", "folds", 1000),
    "more folds than there are": put("plan", "folds", 3),
    "a deviation below nothing": put("plan", "channels", 0, "deviation", -1.0),
    "an unknown normalisation": put("plan", "channels", 0, "scheme", "mine"),
    "a window upside down": lambda manifest: manifest["plan"]["channels"][0].update(low=500.0, high=-500.0),
    "a spline of order 9": put("plan", "data", "order", 9),
    "labels without background": put("plan", "values", [1, 2, 3]),
    "a region of a label that no output has": put("plan", "regions", 0, [77]),
    "fewer regions than the task": put("plan", "regions", [[1]]),
    "a key too many": put("plan", "evil", 1),
    "an unknown kind": put("plan", "kind", "caffe"),
    "five channels in": put(*ARGUMENTS, "in_channels", 5),
    "a kernel of a thousand": put(*ARGUMENTS, "kernel_sizes", 0, [1000, 3, 3]),
    "hundreds of stages": put(*ARGUMENTS, "features", [4] * 500),
    "an unknown norm": put(*ARGUMENTS, "norm", "os.system"),
    "a spacing of atoms": put("plan", "spacing_mm", 0, 1e-12),
    "the pixels of pictures in a plan of volumes": put("plan", "pixels", True),
    "a version of text": put("task_version", "1"),
    "a hash that is a number": put("sha256", 7),
    "no plan": put("plan", None),
    "a kind that is a list": put("plan", "kind", ["nnunet"]),
    "arguments in a list": put("architecture", "arguments", [1]),
    "strides of nothing": put(*ARGUMENTS, "strides", 1, [0, 0, 0]),
    "a truth value in text": put(*ARGUMENTS, "dropout", "yes"),
    "a region that would leave the folder": put("task_definition", "regions", 0, "key", "../x"),
    "a network by its path": put("architecture", "name", "os.system"),
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    source = write_folder(folder / "Dataset901_MadeUp", Recipe(features=(4, 6), patch=(12, 12, 12)))
    import_network(source, folder / "mine.safetensors", Wishes(licence="CC0"))
    return folder / "mine.safetensors"


@pytest.mark.parametrize("change", ABSURD.values(), ids=ABSURD)
def test_an_absurd_manifest_of_imported_weights_is_refused_on_loading(
    imported: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    pair = Path(shutil.copy(imported, tmp_path))
    manifest = json.loads(manifest_path(imported).read_text())
    change(manifest)
    manifest_path(pair).write_text(json.dumps(manifest))
    with pytest.raises(WeightsError) as refused:
        load_weights(pair, chosen_task(None, pair))
    said = refused.value
    assert said.exit_code == 4 and said.remedy and "\n" not in said.message and len(said.message) < 700


def test_the_command_line_says_it_in_one_line_and_leaves_nothing(
    imported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = Path(shutil.copy(imported, tmp_path))
    manifest = json.loads(manifest_path(imported).read_text())
    manifest["plan"]["tile"][0] = 13
    manifest_path(pair).write_text(json.dumps(manifest))
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(9 * 14 * 15, dtype=np.int16).reshape(9, 14, 15)), str(tmp_path / "case.nii.gz"))
    given = ["--input", f"ct={tmp_path / 'case.nii.gz'}", "-o", str(tmp_path / "out"), "--device", "cpu"]
    assert main(["segment", "--weights", str(pair), *given]) == 4
    said = capsys.readouterr().err
    assert "Traceback" not in said and len(said.splitlines()) == 1 and not (tmp_path / "out").exists()


CONFIGURATION = ("configurations", "3d_fullres")
NETWORK = (*CONFIGURATION, "architecture", "arch_kwargs")
ABSURD_SOURCES: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "an endless tile": ("plans", put(*CONFIGURATION, "patch_size", [float("inf"), 12, 12])),
    "half a voxel of a tile": ("plans", put(*CONFIGURATION, "patch_size", [12.5, 12, 12])),
    "a configuration that inherits from a list": ("plans", put(*CONFIGURATION, "inherits_from", ["x"])),
    "arguments of a norm in a list": ("plans", put(*NETWORK, "norm_op_kwargs", [1])),
    "a norm with running statistics": ("plans", put(*NETWORK, "norm_op_kwargs", {"affine": True, "track_running_stats": True})),
    "arguments of an activation in a list": ("plans", put(*NETWORK, "nonlin_kwargs", [2])),
    "two and a half stages": ("plans", put(*NETWORK, "n_stages", 2.5)),
    "thousands of millions of stages": ("plans", put(*NETWORK, "n_stages", 10**9)),
    "more features than stages": ("plans", put(*NETWORK, "features_per_stage", [4, 6, 8])),
    "an order of classes in text": ("dataset", lambda entry: entry.update(labels=REGIONS, regions_class_order=["x", "y"])),
    "an order of classes in lists": ("dataset", lambda entry: entry.update(labels=REGIONS, regions_class_order=[[1], [2]])),
}
REGIONS = {"background": 0, "whole": [1, 2], "core": [2]}


@pytest.mark.parametrize(("file", "change"), ABSURD_SOURCES.values(), ids=ABSURD_SOURCES)
def test_an_absurd_source_is_refused_in_one_sentence(
    tmp_path: Path, opened_here: None, file: str, change: Callable[[dict[str, Any]], None]
) -> None:
    source = write_folder(tmp_path / "Dataset901_MadeUp", Recipe(features=(4, 6), patch=(12, 12, 12)))
    entry = json.loads((source / f"{file}.json").read_text())
    change(entry)
    (source / f"{file}.json").write_text(json.dumps(entry))
    with pytest.raises(WeightsError) as refused:
        import_network(source, tmp_path / "mine.safetensors", Wishes(licence="CC0"))
    said = refused.value
    assert said.exit_code == 4 and said.remedy and "\n" not in said.message and len(said.message) < 700
    assert not (tmp_path / "mine.safetensors").exists()
