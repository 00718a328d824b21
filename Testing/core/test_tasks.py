"""Tasks as data: every entry is sound, and a fourth one runs through all the code that exists without a line of its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from MedSegDLLib.errors import WeightsError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.io.write import write_image, write_result
from MedSegDLLib.metrics.evaluate import evaluate
from MedSegDLLib.metrics.labels import regions_of_labels
from MedSegDLLib.network.inception_unet import PROFILES
from MedSegDLLib.pipeline import Options, segment
from MedSegDLLib.tasks import BRAIN, LIVER, TASKS, Code, Input, LabelConvention, Modality, Plan, Region, Scale, Task, carried_task

from .tiny import LPS, ball, tiny_weights

every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())

KIDNEY = Task(
    key="kidney",
    title="Kidney, cortex and cyst (MR)",
    version=3,
    inputs=(Input("t2haste", "T2 HASTE", Modality.MR), Input("dixon", "Dixon water", Modality.MR)),
    reference_order=("dixon", "t2haste"),
    regions=(
        Region("kidney", "Kidney", (0.7, 0.3, 0.3), Code("SCT", "123037004", "Anatomical Structure"), Code("SCT", "64033007", "Kidney")),
        Region(
            "cyst",
            "Renal cyst",
            (0.2, 0.6, 0.9),
            Code("SCT", "49755003", "Morphologically Altered Structure"),
            Code("SCT", "103552005", "Cyst"),
            inside="kidney",
            largest_only=True,
        ),
    ),
    conventions=(
        LabelConvention("old", "7 kidney, 8 cyst", {"kidney": (7, 8), "cyst": (8,)}),
        LabelConvention("new", "1 kidney, 2 cyst", {"kidney": (1, 2), "cyst": (2,)}),
    ),
    plan=Plan(Scale.ZSCORE, spacing_mm=(4.0, 4.0, 4.0), tile=(16, 32, 32)),
    profile="kidney",
)


@every_task
def test_regions_nest_and_come_outermost_first(task):
    keys = [region.key for region in task.regions]
    assert len(set(keys)) == len(keys) > 0
    for number, region in enumerate(task.regions):
        assert region.inside is None or region.inside in keys[:number]
        assert task.region(region.key) is region
        assert all(0 <= part <= 1 for part in region.color) and len(region.color) == 3
        assert region.smallest_ml >= 0
    assert len({region.color for region in task.regions}) == len(keys), "segments are told apart by colour"
    with pytest.raises(KeyError):
        task.region("unheard of")


@every_task
def test_inputs_and_the_order_of_references_name_the_same(task):
    keys = [entry.key for entry in task.inputs]
    assert len(set(keys)) == len(keys) and sorted(task.reference_order) == sorted(keys)
    assert all(key.isidentifier() for key in keys), "they are options of the command line"


@every_task
def test_every_convention_explains_every_region(task):
    for convention in task.conventions:
        assert set(convention.labels) == {region.key for region in task.regions}
        for region in task.regions:
            own = convention.labels[region.key]
            outer = convention.labels.get(region.inside, ())
            assert not outer or set(own) <= set(outer), "a region's labels lie within those of the one around it"
            assert 0 not in own
        assert convention.knows(set(convention.usual))
        re.compile(convention.names)
    keys = [convention.key for convention in task.conventions]
    assert len(set(keys)) == len(keys)


@every_task
def test_names_of_labels_lead_to_regions(task):
    keys = {region.key for region in task.regions} | {None}
    assert all(key in keys and re.compile(pattern) for pattern, key in task.label_names)


@every_task
def test_codes_are_whole(task):
    for region in task.regions:
        for code in filter(None, (region.category, region.type, region.anatomy)):
            assert code.scheme in ("SCT", "NCIt") and code.value.isalnum() and code.meaning


@every_task
def test_the_plan_survives_json(task):
    assert Plan.from_json(json.loads(json.dumps(task.plan.to_json()))) == task.plan


@every_task
def test_a_plan_of_an_older_manifest_has_one_threshold(task):
    entry = task.plan.to_json()
    del entry["inner_threshold"]
    plan = Plan.from_json(entry)
    assert {plan.threshold_of(region) for region in task.regions} == {task.plan.threshold}


@pytest.mark.parametrize("change", [{"scale": "sideways"}, {"colour": "red"}, {"scale": None}])
def test_plans_that_do_not_fit_are_refused(change):
    with pytest.raises(ValueError, match=re.escape(next(iter(change)))):
        Plan.from_json({**BRAIN.plan.to_json(), **change})
    entry = BRAIN.plan.to_json()
    del entry["tile"]
    with pytest.raises(ValueError, match="'tile'"):
        Plan.from_json(entry)


@every_task
def test_the_plan_fits_the_network(task):
    arch = PROFILES[task.profile]
    assert arch.out_channels == len(task.outputs)
    assert task.outputs == tuple(region.key for region in task.regions) + task.auxiliary
    flat = task.plan.tile[0] == 1
    assert (arch.spatial_dims == 2) == flat
    assert all(side % arch.divisor == 0 for side in task.plan.tile[1 if flat else 0 :])
    assert 0 < task.plan.threshold < 1 and task.plan.slices % 2 == 1
    if task.plan.scale is Scale.WINDOW:
        assert task.plan.window[0] < task.plan.window[1]
    assert task.plan.spacing_mm is None or min(task.plan.spacing_mm) > 0


def test_a_manifest_that_carries_a_shipped_task_gets_that_very_object():
    """It is not read again: the panel opens with it. What differs in as little as the kind of a number is read, and judged."""
    entry = json.loads(json.dumps(BRAIN.to_json()))
    assert carried_task({"task": "brain", "task_definition": entry}, "brain.json") is BRAIN
    entry["version"] = True if BRAIN.version == 1 else float(BRAIN.version)
    with pytest.raises(WeightsError, match="version"):
        carried_task({"task": "brain", "task_definition": entry}, "brain.json")


def test_tasks_are_found_by_their_keys():
    assert set(TASKS) == {"brain", "liver", "nuclei", "brainmask"}
    assert all(task.key == key for key, task in TASKS.items())


def test_the_brain_mask_serves_another_task_whatever_its_installed_weights_carry():
    assert [key for key, task in TASKS.items() if task.helper] == ["brainmask"]


def test_the_brain_takes_its_grid_from_flair_first():
    assert BRAIN.reference_order == ("flair", "t1ce", "t1", "t2")
    assert [region.key for region in BRAIN.regions] == ["WT", "TC", "ET"]
    assert [region.key for region in LIVER.regions] == ["liver", "tumour"]


@pytest.fixture
def kidney_profile(monkeypatch):
    profile = replace(PROFILES["brain"], in_channels=2, out_channels=2, fusion=False, factorised=False)
    monkeypatch.setitem(PROFILES, "kidney", profile)


def kidney_images() -> dict[str, Image]:
    random = np.random.default_rng(0)
    shape = (16, 20, 24)
    body = ball(shape, (8, 10, 12), 7)
    affine = LPS @ np.diag([4.0, 4.0, 5.0, 1.0])
    values = {key: body * random.normal(mean, 30, shape) for key, mean in (("t2haste", 300), ("dixon", 500))}
    return {key: Image(array.astype(np.float32), affine, f"{key}.nii.gz") for key, array in values.items()}


def test_a_fourth_task_is_one_entry_and_one_weights_file(tmp_path, kidney_profile):
    images = kidney_images()
    result = segment(images, KIDNEY, Options("cpu", tiny_weights(tmp_path, KIDNEY), uncertainty=True))
    assert result.reference == "dixon" and list(result.masks) == ["kidney", "cyst"]
    assert (result.masks["cyst"] <= result.masks["kidney"]).all()
    assert result.record["task"] == "kidney"
    write_result(result, tmp_path / "result")
    written = {path.name for path in (tmp_path / "result").iterdir()}
    assert written >= {"kidney.nii.gz", "cyst.nii.gz", "segmentation.seg.nrrd", "report.json"}
    labels = result.masks["kidney"] + result.masks["cyst"]
    write_image(Image(labels.astype(np.uint8), result.grid.affine), tmp_path / "truth.nii.gz")
    [case] = evaluate(tmp_path / "result", tmp_path / "truth.nii.gz", KIDNEY)["cases"]
    assert all(measures["dice"] == 1 for measures in case["regions"].values())


def test_a_fourth_task_may_miss_an_input(tmp_path, kidney_profile):
    images = kidney_images()
    del images["dixon"]
    result = segment(images, KIDNEY, Options("cpu", tiny_weights(tmp_path, KIDNEY)))
    assert result.reference == "t2haste"


def test_a_fourth_task_brings_its_own_conventions():
    old, new = np.array([[[0, 1, 2]]]), np.array([[[0, 7, 8]]])
    for labels in (old, new):
        regions = regions_of_labels(labels, KIDNEY)
        assert regions["kidney"].tolist() == [[[0, 1, 1]]] and regions["cyst"].tolist() == [[[0, 0, 1]]]
