"""Texts that users read, in Italian and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("it", "en")


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
