"""The last turns of conversations, for follow-ups like "and when?": in memory, for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from retrieval.answer import Answer, Intent, Reason, Turn

KEPT_FOR = 30 * 60.0  # seconds after the last question
MAX_CONVERSATIONS = 10_000
_ASIDE = (Reason.TALK, Reason.BEYOND, Reason.FOREIGN, Reason.NO_MORE)
TURNS = 3  # per conversation: a follow-up refers to the last turn with a question of its own


class Conversations:
    """The last turns of conversations, by key, for example of a chat and a user. Thread-safe.

    A conversation expires some time after its last question. Beyond ``most`` conversations, the
    one that has been silent longest is dropped.
    """

    def __init__(
        self,
        kept_for: float = KEPT_FOR,
        most: int = MAX_CONVERSATIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept_for = kept_for
        self._max_conversations = most
        self._clock = clock
        self._lock = threading.Lock()
        self._conversations: OrderedDict[Hashable, tuple[float, tuple[Turn, ...]]] = OrderedDict()

    def recall(self, key: Hashable) -> tuple[Turn, ...]:
        """The turns of a conversation, oldest first; empty if it has expired."""
        with self._lock:
            return self._turns(key)

    def remember(self, key: Hashable, answer: Answer) -> None:
        """Add an answer or a refusal to a conversation, unless it only looks back."""
        if answer.intent is Intent.SOURCE or answer.reason in _ASIDE:
            return
        with self._lock:
            turns = (*self._turns(key), Turn.of(answer))[-TURNS:]
            self._conversations[key] = self._clock(), turns
            self._conversations.move_to_end(key)
            while len(self._conversations) > self._max_conversations:
                self._conversations.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Drop a conversation, if there is one."""
        with self._lock:
            self._conversations.pop(key, None)

    def forget_where(self, predicate: Callable[[Any], bool]) -> None:
        """Drop the conversations whose keys satisfy the predicate."""
        with self._lock:
            for key in filter(predicate, list(self._conversations)):
                del self._conversations[key]

    def _turns(self, key: Hashable) -> tuple[Turn, ...]:
        last_asked, turns = self._conversations.get(key, (0.0, ()))
        if turns and self._clock() - last_asked >= self._kept_for:
            del self._conversations[key]
            return ()
        return turns
