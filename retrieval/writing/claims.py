"""Reads what a model writes as claims, each with the words that the model says it quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_RESPONSE_LENGTH = 40_000  # characters
MAX_CLAIM_LENGTH = 600  # characters


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*properties],
        "properties": properties,
    }


_QUOTE = _object(
    passage={"type": "integer", "description": "Its number."},
    words={"type": "string", "description": "Words of that passage, copied exactly."},
)
_CLAIM = _object(
    text={"type": "string", "description": "One sentence that answers."},
    quotes={"type": "array", "items": _QUOTE},
)
# For models with structured output.
SCHEMA: dict[str, Any] = {
    "title": "claims",
    "description": "The claims that answer the question; none where the passages do not.",
    **_object(claims={"type": "array", "items": _CLAIM}),
}

_LINE = re.compile(
    r"^[\s*#>-]*(?:(?P<claim>claim|affermazione)|(?P<quote>quote|citazione)\s*\[?(?P<number>\d{1,4})\]?)"
    r"[\s*]*:[\s*]*(?P<words>.*)$",
    re.IGNORECASE,
)
_QUOTATION_MARKS = {"“": "”", "«": "»", '"': '"', "„": "“", "‘": "’", "❝": "❞"}


@dataclass(frozen=True)
class WrittenQuote:
    """Words that, according to the model, are in the passage of this number, from 1."""

    passage: int
    words: str


@dataclass(frozen=True)
class WrittenClaim:
    """A claim as the model wrote it, unchecked."""

    text: str
    quotes: tuple[WrittenQuote, ...]


class ClaimReader:
    """Reads claims from a text that arrives in pieces, each as soon as it is complete.

    The text is JSON of SCHEMA, perhaps truncated, or lines: "CLAIM: …" with "QUOTE 2: …" below it.
    Everything else is skipped.
    """

    def __init__(self) -> None:
        self._text = ""
        self._position = 0  # of the first character not read yet
        self._open_braces: list[int] = []  # their positions
        self._in_string = False
        self._lines: list[str] = []  # of the claim that is not complete yet

    @property
    def full(self) -> bool:
        """Whether further text is ignored."""
        return len(self._text) >= MAX_RESPONSE_LENGTH

    @property
    def is_json(self) -> bool:
        """Whether the text has a brace, and no "CLAIM:" line before it."""
        before, brace, _ = self._text.partition("{")
        return bool(brace) and not any(_LINE.match(line) for line in before.splitlines())

    @property
    def is_truncated(self) -> bool:
        """Whether the text is JSON that has not ended."""
        return bool(self._open_braces)

    def feed(self, piece: str) -> Iterator[WrittenClaim]:
        """The claims that this piece completes."""
        self._text = (self._text + piece)[:MAX_RESPONSE_LENGTH]
        yield from self._read_json() if self.is_json else self._read_lines()

    def close(self) -> Iterator[WrittenClaim]:
        """The claims that only the end of the text completes."""
        if not self.is_json:
            self._text += "\n"
            yield from self._read_lines()
            yield from _from_lines(self._lines)

    def _read_json(self) -> Iterator[WrittenClaim]:
        """The claims among the objects that end, inner ones first."""
        while self._position < len(self._text):
            character = self._text[self._position]
            if self._in_string and character == "\\":
                if self._position + 1 == len(self._text):
                    return  # the escaped character comes with the next piece
                self._position += 1
            elif character == '"' and self._open_braces:
                self._in_string = not self._in_string
            elif not self._in_string and character == "{":
                self._open_braces.append(self._position)
            elif not self._in_string and character == "}" and self._open_braces:
                yield from _from_json(self._text[self._open_braces.pop() : self._position + 1])
            self._position += 1

    def _read_lines(self) -> Iterator[WrittenClaim]:
        """The claims that another one follows: the last one may go on."""
        *complete, rest = self._text[self._position :].split("\n")
        self._position = len(self._text) - len(rest)
        for line in complete:
            match = _LINE.match(line)
            if match and match["claim"]:
                yield from _from_lines(self._lines)
                self._lines = []
            self._lines.append(line)


def _from_json(text: str) -> Iterator[WrittenClaim]:
    try:
        claim = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return
    if isinstance(claim.get("text"), str) and isinstance(claim.get("quotes"), list):
        quotes = [
            (quote["passage"], quote["words"])
            for quote in claim["quotes"]
            if isinstance(quote, dict) and type(quote.get("passage")) is int
            if isinstance(quote.get("words"), str)
        ]
        yield _claim(claim["text"], quotes)


def _from_lines(lines: list[str]) -> Iterator[WrittenClaim]:
    """The claim in these lines, if there is one. A line without a key continues the one above."""
    claim: list[str] = []
    quotes: list[tuple[int, list[str]]] = []
    part: list[str] = []  # what comes before the first key is skipped
    for line in lines:
        match = _LINE.match(line)
        if match:
            part = claim if match["claim"] else []
        if match and match["quote"]:
            quotes.append((int(match["number"]), part))
        part.append(match["words"] if match else line)
    if text := "\n".join(filter(None, claim)):
        pairs = [(number, "\n".join(filter(str.strip, part))) for number, part in quotes]
        yield _claim(text, pairs)


def _claim(text: str, quotes: list[tuple[int, str]]) -> WrittenClaim:
    written = tuple(WrittenQuote(passage, _unquoted(words)) for passage, words in quotes)
    return WrittenClaim(" ".join(text.split()), written)


def _unquoted(words: str) -> str:
    """Words without the quotation marks around all of them."""
    words = words.strip()
    if len(words) > 1 and _QUOTATION_MARKS.get(words[0]) == words[-1]:
        return words[1:-1].strip()
    return words
