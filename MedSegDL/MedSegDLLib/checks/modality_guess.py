"""Which image is which: a guess from DICOM tags and file or node names, each with its reason, shown to the user and overridable.

Standard library only. The knowledge is data: REWRITES bring the world's spellings to a few words, SCORES say what a word speaks for.
Patterns are compiled at the first guess, not at import: the panel imports this when it opens.
The same words say whether a choice made by hand contradicts what name and header tell (`contradiction`).
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
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
            InversionTime (ms), ImageType and Modality. May be empty.
    """

    name: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Word:
    """A word of `SCORES` and where it was found.

    Attributes:
        word: as in `SCORES`.
        quote: what stands there: a part of the name, or the times.
        source: for sentences: "its series description says".
    """

    word: str
    quote: str
    source: str


@dataclass(frozen=True)
class Guess:
    """An input's image.

    Attributes:
        index: into the candidates.
        reason: a short sentence for the reader.
    """

    index: int
    reason: str


_SUFFIX = re.compile(r"(\.nii|\.nrrd|\.nhdr|\.mha|\.mhd|\.hdr|\.img|\.mgz|\.dcm|\.ima|\.zip|\.gz|\.png|\.tiff?|\.jpe?g)+$")
_LABELS = (
    r"\b([a-z]*seg|segs|segmentations?|segmented|labels?|labelmap|\w*mask|masks|truth|gt|ot|otmulti\w*|annotations?|rois?|atropos"
    r"|glistr\w*|pred|predictions?|probabilit\w+|probmap|parc\w*|wmparc|maske|masque|mascara|maschera|lesions?)\b"
)

# BIDS: `key-value` pairs that speak of a person, a place, a grid or another image, never of this image's contrast.
_OTHERS = "sub|ses|space|from|to|reg|ref|res|den|label|hemi|run|dir|echo|task|split|mode|atlas|cohort|site|study|group|desc"
_BIDS_REFERENCE = re.compile(rf"(?:(?<=_)|^)(?:{_OTHERS})-[A-Za-z0-9+.]+(?=_|$)")
_BIDS_ENTITY = re.compile(r"(?:^|_)[a-z]+-[A-Za-z0-9+.]+(?=_)")
_BIDS_SUFFIXES = {"t1w": "T1", "t2w": "T2", "flair": "FLAIR", "unit1": "T1", "inplanet1": "T1", "inplanet2": "T2"}

# Other alphabets, before everything that is not ASCII is dropped; longer ones first. Russian, Japanese, Chinese.
FOREIGN = (
    ("без контраст", " without contrast "),
    ("до контраст", " pre contrast "),
    ("контраст", " contrast "),
    ("т", "t"),
    ("造影前", " pre contrast "),
    ("造影", " contrast "),
    ("単純", " nativ "),
    ("增强前", " pre contrast "),
    ("增强", " contrast "),
    ("平扫", " nativ "),
)

_AGENT = r"(contrast\w*|kontras\w*|km|gd|gad\w*|mdc|m d c|civ|injec\w*|inyec\w*|iniez\w*|enhanc\w*)"
_NOT = "pre|non?|without|wo|w o|ohne|vor|sans|avant|sin|antes|senza|prima|before|sem|zonder|bez|utan|uten|uden|voor"
_WITHOUT = rf"({_NOT})( (i ?v|di|de|del|of|l|la|el|il))*"
_PRE, _POST = (rf"(?<!ses ){word}(?! ?(op|surg\w*|treat\w*|rt|therapy|process\w*|rad\w*))" for word in ("pre", "post"))  # not a time
_START = r"\b(?:3d|2d|s|v|r|m|w|wr|reg|ax|tra|cor|sag)?"

