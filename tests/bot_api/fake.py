"""A strict stand-in for the Telegram Bot API, run on localhost for the tests of a polling bot.

It answers the methods of ``PARAMETERS`` as https://core.telegram.org/bots/api (written #section
below) describes them, and refuses what Telegram refuses. Where Telegram silently drops what a
bot sent (an unknown parameter, a nested tag that is not allowed, an unescaped ampersand), it
refuses too, so that the mistake fails a test. ``FakeBotApi.refusals`` keeps every refusal.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable

from tests.bot_api.errors import ADA, CLOSED, NO_ANSWER, Call, Commands, Fault, Json, Refusal, T
from tests.bot_api.files import DOWNLOAD
from tests.bot_api.parameters import PARAMETERS
from tests.bot_api.server import BotApiServer
from tests.bot_api.state import chat_of
from tests.bot_api.users import member_of, user_of, written


class FakeBotApi(BotApiServer):
    """The server with what a test does to it, and what it asks of it."""

    @property
    def base_url(self) -> str:
        """The base_url of python-telegram-bot's ApplicationBuilder."""
        return f"http://127.0.0.1:{self._port}/bot"

    def say(
        self,
        text: str,
        *,
        user_id: int = ADA["id"],
        chat_id: int | None = None,
        language_code: str | None = "it",
        first_name: str = "Ada",
        entities: list[Json] | None = None,
        reply_to: int | None = None,
        more: Json | None = None,
    ) -> int:
        """Deliver a text from a user, in the private chat by default; return its message_id.

        ``more``: other fields of the message.
        """
        user = user_of(user_id, first_name, language_code)
        return self._write(written(text, entities) | (more or {}), user, chat_id, reply_to)

    def send_document(
        self,
        content: bytes,
        file_name: str | None,
        mime_type: str | None,
        caption: str = "",
        *,
        user_id: int = ADA["id"],
        chat_id: int | None = None,
        language_code: str | None = "it",
        first_name: str = "Ada",
        reply_to: int | None = None,
    ) -> int:
        """Deliver a file from a user, as ``say`` does a text; return its message_id."""
        with self._changed:
            message: Json = {"document": self._state.files.add(content, file_name, mime_type)}
        if caption:
            message |= written(caption, None, caption=True)
        user = user_of(user_id, first_name, language_code)
        return self._write(message, user, chat_id, reply_to)

    def _write(self, content: Json, user: Json, chat_id: int | None, reply_to: int | None) -> int:
        chat = chat_of(user["id"] if chat_id is None else chat_id, user["first_name"])
        message = {"from": user, "chat": chat} | content
        if reply_to is not None:
            message["reply_to_message"] = self._message(reply_to, chat["id"])
        return int(self.push({"message": message})["message"]["message_id"])

    def _message(self, message_id: int, chat_id: int | None = None) -> Json:
        """A message of a chat, or of any chat: no two have the same number."""
        chats = self._state.chats if chat_id is None else [chat_id]
        (found,) = (m for c in chats for m in self.messages(c) if m["message_id"] == message_id)
        return found

    def edit(
        self,
        message_id: int,
        text: str,
        *,
        chat_id: int | None = None,
        entities: list[Json] | None = None,
    ) -> None:
        """Let the user who wrote a message change its text (of a document, its caption)."""
        old = self._message(message_id, chat_id)
        if old["from"]["is_bot"]:
            raise ValueError(f"message {message_id} is the bot's: a user cannot edit it")
        replaced = {"text", "entities", "caption", "caption_entities"}
        kept = {name: value for name, value in old.items() if name not in replaced}
        new = written(text, entities, caption="document" in old)
        self.push({"edited_message": kept | new | {"edit_date": int(time.time())}})

    def inline(
        self,
        query: str,
        *,
        user_id: int = ADA["id"],
        language_code: str | None = "it",
        first_name: str = "Ada",
        offset: str = "",
    ) -> str:
        """Deliver what a user types after the bot's name in any chat; return the query's id."""
        if len(query) > 256:
            raise ValueError("an inline query has at most 256 characters")
        user = user_of(user_id, first_name, language_code)
        asked = {"inline_query": {"from": user, "query": query, "offset": offset}}
        return str(self.push(asked)["inline_query"]["id"])

    def summon(self, text: str, *, user_id: int = ADA["id"], more: Json | None = None) -> str:
        """Deliver a text that mentions the bot where it is no member; return the guest query's id.

        ``more``: other fields of the message. The chat has the number of one the bot may know.
        """
        name = f"@{self._state.me['username']}"
        mention = {"type": "mention", "offset": text.index(name), "length": len(name)}
        user = user_of(user_id, "Ada", "it")
        message = {"message_id": 1, "date": int(time.time()), "from": user, "text": text}
        message |= {"chat": chat_of(ADA["id"], "Ada"), "entities": [mention]} | (more or {})
        return str(self.push({"guest_message": message})["guest_message"]["guest_query_id"])

    def react(self, message_id: int, *emoji: str, user_id: int = ADA["id"]) -> None:
        """Let a user set the reactions to a message; none takes them back."""
        chat = self._message(message_id)["chat"]
        key = (message_id, user_id)
        new = [{"type": "emoji", "emoji": one} for one in emoji]
        old = self._reactions.get(key, [])
        changed = {"chat": chat, "message_id": message_id, "date": int(time.time())}
        changed |= {"user": user_of(user_id, "Ada", "it"), "old_reaction": old, "new_reaction": new}
        self.push({"message_reaction": changed})
        self._reactions[key] = new

    def set_member(self, chat: Json, old: str, new: str, *, user_id: int = ADA["id"]) -> None:
        """Let a user change the status of the bot in a chat, such as "left" or "member"."""
        changed = {"chat": chat, "date": int(time.time()), "from": user_of(user_id, "Ada", "it")}
        for name, status in (("old_chat_member", old), ("new_chat_member", new)):
            changed[name] = member_of(self._state.me, status)
        self.push({"my_chat_member": changed})

    def upgrade(self, chat_id: int, new: int, *, silent: bool = False) -> None:
        """Make a group a supergroup: service messages in both say so (#message), unless silent.

        The messages of the group stay under its old number, which takes no request any more.
        """
        telegram = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
        telegram |= {"username": "GroupAnonymousBot"}
        before, after = chat_of(chat_id, ""), chat_of(new, "")
        with self._changed:
            self._state.upgrade(chat_id, after)
        if silent:
            return
        self.push({"message": {"chat": before, "from": ADA, "migrate_to_chat_id": new}})
        moved = {"chat": after, "from": telegram, "sender_chat": after}
        self.push({"message": moved | {"migrate_from_chat_id": chat_id}})

    def close(self, chat_id: int, reason: str, topic: int = 0) -> None:
        """Let a chat, or a topic of it, take no messages, for a reason of ``CLOSED``."""
        if reason not in CLOSED:
            raise ValueError(f"{reason} is no reason of CLOSED")
        with self._changed:
            self._state.closed[chat_id, topic] = reason

    def push(self, update: Json) -> Json:
        """Deliver any Update; return it completed with identifiers, a date, a user, a chat."""
        update = copy.deepcopy(update)
        with self._changed:
            self._state.receive(update)
        self._loop.call_soon_threadsafe(self._wake)
        return copy.deepcopy(update)

    def repeat(self, update_id: int | None = None) -> Json:
        """Deliver an update that was acknowledged again, the last one by default; return it."""
        with self._changed:
            update = self._state.queue.repeat(update_id)
        self._loop.call_soon_threadsafe(self._wake)
        return update

    def fail(
        self,
        method: str,
        *,
        status: int = 429,
        retry_after: int | None = None,
        times: int = 1,
        html: bool = False,
    ) -> None:
        """Answer the next calls with an error of ``REASONS``, before they take effect.

        "download" stands for the fetching of a file's content; so it does in ``calls``.
        """
        if status == 429 and retry_after is None:
            retry_after = 1
        self._add_faults(method, times, Fault(status, retry_after, html=html))

    def drop(self, method: str, times: int = 1) -> None:
        """Close the connection of the next calls after they took effect."""
        self._add_faults(method, times, Fault(NO_ANSWER, late=True))

    def drop_before(self, method: str, times: int = 1) -> None:
        """Close the connection of the next calls before they take effect."""
        self._add_faults(method, times, Fault(NO_ANSWER))

    def _add_faults(self, method: str, times: int, fault: Fault) -> None:
        if method not in {*PARAMETERS, DOWNLOAD}:
            raise ValueError(f"{method} is not a method of the fake")
        with self._changed:
            self._faults[method].extend([fault] * times)

    def mend(self) -> None:
        """Let all calls succeed again, however many were yet to fail."""
        with self._changed:
            self._faults.clear()

    def forget_rich(self) -> None:
        """Be a server from before Bot API 10.1."""
        with self._changed:
            self._state.knows_rich = False

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in the order of the answers."""
        with self._changed:
            return list(self._calls)

    @property
    def refusals(self) -> list[Refusal]:
        """Every call refused for a mistake in it; faults, 409 and flood control are no mistake."""
        with self._changed:
            return list(self._refusals)

    @property
    def commands(self) -> Commands:
        """The command lists by scope ("default", "chat:1001", ...) and language code."""
        with self._changed:
            return copy.deepcopy(self._state.menus.commands)

    @property
    def descriptions(self) -> dict[tuple[str, str], str]:
        """The descriptions that are not empty, by the name of the field and language code."""
        with self._changed:
            return {key: text for key, text in self._state.menus.descriptions.items() if text}

    @descriptions.setter
    def descriptions(self, texts: dict[tuple[str, str], str]) -> None:
        with self._changed:
            self._state.menus.descriptions = dict(texts)

    @property
    def pending_updates(self) -> list[Json]:
        """The updates that no getUpdates has acknowledged yet."""
        with self._changed:
            return copy.deepcopy(self._state.queue.pending)

    def messages(self, chat_id: int, *, from_bot: bool | None = None) -> list[Json]:
        """The messages of a chat, oldest first: all, or only those (not) from the bot."""
        with self._changed:
            found = copy.deepcopy(list(self._state.messages.get(chat_id, {}).values()))
        return [m for m in found if from_bot is None or m["from"]["is_bot"] == from_bot]

    def chat_actions(self, chat_id: int) -> list[str]:
        """The actions shown in a chat, oldest first."""
        with self._changed:
            return list(self._state.actions[chat_id])

    def replies_to(self, message_id: int, *, count: int = 1, timeout: float = 5) -> list[Json]:
        """The bot's messages that reply to a message, once there are ``count`` of them."""

        def find() -> list[Json] | None:
            found = [
                message
                for chat_id in self._state.chats
                for message in self.messages(chat_id, from_bot=True)
                if message.get("reply_to_message", {}).get("message_id") == message_id
            ]
            return found if len(found) >= count else None

        return self._wait(find, timeout, f"{count} replies to {message_id}")

    def wait_for(
        self, wanted: str | Callable[[Call], bool], *, timeout: float = 5, since: int = 0
    ) -> Call:
        """The first call from index ``since`` that is wanted; a method's name wants status 200."""

        def matches(call: Call) -> bool:
            if isinstance(wanted, str):
                return call.method == wanted and call.status == 200
            return wanted(call)

        def find() -> Call | None:
            return next((call for call in self._calls[since:] if matches(call)), None)

        return self._wait(find, timeout, wanted if isinstance(wanted, str) else "wanted call")

    def _wait(self, find: Callable[[], T | None], timeout: float, what: str) -> T:
        with self._changed:
            found: T | None = None
            deadline = time.monotonic() + timeout
            while (found := find()) is None and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            seen = ", ".join(f"{call.method} {call.status}" for call in self._calls[-20:])
        if found is None:
            raise TimeoutError(f"no {what} within {timeout} s; last calls: {seen}")
        return found
