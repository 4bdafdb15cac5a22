"""The buttons below answers and lists: what each of them gives, in a real bot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from bot.locales import texts
from bot.telegram.buttons import answer_buttons, pressed_page, quotation_messages
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import Locations
from index.models.embedder import Embedder
from index.text.clean import printable
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.answering.quotations import slice_of
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, entities, press

SULLIVAN = "Cosa ha detto Sullivan sulla Corea del Nord?"
GROUP = -1_001_777
SAY = texts("it")


def keyboard(message: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return list(message.get("reply_markup", {}).get("inline_keyboard", []))


def below(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The buttons below a message by their labels."""
    return {button["text"]: button for row in keyboard(message) for button in row}


def after(bot: Bot, message: dict[str, Any], data: str, method: str = "sendMessage") -> Any:
    """The message that a pressed button leads to."""
    before = len(bot.api.calls)
    press(bot, message, data)
    return bot.api.wait_for(method, since=before).result


def offered(bot: Bot, query: str, **who: Any) -> dict[str, Any]:
    number = bot.api.inline(query, **who)
    answered = bot.api.wait_for(
        lambda c: c.method == "answerInlineQuery" and c.params["inline_query_id"] == number,
        timeout=READY,
    )
    return dict(answered.params)


def test_a_quotation_is_read_among_its_paragraphs_and_then_in_its_article(
    bot: Bot, generation: Generation
) -> None:
    message = bot.ask(SULLIVAN)
    assert list(below(message)) == [
        "Leggi intorno", "Copia", "Condividi", "👍 Utile", "👎 Sbagliata", "Dimmi di più",
        "📌 Tieni",
        "🔔 Segui",
    ]  # fmt: skip
    assert [len(row) for row in keyboard(message)] == [3, 3, 2]
    (quote,) = entities(message, "blockquote")
    shown = after(bot, message, buttons(message)["Leggi intorno"])
    assert shown["reply_to_message"]["message_id"] == message["message_id"]
    assert "".join(entities(shown, "bold")) == quote
    paragraphs = entities(shown, "blockquote")
    (path,) = [path for path in generation.store.layout() if path in shown["text"]]
    article = generation.store.article(path)
    assert article is not None and "sha256" not in shown["text"]
    text = printable(article.text)
    starts = [text.index(paragraph) for paragraph in paragraphs]
    assert len(paragraphs) == 3 and starts == sorted(starts)
    assert quote in paragraphs[1] and len("".join(paragraphs)) > 2 * len(quote)
    assert list(below(shown)) == ["Copia", "Condividi", "📌 Tieni", "Articolo"]
    read = after(bot, shown, buttons(shown)["Articolo"], "editMessageText")
    assert quote in read["text"] and "".join(entities(read, "bold")) == quote
    assert "Elenco" in buttons(read)


def test_the_article_opens_at_the_page_of_the_quotation(
    empty_place: Workplace, embedder: Embedder
) -> None:
    lines = [f"Questa è la riga numero {n} di un articolo molto lungo." for n in range(300)]
    empty_place.write("a.txt", "\n\n".join(lines))
    sync(Locations(empty_place.corpus, empty_place.data), embedder)
    with closing(CurrentIndex(empty_place.data)) as index:
        quote = quoted(index, lines[250])
        (context,) = quotation_messages(index, f"quote:{data(quote)}", SAY, inline=False) or []
        assert [lines[n] in context.plain for n in (248, 249, 250, 251, 252)] == [
            False, True, True, True, False
        ]  # fmt: skip
        page = pressed_page(index, context.buttons[-1].data, SAY)
        assert page is not None and f"<b>{lines[250]}</b>" in page.markup
        assert lines[1] not in page.plain
        back = pressed_page(index, page.buttons[0].data, SAY)
        assert back is not None and page.buttons[0].label == "← indietro"
        again = pressed_page(index, back.buttons[1].data, SAY)
        assert again == page  # with the quotation in bold
        listed = pressed_page(index, page.buttons[-1].data, SAY)
        assert listed is not None and listed.plain.startswith("Gli articoli: 1")


def quoted(index: CurrentIndex, words: str) -> Quotation:
    with index.reading() as generation:
        assert generation is not None
        (path,) = generation.store.layout()
        article = generation.store.article(path)
    assert article is not None
    start = article.text.index(words)
    return slice_of(article, Span(start, start + len(words)))


def data(quote: Quotation) -> str:
    answer = Answer("q", "q", (quote,), 0.9, "g")
    return answer_buttons(answer, 1, SAY, inline=False)[0][0].data.removeprefix("quote:")


def test_crossheads_boilerplate_and_a_title_above_the_text_are_left_out(
    empty_place: Workplace, embedder: Embedder
) -> None:
    parts = [
        "Riapre la piscina", "Lavori", "- Advertisement -\n\nPotrebbe interessarti",
        "La piscina riapre lunedì.", "Orari", "Chiude alle otto.", "Pubblicità",
    ]  # fmt: skip
    text = "\n\n".join(parts)
    empty_place.write("a.txt", f"---\ntitle: Riapre la piscina\n---\n{text}")
    sync(Locations(empty_place.corpus, empty_place.data), embedder)
    with closing(CurrentIndex(empty_place.data)) as index:
        reference = data(quoted(index, "La piscina riapre lunedì."))
        (context,) = quotation_messages(index, f"quote:{reference}", SAY, inline=False) or []
        page = pressed_page(index, context.buttons[-1].data, SAY)
    assert "Lavori" not in context.plain and "Orari" not in context.plain
    assert "Chiude alle otto" in context.plain
    shown = ["1. Riapre la piscina\nLavori", *parts[3:6]]
    assert page is not None and page.plain == "\n\n".join(shown)


