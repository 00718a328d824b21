"""What strangers may hand us, changed at random: manifests, tasks, weights, requests, arrays, zips, images. Each must be taken or refused
with a sentence of ours; anything else that is raised, a file outside, or a second more than `LIMIT_S` is a fault.

    python -m Testing.fuzz [TARGET ...] [--seconds N]      (`make fuzz`: guided by coverage where atheris is installed, else hypothesis)

Tests import the targets with few, fixed examples. What is found becomes a test of our own guard; inputs that end other people's software
are not kept.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "MedSegDL"), str(ROOT / "training")]

from MedSegDLLib.errors import MedSegDLError, UsageError  # noqa: E402 - the path comes first
from MedSegDLLib.geometry.image import Image  # noqa: E402
from MedSegDLLib.schema.records import Unfit  # noqa: E402
from MedSegDLLib.schema.strict_json import NotStrict, parse_object  # noqa: E402
from MedSegDLLib.tasks import TASK_KEY, TASKS, TASKS_FOLDER, Task, pairs_in  # noqa: E402

LIMIT_S = 20.0  # of one example, on a busy machine; they take milliseconds
DEFAULT_SECONDS = 60
ENDINGS = 8  # of the places where an example is changed, most lie at the beginning: headers


@dataclass(frozen=True)
class Target:
    """Something that reads what strangers wrote.

    Attributes:
        seed: makes a genuine example.
        take: reads one, from a folder of its own; raises MedSegDLError where it is none.
    """

    seed: Callable[[], bytes]
    take: Callable[[bytes, Path], object]


def attempt(target: Target, content: bytes) -> str:
    """Take an example in a fresh folder; the sentence of its refusal, '' where it was taken.

    Raises:
        AssertionError: a file was left outside, it took too long, or the sentence is none.
        Exception: what should not have been raised.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as outer:
        place = Path(outer) / "in"
        place.mkdir()
        started = time.monotonic()
        said = ""
        try:
            target.take(content, place)
        except MedSegDLError as error:
            said = str(error)
            assert said and "\n" not in error.message and error.exit_code in (2, 3, 4, 5), repr(error)
        assert time.monotonic() - started < LIMIT_S
        assert [path.name for path in Path(outer).iterdir()] == ["in"]
        return said


def changed(seed: bytes, edits: list[tuple[float, bytes, bool]]) -> bytes:
    """A genuine example with edits: (place as a part of the whole, bytes, whether they are put in or take the place of others)."""
    content = bytearray(seed)
    for part, piece, put_in in edits:
        place = int(part**2 * len(content))  # squared: more of them in the header
        content[place : place if put_in else place + len(piece)] = piece
    return bytes(content)


@cache
def _tiny() -> tuple[bytes, bytes]:
    """Weights and manifest of a tiny network."""
    from Testing.core.tiny import tiny_weights

    with tempfile.TemporaryDirectory() as folder:
        path = tiny_weights(Path(folder), TASKS["brain"])
        return path.read_bytes(), path.with_suffix(".json").read_bytes()


def _load(weights: bytes, manifest: bytes, place: Path) -> None:
    from MedSegDLLib.network.weights import load_weights

    path = place / "brain.safetensors"
    path.write_bytes(weights)
    path.with_suffix(".json").write_bytes(manifest)
    pairs_in(place)
    load_weights(path, TASKS["brain"])


def _load_manifest(content: bytes, place: Path) -> None:
    _load(_tiny()[0], content, place)


def _load_weights(content: bytes, place: Path) -> None:
    """With the manifest's hash right: the guard behind it is meant."""
    manifest = json.loads(_tiny()[1]) | {"sha256": hashlib.sha256(content).hexdigest()}
    _load(content, json.dumps(manifest).encode(), place)


def _take_task(content: bytes, place: Path) -> None:
    with contextlib.suppress(Unfit, NotStrict):  # what callers of these two turn into their own sentence
        Task.from_json(parse_object(content))


