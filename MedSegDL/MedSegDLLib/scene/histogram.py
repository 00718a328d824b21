"""The areas of a picture's counted objects as a histogram: table, series and chart of the scene, saved with it. No widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from .hierarchy import place_beside

CHART_ROLE = "MedSegDL.Histogram"  # the segmentation's reference to its chart
MOST_BINS = 40
COLUMNS = ("Area", "Objects")


def binned(areas: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Middles of the bins and how many areas fall into each: (n,), (n,). Widths after Freedman and Diaconis (1981)."""
    values = np.asarray(areas, dtype=np.float64)
    edges = np.histogram_bin_edges(values, "fd")
    if len(edges) > MOST_BINS + 1:
        edges = np.histogram_bin_edges(values, MOST_BINS)
    counts, edges = np.histogram(values, edges)
    return (edges[:-1] + edges[1:]) / 2, counts


def chart_of(node: Any) -> Any:
    """The chart of a segmentation; None where none was made."""
    return None if node is None else node.GetNodeReference(CHART_ROLE)


def draw_histogram(node: Any, areas: Sequence[float], titles: tuple[str, str, str]) -> Any:
    """Draw the histogram, anew where it is there.

    Args:
        node: the segmentation with the objects; its first segment lends the colour.
        areas: of the objects, in any unit.
        titles: of the chart, of the axis of areas and of the axis of counts.

    Returns:
        vtkMRMLPlotChartNode.
    """
    chart = chart_of(node) or _new_chart(node)
    series = chart.GetNthPlotSeriesNode(0)
    table = series.GetTableNode()
    was_modifying = table.StartModify()
    table.RemoveAllColumns()
    for title, values in zip(COLUMNS, binned(areas)):
        column = numpy_to_vtk(np.ascontiguousarray(values), deep=True, array_type=vtk.VTK_DOUBLE)
        column.SetName(title)
        table.AddColumn(column)
    table.EndModify(was_modifying)
    series.SetColor(*node.GetSegmentation().GetNthSegment(0).GetColor())
    chart.SetTitle(titles[0])
    chart.SetXAxisTitle(titles[1])
    chart.SetYAxisTitle(titles[2])
    return chart


def _new_chart(node: Any) -> Any:
    scene, name = slicer.mrmlScene, f"{node.GetName()} areas"
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(COLUMNS[0])
    series.SetYColumnName(COLUMNS[1])
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatterBar)
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", name)
    chart.SetLegendVisibility(False)
    chart.AddAndObservePlotSeriesNodeID(series.GetID())
    node.SetNodeReferenceID(CHART_ROLE, chart.GetID())
    place_beside(node, table)
    return chart
