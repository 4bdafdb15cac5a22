"""The months by name, as they stand in patterns."""

from __future__ import annotations

ITALIAN = (
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
).split()
ENGLISH = (
    "january february march april may june july august september october november december".split()
)
MONTH = rf"(?:{'|'.join(ITALIAN + ENGLISH)})"
# Without a day or a year beside it, "may" is mostly a verb.
MONTH_ALONE = rf"(?:{'|'.join(set(ITALIAN + ENGLISH) - {'march', 'may'})})"
