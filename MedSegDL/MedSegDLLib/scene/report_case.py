"""A segmentation node as the case of a report, measured as it now is: edits count. No widget.
Names of nodes, which are often patients', stay behind: regions and inputs go by the task's own words.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from ..errors import InputRefused
from ..geometry.image import Grid
from ..tasks import Task
from .segmentation import segment_mask, task_segments
from .table import INSTANCES_ROLE
from .translation import language, translated
from .volumes import image_from_node, local_affine, to_world, vtk_to_numpy

if TYPE_CHECKING:  # imported with the first report (`warming`)
    from ..report.case import Case

RECORD_ATTRIBUTE = "MedSegDL.Record"  # of a result's segmentation: the run record as JSON, saved with the scene


def collecting(node: Any, task: Task) -> Generator[None, None, Case]:
    """The steps from a segmentation to its case, a region a step; what is returned touches the scene no more but for the image's voxels.

    Raises:
        InputRefused: the volume that the result lies on is gone, or lies under a transform that is not linear.
    """
    from ..report.case import Case

    volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    if volume is None:
        raise InputRefused("The volume that the result lies on is no longer in the scene.", "Load it, and segment it again.")
    image = image_from_node(volume)
    grid = Grid(image.grid.shape, to_world(node) @ local_affine(volume))
    objects = node.GetNodeReference(INSTANCES_ROLE)
    masks = {}
    for region in task_segments(node, task):
        masks[region.key] = segment_mask(node, region.key, grid.shape)
        yield
    if objects is not None and masks:
        numbers = vtk_to_numpy(objects.GetImageData().GetPointData().GetScalars()).reshape(grid.shape)
        masks = {task.regions[0].key: numbers * masks[task.regions[0].key]}
    record = record_of(node)
    title = next((entry.title for entry in task.inputs if entry.key == record.get("reference")), "")
    return Case(task, grid, masks, record, image, title, translated, language())


def record_of(node: Any) -> dict[str, Any]:
    """The run record that a result's segmentation keeps; empty where there is none."""
    return json.loads(node.GetAttribute(RECORD_ATTRIBUTE) or "{}")
