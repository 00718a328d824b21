"""The reader's language: the module's translations go into the application, and what the core says in English is told by its patterns.

What passes through `slicer.i18n.tr` is looked up by Qt. The core knows no language: names of tasks and regions, findings, failures and the
progress come as English sentences, from another process too; `sentence` finds the one of the .ts file that a text was made from.
No widget may enter.
"""

from __future__ import annotations

import atexit
import re
import shutil
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import slicer

FOLDER = Path(__file__).resolve().parents[2] / "Resources" / "Translations"
CORE = "MedSegDL.core"  # context of what the core says
PLACE = re.compile(r"\{(\w+)\}")
SOURCE_LANGUAGE = "en"
LABEL = re.compile(r"(?P<title>.+) \((?P<key>[^()]+)\)")  # 'Whole tumour (WT)', 'T1ce (name of a volume)'
MANY = re.compile(r"(?<=[.!?]) (?=[A-Z'])")  # between two sentences
# The format of .qm files (Qt, qtranslator.cpp and qm.cpp): sections of hashes and messages
QM_MAGIC = bytes.fromhex("3cb86418caef9c95cd211cbf60a1bddd")
QM_HASHES, QM_MESSAGES = 0x42, 0x69
QM_END, QM_TRANSLATION, QM_SOURCE, QM_CONTEXT, QM_COMMENT = 1, 3, 6, 7, 8


@dataclass(frozen=True)
class Message:
    """A text in its two languages. Attributes: context, source (English), translation ("" where there is none yet)."""

    context: str
    source: str
    translation: str


@dataclass(frozen=True)
class Sentences:
    """What the core may say. Attributes: exact: English -> translation; patterns: of those with placeholders, the most telling first."""

    exact: dict[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def told(self, text: str) -> str | None:
        """A text in the other language; None where it is not known."""
        if text in self.exact:
            return self.exact[text]
        for pattern, translation in self.patterns:
            found = pattern.fullmatch(text)
            if found:
                parts = found.groupdict()
                return PLACE.sub(lambda place, parts=parts: self._part(parts[place[1]]), translation)
        return None

    def _part(self, text: str) -> str:
        """What stands in a placeholder: a name of ours, several of them, or a figure or a name of the user's, which stay."""
        label = LABEL.fullmatch(text)
        if text not in self.exact and label:
            return f"{self.exact.get(label['title'], label['title'])} ({label['key']})"
        return ", ".join(self.exact.get(part, part) for part in text.split(", "))


NOTHING = Sentences({}, ())
_sentences = NOTHING
_language = SOURCE_LANGUAGE
_translators: list[object] = []  # in the application; Qt does not keep them


def file_for(locale: str) -> Path | None:
    """The .ts file of a locale ('de_DE', 'de-AT', 'de'), else of another one of its language; None for English and what is not there."""
    wanted = locale.replace("_", "-")
    language = wanted.split("-")[0].lower()
    files = {path.stem.partition("_")[2]: path for path in sorted(FOLDER.glob("MedSegDL_*.ts"))}
    same = [path for name, path in files.items() if name.split("-")[0].lower() == language]
    return files.get(wanted) or (same[0] if same and language != SOURCE_LANGUAGE else None)


def messages(path: Path) -> Iterator[Message]:
    """The messages of a .ts file."""
    import xml.etree.ElementTree as ElementTree  # not for English

    for context in ElementTree.parse(path).getroot().iter("context"):
        for entry in context.iter("message"):
            yield Message(context.findtext("name", ""), entry.findtext("source", ""), entry.findtext("translation") or "")


def install(locale: str) -> bool:
    """Let the application speak this module's words in the language of a locale; English takes back what an earlier call did.

    Returns:
        whether there is a translation.
    """
    global _sentences, _language
    while _translators:
        slicer.app.removeTranslator(_translators.pop())
    path = file_for(locale)
    found = tuple(messages(path)) if path is not None else ()
    _sentences, _language = sentences_of(found), path.stem.partition("_")[2].split("-")[0] if path is not None else SOURCE_LANGUAGE
    if path is None:
        return False
    import qt

    translator = qt.QTranslator()
    if translator.load(str(_compiled_file(path, found))):
        slicer.app.installTranslator(translator)
        _translators.append(translator)
    return True


def sentence(text: str) -> str:
    """What the core says, in the reader's language; as it is where that is not known. Several sentences may come in one text."""
    whole = _sentences.told(text)
    if whole is not None or _sentences is NOTHING:
        return text if whole is None else whole
    return " ".join(_sentences.told(part) or part for part in MANY.split(text))


def label(text: str) -> str:
    """The name of a task, an input or a region in the reader's language: 'Whole tumour (WT)' keeps its key."""
    found = LABEL.fullmatch(text)
    if text in _sentences.exact or not found:
        return _sentences.exact.get(text, text)
    return f"{_sentences.exact.get(found['title'], found['title'])} ({found['key']})"


def translated(text: str) -> str:
    """Whatever the core says, a name or a sentence, in the reader's language."""
    told = label(text)
    return sentence(text) if told == text else told


def is_one(count: int) -> bool:
    """Whether the reader's language speaks of so many things in the singular: French does of none, too."""
    return count == 1 or (count == 0 and _language == "fr")


def language() -> str:
    """Code of the reader's language, as far as there is a translation."""
    return _language


def sentences_of(found: Sequence[Message]) -> Sentences:
    """What the core may say, of the messages of a file."""
    core = [(entry.source, entry.translation) for entry in found if entry.context == CORE and entry.translation]
    exact = {source: translation for source, translation in core if not PLACE.search(source)}
    open_ones = sorted((entry for entry in core if entry[0] not in exact), key=lambda entry: -len(PLACE.sub("", entry[0])))
    return Sentences(exact, tuple((_pattern(source), translation) for source, translation in open_ones))


def _pattern(source: str) -> re.Pattern[str]:
    """A regular expression for a sentence with placeholders. One that comes twice must be the same twice."""
    parts, seen = PLACE.split(source), set()
    for at in range(1, len(parts), 2):
        name = parts[at]
        parts[at] = f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
        seen.add(name)
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts), re.DOTALL)


