"""The documents tell what is there, and what they show runs."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from bot.telegram.commands import COMMANDS
from tests.conftest import ROOT, Workplace

DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LONGEST_README = 8000  # characters: it is read before anything is installed


@pytest.mark.parametrize("name", ["cli", "settings"])
def test_generated_pages_are_those_of_the_code(name: str) -> None:
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))[f"{name}_page"]()
    assert (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") == page, "run make docs"


def test_the_conversation_has_every_command() -> None:
    page = (ROOT / "docs" / "conversation.md").read_text(encoding="utf-8")
    typed = set(re.findall(r"\*\*🧑 (/\w+)", page))
    names = {f"/{name}" for command in COMMANDS.values() for name in command.names}
    assert {f"/{c.italian}" for c in COMMANDS.values()} <= typed <= {*names, "/boh", "/nope"}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8")) <= LONGEST_README


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)?(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if target and "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_lead_to_headings(page: Path) -> None:
    for target, heading in re.findall(
        r"\]\(([^)#\s:]*)#([^)]+)\)", page.read_text(encoding="utf-8")
    ):
        text = ((page.parent / target) if target else page).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", told).lower().replace(" ", "-") for told in headings}
        assert heading in anchors, f"{target}#{heading}"


def test_what_docs_show_of_python_runs(indexed_place: Workplace) -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    asked, retrieved = (printed(indexed_place, code) for code in shown)
    assert asked.startswith("Vladivostok\n") and ".txt" in retrieved


def printed(place: Workplace, code: str) -> str:
    """What Python prints there."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=place.path,
        env=place.command()[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
