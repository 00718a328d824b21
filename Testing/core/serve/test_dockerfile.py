"""The Dockerfile by its steps, without docker: what it names is there and pinned, what it copies is enough, and what it starts serves."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from MedSegDLLib.worker.remote import Address
from MedSegDLLib.worker.wire import DEFAULT_PORT, VERSION

from .odd_server import ROOT, TOKEN

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of every step, lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def steps(word: str) -> list[str]:
    """The rests of all steps of a kind."""
    return [rest for kind, rest in instructions() if kind == word]


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].casefold()


def test_it_is_made_of_debian_and_pypi_with_versions() -> None:
    assert [re.fullmatch(r"debian:\d+\.\d+-slim", image) is not None for image in steps("FROM")] == [True]
    assert not steps("ADD") and not any(tool in rest for rest in steps("RUN") for tool in ("curl", "wget", "git ", "--index-url"))
    packages = next(rest for rest in steps("RUN") if "apt-get install" in rest).split("--no-install-recommends ")[1].split("&&")[0].split()
    assert packages and all("=" in package for package in packages)
    release = Path("/etc/debian_version")
    if shutil.which("apt-cache") and release.exists() and release.read_text(encoding="ascii").startswith(steps("FROM")[0][7:9]):
        names = [package.partition("=")[0] for package in packages]
        known = subprocess.run(["apt-cache", "madison", *names], capture_output=True, text=True, check=False).stdout
        assert not known or all(package.partition("=")[2] in known for package in packages), known


def test_all_that_it_installs_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {name_of(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line}
    install = next(rest for rest in steps("RUN") if "pip install" in rest)
    extras = re.search(r'"\.\[([\w,]+)\]"', install)[1].split(",")
    wanted = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    assert "--constraint constraints.txt" in install and {name_of(one) for one in wanted} <= pinned


def test_it_serves_as_nobody_in_particular_at_the_port_that_it_says() -> None:
    command = json.loads(steps("CMD")[0])
    assert steps("USER")[-1] not in ("root", "0") and any(steps("USER")[-1] in rest for rest in steps("RUN") if rest.startswith("useradd"))
    assert int(steps("EXPOSE")[0]) == DEFAULT_PORT == int(command[command.index("--port") + 1])
    assert not any("TOKEN" in rest for rest in steps("ENV")), "a token in an image is known to all who have the image"


def asked(address: Address, token: str) -> int:
    """Status of the server's answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{address.port}{VERSION}/info", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_what_it_copies_is_enough_and_what_it_starts_serves(tmp_path) -> None:
    context, wheels, site = tmp_path / "context", tmp_path / "wheels", tmp_path / "site"
    context.mkdir()
    for *sources, target in (shlex.split(rest) for rest in steps("COPY")):
        for source in sources:
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copyfile
            copy(ROOT / source, context / target / (source if target.startswith(".") else ""))
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(wheels), "."]
    made = subprocess.run(build, cwd=context, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    with zipfile.ZipFile(next(wheels.glob("medsegdl-*.whl"))) as wheel:
        wheel.extractall(site)
    entry, command = json.loads(steps("ENTRYPOINT")[0]), json.loads(steps("CMD")[0])
    assert entry == ["medsegdl"]
    command[command.index("--port") + 1] = "0"
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from MedSegDLLib.commands.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(site), "MEDSEGDL_TOKEN": TOKEN, "TMPDIR": str(tmp_path)}
    server = subprocess.Popen(
        [sys.executable, "-c", start, str(site), *command], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        address = Address.parsed(server.stdout.readline().split()[-1])
        assert asked(address, TOKEN) in (200, 202) and asked(address, "another-token-of-length") == 401
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait(20)
        server.stdout.close()
