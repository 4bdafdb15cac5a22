"""Decodes text whose encoding nobody declares, or declares wrongly."""

from __future__ import annotations

import codecs
import itertools
import re
import statistics
from dataclasses import dataclass

from index.errors import ArticleError

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Of western Europe, the most frequent first: where several fit as well, it is taken.
_WESTERN = {
    "cp1252": "Windows-1252",
    "iso8859-15": "ISO-8859-15",
    "mac_roman": "Mac Roman",
    "cp850": "DOS (850)",
}
_FREQUENT = frozenset("àèéìòùáíóúâêîôûäëïöüçñßœæÀÈÉÌÒÙÄÖÜÇ")
_RARE = frozenset("ÁÍÓÚÂÊÎÔÛËÏÑŒÆåøÅØ")
_ALONE = frozenset("àèéòÀÈÉÒ")  # letters that are words
_OPENING, _CLOSING, _DASHES = frozenset("«“‘„‚¿¡•"), frozenset("»”…"), frozenset("–—")
_SIGNS = frozenset("€£§°ªº®™©²³½¼¾±×")  # beside numbers and after words
_ENOUGH = 0.8  # mean fit of the characters beyond ASCII
_FEW = 0.02  # of all bytes: with fewer beyond ASCII, a guess among all encodings is arbitrary
_GUESSABLE = 5  # bytes beyond ASCII, likewise
_MOST = 0.4  # of all bytes: with more beyond ASCII, the script is not Latin
_MIXED = 4  # times as many strays as characters in UTF-8: by chance there are fewer of these
_SAMPLE = 2000  # characters that decide
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True)
class Decoded:
    """A text, and what the user should know about its encoding."""

    text: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text in ``data``.

    A byte order mark decides the encoding. Without one it is UTF-8 if most characters are, then
    ``declared`` if the bytes fit it, then what they look like. Bytes that the encoding does not
    have become �. Raises ArticleError.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _replaced(data, encoding, "Unicode")
    if b"\0" in data:
        return _utf16(data)
    good, bad = _counts(data)
    is_utf8 = good >= bad
    if declared and (data.isascii() or not is_utf8):
        try:
            return Decoded(data.decode(declared))
        except (UnicodeError, LookupError):
            pass
    if is_utf8:
        return _replaced(data, "utf-8", "UTF-8")
    beyond_ascii = (good + bad) / len(data)
    if beyond_ascii < _MOST and (guess := _western(data)):
        return guess
    if bad < _GUESSABLE or beyond_ascii < (_MOST if _MIXED * good > bad else _FEW):
        return _replaced(data, "utf-8", "UTF-8")
    return _guessed(data)


def _replaced(data: bytes, encoding: str, name: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        note = f"line {line} has bytes that are not {name}, shown as �: save it as UTF-8"
        return Decoded(data.decode(encoding, "replace"), (note,))


def _counts(data: bytes) -> tuple[int, int]:
    """How many characters beyond ASCII are in UTF-8, and how many bytes are not."""
    text = data.decode("utf-8", "replace")
    bad = text.count("�") - data.count("�".encode())
    return len(text) - len(text.encode("ascii", "ignore")) - bad, bad


def _utf16(data: bytes) -> Decoded:
    """Text of a Latin script in UTF-16 without a byte order mark: every other byte is 0."""
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = data[first::2].count(0)
        if zeros > len(data) / 4 and zeros > 20 * data[1 - first :: 2].count(0):
            text = data.decode(encoding, "replace")
            if all(char.isprintable() or char.isspace() for char in text[:_SAMPLE]):
                return Decoded(text, (_note("UTF-16"),))
    raise ArticleError("it is a binary file")


def _western(data: bytes) -> Decoded | None:
    texts = {encoding: data.decode(encoding, "replace") for encoding in _WESTERN}
    fits = {encoding: _western_fit(text) for encoding, text in texts.items()}
    best = max(fits, key=lambda encoding: fits[encoding])
    return Decoded(texts[best], (_note(_WESTERN[best]),)) if fits[best] >= _ENOUGH else None


def _guessed(data: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    best = from_bytes(data).best()
    if best is None:
        raise ArticleError("its encoding is not known: save it as UTF-8")
    return Decoded(str(best), (_note(best.encoding),))


def _note(encoding: str) -> str:
    return f"its encoding is guessed, {encoding}: check the accents, or save it as UTF-8"


def _western_fit(text: str) -> float:
    """How well the characters beyond ASCII are where Italian, English, French and German have them.

    The mean over the first of them, 0–1.
    """
    matches = itertools.islice(_BEYOND_ASCII.finditer(text), _SAMPLE)
    return statistics.fmean(
        _fit(text[: m.start()][-1:] or " ", m[0], text[m.end() : m.end() + 1] or " ")
        for m in matches
    )


def _fit(before: str, char: str, after: str) -> float:
    is_inside = before.isalpha() and after.isalpha()
    if char in _FREQUENT or char in _RARE:
        alone = not before.isalpha() and not after.isalpha() and char not in _ALONE
        return 0.0 if alone or (before.islower() and char.isupper()) else 1 - 0.5 * (char in _RARE)
    if char in "’·\u00ad\u00a0":
        return 1.0
    if char in _OPENING:
        closes = char == "“" and not after.isalnum()  # in German
        return 0.5 * closes if before.isalnum() else 1.0
    if char in _DASHES:
        return float(not before.isalnum() or after.isalnum())
    if char in _CLOSING:
        return float(not after.isalnum())
    return float(char in _SIGNS and not is_inside and not after.isalpha())
