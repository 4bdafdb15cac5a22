"""Text without what nobody should read: control characters, and lines that a web page adds."""

from __future__ import annotations

import re
from functools import cache

from index.text.language import alternatives

# A class of a regular expression: soft hyphen, joiners, marks that turn writing, tags.
INVISIBLE = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
)
_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1, but for tab and line end
_UNWANTED = re.compile(rf"[{_CONTROLS}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_UNPRINTABLE = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LINE_ENDS = ("\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_RULER = r"[-–—*•·_=\#~.\s]+"


def one_line(text: str) -> str:
    """The text on one line, as for a title: white space collapsed, no control characters."""
    return " ".join(without_controls(" ".join(text.split())).split())


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


def printable(text: str) -> str:
    """The text with � for characters that steer a terminal or that XML forbids."""
    return _UNPRINTABLE.sub(_REPLACEMENT, text)


def without_controls(text: str) -> str:
    """The text for UTF-8: no control characters but tab and line end, none that turn writing."""
    return _SURROGATE.sub(_REPLACEMENT, _UNWANTED.sub("", text))


def is_boilerplate(line: str) -> bool:
    """Whether the whole line is advertising, navigation, a notice of rights, or a ruler."""
    return _boilerplate().fullmatch(" ".join(line.split())) is not None


@cache
def _boilerplate() -> re.Pattern[str]:
    lines = rf"[-–—*•·\s]*{alternatives('boilerplate')}[-–—*•·\s.:!]*"
    return re.compile(rf"{lines}|{_RULER}", re.IGNORECASE)
