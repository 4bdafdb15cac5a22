"""Rich messages: tables and folded lists, where the bot may send them and the server knows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.locales import texts
from bot.telegram.rich import rich_message as built
from retrieval.answer import Answer, Intent, Quotation
from tests.bot_api import FakeBotApi
from tests.bot_api.errors import ApiError
from tests.bot_api.rich import rich_message, rich_texts
from tests.conftest import Workplace, indexed_workplace
from tests.running_bot import Bot, buttons, press, quoted
from tests.warm import Warm

COMPARED = "che cosa dicono i giornali sul treno?"
FACT = "Dove va il treno blindato?"


@pytest.fixture(scope="module")
def rich(data_dir: Path, warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    place = indexed_workplace(tmp_path_factory.mktemp("rich"), data_dir, warm)
    with FakeBotApi() as api:
        running = Bot(place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_RICH="true")
        yield running
        assert running.stop() == 0
        assert api.refusals == []
        assert "Traceback" not in running.log.read_text()


def test_a_comparison_is_a_table_of_outlets_and_their_words(rich: Bot, ask: Any) -> None:
    message = rich.ask(COMPARED)
    (table,) = [b for b in message["rich_message"]["blocks"] if b["type"] == "table"]
    header, *rows = table["cells"]
    assert [cell["text"] for cell in header] == ["Testata", "Che cosa dice"]
    assert [row[-1]["text"] for row in rows] == [quote.text for quote in ask(COMPARED).quotes]
    assert rows[0][0]["text"][0].startswith("[1] ")
    assert {"Leggi 1", "Leggi 2", "👍 Utile"} <= buttons(message).keys()
    assert not press(rich, message, buttons(message)["👍 Utile"]).params.get("show_alert")


def test_a_fact_stays_as_it_is(rich: Bot) -> None:
    assert rich.ask(FACT, user_id=7)["text"].startswith("Vladivostok")


def test_an_edited_question_makes_one_into_the_other(rich: Bot) -> None:
    asked = rich.api.say(FACT, user_id=8)
    number = rich.reply(asked)["message_id"]
    for text, shown, gone in ((COMPARED, "rich_message", "text"), (FACT, "text", "rich_message")):
        before = len(rich.api.calls)
        rich.api.edit(asked, text)
        call = rich.api.wait_for("editMessageText", timeout=60, since=before)
        assert call.result["message_id"] == number
        assert shown in call.result and gone not in call.result


def test_a_server_that_knows_none_gets_html_and_is_asked_once(indexed_place: Workplace) -> None:
    with FakeBotApi() as api:
        api.forget_rich()
        old = Bot(indexed_place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_RICH="true")
        assert len(quoted(old.ask(COMPARED))) == len(quoted(old.ask(COMPARED))) == 3
        assert old.stop() == 0
        assert [refused.method for refused in api.refusals] == ["sendRichMessage"]


def test_an_edit_shows_a_server_that_knows_none_too(indexed_place: Workplace) -> None:
    with FakeBotApi() as api:
        api.forget_rich()
        old = Bot(indexed_place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_RICH="true")
        asked = api.say(FACT)
        old.reply(asked)
        api.edit(asked, COMPARED)
        assert len(quoted(api.wait_for("editMessageText", timeout=60).result)) == 3
        assert len(quoted(old.ask(COMPARED))) == 3
        assert old.stop() == 0
        assert [refused.method for refused in api.refusals] == ["editMessageText"]


def quotation(number: int, text: str = "Una frase.") -> Quotation:
    return Quotation(
        text=text, article=f"{number}.txt", title=f"Titolo {number}", source="Il Post",
        url="https://ilpost.it/a", date="2024-01-02", start=0, end=len(text), sha256="0" * 64,
        score=1.0,
    )  # fmt: skip


def listed(*quotes: Quotation) -> dict[str, Any] | None:
    answer = Answer("?", "?", quotes, 0.9, "g", intent=Intent.LIST)
    return built(answer, texts("it"))


def test_the_quotations_of_further_articles_are_folded() -> None:
    words = [f"Frase <b>{number}</b> & *stelle* – a@b.it" for number in range(5)]
    shown = listed(*(quotation(number, text) for number, text in enumerate(words)))
    assert shown is not None
    blocks = rich_message(shown)["blocks"]  # Telegram takes it
    assert [text for text in rich_texts(blocks) if text in words] == words
    (details,) = [block for block in blocks if block["type"] == "details"]
    assert details["summary"] == "Altre citazioni: 2" and len(details["blocks"]) == 4
    assert shown["skip_entity_detection"] is True


def test_what_fits_no_rich_message_is_not_made_one() -> None:
    assert listed(quotation(1, "x" * 20000), quotation(2, "x" * 20000)) is None
    assert listed(*map(quotation, range(101))) is None


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ([], "RICH_MESSAGE_CONTENT_REQUIRED"),
        ([{"type": "section_heading", "text": "x"}], 'type "section_heading" is unsupported'),
        ([{"type": "table", "rows": []}], 'Can\'t find field "cells"'),
        ([{"type": "table", "cells": [["a"]]}], "RichBlockTableCell must be an object"),
        ([{"type": "paragraph", "text": {"type": "plain", "text": "a"}}], "Unsupported rich text"),
        ([{"type": "paragraph", "text": "x" * 32769}], "RICH_MESSAGE_TEXT_TOO_LONG"),
    ],
)
def test_the_fake_refuses_what_telegram_refuses(blocks: Any, why: str) -> None:
    with pytest.raises(ApiError, match=why):
        rich_message({"blocks": blocks})
