"""The whole way with tiny random networks: every task, every kind of option, and what must be refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from MedSegDLLib.errors import Cancelled, InputRefused, UsageError, WeightsError
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.network.weights import save_weights, task_entries
from MedSegDLLib.pipeline import Options, load_once, segment, warm
from MedSegDLLib.tasks import BRAIN, LIVER, NUCLEI, TASKS

from .tiny import LPS, ball, head_images, tiny_network, tiny_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    return {key: tiny_weights(folder, task) for key, task in TASKS.items()}


def ct_image() -> Image:
    shape = (20, 40, 44)
    body = ball(shape, (10, 20, 22), 18)
    random = np.random.default_rng(0)
    values = np.where(body, random.normal(60, 20, shape), -1000).astype(np.int16)
    return Image(values, LPS @ np.diag([8.0, 8.0, 10.0, 1.0]), "ct.nii.gz")


def picture() -> Image:
    random = np.random.default_rng(0)
    return Image(random.integers(0, 255, (1, 50, 70, 3), dtype=np.uint8), LPS, "cells.png")


INPUTS = {
    "brain": head_images,
    "liver": lambda: {"ct": ct_image()},
    "nuclei": lambda: {"image": picture()},
    "brainmask": lambda: {"mr": head_images(("t1",))["t1"]},
}


@pytest.mark.parametrize("key", sorted(TASKS))
def test_every_task_gives_nested_masks_on_the_reference_grid(key, weights):
    task, images = TASKS[key], INPUTS[key]()
    fractions = []
    options = Options("cpu", weights[key], uncertainty=True)
    result = segment(images, task, options, lambda fraction, message: fractions.append(fraction))
    reference = images[result.reference]
    assert result.grid.same_as(reference.grid)
    for segment_ in result.segments:
        assert segment_.mask.shape == reference.array.shape[:3] and segment_.mask.dtype == np.uint8 and segment_.mask.max() <= 1
        if segment_.region.inside:
            assert (segment_.mask <= result.masks[segment_.region.inside]).all()
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == 1.0
    assert result.uncertainty.shape == reference.array.shape[:3] and 0 <= result.uncertainty.min() <= result.uncertainty.max() <= 1
    assert (result.instances is not None) == task.instances
    assert set(result.record["seconds"]) >= {"check", "align", "network", "restore"}
    assert result.record["weights"]["sha256"] and result.record["reference"] == result.reference


def test_the_same_input_gives_the_same_answer(weights):
    one, two = (segment(head_images(), BRAIN, Options("cpu", weights["brain"])) for _ in range(2))
    assert all((one.masks[key] == two.masks[key]).all() for key in one.masks)


def test_bias_correction_can_be_left_out_and_its_field_kept(weights):
    kept = segment(head_images(), BRAIN, Options("cpu", weights["brain"], keep_bias_field=True))
    assert set(kept.bias_fields) == {"t1", "t1ce", "t2", "flair"}
    without = segment(head_images(), BRAIN, Options("cpu", weights["brain"], bias_correction=False, keep_bias_field=True))
    assert without.bias_fields == {}


def with_plan(folder, **changes):
    """Weights of one network whose plan is changed so."""
    folder.mkdir()
    path = folder / "brain.safetensors"
    save_weights(tiny_network(BRAIN), path, {**task_entries(BRAIN), "plan": replace(BRAIN.plan, **changes).to_json()})
    return path


def test_thick_slices_have_a_threshold_of_their_own_and_say_so(tmp_path):
    low, high = 0.02, 0.3
    plain = with_plan(tmp_path / "high", threshold=high, inner_threshold=None, thick_threshold=None)
    both = with_plan(tmp_path / "both", threshold=low, inner_threshold=low, thick_threshold=high)
    lower = with_plan(tmp_path / "low", threshold=low, inner_threshold=low, thick_threshold=None)
    for spacing, same_as in (((2.0, 2.0, 7.0), plain), ((4.0, 4.0, 4.0), lower)):
        images = head_images(shape=(24, 60, 60))
        for key, image in images.items():
            images[key] = replace(image, affine=LPS @ np.diag([*spacing, 1.0]))
        found, wanted = (segment(images, BRAIN, Options("cpu", weights)) for weights in (both, same_as))
        assert all((found.masks[key] == wanted.masks[key]).all() for key in wanted.masks)
        told = [warning["message"] for warning in found.record["warnings"] if "0.3 on, not of 0.02" in warning["message"]]
        assert len(told) == (same_as is plain)


def test_normalised_input_is_segmented_without_n4_and_says_so(weights):
    images = {}
    for key, image in head_images(("flair", "t1ce")).items():
        values = image.array.astype(np.float32)
        head = values != 0
        images[key] = image.with_array(np.where(head, (values - values[head].mean()) / values[head].std(), 0).astype(np.float32))
    result = segment(images, BRAIN, Options("cpu", weights["brain"], keep_bias_field=True))
    assert result.bias_fields == {}
    assert {"zscored"} <= {warning["code"] for warning in result.record["warnings"]}


def test_missing_modalities_are_a_warning_not_an_error(weights):
    result = segment(head_images(("t2",)), BRAIN, Options("cpu", weights["brain"]))
    assert result.reference == "t2" and result.record["warnings"]


def test_progress_may_cancel_at_any_point(weights):
    for stop in (0.0, 0.3, 0.6):

        def progress(fraction: float, message: str, stop: float = stop) -> None:
            if fraction >= stop:
                raise Cancelled()

        with pytest.raises(Cancelled):
            segment(head_images(), BRAIN, Options("cpu", weights["brain"]), progress)


def test_refusals(weights):
    with pytest.raises(InputRefused):
        segment({}, BRAIN, Options("cpu", weights["brain"]))
    broken = head_images(("flair",))
    values = broken["flair"].array.astype(np.float32)
    values[5, 5, 5] = np.nan
    with pytest.raises(InputRefused, match=r"flair\.nii\.gz"):
        segment({"flair": broken["flair"].with_array(values)}, BRAIN, Options("cpu", weights["brain"]))
    with pytest.raises(WeightsError):
        segment({"ct": ct_image()}, LIVER, Options("cpu", weights["nuclei"]))
    with pytest.raises(UsageError):
        segment({"image": picture()}, NUCLEI, Options("cuda:99", weights["nuclei"]))
    with pytest.raises(UsageError):
        Options(mode="hasty")


def test_weights_are_loaded_once_until_the_file_changes(tmp_path):
    path = tiny_weights(tmp_path, BRAIN, seed=0)
    first = load_once(path, BRAIN)
    assert load_once(path, BRAIN) is first
    tiny_weights(tmp_path, BRAIN, seed=1)
    assert load_once(path, BRAIN) is not first
    assert warm(BRAIN, "cpu", path)["weights"] == "brain.safetensors"
