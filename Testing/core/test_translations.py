"""German and French are complete: every text of the panel is translated, stands in both .ts files, and keeps its placeholders."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import translations
from ..translations import CORE, LANGUAGES, Text

PLACEHOLDER = re.compile(r"\{[^{}]*\}")
WORDS = re.compile(r"[A-Za-z]{2,}[^A-Za-z]*[ ,.:][^A-Za-z]*[A-Za-z]{2,}")
GIVEN_TO = {"_", "translate", *translations.FAILURES}  # what stands in these is translated, or told by `sentence`
QUIET = {
    "resourcePath",
    "compile",
    "search",
    "sub",
    "Launch",
    "registerCustomSampleDataSource",
    "setObjectName",
    "SetAttribute",
    "GetAttribute",
    "connect",
    "disconnect",
}
SHOWN = {"text", "toolTip", "windowTitle", "placeholderText", "plainText", "noneDisplay", "statusTip", "title"}
SHOWING = {"QLabel", "QPushButton", "QCheckBox", "QRadioButton", "QGroupBox", "setText", "setToolTip", "setHorizontalHeaderLabels", "tell"}
# Texts with spaces that nobody reads in the panel, by file
UNSEEN = {
    "bare.py": "all",  # the scene without the desktop: commands
    "picture.py": "all",  # pictures of the command line and of files
    "canvas.py": "all",
    "warming.py": "all",  # names of modules
    "translation.py": "all",
    "lesion_table.py": {"Volume mL", "Longest mm", "Perpendicular mm", "Area px"},  # names of columns, by which they are found
    "table.py": {"Volume mm3", "Volume mL", "Mean area px"},
    "widgets.py": {"Longest mm", "Perpendicular mm", "Area px"},
    "wording.py": {"Longest mm", "Perpendicular mm", "Area px", "Volume mL", "margin:1px 0 1px 16px", "Python {}, torch {}, {}: {}"},
    "segmentation.py": {"Binary labelmap", "Closed surface"},  # names of representations
    "networks_section.py": {"Networks.ui", "Auto3DSeg (*.pt *.pth)"},  # a file, and kinds of files in a dialog
    "dicom_nodes.py": {"DICOM.instanceUIDs"},  # an attribute of Slicer's
    "report_section.py": {"HTML (*{});;PDF (*{})", "body { color: black; }"},  # kinds of files in a dialog, a style sheet
    "follow_up.py": {"First mL", "Last mL", "Change mL", "Change %", "First sum", "Last sum", "Before mL", "Before mm", "Now mL", "Now mm"}
    | {"{} mL", "{} change %", "{} x {}"}
    | {"Follow-up changes", "Follow-up chart", "Follow-up lesions", "Follow-up thresholds", "Follow-up volumes"},  # told by `label`
    "follow_up_tables.py": {"First mL", "Last mL", "Change mL", "Change %", "Before mm", "Now mm", "{} ({} %)"},
    "follow_up_texts.py": {"margin:1px 0; font-size:small"},
    "overlay.py": {"vtkMRMLColorTableNodeFilePlasma.txt"},  # the id of a node
    "shown_section.py": {"Area px"},
    "guard.py": {"Please report it with the log (Advanced)."},  # these two are a failure's, told by `sentence`
    "slicer_python.py": {"BrainPhantom.png", "The extension PyTorch is not installed.", "MedSegDL brain phantom"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    known = translations.translations(language)
    missing = [text for text in translations.texts() if not known.get(text)]
    assert not missing, f"run `make translations`, and translate: {missing}"
    left_over = known.keys() - set(translations.texts())
    assert not left_over, f"no longer shown (`make translations`): {left_over}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_agree(language: str) -> None:
    for text, translation in translations.translations(language).items():
        wanted, found = PLACEHOLDER.findall(text.source), PLACEHOLDER.findall(translation)
        if text.context == CORE:  # an English plural's letter may be left out
            assert set(found) <= set(wanted), text
        else:
            assert sorted(set(found)) == sorted(set(wanted)), text
        assert text.source.count("\n") == translation.count("\n"), text


def test_units_and_numbers_stay() -> None:
    """Millilitres, millimetres and per cents are written as in English."""
    for language in LANGUAGES:
        for text, translation in translations.translations(language).items():
            for unit in (" mL", " mm", "GB", "GiB", "px", "%", "-1024", "-1000"):
                assert text.source.count(unit) == translation.replace("\u00a0", " ").count(unit), (text, unit)


@pytest.mark.parametrize(
    ("source", "german", "french"),
    [
        ("Whole tumour", "Gesamttumor", "Tumeur entière"),
        ("Tumour core", "Tumorkern", "Noyau tumoral"),
        ("Enhancing tumour", "Anreicherndes Tumorgewebe", "Prise de contraste"),
    ],
)
def test_terms_of_radiology(source: str, german: str, french: str) -> None:
    assert [translations.translations(language)[Text(CORE, source)] for language in LANGUAGES] == [german, french]


def test_no_text_of_the_panel_bypasses_the_translation() -> None:
    bare = [f"{path.name}:{line}: {text!r}" for path in translations.panel_files() for line, text in untranslated(path)]
    assert not bare, "not passed through _() (slicer.i18n.tr):\n" + "\n".join(bare)


@pytest.mark.parametrize(
    "code",
    [
        "ui.label.text = 'Hello'",
        "qt.QLabel(f'{name} is here')",
        "words = ('two words',)",
        "x = 'a ' 'b cd ef'",
        "f(tell='Some more words')",
    ],
)
def test_a_bare_text_is_found(code: str, tmp_path: Path) -> None:
    path = tmp_path / "section.py"
    path.write_text(code, encoding="utf-8")
    assert list(untranslated(path))
    path.write_text(f"'''Two words.'''\nx = _('two words')\nlog.debug(1)\n# {code}\n", encoding="utf-8")
    assert not list(untranslated(path))


def untranslated(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of the texts that may be shown and stand in no call that translates."""
    unseen = UNSEEN.get(path.name, set())
    if unseen == "all":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node, shown in _texts(tree, False):
        text = _literal(node)
        telling = re.search("[A-Za-z]{2}", text) if shown else WORDS.search(text)
        if telling and text not in unseen and not text.startswith(("<", "medsegdl:", "color:", "background", "MedSegDL")):
            yield node.lineno, text


