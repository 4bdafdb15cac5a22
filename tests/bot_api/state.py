"""What Telegram keeps about a bot: its chats, its messages, and what waits for it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from tests.bot_api.ephemeral import EphemeralMessages
from tests.bot_api.errors import ADA, CLOSED, ApiError, ClosedError, Json, bad_request
from tests.bot_api.files import MAX_CAPTION, Files, check_upload
from tests.bot_api.inline import check_article, check_inline_answer
from tests.bot_api.keyboards import check_reply_markup
from tests.bot_api.menus import Menus
from tests.bot_api.parameters import Upload, check_fields, check_link_preview, fields
from tests.bot_api.queries import OpenQueries
from tests.bot_api.reactions import check_reactions
from tests.bot_api.rich import rich_message
from tests.bot_api.text import formatted_text
from tests.bot_api.updates import UpdateQueue
from tests.bot_api.webhook import Webhook

_REPLY = fields(
    "message_id:int chat_id:int allow_sending_without_reply:bool quote quote_parse_mode"
)
_CONTENT = {"text", "entities", "link_preview_options", "rich_message", "reply_markup"}
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
        self.knows_rich = True
        self.me = {"id": bot_id, "is_bot": True, "first_name": "Fake", "username": "fake_test_bot"}
        self.queue = UpdateQueue()
        self.messages: dict[int, dict[int, Json]] = {}
        self.chats: dict[int, Json] = {}
        self.actions: defaultdict[int, list[str]] = defaultdict(list)
        self.webhook = Webhook(self.queue)
        self.menus, self.files = Menus(self._chat), Files()
        self._callbacks, self._inline, self._guest = OpenQueries(), OpenQueries(), OpenQueries()
        self._ephemeral = EphemeralMessages()
        self._topics: defaultdict[int, set[int]] = defaultdict(set)  # of a chat, that were met
        self.closed: dict[tuple[int, int], str] = {}  # chats and topics that take no messages
        self._supergroups: dict[int, int] = {}  # that groups have become
        self._status: dict[int, str] = {}  # of the bot in a chat, where an update has said it
        self._next_message_id = 101  # One sequence for all chats: a number names one message.
        self.handlers: dict[str, Callable[[Json], Any]] = {
            "getMe": self.get_me,
            "sendMessage": self.send_message,
            "sendDocument": self.send_document,
            "sendRichMessage": self.send_rich_message,
            "sendMessageDraft": self.send_message_draft,
            "editMessageText": self.edit_message_text,
            "editEphemeralMessageText": self.edit_ephemeral_message_text,
            "editMessageReplyMarkup": self.edit_message_reply_markup,
            "deleteMessage": self.delete_message,
            "deleteMessages": self.delete_messages,
            "setMessageReaction": self.set_message_reaction,
            "sendChatAction": self.send_chat_action,
            "answerCallbackQuery": self.answer_callback_query,
            "answerInlineQuery": self.answer_inline_query,
            "answerGuestQuery": self.answer_guest_query,
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
            elif kind == "guest_message":  # of a chat that the bot does not get to know
                self._guest.ask(content, "guest_query_id")
            elif kind == "my_chat_member":
                self.chats[content["chat"]["id"]] = content["chat"]
                self._status[content["chat"]["id"]] = content["new_chat_member"]["status"]
            elif kind == "message_reaction":
                self._check_reacted(content)
            elif kind.endswith("message"):
                self._learn(content)
        self.queue.add(update)

    def upgrade(self, chat_id: int, supergroup: Json) -> None:
        """A group has become a supergroup."""
        self.chats[supergroup["id"]] = supergroup
        self._supergroups[chat_id] = supergroup["id"]

    def _learn(self, message: Json) -> None:
        user = message.setdefault("from", ADA)
        chat = message.setdefault("chat", chat_of(user["id"], user["first_name"]))
        message_id = message.setdefault("message_id", self._next_message_id)
        message.setdefault("date", int(time.time()))
        self._next_message_id = max(self._next_message_id, message_id + 1)
        if "ephemeral_message_id" in message:
            self.chats[chat["id"]] = chat
            self._ephemeral.receive(message)
            return
        if message.get("is_topic_message"):
            self._topics[chat["id"]].add(message["message_thread_id"])
        self._keep(chat, message)

    def _check_reacted(self, reaction: Json) -> None:
        """A bot hears of reactions to messages it knows; in a group as an administrator only."""
        chat, message_id = reaction["chat"], reaction["message_id"]
        if message_id not in self.messages[chat["id"]]:
            raise ValueError(f"there is no message {message_id} to react to")
        if chat["type"] != "private" and self._status.get(chat["id"]) != "administrator":
            raise ValueError("the bot is no administrator: it does not hear of reactions")

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
            "supports_guest_queries": True,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def send_message(self, params: Json) -> Json:
        """#sendmessage."""
        return self._send(params, self._content(params))

    def send_rich_message(self, params: Json) -> Json:
        """#sendrichmessage."""
        return self._send(params, self._rich_content(params))

    def send_document(self, params: Json) -> Json:
        """#senddocument, of a file that is uploaded."""
        upload = params.get("document")
        if not isinstance(upload, Upload):
            raise bad_request("there is no document in the request")
        content: Json = {"document": self.files.add(upload, upload.name, upload.mime_type)}
        check_upload(upload)
        if params.get("caption"):
            caption, entities = formatted_text({**params, "text": params["caption"]})
            content |= {"caption": caption} | ({"caption_entities": entities} if entities else {})
            if len(caption.encode("utf-16-le")) // 2 > MAX_CAPTION:
                raise bad_request("message caption is too long")
        return self._send(params, content | self._markup(params))

    def _send(self, params: Json, content: Json) -> Json:
        chat = self._chat(params)
        content |= self._topic(chat, params)
        if "ephemeral_message_parameters" in params:
            return self._ephemeral.send({"from": self.me, "chat": chat} | content, params)
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

    def _topic(self, chat: Json, params: Json) -> Json:
        """The topic of a forum or of direct messages; these take no message without one."""
        thread, topic = params.get("message_thread_id"), params.get("direct_messages_topic_id")
        if bool(chat.get("is_direct_messages")) != (topic is not None):
            raise bad_request("direct messages, and they only, need a direct_messages_topic_id")
        if topic is not None:
            return {"direct_messages_topic": {"topic_id": topic}}
        if thread is None:
            return {}
        if thread not in self._topics[chat["id"]]:
            raise bad_request("message thread not found")
        return {"message_thread_id": thread, "is_topic_message": True}

    def edit_ephemeral_message_text(self, params: Json) -> bool:
        """#editephemeralmessagetext."""
        self._chat(params)
        return self._ephemeral.edit(self._content(params), params)

    def edit_message_text(self, params: Json) -> Json:
        """#editmessagetext, of a message that is not inline."""
        is_rich = self.knows_rich and "rich_message" in params
        if is_rich and "text" in params:
            raise bad_request("text and rich_message can't be used together")
        content = self._rich_content(params) if is_rich else self._content(params)
        return self._edit(self._chat(params), params, content)

    def edit_message_reply_markup(self, params: Json) -> Json:
        """#editmessagereplymarkup, of a message that is not inline; without any it removes it."""
        chat = self._chat(params)
        old = self.messages[chat["id"]].get(params.get("message_id", 0), {})
        content = {key: old[key] for key in (_CONTENT - {"reply_markup"}) & {*old}}
        return self._edit(chat, params, content | self._markup(params))

    def _edit(self, chat: Json, params: Json, content: Json) -> Json:
        old = self.messages[chat["id"]].get(params.get("message_id", 0))
        if old is None:
            raise bad_request("message to edit not found")
        if old["from"]["id"] != self.me["id"]:
            raise bad_request("message can't be edited")
        replaced = _CONTENT | {"edit_date"}
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
        if "message_thread_id" in params:
            self._topic(self._chat(params), params)
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

    def answer_guest_query(self, params: Json) -> Json:
        """#answerguestquery; the result is kept in the call."""
        self._guest.check(params.get("guest_query_id"))
        if "result" not in params:
            raise bad_request("can't parse inline query result: there is none")
        check_article(params["result"])
        self._guest.close(params["guest_query_id"])
        return {"inline_message_id": f"guest-{params['guest_query_id']}"}

    def _chat(self, params: Json) -> Json:
        if "chat_id" not in params:
            raise bad_request("chat_id is empty")
        if params["chat_id"] not in self.chats:
            raise bad_request("chat not found")
        chat = self.chats[params["chat_id"]]
        is_edit = "message_id" in params  # of a message that stayed in the group
        if (new := self._supergroups.get(chat["id"])) and not is_edit:
            reason = "Bad Request: group chat was upgraded to a supergroup chat"
            raise ClosedError(400, reason, migrate_to_chat_id=new)
        if closed := self.closed.get((chat["id"], params.get("message_thread_id", 0))):
            raise ClosedError(*CLOSED[closed])
        if self._status.get(chat["id"]) in {"left", "kicked"}:
            how = "is not a member of" if self._status[chat["id"]] == "left" else "was kicked from"
            raise ApiError(403, f"Forbidden: bot {how} the {chat['type']} chat")
        return chat

    def _content(self, params: Json) -> Json:
        """The fields of a #message that both sending and editing set."""
        text, entities = formatted_text(params)
        content: Json = {"text": text} | ({"entities": entities} if entities else {})
        if "link_preview_options" in params:
            check_link_preview(params["link_preview_options"])
            content["link_preview_options"] = params["link_preview_options"]
        return content | self._markup(params)

    def _rich_content(self, params: Json) -> Json:
        """The fields of a #message that is rich; it comes back with the blocks that it shows."""
        return {"rich_message": rich_message(params.get("rich_message"))} | self._markup(params)

    def _markup(self, params: Json) -> Json:
        if "reply_markup" not in params:
            return {}
        check_reply_markup(params["reply_markup"], inline=self._has_inline)
        shown = "inline_keyboard" in params["reply_markup"]
        return {"reply_markup": params["reply_markup"]} if shown else {}

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
