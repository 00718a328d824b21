"""The texts that a user of the panel may see, found in the sources, and the .ts files that translate them. `make translations`.

Found are: what stands in `_()` and `translate()` in the panel's modules (the context is Slicer's own: package and file), the texts of
the .ui files, titles of the shipped tasks, and what the core says in English: sentences of findings and failures, names of steps of a run.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "MedSegDL"
LIBRARY = MODULE / "MedSegDLLib"
FOLDER = MODULE / "Resources" / "Translations"
LANGUAGES = ("de-DE", "fr-FR")
CORE = "MedSegDL.core"  # as scene/translation.py calls it
TRANSLATED_ELSEWHERE = {"qSlicerAbstractCoreModule"}  # contexts of Slicer itself
# What the core says to the panel comes from these; the command line, files and DICOM speak English.
CORE_MODULES = (
    "checks/*.py",
    "postprocess/*.py",
    "preprocess/*.py",
    "network/sliding_window.py",
    "network/tiles.py",
    "memory.py",
    "pipeline.py",
)
CORE_MODULES += ("worker/*.py", "scene/*.py", "followup/course.py", "errors.py", "io/private_folder.py")
SPOKEN_TO_OTHERS = {"study.py", "bare.py", "server.py", "services.py"}  # to the command line, or by the worker of a broken request
FAILURES = ("InputRefused", "WeightsError", "UsageError", "OutOfMemory", "MedSegDLError", "Failure", "WorkerError", "EnvironmentFailed")
SAYING = ("error", "warning", "note")  # of a subject of the checks: the sentence starts with its name
PROPERTY_WITHOUT_WORDS = {"SlicerParameterName", "nodeTypes"}
NO_NAMES = {
    "join",
    "self",
    "str",
    "if",
    "else",
    "len",
    "for",
    "in",
    "and",
    "type",
    "min",
    "path",
    "subject",
    "by",
    "es",
    "s",
}  # of placeholders
# Names and parts of sentences that are made in a way that cannot be read from the source
ALSO = (
    *("Automatic", "On", "Off", "CPU", "GPU (CUDA)", "Fast", "Accurate", "setting", "variable", "private environment"),
    *("an MR image", "a CT", "a picture", "bias correction", "brain extraction"),
    *("its offset of -1024 was applied twice", "it is ten times too large", "it is ten times too small"),
    *("its offset of -1024 was never applied, or dark and bright are exchanged", "it is a thousand times too small"),
    "It is the only image.",
    "its name says {quote}",
    "its series description says {quote}",
    "its protocol says {quote}",
    "its header says {quote}",
    "its header names the contrast agent {quote}",
    "its image type says {quote}",
    "its times are {quote}",
    "{region} cannot be seen without {input}, so it is left empty.",
    "{region} is doubtful without {input}.",
    "Give {wanted} too if there is one.",
    *("{criteria}: sum of products of both diameters", "{criteria}: sum of longest diameters", "Volume"),
    "{share} and at least {least} mm",
    *("Follow-up changes", "Follow-up chart", "Follow-up lesions", "Follow-up thresholds", "Follow-up volumes", "Day", "Study"),
    "Wen and others 2023, the same table",
    "not part of RECIST: of a sphere whose diameter changes so, 0.7 and 1.2 cubed",
    "Segments were drawn on a finer or turned grid: each voxel of the series took the nearest of theirs.",
    "The series states no FrameOfReferenceUID: the DICOM results name one of their own.",
)


# What a report says that does not stand in its calls of `say`: constants, planes, words of the CSV, severities
REPORTED = (
    "Research software, not a medical device.",
    "Network's own probability",
    "Network's own probability: its mean within the region or lesion. It is not calibrated: a network may be sure and wrong.",
    "In brackets: how many of the voxels with such probabilities were right in cases that the network had not seen.",
    "The patient's right is on the left of axial and coronal pictures; anterior is on the left of sagittal ones.",
    "The segments were edited after the run; the figures are those of the edited ones.",
    *("Axial", "Coronal", "Sagittal", "Outlines", "reference", "Error", "Warning", "Note"),
    *("kind", "region", "lesion", "object", "brain mask", "number", "volume_ml", "longest_mm", "perpendicular_mm", "pixels"),
    *("own_probability", "calibrated_probability"),
    *("complete response", "partial response", "stable disease", "progressive disease", "not measurable"),
    *("same", "new", "gone", "merged", "split"),
    "An aid to the reader, not a diagnosis: steroids, clinical state, confirmation and lesions that are no targets are not known here.",
)


@dataclass(frozen=True, order=True)
class Text:
    """A text that is shown. Attributes: context, source."""

    context: str
    source: str


def texts() -> list[Text]:
    """All of them, each once, in the order of contexts and sources."""
    found = {*of_calls(panel_files()), *of_forms(), *of_tasks(), *(Text(CORE, source) for source in (*of_core(), *of_reports()))}
    return sorted(found | {Text(CORE, source) for source in ALSO})


def panel_files() -> list[Path]:
    """The Python of the panel."""
    return [MODULE / "MedSegDL.py", *sorted((LIBRARY / "scene").glob("*.py"))]


def context_of(path: Path) -> str:
    """The context that `slicer.i18n.tr` takes for calls in a file."""
    return f"{path.parent.name}.{path.stem}" if (path.parent / "__init__.py").is_file() else path.stem


def of_calls(files: Iterable[Path]) -> Iterator[Text]:
    """What stands in `_("...")` and `translate("context", "...")`."""
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            given = [entry.value for entry in node.args if isinstance(entry, ast.Constant)]
            if node.func.id == "_" and len(given) == 1:
                yield Text(context_of(path), given[0])
            if node.func.id == "translate" and len(given) == 2 and given[0] not in TRANSLATED_ELSEWHERE:
                yield Text(*given)


def of_forms() -> Iterator[Text]:
    """The texts of the .ui files, under the name of the form's class."""
    for path in sorted((MODULE / "Resources" / "UI").glob("*.ui")):
        root = ElementTree.parse(path).getroot()
        for entry in root.iter("property"):
            if entry.get("name") not in PROPERTY_WITHOUT_WORDS:
                yield from (Text(root.findtext("class"), text.text) for text in entry.iter("string") if text.text)


