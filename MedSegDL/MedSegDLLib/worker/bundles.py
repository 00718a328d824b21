"""A bundle: one folder with everything that an installation without a network needs. Known by its list, and checked by its hashes.

Standard library only. `commands.bundle` makes it; its own scripts, and the panel, install from it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ..errors import InputRefused
from ..progress import Progress, quiet

LIST = "bundle.json"  # written last: a folder without it is unfinished
WHEELS, WEIGHTS = "wheels", "weights"
BLOCK_BYTES = 1 << 22
AGAIN = "Copy the bundle again, or make it anew with `medsegdl bundle`."


def wheels_in(folder: Path, progress: Progress = quiet) -> Path:
    """The folder of wheels of a bundle, every file as the bundle's list says; a folder that is no bundle but holds wheels, as it stands.

    Args:
        folder: a bundle, or a plain folder of wheels.
        progress: called a block; may raise `Cancelled`.

    Raises:
        InputRefused: neither, or a file of the bundle is missing or was changed.
    """
    if (folder / LIST).is_file():
        check(folder, progress)
        return folder / WHEELS
    if not any(folder.glob("*.whl")):
        raise InputRefused(f"{folder} holds no wheels.", "Choose a folder made by `medsegdl bundle`, or one with .whl files.")
    return folder


def check(folder: Path, progress: Progress = quiet) -> None:
    """Raise InputRefused unless every file of a bundle is there, and as it was made."""
    for name, wanted in sorted(_listed(folder).items()):
        if not (folder / name).is_file():
            raise InputRefused(f"The bundle lacks {name}.", AGAIN)
        if _sha256(folder / name, progress) != wanted:
            raise InputRefused(f"{name} in the bundle is not what was put there.", AGAIN)


def _sha256(path: Path, progress: Progress) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                progress(0.0, "Checking the bundle")
    except OSError as error:
        raise InputRefused(f"{path.name} in the bundle cannot be read.", AGAIN) from error
    return digest.hexdigest()


def _listed(folder: Path) -> dict[str, str]:
    """File (relative, with slashes) -> SHA-256. Raises InputRefused for a list that is none, or names files elsewhere."""
    try:
        files = json.loads((folder / LIST).read_text(encoding="utf-8"))["files"]
        listed = {str(name): str(entry["sha256"]) for name, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputRefused(f"{LIST} in {folder} is damaged.", AGAIN) from error
    inside = folder.resolve()
    if not listed or not all((folder / name).resolve().is_relative_to(inside) for name in listed):
        raise InputRefused(f"{LIST} in {folder} is damaged.", AGAIN)
    return listed
