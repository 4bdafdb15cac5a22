"""Quotations that people keep in Telegram, and the documents that /esporta sends."""

from __future__ import annotations

import datetime
import json
from contextlib import closing
from dataclasses import replace
from typing import Any

from bot.documents.collection import Collection, Owner
from bot.state import FILE, State
from index.text.clean import printable
from retrieval.answer import Quotation
from retrieval.verifying.receipts.record import Record, records_in
from tests.running_bot import Bot, buttons, press, quoted

QUESTION = "Dove va il treno blindato?"
GROUP = -1_001_888


def acknowledged(bot: Bot, message: dict[str, Any], data: str, user: int) -> str:
    return str(press(bot, message, data, user).params.get("text", ""))


def exported(bot: Bot, text: str = "/esporta", **who: Any) -> list[dict[str, Any]]:
    """The messages that reply to the command."""
    since = len(bot.api.calls)
    number = bot.api.say(text, **who)
    first = bot.reply(number)
    if "document" not in first:
        return [first]
    bot.api.wait_for(lambda call: "reply_markup" in call.params, since=since)
    return bot.api.replies_to(number, count=2)


def uploads(bot: Bot) -> dict[str, bytes]:
    """The files of the last two documents by their endings."""
    sent = [call for call in bot.api.calls if call.method == "sendDocument"][-2:]
    return {c.params["document"].name.rpartition(".")[2]: bytes(c.params["document"]) for c in sent}


def test_quotations_are_kept_sent_as_documents_and_forgotten(bot: Bot) -> None:
    ada = 7001
    (nothing,) = exported(bot, user_id=ada)
    assert "Non tieni ancora nessuna citazione" in nothing["text"]
    answer = bot.ask(QUESTION, user_id=ada)
    keep = buttons(answer)["📌 Tieni"]
    assert "Citazioni tenute: 1." in acknowledged(bot, answer, keep, ada)
    assert "La tieni già" in acknowledged(bot, answer, keep, ada)
    other = bot.ask("Cosa ha detto Sullivan sulla Corea del Nord?", user_id=ada)
    since = len(bot.api.calls)
    press(bot, other, buttons(other)["Leggi intorno"], ada)
    context = bot.api.wait_for("sendMessage", since=since).result
    assert "tenute: 2." in acknowledged(bot, context, buttons(context)["📌 Tieni"], ada)

    first, second = exported(bot, user_id=ada)
    assert first["document"]["file_name"].endswith(".md")
    assert second["document"]["file_name"].endswith(".json")
    assert "Citazioni: 2." in second["caption"]
    files = uploads(bot)
    records = records_in(files["json"], "r.json")
    assert [printable(record.quote.text) for record in records] == [*quoted(answer), *quoted(other)]
    markdown = files["md"].decode()
    assert "[^2]: " in markdown and records[0].quote.sha256 in markdown

    empty = buttons(second)["Svuota la raccolta"]
    assert "vuota" in acknowledged(bot, second, empty, ada)
    (nothing,) = exported(bot, user_id=ada)
    assert "text" in nothing

    acknowledged(bot, answer, keep, ada)
    assert "cancellato" in bot.ask("/dimenticami", user_id=ada)["text"]
    (nothing,) = exported(bot, user_id=ada)
    assert "text" in nothing


def test_in_a_group_everybody_has_a_collection(bot: Bot) -> None:
    answer = bot.ask(f"/ask {QUESTION}", chat_id=GROUP, user_id=7002)
    keep = buttons(answer)["📌 Tieni"]
    assert "tenute: 1." in acknowledged(bot, answer, keep, 7003)
    (nothing,) = exported(bot, chat_id=GROUP, user_id=7002)
    assert "text" in nothing
    documents = exported(bot, "/export", chat_id=GROUP, user_id=7003)
    assert len(documents) == 2
    (private,) = exported(bot, user_id=7003)
    assert "text" in private


def test_the_limit_counts_all_chats_and_no_quotation_twice(bot: Bot) -> None:
    ada, today = 7005, datetime.date.today()
    many, one = bot.ask("Che cosa ha detto Kirby?", user_id=ada), bot.ask(QUESTION, user_id=ada)
    assert "tenute: 1." in acknowledged(bot, one, buttons(one)["📌 Tieni"], ada)
    quote = Quotation("a", "a.txt", None, "", None, None, 0, 1, "0" * 64, 0.0)
    others = [Record(replace(quote, end=end), today) for end in range(1, 199)]
    with closing(State(bot.log.parent / "data" / FILE)) as state:
        assert Collection(state, 42).keep(Owner(GROUP, 0, ada), others).left_out == 0
    for added in (1, 0):
        full = acknowledged(bot, many, buttons(many)["📌 Tieni"], ada)
        assert f"Aggiunte: {added}. Tengo al massimo 200 citazioni" in full
    assert "La tieni già. Citazioni tenute: 2." in acknowledged(
        bot, one, buttons(one)["📌 Tieni"], ada
    )


def test_a_button_of_an_answer_that_is_gone_says_so(bot: Bot) -> None:
    answer = bot.ask(QUESTION, user_id=7004)
    assert "non la ricordo" in acknowledged(bot, answer, "keep:99999", 7004)
    for data in ("keep:", f"keep:{'9' * 20}", "keep:zzz", "keep:0badc0de:0:0:1"):
        assert "è cambiato" in acknowledged(bot, answer, data, 7004), data
    assert json.dumps(bot.api.refusals, default=str) == "[]"
