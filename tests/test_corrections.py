"""Whoever was shown a quotation that no longer stands is told so, once, below that answer."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from typing import Any

import pytest

from bot.corrections.quoted import Corrections, Outcome
from bot.following.shown import Showing, note_shown
from bot.state import DAY, FILE, State
from index.articles.versions.history import History
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from index.text.sentences import Span
from retrieval.answering.quotations import slice_of
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, press, quoted
from tests.test_following import SETTINGS, arrive, data_of, settled, told

STADIUM = "Quanto costa il nuovo stadio di Valdoria?"
WORKS = "Quando cominciano i lavori del nuovo stadio di Valdoria?"
PRICE = "Il nuovo stadio di Valdoria costa {} milioni di euro, ha detto l'assessore al bilancio."
GROUP, SUPERGROUP = -4400, -1_004_400
FORUM = SUPERGROUP - 1


@pytest.fixture
def valdoria(empty_place: Workplace, embedder: Embedder) -> Workplace:
    arrive(empty_place, embedder, "rossi", "mercato", "stadio")
    return empty_place


def correct(place: Workplace, embedder: Embedder, before: str, after: str) -> None:
    """Let the article on the stadium say something else, and the index notice it."""
    file = place.corpus / "stadio.txt"
    file.write_text(file.read_text().replace(before, after))
    sync(Locations(place.corpus, place.data), embedder)


def corrections(bot: Bot, chat: int) -> list[dict[str, Any]]:
    sent = bot.api.messages(chat, from_bot=True)
    return [message for message in sent if message.get("text", "").startswith("L’articolo ")]


def test_a_corrected_quotation_is_told_once_below_its_answer(
    valdoria: Workplace, embedder: Embedder
) -> None:
    topic = {"message_thread_id": 9, "is_topic_message": True}
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS, VIRGOLETTE_TELEGRAM_ADMINS="900")
        answer, english = bot.ask(STADIUM), bot.ask(STADIUM, user_id=33, language_code="en")
        there = bot.ask(f"/ask {STADIUM}", user_id=5, chat_id=FORUM, more=topic)
        before = bot.ask(f"/ask {STADIUM}", user_id=5, chat_id=GROUP)
        for other in (1002, 1003):
            bot.ask(STADIUM if other == 1003 else "Chi è il sindaco di Valdoria?", user_id=other)
        bot.ask("/dimenticami", user_id=1003)
        api.upgrade(GROUP, SUPERGROUP)
        correct(valdoria, embedder, "Le tribune", "Le gradinate")  # another sentence
        settled(bot, valdoria)
        assert not corrections(bot, 1001)

        file = valdoria.corpus / "stadio.txt"  # a reply of the bot's own run of the index
        file.write_text(file.read_text().replace("12 milioni", "15 milioni"))
        assert "1 cambiati" in bot.ask("/reindex", user_id=900)["text"]
        (notice,) = told(bot, 1001, "L’articolo è stato corretto")
        now = PRICE.format(15)
        assert notice["text"] == (
            f"L’articolo è stato corretto: prima «{PRICE.format(12)}», ora «{now}»\n"
            "Gazzetta di Valdoria · I conti dello stadio · 2024-05-20"
        )
        assert notice["reply_to_message"]["message_id"] == answer["message_id"]
        (notice_there,) = told(bot, FORUM, "L’articolo è stato corretto")
        assert notice_there["message_thread_id"] == 9
        assert notice_there["reply_to_message"]["message_id"] == there["message_id"]
        (moved,) = told(bot, SUPERGROUP, "L’articolo è stato corretto")
        assert "reply_to_message" not in moved and before["chat"]["id"] == GROUP
        (in_english,) = told(bot, 33, "The article was corrected: before “Il nuovo")
        assert in_english["reply_to_message"]["message_id"] == english["message_id"]
        assert not corrections(bot, 1002) and not corrections(bot, 1003)

        start = len(api.calls)
        press(bot, notice, data_of(notice, "changes"))
        shown = api.wait_for("sendMessage", since=start, timeout=READY).result
        assert "[-" not in shown["text"] and "12 15 milioni" in shown["text"]
        start = len(api.calls)
        press(bot, notice, data_of(notice, "quote"))
        shown = api.wait_for("sendMessage", since=start, timeout=READY).result
        assert now in quoted(shown)[0]
        page = bot.ask("/articolo stadio")
        assert "\nCorretto il " in page["text"] and "Che cosa è cambiato" in buttons(page)
        assert "corretto" in bot.ask("/privacy")["text"]

        assert bot.stop() == 0
        bot = Bot(valdoria, api, **SETTINGS)
        correct(valdoria, embedder, "15 milioni", "16 milioni")
        settled(bot, valdoria)
        assert len(corrections(bot, 1001)) == 1  # the answer showed 12
        assert bot.stop() == 0 and api.refusals == []
        assert "Traceback" not in bot.log.read_text()


def test_sentences_and_articles_that_are_gone_are_told(
    valdoria: Workplace, embedder: Embedder
) -> None:
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS)
        follow = bot.ask(f"/segui {STADIUM}", user_id=71)
        price, mayor = bot.ask(STADIUM), bot.ask("Chi è il sindaco di Valdoria?")
        market = bot.ask("Quando si tiene il mercato di Valdoria?")
        assert all("reply_to_message" in m for m in (follow, price, mayor, market))
        correct(valdoria, embedder, PRICE.format(12) + "\n", "")
        (notice,) = told(bot, 1001, "non c’è più")
        assert notice["text"].startswith(
            f"L’articolo è stato corretto: la frase «{PRICE.format(12)}» non c’è più."
        )
        History(valdoria.data).set_withdrawn("mercato.txt", time.time())
        (notice,) = told(bot, 1001, "è stato ritirato dal sito")
        assert notice["reply_to_message"]["message_id"] == market["message_id"]
        assert "Ritirato dal suo sito il " in bot.ask("/articolo mercato")["text"]
        (valdoria.corpus / "rossi.txt").unlink()
        sync(Locations(valdoria.corpus, valdoria.data), embedder)
        (notice,) = told(bot, 1001, "L’articolo non è più tra quelli che ho")
        assert notice["reply_to_message"]["message_id"] == mayor["message_id"]
        assert bot.stop() == 0 and api.refusals == []


def test_a_chat_with_many_answers_gets_few_messages(
    valdoria: Workplace, embedder: Embedder
) -> None:
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS)
        answers = [bot.ask(STADIUM, user_id=34, language_code="en") for _ in range(6)]
        for _ in range(4):
            bot.ask(STADIUM)
        correct(valdoria, embedder, "12 milioni", "15 milioni")
        (more,) = told(bot, 34, "This also concerns 3 earlier answers of mine")
        assert "I conti dello stadio" in more["text"] and data_of(more, "changes")
        assert "reply_to_message" not in more
        replies = [m["reply_to_message"] for m in told(bot, 34, "The article was corrected", 3)]
        assert [m["message_id"] for m in replies] == [a["message_id"] for a in answers[3:]]
        assert len(told(bot, 1001, "L’articolo è stato corretto", 4)) == 4
        (valdoria.corpus / "stadio.txt").unlink()
        sync(Locations(valdoria.corpus, valdoria.data), embedder)
        settled(bot, valdoria)
        assert len(bot.api.messages(34, from_bot=True)) == 6 + 4  # each is told once
        assert bot.stop() == 0 and api.refusals == []


def test_what_a_followed_question_told_is_corrected_in_one_message(
    empty_place: Workplace, embedder: Embedder
) -> None:
    arrive(empty_place, embedder, "rossi", "mercato")
    with FakeBotApi() as api:
        bot = Bot(empty_place, api, **SETTINGS)
        bot.ask(f"/segui {STADIUM}")
        arrive(empty_place, embedder, "stadio")
        (first,) = told(bot, 1001, "12 milioni")
        correct(empty_place, embedder, "12 milioni", "15 milioni")
        (second,) = told(bot, 1001, "15 milioni")
        settled(bot, empty_place)
        assert len(told(bot, 1001, "15 milioni")) == 1
        assert second["text"].startswith("L’articolo è stato corretto: prima «")
        assert "Contraddice quello che avevo detto" in second["text"]
        assert second["reply_to_message"]["message_id"] == first["message_id"]
        correct(empty_place, embedder, PRICE.format(15) + "\n", "")
        (third,) = told(bot, 1001, "non c’è più")  # no news, but the sentence is gone
        assert third["reply_to_message"]["message_id"] == second["message_id"]
        assert bot.stop() == 0 and api.refusals == []


def test_days_words_elsewhere_and_renamed_files(valdoria: Workplace, embedder: Embedder) -> None:
    index, now = CurrentIndex(valdoria.data), time.time()
    with closing(State(valdoria.data / FILE)) as state, index.reading() as generation:
        assert generation
        article = generation.store.article("stadio.txt")
        assert article
        start = article.text.index("Il nuovo")
        quote = slice_of(article, Span(start, start + len(PRICE.format(12))))
        with state.changing() as database:
            note_shown(database, Showing(42, 1, 1, 10, 11), [quote], now)
            note_shown(database, Showing(42, 2, 2, 20), [quote], now)  # it was not sent yet

        def found(days: float = 30, later: float = 0) -> list[Outcome]:
            finder = Corrections(state, 42, index, days, lambda: now + later)
            return [change.outcome for each in finder.find() for change in each.changes]

        assert found() == []
        correct(valdoria, embedder, "Il nuovo stadio", "Si apre. Il nuovo stadio")
        assert found() == []
        ((moved,),) = state.select("SELECT start FROM shown WHERE chat = 1")
        assert moved == start + len("Si apre. ")
        shutil.move(valdoria.corpus / "stadio.txt", valdoria.corpus / "altrove.txt")
        sync(Locations(valdoria.corpus, valdoria.data), embedder)
        assert found() == []
        shutil.move(valdoria.corpus / "altrove.txt", valdoria.corpus / "stadio.txt")
        sync(Locations(valdoria.corpus, valdoria.data), embedder)
        assert found() == []
        correct(valdoria, embedder, "costa 12 milioni", "costa 15 milioni")
        assert found() == [Outcome.CORRECTED] == found(7, 6 * DAY)
        assert found(0) == [] == found(30, 31 * DAY) == found(7, 8 * DAY)
    index.close()


def test_what_else_many_answers_quoted_is_told_by_the_next_look(
    valdoria: Workplace, embedder: Embedder
) -> None:
    index, now = CurrentIndex(valdoria.data), time.time()
    with closing(State(valdoria.data / FILE)) as state:
        with index.reading() as generation, state.changing() as database:
            assert generation
            articles = map(generation.store.article, ("stadio.txt", "rossi.txt"))
            quotes = [slice_of(article, Span(0, 30)) for article in articles if article]
            for number in range(5):
                note_shown(database, Showing(42, 1, 1, number, 10 + number), quotes, now)
        for name in ("stadio.txt", "rossi.txt"):
            (valdoria.corpus / name).unlink()
        sync(Locations(valdoria.corpus, valdoria.data), embedder)
        finder = Corrections(state, 42, index, 30)
        looks = []
        for _ in range(3):
            finder.find_again()
            found = finder.find()
            looks.append([(one.answers, {change.path for change in one.changes}) for one in found])
            with state.changing() as database:
                assert all(finder.note(database, correction) for correction in found)
        both, rossi = {"stadio.txt", "rossi.txt"}, {"rossi.txt"}
        assert looks == [[(1, both)] * 3 + [(2, {"stadio.txt"})], [(1, rossi)] * 2, []]
    index.close()
