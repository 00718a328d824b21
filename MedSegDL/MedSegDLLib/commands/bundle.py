"""`medsegdl bundle`: one folder with wheels, weights, hashes and install scripts, for machines without a network."""

from __future__ import annotations

import argparse
import datetime
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..errors import InputRefused, MedSegDLError, UsageError
from ..io.atomic import file_sha256, not_written, write_json
from ..io.private_folder import private_folder, sweep_private_folders
from ..tasks import WEIGHTS_FOLDER, pairs_in
from ..worker.bundles import LIST, WEIGHTS, WHEELS
from ..worker.environment import TORCH, Interpreter, Source, child_environment
from ..worker.installation import CPU_INDEX, explain_failure
from ..worker.processes import Launch, leashed, run_with_lines
from .bundle_texts import CHECK, CHECK_FILE, LINUX, LINUX_FILE, PAGE, PAGE_FILE, WINDOWS, WINDOWS_FILE
from .own_wheel import requirements, write_own_wheel
from .terminal import NOTICE, path, progress_bar

WITH_CUDA = (
    "an index of pip's own configuration (extra-index-url) won over that of torch for the CPU: CUDA is in the bundle. "
    "It works, and is several GB larger; take that index away for a smaller one."
)
EXTRAS = ("cli", "import", "pacs", "serve")  # what people use at the command line
_NEWEST_GLIBC, _OLDEST_GLIBC = 28, 12  # torch's own wheels need 2.28 (Debian 10, RHEL 8); manylinux wheels of older ones fit too
_LEGACY = ("manylinux2014", "manylinux2010", "manylinux1")
PLATFORMS = {  # name -> pip's platform tags, the newest first
    "linux": (
        *(f"manylinux_2_{minor}_x86_64" for minor in range(_NEWEST_GLIBC, _OLDEST_GLIBC - 1, -1)),
        *(f"{legacy}_x86_64" for legacy in _LEGACY),
        "linux_x86_64",
    ),
    "windows": ("win_amd64",),
    "macos-arm": ("macosx_14_0_arm64", "macosx_11_0_arm64", "macosx_14_0_universal2", "macosx_10_9_universal2"),
}
HERE = {"linux": "linux", "win32": "windows", "darwin": "macos-arm"}
VERSION = re.compile(r"3\.1[0-9]")


