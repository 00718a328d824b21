"""Packages that only some networks need go into the private environment whole or not at all, and into nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from MedSegDLLib.errors import Cancelled, InputRefused
from MedSegDLLib.worker.environment import MARKER
from MedSegDLLib.worker.installation import InstallationFailed, PipOptions
from MedSegDLLib.worker.packages import PACKAGES, PACKAGES_OF_PLAN, add_packages, cost, missing

FAKE_PIP = """
import json, pathlib, sys
if sys.argv[1:] == ["--version"]:
    print("pip 25.1 from somewhere (python 3.12)")
    sys.exit()
pathlib.Path({record!r}).write_text(json.dumps(sys.argv[1:]))
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
for name in ("monai", "monai-1.6.1.dist-info"):
    (target / name).mkdir(parents=True)
    (target / name / "new.txt").write_text("new")
print("Collecting monai", flush=True)
{ending}
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A private environment beside Slicer's Python, with an older monai."""
    folder = tmp_path / "e"
    (folder / "env1" / "monai").mkdir(parents=True)
    (folder / "env1" / "monai" / "old.txt").write_text("old")
    (folder / MARKER).write_text(json.dumps({"python": sys.executable, "packages": str(folder / "env1")}))
    return folder


def pip(tmp_path: Path, ending: str = "") -> PipOptions:
    script = tmp_path / "pip.py"
    script.write_text(FAKE_PIP.format(record=str(tmp_path / "said.json"), ending=ending))
    return PipOptions(pip=(str(script),))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_they_come_alone_and_take_the_place_of_older_ones(environment: Path, tmp_path: Path) -> None:
    add_packages(environment, ("monai",), pip(tmp_path))
    said = json.loads((tmp_path / "said.json").read_text())
    assert "--no-deps" in said and [word for word in said if word.startswith("monai")] == [PACKAGES["monai"].requirement]
    assert files_in(environment) == {MARKER, "env1/monai/new.txt", "env1/monai-1.6.1.dist-info/new.txt"}


@pytest.mark.parametrize("ending", ["print('ERROR: No matching distribution found for monai'); sys.exit(1)", "import time; time.sleep(60)"])
def test_what_fails_or_is_cancelled_leaves_it_as_it_was(environment: Path, tmp_path: Path, ending: str) -> None:
    before = files_in(environment)

    def progress(fraction: float, message: str) -> None:
        if "Collecting" in message and "sleep" in ending:
            raise Cancelled()

    with pytest.raises(InstallationFailed if "exit" in ending else Cancelled):
        add_packages(environment, ("monai",), pip(tmp_path, ending), progress)
    assert {name for name in files_in(environment) if not name.startswith("downloads")} == before


def test_without_an_environment_of_our_own_nothing_is_installed(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no private environment"):
        add_packages(tmp_path, ("monai",), pip(tmp_path))
    assert missing(tmp_path, ("monai", "scipy")) == ("monai", "scipy") and not (tmp_path / "said.json").exists()


def test_other_packages_than_those_of_the_list_are_refused(environment: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="evil"):
        add_packages(environment, ("evil",), pip(tmp_path))
    assert not (tmp_path / "said.json").exists()


def test_what_is_missing_and_what_it_costs_is_known_before(environment: Path) -> None:
    assert missing(environment, ("monai",)) == ()
    assert {name for names in PACKAGES_OF_PLAN.values() for name in names} == set(PACKAGES)
    both = cost(("monai", "scipy", "unheard-of"))
    assert both.download_bytes == PACKAGES["monai"].download_bytes + PACKAGES["scipy"].download_bytes and both.minutes == 1
