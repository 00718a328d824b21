"""A pair of weights and manifest that lies in a weights folder when Slicer starts is a task of the panel, with selectors of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from MedSegDLLib.tasks import LIVER, WEIGHTS_VARIABLE
from Testing.core.tiny import tiny_weights

ROOT = Path(__file__).resolve().parents[2]
LISTED = """
import json
from PySide6 import QtWidgets
application = QtWidgets.QApplication([])
from MedSegDLLib.scene.bare import open_scene
from Testing.panel import standins
standins.install()
open_scene()
standins.import_panel()
from MedSegDLLib.scene.parameters import INPUT_NAMES, TaskChoice
print(json.dumps({"titles": {choice.name: choice.label() for choice in TaskChoice}, "inputs": INPUT_NAMES}))
"""


def test_a_pair_that_was_dropped_in_is_in_the_list(tmp_path: Path) -> None:
    tiny_weights(tmp_path, replace(LIVER, key="spleen-2", title="Spleen (CT)"))
    environment = {**os.environ, WEIGHTS_VARIABLE: str(tmp_path), "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "MedSegDL")])}
    ran = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, env=environment, timeout=300)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert told["titles"]["spleen-2"] == "Spleen (CT)" and set(told["titles"]) == {"brain", "liver", "nuclei", "spleen-2"}
    assert {"liver_ct", "spleen-2_ct"} <= set(told["inputs"]), "two tasks may share the key of an input"
