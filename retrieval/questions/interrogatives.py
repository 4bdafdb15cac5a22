"""What a question asks with."""

from __future__ import annotations

import re
from functools import cache

from index.text.language import alternatives

_END = " ?!.…"


def find_interrogative(question: str) -> re.Match[str] | None:
    """The words that a question asks with: at its beginning, after a comma, or else anywhere.

    Inside a question "che" alone, "what" and "which" do not ask: "è vero che …?".
    """
    matches = list(_interrogatives().finditer(question))
    for match in matches:
        before = question[: match.start()].rstrip()
        if not before or before.endswith(","):
            return match
    return next((match for match in matches if not _relatives().match(match[0])), None)


def asks_whether(question: str) -> bool:
    """Whether the answer is yes or no, so that no words of a text are a short answer to it."""
    return question.rstrip().endswith("?") and find_interrogative(question) is None


def joined(question: str, previous: str) -> str:
    """A question with what the one before it is about.

    "E dove?" after "Quando arriva Kim?" is "E dove arriva Kim?".
    """
    own = find_interrogative(previous)
    subject = f"{previous[: own.start()]} {previous[own.end() :]}" if own else previous
    return f"{question.rstrip(_END)} {' '.join(subject.split()).rstrip(_END)}?"


@cache
def _relatives() -> re.Pattern[str]:
    return re.compile(rf"{alternatives('relatives')}\b", re.IGNORECASE)


@cache
def _interrogatives() -> re.Pattern[str]:
    lead = rf"(?:{alternatives('interrogative_lead')}\s+)?"
    elided, whole = alternatives("interrogatives_elided"), alternatives("interrogatives")
    return re.compile(rf"\b{lead}(?:{elided}|{whole}(?![\w’']))", re.IGNORECASE)
