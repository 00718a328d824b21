#!/usr/bin/env bash
# slicer-core 5.12.4.0 (Slicer's Python and MRML from PyPI): slicer.util.VTKObservationMixin. (2026-11-30)
# Guess: a node that is no longer observed (removeObserver, or removeObservers with the method) is free to go.
# Happens: VTK's observer is gone and hasObserver says no, but the node stays a key of the mixin's dictionary: it lives as long as the
# widget or logic does, with all that it holds. Only removeObservers() without a method, which drops everything, lets go.
# Matters: a module that follows the chosen volume, one after the other, keeps every volume of the day in memory after their scenes closed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet slicer-core==5.12.4.0 numpy==2.2.6
venv/bin/python - <<'PY'
import gc
from importlib.metadata import version

import vtk
from slicer.util import VTKObservationMixin
from slicer_core.MRMLCore import vtkMRMLScalarVolumeNode

print("slicer-core", version("slicer-core"))
EVENT = vtk.vtkCommand.ModifiedEvent


class Logic(VTKObservationMixin):
    def changed(self, caller, event):
        """What is called."""


def volumes_that_live(let_go) -> int:
    """Of five volumes, observed and let go one after the other."""
    logic, gone = Logic(), []
    for _ in range(5):
        node = vtkMRMLScalarVolumeNode()
        node.AddObserver(vtk.vtkCommand.DeleteEvent, lambda caller, event: gone.append(event))
        logic.addObserver(node, EVENT, logic.changed)
        let_go(logic, node)
        assert not logic.hasObserver(node, EVENT, logic.changed) and not node.HasObserver(EVENT)
        del node
        gc.collect()
    return 5 - len(gone)


found = {
    "removeObserver(node, event, method)": volumes_that_live(lambda logic, node: logic.removeObserver(node, EVENT, logic.changed)),
    "removeObservers(method)": volumes_that_live(lambda logic, node: logic.removeObservers(logic.changed)),
    "removeObservers()": volumes_that_live(lambda logic, node: logic.removeObservers()),
}
for how, alive in found.items():
    print(f"{how:36} {alive} of 5 volumes still live")  # guess: 0 in each line
assert list(found.values()) == [5, 5, 0], "behaviour changed"
PY