class _NoServices:
    """Takes every request whose images and task are right."""

    more: dict = {}

    def describe(self) -> dict:
        return {}

    def check(self, images: dict, task: Task) -> list:
        return []

    def warm(self, task: Task, device: str, weights: Path | None) -> dict:
        return {}

    def segment(self, images: dict, task: Task, options: dict, progress: object) -> None:
        raise UsageError("Taken.")


def _request() -> bytes:
    entry = {"array": "flair.npy", "affine": np.eye(4).tolist(), "name": "flair", "tags": {"Modality": "MR"}, "notes": []}
    return json.dumps({"id": 1, "segment": {"task": "brain", "inputs": {"flair": entry}, "options": {}, "folder": "out"}}).encode()


def _saving() -> bytes:
    from dataclasses import asdict

    part = {"region": asdict(TASKS["brain"].regions[0]), "array": "part.npy", "affine": np.eye(4).tolist(), "algorithm": "AUTOMATIC"}
    about = {
        TASK_KEY: TASKS["brain"].to_json(),
        "record": {},
        "files": ["a.dcm"],
        "probes": [[0, 1, 2, 7.0]],
        "parts": [part],
        "folder": "out",
    }
    return json.dumps({**about, "shape": [3, 4, 5], "affine": np.eye(4).tolist()}).encode()


def _take_saving(content: bytes, place: Path) -> None:
    from MedSegDLLib.worker.save_dicom import scene_of

    np.save(place / "part.npy", np.ones((3, 4, 5), np.uint8))
    before = Path.cwd()
    os.chdir(place)
    try:
        entry = json.loads(content)
        if isinstance(entry, dict):  # the server has looked so far
            scene_of(entry)
    except (ValueError, RecursionError) as error:
        raise UsageError("no JSON") from error
    finally:
        os.chdir(before)


def _array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.arange(60, dtype=np.int16).reshape(3, 4, 5))
    return stream.getvalue()


def _serve(content: bytes, place: Path) -> None:
    from MedSegDLLib.worker.server import parse, perform

    (place / "flair.npy").write_bytes(_array())
    before = Path.cwd()
    os.chdir(place)  # the request names its array without a folder
    try:
        perform(parse(content), _NoServices(), lambda fraction, message: None)
    finally:
        os.chdir(before)


def _take_array(content: bytes, place: Path) -> None:
    from MedSegDLLib.worker.protocol import images_from_json

    (place / "a.npy").write_bytes(content)
    image = images_from_json({"flair": {"array": str(place / "a.npy"), "affine": np.eye(4).tolist()}})["flair"]
    float(np.asarray(image.array[..., :1], dtype=np.float64).sum())


def _reader(name: str) -> Callable[[bytes, Path], object]:
    def read(content: bytes, place: Path) -> object:
        from MedSegDLLib.io.read import read_image

        (place / name).write_bytes(content)
        return read_image(place / name)

    return read


def _written(name: str) -> Callable[[], bytes]:
    def write() -> bytes:
        from MedSegDLLib.io.write import write_image

        values = np.random.default_rng(0).integers(0, 900, (5, 6, 7)).astype(np.int16)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            write_image(Image(values, np.diag([-1.0, -1.0, 2.0, 1.0]), name), path)
            return path.read_bytes()

    return write


def _slice() -> bytes:
    from Testing.core.dicom_kinds import CT, Stack, save, slices

    values = np.random.default_rng(0).integers(0, 900, (1, 6, 7)).astype(np.int16)
    with tempfile.TemporaryDirectory() as folder:
        return save(slices(values, Stack(), kind=CT)[0], Path(folder) / "slice").read_bytes()


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("1.dcm", "../2.dcm"):
            packed.writestr(name, _slice())
    return stream.getvalue()


def _take_examination(content: bytes, place: Path) -> None:
    from MedSegDLLib.dicom.read import examination
    from MedSegDLLib.dicom.study import series_in
    from MedSegDLLib.io.read import explained

    (place / "study.zip").write_bytes(content)
    with explained(place / "study.zip"), examination(place / "study.zip") as found:
        series_in(found)


