"""What lies in a bundle beside wheels and weights: the scripts that check and install, and the page of instructions. @...@ is filled in."""

from __future__ import annotations

CHECK_FILE, LINUX_FILE, WINDOWS_FILE, PAGE_FILE = "check.py", "install.sh", "install.cmd", "INSTALL.txt"

CHECK = '''"""Holds every file of this bundle against its list. Needs Python alone: python check.py"""
import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
WANTED = "@python@"
found = "%d.%d" % sys.version_info[:2]
if found != WANTED and "--any-python" not in sys.argv:
    sys.exit("This bundle is for Python %s, and this is Python %s: call the script with the other one." % (WANTED, found))
try:
    files = json.loads((HERE / "bundle.json").read_text(encoding="utf-8"))["files"]
except (OSError, ValueError, KeyError) as error:
    sys.exit("bundle.json is missing or damaged: copy the bundle again.")
for name, entry in files.items():
    digest = hashlib.sha256()
    try:
        with (HERE / name).open("rb") as stream:
            while True:
                block = stream.read(1 << 20)
                if not block:
                    break
                digest.update(block)
    except OSError:
        sys.exit("%s is missing: copy the bundle again." % name)
    if digest.hexdigest() != entry["sha256"]:
        sys.exit("%s is not what was put there: copy the bundle again." % name)
print("%d files are as they were made." % len(files))
'''

LINUX = """#!/bin/sh
# MedSegDL @version@ for Python @python@ (@platform@), without a network: sh install.sh [FOLDER]
# PYTHON=/path/to/python names a Python @python@ that is called otherwise.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python@python@}
target=${1:-$HOME/medsegdl}
if ! command -v "$python" >/dev/null; then
    echo "Python @python@ is not there: install it, or name it: PYTHON=/path/to/python sh install.sh" >&2
    exit 2
fi
"$python" "$here/check.py"
"$python" -m venv "$target"
PIP_CONFIG_FILE=/dev/null "$target/bin/python" -m pip install --disable-pip-version-check --no-index --find-links "$here/wheels" "@wanted@"
"$target/bin/python" -c "import MedSegDLLib; print('medsegdl', MedSegDLLib.__version__, 'is installed.')"
echo "Call $target/bin/medsegdl, or give $target/bin/python to the panel (Advanced, Python). @notice@"
"""

WINDOWS = """@echo off
rem MedSegDL @version@ for Python @python@ (@platform@), without a network: install.cmd [FOLDER]
rem Where "py -@python@" finds none: set PYTHON=C:\\path\\python.exe before.
setlocal
set "here=%~dp0"
set "target=%~1"
if "%target%"=="" set "target=%LOCALAPPDATA%\\medsegdl"
if "%PYTHON%"=="" (set "call_python=py -@python@") else (set call_python="%PYTHON%")
%call_python% "%here%check.py" || exit /b 2
%call_python% -m venv "%target%" || exit /b 3
set "PIP_CONFIG_FILE=nul"
"%target%\\Scripts\\python.exe" -m pip install --disable-pip-version-check --no-index --find-links "%here%wheels" "@wanted@" || exit /b 3
"%target%\\Scripts\\python.exe" -c "import MedSegDLLib; print('medsegdl', MedSegDLLib.__version__, 'is installed.')" || exit /b 3
echo Call "%target%\\Scripts\\medsegdl.exe", or give "%target%\\Scripts\\python.exe" to the panel (Advanced, Python). @notice@
"""

PAGE = """MedSegDL @version@ without a network
====================================
For Python @python@ on @platform@. @notice@

Command line
  Linux, macOS   sh install.sh [FOLDER]        (default: ~/medsegdl; PYTHON=/path/to/python names another Python @python@)
  Windows        install.cmd [FOLDER]          (default: %LOCALAPPDATA%\\medsegdl; Python @python@ from python.org)
  The script holds every file against bundle.json (SHA-256), makes a virtual environment, and installs from wheels/ with
  "pip install --no-index". Nothing is downloaded. Then: FOLDER/bin/medsegdl info

3D Slicer
  1. Install the extension from its package (Extensions Manager, "Install from file"), or add its folder MedSegDL/ to the module paths.
  2. Panel MedSegDL, Advanced, Worker: choose this folder's bundle.json under "Packages from" and click "Make private environment".
     Slicer 5.10 and 5.12 have Python 3.12: the bundle must be made with --python 3.12.
  Or: give the Python that the script above installed to the field "Python".

Weights
  weights/ holds the shipped networks, which the wheel carries too, and those that were added. Further ones are used where
  $MEDSEGDL_WEIGHTS names that folder, or from the user's weights folder ("medsegdl info" tells which).

To check the copy alone: python check.py --any-python
"""
