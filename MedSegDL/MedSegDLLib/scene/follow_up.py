"""The results of several studies of one patient in the scene: which there are and when they were taken, and what became of the lesions as
table nodes and a chart, saved with the scene. No widget; the comparing is `followup`, which a thread may do.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from ..tasks import TASKS, Task
from .correcting import INPUT_ROLE, untouched_of
from .hierarchy import NO_ITEM, place_beside
from .table import table_rows
from .translation import label
from .volumes import RESULT_ATTRIBUTE, to_world, vtk_matrix

if TYPE_CHECKING:  # imported with the second study (`warming`)
    from ..followup.course import Course, RegionCourse

KIND = "vtkMRMLSegmentationNode"
TABLE, SERIES, CHART, TRANSFORM = "vtkMRMLTableNode", "vtkMRMLPlotSeriesNode", "vtkMRMLPlotChartNode", "vtkMRMLLinearTransformNode"
ATTRIBUTE = "MedSegDL.FollowUp"  # of the table of changes, which holds all together: criteria and findings as JSON
STUDY_ROLE = "MedSegDL.Study"  # its references: the segmentations in the order of time,
PART_ROLE = "MedSegDL.Part."  # and one of these each for the other nodes,
LAID_ROLE = "MedSegDL.Laid"  # the transforms that lay later studies on the first one; and of those, what hangs under them
DATE_TAG = "0008,0020"
ISO_DIGITS = 8
CHANGE_COLUMNS = ("Region", "Id", "First mL", "Last mL", "Change mL", "Change %", "Diameters", "First sum", "Last sum", "Volume")
LESION_COLUMNS = ("Region", "Id", "Lesion", "Kind", "Before mL", "Before mm", "Now mL", "Now mm", "R", "A", "S")
THRESHOLD_COLUMNS = ("Measure", "Partial", "Progressive", "Source")
WHEN, DAY = "Study", "Day"


@dataclass(frozen=True)
class TimePoint:
    """A result that may be one of several studies.

    Attributes:
        node: the segmentation.
        day: when its study was taken; None where nothing tells.
        patient: item of the subject hierarchy; 0 where there is none.
    """

    node: Any
    day: date | None
    patient: int

    @property
    def when(self) -> str:
        """The day as text; "" where it is not known."""
        return self.day.isoformat() if self.day is not None else ""


def time_points(task: Task) -> list[TimePoint]:
    """The scene's results of a task, the earliest first; those without a date last, as they came."""
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNodeByClass(number, KIND) for number in range(scene.GetNumberOfNodesByClass(KIND))]
    ours = [node for node in nodes if node.GetAttribute(RESULT_ATTRIBUTE) == task.key and _volume_of(node) is not None]
    return sorted((_time_point(node) for node in ours), key=lambda point: (point.day is None, point.day or date.min))


def suggested(points: Sequence[TimePoint], shown: Any) -> list[TimePoint]:
    """Those to begin with: the last one that was made of each day, of the patient whose result is shown, in the order of time.

    Where nothing has a date every reference volume counts as a study of its own.
    """
    patient = next((point.patient for point in points if point.node is shown), NO_ITEM)
    same = [point for point in points if NO_ITEM in (patient, point.patient) or point.patient == patient]
    last = {point.when or _volume_of(point.node).GetID(): point for point in same}
    return [point for point in same if last[point.when or _volume_of(point.node).GetID()] is point]


def _time_point(node: Any) -> TimePoint:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    item = hierarchy.GetItemByDataNode(_volume_of(node)) or hierarchy.GetItemByDataNode(node)
    if item == NO_ITEM:
        return TimePoint(node, _day(_header_date(_volume_of(node))), NO_ITEM)
    study = hierarchy.GetItemAncestorAtLevel(item, constants.GetDICOMLevelStudy())
    told = hierarchy.GetItemAttribute(study, constants.GetDICOMStudyDateAttributeName()) if study != NO_ITEM else ""
    patient = hierarchy.GetItemAncestorAtLevel(item, constants.GetDICOMLevelPatient())
    return TimePoint(node, _day(told) or _day(_header_date(_volume_of(node))), patient)


