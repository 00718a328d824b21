"""Join the pictures that Testing/Python/film.py took in the desktop Slicer: an animated picture with captions, and its stills.

python -m Testing.film FOLDER [Resources]        (`make film SLICER=/path/to/Slicer`)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH = 1000  # pixels of the animated picture
BAR, TEXT = 34, 18  # pixels: height of the caption's bar, and of its letters
QUALITY = 60
STILLS = {"desktop-checked.webp": 1, "desktop-segmented.webp": -3, "desktop-uncertainty.webp": -1}  # of the film's pictures


def main(folder: Path, out: Path) -> None:
    """Write `film.webp` and the stills."""
    told = json.loads((folder / "film.json").read_text(encoding="utf-8"))
    frames = [captioned(Image.open(folder / one["name"]).convert("RGB"), one["caption"]) for one in told]
    lengths = [round(1000 * one["seconds"]) for one in told]
    frames[0].save(out / "film.webp", save_all=True, append_images=frames[1:], duration=lengths, loop=0, quality=QUALITY, method=6)
    for name, number in STILLS.items():
        frames[number].save(out / name, quality=QUALITY, method=6)
    for name in ("film.webp", *STILLS):
        print(f"{out / name}: {(out / name).stat().st_size / 1000:.0f} kB")


def captioned(image: Image.Image, caption: str) -> Image.Image:
    """The picture in the film's size, a bar with its caption below."""
    height = round(image.height * WIDTH / image.width)
    whole = Image.new("RGB", (WIDTH, height + BAR), "white")
    whole.paste(image.resize((WIDTH, height), Image.Resampling.LANCZOS))
    ImageDraw.Draw(whole).text((12, height + BAR / 2), caption, fill="black", anchor="lm", font=ImageFont.load_default(TEXT))
    return whole


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "Resources"))
