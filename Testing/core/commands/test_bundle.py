"""Bundles: made with a tiny set of wheels, installed without a network by their own script and by the panel's environment; the full one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from MedSegDLLib.commands import own_wheel
from MedSegDLLib.commands.bundle import EXTRAS, PLATFORMS, Order, make_bundle
from MedSegDLLib.commands.main import main
from MedSegDLLib.errors import InputRefused, MedSegDLError
from MedSegDLLib.tasks import BRAIN
from MedSegDLLib.worker import installation
from MedSegDLLib.worker.bundles import LIST, WEIGHTS, WHEELS, check, wheels_in
from MedSegDLLib.worker.environment import Interpreter, Source
from MedSegDLLib.worker.installation import PipOptions, make_environment

from ..tiny import tiny_weights

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
ALONE = ("unshare", "--map-root-user", "--net")  # a network namespace in which there is not even a loopback


def has_namespaces() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(not has_namespaces(), reason="network namespaces are not allowed here")


def tiny_wheel(folder: Path, name: str = "tiny_package", version: str = "1.0") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "answer = 42\n")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", own_wheel.WHEEL)
        wheel.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our own wheel, and one that it needs."""
    folder = tmp_path_factory.mktemp("made") / "bundle of mine"
    links = tiny_wheel(tmp_path_factory.mktemp("links")).parent
    order = Order(OWN, "linux", weights=(tiny_weights(tmp_path_factory.mktemp("own"), BRAIN),), find_links=links)
    size = make_bundle(folder, order, ["tiny-package>=1"])
    assert size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    return folder


def copied(bundle: Path, folder: Path) -> Path:
    return Path(shutil.copytree(bundle, folder / "copy"))


def test_a_bundle_holds_what_its_list_says_and_nothing_else(bundle: Path) -> None:
    entries = json.loads((bundle / LIST).read_text(encoding="utf-8"))
    there = {path.relative_to(bundle).as_posix(): path for path in bundle.rglob("*") if path.is_file() and path.name != LIST}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()} == {
        name: entry["sha256"] for name, entry in entries["files"].items()
    }
    assert {"check.py", "install.sh", "install.cmd", "INSTALL.txt"} <= set(there) and (entries["python"], entries["platform"]) == (
        OWN,
        "linux",
    )
    assert len(list((bundle / WHEELS).iterdir())) == 2 and (bundle / WEIGHTS / "liver.safetensors").is_file()
    assert "@" not in (bundle / "INSTALL.txt").read_text(encoding="utf-8")
    check(bundle)


