"""The keyboards under messages, and their checks (#inlinekeyboardmarkup)."""

from __future__ import annotations

from typing import Any

from tests.bot_api.errors import ApiError, Json, bad_request
from tests.bot_api.parameters import check_fields, fields
from tests.bot_api.text import checked_link

_BUTTON = fields(
    "text callback_data url switch_inline_query switch_inline_query_current_chat copy_text:object"
)
_SWITCHES = ("switch_inline_query", "switch_inline_query_current_chat")
_BUTTONS, _ROW = 100, 8  # the most in a keyboard and in a row; Telegram drops what is beyond


def check_reply_markup(markup: Json, *, inline: bool = True) -> None:
    """An #inlinekeyboardmarkup in full; of the other keyboards only that they are one.

    ``inline``: whether the bot has inline mode, without which a button for it leads nowhere.
    """
    kinds = {"inline_keyboard", "keyboard", "remove_keyboard", "force_reply"} & markup.keys()
    if len(kinds) != 1:
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in kinds:
        check_inline_keyboard(markup)
        buttons = [button for row in markup["inline_keyboard"] for button in row]
        if not inline and any(name in button for name in _SWITCHES for button in buttons):
            raise bad_request("a button for inline mode, which the bot does not have")


def check_inline_keyboard(markup: Json) -> None:
    """An #inlinekeyboardmarkup, the only keyboard that an inline result can have."""
    check_fields("reply markup", markup, {"inline_keyboard": list}, "inline_keyboard")
    rows = markup["inline_keyboard"]
    if not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse inline keyboard: an array of arrays is expected")
    for row in rows:
        if len(row) > _ROW:
            raise bad_request(f"a row of the inline keyboard has more than {_ROW} buttons")
        for button in row:
            _check_button(button)
    if sum(map(len, rows)) > _BUTTONS:
        raise bad_request("reply markup is too long")


def _check_button(button: Any) -> None:
    check_fields("inline keyboard button", button, _BUTTON, required="text")
    if not button["text"].strip():
        raise _unparsed("the text of a button must be non-empty")
    if len(button) != 2:
        raise _unparsed("Text buttons are unallowed in the inline keyboard")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
        raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and checked_link(button["url"]) is None:
        raise bad_request(f"inline keyboard button URL '{button['url']}' is invalid")
    if any(len(button.get(name, "")) > 256 for name in _SWITCHES):  # no such query can be sent
        raise bad_request("inline query of a button is too long")
    if "copy_text" in button:
        check_fields("copy text button", button["copy_text"], fields("text"), "text")
        if not 1 <= len(button["copy_text"]["text"]) <= 256:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _unparsed(reason: str) -> ApiError:
    return bad_request(f"can't parse inline keyboard button: {reason}")