def _received(content: bytes, place: Path) -> None:
    """What a sender claims of its own object, at the station."""
    from MedSegDLLib.dicom.values import UNREADABLE
    from MedSegDLLib.pacs.receiver import header_of
    from MedSegDLLib.pacs.wanted import Wanted

    wanted = Wanted(["Modality=CT", "StudyDate=2*", "ImageType=*"])
    with contextlib.suppress(*UNREADABLE):  # the station answers: not understood
        wanted(header_of(content, wanted))


TARGETS = {
    "manifest": Target(lambda: _tiny()[1], _load_manifest),
    "task": Target(lambda: (TASKS_FOLDER / "brain.json").read_bytes(), _take_task),
    "weights": Target(lambda: _tiny()[0], _load_weights),
    "request": Target(_request, _serve),
    "array": Target(_array, _take_array),
    "saving": Target(_saving, _take_saving),
    "nifti": Target(_written("a.nii"), _reader("a.nii")),
    "nrrd": Target(_written("a.nrrd"), _reader("a.nrrd")),
    "meta": Target(_written("a.mha"), _reader("a.mha")),
    "dicom": Target(_slice, _reader("a.dcm")),
    "zip": Target(_zip, _take_examination),
    "received": Target(_slice, _received),
}


def by_hypothesis(name: str, examples: int, fixed: bool = False) -> None:
    """Many examples of one target; `fixed`: the same ones each time."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as some
    from hypothesis.configuration import set_hypothesis_home_dir

    set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "hypothesis-of-medsegdl")  # else .hypothesis in the current folder
    target = TARGETS[name]
    piece = some.one_of(
        some.binary(max_size=ENDINGS), some.sampled_from([b"\xff" * 8, b"-1", b"nan", b"1e999", b"[" * 40, b'"', b"\0", b"../"])
    )
    edits = some.lists(some.tuples(some.floats(0, 1, exclude_max=True), piece, some.booleans()), min_size=1, max_size=4)

    @settings(max_examples=examples, deadline=None, derandomize=fixed, database=None, suppress_health_check=list(HealthCheck))
    @given(edits)
    def run(chosen: list[tuple[float, bytes, bool]]) -> None:
        attempt(target, changed(target.seed(), chosen))

    run()


def by_atheris(name: str, seconds: int) -> int:
    """Guided by coverage, in a process of its own, which ends with an example in the current folder where it finds one."""
    code = f"from Testing.fuzz import guided; guided({name!r})"
    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as corpus:
        (Path(corpus) / "seed").write_bytes(TARGETS[name].seed())
        call = [
            sys.executable,
            "-c",
            code,
            f"-max_total_time={seconds}",
            "-max_len=20000",
            f"-timeout={LIMIT_S:.0f}",
            "-verbosity=0",
            corpus,
        ]
        return subprocess.run(call, cwd=ROOT, check=False).returncode


def guided(name: str) -> None:
    """One target under atheris; does not return."""
    import atheris

    with atheris.instrument_imports(include=["MedSegDLLib"]):
        import MedSegDLLib.dicom.read
        import MedSegDLLib.network.weights
        import MedSegDLLib.worker.protocol  # noqa: F401
    target = TARGETS[name]
    target.seed()
    atheris.Setup(sys.argv, lambda content: attempt(target, content) and None)
    atheris.Fuzz()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="random changes to what strangers may hand us")
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=int, default=DEFAULT_SECONDS, help="a target (default: %(default)s)")
    arguments = parser.parse_args()
    atheris = importlib.util.find_spec("atheris") is not None
    failed = []
    for name in arguments.targets or TARGETS:
        print(f"{name}: {'atheris' if atheris else 'hypothesis'}, {arguments.seconds} s", flush=True)
        until = time.monotonic() + arguments.seconds
        if atheris:
            failed += [name] * (by_atheris(name, arguments.seconds) != 0)
        while not atheris and time.monotonic() < until:
            by_hypothesis(name, 200)
    print(f"found something: {', '.join(failed)}" if failed else "nothing found")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
