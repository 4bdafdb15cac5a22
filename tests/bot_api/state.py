"""What Telegram keeps about a bot: its updates, chats, messages and menus."""

from __future__ import annotations

import copy
import random
import re
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.bot_api.errors import ADA, Commands, Json, bad_request
from tests.bot_api.parameters import (
    _ACTIONS,
    _NOT_BY_DEFAULT,
    _PREVIEW,
    _REPLY,
    _SCOPES,
    check_fields,
    check_language,
    check_reply_markup,
    fields,
)
from tests.bot_api.text import formatted_text


class UpdateQueue:
    """The updates that are not yet acknowledged (#getupdates)."""

    def __init__(self) -> None:
        self.pending: list[Json] = []
        self._next_id = random.randrange(10**8, 10**9)  # as with Telegram
        self._allowed: frozenset[str] = frozenset()

    def add(self, update: Json) -> None:
        """Queue an update, unless the last allowed_updates asked for other kinds only."""
        kind = next(key for key in update if key != "update_id")
        update["update_id"] = self._next_id
        self._next_id += 1
        if kind in self._allowed or not (self._allowed or kind in _NOT_BY_DEFAULT):
            self.pending.append(update)

    def take(self, offset: int, limit: int) -> list[Json]:
        """Forget the updates before the offset, or all but the last ones if it is negative."""
        if not 1 <= limit <= 100:
            raise bad_request("limit must be between 1 and 100")
        if offset < 0:
            self.pending = self.pending[offset:]
        elif offset > 0:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]
        return copy.deepcopy(self.pending[:limit])

    def allow(self, kinds: list[str]) -> None:
        """Remember allowed_updates; it does not concern the updates already queued."""
        self._allowed = frozenset(kinds)


def chat_of(chat_id: int, name: str) -> Json:
    """A Chat (#chat); the sign and the prefix of the identifier tell its type."""
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": name}
    kind = "supergroup" if str(chat_id).startswith("-100") else "group"
    return {"id": chat_id, "type": kind, "title": "Group"}


