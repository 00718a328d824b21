#!/usr/bin/env bash
# slicer-core 5.12.4.0 (Slicer's Python and MRML from PyPI) on Linux: vtkSlicerApplicationLogic's processing thread. (2026-11-30)
# Guess: a background thread lowers its own priority; the main thread, and programs that are started later, keep theirs.
# Happens: it calls setpriority with the process's id, which on Linux is the main thread: that one has nice 19 from then on, and so has every
# program started from it, while the other threads keep theirs. An ordinary user cannot raise it again.
# SLICER_BACKGROUND_THREAD_PRIORITY=0 before the start prevents it.
# Matters: on a machine that others use too, Slicer's window, and networks that it runs in a child, get what is left over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet slicer-core==5.12.4.0 numpy==2.2.6
cat > look.py <<'PY'
import os
import subprocess
import time
from importlib.metadata import version

from slicer_core import vtkSlicerApplicationLogic

print("slicer-core", version("slicer-core"), "SLICER_BACKGROUND_THREAD_PRIORITY", os.environ.get("SLICER_BACKGROUND_THREAD_PRIORITY"))
before = os.getpriority(os.PRIO_PROCESS, 0)
logic = vtkSlicerApplicationLogic()
logic.CreateProcessingThread()  # as the application does at its start
time.sleep(2)
after = os.getpriority(os.PRIO_PROCESS, 0)
child = int(subprocess.run(["nice"], capture_output=True, text=True).stdout)
print("nice of the main thread before", before, "after", after, "of a child", child)  # guess: three times the same
wanted = 19 if "SLICER_BACKGROUND_THREAD_PRIORITY" not in os.environ else before
os._exit(0 if (after, child) == (wanted, wanted) else 1)
PY
env -u SLICER_BACKGROUND_THREAD_PRIORITY venv/bin/python look.py
SLICER_BACKGROUND_THREAD_PRIORITY=$(nice) venv/bin/python look.py
