"""What a chat model may spend on a question, and how its answer is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.answer import Answer


@dataclass(frozen=True)
class Usage:
    """Tokens sent and received."""

    sent: int = 0
    received: int = 0

    @property
    def total(self) -> int:
        """Tokens in both directions."""
        return self.sent + self.received

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.sent + other.sent, self.received + other.received)


@dataclass(frozen=True)
class Limits:
    """Limits of one question: ``seconds`` for all calls together, ``tokens`` received per call."""

    seconds: float = 60.0
    tokens: int = 2000


@dataclass(frozen=True)
class Account:
    """Tells whether a person may still spend tokens, and records what was spent for whom."""

    may_spend: Callable[[str], bool]
    record: Callable[[str, Usage], None]


@dataclass(frozen=True)
class AnswerOptions:
    """Who waits for an answer, who sees its drafts, and whether it is given up.

    ``written``: whether a chat model may write it, if there is one. ``show`` receives the drafts
    in the working thread: each is an Answer with the claims so far, the first one without any.
    """

    person: str = ""
    written: bool = True
    show: Callable[[Answer], None] = lambda _: None
    given_up: threading.Event = field(default_factory=threading.Event)