def _header_date(volume: Any) -> str:
    """The study's date in the DICOM database; "" where the volume is not from there."""
    uids = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    return database.instanceValue(uids[0], DATE_TAG) if uids and database is not None else ""


def _day(text: str) -> date | None:
    """A date of DICOM (20240131, or 2024.01.31 as once was the rule), or of Slicer's own (2024-01-31)."""
    digits = "".join(letter for letter in text if letter.isdigit())
    try:
        return date.fromisoformat(digits) if len(digits) == ISO_DIGITS else None
    except ValueError:
        return None


def _volume_of(node: Any) -> Any:
    return node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())


def placing(points: Sequence[TimePoint], course: Course, earlier: Any = None) -> Iterator[None]:
    """Put a course into the scene, in steps: what was compared before gives way.

    Args:
        points: in the order of time.
        course: of those.
        earlier: the follow-up node that this one replaces, or None.
    """
    from ..followup.response import threshold_rows

    days, laid = _days(points), _still_laid(earlier)
    remove(earlier)
    yield
    change = _table(label("Follow-up changes"), CHANGE_COLUMNS, [_change(one) for one in course.regions])
    for point in points:
        change.AddNodeReferenceID(STUDY_ROLE, point.node.GetID())
    findings = [{**asdict(finding), "severity": finding.severity.value, "code": finding.code.value} for finding in course.findings]
    change.SetAttribute(ATTRIBUTE, json.dumps({"criteria": course.criteria.key, "findings": findings}))
    yield
    parts = {"Volumes": _volumes(points, days, course)}
    parts["Chart"] = yield from _chart(parts["Volumes"], course, all(point.day is not None for point in points))
    parts["Lesions"] = _table(label("Follow-up lesions"), LESION_COLUMNS, [row for one in course.regions for row in _lesions(one, points)])
    parts["Thresholds"] = _table(label("Follow-up thresholds"), THRESHOLD_COLUMNS, threshold_rows(course.criteria))
    for name, node in parts.items():
        change.SetNodeReferenceID(f"{PART_ROLE}{name}", node.GetID())
    yield
    place_beside(points[-1].node, change, parts["Volumes"], parts["Lesions"], parts["Thresholds"])
    yield
    for transform in laid:
        change.AddNodeReferenceID(LAID_ROLE, transform.GetID())
    for point, study in zip(points[1:], course.studies[1:]):
        if not np.allclose(study.motion, np.eye(4)):
            change.AddNodeReferenceID(LAID_ROLE, _lay(point, points[0], study.motion).GetID())
            yield


def _days(points: Sequence[TimePoint]) -> list[float]:
    """Days since the first study; numbers from 1 where a date is not known."""
    if any(point.day is None for point in points):
        return [float(number) for number in range(1, len(points) + 1)]
    return [float((point.day - points[0].day).days) for point in points]


def _table(name: str, columns: Sequence[str], rows: Sequence[Sequence[str | float]]) -> Any:
    """A new table node; a column is of numbers where its values are."""
    table = slicer.mrmlScene.CreateNodeByClass(TABLE)
    table.UnRegister(None)  # CreateNodeByClass gives its caller a reference too many
    table.SetName(slicer.mrmlScene.GenerateUniqueName(name))
    for place, title in enumerate(columns):
        values = [row[place] for row in rows]
        column = vtk.vtkStringArray() if any(isinstance(value, str) for value in values) else vtk.vtkDoubleArray()
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    table.SetUseColumnTitleAsColumnHeader(True)
    return slicer.mrmlScene.AddNode(table)


def _change(one: RegionCourse) -> tuple[str | float, ...]:
    first, last = one.volumes_ml[0], one.volumes_ml[-1]
    share = f"{100 * (last - first) / first:+.1f}" if first else ""
    named = (label(one.region.label), one.region.key)
    return (*named, first, last, last - first, share, one.diameters.value, one.sums[0], one.sums[-1], one.volume.value)


def _volumes(points: Sequence[TimePoint], days: Sequence[float], course: Course) -> Any:
    """A row a study: millilitres of each region, and its change since the first study in per cent."""
    columns, rows = [WHEN, DAY], [[point.when or str(number), day] for number, (point, day) in enumerate(zip(points, days), start=1)]
    for one in course.regions:
        columns += [f"{one.region.key} mL", f"{one.region.key} change %"]
        for row, volume in zip(rows, one.volumes_ml):
            row += [float(volume), f"{100 * (volume - one.volumes_ml[0]) / one.volumes_ml[0]:+.1f}" if one.volumes_ml[0] else ""]
    return _table(label("Follow-up volumes"), columns, rows)


