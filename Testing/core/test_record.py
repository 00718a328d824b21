"""The run record: hashes of what went in; names, often patients', only if asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from MedSegDLLib.geometry.image import Image, ReadingNote
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.record import input_entry, without_names
from MedSegDLLib.tasks import BRAIN

from .tiny import head_images, tiny_weights


def named(name: str) -> Image:
    return Image(np.zeros((2, 3, 4), np.int16), np.eye(4), name)


def test_an_input_is_its_hash() -> None:
    entry = input_entry(named("DOE_JANE_1970.nii.gz"))
    assert "DOE" not in repr(entry) and len(entry["voxels_sha256"]) == 64
    assert entry["voxels_sha256"] == input_entry(named("other"))["voxels_sha256"]
    assert input_entry(named("DOE_JANE_1970.nii.gz"), keep_name=True)["name"] == "DOE_JANE_1970.nii.gz"


def test_sentences_lose_the_names_and_nothing_else() -> None:
    images = {"t1": named("DOE_JANE.zip"), "t2": named("DOE"), "ct": named("a")}
    assert without_names("T1 (DOE_JANE.zip) and T2 (DOE) overlap.", images) == "T1 and T2 overlap."
    assert without_names("CT (a) has a slice (a copy).", images) == "CT has a slice (a copy)."
    assert without_names("DOE_JANE.zip holds two series.", images) == "the image holds two series."


def test_no_name_of_an_input_in_the_record_unless_asked_for(tmp_path) -> None:
    note = ReadingNote("SeriesInstanceUID", "holds more than one thing.", "Give one.")
    images = {key: replace(image, name=f"DOE^JANE {key}.nii.gz", notes=(note,)) for key, image in head_images().items()}
    options = Options(device="cpu", weights=tiny_weights(tmp_path, BRAIN))
    record = segment(images, BRAIN, options).record
    assert "DOE" not in repr(record) and "holds more than one thing" in repr(record["warnings"])
    kept = segment(images, BRAIN, replace(options, keep_names=True)).record
    assert kept["inputs"]["t1"]["name"] == "DOE^JANE t1.nii.gz" and "DOE^JANE" in repr(kept["warnings"])
