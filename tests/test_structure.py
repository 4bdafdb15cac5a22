"""The shape of the project: dependencies point one way, documents tell what is there."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bot.environment import PREFIX
from bot.locales import texts
from bot.settings import Settings
from retrieval.answer import Intent
from retrieval.verifying.outcome import Verdict
from retrieval.verifying.receipts.judging import Standing
from tests.conftest import ROOT

ROOMS = ["index", "retrieval", "bot"]  # each may import those before it
FOLDERS = {  # likewise, in each room; what else lies in "bot" comes before its folders
    "index": ["errors", "disk", "text", "articles", "models", "generations", "building", "doctor"],
    "retrieval": [
        "answer", "questions", "conversation", "answering", "following", "verifying", "writing",
        "chain", "langchain", "evaluation",
    ],
    "bot": ["telegram", "terminal"],
}  # fmt: skip
MOST_FILES = 15  # of a folder, beside its __init__.py
NAMES = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_dependencies_point_one_way(room: str) -> None:
    later = {*ROOMS[ROOMS.index(room) + 1 :], "training", "benchmarks", "tests"}
    later |= {"telegram"} if room != "bot" else set()
    files = list((ROOT / room).rglob("*.py"))
    assert files
    assert {file.name: imports(file) & later for file in files if imports(file) & later} == {}


def within(room: str, name: str) -> int:
    """The place of a module in the order of its room's folders; -1 before all of them."""
    folder = name.split(".")[1]
    return FOLDERS[room].index(folder) if folder in FOLDERS[room] else -1


@pytest.mark.parametrize("room", ROOMS)
def test_folders_of_a_room_depend_one_way(room: str) -> None:
    for file in (ROOT / room).rglob("*.py"):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        if name == f"{room}.__init__":
            continue
        assert room == "bot" or within(room, name) >= 0, f"{name} is in no folder of FOLDERS"
        later = {
            node.module
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(room)
            if within(room, node.module) > within(room, name)
        }
        assert not later, f"{name} imports {later}"


def test_no_folder_has_more_files_than_can_be_taken_in() -> None:
    for room in ROOMS:
        for folder in {file.parent for file in (ROOT / room).rglob("*.py")}:
            files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
            assert len(files) <= MOST_FILES, folder


def test_only_the_settings_read_the_environment() -> None:
    readers = re.compile(r"os\.environ(?!\.setdefault)|getenv|dotenv")
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            found = readers.search(file.read_text(encoding="utf-8"))
            assert not found or file.name in ("settings.py", "environment.py"), file


def test_env_example_and_the_settings_are_equal() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#? ?(VIRGOLETTE_\w+)=", example, re.MULTILINE)) == NAMES


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    italian, english = texts("it"), texts("en")
    assert italian.names == english.names
    for name in italian.names:
        places = [sorted(re.findall(r"{(\w+)}", said(name))) for said in (italian, english)]
        assert places[0] == places[1], name


def test_every_text_that_is_said_is_there_and_every_text_is_said() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "bot").rglob("*.py"))
    said = set(
        re.findall(
            r"""["']((?:answer|problem|verify|export|chat|telegram|talk|admin|status)\.\w+)["']""",
            code,
        )
    )
    assert said <= texts("it").names
    built = (
        {
            n
            for n in texts("it").names
            if re.search(
                r"\.(refused|command|problem|fallback|one|many|in|quoted)_"
                r"|^problem\.(empty|too_long)",
                n,
            )
        }
        | {f"talk.{intent}" for intent in Intent if intent.is_talk}
        | {f"verify.{verdict}" for verdict in Verdict if verdict is not Verdict.ALTERED}
        | {f"verify.{name}" for name in ("changed", "added", "left_out")}
        | {f"export.standing_{standing}" for standing in Standing}
        | {f"verify.{name}" for name in ("missing_words", "words_too_many")}
    )
    assert texts("it").names == said | built


CUDA = re.compile(r"(nvidia|cuda)-|triton$")  # what torch brings on Linux unless it is a CPU build


def test_everything_installed_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines)
    assert pinned["torch"] == "2.13.0"
    pinned = {canonicalize_name(name): version for name, version in pinned.items()}
    ours = {"virgolette", "pip", "setuptools"}
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        if name not in ours and not CUDA.match(name):
            assert pinned.get(name) == distribution.version.split("+")[0], name


def test_the_pins_satisfy_the_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(n): v for n, v in (line.split("==") for line in lines)}
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
    ]
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
