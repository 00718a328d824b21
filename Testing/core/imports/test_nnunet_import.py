"""`medsegdl import` of nnU-Net v2 result folders: two commands to segments, refusals by name, and sources that are damaged or mean harm."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import torch

pytest.importorskip("dynamic_network_architectures", reason="it is in the extra import")

from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import WeightsError
from MedSegDLLib.imports.checkpoint import open_checkpoint
from MedSegDLLib.imports.convert import Wishes, import_network
from MedSegDLLib.imports.foreign_task import nominal_plan, task_from
from MedSegDLLib.imports.nnunet_folder import outputs_of, plan_of
from MedSegDLLib.imports.nnunet_network import architecture_of, refuse_unknown_trainer
from MedSegDLLib.network.nnunet_plan import NnunetPlan
from MedSegDLLib.network.weights import load_weights
from MedSegDLLib.tasks import Modality, task_of_weights
from Testing.judges.nnunet_folder import Recipe, dataset, plans, write_folder

SMALL: dict[str, Any] = {"features": (4, 6), "patch": (12, 12, 12), "mirror": None}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "Dataset901_MadeUp", Recipe(**SMALL))


@pytest.fixture
def checkpoint(source: Path) -> Path:
    return source / "fold_0" / "checkpoint_final.pth"


def test_two_commands_from_a_folder_to_segments(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "LICENSE").write_text("CC BY 4.0\n\nAnd so on.\n")
    weights, out = tmp_path / "mine.safetensors", tmp_path / "out"
    assert main(["import", str(source), "-o", str(weights)]) == 0
    assert "--input ct=FILE" in capsys.readouterr().out
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 300, (9, 14, 15)).astype(np.int16))
    sitk.WriteImage(image, str(tmp_path / "case.nii.gz"))
    assert main(["segment", "--weights", str(weights), "--input", f"ct={tmp_path / 'case.nii.gz'}", "-o", str(out)]) == 0
    report = json.loads((out / "report.json").read_text())
    assert {path.name for path in out.iterdir()} >= {"liver.nii.gz", "tumour.nii.gz", "segmentation.seg.nrrd"}
    assert report["strategy"] == "tile by tile on cpu" and sum(report["voxel_count"].values()) > 0
    manifest = json.loads(weights.with_suffix(".json").read_text())
    assert manifest["training"]["licence"] == "CC BY 4.0"
    assert manifest["origin"]["trainer"] == "nnUNetTrainer" and len(manifest["origin"]["checkpoints_sha256"]) == 1
    assert manifest["task"] == "madeup" and report["weights"]["sha256"] == manifest["sha256"]


def test_a_missing_input_is_refused_before_anything_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = Recipe(**SMALL, channels={"0": "T1", "1": "T2"}, schemes=("ZScoreNormalization",) * 2, masked=(True, True))
    weights = tmp_path / "mr.safetensors"
    import_network(write_folder(tmp_path / "source", recipe), weights, Wishes(licence="x"))
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(1000, dtype=np.int16).reshape(10, 10, 10)), str(tmp_path / "one.nii.gz"))
    arguments = ["segment", "--weights", str(weights), "--input", f"t2={tmp_path / 'one.nii.gz'}", "-o", str(tmp_path / "out")]
    assert main(arguments) == 3
    assert "T1 is missing: this network needs all of its inputs" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"previous_stage": "3d_lowres"}, "3d_lowres"),
        ({"preprocessor_name": "MyPreprocessor"}, "MyPreprocessor"),
        ({"normalization_schemes": ["MyNormalization"]}, "MyNormalization"),
        ({"resampling_fn_data": "resample_my_way"}, "resample_my_way"),
        ({"resampling_fn_probabilities_kwargs": {"order": 1, "blur": True}}, "blur"),
        ({"spacing": [1.0, -1.0, 1.0]}, "spacing_mm"),
        ({"patch_size": [0, 12, 12]}, "tile"),
        ({"patch_size": [4096, 4096, 4096]}, "tile"),
        ({"spacing": None}, "do not fit"),
    ],
)
def test_plans_that_cannot_be_followed_exactly_are_refused_by_name(change: dict[str, Any], named: str) -> None:
    recipe = Recipe(**SMALL)
    given = plans(recipe)
    given["configurations"]["3d_fullres"] |= change
    with pytest.raises(WeightsError, match=named):
        plan_of(given, dataset(recipe), "3d_fullres", None)


@pytest.mark.parametrize("key", ["image_reader_writer", "label_manager"])
def test_readers_and_label_managers_of_others_are_refused_by_name(key: str) -> None:
    recipe = Recipe(**SMALL)
    with pytest.raises(WeightsError, match="SomebodysOwn"):
        plan_of(plans(recipe) | {key: "SomebodysOwn"}, dataset(recipe), "3d_fullres", None)


def test_a_configuration_that_inherits_from_itself_is_refused() -> None:
    recipe = Recipe(**SMALL)
    given = plans(recipe) | {"configurations": {"a": {"inherits_from": "b"}, "b": {"inherits_from": "a"}}}
    with pytest.raises(WeightsError, match="inherits from itself"):
        plan_of(given, dataset(recipe), "a", None)


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"liver": 1},
        {"background": 0},
        {"background": 0, "liver": 2},
        {"background": 0, "liver": "x"},
        {"background": 0, "a": [1, 2], "b": 2},
    ],
)
def test_labels_that_mean_nothing_are_refused(labels: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match=r"dataset\.json"):
        outputs_of({"labels": labels})


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("nnUNetTrainer", True),
        ("nnUNetTrainer_100epochs", True),
        ("nnUNetTrainer_4000epochs_NoMirroring", True),
        ("nnUNetTrainer_DASegOrd0_NoMirroring", True),
        ("nnUNet_Trainer_BS8", True),
        ("nnUNet_Primus_M_Trainer", False),
        ("nnUNetTrainerUMambaBot", False),
        ("nnUNetTrainerV2", False),
        (None, False),
    ],
)
def test_trainers_that_may_change_the_network_are_refused_by_name(name: str | None, known: bool) -> None:
    if known:
        refuse_unknown_trainer(name)
        return
    with pytest.raises(WeightsError, match=str(name)):
        refuse_unknown_trainer(name)


def test_old_plans_describe_the_same_network_as_new_ones() -> None:
    old, new = (plans(Recipe(**SMALL, old_plans=age))["configurations"]["3d_fullres"] for age in (True, False))
    assert architecture_of(old, "nnUNetTrainer", 1, 3) == architecture_of(new, "nnUNetTrainer", 1, 3)


@pytest.mark.parametrize(("norm", "affine"), [("InstanceNorm3d", False), ("BatchNorm3d", True)])
def test_norms_have_weights_by_torchs_own_default_where_the_plans_leave_it_out(norm: str, affine: bool) -> None:
    entry = plans(Recipe(**SMALL, arch={"norm_op": f"torch.nn.{norm}", "norm_op_kwargs": {}}))["configurations"]["3d_fullres"]
    assert architecture_of(entry, "nnUNetTrainer", 1, 3)["arguments"]["affine"] is affine


@pytest.mark.parametrize("name", ["os.system", "mine.unet.PlainConvUNet", "PlainConvUNet"])
def test_networks_of_others_are_refused_by_name(name: str) -> None:
    """A class of another package is another network, though it has the name of one that is known."""
    entry = plans(Recipe(**SMALL))["configurations"]["3d_fullres"]
    entry["architecture"]["network_class_name"] = name
    with pytest.raises(WeightsError, match=f"'{name}'"):
        architecture_of(entry, "nnUNetTrainer", 1, 3)


def test_a_plan_comes_back_from_its_json() -> None:
    recipe = Recipe(**SMALL)
    plan = plan_of(plans(recipe), dataset(recipe), "3d_fullres", (0, 2), 2)
    assert NnunetPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_more_labels_than_a_task_can_have_end_in_a_sentence(tmp_path: Path, opened_here: None) -> None:
    recipe = Recipe(**SMALL, labels={"background": 0, **{f"organ {n}": n for n in range(1, 300)}})
    with pytest.raises(WeightsError, match="as a task"):
        import_network(write_folder(tmp_path / "source", recipe), tmp_path / "out.safetensors", Wishes(licence="x"))


def test_names_of_any_kind_become_keys_of_files() -> None:
    plan = nominal_plan(False, (1.0, 1.0, 1.0), (8, 8, 8), None)
    names = ["report", "con", "a/b", "../up", "Leber rechts", "leber_RECHTS", "\u809d\u81d3", "1"]
    task = task_from("..", "\n", [("0 T1/..", Modality.OTHER), ("t1", Modality.OTHER)], names, plan)
    assert [region.key for region in task.regions] == [
        "region_report",
        "region_con",
        "a_b",
        "up",
        "Leber_rechts",
        "leber_RECHTS_2",
        "region",
        "1",
    ]
    assert [entry.key for entry in task.inputs] == ["image_0_t1", "t1"]


class _Harm:
    """What runs a command where it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(3000))


