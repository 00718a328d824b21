"""The thumbnail of the phantom in Slicer's Sample Data module: the axial slice of Resources/demo.png, drawn of a run by `make demo`.

python Resources/draw_thumbnail.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SOURCE, THUMBNAIL = ROOT / "Resources" / "demo.png", ROOT / "MedSegDL" / "Resources" / "Icons" / "BrainPhantom.png"
SIDE = 256  # pixels
HEAD = 0.87  # of the panel, above the legend
PANELS = 3  # of the picture, beside each other, below its title
TITLE = 40  # rows of the title, as scene/picture.py leaves


def main() -> None:
    """Cut the first panel out, square, and write it small."""
    with Image.open(SOURCE) as picture:
        whole = min(picture.width // PANELS, picture.height - TITLE)
        side, left = round(HEAD * whole), round((1 - HEAD) / 4 * whole)
        panel = picture.convert("RGB").crop((left, TITLE, left + side, TITLE + side))
    panel.resize((SIDE, SIDE), Image.Resampling.LANCZOS).quantize(128).save(THUMBNAIL, optimize=True)


if __name__ == "__main__":
    main()