def _chart(volumes: Any, course: Course, dated: bool) -> Generator[None, None, Any]:
    """A line a region, in its colour, over the days where they are known; what is returned is the chart."""
    chart = slicer.mrmlScene.AddNewNodeByClass(CHART, slicer.mrmlScene.GenerateUniqueName(label("Follow-up chart")))
    chart.SetTitle(label(course.studies[0].case.task.title))
    chart.SetXAxisTitle(label(DAY if dated else WHEN))
    chart.SetYAxisTitle("mL")
    for one in course.regions:
        series = slicer.mrmlScene.AddNewNodeByClass(SERIES, label(one.region.label))
        series.SetAndObserveTableNodeID(volumes.GetID())
        series.SetPlotType(series.PlotTypeScatter)
        series.SetXColumnName(DAY)
        series.SetYColumnName(f"{one.region.key} mL")
        series.SetLabelColumnName(WHEN)
        series.SetColor(*one.region.color)
        series.SetMarkerStyle(series.MarkerStyleCircle)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        yield
    return chart


def _lesions(one: RegionCourse, points: Sequence[TimePoint]) -> Iterator[tuple[str | float, ...]]:
    """A row a match of the last study with the one before: sizes then and now, and where it is in the last study's own RAS mm."""
    from ..followup.matching import Kind

    before, now, own = one.lesions[-2], one.lesions[-1], np.linalg.inv(to_world(points[-1].node))
    for match in one.matches[-1]:
        kind = Kind.NEW if set(match.after) & set(one.new) else match.kind
        sizes = []
        for lesions, indices in ((before, match.before), (now, match.after)):
            sizes.append(f"{sum(lesions[n].volume_ml for n in indices):.3f}" if indices else "")
            sizes.append("; ".join(f"{lesions[n].longest_mm:.1f} x {lesions[n].perpendicular_mm:.1f}" for n in indices))
        numbers = ", ".join(str(index + 1) for index in match.after)
        place = (own @ (*now[match.after[0]].middle, 1.0))[:3] if match.after else [float("nan")] * 3
        yield (label(one.region.label), one.region.key, numbers, kind.value, *sizes, *(float(part) for part in place))


def follow_up_of(task: Task) -> Any:
    """The table of changes of the last follow-up of a task that the scene holds, with its studies; None without one."""
    scene = slicer.mrmlScene
    tables = [scene.GetNthNodeByClass(number, TABLE) for number in range(scene.GetNumberOfNodesByClass(TABLE))]
    found = [table for table in tables if table.GetAttribute(ATTRIBUTE) and all(part_of(table, name) for name in ("Volumes", "Lesions"))]
    whole = [table for table in found if len(studies_of(table)) > 1]
    return next((table for table in reversed(whole) if studies_of(table)[0].GetAttribute(RESULT_ATTRIBUTE) == task.key), None)


def studies_of(change: Any) -> list[Any]:
    """Segmentations of a follow-up in the order of time; empty where one of them is gone."""
    nodes = [change.GetNthNodeReference(STUDY_ROLE, number) for number in range(change.GetNumberOfNodeReferences(STUDY_ROLE))]
    return nodes if all(node is not None and _volume_of(node) is not None for node in nodes) else []


def part_of(change: Any, name: str) -> Any:
    """Another node of a follow-up: 'Volumes', 'Chart', 'Lesions' or 'Thresholds'."""
    return change.GetNodeReference(f"{PART_ROLE}{name}")


def told_of(change: Any) -> dict[str, Any]:
    """Its criteria and findings."""
    return json.loads(change.GetAttribute(ATTRIBUTE))


def place_of(change: Any, row: dict[str, str]) -> np.ndarray | None:
    """(3,) where a row's lesion lies in the world, RAS mm; None where it is gone."""
    place = np.array([*(float(row[axis]) for axis in "RAS"), 1.0])
    return (to_world(studies_of(change)[-1]) @ place)[:3] if np.isfinite(place).all() else None


