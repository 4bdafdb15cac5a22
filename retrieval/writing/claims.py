"""What a model wrote, as claims: each with the words that it says it quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LONGEST_TEXT = 40_000  # characters of what a model writes that are read
LONGEST_CLAIM = 600  # characters

# What a model that can is made to fill in.
SCHEMA: dict[str, Any] = {
    "title": "claims",
    "description": "The claims that answer the question; none where the passages do not.",
    "type": "object",
    "additionalProperties": False,
    "required": ["claims"],
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["text", "quotes"],
                "properties": {
                    "text": {"type": "string", "description": "One sentence that answers."},
                    "quotes": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["passage", "words"],
                            "properties": {
                                "passage": {"type": "integer", "description": "Its number."},
                                "words": {
                                    "type": "string",
                                    "description": "Words of that passage, copied exactly.",
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}

_LINE = re.compile(
    r"^[\s*#>-]*(?:(?P<claim>claim|affermazione)|(?P<quote>quote|citazione)\s*\[?(?P<number>\d{1,4})\]?)"
    r"[\s*]*:[\s*]*(?P<words>.*)$",
    re.IGNORECASE,
)
_MARKS = {"“": "”", "«": "»", '"': '"', "„": "“", "‘": "’", "❝": "❞"}


@dataclass(frozen=True)
class Quoted:
    """Words that a model says are in the passage of this number, from 1."""

    passage: int
    words: str


@dataclass(frozen=True)
class Written:
    """A claim as the model wrote it, nothing checked."""

    text: str
    quotes: tuple[Quoted, ...]


class ClaimReader:
    """Reads claims out of a text that comes in pieces, each as soon as it is complete.

    The text is JSON of SCHEMA, whole or not, or lines: "CLAIM: …", and below it "QUOTE 2: …".
    What is neither is left out.
    """

    def __init__(self) -> None:
        self._text = ""
        self._at = 0  # up to where it was read
        self._open: list[int] = []  # where the objects begin that have not ended
        self._in_string = False
        self._lines: list[str] = []

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return len(self._text) >= LONGEST_TEXT

    @property
    def is_form(self) -> bool:
        """Whether what came is JSON: it has a brace, and no claim in a line before that."""
        before, brace, _ = self._text.partition("{")
        return bool(brace) and not any(_LINE.match(line) for line in before.splitlines())

    @property
    def is_cut(self) -> bool:
        """Whether what came is JSON that has not ended."""
        return bool(self._open)

    def feed(self, piece: str) -> Iterator[Written]:
        """The claims that are complete with this piece."""
        self._text = (self._text + piece)[:LONGEST_TEXT]
        yield from self._objects() if self.is_form else self._claims_before_the_last()

    def close(self) -> Iterator[Written]:
        """The claim that only the end of the text completes, if there is one."""
        if not self.is_form:
            self._lines += self._text[self._at :].splitlines()
            self._at = len(self._text)
            yield from _claims(self._lines)

    def _objects(self) -> Iterator[Written]:
        while self._at < len(self._text):
            character = self._text[self._at]
            if self._in_string and character == "\\":
                if self._at + 1 == len(self._text):
                    return  # what it escapes comes with the next piece
                self._at += 1
            elif character == '"' and self._open:
                self._in_string = not self._in_string
            elif not self._in_string and character == "{":
                self._open.append(self._at)
            elif not self._in_string and character == "}" and self._open:
                yield from _from_json(self._text[self._open.pop() : self._at + 1])
            self._at += 1

    def _claims_before_the_last(self) -> Iterator[Written]:
        *whole, rest = self._text[self._at :].split("\n")
        self._at = len(self._text) - len(rest)
        for line in whole:
            found = _LINE.match(line)
            if found and found["claim"]:
                yield from _claims(self._lines)
                self._lines = []
            self._lines.append(line)


def _from_json(text: str) -> Iterator[Written]:
    try:
        told = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    if isinstance(told.get("text"), str) and isinstance(told.get("quotes"), list):
        quotes = [one for one in told["quotes"] if isinstance(one, dict)]
        yield _written(told["text"], [(one.get("passage"), one.get("words")) for one in quotes])


def _claims(lines: list[str]) -> Iterator[Written]:
    """The claim in these lines, if one is in them: a line without a key goes on with the last."""
    claim, quotes = "", list[tuple[object, str]]()
    last = ""
    for line in lines:
        found = _LINE.match(line)
        if found:
            last = "claim" if found["claim"] else "quote"
        words = found["words"] if found else line
        if found and last == "quote":
            quotes.append((int(found["number"]), words))
        elif last == "claim":
            claim = f"{claim}\n{words}" if claim else words
        elif last == "quote" and line.strip():
            quotes[-1] = (quotes[-1][0], f"{quotes[-1][1]}\n{words}")
    if claim:
        yield _written(claim, quotes)


def _written(text: str, quotes: list[tuple[Any, Any]]) -> Written:
    told = [
        Quoted(passage, _bare(words))
        for passage, words in quotes
        if type(passage) is int and isinstance(words, str)
    ]
    return Written(" ".join(text.split()), tuple(told))


def _bare(words: str) -> str:
    """Words without the quotation marks around all of them."""
    words = words.strip()
    if len(words) > 1 and _MARKS.get(words[0]) == words[-1]:
        return words[1:-1].strip()
    return words
