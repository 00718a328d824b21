"""Whose image a case is: one patient comes under several names in several public data sets, and must stay on one side of a split.

The table is data: found by equal label maps (Dice 1.000, runners-up below 0.8). Only names enter here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

# BraTS 2018, 2015 and 2012-13 -> number in BraTS 2020.
BRATS_2020 = {
    "Brats18_2013_2_1": 136,
    "Brats18_2013_3_1": 146,
    "Brats18_2013_11_1": 147,
    "Brats18_2013_20_1": 135,
    "Brats18_2013_23_1": 143,
    "Brats18_CBICA_ABM_1": 7,
    "Brats18_CBICA_ALU_1": 12,
    "Brats18_CBICA_AME_1": 14,
    "Brats18_CBICA_AQN_1": 32,
    "Brats18_TCIA01_201_1": 163,
    "Brats18_TCIA01_378_1": 164,
    "Brats18_TCIA01_499_1": 169,
    "Brats18_TCIA02_135_1": 199,
    "Brats18_TCIA02_606_1": 212,
    "Brats18_TCIA03_265_1": 216,
    "Brats18_TCIA05_396_1": 237,
    "Brats18_TCIA10_628_1": 309,
    "Brats18_TCIA10_639_1": 313,
    "Brats18_TCIA13_623_1": 323,
    "brats_2013_pat0003_1": 132,
    "brats_2013_pat0004_1": 133,
    "brats_2013_pat0005_1": 134,
    "brats_2013_pat0006_1": 135,
    "BRATS_HG0001": 130,
    "BRATS_HG0002": 131,
    "BRATS_HG0003": 132,
    "BRATS_HG0004": 133,
    "BRATS_HG0005": 134,
    "BRATS_HG0006": 135,
    "TCGA-FG-6692": 320,
}
SOME_OF_2013 = frozenset({"BRATS_HG0007", "BRATS_HG0008", "BRATS_HG0009", "BRATS_HG0010"})  # it is not known which: they go with all
NUMBERS_OF_2013 = range(130, 148)  # of BraTS 2020, between which all known ones lie

FIRST_IRCADB = 27  # LiTS N + this is 3D-IRCADb case N, from 1 to 20
LITS_TOGETHER = range(5, 11)  # few patients at several times
# Numbers of the volumes of single slices (MSD Task03, in an order of its own) -> LiTS; the others from 10049 on are 3D-IRCADb 1 to 20.
LITS_OF_SLICES = {10001: 0, 10002: 1, 10003: 10, 10040: 2, 10051: 3, 10062: 4, 10073: 5, 10084: 6, 10095: 7, 10106: 8, 10115: 9}
IRCADB_SLICES = range(10049, 10071)

# Kept for tests that nobody who trains may see.
RESERVED_BRATS_2020 = frozenset({1, 65, 130, 131, 158, 198, 295, 316})
RESERVED_NAMES = frozenset({"Brats18_TCIA10_637_1", "Brats18_CBICA_AVG_1", "Brats18_TCIA02_370_1", "Brats18_TCIA01_425_1"})


def patients_of(name: str) -> frozenset[str]:
    """Whom a case of that name may show: mostly one patient; several where it is not known which; the name itself where it says nothing."""
    if any(_holds(name, other) for other in SOME_OF_2013):
        return frozenset({name, *map(_brats, NUMBERS_OF_2013)})
    return frozenset({_brain_patient(name) or _liver_patient(name) or name})


def _holds(name: str, known: str) -> bool:
    """Whether a name is the known one, or that with something before or behind it (its folder, the number of a lesion)."""
    return re.search(rf"(?:^|[_.-]){re.escape(known)}(?:[_.-]|$)", name, re.IGNORECASE) is not None


def _brats(number: int) -> str:
    return f"BraTS 2020 {number:03d}"


def _brain_patient(name: str) -> str | None:
    """By BraTS 2020's number, in whatever form it is written; lesions and label maps go with their patient."""
    if match := re.search(r"BraTS20_Training_(\d{3})", name, re.IGNORECASE):
        return _brats(int(match[1]))
    known = next((key for key in BRATS_2020 if _holds(name, key)), None)
    return _brats(BRATS_2020[known]) if known else None


def _liver_patient(name: str) -> str | None:
    """By the number in LiTS, of which 3D-IRCADb is a part."""
    if match := re.search(r"(?:^|_)3d-?ircadb(?:1\.|_|-)?0?(\d{1,2})$", name, re.IGNORECASE):
        return _lits(int(match[1]) + FIRST_IRCADB)
    if match := re.search(r"(?:^|_)(?:lits|liver|volume)[_-](\d{1,3})$", name, re.IGNORECASE):
        return _lits(int(match[1]))
    if match := re.search(r"(?:^|_)slices[_-](\d{5})$", name):
        return _lits_of_slices(int(match[1]))
    return None


def _lits(number: int) -> str:
    return "LiTS 005 to 010" if number in LITS_TOGETHER else f"LiTS {number:03d}"


def _lits_of_slices(number: int) -> str:
    if number in LITS_OF_SLICES:
        return _lits(LITS_OF_SLICES[number])
    if number not in IRCADB_SLICES:
        return f"Task03 slices {number}"
    before = sum(other in LITS_OF_SLICES for other in range(IRCADB_SLICES.start, number))
    return _lits(number - IRCADB_SLICES.start + 1 - before + FIRST_IRCADB)


def reserved(name: str) -> bool:
    """Whether a case is kept for tests that nobody who trains may see."""
    return any(_holds(name, other) for other in RESERVED_NAMES) or patients_of(name) <= {_brats(n) for n in RESERVED_BRATS_2020}


def show_any(name: str, others: Iterable[str]) -> bool:
    """Whether a case may show a patient whom one of the others may show."""
    return bool(patients_of(name) & frozenset().union(*map(patients_of, others)))


def show_only(name: str, others: Iterable[str]) -> bool:
    """Whether everybody whom a case may show is a patient whom one of the others may show."""
    return patients_of(name) <= frozenset().union(*map(patients_of, others))


def nearest(name: str, known: Iterable[str]) -> str:
    """What to say to somebody who misspelt a name."""
    near = get_close_matches(name, sorted(set(known)), 1, 0.0)
    return f"The nearest is '{near[0]}'." if near else "There are no cases at all."