# An image registered to another carries both names; what follows these words is where it lies, not what it is.
_IMAGE = r"(?:t1(?!0)\w*|t2(?!0)\w*|\w*flair\w*|mprage|spgr|bravo|tirm|adc|dwi|ct|mni\w*|atlas|template|sri24|icbm\w*)"
_MOVED = r"(?:(?:co ?)?regi?s?t?\w*|rigid|affine|align\w*|warp\w*|resampl\w*|reslic\w*|transform\w*|match\w*|recal\w*|apparie\w*)"
_TO = r"(?:to|in|into|on|onto|auf|zu|an|sur|au|su|a|al|con|naar|op|with|2)"
_TAIL = r"(?: (?:w|c|ce|km|gd|gad\w*|post|pre|contrast\w*|space|grid|native|reg\w*|regist\w*))*"
REFERENCES = (
    rf"(?P<image>\b{_IMAGE}\b.*?) (?:{_MOVED}(?: {_TO})?|{_TO}) (?P<reference>{_IMAGE}){_TAIL}\b",
    r"(?P<image>\b(?:t1|t2|flair)[a-z]*?)(?:2|to|in|on|onto|reg|regto) ?(?P<reference>(?:t1|t2|flair|mni)\w*)\b",  # also 'T1toFLAIR'
    rf"(?P<image>\b{_IMAGE}\b.*?) (?P<reference>(?:t1|t2|flair)[a-z]*?space)\b",
)

# In this order; what is rewritten once is not found again. Spaces stand for every separator, 'plus' for '+', 'star' for '*'.
REWRITES: tuple[tuple[str, str], ...] = (
    # Differences of two images.
    (r"\b(subtract\w*|subtrak\w*|subtrah\w*|soustract\w*|sustrac\w*|sottraz\w*|minus|delta)\b", "OTHER"),
    (r"\b(subtr\b(?! mean)|sub\b(?! (?!t[12])[a-z]{0,3}\d))", "OTHER"),  # not 'subtrMeanDivStd', not 'sub_01'
    # No contrast agent: English, German, French, Spanish, Italian, Portuguese, Dutch, Slavic, Scandinavian, Turkish.
    (rf"\b{_WITHOUT} ?({_AGENT}|ce)\b|\bkontrasts\w?z\b|\bce (none|no|0|false|pre)\b", "PLAIN"),
    (rf"\b(unenhanced|nativ|nativo|nativa|natif|basale?|blanco|{_PRE})\b", "PLAIN"),
    (rf"{_START}t1 ?n\b", "T1 PLAIN"),
    # Contrast agent.
    (rf"{_START}t1(w|wi|weighted)? ?(plus )?(c|ce|k|km|gd|gad|gado|{_POST})\b|\bcet1w?\b", "T1 CONTRAST"),
    (rf"{_START}t1(w|wi|weighted)? ?plus\b", "T1 CONTRAST"),
    (rf"\b((plus )?{_AGENT}|plus c|c plus|ce|{_POST})\b", "CONTRAST"),
    (r"\b(prohance|magnevist|gadovist|gadavist|dotarem|multihance|omniscan|clariscan|vueway|elucirem|primovist)\b", "CONTRAST"),
    # What is none of the four, although it may carry their names.
    (r"\bt2 ?(w )?(star|ffe|fl2d|gre|hemo|medic|swan)\w*|\bt[12] ?(rho|map|maps|mapping|mapit|relax\w*)\b", "OTHER"),
    (r"\b(dti|dwi|diff\w*|ep2d\w*|epi|adc|eadc|fa|trace\w*|swi|swan|qsm|asl|perf\w*|pwi|dsc|dce|r?cb[vf]|mtt|ttp|tmax)\b", "OTHER"),
    (r"\b(ktrans|ivim|dki|noddi|b ?\d{3,4}|mtr|stir|inv ?[12]|derived|dixon|in ?phase|out ?phase|opp ?phase|opposed)\b", "OTHER"),
    (r"\b(water(?! ?exc\w*)|fat(?! ?(sat\w*|sup\w*|s)\b))\b", "OTHER"),
    (r"\b(tof|mra|angio\w*|phase|mip|minip)\b", "OTHER"),
    (r"\b(ratio\w*|jacobian\w*|displacement\w*|deformation\w*|warp ?(field|coef)\w*|transform|xfm)\b", "OTHER"),
    (r"\b(wm|gm|csf(?! (sup|null)\w*))\b", "OTHER"),
    (r"\b(q|quant\w*) ?t[12]\b", "OTHER"),
    (r"\b(loc|localizer|localiser|localizador|scout|survey|haste|fmri|bold|spectro\w*|svs|csi|bias ?field|log ?field)\b", "OTHER"),
    # Weighting. 'T1 FLAIR' is a T1 with inversion (GE); 'FLAIR ... T1' may be either.
    (rf"{_START}t1(w|wi|weighted)? ?flair\b", "T1"),
    (r"\b(\w*flair\w*|fla|t2f|\w*tirm|tir2d\w*|darkfluid|dark fluid)\b", "FLAIR"),
    (r"\b(mprage|mp rage|mp2rage|[ef]?spgr|ir ?fspgr|bravo|tfl3d\w*|vibe|thrive|lava)\b", "GRADIENT"),
    (rf"{_START}t1(w\w*|i|se|tse|fse|fl3d|fl2d|mprage|tfe|ffe|space|fs|vibe)?\b", "T1"),
    (rf"{_START}t2(w\w*|i|se|tse|fse|blade|space|cube|propeller|fs)?\b", "T2"),
    (r"\b(ct|computed tomography|tac|scanner|tdm)\b", "CT"),
    (r"\b(3d|cube|space)\b", "ISOTROPIC"),
    (r"\b(sag\w*|cor|coronal\w*)\b", "ACROSS"),
)
_WORD = re.compile(r"[A-Z][A-Z0-9]+")

