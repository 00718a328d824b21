"""What every command shares: the progress bar, the output folder, the notice."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from ..progress import Progress

NOTICE = "Research software, not a medical device."


def path(text: str) -> Path:
    """An argument that names a file or folder. An empty one (an unset variable of a script) would mean the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty: name a file or folder ('.' for the current one)")
    return Path(text)


@contextlib.contextmanager
def output_folder(folder: Path) -> Iterator[Path]:
    """Make sure that the folder can be written before anything runs; a folder made in vain is removed again."""
    from ..io.write import folder_for_result

    with folder_for_result(folder):
        yield folder


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on the terminal (with rich, of the `cli` extra); nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield lambda fraction, message: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ModuleNotFoundError:
        yield lambda fraction, message: print(f"\r{fraction:4.0%} {message:<40}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return
    with Bar(console=Console(stderr=True), transient=True) as bar:
        row = bar.add_task("", total=1.0)
        yield lambda fraction, message: bar.update(row, completed=fraction, description=message)
