"""What a chat model may take for a question, and how its answer is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.answer import Answer


@dataclass(frozen=True)
class Usage:
    """Tokens that were sent and received."""

    sent: int = 0
    received: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.sent + other.sent, self.received + other.received)


@dataclass(frozen=True)
class Limits:
    """Of a question: ``seconds`` for all that is written for it, ``tokens`` to be received."""

    seconds: float = 60.0
    tokens: int = 2000


@dataclass(frozen=True)
class Account:
    """Who pays: whether a person may still spend, and what was spent for whom."""

    may_spend: Callable[[str], bool]
    spent: Callable[[str, Usage], None]


def _nothing(_: Answer) -> None: ...


@dataclass(frozen=True)
class AnswerOptions:
    """How an answer is waited for: by whom, who sees drafts, and whether it is given up.

    ``written``: whether a chat model may write it, if there is one. ``show`` gets the drafts, in
    the thread that works: each an Answer with the claims so far, the first without any.
    """

    person: str = ""
    written: bool = True
    show: Callable[[Answer], None] = _nothing
    given_up: threading.Event = field(default_factory=threading.Event)