# Of these the last in a name counts: the other is a time point, a session or a study's name ('T2_cohort_07_T1', 'ses-pre_T1ce').
OPPOSITES = (("T1", "T2"), ("CONTRAST", "PLAIN"))
WEIGHTINGS = ("T1", "T2", "FLAIR")
# Words are of one aspect each; an aspect is taken from the first source that speaks of it.
ASPECTS = (("T1", "T2", "FLAIR", "GRADIENT", "OTHER", "CT"), ("CONTRAST", "PLAIN"), ("ISOTROPIC", "ACROSS"))
# The header comes before the name: a folder is named by whoever copied it. (tag or "", what a reason calls it)
PROTOCOL = "its protocol says"
SOURCES = (("SeriesDescription", "its series description says"), ("ProtocolName", PROTOCOL), ("", "its name says"))

# Values of ImageType that make an image something else than what its description names (PS3.3 C.7.6.1.1.2, C.8.13.3.1.1; vendors).
OTHER_TYPES = (
    r"(?i:subtract\w*|sub|e?adc|trace\w*|fa|diffusion|perfusion.*|r?cb[fv]|mtt|ttp|tmax|localizer|mip|minip|mnip|phase.*|p|swi|dixon|water|fat|w|f"
    r"|(in|out|opp)_phase|velocity.*|screen.*|projection image|t[12] map)"
)

_ANY_MR = {"OTHER": -9.0, "CT": -9.0, "KIND_CT": -9.0, "ISOTROPIC": 0.2, "ACROSS": -0.2, "DERIVED": -0.3}
_ANY_T1 = {**_ANY_MR, "FLAIR": -4.0, "T2": -3.0, "TIMES_T2": -2.0, "TIMES_FLAIR": -2.0}

# Input key -> word -> points; inputs that are not here get what is the only choice. Tags add the words AGENT, TIMES_* and KIND_*.
SCORES: dict[str, dict[str, float]] = {
    "t1": {**_ANY_T1, "T1": 3, "GRADIENT": 2, "PLAIN": 1, "CONTRAST": -4, "AGENT": -2.5, "TIMES_T1": 2},
    "t1ce": {**_ANY_T1, "T1": 1.5, "GRADIENT": 1, "PLAIN": -4, "CONTRAST": 2.5, "AGENT": 1.5, "TIMES_T1": 1},
    "t2": {**_ANY_MR, "T2": 3, "T1": -3, "GRADIENT": -3, "CONTRAST": -1, "FLAIR": -4, "TIMES_T1": -2, "TIMES_T2": 2, "TIMES_FLAIR": -2},
    "flair": {**_ANY_MR, "FLAIR": 4, "T1": -3, "GRADIENT": -1, "CONTRAST": -0.5, "TIMES_T1": -2, "TIMES_T2": -1, "TIMES_FLAIR": 3},
    "ct": {"CT": 3, "T1": -3, "T2": -3, "FLAIR": -3, "GRADIENT": -3, "KIND_CT": 3, "KIND_MR": -9},
}


def warming() -> Iterator[None]:
    """Make the patterns ready, one a step (0.1 s together, 10 ms at most each): for a panel that must not stop at its first guess."""
    for pattern in (_LABELS, OTHER_TYPES, *REFERENCES, *(pattern for pattern, _words in REWRITES)):
        re.compile(pattern)  # kept by `re`, which has room for 512
        yield


def guess_modalities(candidates: Sequence[Candidate], task: Task) -> dict[str, int]:
    """Which candidate is which input of a task, without the reasons: see `guesses`. Input key -> index into `candidates`."""
    return {key: guess.index for key, guess in guesses(candidates, task).items()}


