"""The fake Bot API refuses what it must, and a real python-telegram-bot can live on it."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from telegram import (
    BotCommand,
    BotCommandScopeChat,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ParseMode, ReactionEmoji
from telegram.error import NetworkError
from telegram.ext import (
    AIORateLimiter,
    Application,
    ApplicationBuilder,
    ContextTypes,
    MessageHandler,
    filters,
)

from tests.bot_api import ADA, FakeBotApi, HtmlParser, formatted_text
from tests.bot_api.reactions import check_reactions

CHAT = ADA["id"]
TLS = ssl.create_default_context()  # Making one for each request takes most of its time.
AnyApplication = Application[Any, Any, Any, Any, Any, Any]


@pytest.fixture
def server() -> Iterator[FakeBotApi]:
    with FakeBotApi() as running:
        yield running


def post(server: FakeBotApi, method: str, **params: Any) -> httpx.Response:
    url = f"{server.base_url}{server.token}/{method}"
    headers = {"Content-Type": "application/json"}
    # json.dumps escapes what UTF-8 cannot hold, so a lone surrogate can be sent.
    return httpx.post(url, content=json.dumps(params), headers=headers, trust_env=False, verify=TLS)


def result(server: FakeBotApi, method: str, **params: Any) -> Any:
    response = post(server, method, **params)
    assert response.status_code == 200, response.text
    return response.json()["result"]


def refusal(server: FakeBotApi, method: str, **params: Any) -> str:
    response = post(server, method, **params)
    body = response.json()
    assert (response.status_code, body["ok"], body["error_code"]) == (400, False, 400)
    assert server.refusals[-1].method == method
    assert server.refusals[-1].description == body["description"]
    return str(body["description"])


def button(**fields: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "Yes", **fields}]]}


def keyboard(*rows: int) -> dict[str, Any]:
    """A keyboard with so many buttons in each row."""
    return {"inline_keyboard": [[{"text": "a", "callback_data": "b"}] * row for row in rows]}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"text": "a", "chat": 1}, '"chat" is not a parameter of sendMessage'),
        ({"text": "a", "chat_id": None}, "chat_id is empty"),
        ({"text": "a", "chat_id": 5}, "chat not found"),
        ({"text": "a", "chat_id": "@nobody"}, "chat not found"),
        ({}, "message text is empty"),
        ({"text": " \n"}, "message text is empty"),
        ({"text": "<b> </b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"text": "a" * 4097}, "message is too long"),
        ({"text": "\U0001f600" * 2049}, "message is too long"),
        ({"text": "<b>a</b>." * 101, "parse_mode": "HTML"}, "more than 100 entities"),
        ({"text": "a", "parse_mode": "Markdown"}, "parse_mode Markdown is not supported"),
        ({"text": 5}, "str expected as text"),
        ({"text": "\ud83d"}, "strings must be encoded in UTF-8"),
        ({"text": "a", "protect_content": "maybe"}, "can't parse protect content"),
        ({"text": "a", "reply_parameters": "7"}, "dict expected as reply parameters"),
        ({"text": "a", "reply_parameters": {"message_id": 7}}, "message to be replied not found"),
        ({"text": "a", "reply_parameters": {"id": 7}}, 'field "id" of reply parameters'),
        ({"text": "a", "reply_parameters": {}}, 'field "message_id" of reply parameters'),
        ({"text": "a", "reply_to_message_id": 7}, "is not a parameter"),
        ({"text": "a", "link_preview_options": {"is_disabled": 1}}, 'field "is_disabled"'),
        (
            {"text": "a", "reply_parameters": {"message_id": 101, "chat_id": 5}},
            "replies in another chat are not supported",
        ),
        (
            {"text": "a", "reply_parameters": {"message_id": 101, "quote": "bye"}},
            "QUOTE_TEXT_INVALID",
        ),
        ({"text": "a", "reply_markup": {"inline_keyboard": [5]}}, "array of arrays"),
        ({"text": "a", "reply_markup": button(url="http://[")}, "is invalid"),
        ({"text": "a", "reply_markup": {}}, "object expected as reply markup"),
        ({"text": "a", "reply_markup": button()}, "Text buttons are unallowed"),
        ({"text": "a", "reply_markup": button(callback_data="")}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": button(callback_data="é" * 33)}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "reply_markup": button(url="ftp://a.b")}, "is invalid"),
        ({"text": "a", "reply_markup": button(text=" ", url="a.b")}, "must be non-empty"),
        ({"text": "a", "reply_markup": button(url="a.b", style="danger")}, '"style"'),
        ({"text": "a", "reply_markup": button(copy_text="b")}, '"copy_text"'),
        ({"text": "a", "reply_markup": button(copy_text={})}, '"text" of copy text button'),
        ({"text": "a", "reply_markup": button(copy_text={"text": ""})}, "COPY_TEXT_INVALID"),
        (
            {"text": "a", "reply_markup": button(copy_text={"text": "b" * 257})},
            "COPY_TEXT_INVALID",
        ),
        ({"text": "a", "reply_markup": button(switch_inline_query="b" * 257)}, "too long"),
        ({"text": "a", "reply_markup": keyboard(9)}, "more than 8 buttons"),
        ({"text": "a", "reply_markup": keyboard(*[8] * 12, 5)}, "reply markup is too long"),
    ],
)
def test_send_message_refusals(server: FakeBotApi, params: dict[str, Any], reason: str) -> None:
    server.say("hello")
    assert reason in refusal(server, "sendMessage", **{"chat_id": CHAT, **params})
    assert server.messages(CHAT, from_bot=True) == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<p>a</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("è<br/>a", 'Unsupported start tag "br/" at byte offset 2'),
        ("1 < 2 a", 'Unsupported start tag "" at byte offset 2'),
        ("a <b", "Unclosed start tag at byte offset 2"),
        ("<a href='x", 'Unclosed start tag "a" at byte offset 0'),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</b", "Unclosed end tag at byte offset 4"),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("a > b", 'Unescaped ">" at byte offset 2'),
        ("Q&A", 'Unescaped "&" or unsupported entity "&A" at byte offset 1'),
        ("&nbsp;", 'unsupported entity "&nbsp;"'),
        ("&#0;", 'Invalid character "&#0;"'),
        ("&#xD83D;", 'Invalid character "&#xD83D;"'),
        ("<span>a</span>", 'Tag "span" must have class "tg-spoiler"'),
        ("<a href=http://a.b>a</a>", 'Unquoted attribute in the tag "a"'),
        ("<a>a</a>", 'Link to "" is dropped'),
        ('<a href="javascript:x">a</a>', "is dropped"),
        ('<a href="http://a.b" rel="x">a</a>', 'Unsupported attribute "rel"'),
        ('<b class="x">a</b>', 'Unsupported attribute "class"'),
        ('<tg-emoji emoji-id="x">a</tg-emoji>', "Invalid custom emoji identifier"),
        ('<code class="language-c">a</code>', "A language needs pre and code"),
        ("<pre><b>a</b></pre>", "Entity bold can't be part of pre"),
        ("<code><i>a</i></code>", "Entity italic can't be part of code"),
        ("<b><code>a</code></b>", "Entity code can't be part of bold"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>", "can't be part of blockquote"),
        ('<a href="a.b">a<a href="a.c">b</a></a>', "Entity text_link can't be part of text_link"),
    ],
)
def test_html_refusals(server: FakeBotApi, source: str, reason: str) -> None:
    server.say("hello")
    description = refusal(server, "sendMessage", chat_id=CHAT, text=source, parse_mode="HTML")
    assert description.startswith("Bad Request: can't parse entities: ")
    assert reason in description


def entity(kind: str, offset: int, length: int, **extra: str) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **extra}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("&lt;a&gt; &amp; &quot;b&quot; &#39;&#x1F600;", '<a> & "b" \'\U0001f600', []),
        ("\U0001f600<b>è </b>x", "\U0001f600è x", [entity("bold", 2, 1)]),
        ("  <i>a<b>b</b></i>\n", "ab", [entity("italic", 0, 2), entity("bold", 1, 1)]),
        ("<i><b>a</b></i>", "a", [entity("italic", 0, 1), entity("bold", 0, 1)]),
        ("<B>a<strong>b</strong></B>", "ab", [entity("bold", 0, 2)]),
        ("a<b> </b>b<u></u>", "a b", []),
        ("<pre>a</pre>", "a", [entity("pre", 0, 1)]),
        (
            "<pre><code class='language-c'>a</code></pre>",
            "a",
            [entity("pre", 0, 1, language="c")],
        ),
        ("<blockquote expandable>a</blockquote>", "a", [entity("expandable_blockquote", 0, 1)]),
        (
            "<blockquote><code>a</code></blockquote>",
            "a",
            [entity("blockquote", 0, 1), entity("code", 0, 1)],
        ),
        ('<span class="tg-spoiler">a</span>', "a", [entity("spoiler", 0, 1)]),
        ("<tg-spoiler>a</tg-spoiler>", "a", [entity("spoiler", 0, 1)]),
        (
            '<a href="http://a.b?c=1&amp;d=2">a</a>',
            "a",
            [entity("text_link", 0, 1, url="http://a.b/?c=1&d=2")],
        ),
        (
            '<tg-emoji emoji-id="5">a</tg-emoji>',
            "a",
            [entity("custom_emoji", 0, 1, custom_emoji_id="5")],
        ),
    ],
)
def test_html_accepted(source: str, text: str, entities: list[dict[str, Any]]) -> None:
    assert formatted_text({"text": source, "parse_mode": "HTML"}) == (text, entities)


def test_html_limits_count_the_parsed_text() -> None:
    source = "&amp;" * 4096
    assert HtmlParser(source).parse()[0] == "&" * 4096
    assert len(formatted_text({"text": source, "parse_mode": "HTML"})[0]) == 4096


HOOK = {"url": "https://a.b/c"}


def reactions(*emoji: str, kind: str = "emoji") -> dict[str, Any]:
    """The parameters of setMessageReaction for the first message."""
    of = {"chat_id": CHAT, "message_id": 101}
    return {**of, "reaction": [{"type": kind, "emoji": one} for one in emoji]}


@pytest.mark.parametrize(
    ("method", "params", "reason"),
    [
        ("sendChatAction", {"chat_id": CHAT, "action": "thinking"}, "wrong parameter action"),
        ("sendChatAction", {"chat_id": 5, "action": "typing"}, "chat not found"),
        ("sendMessageDraft", {"chat_id": CHAT, "draft_id": 0, "text": "a"}, "draft_id"),
        ("editMessageText", {"chat_id": CHAT, "message_id": 5, "text": "a"}, "edit not found"),
        ("editMessageText", {"chat_id": CHAT, "message_id": 101, "text": "a"}, "can't be edited"),
        ("editMessageText", {"chat_id": CHAT, "message_id": 102, "text": "Hi"}, "not modified"),
        ("answerCallbackQuery", {"callback_query_id": "5"}, "query is too old"),
        ("answerCallbackQuery", {"callback_query_id": "7", "text": "a" * 201}, "TOO_LONG"),
        ("deleteMessage", {"chat_id": CHAT, "message_id": 5}, "message to delete not found"),
        ("deleteMessage", {"chat_id": CHAT, "message_id": 101}, "message can't be deleted"),
        ("deleteMessage", {"chat_id": 5, "message_id": 102}, "chat not found"),
        ("deleteMessages", {"chat_id": CHAT, "message_ids": [102, 101]}, "can't be deleted"),
        ("deleteMessages", {"chat_id": CHAT, "message_ids": []}, "1 to 100"),
        ("deleteMessages", {"chat_id": CHAT, "message_ids": [102] * 101}, "1 to 100"),
        ("deleteMessages", {"chat_id": CHAT, "message_ids": ["102"]}, "1 to 100"),
        ("setMyCommands", {}, "can't parse list of bot commands"),
        ("setMyCommands", {"commands": ["ask"]}, "object expected as BotCommand"),
        ("setMyCommands", {"commands": [{"command": "ask"}]}, '"description"'),
        ("setMyCommands", {"commands": [{"command": "Ask", "description": "a"}]}, "INVALID"),
        ("setMyCommands", {"commands": [{"command": "a" * 33, "description": "a"}]}, "INVALID"),
        ("setMyCommands", {"commands": [{"command": "a", "description": "a" * 257}]}, "256"),
        ("setMyCommands", {"commands": [{"command": "a", "description": "a"}] * 101}, "TOO_MUCH"),
        ("setMyCommands", {"commands": [], "language_code": "ita"}, "invalid language code"),
        ("setMyCommands", {"commands": [], "scope": {"type": "all"}}, "BotCommandScope"),
        ("setMyCommands", {"commands": [], "scope": {"type": "chat"}}, '"chat_id"'),
        (
            "setMyCommands",
            {"commands": [], "scope": {"type": "chat", "chat_id": 5}},
            "chat not found",
        ),
        ("deleteMyCommands", {"scope": {"type": "chat", "chat_id": 5}}, "chat not found"),
        ("sendMessage", {"chat_id": CHAT, "text": "a", "message_thread_id": 9}, "thread not found"),
        (
            "sendMessage",
            {"chat_id": CHAT, "text": "a", "direct_messages_topic_id": 9},
            "direct_messages_topic_id",
        ),
        ("editMessageReplyMarkup", {"chat_id": CHAT, "message_id": 102}, "not modified"),
        ("editMessageReplyMarkup", {"chat_id": CHAT, "message_id": 101}, "can't be edited"),
        ("editMessageReplyMarkup", {"chat_id": CHAT, "message_id": 5}, "edit not found"),
        ("answerGuestQuery", {"guest_query_id": "5", "result": {}}, "query is too old"),
        (
            "sendMessage",
            {
                "chat_id": CHAT,
                "text": "a",
                "ephemeral_message_parameters": {"receiver_user_id": CHAT},
                "reply_parameters": {"ephemeral_message_id": 5},
            },
            "replies to one of its receiver",
        ),
        (
            "editEphemeralMessageText",
            {"chat_id": CHAT, "receiver_user_id": CHAT, "ephemeral_message_id": 5, "text": "a"},
            "message to edit not found",
        ),
        ("getMyDescription", {"language_code": "ita"}, "invalid language code"),
        ("setMyDescription", {"description": "a" * 513}, "too long"),
        ("setMyShortDescription", {"short_description": "a" * 121}, "too long"),
        ("getUpdates", {"limit": 101}, "limit must be between 1 and 100"),
        ("getUpdates", {"allowed_updates": ["messages"]}, "messages is not a kind of update"),
        ("getMyCommands", {"scope": {"type": "chat", "chat_id": 5}}, "chat not found"),
        ("setMessageReaction", {"chat_id": CHAT, "message_id": 5}, "message to react not found"),
        ("setMessageReaction", {"chat_id": 5, "message_id": 101}, "chat not found"),
        ("setMessageReaction", reactions("👍", "🔥"), "REACTIONS_TOO_MANY"),
        ("setMessageReaction", reactions("🦊"), "REACTION_INVALID"),
        ("setMessageReaction", reactions("👍", kind="custom_emoji"), "REACTION_INVALID"),
        ("getFile", {}, "wrong file_id"),
        ("getFile", {"file_id": "BQAC"}, "wrong file_id"),
        ("setWebhook", {"url": "http://a.b/c"}, "An HTTPS URL must be provided"),
        ("setWebhook", {"url": "https://a.b:8080/c"}, "only on ports 80, 88, 443 or 8443"),
        ("setWebhook", {"url": "http://127.0.0.1:99999"}, "invalid webhook URL"),
        ("setWebhook", {**HOOK, "secret_token": ""}, "unallowed characters"),
        ("setWebhook", {**HOOK, "secret_token": "a" * 257}, "too long"),
        ("setWebhook", {**HOOK, "secret_token": "a b"}, "unallowed characters"),
        ("setWebhook", {**HOOK, "max_connections": 101}, "max_connections"),
        ("setWebhook", {**HOOK, "max_connections": 0}, "max_connections"),
        ("setWebhook", {**HOOK, "allowed_updates": ["messages"]}, "not a kind of update"),
        ("setWebhook", {**HOOK, "certificate": "a"}, "certificate must be uploaded as a file"),
    ],
)
def test_other_refusals(
    server: FakeBotApi, method: str, params: dict[str, Any], reason: str
) -> None:
    server.say("hello")
    server.push({"callback_query": {"id": "7", "data": "yes"}})
    result(server, "sendMessage", chat_id=CHAT, text="Hi")
    assert reason in refusal(server, method, **params)
    assert [m["text"] for m in server.messages(CHAT)] == ["hello", "Hi"]
    assert result(server, "getWebhookInfo")["url"] == ""


def article(**fields: Any) -> dict[str, Any]:
    content = {"message_text": "<b>a</b>", "parse_mode": "HTML"}
    basis = {"type": "article", "id": "1", "title": "A", "input_message_content": content}
    return basis | fields


def says(**content: Any) -> dict[str, Any]:
    return {"results": [article(input_message_content=content)]}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"inline_query_id": "5", "results": []}, "query is too old"),
        ({}, "there are none"),
        ({"results": "a"}, "can't parse results"),
        ({"results": ["a"]}, "object expected as inline query result"),
        ({"results": [article(id=str(n)) for n in range(51)]}, "RESULTS_TOO_MUCH"),
        ({"results": [article(), article(title="B")]}, "RESULT_ID_DUPLICATE"),
        ({"results": [article(id="")]}, "RESULT_ID_INVALID"),
        ({"results": [article(id="é" * 32 + "a")]}, "RESULT_ID_INVALID"),
        ({"results": [article(type="photo")]}, "type photo"),
        ({"results": [article(title=" ")]}, "ARTICLE_TITLE_EMPTY"),
        ({"results": [{"type": "article", "id": "1", "title": "A"}]}, '"input_message_content"'),
        ({"results": [article(hide_url=True)]}, '"hide_url"'),
        ({"results": [article(url="ftp://a.b")]}, "url of an inline query result"),
        ({"results": [article(thumbnail_url="a")]}, "thumbnail_url of an inline query result"),
        ({"results": [article(reply_markup={"remove_keyboard": True})]}, "remove_keyboard"),
        ({"results": [article(reply_markup=button(callback_data=""))]}, "BUTTON_DATA_INVALID"),
        (says(), '"message_text"'),
        (says(message_text=""), "message text is empty"),
        (says(message_text="\U0001f600" * 2049), "message is too long"),
        (says(message_text="<p>", parse_mode="HTML"), "can't parse entities"),
        (says(message_text="a", link_preview_options={"url": 1}), '"url" of link preview'),
        (says(message_text="a", disable_web_page_preview=True), '"disable_web_page_preview"'),
        ({"results": [], "cache_time": -1}, "cache_time"),
        ({"results": [], "next_offset": "é" * 32 + "a"}, "NEXT_OFFSET_INVALID"),
        ({"results": [], "button": {"text": "a"}}, "exactly one use"),
        ({"results": [], "button": {"text": "", "start_parameter": "a"}}, "needs a text"),
        ({"results": [], "button": {"text": "a", "start_parameter": ""}}, "START_PARAM_INVALID"),
        ({"results": [], "button": {"text": "a", "start_parameter": "à"}}, "START_PARAM_INVALID"),
        (
            {"results": [], "button": {"text": "a", "start_parameter": "a" * 65}},
            "START_PARAM_INVALID",
        ),
        ({"results": [], "button": {"text": "a", "web_app": {"url": "http://a.b"}}}, "HTTPS"),
    ],
)
def test_inline_refusals(server: FakeBotApi, params: dict[str, Any], reason: str) -> None:
    query = {"inline_query_id": server.inline("kim")}
    assert reason in refusal(server, "answerInlineQuery", **(query | params))
    assert result(server, "answerInlineQuery", **query, results=[article()])  # still open


def test_an_inline_query_is_answered_once(server: FakeBotApi) -> None:
    query_id = server.inline("kim", user_id=5, language_code="en", offset="50")
    (update,) = result(server, "getUpdates")
    asked = update["inline_query"]
    assert (asked["id"], asked["query"], asked["offset"]) == (query_id, "kim", "50")
    assert (asked["from"]["id"], asked["from"]["language_code"]) == (5, "en")
    full = article(description="a", url="", thumbnail_url="https://a.b/c", thumbnail_width=1)
    full["reply_markup"] = button(copy_text={"text": "c" * 256})
    more = {"cache_time": 0, "is_personal": True, "next_offset": "x" * 64}
    start = {"text": "Help", "start_parameter": "a-Z_0"}
    answer = {"inline_query_id": query_id, "results": [full], "button": start, **more}
    assert result(server, "answerInlineQuery", **answer)
    assert server.calls[-1].params["results"] == [full]
    assert "too old" in refusal(server, "answerInlineQuery", **answer)
    with pytest.raises(ValueError, match="at most 256"):
        server.inline("a" * 257)


def test_a_callback_query_is_answered_once(server: FakeBotApi) -> None:
    ids = [server.push({"callback_query": {"data": "a"}})["callback_query"]["id"] for _ in "ab"]
    assert ids[0] != ids[1]
    for query_id in ids:
        assert result(server, "answerCallbackQuery", callback_query_id=query_id)
        assert "too old" in refusal(server, "answerCallbackQuery", callback_query_id=query_id)


def test_keyboards_of_the_largest_size_are_accepted(server: FakeBotApi) -> None:
    server.say("hello")
    for markup in (keyboard(*[8] * 12, 4), button(copy_text={"text": "b" * 256})):
        sent = result(server, "sendMessage", chat_id=CHAT, text="a", reply_markup=markup)
        assert sent["reply_markup"] == markup


def test_a_bot_without_inline_mode_has_no_buttons_for_it() -> None:
    with FakeBotApi(inline=False) as server:
        server.say("hello")
        assert result(server, "getMe")["supports_inline_queries"] is False
        markup = button(switch_inline_query="")
        refused = refusal(server, "sendMessage", chat_id=CHAT, text="a", reply_markup=markup)
        assert "inline mode" in refused


def test_the_bots_messages_can_be_deleted(server: FakeBotApi) -> None:
    server.say("hello")
    sent = [result(server, "sendMessage", chat_id=CHAT, text=text)["message_id"] for text in "abcd"]
    assert result(server, "deleteMessage", chat_id=CHAT, message_id=sent[0])
    assert result(server, "deleteMessages", chat_id=CHAT, message_ids=[*sent[:3], 5])
    assert [m["text"] for m in server.messages(CHAT)] == ["hello", "d"]
    gone = {"chat_id": CHAT, "message_id": sent[1]}
    assert "to delete not found" in refusal(server, "deleteMessage", **gone)
    assert "to edit not found" in refusal(server, "editMessageText", **gone, text="x")


def test_a_user_edits_a_message(server: FakeBotApi) -> None:
    asked = server.say("/ask who", user_id=5, chat_id=-1001, language_code="en")
    server.edit(asked, "/verify this", chat_id=-1001)
    before, after = result(server, "getUpdates")
    old, new = before["message"], after["edited_message"]
    assert new["entities"] == [entity("bot_command", 0, 7)]
    assert (new["text"], new["edit_date"] >= new["date"]) == ("/verify this", True)
    same = ("message_id", "date", "from", "chat")
    assert {name: old[name] for name in same} == {name: new[name] for name in same}
    server.edit(asked, "plain")
    (edited,) = server.messages(-1001)
    assert edited["text"] == "plain" and "entities" not in edited
    sent = result(server, "sendMessage", chat_id=-1001, text="a")
    with pytest.raises(ValueError, match="the bot's"):
        server.edit(sent["message_id"], "b")


def test_wrong_address(server: FakeBotApi) -> None:
    base = server.base_url
    paths = [f"{server.token}/sendPhoto", "no-token/getMe", f"{server.token}x/getMe"]
    answers = [httpx.post(base + path, trust_env=False).json() for path in paths]
    with pytest.raises(ValueError, match="not a method"):
        server.fail("sendPhoto")
    not_found = {"ok": False, "error_code": 404, "description": "Not Found"}
    unauthorized = {"ok": False, "error_code": 401, "description": "Unauthorized"}
    assert answers == [not_found, not_found, unauthorized]
    assert [r.method for r in server.refusals] == ["sendPhoto", "getMe", "getMe"]


def test_a_body_that_is_not_json(server: FakeBotApi) -> None:
    headers = {"Content-Type": "application/json"}
    url = f"{server.base_url}{server.token}/getMe"
    assert httpx.post(url, content="{", headers=headers, trust_env=False).status_code == 400
    assert "can't parse the request" in server.refusals[-1].description


def test_forms_and_queries_are_decoded_as_json_is(server: FakeBotApi) -> None:
    asked = server.say("hello")
    url = f"{server.base_url}{server.token}/sendMessage"
    params = {
        "chat_id": str(CHAT),
        "text": "5",
        "reply_parameters": json.dumps({"message_id": asked}),
    }
    parts = {name: (None, value) for name, value in params.items()}
    for options in ({"data": params}, {"files": parts}, {"params": params}):
        assert httpx.post(url, trust_env=False, **options).status_code == 200
    decoded = {"chat_id": CHAT, "text": "5", "reply_parameters": {"message_id": asked}}
    assert [call.params for call in server.calls] == [decoded] * 3
    assert len(server.replies_to(asked, count=3)) == 3


def test_methods_that_change_something(server: FakeBotApi) -> None:
    topic = {"message_thread_id": 7, "is_topic_message": True}
    server.say("hello", chat_id=-1001, user_id=5, more=topic)
    server.say("hello")
    keyboard = button(callback_data="yes")
    sent = result(server, "sendMessage", chat_id=-1001, text="a", reply_markup=keyboard)
    assert (sent["chat"]["type"], sent["reply_markup"]) == ("supergroup", keyboard)
    edit = {"chat_id": -1001, "message_id": sent["message_id"], "text": "b"}
    edited = result(server, "editMessageText", **edit)
    assert "reply_markup" not in edited
    marked = edit | {"reply_markup": keyboard}
    marked.pop("text")
    edited = result(server, "editMessageReplyMarkup", **marked)
    assert (edited["text"], edited["reply_markup"]) == ("b", keyboard)
    assert "not modified" in post(server, "editMessageReplyMarkup", **marked).text
    assert [m["text"] for m in server.messages(-1001)] == ["hello", "b"]
    query = server.push({"callback_query": {"data": "yes", "message": sent}})["callback_query"]
    assert result(server, "answerCallbackQuery", callback_query_id=query["id"], text="ok")
    assert result(server, "sendMessageDraft", chat_id=CHAT, draft_id=1, text="a")
    preview = {"is_disabled": True}
    quote = {"message_id": 101, "quote": "<b>ell</b>", "quote_parse_mode": "HTML"}
    extra = {"link_preview_options": preview, "message_thread_id": 7, "reply_parameters": quote}
    full = result(server, "sendMessage", chat_id=-1001, text="c", **extra)
    assert (full["link_preview_options"], full["message_thread_id"]) == (preview, 7)
    assert full["reply_to_message"]["text"] == "hello"
    lost = {"message_id": 999, "allow_sending_without_reply": True}
    unquoted = result(server, "sendMessage", chat_id=-1001, text="d", reply_parameters=lost)
    assert "reply_to_message" not in unquoted
    help_command = [{"command": "help", "description": "Aiuto"}]
    assert result(server, "setMyCommands", commands=help_command, language_code="it")
    assert server.commands == {("default", "it"): help_command}
    assert result(server, "getMyCommands", language_code="it") == help_command
    assert result(server, "getMyCommands") == []
    assert result(server, "deleteMyCommands", language_code="it")
    assert result(server, "setMyDescription", description="a", language_code="it")
    described = [result(server, "getMyDescription", language_code=code) for code in ("", "it")]
    assert described == [{"description": ""}, {"description": "a"}]
    assert result(server, "getMyShortDescription") == {"short_description": ""}
    assert server.commands == {} and len(server.refusals) == 1


def test_updates_are_delivered_until_acknowledged(server: FakeBotApi) -> None:
    server.say("/start now")
    server.push({"edited_message": {"message_id": 101, "text": "edited"}})
    first, second = result(server, "getUpdates")
    assert first["message"]["entities"] == [entity("bot_command", 0, 6)]
    assert second["edited_message"]["chat"] == first["message"]["chat"]
    assert result(server, "getUpdates", limit=1) == [first]
    assert result(server, "getUpdates", offset=second["update_id"]) == [second]
    assert server.pending_updates == [second]
    assert result(server, "getUpdates", allowed_updates=["callback_query"]) == [second]
    server.say("not allowed")
    assert result(server, "getUpdates", offset=second["update_id"] + 1) == []
    server.push({"callback_query": {"data": "a"}})
    server.push({"callback_query": {"data": "b"}})
    (last,) = result(server, "getUpdates", offset=-1)
    assert last["callback_query"]["data"] == "b"
    assert server.pending_updates == [last]
    assert result(server, "deleteWebhook", drop_pending_updates=True)
    assert server.pending_updates == []


def test_of_two_polls_the_older_gets_the_conflict(server: FakeBotApi) -> None:
    answers: list[httpx.Response] = []
    poll = threading.Thread(target=lambda: answers.append(post(server, "getUpdates", timeout=4)))
    poll.start()
    while not answers:
        post(server, "getUpdates")
    poll.join()
    assert answers[0].json()["description"].startswith("Conflict: terminated by other getUpdates")
    assert (answers[0].status_code, server.refusals) == (409, [])


def test_the_poll_of_a_killed_bot_ends_with_its_connection(server: FakeBotApi) -> None:
    url = f"{server.base_url}{server.token}/getUpdates"
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(url, params={"timeout": 9}, timeout=0.2, trust_env=False)
    time.sleep(0.2)  # The server learns of a closed connection a little later.
    server.say("hello")
    assert len(result(server, "getUpdates", timeout=4)) == 1
    assert [call.status for call in server.calls] == [200]


def test_a_long_poll_ends_with_the_first_update(server: FakeBotApi) -> None:
    threading.Timer(0.2, server.say, ["hello"]).start()
    (update,) = result(server, "getUpdates", timeout=4)
    assert update["message"]["text"] == "hello"
    assert result(server, "getUpdates", timeout=1, offset=update["update_id"] + 1) == []


def test_a_group_that_became_a_supergroup_names_its_new_number(server: FakeBotApi) -> None:
    server.say("hello", chat_id=-5)
    sent = result(server, "sendMessage", chat_id=-5, text="a")["message_id"]
    server.upgrade(-5, -1005)
    body = post(server, "sendMessage", chat_id=-5, text="b").json()
    assert body["error_code"] == 400 and "upgraded to a supergroup chat" in body["description"]
    assert body["parameters"] == {"migrate_to_chat_id": -1005}
    assert result(server, "editMessageText", chat_id=-5, message_id=sent, text="c")
    _, to, origin = (update["message"] for update in result(server, "getUpdates"))
    assert to["migrate_to_chat_id"] == -1005 and origin["migrate_from_chat_id"] == -5
    server.close(-1005, "blocked")
    assert post(server, "sendMessage", chat_id=-1005, text="d").status_code == 403
    assert server.refusals == []


def test_faults(server: FakeBotApi) -> None:
    server.say("hello")
    server.fail("sendMessage", retry_after=7)
    body = post(server, "sendMessage", chat_id=CHAT, text="a").json()
    assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 7})
    server.fail("sendMessage", status=500)
    assert post(server, "sendMessage", chat_id=CHAT, text="a").json()["error_code"] == 500
    server.fail("sendMessage", status=502, html=True)
    assert post(server, "sendMessage", chat_id=CHAT, text="a").text.startswith("<html>")
    server.drop_before("sendMessage")
    server.drop("sendMessage")
    for kept in (0, 1):
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, "sendMessage", chat_id=CHAT, text="a")
        assert len(server.messages(CHAT, from_bot=True)) == kept
    assert [call.status for call in server.calls] == [429, 500, 502, 0, 0]
    assert server.calls[-1].result["text"] == "a"
    with pytest.raises(TimeoutError, match="sendMessage 502"):
        server.wait_for("sendMessage", timeout=0)
    assert server.refusals == []


@pytest.mark.parametrize(("per_chat", "overall"), [(2, None), (None, 2)])
def test_flood_control(
    monkeypatch: pytest.MonkeyPatch, per_chat: int | None, overall: int | None
) -> None:
    now = 0.0
    monkeypatch.setattr("tests.bot_api.flood.monotonic", lambda: now)
    with FakeBotApi(messages_per_second=per_chat, overall_per_second=overall) as server:
        server.say("hello")
        server.say("hello", user_id=5)
        sent = result(server, "sendMessage", chat_id=CHAT, text="a")
        edit = {"chat_id": CHAT, "message_id": sent["message_id"]}
        now = 0.9
        result(server, "editMessageText", **edit, text="b")
        for method, params in (("sendMessage", {"chat_id": CHAT}), ("editMessageText", edit)):
            body = post(server, method, **params, text="c").json()
            assert (body["error_code"], body["parameters"]) == (429, {"retry_after": 1})
        elsewhere = post(server, "sendMessage", chat_id=5, text="a")
        assert elsewhere.status_code == (429 if overall else 200)
        now = 1.1
        assert result(server, "sendMessage", chat_id=CHAT, text="d")
        assert post(server, "sendMessage", chat_id=CHAT, text="e").status_code == 429
        assert server.refusals == []


def test_every_emoji_that_telegram_allows_is_a_reaction(server: FakeBotApi) -> None:
    server.say("hello")
    assert result(server, "setMessageReaction", **reactions("👀"))
    assert result(server, "setMessageReaction", **reactions())
    for emoji in ReactionEmoji:
        check_reactions(reactions(emoji.value)["reaction"])


def test_a_bot_hears_of_reactions_if_it_asks_and_in_groups_as_an_administrator(
    server: FakeBotApi,
) -> None:
    private, grouped = server.say("hello"), server.say("hello", chat_id=-1001)
    server.react(private, "👍", user_id=5)  # which nobody has asked for
    with pytest.raises(ValueError, match="no administrator"):
        server.react(grouped, "👍")
    said = result(server, "getUpdates", allowed_updates=["my_chat_member", "message_reaction"])
    assert all("message" in update for update in said)
    group = {"id": -1001, "type": "supergroup", "title": "Group"}
    server.set_member(group, "left", "administrator")
    server.react(grouped, "👍")
    server.react(grouped)
    *_, joined, reacted, removed = result(server, "getUpdates")
    assert joined["my_chat_member"]["new_chat_member"]["status"] == "administrator"
    assert reacted["message_reaction"]["old_reaction"] == []
    assert removed["message_reaction"]["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]
    server.set_member(group, "administrator", "kicked")
    assert post(server, "sendMessage", chat_id=-1001, text="a").status_code == 403


def test_a_guest_query_is_answered_once(server: FakeBotApi) -> None:
    asked = {"guest_query_id": server.summon("@fake_test_bot ?", user_id=5), "result": article()}
    assert result(server, "answerGuestQuery", **asked)["inline_message_id"]
    assert "query is too old" in refusal(server, "answerGuestQuery", **asked)
    assert "chat not found" in refusal(server, "sendMessage", chat_id=1001, text="a")


def download(server: FakeBotApi, path: str, token: str | None = None) -> httpx.Response:
    address = server.base_url.removesuffix("/bot") + "/file/bot"
    return httpx.get(f"{address}{token or server.token}/{path}", trust_env=False, verify=TLS)


def test_a_document_is_delivered_and_fetched(server: FakeBotApi) -> None:
    number = server.send_document(b"%PDF", "a b.pdf", "application/pdf", "/add this", user_id=5)
    message = result(server, "getUpdates")[0]["message"]
    assert (message["message_id"], message["from"]["id"]) == (number, 5)
    assert message["caption_entities"] == [entity("bot_command", 0, 4)]
    document = message["document"]
    told = {"file_name": "a b.pdf", "mime_type": "application/pdf", "file_size": 4}
    assert told.items() <= document.items()
    assert download(server, "documents/file_0.pdf").status_code == 404  # not before getFile
    file = result(server, "getFile", file_id=document["file_id"])
    assert file.items() - document.items() == {("file_path", "documents/file_0.pdf")}
    fetched = download(server, file["file_path"])
    assert (fetched.status_code, fetched.content) == (200, b"%PDF")
    assert server.calls[-1].params == {"file_path": "documents/file_0.pdf"}
    assert (server.calls[-1].method, server.calls[-1].result) == ("download", 4)
    assert download(server, file["file_path"], "42:other").status_code == 401


def test_a_file_has_limits_and_faults(server: FakeBotApi) -> None:
    for size in (20 * 1024**2, 20 * 1024**2 + 1):
        server.send_document(b"a" * size, None, None)
    largest, larger = (u["message"]["document"] for u in result(server, "getUpdates"))
    assert largest.keys() == {"file_id", "file_unique_id", "file_size"}
    path = result(server, "getFile", file_id=largest["file_id"])["file_path"]
    assert "file is too big" in refusal(server, "getFile", file_id=larger["file_id"])
    server.fail("download", status=502)
    assert download(server, path).status_code == 502
    server.drop("download")
    with pytest.raises(httpx.RemoteProtocolError):
        download(server, path)
    assert download(server, path).status_code == 200


def test_a_user_edits_the_caption_of_a_document(server: FakeBotApi) -> None:
    server.edit(server.send_document(b"a", "a.txt", "text/plain", "before"), "/add after")
    (message,) = server.messages(CHAT)
    assert (message["caption"], message["document"]["file_name"]) == ("/add after", "a.txt")
    assert message["caption_entities"] == [entity("bot_command", 0, 4)] and "text" not in message


def test_an_acknowledged_update_is_delivered_again(server: FakeBotApi) -> None:
    server.say("a")
    server.say("b")
    first, second = result(server, "getUpdates")
    with pytest.raises(ValueError, match="acknowledged"):
        server.repeat()
    after = second["update_id"] + 1
    assert result(server, "getUpdates", offset=after) == []
    assert server.repeat() == second
    assert server.repeat(first["update_id"]) == first
    server.say("c")
    assert result(server, "getUpdates", offset=after, limit=1) == [second]
    again, third = result(server, "getUpdates", offset=after)
    assert (again, third["message"]["text"]) == (first, "c")
    assert result(server, "getUpdates", offset=after) == [third]
    threading.Timer(0.2, server.repeat).start()
    begun = time.monotonic()
    assert result(server, "getUpdates", offset=after + 1, timeout=4) == [third]
    assert time.monotonic() - begun < 3


class Hook:
    """A webhook on this machine: what was posted to it, and what it answers next."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.posts: list[tuple[int, str | None, dict[str, Any]]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                update = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = hook.statuses.pop(0) if hook.statuses else 200
                secret = self.headers["X-Telegram-Bot-Api-Secret-Token"]
                hook.posts.append((status, secret, update))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler

    def end(self) -> None:
        self.server.shutdown()  # else its thread would ask a closed socket, again and again
        self.server.server_close()

    def texts(self, count: int) -> list[tuple[int, str]]:
        """The status and the text of each message posted, once there are ``count`` of them."""
        deadline = time.monotonic() + 5
        while len(self.posts) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        return [(status, update["message"]["text"]) for status, _, update in self.posts]