def add(command: argparse.ArgumentParser) -> None:
    """Options."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    command.add_argument(
        "-o", "--output", type=path, required=True, metavar="DIR", help="the bundle: a new or empty folder, or an old bundle"
    )
    command.add_argument(
        "--python", default=own, metavar="X.Y", help="Python of the other machine (Slicer 5.10, 5.12: 3.12; default: %(default)s)"
    )
    command.add_argument(
        "--platform", choices=PLATFORMS, default=HERE.get(sys.platform, "linux"), help="of the other machine (default: %(default)s)"
    )
    command.add_argument("--cuda", action="store_true", help="torch with CUDA (Linux: several GB); else for the CPU, which is smaller")
    command.add_argument("--extras", default=",".join(EXTRAS), metavar="A,B", help="parts beside the core (default: %(default)s)")
    command.add_argument("--weights", type=path, action="append", default=[], metavar="FILE", help="further .safetensors with its .json")
    command.add_argument("--find-links", type=path, metavar="DIR", help="a folder of wheels to take from too")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """`medsegdl bundle`."""
    if not VERSION.fullmatch(arguments.python):
        raise UsageError(f"--python {arguments.python} is no version like 3.12.", "Python 3.10 to 3.13 can be used.")
    extras = tuple(part for part in arguments.extras.split(",") if part)
    order = Order(arguments.python, arguments.platform, arguments.cuda, extras, tuple(arguments.weights), arguments.find_links)
    with progress_bar() as progress:
        size = make_bundle(arguments.output, order, requirements(), lambda line: progress(0.5, line[:60]))
    if not order.cuda and any((arguments.output / WHEELS).glob("nvidia_*.whl")):
        print(f"warning: {WITH_CUDA}", file=sys.stderr)
    says = f"{size / 1e6:.0f} MB for Python {order.python} on {order.platform} in {arguments.output}; {PAGE_FILE} there tells the rest."
    print(f"{says} {NOTICE}")


@dataclass(frozen=True)
class Order:
    """What for.

    Attributes:
        python: "3.12".
        platform: one of `PLATFORMS`.
        cuda: whether torch comes with CUDA.
        extras: of ours.
        weights: further weights files.
        find_links: a folder of wheels to take from too.
    """

    python: str
    platform: str
    cuda: bool = False
    extras: tuple[str, ...] = ()
    weights: tuple[Path, ...] = ()
    find_links: Path | None = None

    @property
    def wanted(self) -> str:
        """What is installed: us, with the extras."""
        return f"medsegdl[{','.join(self.extras)}]" if self.extras else "medsegdl"


def make_bundle(folder: Path, order: Order, needs: Sequence[str], tell: Callable[[str], None] = lambda line: None) -> int:
    """Download and write everything. An earlier bundle in the folder is replaced once all is there.

    Args:
        folder: new, empty, or an earlier bundle.
        order: what for.
        needs: of our own wheel, see `own_wheel.requirements`.
        tell: gets pip's lines; may raise `Cancelled`.

    Returns:
        bytes.

    Raises:
        InputRefused, MedSegDLError: the folder cannot be used, weights are none, or pip found or reached something not.
    """
    weights = [file for given in order.weights for file in _pair(given)]
    try:
        if folder.exists() and not (folder.is_dir() and ((folder / LIST).exists() or not any(folder.iterdir()))):
            raise InputRefused(f"{folder} holds other things than a bundle.", "Give a new or empty folder.")
        folder.mkdir(parents=True, exist_ok=True)
        sweep_private_folders(folder)
        with private_folder(folder) as work:
            (work / WHEELS).mkdir()
            own = write_own_wheel(work / WHEELS, needs)
            _download(work / WHEELS, own, order, tell)
            shutil.copytree(WEIGHTS_FOLDER, work / WEIGHTS, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
            for file in weights:
                shutil.copyfile(file, work / WEIGHTS / file.name)
            _write_texts(work, order)
            return _take_place(work, folder, order)
    except OSError as error:
        raise not_written(folder, error) from error


def _pair(weights: Path) -> tuple[Path, Path]:
    """Weights and manifest. Raises InputRefused where they are none that can be used."""
    found = pairs_in(weights)
    if not found or found[0].problem:
        raise InputRefused(f"{weights} is no weights file with its manifest.", found[0].problem if found else "Give a .safetensors file.")
    return weights, weights.with_suffix(".json")


def _download(wheels: Path, own: Path, order: Order, tell: Callable[[str], None]) -> None:
    """Everything that our wheel needs, torch first: beside the public index pip would take the public one, with CUDA on Linux."""
    links = ("--find-links", str(order.find_links)) if order.find_links else ()
    tags = [part for tag in PLATFORMS[order.platform] for part in ("--platform", tag)]
    target = ("--python-version", order.python, "--implementation", "cp", "--only-binary", ":all:", *tags)
    common = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--dest", str(wheels), *links, *target)
    first: tuple[str, ...] = ()
    if order.platform == "linux" and not order.cuda and _needs_torch(own):
        _pip(("download", "--no-deps", "--index-url", CPU_INDEX, *common, TORCH), tell)
        first = tuple(str(found) for found in wheels.glob("torch-*.whl"))
    _pip(("download", *common, *first, f"{order.wanted} @ {own.resolve().as_uri()}"), tell)


def _needs_torch(own: Path) -> bool:
    import zipfile

    with zipfile.ZipFile(own) as wheel:
        metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        return b"Requires-Dist: torch" in wheel.read(metadata)


def _pip(arguments: Sequence[str], tell: Callable[[str], None]) -> None:
    """Run this Python's pip; it ends with us. Raises MedSegDLError."""
    said: list[str] = []

    def hear(line: str) -> None:
        said.extend([line] * bool(line.strip()))
        tell(line.strip())

    environment = {**os.environ, **child_environment(Interpreter(Path(sys.executable), Source.SETTING))}
    if run_with_lines(leashed(Launch((sys.executable, "-m", "pip", *arguments), environment)), hear):
        failure = explain_failure(said)
        raise MedSegDLError(failure.message.replace("environment", "bundle"), failure.remedy)


def _write_texts(work: Path, order: Order) -> None:
    facts = {"version": __version__, "python": order.python, "platform": order.platform, "wanted": order.wanted, "notice": NOTICE}
    for name, text in {CHECK_FILE: CHECK, LINUX_FILE: LINUX, WINDOWS_FILE: WINDOWS, PAGE_FILE: PAGE}.items():
        for key, value in facts.items():
            text = text.replace(f"@{key}@", value)
        (work / name).write_text(text, encoding="utf-8", newline="\r\n" if name == WINDOWS_FILE else "\n")
    (work / LINUX_FILE).chmod(0o755)


def _take_place(work: Path, folder: Path, order: Order) -> int:
    """Move everything from the work folder into its place; the list goes last, and first of the earlier bundle's."""
    files = sorted(file for file in work.rglob("*") if (file.is_file() and file.parent != work) or file.name in _TOP)
    entries = {file.relative_to(work).as_posix(): {"sha256": file_sha256(file), "bytes": file.stat().st_size} for file in files}
    (folder / LIST).unlink(missing_ok=True)
    for name in (WHEELS, WEIGHTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (WHEELS, WEIGHTS, *_TOP):
        (work / name).replace(folder / name)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    about = {"medsegdl": __version__, "python": order.python, "platform": order.platform, "install": order.wanted, "made": now}
    write_json({**about, "files": entries}, folder / LIST)
    return sum(entry["bytes"] for entry in entries.values())


_TOP = (CHECK_FILE, LINUX_FILE, WINDOWS_FILE, PAGE_FILE)