def guesses(candidates: Sequence[Candidate], task: Task) -> dict[str, Guess]:
    """Which candidate is which input of a task, and why.

    Every candidate stands for one input at most, so that the points of all together are most. Inputs for which nothing speaks
    clearly enough, or two candidates equally, are left out. A task with one input takes the only image there is.

    Returns:
        input key -> Guess.
    """
    words = {index: words_of(candidate) for index, candidate in enumerate(candidates) if not is_label_map(candidate)}
    keys = [entry.key for entry in task.inputs]
    points = {key: {index: _points(key, said) for index, said in words.items()} for key in keys}
    found = _assign(keys, points)
    if len(keys) == 1 and len(words) == 1 and not found:
        return {key: Guess(index, "It is the only image.") for key in keys for index, value in points[key].items() if value >= 0}
    return {key: Guess(index, _reason(key, words[index])) for key, index in found.items()}


def why(candidate: Candidate, key: str) -> str:
    """What name and header say for an image's being the input `key`: a sentence's part, "" if nothing."""
    return _reason(key, words_of(candidate))


def contradiction(candidate: Candidate, key: str, task: Task) -> tuple[str, str] | None:
    """What name and header say against an image's being the input `key`: (title of what it looks like, reason); None if nothing.

    Only what would be a sure guess counts: a name without such words, or one that fits as well, says nothing against a choice.
    """
    words = words_of(candidate)
    titles = {entry.key: entry.title for entry in task.inputs}
    points = {other: _points(other, words) for other in titles if other in SCORES}
    if key not in points or points[key] >= SURE or not words:
        return None
    best = max(points, key=lambda other: points[other])
    if points[best] >= SURE and points[best] - points[key] >= SURE:
        return titles[best], _reason(best, words)
    foreign = [word for word in words if word.word == "OTHER" and SCORES[key].get("OTHER", 0.0) < 0]
    return ("none of the images that are needed", _sentence(foreign)) if foreign else None


def foreign(candidate: Candidate) -> str:
    """Why an image is none that any task needs (a diffusion, perfusion, difference ...), '' where nothing says so."""
    if is_label_map(candidate):
        return "a label map by its name"
    return _sentence([word for word in words_of(candidate) if word.word == "OTHER"])


def is_label_map(candidate: Candidate) -> bool:
    """Whether the name says that it is a mask, a label map or a reference."""
    texts = (_base_name(candidate.name), candidate.tags.get("SeriesDescription", ""))
    return candidate.tags.get("Modality", "") in ("SEG", "RTSTRUCT") or any(re.search(_LABELS, _plain_text(text)) for text in texts)


def words_of(candidate: Candidate) -> tuple[Word, ...]:
    """What header and name say, in the words of `SCORES`, each once."""
    spoken = [_words_in(candidate.tags.get(tag, "") if tag else _base_name(candidate.name), source) for tag, source in SOURCES]
    words: list[Word] = []
    for aspect in ASPECTS:
        words += next((hits for said in spoken if (hits := [word for word in said if word.word in aspect])), [])
    known = {word.word for word in words}
    words += _words_of_tags(candidate.tags, bool(known & {"PLAIN", "CONTRAST"}))
    return tuple({word.word: word for word in words}.values())


def _base_name(path: str) -> str:
    """The last part of a path; 'T1 w/o contrast' is none."""
    text = re.sub(r"\bw/(?=o\b)", "w ", path, flags=re.IGNORECASE)
    return re.split(r"[/\\]", text.rstrip("/\\"))[-1]


def _plain_text(text: str) -> str:
    """Without suffix and BIDS entities, lower case, no accents, every separator a space."""
    text = _BIDS_REFERENCE.sub("", text)
    text = re.sub(r"(?i)(t1[ _]?(?:ce|c|gd|post)\w*)\s*-\s*(t1)", r"\1 minus \2", text)
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower()
    for foreign, english in FOREIGN:
        text = text.replace(foreign, english)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = _SUFFIX.sub("", text).replace("+", " plus ").replace("*", " star ")
    text = re.sub(r"[^a-z0-9]", " ", text)
    text = re.sub(r"\b(t1w?|)(pre|post|non?)(?=[ck]ontrast|gad|gd|km|inject)", r"\1 \2 ", text)
    return " ".join(text.split())


