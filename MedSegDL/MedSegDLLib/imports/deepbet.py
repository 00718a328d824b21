"""deepbet 1.0.2 as weights of ours: the two networks of its wheel, whose files are known by their hash.

They are TorchScript, that is code: none but these two files is ever opened. `pip download --no-deps deepbet==1.0.2` gives the wheel.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import WeightsError
from ..network.deepbet_plan import DeepbetPlan

VERSION = "1.0.2"
MODELS = {  # the finder, then the one that outlines: their SHA-256
    "data/models/bbox_model.pt": "39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa",
    "data/models/model.pt": "de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd",
}
LICENCE_FILE = f"deepbet-{VERSION}.dist-info/LICENSE"
LARGEST_LICENCE_BYTES = 2**14
ARCHITECTURE: dict[str, Any] = {
    "name": "LinkNet",
    "arguments": {"in_channels": 1, "out_channels": 1, "features": [16, 32, 64, 128], "last": 8},
}
PLAN = DeepbetPlan(
    orientation="RAS",
    finder=(128, 128, 128),
    tile=(256, 256, 256),
    margin=0.1,
    least=0.02,
    low=0.005,
    high=0.995,
    mean=0.449,
    deviation=0.226,
    threshold=0.5,
    contrasts=("t1", "t1ce", "flair", "t2"),
)
DATA = "T1-weighted heads of healthy adults, by the authors of deepbet (Fisch and others 2024)"
LEVELS = len(ARCHITECTURE["arguments"]["features"])
REMEDY = f"Get it with: pip download --no-deps deepbet=={VERSION}"


def is_deepbet(source: Path) -> bool:
    """Whether a file is, by its name, deepbet's wheel."""
    return source.is_file() and source.suffix == ".whl" and source.name.startswith("deepbet-")


def read_models(source: Path) -> tuple[list[dict[str, Tensor]], str]:
    """The tensors of both networks, by our names, and the licence's text.

    Raises:
        WeightsError: it is no archive, or holds other files than those of version 1.0.2.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            contents = [(name, _known(archive, name)) for name in MODELS]
            notice = archive.open(LICENCE_FILE).read(LARGEST_LICENCE_BYTES).decode("utf-8", "replace")
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise WeightsError(f"{source.name} is not the wheel of deepbet {VERSION}.", REMEDY) from error
    return [renamed(torch.jit.load(io.BytesIO(content), map_location="cpu").state_dict()) for _, content in contents], notice


def _known(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of a member, if they are the known ones: they are opened as code."""
    content = archive.read(name)
    if hashlib.sha256(content).hexdigest() != MODELS[name]:
        raise WeightsError(f"{name} of the wheel is not that of deepbet {VERSION}.", REMEDY)
    return content


def renamed(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """deepbet's tensors by the names and in the form of `network.linknet`, float16."""
    ours = {"stem.convolution.weight": theirs["init.0.weight"]}
    for level in range(LEVELS):
        for number in range(2):
            mine, their = f"down.{level}.{number}", f"down{level}.block{number + 1}"
            ours[f"{mine}.first.0.weight"] = theirs[f"{their}.double_conv.0.weight"]
            ours[f"{mine}.second.0.weight"] = theirs[f"{their}.double_conv.3.weight"]
            if f"{their}.downsample.0.weight" in theirs:
                ours[f"{mine}.beside.0.weight"] = theirs[f"{their}.downsample.0.weight"]
        mine, their = f"up.{LEVELS - 1 - level}", f"up{level}"
        ours[f"{mine}.narrow.0.weight"] = theirs[f"{their}.conv1.0.weight"]
        ours[f"{mine}.larger.0.weight"] = theirs[f"{their}.tp_conv.0.weight"]
        ours[f"{mine}.widen.0.weight"] = theirs[f"{their}.conv2.0.weight"]
    ours["up.0.larger.0.weight"] = theirs["up3.tp_conv.0.weight"].transpose(0, 1).flip(2, 3, 4)
    for mine, their in (("finish.0", "tp_conv1.0"), ("finish.2", "conv.0")):
        ours |= {f"{mine}.{part}": theirs[f"{their}.{part}"] for part in ("weight", "bias")}
    brain, other = theirs["tp_conv2.weight"][:, 1], theirs["tp_conv2.weight"][:, 0]  # softmax of two is the sigmoid of their difference
    ours["cells.weight"] = (brain - other).flatten(1).T[:, :, None, None, None]
    ours["cells.bias"] = (theirs["tp_conv2.bias"][1] - theirs["tp_conv2.bias"][0]).repeat(len(ours["cells.weight"]))
    return {name: tensor.detach().half().contiguous() for name, tensor in ours.items()}
