"""One JSON object, strictly: what Python's `json` lets pass and JSON does not know is refused, each in a clause."""

from __future__ import annotations

from pathlib import Path

import pytest

from MedSegDLLib.schema.strict_json import MIB, NotStrict, read_object


def written(folder: Path, content: bytes) -> Path:
    path = folder / "file.json"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b'{"a": [1, 2.5, null]}', b'\xef\xbb\xbf{"a": [1, 2.5, null]}', b' {"a":[1,2.5,null]}\n'])
def test_an_object(tmp_path: Path, content: bytes) -> None:
    assert read_object(written(tmp_path, content), MIB) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no valid JSON"),
        (b"{", "no valid JSON"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"a": NaN}', "holds NaN"),
        (b'{"a": -Infinity}', "holds -Infinity"),
        (b'{"a": {"b": 1, "b": 2}}', "the key 'b' twice"),
        (b'{"a": "\xff"}', "no valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no valid JSON"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
        (b'{"a": "' + b"x" * MIB + b'"}', "larger than 1 MiB"),
    ],
    ids=range(11),
)
def test_what_is_none(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(NotStrict, match=says):
        read_object(written(tmp_path, content), MIB)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        read_object(tmp_path / "none.json", MIB)
