"""What Telegram keeps about a bot: its chats, its messages, and what waits for it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.bot_api.errors import ADA, Json, bad_request
from tests.bot_api.files import Files
from tests.bot_api.inline import check_inline_answer
from tests.bot_api.keyboards import check_reply_markup
from tests.bot_api.menus import Menus
from tests.bot_api.parameters import check_fields, check_link_preview, fields
from tests.bot_api.queries import OpenQueries
from tests.bot_api.reactions import check_reactions
from tests.bot_api.text import formatted_text
from tests.bot_api.updates import UpdateQueue
from tests.bot_api.webhook import Webhook

_REPLY = fields(
    "message_id:int chat_id:int allow_sending_without_reply:bool quote quote_parse_mode"
)
_ACTIONS = fields(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
)


def chat_of(chat_id: int, name: str) -> Json:
    """A Chat (#chat); the sign and the prefix of the identifier tell its type."""
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": name}
    kind = "supergroup" if str(chat_id).startswith("-100") else "group"
    return {"id": chat_id, "type": kind, "title": "Group"}


class BotState:
    """Chats, messages and settings of one bot, and the methods that use them."""

    def __init__(self, bot_id: int, *, inline: bool = True) -> None:
        self._has_inline = inline
        self.me = {"id": bot_id, "is_bot": True, "first_name": "Fake", "username": "fake_test_bot"}
        self.queue = UpdateQueue()
        self.messages: dict[int, dict[int, Json]] = {}
        self.chats: dict[int, Json] = {}
        self.actions: defaultdict[int, list[str]] = defaultdict(list)
        self.webhook = Webhook(self.queue)
        self.menus, self.files = Menus(self._chat), Files()
        self._callbacks, self._inline = OpenQueries(), OpenQueries()
        self._next_message_id = 101  # One sequence for all chats: a number names one message.
        self.handlers: dict[str, Callable[[Json], Any]] = {
            "getMe": self.get_me,
            "sendMessage": self.send_message,
            "sendMessageDraft": self.send_message_draft,
            "editMessageText": self.edit_message_text,
            "deleteMessage": self.delete_message,
            "deleteMessages": self.delete_messages,
            "setMessageReaction": self.set_message_reaction,
            "sendChatAction": self.send_chat_action,
            "answerCallbackQuery": self.answer_callback_query,
            "answerInlineQuery": self.answer_inline_query,
            **self.menus.handlers,
            **self.files.handlers,
            **self.webhook.handlers,
        }

    def receive(self, update: Json) -> None:
        """Complete an update from a user, learn its chat and message, and queue it."""
        for kind, content in update.items():
            if kind == "callback_query":
                content.setdefault("from", ADA)
                content.setdefault("chat_instance", "1")
                self._callbacks.ask(content)
            elif kind == "inline_query":
                self._inline.ask(content)
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
            "supports_inline_queries": self._has_inline,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

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

    def delete_message(self, params: Json) -> bool:
        """#deletemessage; only the bot's own, though Telegram lets it take a user's in private."""
        chat_id, message_id = self._chat(params)["id"], params.get("message_id", 0)
        if message_id not in self.messages[chat_id]:
            raise bad_request("message to delete not found")
        self._check_own(chat_id, message_id)
        del self.messages[chat_id][message_id]
        return True

    def delete_messages(self, params: Json) -> bool:
        """#deletemessages, all or none; those that are not there are passed over."""
        chat_id, wanted = self._chat(params)["id"], params.get("message_ids", [])
        if not 1 <= len(wanted) <= 100 or not all(type(number) is int for number in wanted):
            raise bad_request("message_ids must be 1 to 100 numbers of messages")
        found = self.messages[chat_id].keys() & set(wanted)
        for message_id in found:
            self._check_own(chat_id, message_id)
        for message_id in found:
            del self.messages[chat_id][message_id]
        return True

    def _check_own(self, chat_id: int, message_id: int) -> None:
        if self.messages[chat_id][message_id]["from"]["id"] != self.me["id"]:
            raise bad_request("message can't be deleted")

    def set_message_reaction(self, params: Json) -> bool:
        """#setmessagereaction; what is set is kept in the call only."""
        if params.get("message_id", 0) not in self.messages[self._chat(params)["id"]]:
            raise bad_request("message to react not found")
        check_reactions(params.get("reaction", []))
        return True

    def send_chat_action(self, params: Json) -> bool:
        """#sendchataction."""
        if params.get("action") not in _ACTIONS:
            raise bad_request("wrong parameter action in request")
        self.actions[self._chat(params)["id"]].append(params["action"])
        return True

    def answer_callback_query(self, params: Json) -> bool:
        """#answercallbackquery."""
        self._callbacks.check(params.get("callback_query_id"))
        if len(params.get("text", "")) > 200:
            raise bad_request("MESSAGE_TOO_LONG")
        self._callbacks.close(params["callback_query_id"])
        return True

    def answer_inline_query(self, params: Json) -> bool:
        """#answerinlinequery; the results are kept in the call."""
        self._inline.check(params.get("inline_query_id"))
        check_inline_answer(params)
        self._inline.close(params["inline_query_id"])
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
            check_link_preview(params["link_preview_options"])
            content["link_preview_options"] = params["link_preview_options"]
        if "reply_markup" in params:
            check_reply_markup(params["reply_markup"], inline=self._has_inline)
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
