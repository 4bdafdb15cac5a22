"""Texts that users read, in Italian and English."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.environment import LANGUAGES, interface_language
from bot.locales.translation import translated

if TYPE_CHECKING:
    from retrieval.answer import Question


def texts_for(setting: str, question: Question | None = None) -> Texts:
    """The texts of the setting; with "auto" of the question's language, else of the locale's."""
    if setting != "auto":
        return texts(setting)
    if question:
        return texts(question.language)
    return texts(interface_language())


def texts_for_user(setting: str, language_code: str | None) -> Texts:
    """The same where the user's own language is known, as a code such as "it" or "en-GB"."""
    if setting != "auto":
        return texts(setting)
    return texts((language_code or "it").split("-")[0].lower())


class Texts:
    """The texts of one language, by "section.name"."""

    def __init__(self, language: str, entries: dict[str, str]) -> None:
        self.language = language
        self.names = frozenset(entries)
        self._entries = entries

    def translated(self, text: str) -> str:
        """An English sentence of help, an error or a report in this language."""
        return translated(text, self.language)

    def __call__(self, name: str, /, **values: object) -> str:
        """The text with its values filled in. KeyError for a name that no language has."""
        return self._entries[name].format(**values) if values else self._entries[name]


@cache
def texts(language: str) -> Texts:
    """The texts in Italian or English; English for any other language."""
    import tomllib

    code = language if language in LANGUAGES else "en"
    loaded = tomllib.loads(Path(__file__).with_name(f"{code}.toml").read_text(encoding="utf-8"))
    entries = {
        f"{section}.{name}": text
        for section, named in loaded.items()
        for name, text in named.items()
    }
    return Texts(code, entries)