def _compiled_file(path: Path, found: Sequence[Message]) -> Path:
    """The .qm file that was built beside a .ts file, if it is as new; else one that is made now, and goes with the application."""
    built = path.with_suffix(".qm")
    if built.is_file() and built.stat().st_mtime >= path.stat().st_mtime:
        return built
    folder = Path(tempfile.mkdtemp(prefix="medsegdl-language-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = folder / built.name
    made.write_bytes(compiled(found))
    return made


def compiled(found: Sequence[Message]) -> bytes:
    """The content of a .qm file, as Qt's lrelease makes it (without the plural rules, which are not used)."""
    body, places = bytearray(), []
    for entry in (entry for entry in found if entry.translation):
        places.append((_elf_hash(entry.source.encode()), len(body)))
        body += _field(QM_TRANSLATION, entry.translation.encode("utf-16-be")) + _field(QM_COMMENT, b"")
        body += _field(QM_SOURCE, entry.source.encode()) + _field(QM_CONTEXT, entry.context.encode()) + bytes([QM_END])
    hashes = b"".join(struct.pack(">II", *place) for place in sorted(places))
    return QM_MAGIC + _field(QM_HASHES, hashes) + _field(QM_MESSAGES, bytes(body))


def _field(tag: int, content: bytes) -> bytes:
    return struct.pack(">BI", tag, len(content)) + content


def _elf_hash(text: bytes) -> int:
    """The hash of ELF object files, which Qt takes for texts; 1 stands for 0."""
    value = 0
    for byte in text:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value ^= high >> 24
        value &= ~high & 0xFFFFFFFF
    return value or 1
