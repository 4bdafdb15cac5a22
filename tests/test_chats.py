"""The real bot in chats as they are: groups that change, topics that close, people who leave."""

from __future__ import annotations

import time
from typing import Any

import pytest
from telegram import Message

from bot.telegram.updates import person_of
from tests.bot_api import CLOSED, FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, press

QUESTION = "Da dove è partito il treno blindato?"
TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang"
NAME = "@fake_test_bot"
MENTION = [{"type": "mention", "offset": 0, "length": len(NAME)}]
PHOTO = [{"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1}]


def lines(bot: Bot, words: str) -> list[str]:
    return [line for line in bot.log.read_text().splitlines() if words in line]


def message_in(bot: Bot, chat: int, words: str) -> dict[str, Any]:
    """The first message of the bot with these words in a chat, once it is there."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        sent = bot.api.messages(chat, from_bot=True)
        if found := [m for m in sent if words in m.get("text", "")]:
            return dict(found[0])
        time.sleep(0.05)
    raise TimeoutError(words)


def test_a_supergroup_goes_on_as_the_group_it_was(indexed_place: Workplace) -> None:
    old, new = -4321, -1_009_876
    settings = {
        "VIRGOLETTE_WATCH": "false",
        "VIRGOLETTE_TELEGRAM_ALLOWED_USERS": f"1001, {old}",
        "VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR": "3",
    }
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, **settings)
        before = bot.ask(f"/ask {QUESTION}", chat_id=old, user_id=5)
        api.upgrade(old, new)
        after = bot.ask("/ask e quando?", chat_id=new, user_id=5)
        assert "riferito a: Da dove è partito il treno blindato?" in after["text"]
        assert f"put {new} there instead" in bot.log.read_text()
        assert len(lines(bot, f"the supergroup {new}")) == 1
        good = next(data for data in buttons(before).values() if data.startswith("good"))
        moved = {**before, "chat": {"id": new, "type": "supergroup", "title": "Group"}}
        assert "Grazie" in press(bot, moved, good, user=5).params["text"]
        assert "non conta più" in press(bot, before, good, user=5).params["text"]  # the same vote
        assert bot.ask(f"/ask {QUESTION}", chat_id=new, user_id=5)["text"]
        assert "molte domande" in bot.ask(f"/ask {QUESTION}", chat_id=new, user_id=5)["text"]
        assert bot.stop() == 0
        api.say(f"/ask {QUESTION}", chat_id=old, user_id=6)  # from before, it says
        bot = Bot(indexed_place, api, **settings)
        assert TRAIN in message_in(bot, new, TRAIN)["text"]
        assert TRAIN in bot.ask(f"/ask {QUESTION}", chat_id=new, user_id=7)["text"]
        assert bot.stop() == 0


def test_an_answer_under_way_goes_to_the_supergroup(bot: Bot) -> None:
    old, new = -4322, -1_009_877
    bot.api.fail("sendMessage", retry_after=2)
    bot.api.say(f"/ask {QUESTION}", chat_id=old, user_id=5)
    bot.api.wait_for(lambda call: call.status == 429, timeout=READY, since=len(bot.api.calls))
    bot.api.upgrade(old, new, silent=True)
    answer = message_in(bot, new, TRAIN)
    assert "reply_to_message" not in answer  # the question stayed in the group
    assert not bot.api.messages(old, from_bot=True)
    quote = next(data for data in buttons(answer).values() if data.startswith("quote"))
    before = len(bot.api.messages(new, from_bot=True))
    press(bot, answer, quote, user=5)
    assert len(bot.api.messages(new, from_bot=True)) >= before


@pytest.mark.parametrize("reason", sorted(CLOSED))
def test_what_takes_no_messages_is_one_line_and_no_second_try(bot: Bot, reason: str) -> None:
    topic = {"message_thread_id": 9, "is_topic_message": True} if "topic" in reason else {}
    chat = -1_007_000 - len(reason)
    bot.api.close(chat, reason, topic.get("message_thread_id", 0))
    before, logged = len(bot.api.calls), len(bot.log.read_text().splitlines())
    bot.api.say(f"/ask {QUESTION}", chat_id=chat, user_id=5, more=topic)
    words = CLOSED[reason][1].partition(": ")[2].lower()

    def written() -> list[str]:
        return bot.log.read_text().lower().splitlines()[logged:]

    deadline = time.monotonic() + READY
    while not any(words in line for line in written()) and time.monotonic() < deadline:
        time.sleep(0.05)
    bot.ask("/help")
    tries = [call for call in bot.api.calls[before:] if call.params.get("chat_id") == chat]
    assert len([call for call in tries if call.method != "sendChatAction"]) <= 1
    (line,) = [line for line in written() if words in line]
    assert "cannot be written to" in line


def test_an_anonymous_administrator_is_the_group(indexed_place: Workplace) -> None:
    groups: list[dict[str, Any]] = [
        {"id": number, "type": "supergroup", "title": "G"} for number in (-1001, -1002)
    ]
    anonymous: dict[str, Any] = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    anonymous |= {"username": "GroupAnonymousBot"}
    with FakeBotApi() as api:
        bot = Bot(
            indexed_place, api, VIRGOLETTE_WATCH="false",
            VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR="1",
        )  # fmt: skip

        def ask(group: dict[str, Any], text: str = f"{NAME} {QUESTION}", **more: Any) -> int:
            message = {"chat": group, "from": anonymous, "sender_chat": group, "text": text}
            message |= {"entities": MENTION} | more
            return int(api.push({"message": message})["message"]["message_id"])

        for group in groups:  # each has an allowance of its own
            assert TRAIN in bot.reply(ask(group))["text"]
        assert "molte domande" in bot.reply(ask(groups[0]))["text"]
        channel = {"id": -1003, "type": "channel", "title": "C"}
        member: dict[str, Any] = {"from": {**anonymous, "id": 136817688, "username": "Channel_Bot"}}
        assert TRAIN in bot.reply(ask(groups[0], **member, sender_chat=channel))["text"]
        forwarded = ask(groups[0], sender_chat=channel, is_automatic_forward=True)
        another = {"from": {"id": 77, "is_bot": True, "first_name": "B", "username": "other_bot"}}
        message = {"chat": groups[1], "text": f"{NAME} {QUESTION}", "entities": MENTION} | another
        number = api.push({"message": message})["message"]["message_id"]
        bot.ask("/help")
        answered = {
            m["reply_to_message"]["message_id"]
            for group in groups
            for m in api.messages(group["id"], from_bot=True)
            if m["from"]["id"] == 42
        }
        assert not answered & {forwarded, number}
        assert bot.stop() == 0 and api.refusals == []


def test_the_bot_that_speaks_for_all_anonymous_administrators_is_nobody() -> None:
    """Whoever lists its number, which all groups share, admits nobody."""
    group = {"id": -1001, "type": "supergroup", "title": "G"}
    bot_user = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    message = {"message_id": 1, "date": 1, "chat": group, "from": bot_user, "sender_chat": group}
    assert person_of(Message.de_json(message)) == -1001


def album(bot: Bot, name: str, captions: list[str], **more: Any) -> list[int]:
    """The numbers of the messages of an album of photos."""
    numbers = []
    for caption in captions:
        words = {"caption": caption} if caption else {}
        message: dict[str, Any] = {"photo": PHOTO, "media_group_id": name, **words, **more}
        numbers.append(int(bot.api.push({"message": message})["message"]["message_id"]))
    return numbers


@pytest.mark.parametrize("captions", [["", QUESTION, ""], [QUESTION, QUESTION], ["", "", ""]])
def test_an_album_is_one_message(bot: Bot, captions: list[str]) -> None:
    before = len(bot.api.messages(1001, from_bot=True))
    numbers = album(bot, "-".join(captions), captions)
    time.sleep(2)
    bot.ask("Chi è John Everard?")  # answered after what the chat asked before
    sent = bot.api.messages(1001, from_bot=True)[before:-1]
    assert len(sent) == 1 and sent[0]["reply_to_message"]["message_id"] in numbers
    assert (TRAIN if QUESTION in captions else "solo il testo") in sent[0]["text"]


def test_in_a_group_any_caption_of_an_album_may_name_the_bot(bot: Bot) -> None:
    group: dict[str, Any] = {"id": -1_004_002, "type": "supergroup", "title": "G"}
    entities = {"caption_entities": MENTION}
    (first,) = album(bot, "g", ["Ieri al mercato"], chat=group)
    (named,) = album(bot, "g", [f"{NAME} {QUESTION}"], chat=group, **entities)
    assert TRAIN in bot.reply(named)["text"]
    assert len(bot.api.messages(group["id"], from_bot=True)) == 1 and first


def test_a_caption_may_be_a_command_and_be_edited(bot: Bot) -> None:
    command = [{"type": "bot_command", "offset": 0, "length": 4}]
    message: dict[str, Any] = {
        "photo": PHOTO,
        "caption": f"/ask {QUESTION}",
        "caption_entities": command,
    }
    message |= {"chat": {"id": -1_004_000, "type": "supergroup", "title": "G"}}
    pushed = bot.api.push({"message": message})["message"]
    answer = bot.reply(pushed["message_id"])
    assert TRAIN in answer["text"]
    before = len(bot.api.calls)
    edited = {"caption": "/ask Chi è John Kirby?", "edit_date": int(time.time())}
    bot.api.push({"edited_message": pushed | edited})
    call = bot.api.wait_for("editMessageText", since=before, timeout=READY)
    assert call.params["message_id"] == answer["message_id"] and "Kirby" in call.params["text"]


def test_verify_means_the_selected_part_also_of_another_chat(bot: Bot) -> None:
    chat = -1_004_001
    long = f"Ho letto il giornale al bar. {TRAIN}. Che ne dite?"
    said = bot.api.say(long, chat_id=chat, user_id=6)
    quote = {"text": TRAIN, "position": 29, "is_manual": True}
    here = bot.ask("/verifica", chat_id=chat, user_id=5, reply_to=said, more={"quote": quote})
    assert here["text"].startswith("Sì, parola per parola")
    origin = {
        "type": "user",
        "date": 1,
        "sender_user": {"id": 9, "is_bot": False, "first_name": "N"},
    }
    elsewhere = {"quote": quote, "external_reply": {"origin": origin, "message_id": 4}}
    there = bot.ask("/verifica", chat_id=chat, user_id=5, more=elsewhere)
    assert there["text"].startswith("Sì, parola per parola")


def test_flood_control_and_old_messages_cost_no_edit(bot: Bot) -> None:
    asked = bot.api.say(QUESTION, user_id=301)
    first = bot.reply(asked)
    bot.api.fail("editMessageText", retry_after=1)
    before = len(bot.api.calls)
    bot.api.edit(asked, "Chi è John Kirby?")
    edited = bot.api.wait_for("editMessageText", since=before, timeout=READY)
    assert edited.params["message_id"] == first["message_id"]
    bot.api.fail("editMessageText", status=400)  # too old
    before = len(bot.api.calls)
    bot.api.edit(asked, "Chi è Jake Sullivan?")
    assert "Sullivan" in bot.api.wait_for("sendMessage", since=before, timeout=READY).params["text"]


def test_buttons_of_another_version_and_of_yesterday(bot: Bot) -> None:
    answer = bot.ask(QUESTION, user_id=302)
    for data in ("show:1:2", "text:x:y", "quote:", "good:", "remove:1"):
        assert press(bot, answer, data, user=302).status == 200
    data = next(data for data in buttons(answer).values() if data.startswith("quote"))
    who = {"id": 302, "is_bot": False, "first_name": "Ada", "language_code": "it"}
    bot.api.fail("answerCallbackQuery", status=400)  # the query is too old
    before = len(bot.api.calls)
    bot.api.push({"callback_query": {"data": data, "message": answer, "from": who}})
    assert TRAIN in bot.api.wait_for("sendMessage", since=before, timeout=READY).params["text"]


def test_a_button_of_a_message_that_is_too_old_still_leads_on(bot: Bot) -> None:
    answer = bot.ask(QUESTION, user_id=303)
    old = {"chat": answer["chat"], "message_id": answer["message_id"], "date": 0}
    before = len(bot.api.calls)
    data = next(data for data in buttons(answer).values() if data.startswith("quote"))
    press(bot, old, data, user=303)
    shown = bot.api.wait_for("sendMessage", since=before, timeout=READY).result
    assert TRAIN in shown["text"] and shown["chat"]["id"] == 303


def test_a_button_whose_topic_is_unknown_says_so(bot: Bot) -> None:
    chat = {"id": -1_004_004, "type": "supergroup", "title": "Forum", "is_forum": True}
    more = {"message_thread_id": 9, "is_topic_message": True}
    answer = bot.ask(f"/ask {QUESTION}", chat_id=chat["id"], user_id=306, more=more)
    old, before = {"chat": chat, "message_id": answer["message_id"], "date": 0}, len(bot.api.calls)
    for kind in ("quote", "copy", "ask", "keep", "follow", "file", "text", "changes", "draft"):
        told = press(bot, old, f"{kind}:{answer['message_id']}", user=306).params["text"]
        assert told.startswith("Questo messaggio è troppo vecchio"), kind
    assert "segnato" in press(bot, old, buttons(answer)["👍 Utile"], user=306).params["text"]
    assert not [call for call in bot.api.calls[before:] if call.method == "sendMessage"]


def test_one_chat_that_takes_no_more_keeps_no_other_waiting(bot: Bot) -> None:
    bot.api.fail("sendMessage", retry_after=8)
    begun, before = time.monotonic(), len(bot.api.calls)
    late = bot.api.say("/help", user_id=304)
    bot.api.wait_for(lambda call: call.status == 429, timeout=READY, since=before)
    assert bot.ask("/help", user_id=305)["text"] and time.monotonic() - begun < 7
    assert bot.reply(late)["text"] and time.monotonic() - begun > 7


def test_who_speaks_to_it_and_how(bot: Bot) -> None:
    """Reports of mentions after emoji, of capitals, of other bots' commands, of General topics."""
    group: dict[str, Any] = {"chat_id": -1_004_003, "user_id": 5}
    mention = [{"type": "mention", "offset": 3, "length": len(NAME)}]  # in UTF-16
    assert TRAIN in bot.ask(f"😀 {NAME} {QUESTION}", entities=mention, **group)["text"]
    assert TRAIN in bot.ask(f"/ASK@Fake_Test_Bot {QUESTION}", **group)["text"]
    other = bot.api.say(f"/ask@other_test_bot {QUESTION}", **group)
    in_general = {"message_thread_id": 77}  # the number of the first message in a chain
    assert TRAIN in bot.ask(f"/ask {QUESTION}", more=in_general, **group)["text"]
    sent = bot.api.messages(group["chat_id"], from_bot=True)
    assert len(sent) == 3 and other not in [m["reply_to_message"]["message_id"] for m in sent]


def test_two_programs_with_one_token(train_place: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(train_place, api, VIRGOLETTE_WATCH="false")
        api.fail("getUpdates", status=409, times=4)
        bot.ask("/help")  # the last that it hears of before
        time.sleep(9)
        assert len(lines(bot, "another program")) == 1 and len(lines(bot, "409")) == 1
        assert len(lines(bot, "no messages come")) == 0
        api.mend()
        assert bot.ask("/help")["text"]
        assert bot.stop() == 0
