"""What Slicer installs is what the CMake files list: every script and every resource of the tree, and nothing that is not there."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "MedSegDL"
SELF_TESTS = ROOT / "Testing" / "Python"
FOREIGN = {"__pycache__", "__init__.py"}
SHIPPED_FOLDERS = {"shipped": "Weights", "shipped_tasks": "Tasks"}  # package in a wheel -> folder of Resources
# A Slicer of one file: it asks for the files as the real macros do (SlicerMacroBuildScriptedModule.cmake) and installs nothing.
FAKE_SLICER = """
set(Slicer_USE_FILE ${CMAKE_CURRENT_LIST_DIR}/empty.cmake)
set(Slicer_EXTENSION_GENERATE_CONFIG ${Slicer_USE_FILE})
set(Slicer_EXTENSION_CPACK ${Slicer_USE_FILE})
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "unknown keywords: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  foreach(file IN LISTS MY_SCRIPTS MY_RESOURCES)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
      message(FATAL_ERROR "nonexistent: ${file}")
    endif()
  endforeach()
  message(STATUS "module ${MY_NAME}")
endfunction()
function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  message(STATUS "unittest ${MY_SCRIPT}")
endfunction()
"""


def listed(path: Path, variable: str) -> list[str]:
    """The entries of `set(variable ...)` in a CMake file."""
    found = re.search(rf"set\({variable}\s+(.*?)\)", path.read_text(encoding="utf-8"), re.DOTALL)
    assert found, f"{variable} is not set in {path}"
    return found.group(1).replace("${MODULE_NAME}", "MedSegDL").split()


def in_tree(folder: Path, pattern: str) -> list[str]:
    """Files of a folder by their relative paths, caches and hidden files left out."""
    files = (path.relative_to(folder) for path in folder.rglob(pattern) if path.is_file())
    return sorted(path.as_posix() for path in files if "__pycache__" not in path.parts and not path.name.startswith("."))


def test_every_script_of_the_module_is_listed_once() -> None:
    assert sorted(listed(MODULE / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS")) == in_tree(MODULE, "*.py")


def test_every_resource_is_listed_once() -> None:
    files = [f"Resources/{path}" for path in in_tree(MODULE / "Resources", "*") if Path(path).name not in FOREIGN]
    assert sorted(listed(MODULE / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES")) == sorted(files)


def test_every_self_test_is_listed_once() -> None:
    lists = SELF_TESTS / "CMakeLists.txt"
    assert sorted(listed(lists, "SELF_TESTS") + listed(lists, "SELF_TEST_HELPERS")) == in_tree(SELF_TESTS, "*.py")


@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
def test_cmake_understands_the_files(tmp_path: Path) -> None:
    (tmp_path / "SlicerConfig.cmake").write_text(FAKE_SLICER, encoding="utf-8")
    (tmp_path / "empty.cmake").touch()
    # the languages of project() are not looked for: there is nothing to compile
    quiet = [f"-DCMAKE_{language}_COMPILER_WORKS=1" for language in ("C", "CXX")]
    command = ["cmake", "-S", str(ROOT), "-B", str(tmp_path / "build"), f"-DSlicer_DIR={tmp_path}", "-DBUILD_TESTING=ON", *quiet]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "module MedSegDL" in ran.stdout
    assert "unittest MedSegDL.py" in ran.stdout and "unittest MedSegDLSelfTest.py" in ran.stdout


def test_index_entry_and_project_agree() -> None:
    entry = json.loads((ROOT / "MedSegDL.json").read_text(encoding="utf-8"))
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.search(r"^project\(MedSegDL\)$", cmake, re.MULTILINE)
    assert f'set(EXTENSION_CATEGORY "{entry["category"]}")' in cmake
    assert f'set(EXTENSION_DEPENDS "{" ".join(entry["build_dependencies"])}")' in cmake
    assert re.search(r'EXTENSION_HOMEPAGE "([^"]+)"', cmake).group(1) == entry["scm_url"].removesuffix(".git")
    assert entry["scm_url"].endswith("/SlicerMedSegDL.git")
    allowed = {"$schema", "category", "scm_url", "scm_revision", "build_dependencies", "build_subdirectory", "dicom_support_rule", "tier"}
    assert set(entry) <= allowed and entry["tier"] in (1, 3, 5)
    assert entry["$schema"].endswith("slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert f'set(EXTENSION_DICOM_SUPPORT_RULE "{entry["dicom_support_rule"]}")' in cmake
    assert re.search(r'set\(EXTENSION_KEYWORDS "', cmake) and re.search(r'set\(EXTENSION_RECOMMENDS "', cmake)


@pytest.mark.parametrize(
    ("tags", "fits"),
    [
        ({"Modality": "MR", "BodyPartExamined": "BRAIN"}, True),
        ({"Modality": "CT", "BodyPartExamined": "LIVER"}, True),
        ({"Modality": "CT", "BodyPartExamined": "BRAIN"}, False),
        ({"Modality": "MR"}, False),
    ],
)
def test_the_dicom_rule_means_heads_in_mr_and_bellies_in_ct(tags: dict[str, str], fits: bool) -> None:
    rule = json.loads((ROOT / "MedSegDL.json").read_text(encoding="utf-8"))["dicom_support_rule"]
    values = {"Modality": None, "BodyPartExamined": None, **tags}
    assert bool(eval(rule, {"__builtins__": {}}, values)) is fits  # the language of rule-engine is Python's as far as this rule goes


def test_a_wheel_holds_every_room_and_every_resource_that_the_core_reads() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = re.findall(r'^    "(MedSegDLLib[\w.]*)",$', text, re.MULTILINE)
    homes = dict(re.findall(r'"(MedSegDLLib\.shipped\w*)" = "(MedSegDL/Resources/\w+)"', text))
    rooms = {".".join(path.relative_to(MODULE).parent.parts) for path in (MODULE / "MedSegDLLib").rglob("__init__.py")}
    assert sorted(packages) == sorted(rooms | set(homes))
    assert homes == {f"MedSegDLLib.{name}": f"MedSegDL/Resources/{folder}" for name, folder in SHIPPED_FOLDERS.items()}
    for name, folder in SHIPPED_FOLDERS.items():
        kinds = re.search(rf'"MedSegDLLib\.{name}" = \[(.*)\]', text).group(1)
        assert {f'"*{path.suffix}"' for path in (MODULE / "Resources" / folder).iterdir()} == set(kinds.split(", "))


def test_there_is_one_version() -> None:
    core = re.search(r'__version__ = "([^"]+)"', (MODULE / "MedSegDLLib" / "__init__.py").read_text(encoding="utf-8")).group(1)
    training = (ROOT / "training" / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "([^"]+)"', training, re.MULTILINE).group(1) == core
    first, *released = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first in ("Unreleased", core), "the newest changes are the package's"
    assert all(as_numbers(version) < as_numbers(core) for version in released)


def as_numbers(version: str) -> tuple[int, ...]:
    """1.2.3 as (1, 2, 3)."""
    return tuple(int(part) for part in version.split("."))


def test_icon_has_the_size_that_the_index_asks_for() -> None:
    for path in (ROOT / "MedSegDL.png", MODULE / "Resources" / "Icons" / "MedSegDL.png"):
        header = path.read_bytes()[:24]
        assert header[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", header[16:24]) == (128, 128)


def test_screenshots_of_the_index_are_in_the_repository() -> None:
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    for url in re.search(r'EXTENSION_SCREENSHOTURLS "([^"]+)"', cmake).group(1).split():
        assert (ROOT / url.split("/main/")[1]).is_file(), url
