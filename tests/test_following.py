"""A question that stays asked: the real bot, a real index, and articles that come in."""

from __future__ import annotations

import datetime
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.access import Supergroups
from bot.following.follows import Follow, Follows
from bot.following.news import News, NewsFinder
from bot.following.outbox import DAILY_HOUR, Destination, Outbox, Outgoing, next_daily
from bot.following.shown import Showing, note_shown
from bot.state import FILE, AnswerLog, State
from bot.telegram.follows.notices import messages_of
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Quotation
from retrieval.answering.reader import Reader
from retrieval.chain import AnswerChain
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, press, quoted
from tests.test_twins import TOLL

MAYOR = "Chi è il sindaco di Valdoria?"
STADIUM = "Quanto costa il nuovo stadio di Valdoria?"
ARTICLES = {
    "rossi": """---
title: Il nuovo sindaco
source: Il Corriere del Lago
date: 2024-05-10
---
Valdoria ha scelto. Il sindaco di Valdoria è Marco Rossi, eletto ieri con il 54 per cento dei voti.
La biblioteca riaprirà in autunno.
""",
    "mercato": "Il mercato di Valdoria si tiene ogni giovedì in piazza Garibaldi.\n",
    "stadio": """---
title: I conti dello stadio
source: Gazzetta di Valdoria
date: 2024-05-20
---
Il nuovo stadio di Valdoria costa 12 milioni di euro, ha detto l'assessore al bilancio.
I lavori cominciano a marzo e durano due anni. Le tribune avranno ottomila posti, tutti coperti.
""",
    "scuola": """---
title: Chi è il nuovo sindaco
source: La Voce del Lago
date: 2024-05-25
---
È festa alla scuola Manzoni. Il nuovo sindaco di Valdoria è Marco Rossi, che ha inaugurato l'aula.
""",
    "bianchi": """---
title: Cambio in municipio
source: Gazzetta di Valdoria
date: 2024-06-12
---
Si volta pagina. Il sindaco di Valdoria è Anna Bianchi, eletta domenica al ballottaggio.
La nuova giunta sarà presentata lunedì.
""",
}
SETTINGS = {"VIRGOLETTE_WATCH": "false", "VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "0"}
GROUP, SUPERGROUP = -4400, -1_004_400


@pytest.fixture
def valdoria(empty_place: Workplace, embedder: Embedder) -> Workplace:
    arrive(empty_place, embedder, "rossi", "mercato")
    return empty_place


def arrive(place: Workplace, embedder: Embedder, *names: str) -> None:
    """Let articles arrive, and the index be brought up to date."""
    for name in names:
        place.write(f"{name}.txt", ARTICLES[name])
    sync(Locations(place.corpus, place.data), embedder)


def told(bot: Bot, chat: int, words: str, count: int = 1) -> list[dict[str, Any]]:
    """The bot's messages with these words in a chat, once there are so many."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        found = [m for m in bot.api.messages(chat, from_bot=True) if words in m.get("text", "")]
        if len(found) >= count:
            return found
        time.sleep(0.05)
    raise TimeoutError(words)


def data_of(message: dict[str, Any], kind: str) -> str:
    return next(data for data in buttons(message).values() if data.startswith(f"{kind}:"))


def settled(bot: Bot, place: Workplace) -> None:
    """Wait until all questions are looked at, and all messages sent."""
    deadline = time.monotonic() + READY
    with closing(State(place.data / FILE)) as state:
        while True:
            name = sorted(p.name for p in (place.data / "generations").iterdir())[-1]
            done = state.select(
                "SELECT 1 FROM runs WHERE generation = ? AND NOT EXISTS (SELECT 1 FROM outbox) AND "
                "NOT EXISTS (SELECT 1 FROM follows WHERE run < (SELECT max(run) FROM runs))",
                name,
            )
            if done:
                return
            assert time.monotonic() < deadline, bot.log.read_text()
            time.sleep(0.05)


def count(bot: Bot, chat: int) -> int:
    return len(bot.api.messages(chat, from_bot=True))


def test_new_articles_answer_what_is_followed_once(valdoria: Workplace, embedder: Embedder) -> None:
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS)
        answer, refusal = bot.ask(MAYOR), bot.ask(STADIUM)
        assert "Marco Rossi" in answer["text"] and "non ne parlano" in refusal["text"]
        for message in (answer, refusal):
            press(bot, message, data_of(message, "follow"))
        assert len(told(bot, 1001, "🔔 Seguo «", 2)) == 2
        assert "già" in press(bot, answer, data_of(answer, "follow")).params["text"]

        arrive(valdoria, embedder, "stadio", "scuola")
        (price,) = told(bot, 1001, "12 milioni")
        assert price["text"].startswith(f"🔔 {STADIUM}\nUn articolo nuovo o cambiato risponde:\n12")
        assert quoted(price) == [ARTICLES["stadio"].splitlines()[5]]
        assert "Gazzetta di Valdoria · I conti dello stadio · 2024-05-20" in price["text"]
        (same,) = told(bot, 1001, "inaugurato")
        assert "Concorda con quello che avevo detto («Marco Rossi»)" in same["text"]
        before = len(api.calls)
        press(bot, price, data_of(price, "quote"))
        assert (
            "12 milioni" in api.wait_for("sendMessage", since=before, timeout=READY).result["text"]
        )

        arrive(valdoria, embedder, "bianchi")
        assert len(told(bot, 1001, "Anna Bianchi")) == 1

        # The same agency text elsewhere, a file that is moved, another line of a known article.
        sent = count(bot, 1001)
        agency = ARTICLES["stadio"].replace("Gazzetta di Valdoria", "Lago Oggi")
        valdoria.write("agenzia.txt", agency.replace("I lavori", "(Ansa) I lavori"))
        (valdoria.corpus / "bianchi.txt").rename(valdoria.corpus / "altrove.txt")
        valdoria.write("rossi.txt", ARTICLES["rossi"] + "Piove da tre giorni.\n")
        arrive(valdoria, embedder)
        settled(bot, valdoria)
        assert count(bot, 1001) == sent
        changed = ARTICLES["stadio"].replace("12 milioni", "15 milioni")
        valdoria.write("stadio.txt", changed)
        arrive(valdoria, embedder)
        (dearer,) = told(bot, 1001, "15 milioni")
        assert "prima «12 milioni di euro», ora «15 milioni di euro»" in dearer["text"]

        press(bot, dearer, data_of(dearer, "stop"))
        arrive(valdoria, embedder)
        assert STADIUM not in bot.ask("/seguiti")["text"]
        assert bot.stop() == 0
        assert api.refusals == [] and "Traceback" not in bot.log.read_text()


def test_groups_and_topics_follow_and_chats_that_are_gone_are_forgotten(
    valdoria: Workplace,
) -> None:
    topic = {"message_thread_id": 9, "is_topic_message": True}
    forum, closed = SUPERGROUP - 1, SUPERGROUP - 2
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, VIRGOLETTE_TELEGRAM_ADMINS="900")  # it follows the corpus
        follow = f"/segui {STADIUM}"
        for chat, more in ((GROUP, {}), (forum, topic), (closed, topic), (51, {}), (52, {})):
            user = chat if chat > 0 else 5
            followed = bot.ask(follow, user_id=user, chat_id=chat, more=more)
            assert followed["text"].startswith("🔔 Seguo «")
        refusal = press(bot, followed, data_of(followed, "unfollow"), user=6)
        assert "solo chi segue" in refusal.params["text"]
        assert "già" in bot.ask(follow, user_id=6, chat_id=GROUP)["text"]
        here = bot.ask("/seguiti", user_id=6, chat_id=GROUP)["text"]
        assert "seguite qui: 1" in here and "in un" not in here
        listed = bot.ask("/seguiti", user_id=5)
        assert "segui: 3" in listed["text"] and listed["text"].count("in un gruppo") == 1
        assert listed["text"].count("in un argomento") == 2
        assert "Domande seguite: 5; " in bot.ask("/stato", user_id=900)["text"]
        api.upgrade(GROUP, SUPERGROUP)
        api.close(closed, "topic closed", 9)
        api.close(51, "blocked")
        valdoria.write("stadio.txt", ARTICLES["stadio"])
        assert len(told(bot, SUPERGROUP, "12 milioni")) == 1
        (there,) = told(bot, forum, "12 milioni")
        assert there["message_thread_id"] == 9
        assert len(told(bot, 52, "12 milioni")) == 1
        settled(bot, valdoria)
        assert (
            "Domande seguite: 3; messaggi da mandare: 0" in bot.ask("/stato", user_id=900)["text"]
        )
        press(bot, listed, data_of(listed, "unfollow"), user=5)
        assert "segui: 1" in bot.ask("/seguiti", user_id=5)["text"]  # it was the forum's
        bot.ask("/dimenticami", user_id=52)
        assert "Domande seguite: 1; " in bot.ask("/stato", user_id=900)["text"]
        assert bot.stop() == 0 and api.refusals == []


def test_a_subject_is_followed_until_articles_speak_of_it(
    valdoria: Workplace, embedder: Embedder
) -> None:
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS)
        refusal = bot.ask("Parlami dello stadio")
        assert "non ne parlano" in refusal["text"]
        press(bot, refusal, data_of(refusal, "follow"))
        assert "🔔" in bot.ask("/segui Anna Bianchi", user_id=7)["text"]
        arrive(valdoria, embedder, "stadio")
        assert quoted(told(bot, 1001, "costa 12 milioni")[0])
        settled(bot, valdoria)
        before = count(bot, 7)
        arrive(valdoria, embedder, "bianchi")
        assert "Anna Bianchi, eletta domenica" in quoted(told(bot, 7, "ballottaggio")[0])[0]
        settled(bot, valdoria)
        assert count(bot, 7) == before + 1 and len(told(bot, 1001, "12 milioni")) == 1
        assert bot.stop() == 0 and api.refusals == []


def test_what_cannot_be_followed_is_told(valdoria: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS, VIRGOLETTE_FOLLOWS="2")
        for text in ("ultime notizie", "riassumi le notizie", "ciao", "grazie mille", "e quando?"):
            assert "non si può seguire" in bot.ask(f"/segui {text}")["text"], text
        assert "dopo il comando" in bot.ask("/segui")["text"]
        assert "troppo lunga" in bot.ask(f"/segui {'a' * 1001}")["text"]
        assert "Nessuna domanda" in bot.ask("/seguiti")["text"]
        news = bot.ask("Ultime notizie")
        assert not [data for data in buttons(news).values() if data.startswith("follow")]
        bot.ask(MAYOR)
        later = bot.ask("e quando?")
        press(bot, later, data_of(later, "follow"))
        assert "sindaco" in told(bot, 1001, "🔔 Seguo «")[0]["text"]  # a question of its own
        first = bot.ask("/follow When does the strike end?", language_code="en")
        assert "as soon as a new or changed article" in first["text"]
        assert "Segui già 2 domande" in bot.ask(f"/segui {STADIUM}")["text"]
        assert (
            "/seguiti in privato e tocca ✕"
            in press(bot, refused := bot.ask(STADIUM), data_of(refused, "follow")).params["text"]
        )
        for kind, words in (("daily", "una volta al giorno"), ("once", "Una volta al giorno")):
            before = len(api.calls)
            press(bot, first, data_of(first, kind))
            first = api.wait_for("editMessageText", since=before, timeout=READY).result
            assert words in f"{first}"
        press(bot, first, data_of(first, "unfollow"))
        listed = bot.ask("/following", language_code="en")["text"]
        assert "that you follow: 1" in listed and "sindaco" in listed
        for data in ("follow:9", "follow:x", "unfollow:", "daily:999", "stop:1:2:3", "followed:-1"):
            assert press(bot, later, data).status == 200
        assert bot.stop() == 0 and api.refusals == []
        assert "Traceback" not in bot.log.read_text()


def test_many_follows_are_a_list_of_pages(valdoria: Workplace, embedder: Embedder) -> None:
    with closing(State(valdoria.data / FILE)) as state:
        fill(state, embedder, [f"Chi ha vinto la gara numero {n}?" for n in range(50)])
    with FakeBotApi() as api:
        hourly = {"VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "1"}
        bot = Bot(valdoria, api, **SETTINGS | hourly, VIRGOLETTE_FOLLOWS="0")
        first = bot.ask("/seguiti")
        assert "segui: 50" in first["text"]
        assert "🔔" in bot.ask(f"/segui {MAYOR}", user_id=9)["text"]
        assert "riprova tra 60 minuti" in bot.ask(f"/segui {STADIUM}", user_id=9)["text"]
        before = len(api.calls)
        press(bot, first, data_of(first, "followed"))
        assert "numero 15?" in api.wait_for("editMessageText", since=before).result["text"]
        arrive(valdoria, embedder, "stadio")
        settled(bot, valdoria)
        assert count(bot, 1001) == 1
        assert bot.stop() == 0 and api.refusals == []


def fill(state: State, embedder: Embedder, questions: list[str], *chats: int) -> None:
    """Let people follow questions: each of them in each chat."""
    follows = Follows(state, 42)
    for chat in chats or (1001,):
        for question in questions:
            follow = Follow(Destination(chat), chat, question, "it", 1_700_000_000.0, 0)
            assert isinstance(follows.add(follow, embedder, 0), Follow)


def test_messages_once_a_day_are_one_message(tmp_path: Path, embedder: Embedder) -> None:
    noon = datetime.datetime(2026, 3, 3, 12).timestamp()
    morning = datetime.datetime(2026, 3, 4, DAILY_HOUR).timestamp()
    assert next_daily(noon) == morning and next_daily(morning) == morning + 24 * 3600
    now = noon
    with closing(State(tmp_path / FILE)) as state:
        fill(state, embedder, [MAYOR])
        outbox, follows = Outbox(state, 42, lambda: now), Follows(state, 42)
        (follow,) = follows.of_person(1001)

        def queue(text: str, *, late: bool = False) -> None:
            nonlocal now
            part = {"blocks": [[text, text]], "rows": [], "end": ["x", f"stop:{follow.id}", "", ""]}
            message = Outgoing(follow.to, 1001, [part], follow.id, daily=True)
            with state.changing() as database:
                now = morning if late else now + 60
                outbox.queue(database, message)

        queue("one")
        queue("two")
        assert outbox.next() is None and outbox.next_due() == morning
        queue("three", late=True)  # the first ones may be on their way meanwhile
        due = outbox.next()
        assert due is not None
        (shown,) = messages_of(due.content)
        assert shown.plain == "one\ntwo" and len(shown.buttons) == 1
        outbox.note_sent(due, 7, is_last=True)
        assert outbox.next() is None
        follows.set_daily(follow.id, now, daily=False)
        assert outbox.next() is not None  # at once, after all
        follows.end(follow.id)
        assert outbox.next() is None


def test_who_is_forgotten_leaves_no_mark_on_what_others_were_shown(
    tmp_path: Path, embedder: Embedder
) -> None:
    quote = Quotation("Piove.", "a.txt", None, "", None, None, 0, 6, "0" * 64, 0.0)
    with closing(State(tmp_path / FILE)) as state:
        with state.changing() as database:
            note_shown(database, Showing(42, GROUP, 5, 70, 71), [quote], time.time())
        follow = Follow(Destination(GROUP), 6, MAYOR, "it", 1.7e9, 0)
        Follows(state, 42).add(follow, embedder, 0, (GROUP, 70))
        query = "SELECT count(follow), count(*) FROM shown"
        assert state.select(query) == [(1, 1)]
        AnswerLog(state, 42).forget(6)
        assert state.select(query) == [(0, 1)]  # it goes after thirty days, as others do


def test_another_toll_in_the_same_agency_text_is_news(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    question = "Quanti morti ha causato il crollo del ponte di Valdoria?"
    paths = Locations(empty_place.corpus, empty_place.data)
    empty_place.write("primo.txt", TOLL.format(27))
    sync(paths, embedder)
    with closing(State(paths.data_dir / FILE)) as state, closing(CurrentIndex(paths.data_dir)) as i:
        chain = AnswerChain(i, embedder, reader)
        finder = NewsFinder(state, 42, i, chain, embedder, Supergroups(state))
        follow = Follow(Destination(1), 1, question, "it", 1.7e9, finder.register())
        Follows(state, 42).add(follow, embedder, 0)
        news: list[News] = []
        for tolls in ({"secondo": 31}, {"copia": 27, "terzo": 35}):
            for name, toll in tolls.items():
                empty_place.write(f"{name}.txt", TOLL.format(toll))
            sync(paths, embedder)
            assert finder.check(lambda one, _: news.append(one), threading.Event())
        chain.close()
    assert [one.answer.quotes[0].text.split()[8] for one in news] == ["31", "35"]


def test_one_question_that_fails_or_is_not_admitted_keeps_no_other_from_being_told(
    valdoria: Workplace, embedder: Embedder
) -> None:
    arrive(valdoria, embedder, "stadio")
    with closing(State(valdoria.data / FILE)) as state:
        fill(state, embedder, [STADIUM], 7)
        for person, text in ((6, "Quanti milioni costa lo stadio di Valdoria?"), (5, STADIUM)):
            follow = Follow(Destination(GROUP), person, text, "it", 1.7e9, 0)
            Follows(state, 42).add(follow, embedder, 0)
        old = Quotation("Piove.", "mercato.txt", None, "", None, None, 0, 6, "0" * 64, 0.0)
        with state.changing() as database:
            note_shown(database, Showing(42, 5, 5, 70, 71), [old], time.time())
            database.execute(
                "CREATE TRIGGER full BEFORE INSERT ON outbox WHEN new.chat = 7 "
                "BEGIN SELECT raise(ABORT, 'no room for it'); END"
            )
    with FakeBotApi() as api:
        for chat in (5, GROUP):
            api.say("/new", user_id=5, chat_id=chat)
        bot = Bot(valdoria, api, **SETTINGS, VIRGOLETTE_TELEGRAM_ALLOWED_USERS="5,7")
        assert len(told(bot, GROUP, "12 milioni")) == 1
        assert "«Piove.»" in told(bot, 5, "corretto")[0]["text"]
        assert bot.stop() == 0
        log = bot.log.read_text()
        assert "for question 1" in log and "no room for it" in log and "Traceback" not in log
    with closing(State(valdoria.data / FILE)) as state:
        assert [follow.run for follow in Follows(state, 42).behind(9)] == [0, 1, 1]


def test_trouble_keeps_no_other_chat_waiting_and_loses_nothing(
    valdoria: Workplace, embedder: Embedder
) -> None:
    chats = [61, 62, 63, 64]
    with FakeBotApi() as api:
        bot = Bot(valdoria, api, **SETTINGS)
        for chat in chats:
            bot.ask(f"/segui {STADIUM}", user_id=chat)
        api.close(64, "muted")
        api.fail("sendMessage", retry_after=6)
        before = len(api.calls)
        arrive(valdoria, embedder, "stadio")
        for chat in chats[:3]:
            told(bot, chat, "12 milioni")
        sent = [c for c in api.calls[before:] if c.method == "sendMessage"]
        assert sent[0].status == 429 and sent[0].params["chat_id"] == 61
        assert [c.params["chat_id"] for c in sent if c.status == 200] == [62, 63, 61]
        with closing(State(valdoria.data / FILE)) as state:
            ((waits,),) = state.select("SELECT count(*) FROM outbox WHERE chat = 64")
            assert waits == 1 and len(Follows(state, 42).in_chat(64)) == 1
        for status in (500, 502):
            api.fail("sendMessage", status=status, html=status == 502)
        api.drop_before("sendMessage")
        changed = ARTICLES["stadio"].replace("12 milioni", "15 milioni")
        valdoria.write("stadio.txt", changed)
        arrive(valdoria, embedder)
        for chat in chats[:3]:
            assert len(told(bot, chat, "15 milioni di euro, ha")) == 1
        assert bot.stop() == 0
        assert "Traceback" not in bot.log.read_text()
