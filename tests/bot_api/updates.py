"""The updates of a bot: those it has yet to acknowledge, and those it has (#getting-updates)."""

from __future__ import annotations

import copy
import random

from tests.bot_api.errors import Json, bad_request

_KINDS = frozenset(
    "message edited_message channel_post edited_channel_post business_connection "
    "business_message edited_business_message deleted_business_messages message_reaction "
    "message_reaction_count inline_query chosen_inline_result callback_query shipping_query "
    "pre_checkout_query purchased_paid_media poll poll_answer my_chat_member chat_member "
    "chat_join_request chat_boost removed_chat_boost managed_bot guest_message".split()
)
_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class UpdateQueue:
    """The updates that wait in ``pending`` until they are acknowledged."""

    def __init__(self) -> None:
        self.pending: list[Json] = []
        self.allowed: frozenset[str] = frozenset()  # the kinds asked for; none is the default
        self._acknowledged: list[Json] = []
        self._again: list[Json] = []
        self._next_id = random.randrange(10**8, 10**9)  # as with Telegram

    def add(self, update: Json) -> None:
        """Queue an update, unless the last allowed_updates asked for other kinds only."""
        kind = next(key for key in update if key != "update_id")
        update["update_id"] = self._next_id
        self._next_id += 1
        if kind in self.allowed or not (self.allowed or kind in _NOT_BY_DEFAULT):
            self.pending.append(update)

    def take(self, offset: int, limit: int) -> list[Json]:
        """Forget the updates before the offset, or all but the last ones if it is negative."""
        if not 1 <= limit <= 100:
            raise bad_request("limit must be between 1 and 100")
        kept = self.pending
        if offset < 0:
            kept = self.pending[offset:]
        elif offset > 0:
            kept = [update for update in self.pending if update["update_id"] >= offset]
        self._acknowledged += self.pending[: len(self.pending) - len(kept)]
        again, self.pending = self._again[:limit], kept
        del self._again[:limit]
        return copy.deepcopy((again + kept)[:limit])

    def repeat(self, update_id: int | None) -> Json:
        """Deliver an acknowledged update once more, the last one if none is named."""
        wanted = [u for u in self._acknowledged if update_id in {None, u["update_id"]}]
        if not wanted:
            raise ValueError("there is no such update that was acknowledged")
        self._again.append(wanted[-1])
        return copy.deepcopy(wanted[-1])

    def first(self) -> Json | None:
        """The update that a webhook gets next."""
        return next(iter(self._again + self.pending), None)

    def accept(self, update: Json) -> None:
        """A webhook took the first update; it is still the first unless all were dropped."""
        for waiting in (self._again, self.pending):
            if waiting and waiting[0] is update:
                del waiting[0]
                self._acknowledged += [update] if waiting is self.pending else []

    def clear(self) -> None:
        """Drop what is pending, without a delivery."""
        self.pending.clear()
        self._again.clear()

    def allow(self, kinds: list[str]) -> None:
        """Remember allowed_updates; it does not concern the updates already queued."""
        for kind in kinds:
            if kind not in _KINDS:
                raise bad_request(f"{kind} is not a kind of update")
        self.allowed = frozenset(kinds)