def lesion_rows(change: Any) -> list[dict[str, str]]:
    """The matches, as shown."""
    return table_rows(part_of(change, "Lesions"))


def remove(change: Any) -> None:
    """Take a follow-up's tables and chart out of the scene; transforms stay as they are."""
    if change is None:
        return
    chart = part_of(change, "Chart")
    series = [chart.GetNthPlotSeriesNode(number) for number in range(chart.GetNumberOfPlotSeriesNodes())] if chart is not None else []
    for node in (chart, *series, *(part_of(change, name) for name in ("Volumes", "Lesions", "Thresholds")), change):
        if node is not None and node.GetScene() is not None:
            slicer.mrmlScene.RemoveNode(node)


def _lay(point: TimePoint, first: TimePoint, motion: np.ndarray) -> Any:
    """Put a study under a transform that lays it on the first one: its volumes and what was found in them."""
    scene = slicer.mrmlScene
    name = f"{_volume_of(point.node).GetName()} onto {_volume_of(first.node).GetName()}"
    node = scene.AddNewNodeByClass(TRANSFORM, scene.GenerateUniqueName(name))
    shared = _ancestors(_volume_of(first.node))
    above = next((entry for entry in _ancestors(_volume_of(point.node)) if entry in shared), None)
    if above is not None:  # what moves both studies moves them after this one
        node.SetAndObserveTransformNodeID(above.GetID())
    world = to_world(node)
    node.SetMatrixTransformToParent(vtk_matrix(np.linalg.inv(world) @ motion @ world))
    for member in _members(point.node):
        chain = [member, *_ancestors(member)]
        top = next((entry for entry in chain if entry.GetParentTransformNode() is above), None)
        if top is not None and top is not node:
            node.AddNodeReferenceID(LAID_ROLE, top.GetID())
            top.SetAndObserveTransformNodeID(node.GetID())
    return node


def _members(segmentation: Any) -> list[Any]:
    """What belongs to a study: the result, its untouched copy, and the volumes that it was made from."""
    task = TASKS[segmentation.GetAttribute(RESULT_ATTRIBUTE)]
    inputs = [segmentation.GetNodeReference(f"{INPUT_ROLE}{entry.key}") for entry in task.inputs]
    return [node for node in (_volume_of(segmentation), segmentation, untouched_of(segmentation), *inputs) if node is not None]


def _ancestors(node: Any) -> list[Any]:
    """The transforms that a node lies under, the nearest first."""
    found, above = [], node.GetParentTransformNode()
    while above is not None:
        found.append(above)
        above = above.GetParentTransformNode()
    return found


def laid_transforms(change: Any) -> list[Any]:
    """The transforms that lay studies of a follow-up on its first one, as far as they are still there."""
    count = 0 if change is None else change.GetNumberOfNodeReferences(LAID_ROLE)
    found = [change.GetNthNodeReference(LAID_ROLE, number) for number in range(count)]
    return [node for node in found if node is not None]


def _still_laid(change: Any) -> list[Any]:
    """Those that are in use; the others go, for the studies are compared where they lie now."""
    used = []
    for node in laid_transforms(change):
        if any(member.GetParentTransformNode() is node for member in _hung(node)):
            used.append(node)
        else:
            slicer.mrmlScene.RemoveNode(node)
    return used


def are_laid(change: Any) -> bool:
    """Whether the studies lie under those transforms."""
    return all(member.GetParentTransformNode() is node for node in laid_transforms(change) for member in _hung(node))


def set_laid(change: Any, laid: bool) -> None:
    """Lay later studies on the first one, or where they were taken. The transforms stay in the scene."""
    for node in laid_transforms(change):
        for member in _hung(node):
            if laid:
                member.SetAndObserveTransformNodeID(node.GetID())
            elif member.GetParentTransformNode() is node:
                member.SetAndObserveTransformNodeID(node.GetTransformNodeID())


def _hung(transform: Any) -> list[Any]:
    found = [transform.GetNthNodeReference(LAID_ROLE, number) for number in range(transform.GetNumberOfNodeReferences(LAID_ROLE))]
    return [node for node in found if node is not None]