def test_a_verified_sentence_leads_to_its_article(bot: Bot) -> None:
    part = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang"
    message = bot.ask(f"/verifica {part}")
    assert list(below(message)) == ["Leggi intorno", "Copia", "Condividi"]
    shown = after(bot, message, buttons(message)["Leggi intorno"])
    (whole,) = entities(shown, "bold")
    assert part in whole and whole.startswith("Secondo i media")


def test_several_quotations_have_a_button_each(bot: Bot) -> None:
    message = bot.ask("Elenca tutti i vertici e incontri tra Kim e Putin")
    shown = [label for label in below(message) if label.startswith("Leggi")]
    assert len(shown) > 1 and shown == [f"Leggi {n}" for n in range(1, len(shown) + 1)]
    assert len(keyboard(message)) == 3


def test_what_is_too_long_for_the_clipboard_is_sent_to_be_touched(bot: Bot) -> None:
    message = bot.ask(SULLIVAN)
    copied = after(bot, message, buttons(message)["Copia"])
    (quote,) = entities(message, "blockquote")
    (touched,) = entities(copied, "pre")
    assert quote in touched and touched.endswith(")") and touched == copied["text"]
    assert touched.startswith("«") and "“pagherà un prezzo”" in touched  # marks within marks


def test_what_is_short_is_copied_by_the_button_itself() -> None:
    quote = Quotation("Il treno parte.", "a.txt", "Ansa", "T", None, None, 0, 15, "0" * 64, 1.0)
    (row, *_) = answer_buttons(Answer("q", "q", (quote,), 0.9, "g"), 1, SAY, inline=True)
    assert [button.copied for button in row] == ["", "“Il treno parte.” (Ansa, “T”)", ""]
    (row, *_) = answer_buttons(
        Answer("q", "q", (replace(quote, source=None),), 0.9, "g"), 1, SAY, inline=True
    )
    assert row[1].copied == "“Il treno parte.” (“T”)"


def test_a_quotation_is_shared_as_it_is(bot: Bot) -> None:
    message = bot.ask(SULLIVAN)
    (quote,) = entities(message, "blockquote")
    query = below(message)["Condividi"]["switch_inline_query"]
    (result,) = offered(bot, query, user_id=77)["results"]
    assert quote in result["description"]
    assert quote in result["input_message_content"]["message_text"]
    key, start, end = query.rsplit(":", 2)
    for wrong in (f"{key}:{int(start) + 3}:{end}", f"{'0' * 8}{query[8:]}"):
        told = offered(bot, wrong)
        assert told["results"] == [] and "è cambiato" in told["button"]["text"]


@pytest.fixture(scope="module")
def closed_bot(
    train_dir: Any, warm: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bot]:
    """A bot for one person, without inline mode."""
    import shutil

    place = Workplace(tmp_path_factory.mktemp("closed"), warm)
    shutil.copytree(train_dir, place.path, dirs_exist_ok=True)
    with FakeBotApi(inline=False) as api:
        bot = Bot(place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_ALLOWED_USERS="1001")
        yield bot
        assert bot.stop() == 0 and api.refusals == []


def test_without_inline_mode_nothing_can_be_shared_and_strangers_share_nothing(
    closed_bot: Bot,
) -> None:
    message = closed_bot.ask("Da dove è partito il treno blindato?")
    assert "Leggi intorno" in below(message) and "Condividi" not in below(message)
    shown = after(closed_bot, message, buttons(message)["Leggi intorno"])
    assert "Articolo" in below(shown) and "Condividi" not in below(shown)
    reference = buttons(message)["Leggi intorno"].removeprefix("quote:")
    assert offered(closed_bot, reference)["results"]
    refused = offered(closed_bot, reference, user_id=7)
    assert refused["results"] == [] and "riservato" in refused["button"]["text"]


def test_the_articles_of_the_list_open_by_their_numbers_in_a_group_too(bot: Bot) -> None:
    message = bot.ask("/fonti@fake_test_bot", chat_id=GROUP, user_id=5)
    assert list(buttons(message)) == ["1", "2", "3", "4", "5"]
    read = after(bot, message, buttons(message)["2"], "editMessageText")
    assert read["chat"]["id"] == GROUP and read["text"].startswith("2. ")
    listed = after(bot, read, buttons(read)["Elenco"], "editMessageText")
    assert listed["text"] == message["text"]


def test_a_button_of_an_article_that_changed_says_so(bot: Bot) -> None:
    message = bot.ask(SULLIVAN)
    kind, path, digest, start, end = buttons(message)["Leggi intorno"].split(":")
    for stale in (
        f"{kind}:{path}:00000000:{start}:{end}",
        f"{kind}:00000000:{digest}:{start}:{end}",
        f"{kind}:{path}:{digest}:{start}:999999999",
        f"{kind}:{path}:{digest}:{end}:{start}",
        f"copy:{path}:00000000:{start}:{end}",
        f"copy:{path}:{digest}:{int(start) + 3}:{end}",  # half a sentence
        f"text:0:{path}:00000000:{start}:{end}",
        "text:0",
        "quote:",
        "list:",
        "…",
    ):
        told = press(bot, message, stale).params
        assert "nel frattempo è cambiato" in told["text"] and told["show_alert"]
