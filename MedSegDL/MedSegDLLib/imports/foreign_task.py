"""Names that others gave to channels and labels, as a task of ours: keys, titles, colours, codes. Nothing but words here."""

from __future__ import annotations

import colorsys
import re
import unicodedata
from collections.abc import Sequence

from ..tasks import Code, Input, Modality, Plan, Region, Scale, Task

LONGEST_KEY, LONGEST_TITLE = 60, 190
STRUCTURE = Code("SCT", "123037004", "Anatomical Structure")
FINDING = Code("SCT", "49755003", "Morphologically Altered Structure")
TISSUE = Code("SCT", "85756007", "Tissue")  # what Slicer itself takes where it knows nothing
ABNORMAL = re.compile(r"tumou?r|lesion|cancer|cyst|metasta|edema|oedema|necro|enhanc|bleed|haemorrh|hemorrh|infarct|core", re.IGNORECASE)
# SNOMED CT, as in Slicer's list of general anatomy; the first whose words a label's name holds counts.
KNOWN: tuple[tuple[str, Code], ...] = tuple(
    (pattern, Code("SCT", value, meaning))
    for pattern, value, meaning in (
        (r"tumou?r|cancer|neoplasm|metasta", "108369006", "Neoplasm"),
        (r"lesion", "52988006", "Lesion"),
        (r"cyst", "367643001", "Cyst"),
        (r"o?edema", "79654002", "Edema"),
        (r"necro", "6574001", "Necrosis"),
        (r"liver", "10200004", "Liver"),
        (r"spleen", "78961009", "Spleen"),
        (r"kidney", "64033007", "Kidney"),
        (r"pancreas", "15776009", "Pancreas"),
        (r"gall.?bladder", "28231008", "Gallbladder"),
        (r"stomach", "69695003", "Stomach"),
        (r"oesophagus|esophagus", "32849002", "Esophagus"),
        (r"aorta", "15825003", "Aorta"),
        (r"adrenal", "23451007", "Adrenal gland"),
        (r"duodenum", "38848004", "Duodenum"),
        (r"colon", "71854001", "Colon"),
        (r"bladder", "89837001", "Bladder"),
        (r"prostate", "41216001", "Prostate"),
        (r"uterus", "35039007", "Uterus"),
        (r"lung", "39607008", "Lung"),
        (r"trachea", "44567001", "Trachea"),
        (r"heart|ventricle|atrium|myocard", "80891009", "Heart"),
        (r"brain", "12738006", "Brain"),
        (r"hippocamp", "3937000", "Hippocampus"),
        (r"vertebra", "51282000", "Vertebra"),
        (r"rib", "113197003", "Rib"),
        (r"femur", "71341001", "Femur"),
        (r"bone", "272673000", "Bone"),
        (r"vessel|artery|vein|vena", "59820001", "Blood vessel"),
    )
)
GOLDEN_ANGLE = 137.508  # degrees: neighbours in the list never look alike


def task_from(key: str, title: str, inputs: Sequence[tuple[str, Modality]], regions: Sequence[str], plan: Plan) -> Task:
    """A task whose inputs and regions have these names.

    Args:
        key, title: of the task; anything that is no letter or digit is dropped from the key.
        inputs: (name, kind of numbers), in the network's order.
        regions: names.
        plan: grid and normalisation for a training of one's own; the imported network has another.
    """
    input_keys = _distinct([_input_key(name) for name, _ in inputs])
    region_keys = _distinct([_region_key(name) for name in regions])
    return Task(
        key=plain(key, "-")[:LONGEST_KEY].strip("-") or "imported",
        title=_title(title) or "Imported network",
        version=1,
        inputs=tuple(Input(key, _title(name) or key, kind) for key, (name, kind) in zip(input_keys, inputs)),
        regions=tuple(_region(key, name, number) for number, (key, name) in enumerate(zip(region_keys, regions))),
        plan=plan,
    )


def nominal_plan(pictures: bool, spacing_mm: Sequence[float], tile: Sequence[int], window: tuple[float, float] | None) -> Plan:
    """What a training of one's own would start from."""
    spacing = tuple(min(max(float(side), 0.1), 20.0) for side in (list(spacing_mm) + [1.0] * 3)[:3])
    sides = ([1, *tile] if len(tile) == 2 else list(tile))[:3]
    if pictures:
        return Plan(Scale.PERCENTILE, None, (1, *sides[1:]))
    if window and window[0] < window[1]:
        return Plan(Scale.WINDOW, spacing, tuple(sides), window=window)
    return Plan(Scale.ZSCORE, spacing, tuple(sides))


def plain(text: str, between: str) -> str:
    """Letters and digits of a text, without accents, everything else as one separator."""
    ascii_only = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode()
    return between.join(re.findall(r"[A-Za-z0-9]+", ascii_only))


def _input_key(name: str) -> str:
    key = plain(name, "_").lower()[:LONGEST_KEY]
    return key if key[:1].isalpha() else f"image_{key}".rstrip("_")


def _region_key(name: str) -> str:
    """Names of files beside the regions' stay free."""
    key = plain(name, "_")[:LONGEST_KEY]
    taken = re.fullmatch(r"(?i)uncertainty|instances|objects|segmentation|report|bias_.*|con|prn|aux|nul|com\d|lpt\d|", key)
    return f"region_{key}".rstrip("_") if taken else key


def _distinct(keys: Sequence[str]) -> list[str]:
    """The same, with numbers where two differ in capitals only."""
    found: list[str] = []
    for key in keys:
        number, one = 2, key
        while one.lower() in {other.lower() for other in found}:
            one, number = f"{key}_{number}", number + 1
        found.append(one)
    return found


def _title(name: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(name).replace("_", " ")).split())[:LONGEST_TITLE]


def _region(key: str, name: str, number: int) -> Region:
    words = plain(name, " ")
    code = next((code for pattern, code in KNOWN if re.search(pattern, words, re.IGNORECASE)), None)
    abnormal = bool(ABNORMAL.search(words))
    category = FINDING if abnormal else STRUCTURE
    return Region(key, _title(name) or key, _color(number), category, code or TISSUE, most_share=1.0)


def _color(number: int) -> tuple[float, float, float]:
    """Red, green, blue of the n-th of as many colours as one likes."""
    hue = (number * GOLDEN_ANGLE / 360 + 0.04) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.65, 0.45, 0.8)[number % 3], (0.95, 0.85)[number % 2])
    return round(red, 3), round(green, 3), round(blue, 3)
