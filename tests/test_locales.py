"""What users read is there in both languages, the sentences of errors and of help included."""

from __future__ import annotations

import ast
import builtins
import tomllib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from typer.main import get_command

from bot.environment import interface_language
from bot.locales.translation import translated, values_in
from bot.terminal.cli import app
from tests.conftest import ITALIAN, ROOT, Workplace

FILE = ROOT / "bot" / "locales" / "it_translations.toml"
SENTENCES = {
    english: italian
    for section in tomllib.loads(FILE.read_text(encoding="utf-8")).values()
    for english, italian in section.items()
}
SAYING = ("localized", "one_line")  # functions, beside errors and findings, that get a sentence
NOT_FOR_USERS = {*vars(builtins), "NetworkError", "ToolError"}  # programs catch them
SAME = {"7", "7: 7", "Telegram: 7", "Chroma: 7"}  # in both languages


def said_in(file: Path) -> Iterator[str]:
    """The sentences of errors, findings and reports in a file, with 7 for each value."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        is_error = name.endswith("Error") and name not in NOT_FOR_USERS
        is_error |= name == "ValueError" and file.name == "settings.py"
        owner = getattr(getattr(node.func, "value", None), "id", "")
        is_note = (owner, name) == ("notes", "append")
        if is_error or is_note or name in ("Finding", "CorpusFile", *SAYING):
            values = node.args[1:] if name in ("Finding", "CorpusFile") else node.args
            yield from filter(None, map(sentence, values))


def sentence(node: ast.expr) -> str:
    """The text of a string or f-string; "" of anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) and " " in node.value else ""
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
        return "".join(map(str, parts))
    return ""


def test_every_error_and_finding_has_an_italian_sentence() -> None:
    files = [file for room in ("index", "retrieval", "bot") for file in (ROOT / room).rglob("*.py")]
    said = {text for file in files for text in said_in(file)}
    assert len(said) > 100
    missing = {text for text in said - SAME if translated(text, "it") == text}
    assert missing == set()


def commands(command: Any) -> Iterator[Any]:
    """A command and all below it."""
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from commands(below)


def test_all_help_is_there_and_has_an_italian_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRGOLETTE_LANGUAGE", "en")
    for command in commands(get_command(app)):
        for part in (command, *command.params):
            assert part.help, part.name
            assert part.help in SENTENCES, part.help


def test_a_translation_has_the_values_of_its_sentence() -> None:
    for pair in SENTENCES.items():
        english, italian = (
            {name for _, name, *_ in Formatter().parse(text) if name} for text in pair
        )
        assert english - {"number"} == italian - {"number"}, pair
        texts = [text for text, *_ in Formatter().parse(pair[0])]
        assert all(texts[1:]), f"two values side by side: {pair[0]}"


def test_a_sentence_within_a_sentence_is_translated_and_a_name_is_not() -> None:
    said = "lost and found.txt was not added: it cannot be read: Permission denied"
    assert translated(said, "it") == (
        "lost and found.txt non è stato aggiunto: non si legge: permesso negato"
    )
    assert translated("something new", "it") == "something new"
    assert translated(said, "en") == said
    assert values_in("{a} of {b}", "1 of 2 of 3") == {"a": "1", "b": "2 of 3"}
    assert values_in("x{a}x", "x") is None


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "it"),
        ({"LANG": "it_IT.UTF-8"}, "it"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "it_IT.UTF-8", "LC_ALL": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "it_CH"}, "it"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:it:en"}, "it"),
        ({"LANG": "C", "LANGUAGE": "it"}, "en"),
        ({"LANG": "en_US.UTF-8", "VIRGOLETTE_LANGUAGE": "it"}, "it"),
        ({"LANG": "en_US.UTF-8", "VIRGOLETTE_LANGUAGE": "auto"}, "en"),
    ],
)
def test_the_language_is_that_of_the_setting_or_the_locale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environment: dict[str, str], language: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE", "VIRGOLETTE_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert interface_language() == language
    if "VIRGOLETTE_LANGUAGE" not in environment:
        (tmp_path / ".env").write_text("VIRGOLETTE_LANGUAGE=it\n")
        assert interface_language() == "it"


def test_the_command_line_speaks_italian_as_a_whole(empty_place: Workplace) -> None:
    page = empty_place.run("index", "--help", **ITALIAN).stdout
    assert page.startswith("Uso: ") and "[predefinito: no-rebuild]" in page
    assert "Mostra questo messaggio ed esce." in page and "Options" not in page
    wrong = empty_place.run("ask", "--jso", "x", **ITALIAN)
    assert wrong.returncode == 2 and "Errore: l’opzione --jso non esiste" in wrong.stderr
    wrong = empty_place.run("index", "--wait", "-3", **ITALIAN)
    assert "il valore di '--wait' non va bene: deve essere almeno 0" in wrong.stderr
    wrong = empty_place.run("status", VIRGOLETTE_CAUTION="brave", **ITALIAN)
    assert wrong.returncode == 2 and "deve essere 'cautious', 'balanced' o" in wrong.stderr
    assert "in data non c’è un indice" in empty_place.run("show", "x", **ITALIAN).stderr
    empty_place.write("vuoto.txt", "")
    empty_place.write("a.txt", "Il treno è partito da Pyongyang.")
    told = empty_place.run("index", **ITALIAN).stdout
    assert "+ aggiunto a.txt" in told and "! saltato  vuoto.txt: non contiene testo" in told
    assert "articoli nell’indice: 1; testi calcolati: 1" in told
    assert "in order" not in (doctor := empty_place.run("doctor", **ITALIAN).stdout)
    assert "a posto" in doctor
