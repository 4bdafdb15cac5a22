"""A chat model in Telegram: drafts while it writes, and one final answer whatever happens."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.bot_api import Call, FakeBotApi
from tests.conftest import indexed_workplace
from tests.openai_api import KEY, FakeOpenAI, Json, Reply, claims
from tests.running_bot import Bot, buttons, entities
from tests.test_chat_server import QUESTION, TRUE, WORDS, environment, number_of
from tests.warm import Warm

GROUP = -100200300
OTHER = "Kim è a bordo del treno blindato."


class Model:
    """What the model says, which tests change."""

    def __init__(self) -> None:
        self.go_on = threading.Event()  # to the last words
        self.reset()

    def reset(self) -> None:
        self.go_on.set()
        self.reply: Reply | None = None

    def says(self, body: Json) -> Reply:
        text = str(body["messages"][-1]["content"])
        if "Reply with OK" in text:
            return Reply("OK")
        if self.reply is not None:
            return self.reply
        if WORDS not in text:
            return Reply('{"claims": []}')
        number = number_of(body)
        told = claims((TRUE, [(number, WORDS)]), (OTHER, [(number, "con a bordo Kim")]))
        return Reply(told, pieces=12, pause=0.4, last=self.go_on)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def running(
    data_dir: Path, warm: Warm, tmp_path_factory: pytest.TempPathFactory, model: Model
) -> Iterator[Bot]:
    place = indexed_workplace(tmp_path_factory.mktemp("chatting"), data_dir, warm)
    with FakeBotApi() as api, FakeOpenAI(model.says) as provider:
        bot = Bot(
            place,
            api,
            VIRGOLETTE_WATCH="false",
            VIRGOLETTE_TELEGRAM_ADMINS="1001",
            **environment(provider, VIRGOLETTE_CHAT_SECONDS="90"),
        )
        yield bot
        assert bot.stop() == 0
        assert api.refusals == []
        log = bot.log.read_text()
        assert api.token not in log and KEY not in log and "Traceback" not in log


@pytest.fixture
def chatting(running: Bot, model: Model) -> Bot:
    """One bot for all tests, in each of which others ask it."""
    model.reset()
    running.api.mend()
    return running


def drafts(api: FakeBotApi, person: int) -> list[str]:
    return [call.params["text"] for call in api.calls if drafted_to(person, call)]


def drafted_to(person: int, call: Call) -> bool:
    return call.method == "sendMessageDraft" and call.params["chat_id"] == person


def test_people_do_not_wait_for_one_another(chatting: Bot, model: Model) -> None:
    model.go_on.clear()  # no answer ends before all are begun
    people = range(2001, 2004)
    asked = [chatting.api.say(QUESTION, user_id=person) for person in people]
    try:
        for person in people:
            chatting.api.wait_for(partial(drafted_to, person), timeout=90)
    finally:
        model.go_on.set()
    assert all(TRUE in chatting.reply(message)["text"] for message in asked)


def test_an_answer_is_drafted_claim_by_claim_and_then_sent(chatting: Bot, model: Model) -> None:
    model.go_on.clear()
    asked = chatting.api.say(QUESTION, user_id=2010)
    drafted = f"{TRUE} [1]\nsto scrivendo…"
    chatting.api.wait_for(
        lambda call: drafted_to(2010, call) and call.params["text"] == drafted, timeout=90
    )
    model.go_on.set()
    (message,) = chatting.api.replies_to(asked, count=1, timeout=60)
    assert message["text"].startswith(f"{TRUE} [1]\n{OTHER} [1]\n")
    assert "scritto da openai:test-model" in message["text"]
    (bold,) = entities(message, "bold")
    assert bold == WORDS and "Leggi intorno" in buttons(message)
    seen = drafts(chatting.api, 2010)
    assert seen[0] == "sto scrivendo…"
    assert all(OTHER not in draft or TRUE in draft for draft in seen)


def test_in_a_group_one_message_is_edited_until_it_is_the_answer(chatting: Bot) -> None:
    asked = chatting.api.say(f"/ask {QUESTION}", chat_id=GROUP, user_id=2020)
    chatting.api.wait_for(
        lambda call: call.method == "editMessageText" and "scritto da" in call.params["text"],
        timeout=90,
    )
    (message,) = chatting.api.replies_to(asked, count=1, timeout=60)
    assert message["text"].startswith(f"{TRUE} [1]") and "Leggi intorno" in buttons(message)
    sent = [
        c for c in chatting.api.calls if c.method == "sendMessage" and c.params["chat_id"] == GROUP
    ]
    assert [call.params["text"] for call in sent] == ["sto scrivendo…"]
    assert drafts(chatting.api, GROUP) == drafts(chatting.api, 2020) == []


def test_drafts_that_fail_do_not_keep_the_answer(chatting: Bot) -> None:
    chatting.api.fail("sendMessageDraft", status=500, times=20)
    assert TRUE in chatting.ask(QUESTION, user_id=2030)["text"]
    assert 500 in [call.status for call in chatting.api.calls if drafted_to(2030, call)]


def test_an_answer_that_is_given_up_is_not_waited_for(chatting: Bot, model: Model) -> None:
    model.reply = Reply("bla ", endless=True, pause=0.5)
    asked = chatting.api.say(QUESTION, user_id=2040)
    chatting.api.wait_for(partial(drafted_to, 2040), timeout=90)
    chatting.api.say("/annulla", user_id=2040)
    (message,) = chatting.api.replies_to(asked, count=1, timeout=15)
    assert message["text"] == "Va bene, lascio perdere."


def test_a_model_that_fails_leaves_the_quotations(chatting: Bot, model: Model) -> None:
    model.reply = Reply(status=500)
    message = chatting.ask(QUESTION, user_id=2050)
    assert "il modello di chat non risponde" in message["text"] and "Pyongyang" in message["text"]


def test_many_may_be_written_for_at_once(chatting: Bot) -> None:
    asked = [chatting.api.say(QUESTION, user_id=2060 + n, first_name=f"U{n}") for n in range(8)]
    for number in asked:
        (message,) = chatting.api.replies_to(number, count=1, timeout=60)
        assert message["text"].startswith(f"{TRUE} [1]")


def test_admins_are_told_the_cost_and_everyone_what_leaves(chatting: Bot) -> None:
    chatting.ask(QUESTION)
    status = chatting.ask("/stato")["text"]
    assert re.search(r"Modello di chat: openai:test-model; ultima risposta [1-9][.\d]{3,}", status)
    privacy = chatting.ask("/privacy")["text"]
    assert "vanno a chi lo offre" in privacy and "Niente esce" not in privacy


def test_inline_questions_are_not_written_for(chatting: Bot, model: Model) -> None:
    model.reply = Reply(status=500)
    who: Any = {"id": 1001, "is_bot": False, "first_name": "Ada", "language_code": "it"}
    chatting.api.push({"inline_query": {"from": who, "query": QUESTION, "offset": ""}})
    call = chatting.api.wait_for("answerInlineQuery", timeout=90)
    assert call.params["results"]
