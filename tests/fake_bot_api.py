"""A strict stand-in for the Telegram Bot API, run on localhost for the tests of a polling bot.

It answers the methods of ``PARAMETERS`` as https://core.telegram.org/bots/api (written #section
below) describes them, and refuses what Telegram refuses. Where Telegram silently drops what a
bot sent (an unknown parameter, a nested tag that is not allowed, an unescaped ampersand), it
refuses too, so that the mistake fails a test. ``FakeBotApi.refusals`` keeps every refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

Json = dict[str, Any]
Commands = dict[tuple[str, str], list[dict[str, str]]]
T = TypeVar("T")

NO_ANSWER = 0  # The status of a call whose connection was closed without a response.
ADA: Json = {"id": 1001, "is_bot": False, "first_name": "Ada", "language_code": "it"}
REASONS = {
    NO_ANSWER: "connection closed",
    403: "Forbidden: bot was blocked by the user",
    429: "Too Many Requests: retry after {}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


@dataclass(frozen=True)
class Call:
    """One request: its decoded parameters, its result if it took effect, the status answered."""

    method: str
    params: Json
    result: Any
    status: int


@dataclass(frozen=True)
class Refusal:
    """One request that Telegram, or the stricter rules of this module, does not accept."""

    method: str
    params: Json
    description: str


class ApiError(Exception):
    """An unsuccessful response (#making-requests)."""

    def __init__(self, status: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status, self.description, self.retry_after = status, description, retry_after

    def response(self) -> web.Response:
        """The JSON body of an error, with its #responseparameters if it has any."""
        body: Json = {"ok": False, "error_code": self.status, "description": self.description}
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        return web.json_response(body, status=self.status)


class Fault(ApiError):
    """An error that a test asked for, so not a refusal; ``html`` gives the page of a proxy."""

    def __init__(
        self, status: int, retry_after: int | None = None, *, html: bool = False, late: bool = False
    ) -> None:
        super().__init__(status, REASONS[status].format(retry_after), retry_after)
        self.html = html
        self.late = late

    def response(self) -> web.Response:
        """The page of the proxy in front of the Bot API, or the usual JSON."""
        if not self.html:
            return super().response()
        page = f"<html><body><h1>{self.status} {self.description}</h1></body></html>"
        return web.Response(text=page, status=self.status, content_type="text/html")


def bad_request(description: str) -> ApiError:
    """The answer to a request with wrong parameters."""
    return ApiError(400, f"Bad Request: {description}")


# --- Parameters ----------------------------------------------------------------------------------


def fields(table: str) -> dict[str, type]:
    """The fields of a table of the documentation, written "name" for a string or "name:type"."""
    kinds: dict[str, type] = {"": str, "int": int, "bool": bool, "object": dict, "list": list}
    pairs = (field.partition(":") for field in table.split())
    return {name: kinds[kind] for name, _, kind in pairs}


_CONTENT = "chat_id:int text parse_mode link_preview_options:object reply_markup:object "
_FLAGS = "message_thread_id:int disable_notification:bool protect_content:bool "

PARAMETERS = {
    "getMe": {},
    "deleteWebhook": fields("drop_pending_updates:bool"),
    "getUpdates": fields("offset:int limit:int timeout:int allowed_updates:list"),
    "sendMessage": fields(_CONTENT + _FLAGS + "reply_parameters:object"),
    "sendMessageDraft": fields("chat_id:int message_thread_id:int draft_id:int text parse_mode"),
    "editMessageText": fields(_CONTENT + "message_id:int"),
    "sendChatAction": fields("chat_id:int message_thread_id:int action"),
    "answerCallbackQuery": fields("callback_query_id text show_alert:bool url cache_time:int"),
    "setMyCommands": fields("commands:list scope:object language_code"),
    "deleteMyCommands": fields("scope:object language_code"),
    "setMyDescription": fields("description language_code"),
    "setMyShortDescription": fields("short_description language_code"),
}
_REPLY = fields(
    "message_id:int chat_id:int allow_sending_without_reply:bool quote quote_parse_mode"
)
_PREVIEW = fields(
    "is_disabled:bool url prefer_small_media:bool prefer_large_media:bool show_above_text:bool"
)
_BUTTON = fields("text callback_data url switch_inline_query switch_inline_query_current_chat")
_SCOPES = dict.fromkeys(
    ("default", "all_private_chats", "all_group_chats", "all_chat_administrators"), ""
) | {"chat": "chat_id:int", "chat_administrators": "chat_id:int"}
_ACTIONS = fields(
    "typing upload_photo record_video upload_video record_voice upload_voice upload_document "
    "choose_sticker find_location record_video_note upload_video_note"
)
_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


async def read_parameters(request: web.Request) -> Json:
    """The parameters of a request, in any of the forms of #making-requests."""
    values: Json = dict(request.query)
    try:
        if request.content_type == "application/json":
            values |= await request.json()
        elif request.method == "POST":
            values |= dict(await request.post())
    except (TypeError, ValueError) as error:
        raise bad_request("can't parse the request, or it is not encoded in UTF-8") from error
    return {name: value for name, value in values.items() if value is not None}


def decode_parameters(method: str, values: Json) -> Json:
    """Give each parameter the type that the documentation gives it, and refuse unknown ones."""
    for name in values:
        if name not in PARAMETERS[method]:
            raise bad_request(f'"{name}" is not a parameter of {method}')
    return {name: _decode(name, PARAMETERS[method][name], values[name]) for name in values}


def _decode(name: str, kind: type, value: Any) -> Any:
    if name == "chat_id" and not re.fullmatch(r"-?\d{1,18}", str(value)):
        raise bad_request("chat not found" if value else "chat_id is empty")
    try:
        decoded = json.loads(value) if isinstance(value, str) and kind is not str else value
        # An escape such as \ud83d in JSON makes a lone surrogate, which only encoding finds.
        json.dumps(decoded, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise bad_request("strings must be encoded in UTF-8") from error
    except (TypeError, ValueError) as error:
        raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from error
    if type(decoded) is not kind:
        raise bad_request(f"{kind.__name__} expected as {name.replace('_', ' ')}")
    return decoded


def check_fields(label: str, value: Any, known: dict[str, type], required: str = "") -> None:
    """Refuse an object with a field that is unknown, of the wrong type, or missing."""
    if not isinstance(value, dict):
        raise bad_request(f"object expected as {label}")
    for name, field in value.items():
        if name not in known or type(field) is not known[name]:
            raise bad_request(f'field "{name}" of {label} is unknown or has a wrong type')
    for name in required.split():
        if name not in value:
            raise bad_request(f'field "{name}" of {label} is missing')


def check_language(params: Json) -> str:
    """The two-letter ISO 639-1 code of a request, or "" for all users."""
    code: str = params.get("language_code", "")
    if not re.fullmatch(r"[a-z]{2}|", code):
        raise bad_request("invalid language code specified")
    return code


def check_reply_markup(markup: Json) -> None:
    """An #inlinekeyboardmarkup in full; of the other keyboards only that they are one."""
    kinds = {"inline_keyboard", "keyboard", "remove_keyboard", "force_reply"} & markup.keys()
    if len(kinds) != 1:
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" not in kinds:
        return
    check_fields("reply markup", markup, {"inline_keyboard": list})
    for row in markup["inline_keyboard"]:
        if not isinstance(row, list):
            raise bad_request("can't parse inline keyboard: an array of arrays is expected")
        for button in row:
            _check_button(button)


def _check_button(button: Any) -> None:
    check_fields("inline keyboard button", button, _BUTTON, required="text")
    if len(button) != 2 or not button["text"]:
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and checked_link(button["url"]) is None:
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid")


# --- Text and entities ---------------------------------------------------------------------------

_TAGS_OF = {
    "bold": "b strong",
    "italic": "i em",
    "underline": "u ins",
    "strikethrough": "s strike del",
    "spoiler": "span tg-spoiler",
    "text_link": "a",
    "custom_emoji": "tg-emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_KINDS = {tag: kind for kind, tags in _TAGS_OF.items() for tag in tags.split()}
_ATTRIBUTES = {
    "a": "href",
    "span": "class",
    "code": "class",
    "tg-emoji": "emoji-id",
    "blockquote": "expandable",
}
_FIXED_WIDTH = {"code", "pre"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_SINGLE = {"text_link", "custom_emoji"}
_REFERENCES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"'}
_REFERENCE = r"&[#\w]*;?"
_TOKEN = re.compile(
    r"(?P<text>[^<>&]+)"
    rf"|(?P<reference>{_REFERENCE})"
    r"|(?P<stray>>)"
    r"|</(?P<end>[^\s>]*)\s*(?P<end_close>>?)"
    r"""|<(?P<start>[^\s>]*)(?P<attributes>(?:"[^"]*"|'[^']*'|[^"'>])*)(?P<start_close>>?)"""
)
_ATTRIBUTE = re.compile(r"""\s+([^\s=>/"']+)(?:\s*=\s*("[^"]*"|'[^']*'))?(?=\s|$)""")


def utf16_units(text: str) -> int:
    """The length of a text as #messageentity counts it."""
    return len(text.encode("utf-16-le")) // 2


def checked_link(url: str) -> str | None:
    """The http(s) URL as Telegram stores it, never without a path, or None for another one."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", host):
        return None
    return parts._replace(path=parts.path or "/").geturl()


@dataclass
class _OpenTag:
    name: str
    start: int
    entity: Json


class HtmlParser:
    """Telegram's HTML (#html-style) to a plain text and entities with offsets in characters."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._text = ""
        self._open: list[_OpenTag] = []
        self._entities: list[Json] = []

    def parse(self) -> tuple[str, list[Json]]:
        """The text and its entities, in the order of their starts and outermost first."""
        for token in _TOKEN.finditer(self._source):
            if token["start"] is not None:
                self._start_tag(token)
            elif token["end"] is not None:
                self._end_tag(token)
            elif token["stray"]:
                raise self._error('Unescaped ">"', token.start())
            elif token["reference"]:
                self._text += self._character(token["reference"], token.start())
            else:
                self._text += token["text"]
        if self._open:
            name = self._open[-1].name
            raise self._error(f'Can\'t find end tag corresponding to start tag "{name}"')
        outermost_first = reversed(self._entities)
        return self._text, sorted(outermost_first, key=lambda e: (e["offset"], -e["length"]))

    def _error(self, reason: str, position: int | None = None) -> ApiError:
        where = "" if position is None else f" at byte offset {self._bytes_before(position)}"
        return bad_request(f"can't parse entities: {reason}{where}")

    def _bytes_before(self, position: int) -> int:
        return len(self._source[:position].encode())

    def _character(self, reference: str, position: int) -> str:
        if reference in _REFERENCES:
            return _REFERENCES[reference]
        number = re.fullmatch(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));", reference)
        if number is None:
            raise self._error(f'Unescaped "&" or unsupported entity "{reference}"', position)
        code = int(number[1], 16) if number[1] else int(number[2])
        if not 0 < code < 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise self._error(f'Invalid character "{reference}"', position)
        return chr(code)

    def _start_tag(self, token: re.Match[str]) -> None:
        name, position = token["start"].lower(), token.start()
        if token.end("start") == len(self._source):
            raise self._error("Unclosed start tag", position)
        if name not in _KINDS:
            raise self._error(f'Unsupported start tag "{name}"', position)
        if not token["start_close"]:
            raise self._error(f'Unclosed start tag "{name}"', position)
        entity = self._entity(name, self._attribute(name, token), position)
        self._check_nesting(entity["type"], position)
        self._open.append(_OpenTag(name, len(self._text), entity))

    def _attribute(self, name: str, token: re.Match[str]) -> str | None:
        """The value of the one attribute that the tag can have, or None without it."""
        source, position, value = token["attributes"].rstrip(), token.start(), None
        while source:
            found = _ATTRIBUTE.match(source)
            if found is None:
                raise self._error(f'Unquoted attribute in the tag "{name}"', position)
            known = found[1] == _ATTRIBUTES.get(name)
            if not known or (found[2] is None and name != "blockquote"):
                raise self._error(f'Unsupported attribute "{found[1]}"', position)
            raw = (found[2] or '""')[1:-1]
            value = re.sub(_REFERENCE, lambda part: self._character(part[0], position), raw)
            source = source[found.end() :]
        return value

    def _entity(self, name: str, attribute: str | None, position: int) -> Json:
        value = attribute or ""
        if name == "span" and value != "tg-spoiler":
            raise self._error('Tag "span" must have class "tg-spoiler"', position)
        if name == "tg-emoji" and not re.fullmatch(r"[1-9]\d{0,18}", value):
            raise self._error("Invalid custom emoji identifier specified")
        if name == "a":
            return {"type": "text_link", "url": self._link(value, position)}
        if name == "code" and attribute is not None:
            return {"type": "code", "language": self._language(value, position)}
        if name == "blockquote" and attribute is not None:
            return {"type": "expandable_blockquote"}
        extra = {"custom_emoji_id": value} if name == "tg-emoji" else {}
        return {"type": _KINDS[name], **extra}

    def _link(self, url: str, position: int) -> str:
        link = checked_link(url)
        if link is None:
            raise self._error(f'Link to "{url}" is dropped or not modelled', position)
        return link

    def _language(self, value: str, position: int) -> str:
        if not value.startswith("language-") or not self._begins_pre():
            raise self._error("A language needs pre and code tags, nested", position)
        return value.removeprefix("language-")

    def _begins_pre(self) -> bool:
        return bool(self._open) and (self._open[-1].name, self._open[-1].start) == (
            "pre",
            len(self._text),
        )

    def _check_nesting(self, kind: str, position: int) -> None:
        """The rules of #formatting-options; Telegram drops what breaks them without a word."""
        if kind == "code" and self._begins_pre():
            return
        around = {tag.entity["type"] for tag in self._open}
        forbidden = around & _FIXED_WIDTH
        if kind in _FIXED_WIDTH:
            forbidden = around - _QUOTES
        elif kind in _QUOTES:
            forbidden |= around & (_QUOTES | _SINGLE)
        elif kind in _SINGLE:
            forbidden |= around & _SINGLE
        if forbidden:
            raise self._error(f"Entity {kind} can't be part of {min(forbidden)}", position)

    def _end_tag(self, token: re.Match[str]) -> None:
        name, position = token["end"].lower(), token.start()
        if not self._open:
            raise self._error("Unexpected end tag", position)
        if not token["end_close"]:
            raise self._error("Unclosed end tag", position)
        tag = self._open.pop()
        if name != tag.name:
            reason = f"Unmatched end tag at byte offset {self._bytes_before(position)}"
            raise self._error(f'{reason}, expected "</{tag.name}>", found "</{name}>"')
        self._close(tag)

    def _close(self, tag: _OpenTag) -> None:
        same = {tag.entity["type"], "pre"}
        for outer in self._open:
            if outer.entity["type"] in same:
                # <pre><code> is one entity, with the language; <b><strong> is one bold entity.
                outer.entity |= {**tag.entity, "type": outer.entity["type"]}
                return
        length = len(self._text) - tag.start
        self._entities.append({**tag.entity, "offset": tag.start, "length": length})


def _trim(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Trim the text and the end of each entity as Telegram does; offsets become UTF-16 units."""
    text, kept = text.rstrip(), []
    for entity in entities:
        start = entity["offset"]
        inside = text[start : start + entity["length"]].rstrip()
        if inside:
            kept.append((start, inside, entity))
    head = text[: min((start for start, _, _ in kept), default=len(text))]
    lead = len(head) - len(head.lstrip(" \n"))
    return text[lead:], [
        {**entity, "offset": utf16_units(text[lead:start]), "length": utf16_units(inside)}
        for start, inside, entity in kept
    ]


def formatted_text(params: Json) -> tuple[str, list[Json]]:
    """The text and entities that a user sees, 1-4096 units after parsing (#sendmessage)."""
    text, mode, entities = params.get("text", ""), params.get("parse_mode", ""), list[Json]()
    if mode and mode.lower() != "html":
        raise bad_request(f"parse_mode {mode} is not supported by the fake")
    if mode:
        text, entities = HtmlParser(text).parse()
    text, entities = _trim(text, entities)
    if not text:
        raise bad_request("message text is empty")
    if utf16_units(text) > 4096:
        raise bad_request("message is too long")
    if len(entities) > 100:
        raise bad_request("more than 100 entities, the rest is dropped")
    return text, entities


# --- What Telegram keeps -------------------------------------------------------------------------


class UpdateQueue:
    """The updates that are not yet acknowledged (#getupdates)."""

    def __init__(self) -> None:
        self.pending: list[Json] = []
        self._next_id = 500_000_001
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


# --- The server ----------------------------------------------------------------------------------


class FakeBotApi:
    """The HTTP server, in its own thread: what a test does to it, and what it asks of it."""

    def __init__(
        self, token: str = "42:fake-token-for-tests", *, messages_per_second: int | None = None
    ) -> None:
        self.token = token
        self._limit = messages_per_second
        self._sent: defaultdict[int, deque[float]] = defaultdict(deque)
        self._state = BotState(int(token.partition(":")[0]))
        self._calls: list[Call] = []
        self._refusals: list[Refusal] = []
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-bot-api", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self._poll: asyncio.Future[None] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("the fake Bot API did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)

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
    ) -> int:
        """Deliver a text from a user, in the private chat by default; return its message_id."""
        user: Json = {"id": user_id, "is_bot": False, "first_name": first_name}
        if language_code is not None:
            user["language_code"] = language_code
        chat = chat_of(user_id if chat_id is None else chat_id, first_name)
        message: Json = {"from": user, "chat": chat, "text": text}
        command = re.match(r"/[A-Za-z0-9_]{1,32}(@\w+)?", text)
        if entities is None and command:
            entities = [{"type": "bot_command", "offset": 0, "length": command.end()}]
        if entities:
            message["entities"] = entities
        return int(self.push({"message": message})["message"]["message_id"])

    def push(self, update: Json) -> Json:
        """Deliver any Update; return it completed with identifiers, a date, a user, a chat."""
        update = copy.deepcopy(update)
        with self._changed:
            self._state.receive(update)
        self._loop.call_soon_threadsafe(self._wake)
        return copy.deepcopy(update)

    def fail(
        self,
        method: str,
        *,
        status: int = 429,
        retry_after: int | None = None,
        times: int = 1,
        html: bool = False,
    ) -> None:
        """Answer the next calls with an error of ``REASONS``, before they take effect."""
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
        if method not in PARAMETERS:
            raise ValueError(f"{method} is not a method of the fake")
        with self._changed:
            self._faults[method].extend([fault] * times)

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
            return copy.deepcopy(self._state.commands)

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

    # All below runs in the thread of the server.

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        # Without cancellation the poll of a bot that was killed would last until its timeout.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        self._started.set()
        await self._closing.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        method, params = request.match_info["method"], Json()
        try:
            self._check_path(request.match_info["token"], method)
            params = await read_parameters(request)
            params = decode_parameters(method, params)
            fault = self._next_fault(method)
            result = await self._perform(method, params)
        except ApiError as error:
            return self._reject(request, method, params, error)
        self._record(Call(method, params, result, NO_ANSWER if fault else 200))
        return hang_up(request) if fault else web.json_response({"ok": True, "result": result})

    def _check_path(self, token: str, method: str) -> None:
        """401 for a wrong token; 404 for a malformed one or no method (#authorizing-your-bot)."""
        if re.fullmatch(r"\d+:[\w-]+", token) and token != self.token:
            raise ApiError(401, "Unauthorized")
        if token != self.token or method not in PARAMETERS:
            raise ApiError(404, "Not Found")

    def _next_fault(self, method: str) -> Fault | None:
        """Raise the next fault of a method, or return it if the call is to take effect first."""
        with self._changed:
            fault = self._faults[method].popleft() if self._faults[method] else None
        if fault is not None and not fault.late:
            raise fault
        return fault

    async def _perform(self, method: str, params: Json) -> Any:
        if method == "getUpdates":
            return await self._get_updates(params)
        with self._changed:
            if method == "sendMessage":
                self._control_flood(params.get("chat_id", 0))
            return copy.deepcopy(self._state.handlers[method](params))

    def _control_flood(self, chat_id: int) -> None:
        now, sent = time.monotonic(), self._sent[chat_id]
        while sent and sent[0] < now - 1:
            sent.popleft()
        if self._limit is not None and len(sent) >= self._limit:
            raise ApiError(429, "Too Many Requests: retry after 1", 1)
        sent.append(now)

    async def _get_updates(self, params: Json) -> list[Json]:
        limit, timeout = params.get("limit", 100), params.get("timeout", 0)
        with self._changed:
            updates = self._state.queue.take(params.get("offset", 0), limit)
            if "allowed_updates" in params:
                self._state.queue.allow(params["allowed_updates"])
        self._end_other_poll()
        if not updates and timeout > 0:
            self._poll = self._loop.create_future()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poll, timeout)
            with self._changed:
                updates = self._state.queue.take(0, limit)
        return updates

    def _end_other_poll(self) -> None:
        """Of two polls Telegram ends the older, which is the one that sees the conflict."""
        if self._poll is not None and not self._poll.done():
            reason = "terminated by other getUpdates request; make sure that only one bot instance"
            self._poll.set_exception(ApiError(409, f"Conflict: {reason} is running"))

    def _wake(self) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _reject(
        self, request: web.Request, method: str, params: Json, error: ApiError
    ) -> web.Response:
        if error.status in {400, 401, 404} and not isinstance(error, Fault):
            with self._changed:
                self._refusals.append(Refusal(method, params, error.description))
        self._record(Call(method, params, None, error.status))
        return hang_up(request) if error.status == NO_ANSWER else error.response()

    def _record(self, call: Call) -> None:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()


def hang_up(request: web.Request) -> web.Response:
    """Close the connection at once, so that the response returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