def of_tasks() -> Iterator[Text]:
    """Titles of the shipped tasks, their inputs and regions."""
    for path in sorted((MODULE / "Resources" / "Tasks").glob("*.json")):
        task = json.loads(path.read_text(encoding="utf-8"))
        rests = [region["rest"] for region in task["regions"] if "rest" in region]
        yield from (Text(CORE, entry["title"]) for entry in (task, *task["inputs"], *task["regions"], *rests))


def of_core() -> Iterator[str]:
    """The sentences that the core says, with placeholders for what is filled in."""
    for pattern in CORE_MODULES:
        for path in sorted(LIBRARY.glob(pattern)):
            if path.name not in SPOKEN_TO_OTHERS:
                said = _said(ast.parse(path.read_text(encoding="utf-8")))
                yield from (source for source in said if len(re.findall(r"[A-Za-z]{2}", re.sub(r"{\w*}", "", source))) > 1)


def of_reports() -> Iterator[str]:
    """What a report says through `say("...")`, and its constants that go through it."""
    for path in (*sorted((LIBRARY / "report").glob("*.py")), LIBRARY / "followup" / "page.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and (getattr(node.func, "attr", "") == "say" or getattr(node.func, "id", "") == "say")
            yield from (entry.value for entry in (node.args if called else ()) if isinstance(entry, ast.Constant))
    yield from REPORTED


def _said(tree: ast.Module) -> Iterator[str]:
    constants = _assigned(tree)
    for function in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))]:
        names = constants | _assigned(function)
        for node in _own_calls(function):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in SAYING and isinstance(node.func, ast.Attribute) and len(node.args) == 3:
                yield from ("{name} " + said for said in _templates(node.args[1], names))
                yield from _templates(node.args[2], names)
            elif called == "Finding" and len(node.args) == 5:
                yield from (said for entry in node.args[3:] for said in _templates(entry, names))
            elif called in FAILURES:
                yield from (said for entry in node.args for said in _templates(entry, names) if " " in said or said.endswith("."))
            elif called in ("progress", "_progress") and len(node.args) == 2:
                yield from _templates(node.args[1], names)