class BotState:
    """Chats, messages and settings of one bot, and the methods that use them."""

    def __init__(self, bot_id: int) -> None:
        self.me = {"id": bot_id, "is_bot": True, "first_name": "Fake", "username": "fake_test_bot"}
        self.queue = UpdateQueue()
        self.messages: dict[int, dict[int, Json]] = {}
        self.chats: dict[int, Json] = {}
        self.actions: defaultdict[int, list[str]] = defaultdict(list)
        self.commands: Commands = {}
        self._callback_ids: set[str] = set()
        self._next_message_id = 101  # One sequence for all chats: a number names one message.
        self.handlers: dict[str, Callable[[Json], Any]] = {
            "getMe": self.get_me,
            "deleteWebhook": self.delete_webhook,
            "sendMessage": self.send_message,
            "sendMessageDraft": self.send_message_draft,
            "editMessageText": self.edit_message_text,
            "sendChatAction": self.send_chat_action,
            "answerCallbackQuery": self.answer_callback_query,
            "setMyCommands": self.set_my_commands,
            "deleteMyCommands": self.delete_my_commands,
            "setMyDescription": self.set_my_description,
            "setMyShortDescription": self.set_my_description,
        }

    def receive(self, update: Json) -> None:
        """Complete an update from a user, learn its chat and message, and queue it."""
        for kind, content in update.items():
            if kind == "callback_query":
                content.setdefault("from", ADA)
                content.setdefault("chat_instance", "1")
                self._callback_ids.add(content.setdefault("id", str(len(self._callback_ids))))
            elif kind.endswith("message"):
                self._learn(content)
        self.queue.add(update)

    def _learn(self, message: Json) -> None:
        user = message.setdefault("from", ADA)
        chat = message.setdefault("chat", chat_of(user["id"], user["first_name"]))
        message_id = message.setdefault("message_id", self._next_message_id)
        message.setdefault("date", int(time.time()))
        self._next_message_id = max(self._next_message_id, message_id + 1)
        self._keep(chat, message)

    def _keep(self, chat: Json, message: Json) -> Json:
        self.chats[chat["id"]] = chat
        self.messages.setdefault(chat["id"], {})[message["message_id"]] = message
        return message

    def get_me(self, params: Json) -> Json:
        """#getme, with the fields of #user that only getMe returns."""
        return self.me | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def delete_webhook(self, params: Json) -> bool:
        """#deletewebhook."""
        if params.get("drop_pending_updates"):
            self.queue.pending.clear()
        return True

    def send_message(self, params: Json) -> Json:
        """#sendmessage."""
        chat, content = self._chat(params), self._content(params)
        if "message_thread_id" in params:
            content["message_thread_id"] = params["message_thread_id"]
        if "reply_parameters" in params:
            content |= self._reply(chat["id"], params["reply_parameters"])
        message: Json = {"from": self.me, "chat": chat} | content
        self._learn(message)
        return message

    def send_message_draft(self, params: Json) -> bool:
        """#sendmessagedraft; a draft is shown while it is streamed and does not stay."""
        if self._chat(params)["type"] != "private" or not params.get("draft_id"):
            raise bad_request("a draft needs a private chat and a non-zero draft_id")
        return bool(formatted_text(params))

    def edit_message_text(self, params: Json) -> Json:
        """#editmessagetext, of a message that is not inline."""
        chat, content = self._chat(params), self._content(params)
        old = self.messages[chat["id"]].get(params.get("message_id", 0))
        if old is None:
            raise bad_request("message to edit not found")
        if old["from"]["id"] != self.me["id"]:
            raise bad_request("message can't be edited")
        replaced = {"text", "entities", "link_preview_options", "reply_markup", "edit_date"}
        if content == {key: old[key] for key in (replaced & old.keys()) - {"edit_date"}}:
            raise bad_request(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        kept = {key: value for key, value in old.items() if key not in replaced}
        return self._keep(chat, kept | content | {"edit_date": int(time.time())})

    def send_chat_action(self, params: Json) -> bool:
        """#sendchataction."""
        if params.get("action") not in _ACTIONS:
            raise bad_request("wrong parameter action in request")
        self.actions[self._chat(params)["id"]].append(params["action"])
        return True

    def answer_callback_query(self, params: Json) -> bool:
        """#answercallbackquery."""
        if params.get("callback_query_id") not in self._callback_ids:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )
        if len(params.get("text", "")) > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        return True

    def set_my_commands(self, params: Json) -> bool:
        """#setmycommands."""
        key, commands = self._command_key(params), params.get("commands")
        if commands is None:
            raise bad_request("can't parse list of bot commands: there is none")
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            required = "command description"
            check_fields("BotCommand", command, fields(required), required)
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"].strip()) <= 256:
                raise bad_request("command description length must be between 1 and 256")
        self.commands[key] = commands
        return True

    def delete_my_commands(self, params: Json) -> bool:
        """#deletemycommands."""
        self.commands.pop(self._command_key(params), None)
        return True

    def set_my_description(self, params: Json) -> bool:
        """#setmydescription and #setmyshortdescription; nothing is kept but the call."""
        check_language(params)
        description, short = params.get("description", ""), params.get("short_description", "")
        if len(description) > 512 or len(short) > 120:
            raise bad_request("description is too long")
        return True

    def _chat(self, params: Json) -> Json:
        if "chat_id" not in params:
            raise bad_request("chat_id is empty")
        if params["chat_id"] not in self.chats:
            raise bad_request("chat not found")
        return self.chats[params["chat_id"]]

    def _content(self, params: Json) -> Json:
        """The fields of a #message that both sending and editing set."""
        text, entities = formatted_text(params)
        content: Json = {"text": text} | ({"entities": entities} if entities else {})
        if "link_preview_options" in params:
            check_fields("link preview options", params["link_preview_options"], _PREVIEW)
            content["link_preview_options"] = params["link_preview_options"]
        if "reply_markup" in params:
            check_reply_markup(params["reply_markup"])
            if "inline_keyboard" in params["reply_markup"]:
                content["reply_markup"] = params["reply_markup"]
        return content

    def _reply(self, chat_id: int, reply: Json) -> Json:
        check_fields("reply parameters", reply, _REPLY, required="message_id")
        if reply.get("chat_id", chat_id) != chat_id:
            raise bad_request("replies in another chat are not supported by the fake")
        message = self.messages[chat_id].get(reply["message_id"])
        if message is None:
            if reply.get("allow_sending_without_reply"):
                return {}
            raise bad_request("message to be replied not found")
        quote = {"text": reply.get("quote", ""), "parse_mode": reply.get("quote_parse_mode", "")}
        if quote["text"] and formatted_text(quote)[0] not in message.get("text", ""):
            raise bad_request("QUOTE_TEXT_INVALID")
        # A replied message never contains a reply itself (#message).
        shown = {key: value for key, value in message.items() if key != "reply_to_message"}
        return {"reply_to_message": shown}

    def _command_key(self, params: Json) -> tuple[str, str]:
        scope = params.get("scope", {"type": "default"})
        kind = scope.get("type")
        if kind not in _SCOPES:
            raise bad_request("unsupported type of BotCommandScope, or not modelled")
        required = fields(_SCOPES[kind])
        check_fields("BotCommandScope", scope, fields("type") | required, " ".join(required))
        place = f":{self._chat(scope)['id']}" if required else ""
        return kind + place, check_language(params)
