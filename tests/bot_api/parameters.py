"""The parameters of the methods the fake Bot API knows, and their checks."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp import web

from tests.bot_api.errors import Json, bad_request


def fields(table: str) -> dict[str, type]:
    """The fields of a table of the documentation, written "name" for a string or "name:type"."""
    kinds: dict[str, type] = {
        "": str,
        "int": int,
        "bool": bool,
        "object": dict,
        "list": list,
        "file": bytes,
    }
    pairs = (field.partition(":") for field in table.split())
    return {name: kinds[kind] for name, _, kind in pairs}


_CONTENT = "chat_id:int text parse_mode link_preview_options:object reply_markup:object "
_FLAGS = (
    "message_thread_id:int direct_messages_topic_id:int disable_notification:bool "
    "protect_content:bool "
)

PARAMETERS = {
    "getMe": {},
    "setWebhook": fields(
        "url secret_token ip_address max_connections:int allowed_updates:list "
        "drop_pending_updates:bool certificate:file"
    ),
    "getWebhookInfo": {},
    "deleteWebhook": fields("drop_pending_updates:bool"),
    "getUpdates": fields("offset:int limit:int timeout:int allowed_updates:list"),
    "sendMessage": fields(
        _CONTENT + _FLAGS + "reply_parameters:object ephemeral_message_parameters:object"
    ),
    "sendDocument": fields(
        "chat_id:int document:file caption parse_mode disable_content_type_detection:bool "
        "reply_markup:object reply_parameters:object " + _FLAGS
    ),
    "sendRichMessage": fields(
        "chat_id:int rich_message:object reply_markup:object reply_parameters:object " + _FLAGS
    ),
    "editEphemeralMessageText": fields(_CONTENT + "receiver_user_id:int ephemeral_message_id:int"),
    "sendMessageDraft": fields("chat_id:int message_thread_id:int draft_id:int text parse_mode"),
    "editMessageText": fields(_CONTENT + "message_id:int rich_message:object"),
    "editMessageReplyMarkup": fields("chat_id:int message_id:int reply_markup:object"),
    "deleteMessage": fields("chat_id:int message_id:int"),
    "deleteMessages": fields("chat_id:int message_ids:list"),
    "setMessageReaction": fields("chat_id:int message_id:int reaction:list is_big:bool"),
    "getFile": fields("file_id"),
    "sendChatAction": fields("chat_id:int message_thread_id:int action"),
    "answerCallbackQuery": fields("callback_query_id text show_alert:bool url cache_time:int"),
    "answerInlineQuery": fields(
        "inline_query_id results:list cache_time:int is_personal:bool next_offset button:object"
    ),
    "answerGuestQuery": fields("guest_query_id result:object"),
    "setMyCommands": fields("commands:list scope:object language_code"),
    "getMyCommands": fields("scope:object language_code"),
    "deleteMyCommands": fields("scope:object language_code"),
    "setMyDescription": fields("description language_code"),
    "getMyDescription": fields("language_code"),
    "getMyShortDescription": fields("language_code"),
    "setMyShortDescription": fields("short_description language_code"),
}
_PREVIEW = fields(
    "is_disabled:bool url prefer_small_media:bool prefer_large_media:bool show_above_text:bool"
)


class Upload(bytes):
    """The content of an uploaded file, with its name and its type."""

    name: str
    mime_type: str

    @classmethod
    def of(cls, field: web.FileField) -> Upload:
        """The file in a field of a form."""
        upload = cls(field.file.read())
        upload.name, upload.mime_type = field.filename, field.content_type
        return upload


async def read_parameters(request: web.Request) -> Json:
    """The parameters of a request, in any of the forms of #making-requests."""
    values: Json = dict(request.query)
    try:
        if request.content_type == "application/json":
            values |= await request.json()
        elif request.method == "POST":
            form = await request.post()
            values |= {
                n: Upload.of(v) if isinstance(v, web.FileField) else v for n, v in form.items()
            }
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
    if isinstance(value, bytes) != (kind is bytes):
        how = "must" if kind is bytes else "must not"
        raise bad_request(f"{name.replace('_', ' ')} {how} be uploaded as a file")
    if kind is bytes:
        return value
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


def check_link_preview(options: Any) -> None:
    """A #linkpreviewoptions."""
    check_fields("link preview options", options, _PREVIEW)


def check_language(params: Json) -> str:
    """The two-letter ISO 639-1 code of a request, or "" for all users."""
    code: str = params.get("language_code", "")
    if not re.fullmatch(r"[a-z]{2}|", code):
        raise bad_request("invalid language code specified")
    return code
