"""Which image is which: a guess from file or node names and DICOM tags, shown to the user and overridable.

Standard library only. The knowledge is data: REWRITES bring the world's spellings to a few words, SCORES say what a word speaks for.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..tasks import Task

SURE = 2.0  # points from which a candidate may stand for an input
TIE = 1e-6
MOST_RIVALS = 6  # candidates an input that the assignment looks at; the number of combinations is their power of the inputs


@dataclass(frozen=True)
class Candidate:
    """An image to choose from.

    Attributes:
        name: file name, path or node name.
        tags: DICOM tags by keyword; those used are SeriesDescription, ProtocolName, ContrastBolusAgent, EchoTime, RepetitionTime,
            InversionTime (ms) and Modality. May be empty.
    """

    name: str
    tags: dict[str, str] = field(default_factory=dict)


_SUFFIX = re.compile(r"(\.nii|\.nrrd|\.nhdr|\.mha|\.mhd|\.hdr|\.img|\.mgz|\.dcm|\.ima|\.zip|\.gz|\.png|\.tiff?|\.jpe?g)+$")
_LABELS = re.compile(
    r"\b(seg|segs|segmentations?|segmented|labels?|labelmap|\w*mask|masks|truth|gt|ot|otmulti\w*|annotations?|rois?|atropos)\b"
)

_AGENT = r"(contrast\w*|kontrast\w*|km|gd|gad\w*|mdc|m d c|civ|injec\w*|inyec\w*|iniez\w*|enhanc\w*)"
_WITHOUT = r"(pre|non?|without|wo|w o|ohne|vor|sans|avant|sin|antes|senza|prima|before)( (i ?v|di|de|del|of|l|la|el|il))*"
_PRE, _POST = (rf"(?<!ses ){word}(?! ?(op|surg\w*|treat\w*|rt|therapy|process\w*))" for word in ("pre", "post"))  # not a time of surgery
_START = r"\b(?:3d|2d|s|v|r|m|ax|tra|cor|sag)?"

# In this order; what is rewritten once is not found again. Spaces stand for every separator, 'plus' for '+', 'star' for '*'.
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), f" {words} ")
    for pattern, words in (
        # No contrast agent: English, German, French, Spanish, Italian.
        (rf"\b{_WITHOUT} ?{_AGENT}\b", "PLAIN"),
        (rf"\b(unenhanced|nativ|nativo|nativa|natif|basale?|{_PRE})\b", "PLAIN"),
        (rf"{_START}t1 ?n\b", "T1 PLAIN"),
        # Contrast agent.
        (rf"{_START}t1(w|wi|weighted)? ?(plus )?(c|ce|k|km|gd|gad|gado|{_POST})\b", "T1 CONTRAST"),
        (rf"{_START}t1(w|wi|weighted)? ?plus\b", "T1 CONTRAST"),
        (rf"\b((plus )?{_AGENT}|plus c|c plus|ce|{_POST})\b", "CONTRAST"),
        (r"\b(prohance|magnevist|gadovist|dotarem|multihance|omniscan|clariscan|vueway|elucirem)\b", "CONTRAST"),
        # What is none of the four, although it may carry their names.
        (r"\bt2 ?(w )?(star|ffe|fl2d|gre|hemo|medic|swan)\w*|\bt[12] ?(rho|map|mapping|mapit|relax\w*)\b", "OTHER"),
        (r"\b(dti|dwi|diff\w*|ep2d|epi|adc|fa|trace\w*|swi|swan|asl|perf\w*|dsc|dce|cbv|cbf|mtt|ttp)\b", "OTHER"),
        (r"\b(tof|mra|angio\w*|phase|mip|minip)\b", "OTHER"),
        (r"\b(loc|localizer|localiser|scout|survey|haste|fmri|bold|spectro\w*|svs|csi|bias ?field|log ?field|subtraction)\b", "OTHER"),
        (r"\bsubtr\b(?! mean)", "OTHER"),
        # Weighting. 'T1 FLAIR' is a T1 with inversion (GE).
        (rf"{_START}t1(w|wi|weighted)? ?flair\b", "T1"),
        (r"\b(\w*flair\w*|fla|t2f|\w*tirm|tir2d\w*|darkfluid|dark fluid)\b", "FLAIR"),
        (r"\b(mprage|mp rage|mp2rage|[ef]?spgr|ir ?fspgr|bravo|tfl3d\w*)\b", "GRADIENT"),
        (rf"{_START}t1(w\w*|i|se|tse|fse|fl3d|fl2d|mprage|tfe|ffe)?\b", "T1"),
        (rf"{_START}t2(w\w*|i|se|tse|fse|blade|space|cube|propeller)?\b", "T2"),
        (r"\b(ct|computed tomography|tac|scanner|tdm)\b", "CT"),
        (r"\b(3d|cube|space)\b", "ISOTROPIC"),
        (r"\b(sag\w*|cor|coronal\w*)\b", "ACROSS"),
    )
)
_WORD = re.compile(r"[A-Z][A-Z0-9]+")

# Of these the last in a name counts: the other is a time point, a session or a study's name ('T2_cohort_07_T1', 'ses-pre_T1ce').
OPPOSITES = (("T1", "T2"), ("CONTRAST", "PLAIN"))
# Words are of one aspect each; an aspect is taken from the first source that speaks of it (name, SeriesDescription, ProtocolName).
ASPECTS = (("T1", "T2", "FLAIR", "GRADIENT", "OTHER", "CT"), ("CONTRAST", "PLAIN"), ("ISOTROPIC", "ACROSS"))

_ANY_MR = {"OTHER": -9.0, "CT": -9.0, "KIND_CT": -9.0, "ISOTROPIC": 0.2, "ACROSS": -0.2}
_ANY_T1 = {**_ANY_MR, "FLAIR": -4.0, "T2": -3.0, "TIMES_T2": -2.0, "TIMES_FLAIR": -2.0}

# Input key -> word -> points; inputs that are not here get what is the only choice. Tags add the words AGENT, TIMES_* and KIND_*.
SCORES: dict[str, dict[str, float]] = {
    "t1": {**_ANY_T1, "T1": 3, "GRADIENT": 2, "PLAIN": 1, "CONTRAST": -4, "AGENT": -2.5, "TIMES_T1": 2},
    "t1ce": {**_ANY_T1, "T1": 1.5, "GRADIENT": 1, "PLAIN": -4, "CONTRAST": 2.5, "AGENT": 1.5, "TIMES_T1": 1},
    "t2": {**_ANY_MR, "T2": 3, "T1": -3, "GRADIENT": -3, "CONTRAST": -1, "FLAIR": -4, "TIMES_T1": -2, "TIMES_T2": 2, "TIMES_FLAIR": -2},
    "flair": {**_ANY_MR, "FLAIR": 4, "T1": -1, "GRADIENT": -1, "CONTRAST": -0.5, "TIMES_T1": -2, "TIMES_T2": -1, "TIMES_FLAIR": 3},
    "ct": {"CT": 3, "T1": -3, "T2": -3, "FLAIR": -3, "GRADIENT": -3, "KIND_CT": 3, "KIND_MR": -9},
}


def guess_modalities(candidates: Sequence[Candidate], task: Task) -> dict[str, int]:
    """Which candidate is which input of a task.

    Every candidate stands for one input at most, so that the points of all together are most. Inputs for which nothing speaks
    clearly enough, or two candidates equally, are left out. A task with one input takes the only image there is.

    Returns:
        input key -> index into `candidates`.
    """
    words = {index: words_of(candidate) for index, candidate in enumerate(candidates) if not is_label_map(candidate)}
    keys = [entry.key for entry in task.inputs]
    points = {key: {index: _points(key, said) for index, said in words.items()} for key in keys}
    found = _assign(keys, points)
    if len(keys) == 1 and len(words) == 1 and not found:
        return {key: index for key in keys for index, value in points[key].items() if value >= 0}
    return found


def is_label_map(candidate: Candidate) -> bool:
    """Whether the name says that it is a mask, a label map or a reference."""
    texts = (candidate.name, candidate.tags.get("SeriesDescription", ""))
    return candidate.tags.get("Modality", "") in ("SEG", "RTSTRUCT") or any(_LABELS.search(_plain_text(text)) for text in texts)


def words_of(candidate: Candidate) -> tuple[str, ...]:
    """What name and tags say, in the words of `SCORES`."""
    sources = [candidate.name, candidate.tags.get("SeriesDescription", ""), candidate.tags.get("ProtocolName", "")]
    spoken = [_words_in(source) for source in sources]
    words: list[str] = []
    for aspect in ASPECTS:
        words += next((hits for said in spoken if (hits := [word for word in said if word in aspect])), [])
    return tuple(dict.fromkeys([*words, *_words_of_tags(candidate.tags, "PLAIN" in words or "CONTRAST" in words)]))


def _plain_text(text: str) -> str:
    """Base name without suffix, lower case, no accents, every separator a space."""
    text = re.sub(r"\bw/(?=o\b)", "w ", text, flags=re.IGNORECASE)
    text = re.split(r"[/\\]", text.rstrip("/\\"))[-1]
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    text = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    text = _SUFFIX.sub("", text).replace("+", " plus ").replace("*", " star ")
    return " ".join(re.sub(r"[^a-z0-9]", " ", text).split())


def _words_in(text: str) -> list[str]:
    """Canonical words of a name, in its order; of opposites only the last."""
    text = _plain_text(text)
    for pattern, words in REWRITES:
        text = pattern.sub(words, text)
    words = _WORD.findall(text)
    for pair in OPPOSITES:
        last = next((word for word in reversed(words) if word in pair), None)
        words = [word for word in words if word not in pair or word == last]
    return words


def _words_of_tags(tags: dict[str, str], contrast_known: bool) -> Iterable[str]:
    """What the acquisition says. A contrast agent counts where the names are silent: it stays in the header of what follows."""
    kind = tags.get("Modality", "").strip().upper()
    if kind:
        yield f"KIND_{kind}"
    agent = tags.get("ContrastBolusAgent", "").strip().lower()
    if agent and agent not in ("no", "none", "n", "n/a", "na", "0", "without") and not contrast_known:
        yield "AGENT"
    echo, repetition, inversion = (_milliseconds(tags, name) for name in ("EchoTime", "RepetitionTime", "InversionTime"))
    for word, fits in (
        ("TIMES_FLAIR", inversion >= 1500 and echo >= 60),
        ("TIMES_T2", inversion == 0 and echo >= 60 and repetition >= 1500),
        ("TIMES_T1", 0 < echo <= 30 and (0 < repetition <= 1000 or 500 <= inversion <= 1300)),
    ):
        if fits:
            yield word


def _milliseconds(tags: dict[str, str], name: str) -> float:
    """A time, 0 where it is not given or no number."""
    try:
        return float(tags.get(name, "") or 0)
    except ValueError:
        return 0.0


def _points(key: str, words: Iterable[str]) -> float:
    """What the words speak for an input; 0 for inputs of which nothing is known."""
    table = SCORES.get(key, {})
    return sum(table.get(word, 0.0) for word in words)


def _assign(keys: list[str], points: dict[str, dict[int, float]]) -> dict[str, int]:
    """The assignment with most points, without the inputs for which assignments as good differ."""
    rivals = [_rivals(points[key]) for key in keys]
    best, most = [], 0.0
    for chosen in itertools.product(*rivals):
        taken = [index for index in chosen if index is not None]
        if len(set(taken)) < len(taken):
            continue
        total = sum(points[key][index] for key, index in zip(keys, chosen, strict=True) if index is not None)
        if total > most + TIE:
            best, most = [chosen], total
        elif abs(total - most) <= TIE:
            best.append(chosen)
    if not best or most == 0.0:
        return {}
    agreed = {key: set(column) for key, column in zip(keys, zip(*best, strict=True), strict=True)}
    return {key: chosen.pop() for key, chosen in agreed.items() if len(chosen) == 1 and chosen != {None}}


def _rivals(points: dict[int, float]) -> list[int | None]:
    """The candidates that may stand for an input, best first, and nobody."""
    sure = sorted((index for index, value in points.items() if value >= SURE), key=lambda index: -points[index])
    return [*sure[:MOST_RIVALS], None]
