"""The checks of an answer to an inline query (#answerinlinequery)."""

from __future__ import annotations

import re
from typing import Any

from tests.bot_api.errors import Json, bad_request
from tests.bot_api.keyboards import check_inline_keyboard
from tests.bot_api.parameters import check_fields, check_link_preview, fields
from tests.bot_api.text import checked_link, formatted_text

_ARTICLE = fields(
    "type id title input_message_content:object reply_markup:object url description "
    "thumbnail_url thumbnail_width:int thumbnail_height:int"
)
_TEXT = fields("message_text parse_mode link_preview_options:object")
_BUTTON = fields("text start_parameter web_app:object")


def check_inline_answer(params: Json) -> None:
    """Refuse results that Telegram would not show, or could not send."""
    if "results" not in params:
        raise bad_request("can't parse inline query results: there are none")
    if len(params["results"]) > 50:
        raise bad_request("RESULTS_TOO_MUCH")
    for result in params["results"]:
        check_article(result)
    if len({result["id"] for result in params["results"]}) < len(params["results"]):
        raise bad_request("RESULT_ID_DUPLICATE")
    if len(params.get("next_offset", "").encode()) > 64:
        raise bad_request("NEXT_OFFSET_INVALID")
    if params.get("cache_time", 0) < 0:
        raise bad_request("cache_time must not be negative")
    if "button" in params:
        _check_button(params["button"])


def check_article(result: Any) -> None:
    """An #inlinequeryresultarticle; the other kinds are not modelled."""
    check_fields("inline query result", result, _ARTICLE, "type id title input_message_content")
    if result["type"] != "article":
        raise bad_request(f"type {result['type']} of inline query results is not supported")
    if not 1 <= len(result["id"].encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    if not result["title"].strip():
        raise bad_request("ARTICLE_TITLE_EMPTY")
    for name in ("url", "thumbnail_url"):
        if result.get(name) and checked_link(result[name]) is None:
            raise bad_request(f"{name} of an inline query result is invalid")
    if "reply_markup" in result:
        check_inline_keyboard(result["reply_markup"])
    _check_text(result["input_message_content"])


def _check_text(content: Json) -> None:
    """An #inputtextmessagecontent; entities beside the text are not modelled."""
    check_fields("input message content", content, _TEXT, "message_text")
    mode = content.get("parse_mode", "")
    formatted_text({"text": content["message_text"], "parse_mode": mode})
    if "link_preview_options" in content:
        check_link_preview(content["link_preview_options"])


def _check_button(button: Json) -> None:
    """An #inlinequeryresultsbutton."""
    check_fields("inline query results button", button, _BUTTON, "text")
    if len(button) != 2 or not button["text"].strip():
        raise bad_request("inline query results button needs a text and exactly one use")
    if "web_app" in button:
        check_fields("WebAppInfo", button["web_app"], fields("url"), "url")
        if not button["web_app"]["url"].startswith("https://"):
            raise bad_request("an HTTPS URL must be provided for a Web App")
    elif not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", button["start_parameter"]):
        raise bad_request("START_PARAM_INVALID")