@needs_namespaces
def test_it_installs_without_a_network_by_its_own_script(bundle: Path, tmp_path: Path) -> None:
    target = tmp_path / "a place"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))} | {"PYTHON": sys.executable}
    call = [*ALONE, "sh", str(bundle / "install.sh"), str(target)]
    done = subprocess.run(call, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 0 and "is installed" in done.stdout, done.stdout + done.stderr
    code = "import MedSegDLLib.tasks as t, tiny_package as p; print(t.WEIGHTS_FOLDER / 'liver.safetensors', p.answer)"
    told = subprocess.run([target / "bin/python", "-c", code], capture_output=True, text=True, env=environment, check=True).stdout.split()
    assert Path(" ".join(told[:-1])).is_relative_to(target) and Path(" ".join(told[:-1])).is_file() and told[-1] == "42"
    assert (target / "bin/medsegdl").is_file()


def test_the_private_environment_is_made_of_its_wheels(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, asked = Interpreter(Path(sys.executable), Source.SETTING), []
    monkeypatch.setattr(installation, "_make", lambda place, python, options, progress: asked.append(options.wheels) or python)
    make_environment(tmp_path / "environment", base, PipOptions(wheels=bundle))
    make_environment(tmp_path / "environment", base, PipOptions(wheels=bundle / WHEELS))
    assert asked == [bundle / WHEELS, bundle / WHEELS], "a bundle, or a plain folder of wheels"
    with pytest.raises(InputRefused, match="no wheels"):
        make_environment(tmp_path / "environment", base, PipOptions(wheels=tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
@pytest.mark.parametrize(("harm", "says"), [("changed", "is not what was put there"), ("missing", "lacks|missing"), ("list", "damaged")])
def test_a_bundle_that_was_harmed_is_told_before_anything_is_installed(bundle: Path, tmp_path: Path, harm: str, says: str) -> None:
    folder = copied(bundle, tmp_path)
    wheel = next((folder / WHEELS).glob("tiny*"))
    if harm == "changed":
        wheel.write_bytes(wheel.read_bytes() + b"x")
    elif harm == "missing":
        wheel.unlink()
    else:
        (folder / LIST).write_text('{"files": {"../../etc/passwd": {"sha256": "0"}}}' if sys.platform != "win32" else "{", encoding="utf-8")
    with pytest.raises(InputRefused, match=says):
        wheels_in(folder)
    with pytest.raises(InputRefused):
        make_environment(tmp_path / "environment", Interpreter(Path(sys.executable), Source.SETTING), PipOptions(wheels=folder))
    done = subprocess.run(
        ["sh", folder / "install.sh", tmp_path / "target"], env={**os.environ, "PYTHON": sys.executable}, capture_output=True
    )
    assert done.returncode and not (tmp_path / "target").exists() and b"Traceback" not in done.stderr


def test_another_python_is_told(bundle: Path, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path)
    script = folder / "check.py"
    script.write_text(script.read_text(encoding="utf-8").replace(f'WANTED = "{OWN}"', 'WANTED = "2.7"'), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "is for Python 2.7" in done.stderr


def test_what_cannot_be_found_leaves_an_earlier_bundle_alone(bundle: Path, tmp_path: Path) -> None:
    folder = copied(bundle, tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(MedSegDLError, match="bundle could not be made"):
        make_bundle(folder, Order(OWN, "linux", find_links=tmp_path), ["medsegdl-has-no-such-package==1"])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    make_bundle(folder, Order(OWN, "windows", find_links=tmp_path), [])
    assert [path.name for path in (folder / WHEELS).iterdir()] == [path.name for path in (bundle / WHEELS).glob("medsegdl*")]
    check(folder)


def test_a_folder_of_others_is_not_touched(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["bundle", "-o", str(tmp_path)]) == 3 and "other things" in capfd.readouterr().err
    assert main(["bundle", "-o", str(tmp_path / "new"), "--python", "latest"]) == 2
    assert main(["bundle", "-o", str(tmp_path / "new"), "--weights", str(tmp_path / "mine.txt")]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_our_wheel_is_the_same_each_time_and_needs_what_the_project_says(tmp_path: Path) -> None:
    needs = own_wheel.requirements()
    assert any(need.startswith("torch>=") for need in needs) and {"pacs", "cli", *EXTRAS} <= {
        need.rpartition("== ")[2].strip("'\"") for need in needs
    }
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        contents.append(own_wheel.write_own_wheel(tmp_path / name, needs).read_bytes())
    assert contents[0] == contents[1]
    with zipfile.ZipFile(next((tmp_path / "one").iterdir())) as wheel:
        names = wheel.namelist()
    assert "MedSegDLLib/shipped/brain.safetensors" in names and "MedSegDLLib/shipped_tasks/brain.json" in names
    assert not [name for name in names if "__pycache__" in name] and set(PLATFORMS) == {"linux", "windows", "macos-arm"}


@pytest.mark.slow
@needs_namespaces
def test_the_full_bundle_segments_without_a_network(tmp_path: Path) -> None:
    assert main(["bundle", "-o", str(tmp_path / "bundle"), "--extras", "cli"]) == 0
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))} | {"PYTHON": sys.executable}
    subprocess.run([*ALONE, "sh", tmp_path / "bundle/install.sh", tmp_path / "place"], env=environment, check=True)
    weights, image = tmp_path / "bundle/weights/nuclei.safetensors", tmp_path / "cells.png"
    from PIL import Image

    Image.new("L", (64, 64), 30).save(image)
    call = [*ALONE, tmp_path / "place/bin/medsegdl", "segment", "--task", "nuclei", "--image", image, "--weights", weights]
    subprocess.run([*call, "-o", tmp_path / "out"], env=environment, check=True)
    assert (tmp_path / "out/nuclei.png").is_file()