def _texts(node: ast.AST, shown: bool) -> Iterator[tuple[ast.AST, bool]]:
    """The literals below a node that no call translates, and whether they go where a user reads them."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        if isinstance(node, ast.JoinedStr) or isinstance(node.value, str):
            yield node, shown
        return
    called = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
    if called in GIVEN_TO or called in QUIET or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    if called:
        shown = called in SHOWING
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        shown = node.targets[0].attr in SHOWN
    if isinstance(node, ast.Subscript):
        shown = False
    for child in ast.iter_child_nodes(node):
        yield from _texts(child, shown)


def _literal(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return node.value
    return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)


def test_what_lupdate_of_slicer_takes() -> None:
    """Slicer's own update_translations.py finds a call by a pattern: one literal in `_(...)`, no f-string, no name."""
    for path in translations.panel_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}"


class TestSentences:
    """What the core says is told by its patterns."""

    @pytest.fixture
    def german(self) -> object:
        translation = pytest.importorskip("MedSegDLLib.scene.translation", reason="slicer-core is not installed")
        return translation.sentences_of(list(translation.messages(translation.file_for("de_AT"))))

    @pytest.mark.parametrize(
        ("english", "german_text"),
        [
            ("T2 is missing: the segmentation is less accurate without it.", "T2 fehlt: ohne das ist die Segmentierung weniger genau."),
            ("T1ce (case_7) has only 9 slices.", "T1 KM (T1ce) (case_7) hat nur 9 Schichten."),
            (
                "FLAIR (a) has a voxel that is not a finite number (NaN or infinite).",
                "FLAIR (a) hat einen Voxel, der keine endliche Zahl ist",
            ),
            ("Whole tumour is scattered in 5 parts.", "Gesamttumor: in 5 Teile verstreut."),
            (
                "3 parts of Whole tumour smaller than 10% of the largest are left out (2.0 mL).",
                "Gesamttumor: 3 Teile, die kleiner als 10% des größten sind, wurden weggelassen (2.0 mL).",
            ),
            (
                "Nothing was found of Enhancing tumour: its largest probability is 0.31, and 0.75 is needed.",
                "Anreicherndes Tumorgewebe: nichts",
            ),
        ],
    )
    def test_told(self, german: object, english: str, german_text: str) -> None:
        assert german.told(english).startswith(german_text)

    def test_what_is_not_known_stays(self, german: object) -> None:
        assert german.told("Something quite else.") is None

    def test_real_findings_are_told(self, german: object) -> None:
        """The checks of images that have something of everything: no sentence of theirs is left in English."""
        import numpy as np

        from MedSegDLLib.checks.inputs import check
        from MedSegDLLib.geometry.image import Image
        from MedSegDLLib.tasks import TASKS

        random = np.random.default_rng(0)
        apart = np.diag([1.0, 1.0, 8.0, 1.0])
        apart[:3, 3] = 500
        images = {
            "flair": Image(random.random((20, 16, 12), dtype=np.float32), np.eye(4), "flair"),
            "t1": Image(np.ones((20, 16, 12), np.float32), np.eye(4), "t1"),
            "t2": Image(random.integers(0, 3, (4, 16, 12)).astype(np.float32) - 1, apart, "t2"),
        }
        said = [text for found in check(images, TASKS["brain"]) for text in (found.message, found.remedy) if text]
        assert len(said) > 6
        assert not [text for text in said if german.told(text) is None]