def _own_calls(function: ast.AST) -> Iterator[ast.Call]:
    """The calls in a function, those of functions within it left out; of a module those outside of any function."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Call):
            yield node


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """Name -> what is assigned to it in a function or, outside of any, in a module."""
    found: dict[str, list[ast.expr]] = {}
    nodes = scope.body if isinstance(scope, ast.Module) else ast.walk(scope)
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            for before in list(found.get(node.target.id, [])):
                found[node.target.id].append(ast.BinOp(before, ast.Add(), node.value))
    return found


def _templates(node: ast.expr, names: dict[str, list[ast.expr]]) -> list[str]:
    """What an expression may say; an empty list for what is no text of ours."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and re.search(r"[a-z]{2}", node.value) else []
    if isinstance(node, ast.JoinedStr):
        return _joined(node, names)
    if isinstance(node, ast.IfExp):
        return [*_templates(node.body, names), *_templates(node.orelse, names)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [first + second for first in _templates(node.left, names) for second in _templates(node.right, names)]
    if isinstance(node, ast.Name):
        return [said for value in names.get(node.id, []) if not isinstance(value, ast.Name) for said in _templates(value, names)]
    return []


def _joined(node: ast.JoinedStr, names: dict[str, list[ast.expr]]) -> list[str]:
    """An f-string with placeholders of single words; one for each form where a word depends on a number ('is', 'are')."""
    told, used = [""], []
    for part in node.values:
        if isinstance(part, ast.Constant):
            forms = [part.value]
        elif isinstance(part.value, ast.IfExp) and all(isinstance(form, ast.Constant) for form in (part.value.body, part.value.orelse)):
            forms = [part.value.body.value, part.value.orelse.value]
        else:
            forms = _templates(part.value, names) if isinstance(part.value, ast.Name) and part.value.id.isupper() else []
        forms = forms or [_placeholder(part.value, used)]
        told = [text + form for text in told for form in forms]
    return told


def _placeholder(node: ast.expr, used: list[str]) -> str:
    words = [word.strip("_").lower() for word in re.findall(r"[A-Za-z_]+", ast.unparse(node))]
    name = next((word for word in words if word and word not in NO_NAMES), "value")
    used.append(name)
    return "{" + (name if used.count(name) == 1 else f"{name}{used.count(name)}") + "}"


def ts_path(language: str) -> Path:
    """The file of a language."""
    return FOLDER / f"MedSegDL_{language}.ts"


def translations(language: str) -> dict[Text, str]:
    """What the file of a language holds; "" for what is not translated yet."""
    path = ts_path(language)
    if not path.is_file():
        return {}
    root = ElementTree.parse(path).getroot()
    entries = ((context.findtext("name"), entry) for context in root.iter("context") for entry in context.iter("message"))
    return {Text(name, entry.findtext("source")): entry.findtext("translation") or "" for name, entry in entries}


def update(language: str, given: dict[str, str]) -> list[Text]:
    """Write the file of a language anew: what is shown now, with the translations it has, or that the same text has elsewhere.

    Args:
        language: see `LANGUAGES`.
        given: further translations, by their sources; 'context::source' where a text means another thing in another place.

    Returns:
        the texts that are left without a translation.
    """
    known = translations(language)
    elsewhere = {text.source: translation for text, translation in known.items() if translation} | given
    own = {text: given.get(f"{text.context}::{text.source}") or given.get(text.source) for text in texts()}
    found = {text: translation or known.get(text) or elsewhere.get(text.source, "") for text, translation in own.items()}
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>", f'<TS version="2.1" language="{language.replace("-", "_")}">']
    for name in dict.fromkeys(text.context for text in found):
        lines += ["<context>", f"    <name>{escape(name)}</name>"]
        lines += [_message(text.source, translation) for text, translation in found.items() if text.context == name]
        lines.append("</context>")
    FOLDER.mkdir(exist_ok=True)
    ts_path(language).write_text("\n".join([*lines, "</TS>", ""]), encoding="utf-8")
    return [text for text, translation in found.items() if not translation]


def _message(source: str, translation: str) -> str:
    done = "<translation>" if translation else '<translation type="unfinished">'
    return f"    <message>\n        <source>{escape(source)}</source>\n        {done}{escape(translation)}</translation>\n    </message>"


def main(arguments: list[str]) -> int:
    """Update all languages; `de-DE=FILE.json` takes further translations (source -> translation). 1 where a text is left."""
    given = dict(argument.split("=", 1) for argument in arguments)
    left = 0
    for language in LANGUAGES:
        missing = update(language, json.loads(Path(given[language]).read_text(encoding="utf-8")) if language in given else {})
        for text in missing:
            print(f"{language}: {text.context}: {text.source!r}")
        left += len(missing)
    print(f"{left} texts are left to translate")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