def _words_in(text: str, source: str) -> list[Word]:
    """Canonical words of a text, in its order; of opposites only the last. In a BIDS name the suffix decides the weighting."""
    bids = _bids_weighting(text)
    text = _plain_text(text)
    for pattern in REFERENCES:
        text = re.sub(pattern, r"\g<image>", text)
    quotes: dict[str, str] = {}
    for pattern, words in REWRITES:
        for hit in re.finditer(pattern, text):
            quotes.update(dict.fromkeys(words.split(), hit.group().strip()))
        text = re.sub(pattern, f" {words} ", text)
    found = [word for word in _WORD.findall(text) if word in quotes]
    if source == PROTOCOL and {"T1", "T2"} <= set(found):
        return []  # it lists the series of an examination
    for pair in OPPOSITES:
        last = next((word for word in reversed(found) if word in pair), None)
        found = [word for word in found if word not in pair or word == last]
    if bids:
        found = [bids, *(word for word in found if word not in WEIGHTINGS)]
    elif "FLAIR" in found and "T1" in found[found.index("FLAIR") :]:
        return []  # 'FLAIR T1': either may be meant
    return [Word(word, quotes.get(word, word.lower()), source) for word in found]


def _bids_weighting(text: str) -> str | None:
    """The weighting by the suffix of a BIDS name (`sub-1_space-FLAIR_T2w`), None for other names."""
    base = _SUFFIX.sub("", re.split(r"[/\\]", text)[-1].lower())
    return _BIDS_SUFFIXES.get(base.rsplit("_", 1)[-1]) if _BIDS_ENTITY.search(base) else None


def _words_of_tags(tags: dict[str, str], contrast_known: bool) -> Iterable[Word]:
    """What the acquisition says. A contrast agent counts where the names are silent: it stays in the header of what follows."""
    kind = tags.get("Modality", "").strip().upper()
    if kind:
        yield Word(f"KIND_{kind}", kind, "its header says")
    agent = tags.get("ContrastBolusAgent", "").strip()
    if agent and agent.lower() not in ("no", "none", "n", "n/a", "na", "0", "without") and not contrast_known:
        yield Word("AGENT", agent, "its header names the contrast agent")
    yield from _words_of_image_type(tags.get("ImageType", ""))
    echo, repetition, inversion = (_milliseconds(tags, name) for name in ("EchoTime", "RepetitionTime", "InversionTime"))
    times = f"TE {echo:g}, TR {repetition:g}, TI {inversion:g} ms"
    for word, fits in (
        ("TIMES_FLAIR", inversion >= 1500 and echo >= 60),
        ("TIMES_T2", inversion == 0 and echo >= 60 and repetition >= 1500),
        ("TIMES_T1", 0 < echo <= 30 and (0 < repetition <= 1000 or 500 <= inversion <= 1300)),
    ):
        if fits:
            yield Word(word, times, "its times are")


def _words_of_image_type(text: str) -> Iterable[Word]:
    """ImageType, as DICOM writes it (values between backslashes) or as ITK prints it."""
    values = [value.strip().upper() for value in text.split("\\")]
    strange = next((value for value in values if re.fullmatch(OTHER_TYPES, value)), None)
    if strange:
        yield Word("OTHER", strange, "its image type says")
    elif "DERIVED" in values:
        yield Word("DERIVED", "DERIVED", "its image type says")


def _milliseconds(tags: dict[str, str], name: str) -> float:
    """A time, 0 where it is not given or no number."""
    try:
        return float(tags.get(name, "") or 0)
    except ValueError:
        return 0.0


def _points(key: str, words: Iterable[Word]) -> float:
    """What the words speak for an input; 0 for inputs of which nothing is known."""
    table = SCORES.get(key, {})
    return sum(table.get(word.word, 0.0) for word in words)


def _reason(key: str, words: Iterable[Word]) -> str:
    """The words that speak for an input, as a sentence."""
    return _sentence([word for word in words if SCORES.get(key, {}).get(word.word, 0.0) >= 1])


def _sentence(words: Iterable[Word]) -> str:
    """Quotes by source: "its series description says 'flair', its times are 'TE 94, TR 9000, TI 2500 ms'"."""
    quotes: dict[str, list[str]] = {}
    for word in words:
        said = quotes.setdefault(word.source, [])
        if word.quote not in said:
            said.append(word.quote)
    return ", ".join(f"{source} {' and '.join(repr(quote) for quote in said)}" for source, said in quotes.items())


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
