"""Names that languages write differently: "Mosca" and "Moscow" are one.

Countries' names are those of the Unicode CLDR, by babel; the others are in ``names.txt``, beside
the languages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from index.text.language import codes
from index.text.words import plain

_ENDINGS = ("o", "a", "i", "e", "hi", "he", "")  # none: "Iranian"
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 5  # words of a name


@dataclass(frozen=True)
class Word:
    """A word of a text: its span, its folded form, and how it is written."""

    start: int
    end: int
    folded: str
    written: str


@dataclass(frozen=True)
class Named:
    """A name in a list of words, from ``first`` to ``last``, and the entity that it stands for."""

    first: int
    last: int  # included
    entity: str

    @property
    def is_country(self) -> bool:
        """Whether it stands for a country or its people: names even in lower case."""
        return self.entity.isupper() or self.entity.isdecimal()


def words_of(text: str) -> list[Word]:
    """The words of a text."""
    return [Word(*m.span(), plain(m[0]), m[0]) for m in _WORD.finditer(text)]


def known_names(words: Sequence[Word]) -> list[Named]:
    """The names that have other forms, the longest at each position."""
    forms = _forms()
    names: list[Named] = []
    at = 0
    while at < len(words):
        for count in range(min(_LONGEST, len(words) - at), 0, -1):
            entity = forms.get(tuple(word.folded for word in words[at : at + count]))
            if entity:
                names.append(Named(at, at + count - 1, entity))
                at += count - 1
                break
        at += 1
    return names


@cache
def _forms() -> dict[tuple[str, ...], str]:
    """The entity of each form, by its words; the rows of ``names.txt`` win over babel's."""
    from babel import Locale

    entity_of: dict[tuple[str, ...], str] = {}
    for language in codes():
        for code, name in Locale(language).territories.items():
            if code.isdecimal() or code == "ZZ":
                continue  # "world", "unknown region"
            bare = re.sub(r"\s*\(.*\)|^RAS di | SAR China$", "", str(name))
            entity_of[tuple(word.folded for word in words_of(bare))] = code
    rows = files("index.text").joinpath("languages", "names.txt").read_text(encoding="utf-8")
    for row in rows.splitlines():
        if row and not row.startswith("#"):
            first, *forms = (part.strip() for part in row.split("|"))
            is_code = first.isupper() or first.isdecimal()
            forms = forms if is_code else [first, *forms]
            entity_of |= {words: first for form in forms for words in _endings(form)}
    return entity_of


def _endings(form: str) -> list[tuple[str, ...]]:
    """A form with every ending that its "*" stands for."""
    endings = _ENDINGS if "*" in form else ("",)
    return [
        tuple(word.folded for word in words_of(form.replace("*", ending))) for ending in endings
    ]
