"""Texts that users read, in Italian and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.answer import Question

LANGUAGES = ("it", "en")


def texts_for(setting: str, question: Question | None = None) -> Texts:
    """The texts of the setting; with "auto" those of the question's language, else Italian."""
    if setting != "auto":
        return texts(setting)
    return texts(question.language if question else "it")


def texts_for_user(setting: str, language_code: str | None) -> Texts:
    """The same where the user's own language is known, as a code such as "it" or "en-GB"."""
    if setting != "auto":
        return texts(setting)
    return texts((language_code or "it").split("-")[0].lower())


class Texts:
    """The texts of one language, by "section.name"."""

    def __init__(self, entries: dict[str, str]) -> None:
        self.names = frozenset(entries)
        self._entries = entries

    def __call__(self, name: str, /, **values: object) -> str:
        """The text with its values filled in. KeyError for a name that no language has."""
        return self._entries[name].format(**values) if values else self._entries[name]


@cache
def texts(language: str) -> Texts:
    """The texts in Italian or English; English for any other language."""
    code = language if language in LANGUAGES else "en"
    loaded = tomllib.loads(files(__name__).joinpath(f"{code}.toml").read_text(encoding="utf-8"))
    entries = {
        f"{section}.{name}": text
        for section, named in loaded.items()
        for name, text in named.items()
    }
    return Texts(entries)
