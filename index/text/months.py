"""The months by name, as they stand in patterns."""

from __future__ import annotations

_ITALIAN = (
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
).split()
_ENGLISH = (
    "january february march april may june july august september october november december".split()
)
MONTHS = (tuple(_ITALIAN), tuple(_ENGLISH))  # each from January to December
ITALIAN_OF = dict(zip(_ENGLISH, _ITALIAN, strict=True))
MONTH = rf"(?:{'|'.join(_ITALIAN + _ENGLISH)})"
# Without a day or a year beside it, "may" is mostly a verb.
MONTH_ALONE = rf"(?:{'|'.join(set(_ITALIAN + _ENGLISH) - {'march', 'may'})})"
