"""`python -m Testing.core.cohort.draw_page [FOLDER]`: Resources/cohort.png, the page of made-up heads segmented with the shipped weights.

In a FOLDER heads and results stay, and the same command goes on from there.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from PIL import Image as Pillow

from MedSegDLLib.commands.main import main as medsegdl
from MedSegDLLib.errors import InputRefused
from MedSegDLLib.phantom.sample_data import write_phantom
from Testing.browser import MISSING, find_chromium, pictured

PICTURE = Path(__file__).resolve().parents[3] / "Resources" / "cohort.png"
HEADS, SPACING_MM = 7, 2.5
SIZE = (1280, 1020)  # pixels: the plots and the first rows
COLOURS = 128
CUT_AT = 4096  # bytes that are left of the file that is made damaged


def main() -> int:
    """Entry point."""
    if find_chromium() is None:
        print(MISSING, file=sys.stderr)
        return 2
    with contextlib.ExitStack() as stack:
        place = Path(sys.argv[1] if sys.argv[1:] else stack.enter_context(tempfile.TemporaryDirectory()))
        for head in range(HEADS):
            folder = place / "heads" / f"head{head + 1}"
            if not folder.exists():
                write_phantom(folder, seed=head, spacing_mm=SPACING_MM)
        damaged = place / "heads" / f"head{HEADS}" / "phantom_flair.nrrd"
        damaged.write_bytes(damaged.read_bytes()[:CUT_AT])
        code = medsegdl(["cohort", str(place / "heads"), "--task", "brain", "-o", str(place / "out"), "--keep-names", "--device", "cpu"])
        if code != InputRefused.exit_code:
            print("The cohort did not end with the damaged head as its one failure.", file=sys.stderr)
            return 1
        pictured(place / "out" / "cohort.html", place / "page.png", place / "profile", SIZE)
        Pillow.open(place / "page.png").convert("RGB").quantize(COLOURS).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {HEADS} heads, one of them damaged (code {code})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
