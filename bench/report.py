"""The measurements as tables: docs/performance.md (out/bench/quick/performance.md for `--quick`) and the plot in Resources/."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path

from MedSegDLLib.network.device import package_versions

from .inputs import ROOT
from .pieces import PIECES
from .plot import draw_scaling
from .tables import TABLES, Answers, failures, table

PIECES_TITLE = "Pieces"
PLOT = Path("Resources") / "scaling.svg"
NOTE = (
    "Written by `make bench`; do not edit. Times depend on what else the machine does: the load before each piece stands at the end. "
    "Ratios are peer over ours within one run of one piece (or, for nnU-Net, one run of the command)."
)


def write_report(folder: Path, quick: bool) -> str:
    """Write the report of all pieces found in `folder`, and return it."""
    entries = {}
    for name in PIECES:
        path = folder / f"{name}.json"
        if path.exists():
            entries[name] = json.loads(path.read_text(encoding="utf-8"))
    answers: Answers = {name: entry["answer"] for name, entry in entries.items() if "answer" in entry}
    parts = ["# Performance" + (" (quick run: rough figures)" if quick else ""), NOTE, machine()]
    parts += [make(answers) for make in TABLES]
    parts.append(_plot(answers, folder, quick))
    parts += [failures({name: entry["failed"] for name, entry in entries.items() if "failed" in entry}), _runs(entries)]
    text = "\n\n".join(part for part in parts if part) + "\n"
    target = folder / "performance.md" if quick else ROOT / "docs" / "performance.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and set(entries) < set(PIECES):
        text = merged(target.read_text(encoding="utf-8"), text)
    target.write_text(text, encoding="utf-8")
    return text


def merged(old: str, new: str) -> str:
    """A page whose chapters are the new ones, and between them the old ones that nothing was measured for this time.

    The last chapter, a row a piece, gets new rows in place of those of the same pieces. What stands above the chapters stays: each new one
    tells its own machine.
    """
    before, after = (_chapters(page) for page in (old, new))
    lines = [line for page in (before, after) for line in page.pop(PIECES_TITLE, "").splitlines() if line.startswith("|")]
    rows = {line.split("|")[1]: line for line in lines}
    both = {**before, **{title: text for title, text in after.items() if title or not before}}
    last = f"## {PIECES_TITLE}\n\n" + "\n".join(rows.values())
    return "\n\n".join([*both.values(), last]) + "\n"


def _chapters(page: str) -> dict[str, str]:
    """Heading -> text with it; "" -> what stands above them."""
    parts = re.split(r"^(?=## )", page, flags=re.MULTILINE)
    return {part.splitlines()[0].removeprefix("## ") if part.startswith("## ") else "": part.strip() for part in parts if part.strip()}


def machine() -> str:
    """What it is measured on, in a sentence."""
    versions = ", ".join(f"{name} {version}" for name, version in package_versions().items())
    return f"Machine: {_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB; {platform.system()}; {versions}. No GPU was used."


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text(encoding="utf-8").splitlines() if line.startswith("model name")
        ]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9 if hasattr(os, "sysconf") else float("nan")


def _plot(answers: Answers, folder: Path, quick: bool) -> str:
    points = {name: answers[name]["points"] for name in ("scaling-brain", "scaling-liver") if name in answers}
    if not points:
        return ""
    path = folder / PLOT.name if quick else ROOT / PLOT
    try:
        draw_scaling(points, path)
    except ModuleNotFoundError:
        return "The plot needs matplotlib (extra `bench`)."
    return f"![Seconds and memory as the image grows]({PLOT.name if quick else '../' + PLOT.as_posix()})"


def _runs(entries: dict[str, dict]) -> str:
    rows = [
        [name, entry["date"], f"{entry['seconds']:.0f}", "-" if entry["load_before"] is None else f"{entry['load_before']:.2f}"]
        for name, entry in entries.items()
    ]
    return table(PIECES_TITLE, ["piece", "date", "seconds", "load before"], rows)
