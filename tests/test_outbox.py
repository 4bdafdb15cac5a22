"""What is queued is sent once, however often the bot is killed meanwhile: news, corrections."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import pytest

from bot.following.shown import Showing, note_shown
from bot.state import FILE, State
from index.articles.article import read_article
from index.building.sync import sync
from index.generations.layout import Locations
from index.models.embedder import Embedder
from index.text.sentences import Span
from retrieval.answering.quotations import slice_of
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot

SETTINGS = {"VIRGOLETTE_WATCH": "false", "VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "0"}
QUESTION = "Chi ha vinto la gara di Valdoria?"
CHATS = range(7001, 7013)
NAMES = "Ada Bruno Carla Dario Elena Fabio Gina Ivo Lia Marco".split()
FAMILIES = "Alba Bosco Conti Dolci Esposto Ferri Gatti Longo Monti Neri Orsi Poli".split()


@dataclass
class Race:
    """Chats that follow a question, and articles that answer it, one after another."""

    place: Workplace
    embedder: Embedder
    rng: random.Random
    winners: list[str] = field(default_factory=list)

    def publish(self) -> None:
        """One more article, with a winner of its own."""
        self.place.write(f"{len(self.winners):03}.txt", self.text() + "\n")
        sync(Locations(self.place.corpus, self.place.data), self.embedder)

    def text(self) -> str:
        """Its text."""
        number = len(self.winners)
        winner = f"{NAMES[number % 10]} {FAMILIES[number // 10]}{'abcdefghi'[number % 9]}"
        words = " ".join(self.rng.sample(FAMILIES, 6)).lower()
        self.winners.append(f"vinta da {winner}")
        return f"Edizione {number} con {words}. La gara di Valdoria è stata vinta da {winner}."

    def begin(self, bot: Bot) -> None:
        """Let all chats follow the question."""
        for chat in CHATS:
            assert "Seguo" in bot.ask(f"/segui {QUESTION}", user_id=chat)["text"]

    def sent(self, api: FakeBotApi) -> Counter[tuple[int, str]]:
        """How often each winner was told to each chat."""
        texts = [(c, m["text"]) for c in CHATS for m in api.messages(c, from_bot=True)]
        return Counter((chat, w) for chat, text in texts for w in self.winners if w in text)

    def has_sent(self, api: FakeBotApi, count: int) -> bool:
        """Whether so many messages are sent, or all that are queued."""
        return self.sent(api).total() >= count or self.queued() == 0

    def queued(self) -> int | None:
        """The messages in the outbox; None where the last article was not looked at yet."""
        with closing(State(self.place.data / FILE)) as state:
            ((runs,), (behind,)) = state.select(
                "SELECT max(run) FROM runs UNION ALL "
                "SELECT count(*) FROM follows WHERE run < (SELECT max(run) FROM runs)"
            )
            ((queued,),) = state.select("SELECT count(*) FROM outbox")
        return None if behind or runs <= len(self.winners) else int(queued)


@dataclass
class CorrectedRace(Race):
    """Chats that were shown a sentence of each article, and articles that are corrected."""

    bot: int = 0

    def begin(self, bot: Bot) -> None:
        """See Race."""
        self.bot = int(bot.api.token.partition(":")[0])
        for chat in CHATS:
            bot.ask("/help", user_id=chat)

    def publish(self) -> None:
        """One more article; then it is corrected."""
        super().publish()
        file = self.place.corpus / f"{len(self.winners) - 1:03}.txt"
        article = read_article(file.read_bytes(), file.name)
        quote = slice_of(article, Span(article.text.index("La gara"), len(article.text) - 1))
        with closing(State(self.place.data / FILE)) as state, state.changing() as database:
            for chat in CHATS:
                number = len(self.winners)
                showing = Showing(self.bot, chat, chat, number, 1000 + number)
                note_shown(database, showing, [quote], time.time())
        file.write_text(article.text.replace("vinta da", "vinta all’ultimo metro da"))
        sync(Locations(self.place.corpus, self.place.data), self.embedder)

    def queued(self) -> int | None:
        """See Race."""
        with closing(State(self.place.data / FILE)) as state:
            query = "SELECT sum(corrected = 0), (SELECT count(*) FROM outbox) FROM shown"
            ((left, queued),) = state.select(query)
        return None if left else int(queued)


def killed(race: Race, kills: int) -> None:
    place, embedder = race.place, race.embedder
    place.write(
        "mercato.txt", "Il mercato di Valdoria si tiene ogni giovedì in piazza Garibaldi.\n"
    )
    sync(Locations(place.corpus, place.data), embedder)
    doubled: Counter[tuple[int, str]] = Counter()
    with FakeBotApi() as api:
        bot = Bot(place, api, **SETTINGS)
        race.begin(bot)
        for _ in range(kills):
            if race.queued() == 0:
                race.publish()
            more = race.rng.randrange(len(CHATS))
            wait_until(partial(race.has_sent, api, race.sent(api).total() + more))
            time.sleep(race.rng.uniform(0, 0.03))
            bot.process.kill()
            bot.process.wait(30)
            doubled.update(unnoted(race, api))
            bot = Bot(place, api, **SETTINGS)
        wait_until(lambda: race.queued() == 0)
        bot.ask("/help")  # it has begun
        assert bot.stop() == 0 and api.refusals == []
    sent = race.sent(api)
    assert sent.keys() == {(chat, winner) for chat in CHATS for winner in race.winners}
    assert all(times <= 1 + doubled[key] for key, times in sent.items())
    assert doubled.total() < kills


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def unnoted(race: Race, api: FakeBotApi) -> set[tuple[int, str]]:
    """What Telegram had taken when the bot was killed before it noted that: one message at most."""
    with closing(State(race.place.data / FILE)) as state:
        rows = state.select("SELECT chat, content FROM outbox ORDER BY id")
    left = {(chat, w) for chat, content in rows for w in race.winners if w in content}
    taken = left & race.sent(api).keys()
    assert len(taken) <= 1
    return taken


@pytest.mark.parametrize("kind", [Race, CorrectedRace])
def test_ten_kills_lose_no_message_and_double_none(
    empty_place: Workplace, embedder: Embedder, kind: type[Race]
) -> None:
    killed(kind(empty_place, embedder, random.Random(1)), kills=10)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", [Race, CorrectedRace])
def test_a_hundred_kills_lose_no_message_and_double_none(
    empty_place: Workplace, embedder: Embedder, kind: type[Race]
) -> None:
    killed(kind(empty_place, embedder, random.Random(2)), kills=100)