def _without_trainer(path: Path) -> None:
    content = torch.load(path, weights_only=False)
    del content["trainer_name"]
    torch.save(content, path)


def _altered(path: Path) -> None:
    content = torch.load(path, weights_only=False)
    name = next(name for name in content["network_weights"] if name.startswith("decoder.encoder"))
    content["network_weights"][name] = content["network_weights"][name] + 1
    torch.save(content, path)


def _not_finite(path: Path) -> None:
    content = torch.load(path, weights_only=False)
    next(iter(content["network_weights"].values()))[0] = float("nan")
    torch.save(content, path)


def _a_tensor_too_many(path: Path) -> None:
    content = torch.load(path, weights_only=False)
    content["network_weights"]["transformer.weight"] = torch.zeros(3)
    torch.save(content, path)


def _no_weights(path: Path) -> None:
    torch.save({"trainer_name": "nnUNetTrainer"}, path)


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        (_cut_off, "damaged, cut off, or no checkpoint"),
        (_emptied, "is empty"),
        (_noise, "damaged, cut off, or no checkpoint|something else than weights"),
        (_without_trainer, "does not name its trainer"),
        (_altered, "was altered"),
        (_not_finite, "not finite"),
        (_a_tensor_too_many, r"also has a 'transformer\.weight'"),
        (_no_weights, "holds no network's weights"),
    ],
)
def test_spoilt_checkpoints_end_in_a_sentence(
    spoilt: Any, says: str, source: Path, checkpoint: Path, tmp_path: Path, opened_here: None
) -> None:
    spoilt(checkpoint)
    with pytest.raises(WeightsError, match=says):
        import_network(source, tmp_path / "out.safetensors", Wishes(licence="x"))
    assert not list(tmp_path.glob("out.*"))


