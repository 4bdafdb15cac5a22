"""Reads the front matter of text files, as other programs write it too.

YAML between ``---`` (Jekyll, Obsidian, Pandoc, Zettlr), TOML between ``+++`` and JSON (Hugo).
"""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from index.articles.document import Document
from index.text.clean import INVISIBLE, one_line, shown

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

_FENCED = re.compile(
    rf"(?:[\s{INVISIBLE}]*\n)?[{INVISIBLE}]*(?P<fence>---|\+\+\+)[ \t]*\n(?P<block>.*?)"
    r"^(?:(?P=fence)|\.\.\.)[ \t]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_KEY = re.compile(r"[\"']?(?P<name>[^\W\d][\w -]{0,40}?)[\"']?[ \t]*[:=](?:[ \t]+|$)", re.MULTILINE)
# The names of each field, the best first. "created" is the day of a note, not of its article.
_NAMES = {
    "title": ("title",),
    "source": ("source", "publisher", "publication", "site"),
    "date": ("date", "published", "pubdate", "publishdate", "published_at"),
    "url": ("url", "source_url", "original_url", "link", "source"),
    "language": ("language", "lang", "locale"),
}
# What else tells a front matter from a text between two rulers.
_OTHER_NAMES = (
    "author authors tags tag categories category keywords description summary draft layout slug"
    " permalink id aliases created updated modified lastmod type status cssclasses image"
).split()
_KNOWN = frozenset(_OTHER_NAMES).union(*_NAMES.values())
_MAX_BLOCK = 100_000  # characters
_MAX_DATE = 60
_NULL = "tag:yaml.org,2002:null"


def split_front_matter(text: str) -> Document:
    """The text after the front matter, and the known fields in that.

    What cannot be read of it stays unknown; the notes say so. A block without any name that front
    matter has is text.
    """
    parse, block, rest = _split(text)
    notes: list[str] = []
    values = _values(parse, block, notes)
    if block.strip() and not values.keys() & _KNOWN:
        return Document(text)
    opened = text.startswith("---\n") and _KEY.match(text, len("---\n"))
    if rest == text and opened and opened["name"].lower() in _KNOWN:
        notes.append("its front matter is not closed by a line ---: it counts as text")
    fields = _fields(values, notes)
    return Document(rest, {name: value for name, value in fields.items() if value}, tuple(notes))


def _split(text: str) -> tuple[Any, str, str]:
    """What parses the front matter, its text, and the text after it."""
    match = _FENCED.match(text)
    if match is not None and len(match["block"]) <= _MAX_BLOCK:
        parse = _yaml if match["fence"] == "---" else tomllib.loads
        return parse, shown(match["block"]), text[match.end() :]
    start = len(text) - len(text.lstrip())
    if text.startswith("{", start):
        with suppress(ValueError, RecursionError):
            _, end = json.JSONDecoder().raw_decode(text[: start + _MAX_BLOCK], start)
            return json.loads, text[start:end], text[end:].removeprefix("\n")
    return _yaml, "", text


def _yaml(block: str) -> Any:
    import yaml  # here, because the walk reads no article

    try:
        return yaml.load(block, Loader=_loader())  # noqa: S506
    except yaml.YAMLError as error:
        raise ValueError(error) from error


@cache
def _loader() -> Any:
    """It keeps strings: "No" is a title, not False. Only a plain ``null`` is no value."""
    import yaml

    class Loader(yaml.BaseLoader):
        pass

    Loader.add_implicit_resolver(_NULL, re.compile("(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
    Loader.add_constructor(_NULL, lambda _loader, _node: None)
    return Loader


def _values(parse: Any, block: str, notes: list[str]) -> dict[str, Any]:
    """The values by their names in lower case; of a damaged block those that can be read."""
    try:
        loaded = parse(block)
    except (ValueError, RecursionError):
        loaded = dict(_readable(parse, block, notes))
    return {str(n).lower(): v for n, v in loaded.items()} if isinstance(loaded, dict) else {}


def _readable(parse: Any, block: str, notes: list[str]) -> Iterator[tuple[str, Any]]:
    """Names and values, part by part; nothing if most lines are none."""
    parts = list(_parts(block))
    named = [(match["name"], match.end(), part) for part in parts if (match := _KEY.match(part))]
    stray = [part for part in parts if part.strip() and not _KEY.match(part)]
    if len(stray) > len(named):
        return
    if stray:
        notes.append(f"its front matter has a line that is not read: '{one_line(stray[0])[:60]}'")
    for name, start, part in named:
        try:
            yield name, parse(part)[name]
        except (ValueError, LookupError, TypeError, RecursionError):
            raw = part[start:].strip()
            quote = raw[:1] if raw[:1] in ("'", '"') else ""
            yield name, raw.removeprefix(quote).removesuffix(quote)


def _parts(block: str) -> Iterator[str]:
    """The lines of the block, each with those that are indented, list items or empty below it."""
    part = ""
    for line in block.splitlines():
        if part and not line[:1].isspace() and line[:1] not in ("", "-", "#", "]", "}"):
            yield part
            part = ""
        part += line + "\n"
    yield part


def _fields(values: Mapping[str, Any], notes: list[str]) -> dict[str, str]:
    texts = {
        field: [text for name in names if (text := _text(values.get(name)))]
        for field, names in _NAMES.items()
    }
    fields = {
        "title": _first(texts["title"]),
        "source": _first(text for text in texts["source"] if not _is_address(text)),
        "date": _first(map(_iso_date, texts["date"])),
        "url": _first(filter(_is_address, texts["url"])),
        "language": _first(map(_code, texts["language"])),
    }
    if texts["date"] and not fields["date"]:
        notes.append(f"the date '{texts['date'][0][:_MAX_DATE]}' is not read: write YYYY-MM-DD")
    for field, value in fields.items():
        if not value and isinstance(values.get(field), list | dict) and values[field]:
            notes.append(f"its front matter has more than one value for '{field}'")
    return fields


def _first(texts: Iterator[str] | list[str]) -> str:
    return next(filter(None, texts), "")


def _text(value: Any) -> str:
    """A single value as one line, "" if there is none or more than one."""
    while isinstance(value, list) and len(value) == 1:  # Obsidian's [[link]] is a list, too
        (value,) = value
    if isinstance(value, datetime.date):
        return value.isoformat()
    if value is None or isinstance(value, list | dict):
        return ""
    line = one_line(str(value).encode(errors="replace").decode())
    if line.startswith("[[") and line.endswith("]]"):
        return line[2:-2].rpartition("|")[2]
    return line


def _is_address(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def _code(text: str) -> str:
    """The code of a language: "it" for "it-IT"."""
    code = text.replace("_", "-").split("-")[0].lower()
    return code if code.isalpha() and len(code) in (2, 3) else ""


def _iso_date(text: str) -> str:
    """A date in ISO 8601, "" if it is none, or another one for those who write the month first."""
    for read in (datetime.date.fromisoformat, datetime.datetime.fromisoformat):
        with suppress(ValueError):
            return read(text).isoformat()
    if len(text) > _MAX_DATE:
        return ""
    moments = {parser.get_date_data(text).date_obj for parser in _date_parsers()}
    moment = moments.pop()
    if moments or moment is None:
        return ""
    is_day = moment.time() == datetime.time() and ":" not in text
    return moment.date().isoformat() if is_day else moment.isoformat()


@cache
def _date_parsers() -> tuple[DateDataParser, ...]:
    """Parsers of whole dates, one for each order of day, month and year."""
    from dateparser.date import DateDataParser

    settings = {"REQUIRE_PARTS": ["day", "month", "year"], "PARSERS": ["absolute-time"]}
    return tuple(
        DateDataParser(languages=["it", "en"], settings={**settings, "DATE_ORDER": order})
        for order in ("DMY", "MDY", "YMD")
    )
