"""`python -m bench [--quick] [--fresh] [PIECE ...]`: measure what is missing, then write the report. `--piece` is what the children run."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from MedSegDLLib.worker.environment import TORCH_READS

from .inputs import OUT, ROOT
from .pieces import PIECES

SOURCES = ("MedSegDL/MedSegDLLib/**/*.py", "training/medsegdl_training/**/*.py", "MedSegDL/Resources/Weights/*.json", "bench/*.py")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="bench", description="Time and memory of MedSegDL and its peers on this machine.")
    parser.add_argument("pieces", nargs="*", choices=[[], *PIECES], help=f"only these of {', '.join(PIECES)}")
    parser.add_argument("--quick", action="store_true", help="fewer runs, sizes and iterations; writes out/bench/quick only")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured already")
    parser.add_argument("--piece", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    folder = OUT / ("quick" if chosen.quick else "full")
    folder.mkdir(parents=True, exist_ok=True)
    if chosen.piece:
        answer = PIECES[chosen.piece].run(chosen.quick)
        (folder / f"{chosen.piece}.part").write_text(json.dumps(answer, default=float), encoding="utf-8")
        return 0
    wanted = chosen.pieces or [name for name, piece in PIECES.items() if piece.in_quick or not chosen.quick]
    for name in wanted:
        _measure(name, folder, chosen.quick, chosen.fresh)
    from .report import write_report

    print(write_report(folder, chosen.quick))
    return 0


def source_hash() -> str:
    """Of all that a figure depends on: results of other sources are measured again."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            if path.parent.name != "bench" or path.stem not in ("report", "plot", "__main__"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _measure(name: str, folder: Path, quick: bool, fresh: bool) -> None:
    """One piece in a process of its own, unless it was measured with the same sources."""
    path, sources = folder / f"{name}.json", source_hash()
    if not fresh and path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if known["sources"] == sources and "failed" not in known:
            print(f"{name}: measured already", flush=True)
            return
    print(f"{name} ...", flush=True)
    start, load = time.time(), _load()
    part = folder / f"{name}.part"
    part.unlink(missing_ok=True)
    failed = _run_child(name, quick)
    entry = {"sources": sources, "date": time.strftime("%Y-%m-%d %H:%M"), "seconds": time.time() - start, "load_before": load}
    entry |= {"failed": failed} if failed else {"answer": json.loads(part.read_text(encoding="utf-8"))}
    part.unlink(missing_ok=True)
    path.write_text(json.dumps(entry, indent=1), encoding="utf-8")
    print(f"{name}: {failed or 'done'}, {entry['seconds']:.0f} s", flush=True)


def _run_child(name: str, quick: bool) -> str | None:
    """None, or in one sentence why there is no answer."""
    command = [sys.executable, "-m", "bench", "--piece", name, *(["--quick"] if quick else [])]
    environment = {**TORCH_READS, **os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in (".", "MedSegDL", "training"))}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=PIECES[name].limit_s, stderr=subprocess.PIPE, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {PIECES[name].limit_s:.0f} s"
    if done.returncode == 0:
        return None
    print(done.stderr[-2000:], file=sys.stderr, flush=True)
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"failed: {last[:200]}"


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


if __name__ == "__main__":
    sys.exit(main())
