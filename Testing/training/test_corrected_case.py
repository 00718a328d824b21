"""What 'Save as training case' writes is what `medsegdl-train` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medsegdl_training.cases import find_cases
from medsegdl_training.cases.inspection import inspect_cases
from medsegdl_training.cases.references import read_reference
from MedSegDLLib.correction.training_case import LIST_FILE, label_map, save_case
from MedSegDLLib.geometry.image import Image
from MedSegDLLib.metrics.labels import described, regions_of_labels
from MedSegDLLib.tasks import BRAIN, LIVER, Task

SHAPE = (24, 26, 28)


@pytest.mark.parametrize("task", [BRAIN, LIVER], ids=lambda task: task.key)
def test_found_understood_and_without_errors(task: Task, tmp_path: Path) -> None:
    masks = {region.key: np.zeros(SHAPE, np.uint8) for region in task.regions}
    for margin, mask in enumerate(masks.values(), start=4):
        mask[margin:-margin, margin:-margin, margin:-margin] = 1
    values = np.random.default_rng(0).integers(0, 100, (len(task.inputs), *SHAPE)).astype(np.int16)
    values[:, :, :6] -= 0 if task is BRAIN else 1000  # air
    images = {entry.key: Image(array, np.diag([2.0, 2.0, 2.0, 1.0])) for entry, array in zip(task.inputs, values)}
    name = save_case(tmp_path, task, images, Image(label_map(masks, task), np.diag([2.0, 2.0, 2.0, 1.0])))
    (case,) = find_cases(tmp_path / LIST_FILE, task)
    assert case.name == name and set(case.inputs) == set(images)
    found = regions_of_labels(read_reference(case.reference).array, task, case.reference)
    assert described(case.reference, task) is not None
    for key, mask in masks.items():
        np.testing.assert_array_equal(found[key], mask)
    inspected = inspect_cases([case], task)
    assert inspected["labelled"] == 1 and inspected["errors"] == 0, inspected["cases"][0]["problems"]