@pytest.fixture
def hook() -> Iterator[Hook]:
    running = Hook()
    yield running
    running.end()


def wait_until_accepted(server: FakeBotApi) -> None:
    deadline = time.monotonic() + 5
    while server.pending_updates and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.pending_updates == []


def test_updates_are_posted_to_a_webhook_until_they_are_accepted(
    server: FakeBotApi, hook: Hook
) -> None:
    server.say("a")
    hook.statuses = [500, 302, 204]
    settings = {"secret_token": "s-_1", "max_connections": 1, "allowed_updates": ["message"]}
    assert result(server, "setWebhook", url=hook.url, **settings)
    assert hook.texts(1)[0] == (500, "a")
    server.say("b")
    server.push({"callback_query": {"data": "not allowed"}})
    expected = [(500, "a"), (302, "a"), (204, "a"), (200, "b")]
    assert hook.texts(4) == expected
    assert {secret for _, secret, _ in hook.posts} == {"s-_1"}
    assert hook.posts[0][2] == hook.posts[2][2] and "update_id" in hook.posts[0][2]
    wait_until_accepted(server)
    info = result(server, "getWebhookInfo")
    assert "302" in info["last_error_message"] and info["last_error_date"]
    assert (info["url"], info["max_connections"]) == (hook.url, 1)
    assert (info["pending_update_count"], info["allowed_updates"]) == (0, ["message"])
    server.repeat(hook.posts[0][2]["update_id"])
    assert hook.texts(5) == [*expected, (200, "a")]


