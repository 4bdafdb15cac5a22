"""What is written down about the languages that Virgolette understands: one file for each.

The models know many languages. For what code has to know of one, add a file to ``languages/``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

MAIN = "it"  # the language of the articles and of most questions


@dataclass(frozen=True)
class Language:
    """The content of a file in ``languages/``; ``it.toml`` tells what each field is for.

    ``numbers`` maps words to values, ``scales`` words to factors. ``patterns`` holds regular
    expressions by name, in which a blank stands for any white space.
    """

    code: str
    name: str
    time_zone: str
    stop_words: frozenset[str]
    function_words: frozenset[str]
    abbreviations: frozenset[str]
    final_abbreviations: frozenset[str]
    months: tuple[str, ...]
    months_that_are_words: frozenset[str]
    weekdays: tuple[str, ...]
    byline_words: frozenset[str]
    update_words: frozenset[str]
    outlet_channels: frozenset[str]
    openers: frozenset[str]
    titles: frozenset[str]
    verb_endings: frozenset[str]
    plain_endings: frozenset[str]
    interrogative_words: frozenset[str]
    request_words: frozenset[str]
    spellings: Mapping[str, str]
    example: Mapping[str, str]
    numbers: Mapping[str, int]
    counts: Mapping[str, int]
    scales: Mapping[str, int]
    patterns: Mapping[str, tuple[str, ...]]


@cache
def language(code: str) -> Language:
    """The language with this code, as "it": there is a file with its name."""
    text = files(__package__).joinpath("languages", f"{code}.toml").read_text(encoding="utf-8")
    fields: dict[str, Any] = tomllib.loads(text)
    fields |= fields.pop("claims") | fields.pop("requests")
    for name, content in fields.items():
        if name in ("months", "weekdays"):
            fields[name] = tuple(content.split())
        elif name not in ("code", "name", "time_zone") and isinstance(content, str):
            fields[name] = frozenset(content.split())
    fields["scales"] = {w: int(n) for n, ws in fields["scales"].items() for w in ws.split()}
    return Language(**fields)


@cache
def codes() -> tuple[str, ...]:
    """The codes of all languages, that of the main one first."""
    paths = (Path(file.name) for file in files(__package__).joinpath("languages").iterdir())
    others = {path.stem for path in paths if path.suffix == ".toml"} - {MAIN}
    return MAIN, *sorted(others)


@cache
def languages() -> tuple[Language, ...]:
    """All of them, the main one first."""
    return tuple(language(code) for code in codes())


@cache
def vocabulary(field: str) -> frozenset[str]:
    """The words that any language has in a field, as ``stop_words``."""
    return frozenset[str]().union(*(getattr(one, field) for one in languages()))


@cache
def alternatives(name: str) -> str:
    """The patterns that the languages have under a name, as one group to build others with."""
    patterns = [pattern for one in languages() for pattern in one.patterns[name]]
    return f"(?:{'|'.join(patterns)})".replace(" ", r"\s+")


@cache
def pattern(name: str) -> re.Pattern[str]:
    """The same compiled: whole words, in upper or lower case."""
    return re.compile(rf"(?<!\w){alternatives(name)}(?!\w)", re.IGNORECASE)


@cache
def month_pattern() -> str:
    """A group that matches the name of a month in any language."""
    return f"(?:{'|'.join(month for one in languages() for month in one.months)})"


@cache
def month_numbers() -> dict[str, int]:
    """The number of each month, from 1, by its name in any language."""
    return {month: n for one in languages() for n, month in enumerate(one.months, 1)}


@cache
def weekday_numbers() -> dict[str, int]:
    """The number of each day of the week, from 0, by its name in any language."""
    return {day: n for one in languages() for n, day in enumerate(one.weekdays)}
