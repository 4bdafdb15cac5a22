"""Text without what nobody should read: control characters, and lines that a web page adds."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from index.text.language import alternatives

# A class of a regular expression: soft hyphen, joiners, marks that turn writing, tags.
INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
)
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1, but for tab and line end
_UNWANTED = re.compile(rf"[{_CONTROLS}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_UNPRINTABLE = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
# A joiner before a picture makes one picture of two. A pattern that begins with a class is three
# times as fast as one that begins with a condition.
_INVISIBLE = re.compile(rf"[{INVISIBLE}](?<!\u200d(?=[\u2600-\u27bf\U0001f000-\U0001faff]))")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PLAIN_SPACES = str.maketrans("\u00a0\u2007\u202f", "   ")
_LINE_ENDS = ("\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_RULER = r"[-–—*•·_=\#~.\s]+"


def one_line(text: str) -> str:
    """The text on one line, as for a title: white space collapsed, accents composed.

    Nothing in it is invisible.
    """
    line = " ".join(visible(without_controls(" ".join(text.split()))).split())
    return unicodedata.normalize("NFC", line)


def with_line_ends(text: str) -> str:
    """The text with ``\\n`` for all that ends a line in Unicode (UAX 14: BK, CR, LF, NL)."""
    for end in _LINE_ENDS:
        text = text.replace(end, "\n")
    return text


def typed_line(text: str) -> str:
    """What a user typed, on one line: control characters count as white space."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def visible(text: str) -> str:
    """The text without soft hyphens, zero-width marks and marks that turn writing."""
    return _INVISIBLE.sub("", text)


def shown(text: str) -> str:
    """The text as it is shown: ``visible``, and with plain spaces for those that do not break."""
    return visible(text).translate(_PLAIN_SPACES)


def printable(text: str) -> str:
    """The text as it is ``shown``, and ``literal``."""
    return literal(shown(text))


def literal(text: str) -> str:
    """The text, character by character, with � for what steers a terminal or what XML forbids."""
    return _UNPRINTABLE.sub(_REPLACEMENT, text)


def without_controls(text: str) -> str:
    """The text for UTF-8: no control characters but tab and line end, none that turn writing."""
    return _SURROGATE.sub(_REPLACEMENT, _UNWANTED.sub("", text))


def is_boilerplate(line: str) -> bool:
    """Whether the whole line is advertising, navigation, a notice of rights, or a ruler."""
    return _boilerplate().fullmatch(" ".join(visible(line).split())) is not None


@cache
def _boilerplate() -> re.Pattern[str]:
    lines = rf"[-–—*•·\s]*{alternatives('boilerplate')}[-–—*•·\s.:!]*"
    return re.compile(rf"{lines}|{_RULER}", re.IGNORECASE)
