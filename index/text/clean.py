"""Text from elsewhere without the characters that nobody can see and that steer terminals."""

from __future__ import annotations

import re

# C0 and C1 but for tab and line end, lone surrogates, and what turns the direction of writing.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text on one line: white space collapsed, no control characters; a title, a name."""
    return " ".join(without_controls(" ".join(text.split())).split())


def without_controls(text: str) -> str:
    """The text as UTF-8 can hold it, without control characters but tab and line end."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _UNWANTED.sub("", text))