def test_a_webhook_without_a_secret_that_nobody_serves_at_first(server: FakeBotApi) -> None:
    hook = Hook()
    hook.end()
    assert result(server, "setWebhook", url=hook.url)
    server.say("a")
    deadline = time.monotonic() + 5
    while "last_error_message" not in (info := result(server, "getWebhookInfo")):
        assert time.monotonic() < deadline
    assert (info["pending_update_count"], info["max_connections"]) == (1, 40)
    assert result(server, "deleteWebhook")
    assert [u["message"]["text"] for u in result(server, "getUpdates")] == ["a"]
    assert result(server, "getWebhookInfo").keys() == {
        "url",
        "has_custom_certificate",
        "pending_update_count",
    }


def test_a_webhook_and_polls_exclude_each_other(server: FakeBotApi, hook: Hook) -> None:
    server.say("acknowledged")
    answers: list[httpx.Response] = []
    asked = {"timeout": 9, "offset": server.pending_updates[0]["update_id"] + 1}
    poll = threading.Thread(target=lambda: answers.append(post(server, "getUpdates", **asked)))
    poll.start()
    while server.pending_updates:
        time.sleep(0.02)
    assert result(server, "setWebhook", url=hook.url)
    poll.join(5)
    answers.append(post(server, "getUpdates"))
    reasons = [answer.json()["description"] for answer in answers]
    assert reasons[0] == "Conflict: terminated by setWebhook request"
    assert reasons[1].startswith("Conflict: can't use getUpdates method while webhook is active")
    assert ([answer.status_code for answer in answers], server.refusals) == ([409, 409], [])
    assert result(server, "setWebhook", url="")
    server.say("b")
    assert result(server, "setWebhook", url=hook.url, drop_pending_updates=True)
    server.say("c")
    assert hook.texts(1) == [(200, "c")]
    assert hook.posts[0][1] is None


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Answer a text in bold, as a reply to it."""
    message = update.effective_message
    assert message is not None
    await message.reply_chat_action(ChatAction.TYPING)
    await message.reply_text(
        f"<b>{message.text_html}</b>",
        parse_mode=ParseMode.HTML,
        reply_parameters=ReplyParameters(message.message_id),
    )


def application(server: FakeBotApi) -> AnyApplication:
    builder = ApplicationBuilder().token(server.token).base_url(server.base_url)
    builder = builder.base_file_url(server.base_url.removesuffix("/bot") + "/file/bot")
    built = builder.rate_limiter(AIORateLimiter(max_retries=2)).build()
    built.add_handler(MessageHandler(filters.TEXT, echo))
    return built


async def polling(built: AnyApplication, work: Any) -> None:
    """Run an application by polling while a blocking function works in another thread."""
    async with built:
        await built.start()
        assert built.updater is not None
        await built.updater.start_polling(timeout=2)
        await asyncio.to_thread(work)
        await built.updater.stop()
        await built.stop()


def test_python_telegram_bot_by_polling(server: FakeBotApi) -> None:
    def converse() -> None:
        server.wait_for("deleteWebhook")
        server.fail("sendMessage", retry_after=1)
        asked = server.say("1 < 2 & così")
        (reply,) = server.replies_to(asked)
        assert reply["text"] == "1 < 2 & così"
        assert reply["entities"] == [entity("bold", 0, 12)]
        server.wait_for(lambda call: call.method == "getUpdates" and "offset" in call.params)

    asyncio.run(polling(application(server), converse))
    sent = [call.status for call in server.calls if call.method == "sendMessage"]
    assert sent == [429, 200]
    assert server.chat_actions(CHAT) == ["typing"]
    assert server.pending_updates == []
    assert server.refusals == []


def test_python_telegram_bot_gets_unacknowledged_updates_after_a_restart(
    server: FakeBotApi,
) -> None:
    asked = server.say("hello")
    assert len(result(server, "getUpdates")) == 1
    server.drop("getUpdates")
    asyncio.run(polling(application(server), lambda: server.replies_to(asked)))
    assert server.pending_updates == []
    asyncio.run(polling(application(server), lambda: server.wait_for("getUpdates")))
    assert len(server.replies_to(asked)) == 1


def test_python_telegram_bot_calls(server: FakeBotApi) -> None:
    server.say("hello")

    async def small_talk_kind() -> None:
        async with application(server).bot as bot:
            me = await bot.get_me()
            assert me.is_bot and me.can_join_groups and me.supports_inline_queries
            commands = [BotCommand("ask", "Fai una domanda")]
            await bot.set_my_commands(commands, scope=BotCommandScopeChat(CHAT))
            await bot.set_my_description("Rispondo", language_code="it")
            sent = await bot.send_message(CHAT, "<i>a</i>", ParseMode.HTML)
            assert sent.text_html == "<i>a</i>"
            assert (await sent.edit_text("b")) is not False
            assert await (await bot.send_message(CHAT, "away")).delete()
            content = InputTextMessageContent("<i>a</i>", ParseMode.HTML)
            results = [InlineQueryResultArticle("1", "A", content)]
            start = InlineQueryResultsButton("Help", start_parameter="help")
            query_id = server.inline("kim")
            assert await bot.answer_inline_query(query_id, results, 5, True, "", start)
            server.send_document(b"abc", "a.txt", "text/plain")
            document = (await bot.get_updates())[-1].message.document
            file = await document.get_file()
            assert bytes(await file.download_as_bytearray()) == b"abc"
            assert await bot.set_message_reaction(CHAT, sent.message_id, ReactionEmoji.EYES)
            assert (await bot.get_my_commands(BotCommandScopeChat(CHAT)))[0].command == "ask"
            hook = "http://127.0.0.1:9/"
            assert await bot.set_webhook(hook, allowed_updates=["message"], secret_token="a")
            assert (await bot.get_webhook_info()).url == hook
            assert await bot.delete_webhook()
            server.drop("sendMessage")
            with pytest.raises(NetworkError):
                await bot.send_message(CHAT, "c")

    asyncio.run(small_talk_kind())
    description = "Fai una domanda"
    assert server.commands == {
        (f"chat:{CHAT}", ""): [{"command": "ask", "description": description}]
    }
    assert [m["text"] for m in server.messages(CHAT, from_bot=True)] == ["b", "c"]
    assert server.refusals == []
