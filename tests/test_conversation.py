"""What people do with the bot beside asking: editing, buttons, small talk, other chats."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest

from bot.access import HOUR, Allowance, Supergroups
from bot.conversations import Conversations
from bot.queue import AnswerQueue, CrowdedError
from bot.state import FILE, AnswerLog, State, voted
from bot.telegram.answering import Answering
from bot.telegram.sending import Replies
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Question
from retrieval.chain import AnswerChain
from retrieval.evaluation.exam import read_exam
from retrieval.writing.options import AnswerOptions
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, entities, press

QUESTION = "Da dove è partito il treno blindato?"
TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang"
KIRBY = "Chi è John Kirby?"


def test_an_edited_question_edits_its_answer(bot: Bot) -> None:
    asked = bot.api.say(QUESTION)
    first = bot.reply(asked)
    before = len(bot.api.calls)
    bot.api.edit(asked, KIRBY)
    edited = bot.api.wait_for("editMessageText", since=before, timeout=READY).result
    assert edited["message_id"] == first["message_id"] and "Kirby" in edited["text"]
    bot.api.edit(asked, "grazie mille")
    thanked = bot.api.wait_for(
        lambda c: c.method == "editMessageText" and c.result and c.result["text"] == "Prego!",
        timeout=READY,
    ).result
    assert thanked["message_id"] == first["message_id"] and not buttons(thanked)
    assert len(bot.api.replies_to(asked)) == 1


def test_what_is_left_over_of_a_longer_answer_is_deleted(
    empty_place: Workplace, embedder: Embedder
) -> None:
    for number, ship in enumerate(("Aurora", "Bora", "Cometa", "Dafne", "Elena")):
        way = "; ".join(
            f"poi ha attraversato lentamente le acque settentrionali, tappa {number}{stop}"
            for stop in range(10, 26)
        )
        text = f"La nave {ship} è affondata nel lago di Garda: {way}.\n"
        empty_place.write(f"{number}.txt", text)
    for town in ("Ferrara", "Parma", "Torino", "Lucca"):  # beside which the others are alike
        empty_place.write(f"{town}.txt", f"Il comune di {town} apre una biblioteca in centro.\n")
    sync(Locations(empty_place.corpus, empty_place.data), embedder)
    with FakeBotApi() as api:
        bot = Bot(empty_place, api, VIRGOLETTE_WATCH="false")
        asked = api.say("Quali navi sono affondate nel lago di Garda?")
        first, second, *_ = api.replies_to(asked, count=2, timeout=READY)
        api.edit(asked, "grazie")
        api.wait_for("deleteMessage", timeout=READY)
        bot.ask("/help")
        (left,) = api.replies_to(asked)
        assert left["message_id"] == first["message_id"] != second["message_id"]
        assert left["text"] == "Prego!"
        assert bot.stop() == 0 and api.refusals == []


def test_a_doubled_delivery_is_answered_once(bot: Bot) -> None:
    asked = bot.api.say(KIRBY)
    bot.reply(asked)
    bot.api.repeat()
    bot.ask("/help")
    assert len(bot.api.replies_to(asked)) == 1


def test_an_edit_while_the_answer_is_under_way_wins(bot: Bot) -> None:
    asked = bot.api.say(QUESTION)
    bot.api.edit(asked, KIRBY)
    bot.reply(asked)
    bot.ask("/help")
    bot.api.wait_for(
        lambda c: (
            c.method in ("editMessageText", "sendMessage")
            and bool(c.result)
            and "Kirby" in c.result["text"]
            and c.result["message_id"] == bot.reply(asked)["message_id"]
        ),
        timeout=READY,
    )
    assert len(bot.api.replies_to(asked)) == 1


def test_what_was_no_question_in_a_group_becomes_one_by_a_mention(bot: Bot) -> None:
    group, name = -1_005_678, "@fake_test_bot"
    said = bot.api.say("Da dove?", chat_id=group, user_id=5)
    mention = [{"type": "mention", "offset": 0, "length": len(name)}]
    bot.api.edit(said, f"{name} {QUESTION}", chat_id=group, entities=mention)
    assert TRAIN in bot.reply(said)["text"]


def test_what_people_say_of_an_answer_is_kept_once_and_exported(indexed_place: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, VIRGOLETTE_WATCH="false")
        message = bot.ask(KIRBY)
        for label in ("👎 Sbagliata", "👍 Utile", "👎 Sbagliata"):
            assert "segnato" in press(bot, message, buttons(message)[label]).params["text"]
        assert "non la ricordo" in press(bot, message, "good:1").params["text"]
        assert bot.stop() == 0 and api.refusals == []
    assert indexed_place.run("feedback", "export", "--good").stdout == ""
    (line,) = indexed_place.json("feedback", "export")
    assert line["question"] == KIRBY and line["generation"]
    assert "Kirby" in line["given"]["quotes"][0]["text"]
    file = indexed_place.path / "bad.jsonl"
    file.write_text(json.dumps(line))
    (asked,) = read_exam(file).asked
    assert asked.question == KIRBY and asked.answers == ()


def test_what_is_kept_of_somebody_can_be_removed(indexed_place: Workplace) -> None:
    def kept() -> list[tuple[int, ...]]:
        with closing(State(indexed_place.data / FILE)) as state:
            query = "SELECT (SELECT count(*) FROM answers), (SELECT count(*) FROM votes)"
            return state.select(query)

    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, VIRGOLETTE_WATCH="false")
        message = bot.ask(KIRBY)
        press(bot, message, buttons(message)["👍 Utile"])
        other = bot.ask(KIRBY, user_id=77)
        assert kept() == [(2, 1)]
        assert "per sette giorni" in bot.ask("/privacy")["text"]
        assert "cancellato" in bot.ask("/dimenticami")["text"]
        assert kept() == [(1, 0)]
        told = press(bot, message, buttons(message)["👎 Sbagliata"]).params
        assert "non la ricordo" in told["text"]
        assert (
            "segnato" in press(bot, other, buttons(other)["👎 Sbagliata"], user=77).params["text"]
        )
        assert bot.stop() == 0 and api.refusals == []


def test_answers_and_votes_end_after_a_while(tmp_path: Path) -> None:
    with closing(State(tmp_path / FILE)) as state:
        given = AnswerLog(state, 7)
        given.keep((1, 2), 3, [4, 5], None)
        assert given.replies((1, 2)) == [4, 5] and given.replies((1, 3)) is None
        assert AnswerLog(state, 8).replies((1, 2)) is None
        assert not given.vote((1, 2), 3, good=True)  # it was no answer
        with state.changing() as database:
            database.execute("UPDATE answers SET at = at - 8 * 24 * 3600")
            database.execute("INSERT INTO votes VALUES (7, 1, 2, 3, 0, 'q', '{}', 'g', 0)")
        given.keep((1, 9), 3, [6], None)
        assert given.replies((1, 2)) is None and given.replies((1, 9)) == [6]
        assert list(voted(state, good=False)) == []


def test_greetings_thanks_and_the_subjects(bot: Bot) -> None:
    assert bot.ask("Ciao!")["text"].startswith("Ciao! Chiedimi")
    assert bot.ask("Grazie mille")["text"] == "Prego!"
    assert bot.ask("Thank you!", language_code="en")["text"] == "You are welcome!"
    subjects = bot.ask("Di cosa parlano gli articoli?")["text"]
    assert subjects.startswith("Articoli: 5.") and "Vladimir Putin" in subjects
    english = bot.ask("What are the articles about?", language_code="en")["text"]
    assert english.startswith("Articles: 5.") and "Vladivostok" in english


def test_what_is_no_text_gets_a_friendly_word(bot: Bot) -> None:
    voice = {"file_id": "a", "file_unique_id": "a", "duration": 1}
    pushed = bot.api.push({"message": {"voice": voice}})
    assert "solo il testo" in bot.reply(pushed["message"]["message_id"])["text"]
    sent = bot.api.send_document(b"Il treno", "a.txt", "text/plain")
    assert "Solo chi gestisce il bot" in (told := bot.reply(sent)["text"]) and "/verifica" in told
    assert "Non conosco /stato" in bot.ask("/stato")["text"]
    assert "Non conosco /boh" in bot.ask("/boh@fake_test_bot 1")["text"]


def test_a_follow_up_refers_to_what_was_asked_until_it_is_forgotten(bot: Bot) -> None:
    who = {"user_id": 31}
    assert "[1]" in bot.ask("Dove si incontreranno Putin e Kim?", **who)["text"]
    together = bot.ask("e quando?", **who)["text"]
    assert "riferito a: " in together and "Putin e Kim" in together
    assert "riferito a: " not in bot.ask("e quando?", user_id=32)["text"]  # another's conversation
    assert "Ricominciamo" in bot.ask("/nuova", **who)["text"]
    assert "riferito a: " not in bot.ask("e quando?", **who)["text"]


def test_the_examples_of_the_start_are_answered(bot: Bot) -> None:
    message = bot.ask("/start")
    examples = {label: data for label, data in buttons(message).items() if data[:4] == "ask:"}
    assert len(examples) == 3 and "Oppure tocca" in message["text"]
    assert {f"ask:{label}" for label in examples} == set(examples.values())
    (label, data), *_ = examples.items()
    before = len(bot.api.calls)
    press(bot, message, data)
    asked = bot.api.wait_for("sendMessage", since=before).result
    answer = bot.reply(asked["message_id"])
    assert asked["text"] == label and entities(answer, "blockquote")
    assert "segnato" in press(bot, answer, buttons(answer)["👍 Utile"]).params["text"]
    assert "Who is" in "".join(buttons(bot.ask("/start", language_code="en")))


def test_without_a_question_there_is_nothing_to_give_up(bot: Bot) -> None:
    assert "Non sto cercando niente" in bot.ask("/annulla", user_id=41)["text"]


def offered(bot: Bot, query: str, **who: object) -> dict:  # type: ignore[type-arg]
    number = bot.api.inline(query, **who)  # type: ignore[arg-type]
    return dict(
        bot.api.wait_for(
            lambda c: c.method == "answerInlineQuery" and c.params["inline_query_id"] == number,
            timeout=READY,
        ).params
    )


def test_quotations_are_offered_in_other_chats(bot: Bot) -> None:
    told = offered(bot, QUESTION)
    first = told["results"][0]
    assert TRAIN in first["description"] and "AgenPress" in first["title"]
    assert "<blockquote>" in first["input_message_content"]["message_text"]
    assert told["is_personal"] and "button" not in told
    refused = offered(bot, "Quanto dura il volo diretto?")
    assert refused["results"] == [] and refused["button"]["text"].startswith("Gli articoli non")
    assert offered(bot, "da")["button"]["text"].startswith("Scrivi una domanda")
    assert offered(bot, "da", language_code="en")["button"]["text"].startswith("Write a question")


def test_only_the_last_words_of_an_inline_question_are_answered(bot: Bot) -> None:
    first = bot.api.inline("Da dove è partito", user_id=61)
    last = bot.api.inline(QUESTION, user_id=61)
    bot.api.wait_for(
        lambda c: c.method == "answerInlineQuery" and c.params["inline_query_id"] == last,
        timeout=READY,
    )
    answered = [
        c.params["inline_query_id"] for c in bot.api.calls if c.method == "answerInlineQuery"
    ]
    assert first not in answered


def test_an_allowance_counts_an_hour() -> None:
    now = [0.0]
    allowance = Allowance(2, lambda: now[0])
    assert allowance.take(1) == 0
    now[0] = 60
    assert allowance.take(1) == 0 and allowance.take(2) == 0
    assert allowance.take(1) == HOUR - 60
    now[0] = HOUR
    assert allowance.take(1) == 0 and allowance.take(1) == 60
    allowance.give_back(1)  # what was not answered does not count
    assert allowance.take(1) == 0 and allowance.take(1) == 60
    assert all(Allowance(0).take(1) == 0 for _ in range(100))


def test_a_question_that_finds_no_turn_does_not_count(
    chain: AnswerChain, data_dir: Path, tmp_path: Path
) -> None:
    async def crowded(answering: Answering) -> None:
        assert answering.wait(1) == 0
        async with answering.queue.turn():
            with pytest.raises(CrowdedError):
                await answering.invoke(Question("Chi?"), AnswerOptions(), 1)
        assert answering.wait(1) == 0 and answering.wait(1) == 60

    with closing(State(tmp_path / FILE)) as state, closing(CurrentIndex(data_dir)) as index:
        replies, queue = Replies(AnswerLog(state, 42)), AnswerQueue(1, 0)
        talks, few = Conversations(), Allowance(1)
        asyncio.run(
            crowded(Answering(chain, index, replies, talks, queue, few, Supergroups(state)))
        )


def test_too_many_questions_are_told_when_to_come_back(indexed_place: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(
            indexed_place, api,
            VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR="1",
            VIRGOLETTE_TELEGRAM_ADMINS="9",
        )  # fmt: skip
        assert TRAIN in bot.ask(QUESTION)["text"]
        assert "riprova tra 60 minuti" in bot.ask(QUESTION)["text"]
        assert "Prego" in bot.ask("grazie")["text"]
        assert TRAIN in bot.ask(QUESTION, user_id=2)["text"]
        for _ in range(2):
            assert TRAIN in bot.ask(QUESTION, user_id=9)["text"]
        assert bot.stop() == 0 and api.refusals == []


def test_an_invitation_lets_in_as_many_as_it_says(indexed_place: Workplace) -> None:
    command = indexed_place.run("invite", "--uses", "1", "--days", "1").stdout.strip()
    assert command.startswith("/start ")
    with FakeBotApi() as api:
        bot = Bot(
            indexed_place, api,
            VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_INVITED_ONLY="true",
        )  # fmt: skip
        assert "riservato" in bot.ask(QUESTION)["text"]
        number = api.inline(QUESTION)
        api.wait_for(
            lambda c: (
                c.method == "answerInlineQuery"
                and c.params["inline_query_id"] == number
                and "riservato" in c.params["button"]["text"]
            )
        )
        assert "non vale" in bot.ask("/start nonvale")["text"]
        assert "Sono Virgolette" in bot.ask(command)["text"]
        assert TRAIN in bot.ask(QUESTION)["text"]
        assert "non vale" in bot.ask(command, user_id=7)["text"]
        assert "Sono Virgolette" in bot.ask(command)["text"]  # again, by the one it let in
        assert "cancellato" in bot.ask("/dimenticami")["text"]
        assert "riservato" in bot.ask(QUESTION)["text"]
        log = bot.log.read_text()
        assert bot.stop() == 0 and api.refusals == []
    assert command.split()[1] not in log and QUESTION not in log