def test_nothing_in_a_checkpoint_runs(source: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a zip as torch writes it, and as a bare pickle; the real child opens it."""
    content = torch.load(checkpoint, weights_only=False)
    mark = tmp_path / "harm"
    torch.save(content | {"logging": _Harm(mark)}, checkpoint)
    assert main(["import", str(source), "-o", str(tmp_path / "out.safetensors")]) == 4
    assert "something else than weights" in capsys.readouterr().err
    checkpoint.write_bytes(pickle.dumps(_Harm(mark)))
    with pytest.raises(WeightsError):
        open_checkpoint(checkpoint)
    assert not mark.exists() and not list(tmp_path.glob("out.*"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_a_file_that_unpacks_to_very_much_is_given_up(checkpoint: Path) -> None:
    """One storage of 768 MiB of zeros, squeezed into less than one."""
    torch.save({"network_weights": {"a": torch.zeros(4)}}, checkpoint)
    assert list(open_checkpoint(checkpoint).tensors) == ["a"], "without the zeros it opens"
    small = checkpoint.with_suffix(".small")
    with zipfile.ZipFile(checkpoint) as packed, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as bomb:
        for entry in packed.namelist():
            name = entry.partition("/")[0]
            if not entry.endswith("data/0"):
                bomb.writestr(entry, packed.read(entry))
        with bomb.open(f"{name}/data/0", "w", force_zip64=True) as stream:
            for _ in range(48):
                stream.write(bytes(2**24))
    shutil.move(small, checkpoint)
    with pytest.raises(WeightsError, match="more memory or time than weights ever need"):
        open_checkpoint(checkpoint)


def test_a_checkpoint_that_takes_too_long_is_given_up(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match="takes too long"):
        open_checkpoint(checkpoint, seconds=0)


def test_a_source_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for source in (tmp_path / "nowhere", tmp_path):
        assert main(["import", str(source), "-o", str(tmp_path / "out.safetensors")]) == 4
        assert "nnU-Net v2 result folder" in capsys.readouterr().err


def test_folds_that_are_not_there_are_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="fold_3") as refused:
        import_network(source, tmp_path / "out.safetensors", Wishes(folds=("3",)))
    assert "fold_0/checkpoint_final.pth" in refused.value.remedy


def test_imported_weights_that_were_altered_are_refused(source: Path, tmp_path: Path, opened_here: None) -> None:
    weights = tmp_path / "mine.safetensors"
    import_network(source, weights, Wishes(licence="x"))
    task = task_of_weights(weights)
    manifest = json.loads(weights.with_suffix(".json").read_text())
    for change in (
        {"plan": manifest["plan"] | {"tile": [10**9, 12, 12]}},
        {"plan": manifest["plan"] | {"kind": "somebodys"}},
        {"plan": manifest["plan"] | {"spacing_mm": [0.0, 1.0, 1.0]}},
        {"plan": manifest["plan"] | {"folds": 2}},
        {"architecture": {"name": "system", "arguments": {}}},
        {"architecture": manifest["architecture"] | {"arguments": manifest["architecture"]["arguments"] | {"norm_eps": -1}}},
        {"architecture": manifest["architecture"] | {"arguments": manifest["architecture"]["arguments"] | {"strides": [[2]]}}},
        {"architecture": manifest["architecture"] | {"arguments": manifest["architecture"]["arguments"] | {"encoder": [10**9, 2]}}},
        {"sha256": "0" * 64},
    ):
        weights.with_suffix(".json").write_text(json.dumps(manifest | change))
        with pytest.raises(WeightsError):
            load_weights(weights, task)
