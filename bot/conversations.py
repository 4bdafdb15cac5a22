"""What was asked before, so that "and when?" is understood: in memory only, and for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from retrieval.answer import Answer, Turn

KEPT_FOR = 30 * 60.0  # seconds after the last question
MOST_CONVERSATIONS = 10_000
TURNS = 3  # of a conversation: a follow-up refers to the last one that asked something


class Conversations:
    """The last turns of conversations, each under a key of its own: a chat and a user, say.

    A conversation is forgotten a while after its last question, and the one that has been silent
    longest goes where there are too many. Threads may share it.
    """

    def __init__(
        self,
        kept_for: float = KEPT_FOR,
        most: int = MOST_CONVERSATIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept_for = kept_for
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._conversations: OrderedDict[Hashable, tuple[float, tuple[Turn, ...]]] = OrderedDict()

    def recall(self, key: Hashable) -> tuple[Turn, ...]:
        """The turns of a conversation, the last one last; none when it was too long ago."""
        with self._lock:
            return self._turns(key)

    def remember(self, key: Hashable, answer: Answer) -> None:
        """Add an answer or a refusal to a conversation."""
        with self._lock:
            turns = (*self._turns(key), Turn.of(answer))[-TURNS:]
            self._conversations[key] = self._clock(), turns
            self._conversations.move_to_end(key)
            while len(self._conversations) > self._most:
                self._conversations.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Forget a conversation; there need not be one."""
        with self._lock:
            self._conversations.pop(key, None)

    def forget_where(self, wanted: Callable[[Any], bool]) -> None:
        """Forget the conversations whose keys are wanted."""
        with self._lock:
            for key in [key for key in self._conversations if wanted(key)]:
                del self._conversations[key]

    def _turns(self, key: Hashable) -> tuple[Turn, ...]:
        asked, turns = self._conversations.get(key, (0.0, ()))
        if turns and self._clock() - asked >= self._kept_for:
            del self._conversations[key]
            return ()
        return turns
