"""Many people at once, on a Telegram that fails: every question gets its one final reply."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest

from bot.locales import texts
from bot.telegram.messages import answer_messages
from retrieval.answer import Question
from retrieval.chain import AnswerChain
from tests.bot_api import NO_ANSWER, FakeBotApi, formatted_text
from tests.conftest import ROOT, Workplace
from tests.running_bot import READY, Bot

PATIENCE = 1800.0  # seconds for all of them
SETTINGS = {"VIRGOLETTE_WATCH": "false", "VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "0"}


def gold_questions() -> list[str]:
    """The questions of our own, in a fixed and mixed order."""
    found = [
        json.loads(line)["question"]
        for file in sorted((ROOT / "tests" / "gold").glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    return random.Random(5).sample(found, len(found))


@dataclass
class Crowd:
    """People who each ask one question after another, and what they were told."""

    api: FakeBotApi
    left: dict[int, list[str]]  # of each person, the questions still to be asked
    asked: dict[int, tuple[str, float]] = field(default_factory=dict)  # by message
    told: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    took: dict[int, float] = field(default_factory=dict)
    _seen: int = 0

    def begin(self) -> None:
        for person in self.left:
            self._ask(person)

    def go_on(self, until: int) -> None:
        """Ask on as answers come, until so many questions are answered."""
        deadline = time.monotonic() + PATIENCE
        while len(self.told) < until:
            assert time.monotonic() < deadline, f"{len(self.told)} of {until} answered"
            calls = self.api.calls
            for call in calls[self._seen :]:
                self._hear(call)
            self._seen = len(calls)
            time.sleep(0.05)

    def _hear(self, call: Any) -> None:
        number = call.params.get("reply_parameters", {}).get("message_id")
        if call.method != "sendMessage" or number not in self.asked or not call.result:
            return
        if call.status in (200, NO_ANSWER):
            if number not in self.told:
                self.took[number] = time.monotonic() - self.asked[number][1]
                self._ask(call.params["chat_id"])
            self.told[number].append(call.result["text"])

    def _ask(self, person: int) -> None:
        if self.left[person]:
            question = self.left[person].pop()
            self.asked[self.api.say(question, user_id=person)] = question, time.monotonic()


def make_trouble(api: FakeBotApi, rng: random.Random) -> None:
    """What Telegram and the network do now and then, to the next calls."""
    for method in ("sendMessage", "getUpdates", "sendChatAction"):
        api.fail(method, status=rng.choice([500, 502]), times=2)
        api.drop_before(method, times=2)
    api.fail("sendMessage", status=429, retry_after=1, times=2)
    api.drop("sendMessage", times=2)
    api.drop("getUpdates")


def crowd_of(api: FakeBotApi, questions: Sequence[str], people: int, each: int) -> Crowd:
    endless = cycle(questions)
    return Crowd(api, {5000 + n: [next(endless) for _ in range(each)] for n in range(people)})


def expected(chain: AnswerChain, questions: Sequence[str]) -> dict[str, list[str]]:
    """What `virgolette ask` answers, as people see it in Telegram."""

    def shown(question: str) -> Iterator[str]:
        for message in answer_messages(chain.invoke(Question.parse(question)), texts("it")):
            yield formatted_text({"text": message.markup, "parse_mode": "HTML"})[0]

    return {question: list(shown(question)) for question in questions}


def check_load(
    place: Workplace, chain: AnswerChain, questions: Sequence[str], people: int, each: int
) -> str:
    """Ask, with trouble and a kill in the middle; the figures in a line."""
    total = people * each
    with FakeBotApi() as api:
        bot = Bot(place, api, **SETTINGS)
        bot.ask("/help")
        began = time.monotonic()
        for question in questions:
            bot.ask(question, user_id=4000)
            bot.ask("/nuova", user_id=4000)
        alone = (time.monotonic() - began) / len(questions)
        crowd = crowd_of(api, questions, people, each)
        rng = random.Random(3)
        crowd.begin()
        for part in (1, 2, 3, 4):
            make_trouble(api, rng)
            crowd.go_on(total * part // 5)
            if part == 2:
                bot.process.kill()
                bot.process.wait(30)
                bot = Bot(place, api, **SETTINGS)
        crowd.go_on(total)
        bot.ask("/help")
        crowd.go_on(total)
        assert bot.stop() == 0
        # Updates that were answered but not yet acknowledged when it was killed come again: the
        # bot puts the same answer in its place, which Telegram refuses and nobody sees.
        assert all("message is not modified" in refusal.description for refusal in api.refusals)
        late = sum(c.method == "sendMessage" and c.status == NO_ANSWER for c in api.calls)
    wanted = expected(chain, questions)
    answers = {n: (crowd.asked[n][0], told) for n, told in crowd.told.items()}
    busy = sum(_is_busy(told) for _, told in answers.values())
    doubled = sum(len(told) - len(wanted[q]) for q, told in answers.values() if len(told) > 1)
    assert len(answers) == total and busy <= total / 20
    assert 0 <= doubled <= late + 2  # two answers at most were under way when it was killed
    for question, told in answers.values():
        assert set(told) == set(wanted[question]) or _is_busy(told), (question, told)
    took = sorted(crowd.took.values())
    return (
        f"{total} questions of {people} people: p95 {took[int(0.95 * total)]:.1f} s, one after "
        f"another {alone * total:.0f} s ({alone:.2f} s each); {busy} busy, {doubled} doubled"
    )


def _is_busy(told: Sequence[str]) -> bool:
    return told[0].startswith("In questo momento ci sono troppe")


def test_every_question_gets_its_one_final_reply(
    indexed_place: Workplace, chain: AnswerChain
) -> None:
    print(check_load(indexed_place, chain, gold_questions()[:4], people=20, each=1))


@pytest.mark.soak
@pytest.mark.timeout(3 * PATIENCE)
def test_two_hundred_people_ask_two_thousand_questions(
    indexed_place: Workplace, chain: AnswerChain
) -> None:
    print(check_load(indexed_place, chain, gold_questions()[:100], people=200, each=10))


def test_what_is_under_way_at_the_end_is_put_off_and_answered_later(
    indexed_place: Workplace,
) -> None:
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, **SETTINGS)
        bot.ask("/help")
        crowd = crowd_of(api, gold_questions()[:8], 45, 1)
        crowd.begin()
        crowd.go_on(2)
        began = time.monotonic()
        assert bot.stop() == 0
        assert time.monotonic() - began < 25 and len(crowd.told) < 45
        assert "put off until the next start" in bot.log.read_text()
        again = Bot(indexed_place, api, **SETTINGS)
        crowd.go_on(45)
        again.ask("/help")
        crowd.go_on(45)
        assert again.stop() == 0 and api.refusals == []
        assert "ERROR" not in again.log.read_text()
        assert api.replies_to(min(crowd.asked), timeout=READY)
