"""The benchmark's own machinery: what fails is said plainly, what is known is not measured again, and the tables add up."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench import __main__ as command
from bench import imported, pieces
from bench.bias_truth import known_field
from bench.inputs import head_of, made_up_ct
from bench.meter import PhaseMeter, metered_pipeline
from bench.phases import PHASES
from bench.pieces import PIECES, Piece
from bench.report import merged
from bench.tables import TABLES, bias, cohort, equal_grid, failures, memory, networks, phases
from bench.thick_series import write_series
from medsegdl_training.cases import find_cases
from MedSegDLLib.io.read import read_image
from MedSegDLLib.options import Options
from MedSegDLLib.pipeline import segment
from MedSegDLLib.tasks import BRAIN

from ..training.test_brain import write_patient
from .tiny import head_images


def row(peer_s: float, ours_s: float) -> dict:
    return {
        "peer": "SimpleITK",
        "shrink": 4,
        "iterations": [5, 4],
        "volumes": 1,
        "threads": 2,
        "peer_s": peer_s,
        "ours_s": ours_s,
        "rms": 4e-6,
    }


def test_no_answers_make_no_tables():
    assert [make({}) for make in TABLES] == [""] * len(TABLES)
    assert failures({}) == ""


def test_ratios_are_peer_over_ours():
    assert "**40x**" in bias({"n4-simpleitk": {"rows": [row(8.0, 0.2)]}})
    peer = {"peer": "nnU-Net", "peer_parameters": 30_000_000, "peer_s": 120.0, "peer_peak_mb": None, "note": "whole"}
    peer |= {"peer_grid": "1 mm, 8 passes", "ours_grid": "2 mm, 1 pass"}
    assert "**20.0x**" in networks({"nnunet": peer, "phases-brain": {"arrays_to_masks_s": 6.0}})


def test_networks_are_compared_at_equal_grid():
    rows = [{"grid": "2 mm", "shape": (8, 8, 8), "network": name, "seconds": s} for name, s in (("ours, 1 M", 2.0), ("theirs, 1 M", 3.0))]
    text = equal_grid({"equal-grid": {"rows": rows}})
    assert "| theirs, 1 M | 3.00 | 1.50 |" in text and "| ours, 1 M | 2.00 | 1.00 |" in text


def test_a_head_is_held_against_the_prepared_case_and_no_phase_is_left_out():
    case = {"input": "x", "runs": 1, "threads": 2, "strategy": "whole", "arrays_to_masks_s": 3.0, "highest_mb": 900.0}
    case |= {"first_s": {"network": 4.0}, "later_s": {"network": 4.0}, "peak_mb": {"network": 900.0}}
    head = case | {name: {"register": 2.0, "brain extraction": 2.0, "network": 4.0} for name in ("first_s", "later_s", "peak_mb")}
    text = phases({"phases-brain": case, "phases-head": head})
    assert "**2.0 times**" in text and "| brain extraction |" in text
    with metered_pipeline() as meters:
        segment(head_images(("t1", "flair")), BRAIN, Options("cpu", brain_extraction="on", uncertainty=True))
    assert set(meters[0].seconds) - {"uncertainty"} <= set(PHASES)


def test_phases_add_up():
    case = {"input": "x", "runs": 2, "threads": 2, "strategy": "whole", "arrays_to_masks_s": 3.0, "highest_mb": 900.0}
    case |= {
        "first_s": {"read": 1.0, "network": 4.0},
        "later_s": {"read": 0.5, "network": 3.0},
        "peak_mb": {"read": 100.0, "network": 900.0},
    }
    assert "| **all** | **5.00** | **3.50** | **900** |" in phases({"phases-brain": case})


def test_memory_is_a_ratio_only_where_both_are_known():
    known = {"what": "a", "estimated_mb": 120.0, "measured_mb": 100.0}
    text = memory({"memory": {"rows": [known, {**known, "measured_mb": None}], "cases": []}})
    assert "| 1.20 |" in text and text.count("| - |") >= 1


def test_a_piece_that_fails_is_named_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setitem(PIECES, "broken", Piece("no_such_module", "measure", 60))
    command._measure("broken", tmp_path, True, False)
    entry = json.loads((tmp_path / "broken.json").read_text(encoding="utf-8"))
    assert "answer" not in entry and "KeyError" in entry["failed"]
    assert entry["failed"] in failures({"broken": entry["failed"]})


def test_what_is_measured_is_kept_until_the_sources_change(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_run_child", lambda name, quick: asked.append(name) or "failed: on purpose")
    known = {"sources": command.source_hash(), "answer": {}, "date": "", "seconds": 0, "load_before": None}
    (tmp_path / "memory.json").write_text(json.dumps(known), encoding="utf-8")
    command._measure("memory", tmp_path, True, False)
    assert asked == []
    command._measure("memory", tmp_path, True, True)
    assert asked == ["memory"]
    (tmp_path / "memory.json").write_text(json.dumps({**known, "sources": "older"}), encoding="utf-8")
    command._measure("memory", tmp_path, True, False)
    assert asked == ["memory", "memory"]


@pytest.mark.parametrize("name", sorted(PIECES))
def test_every_piece_is_there(name):
    piece = PIECES[name]
    assert callable(getattr(pieces.importlib.import_module(f"bench.{piece.module}"), piece.function))


def test_the_meter_keeps_phases_and_is_taken_off_again():
    from MedSegDLLib import pipeline

    plain = pipeline.Stopwatch
    with metered_pipeline() as meters:
        meter = pipeline.Stopwatch()
        with meter.phase("network"):
            held = np.ones(80_000_000, np.uint8)  # above 32 MiB the allocator never takes memory that it kept
    assert isinstance(meter, PhaseMeter) and meters == [meter]
    assert meter.seconds["network"] >= 0 and pipeline.Stopwatch is plain
    if meter.before_mb["network"] is not None:
        assert meter.peaks_mb["network"] > meter.before_mb["network"] + 0.8 * held.nbytes / 2**20


def test_made_up_inputs_have_the_size_asked_for():
    assert made_up_ct(7).array.shape == (7, 512, 512)
    assert head_of(24)["flair"].array.shape == (24, 24, 24)


def test_the_known_field_has_mean_zero_over_the_mask():
    mask = np.zeros((20, 24, 22), bool)
    mask[3:17, 4:20, 2:19] = True
    field = known_field(mask)
    assert abs(field[mask].mean()) < 1e-6 and field[mask].std() > 0.05


def test_a_page_keeps_the_chapters_of_pieces_that_were_not_measured_this_time() -> None:
    table = "| piece | date |\n| --- | --- |\n| {} | {} |"
    old = f"# Performance\n\nOld machine.\n\n## A\n\nold a\n\n## B\n\nold b\n\n## Pieces\n\n{table.format('a', 1)}\n| b | 1 |\n"
    new = f"# Performance\n\nNew machine.\n\n## C\n\nnew c\n\n## B\n\nnew b\n\n## Pieces\n\n{table.format('b', 2)}\n"
    both = "# Performance\n\nOld machine.\n\n## A\n\nold a\n\n## B\n\nnew b\n\n## C\n\nnew c\n\n## Pieces\n\n"
    assert merged(old, new) == both + f"{table.format('a', 1)}\n| b | 2 |\n"


def test_a_cohorts_rows_are_ratios_of_one_run():
    times = {"cases": 4, "what": "phantom", "loop_s": 40.0, "cohort_s": 20.0, "again_s": 4.0, "equal": True}
    times |= {"loop_processor_s": 50.0, "cohort_processor_s": 30.0, "again_processor_s": 4.0}
    small = times | {"cohort_s": 10.0, "equal": False}
    nnunet = {"cases": 3, "nnunet_s": 30.0, "ours_s": 10.0, "answered": [3, 2], "shape": (8, 8, 8), "tile": (4, 4, 4)}
    nnunet |= {"nnunet_processor_s": 35.0, "ours_processor_s": 12.0}
    driver = {"cases": 2000, "mb": 140.0, "growth_mb": 1.25, "ms_a_case": 15.0, "processor_ms_a_case": 3.0}
    text = cohort({"cohort": times, "cohort-small": small, "cohort-nnunet": nnunet, "cohort-driver": driver})
    assert "| `medsegdl cohort` | 20.0 | 2.0 | 30.0 |" in text and "| `medsegdl cohort` | 10.0 | 4.0 | 30.0 |" in text
    assert "| `medsegdl cohort` | 10.0 | 3.0 | 12.0 |" in text and "3 answered by nnU-Net, 2 by ours" in text
    assert "| 2000 | 140 | 1.2 | 15.0 | 3.0 | 0.6 % |" in text, "of the smaller cases"
    assert text.count("masks equal") == 1 and text.count("masks NOT equal") == 1


def test_rows_of_the_imported_network_in_several_sittings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured is kept; where nnU-Net cannot take all slices ours runs alone, and both on fewer; the table tells it all."""
    clock, ran = [0.0], []
    side = {"seconds": 4.0, "processor_s": 8.0, "peak_mb": 30, "before_mb": 10, "phases": {"network": 2.0, "restore": 1.0}}

    def run(folder: object, one: imported.Row, quick: bool) -> dict:
        ran.append(one.name)
        clock[0] += 100
        return {"ours": side} if one.alone else {"ours": side, "nnunet": {"died": "MemoryError"} if one.mirrored else side}

    monkeypatch.setattr(imported, "_row", run)
    monkeypatch.setattr(imported, "SIZES", {False: ((400, 512, 512),)})
    monkeypatch.setattr(imported, "ROWS", tmp_path / "rows.json")
    monkeypatch.setattr(imported, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(imported.os, "sysconf", {"SC_PHYS_PAGES": 6 * 2**20, "SC_PAGE_SIZE": 4096}.get)
    monkeypatch.setenv(imported.PATIENCE_VARIABLE, "150")
    first = imported.measure(False)
    names = [row["name"] for row in first["rows"]]
    slices = [name.rpartition(" x ")[2] for name in names]
    assert slices == ["400", "240", "400"] * 2 and ran == names[:2]
    assert [row.get("not_run", "") for row in first["rows"]] == ["", "", *["no time was left"] * 4]
    for _ in range(2):
        last = imported.measure(False)
    assert ran == names and not any("not_run" in row for row in last["rows"])
    show = TABLES[[make.__name__ for make in TABLES].index("imported")]
    shown = show({"imported": last})
    assert shown.count("| - | 4.0 | - | - | 8.0 | - | 2.0 + 1.0 | - | 20 | - |") == 4
    assert shown.count("| 4.0 | 4.0 | 1.00 | 8.0 | 8.0 | 1.00 | 2.0 + 1.0 | 20 | 20 | 1.00 |") == 2
    assert "MemoryError" in shown and "take more than the memory" in shown and show({"imported": first}).count("| not run |") == 4


def test_thick_series_lie_where_their_brain_lies(tmp_path) -> None:
    """Six millimetres thick, the same things at the same places; only series that are asked to be have planes of their own."""
    write_patient(tmp_path / "brains", "one", 3, 0)
    for inclined, planes in ((False, 1), (True, 4)):
        out = tmp_path / f"{inclined}"
        (folder,) = write_series(tmp_path / "brains", out, ["one"], inclined)
        (case,) = find_cases(out, BRAIN)
        images = {key: read_image(path) for key, path in case.inputs.items()}
        assert case.reference.read_bytes() == next((tmp_path / "brains").rglob("*seg*")).read_bytes() and folder == out / "one"
        assert all(sorted(image.grid.spacing_mm.round(3)) == [1, 1, 6] for image in images.values())
        assert len({tuple(image.affine[:3, 2].round(3)) for image in images.values()}) == planes
        own = {key: read_image(path) for key, path in find_cases(tmp_path / "brains", BRAIN)[0].inputs.items()}
        for key, image in images.items():
            places = [(one.affine @ [*np.argwhere(one.array > 0).mean(axis=0)[::-1], 1.0])[:3] for one in (image, own[key])]
            assert np.linalg.norm(places[0] - places[1]) < 3.0, key