def test_own_compiler_writes_what_qt_reads(tmp_path: Path) -> None:
    """Qt finds each text of a .qm file of ours, as in one that its own lrelease made."""
    translation = pytest.importorskip("MedSegDLLib.scene.translation", reason="slicer-core is not installed")
    QtCore = pytest.importorskip("PySide6.QtCore", reason="PySide6 is not installed")
    path = translation.file_for("fr")
    found = list(translation.messages(path))
    files = [tmp_path / "own.qm", tmp_path / "theirs.qm"]
    files[0].write_bytes(translation.compiled(found))
    if shutil.which("lrelease"):
        subprocess.run(["lrelease", "-silent", str(path), "-qm", str(files[1])], check=True)
    for file in (file for file in files if file.is_file()):
        translator = QtCore.QTranslator()
        assert translator.load(str(file))
        assert all(translator.translate(entry.context, entry.source) == entry.translation for entry in found)


def test_language_of_a_locale() -> None:
    translation = pytest.importorskip("MedSegDLLib.scene.translation", reason="slicer-core is not installed")
    names = {locale: translation.file_for(locale) for locale in ("de_DE", "de-CH", "fr", "fr_CA", "en_US", "pt_BR", "")}
    stems = {locale: path.stem if path else None for locale, path in names.items()}
    german, french = "MedSegDL_de-DE", "MedSegDL_fr-FR"
    assert stems == {"de_DE": german, "de-CH": german, "fr": french, "fr_CA": french, "en_US": None, "pt_BR": None, "": None}


# What is said of several things -> what is said of one. In the values: the words that only the singular has.
OF_SEVERAL = {
    "{count} objects": "{count} object",
    "{count} objects, mean area {area} px. A click shows one.": "One object, area {area} px. A click shows it.",
    "{count} objects, mean area {mean} pixels, median {median}.": "One object of {mean} pixels.",
    "{count} smaller ones are in the CSV.": "A smaller one is in the CSV.",
    "{small} parts of {region} smaller than {region2} of the largest are left out ({together}).": (
        "A part of {region} smaller than {region2} of the largest is left out ({together})."
    ),
    "{name} has {count} voxels that are not finite numbers (NaN or infinite).": (
        "{name} has a voxel that is not a finite number (NaN or infinite)."
    ),
    "There are {names} corrected cases, and {least_cases} are needed: two to learn from, and one to be judged on.": (
        "There is one corrected case, and {least_cases} are needed: two to learn from, and one to be judged on."
    ),
    "Dice on {kept} cases kept back: {before} before, {after} after learning from {trained}.": (
        "Dice on one case kept back: {before} before, {after} after learning from {trained}."
    ),
    "Expected: about {seconds} s, after {count} earlier runs on this machine.": (
        "Expected: about {seconds} s, after one earlier run on this machine."
    ),
    "Expected: about {seconds} s and {memory} GB of memory, after {count} earlier runs on this machine.": (
        "Expected: about {seconds} s and {memory} GB of memory, after one earlier run on this machine."
    ),
    "With {inputs} alone the network did as well as with all inputs ({cases} cases held out).": (
        "With {inputs} alone the network did as well as with all inputs (one case held out)."
    ),
    "With {inputs} alone, mean Dice was: {values} ({cases} cases held out).": (
        "With {inputs} alone, Dice was: {values} (one case held out)."
    ),
    "The picture has {found} values a pixel, and this network takes {wanted}.": (
        "The picture has {found} value a pixel, and this network takes {wanted}."
    ),
}
NEVER_ONE = {
    "{count} inputs": "they are counted from three on",
    "{name} has only {count} slices.": "a single slice is refused otherwise",
    "{name} has {image} channels, but a picture is grey (1) or in colours (3, or 4 with opacity).": "one channel is grey",
    "{name} has {image} values a voxel (colours or a series in time), but one is needed.": "one is right",
    "{name} has {mask} values a voxel.": "one is right",
    "{name} is a volume of {image} slices, but a picture is needed.": "one slice is a picture",
    "{name} has {voxels} million voxels: it needs much memory and time.": "there are hundreds",
}
COUNTED = re.compile(
    r"\{(?:count|cases|kept|names|runs|small|found|image|mask|voxels|trained|number|studies)\} (?!does |has )(?:[a-z]+ )?[a-z]{2,}s\b"
)


def test_of_one_thing_is_spoken_in_the_singular() -> None:
    shown = {text.source for text in translations.texts()}
    several = {text for text in shown if COUNTED.search(text) and not re.match(r"Study|\{missing\}", text)}
    assert several == OF_SEVERAL.keys() | NEVER_ONE.keys(), "a text that counts needs one for the singular, or a reason"
    assert set(OF_SEVERAL.values()) <= shown
