"""What reaches the bot in Telegram, beside questions in private, and how it reacts."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import pytest

from bot.state import FILE, AnswerLog, State, Votes
from tests.bot_api import Call, FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, entities, press

QUESTION = "Da dove è partito il treno blindato?"
TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang"
KIRBY = "Chi è John Kirby?"
NAME = "@fake_test_bot"
MENTION = [{"type": "mention", "offset": 0, "length": len(NAME)}]


def group_of(number: int) -> dict[str, Any]:
    return {"id": number, "type": "supergroup", "title": "Redazione"}


def marked(bot: Bot, message: dict[str, Any], label: str, user: int = 1001) -> dict[str, Any]:
    """The message once a press of this button is shown on it."""
    before = len(bot.api.calls)
    told = press(bot, message, buttons(message)[label], user=user).params
    assert told["text"] and not told["show_alert"]
    return dict(bot.api.wait_for("editMessageReplyMarkup", since=before).result)


def voted(message: dict[str, Any]) -> list[str]:
    return [label for label in buttons(message) if label[0] in "👍👎"]


def test_a_vote_shows_and_can_be_changed_and_taken_back(bot: Bot) -> None:
    asked = bot.api.say(QUESTION, user_id=201)
    message = bot.reply(asked)
    others = [label for label in buttons(message) if label[0] not in "👍👎"]
    message = marked(bot, message, "👍 Utile", 201)
    assert voted(message) == ["👍 Utile ✓", "👎 Sbagliata"]
    message = marked(bot, message, "👎 Sbagliata", 201)
    assert voted(message) == ["👍 Utile", "👎 Sbagliata ✓"]
    message = marked(bot, message, "👎 Sbagliata ✓", 201)
    assert voted(message) == ["👍 Utile", "👎 Sbagliata"]
    assert [label for label in buttons(message) if label[0] not in "👍👎"] == others
    message = marked(bot, message, "👍 Utile", 201)
    before = len(bot.api.calls)
    bot.api.edit(asked, KIRBY)
    edited = bot.api.wait_for("editMessageText", since=before, timeout=READY).result
    assert voted(edited) == ["👍 Utile", "👎 Sbagliata"]  # another answer
    assert voted(marked(bot, edited, "👍 Utile", 201)) == ["👍 Utile ✓", "👎 Sbagliata"]


def test_in_a_group_the_buttons_count_the_votes(bot: Bot) -> None:
    message = bot.ask(f"/ask{NAME} {QUESTION}", chat_id=-1_002_001, user_id=202)
    message = marked(bot, message, "👍 Utile", 202)
    message = marked(bot, message, "👍 Utile ✓ 1", 203)
    message = marked(bot, message, "👎 Sbagliata", 204)
    assert voted(message) == ["👍 Utile ✓ 2", "👎 Sbagliata ✓ 1"]
    assert voted(marked(bot, message, "👍 Utile ✓ 2", 203)) == ["👍 Utile ✓ 1", "👎 Sbagliata ✓ 1"]


def votes(bot: Bot, asked: int, person: int, wanted: Votes, *, chat: int | None = None) -> bool:
    """Whether the votes on the answer to a message of somebody are these, after a while."""
    key = (person if chat is None else chat, asked)
    with closing(State(bot.log.parent / "data" / FILE)) as state:
        for _ in range(100):
            if AnswerLog(state, 42).votes(key, person) == wanted:
                return True
            time.sleep(0.1)
    return False


def test_a_reaction_to_an_answer_is_a_vote(bot: Bot) -> None:
    asked = bot.api.say(QUESTION, user_id=205)
    answer = bot.reply(asked)["message_id"]
    for emoji, wanted in (
        (["👍"], Votes(1, 0, True)),
        (["😱", "👎"], Votes(0, 1, False)),
        ([], Votes(0, 0, None)),
        (["❤"], Votes(1, 0, True)),
        (["🤔"], Votes(0, 0, None)),
    ):
        bot.api.react(answer, *emoji, user_id=205)
        assert votes(bot, asked, 205, wanted), emoji
    bot.api.react(asked, "👎", user_id=205)  # to the question
    greeted = bot.api.say("Ciao!", user_id=205)
    assert not voted(bot.reply(greeted))
    bot.api.react(bot.reply(greeted)["message_id"], "👎", user_id=205)
    assert votes(bot, greeted, 205, Votes(0, 0, None))
    assert votes(bot, asked, 205, Votes(0, 0, None))


def said_in(bot: Bot, chat: int) -> list[str]:
    return [message["text"] for message in bot.api.messages(chat, from_bot=True)]


def test_on_joining_a_group_it_says_how_to_ask_there(bot: Bot) -> None:
    member, admin = group_of(-1_002_002), group_of(-1_002_003)
    for group, status in ((member, "member"), (admin, "administrator")):
        before = len(bot.api.calls)
        bot.api.set_member(group, "left", status)
        bot.api.wait_for("sendMessage", since=before, timeout=READY)
    bot.api.set_member(admin, "administrator", "member")
    bot.api.set_member(member, "member", "kicked")
    bot.api.set_member({"id": 206, "type": "private", "first_name": "Ada"}, "member", "kicked")
    bot.api.set_member({"id": -1_002_009, "type": "channel", "title": "C"}, "left", "administrator")
    bot.ask("/help")
    assert len(said_in(bot, member["id"])) == len(said_in(bot, admin["id"])) == 1
    assert "/ask" in said_in(bot, admin["id"])[0] and NAME in said_in(bot, admin["id"])[0]
    assert "modalità privacy" in said_in(bot, member["id"])[0]
    assert said_in(bot, 206) == said_in(bot, -1_002_009) == []


def test_who_has_blocked_it_gets_nothing_and_that_is_no_error(bot: Bot) -> None:
    before, logged = len(bot.api.calls), len(bot.log.read_text())
    bot.api.fail("sendMessage", status=403)
    bot.api.say("/fonti", user_id=214)
    bot.api.wait_for(lambda call: call.status == 403, since=before, timeout=READY)
    bot.ask("/help")
    assert len([c for c in bot.api.calls[before:] if c.method == "sendMessage"]) == 2
    log = bot.log.read_text()[logged:]
    assert "cannot be written to" in log and "could not be handled" not in log


def test_an_edited_message_is_what_it_has_become(bot: Bot) -> None:
    def edited(text: str) -> str:
        before = len(bot.api.calls)
        bot.api.edit(asked, text)
        shown = bot.api.wait_for("editMessageText", since=before, timeout=READY).result
        assert shown["message_id"] == reply["message_id"]
        return str(shown["text"])

    asked = bot.api.say(QUESTION, user_id=207)
    reply = bot.reply(asked)
    assert edited("/fonti").startswith("Gli articoli: 5")
    assert edited(f"/verifica {TRAIN}").startswith("Sì, parola per parola")
    assert "Non conosco /boh" in edited("/boh")
    assert "Kirby" in edited(KIRBY)
    assert "Ricominciamo" in edited("/nuova")
    assert "riferito a" not in bot.ask("e quando?", user_id=207)["text"]
    assert len(bot.api.replies_to(asked)) == 1


def quoted(text: str, *, manual: bool = True) -> dict[str, Any]:
    return {"text": text, "position": 0} | ({"is_manual": True} if manual else {})


ORIGIN = {"type": "hidden_user", "date": 1, "sender_user_name": "Ada"}


def test_the_selected_part_of_a_message_is_verified_and_asked(bot: Bot) -> None:
    group = -1_002_004
    said = bot.api.say(f"Ho letto che {TRAIN}. {QUESTION}", chat_id=group, user_id=208)
    who: dict[str, Any] = {"chat_id": group, "user_id": 209, "reply_to": said}
    verified = bot.ask(f"/verifica{NAME}", **who, more={"quote": quoted(TRAIN)})
    assert verified["text"].startswith("Sì, parola per parola")
    whole = bot.ask(f"/verifica{NAME}", **who, more={"quote": quoted(TRAIN, manual=False)})
    assert not whole["text"].startswith("Sì, parola per parola")  # the server has chosen it
    for text, found in ((f"/ask{NAME}", None), (NAME, MENTION)):
        part = {"quote": quoted(QUESTION)}
        assert TRAIN in bot.ask(text, **who, entities=found, more=part)["text"]
    own = bot.ask(f"{NAME} {KIRBY}", **who, entities=MENTION)
    assert "Kirby" in own["text"] and TRAIN not in own["text"]


def test_a_mention_alone_asks_what_it_replies_to(bot: Bot) -> None:
    group = -1_002_005
    said = bot.api.say(QUESTION, chat_id=group, user_id=208)
    answer = bot.ask(NAME, chat_id=group, user_id=209, entities=MENTION, reply_to=said)
    assert TRAIN in answer["text"]
    again = bot.ask(
        NAME, chat_id=group, user_id=209, entities=MENTION, reply_to=answer["message_id"]
    )
    assert "Scrivi una domanda" in again["text"]


def test_what_telegram_tells_of_a_message_in_another_chat_is_used(bot: Bot) -> None:
    more = {"external_reply": {"origin": ORIGIN}, "quote": quoted(TRAIN, manual=False)}
    assert bot.ask("/verifica", more=more)["text"].startswith("Sì, parola per parola")
    more["quote"] = quoted(QUESTION, manual=False)
    assert TRAIN in bot.ask("/ask", more=more)["text"]
    assert "dopo il comando" in bot.ask("/ask", more={"external_reply": {"origin": ORIGIN}})["text"]


def answered_guest(bot: Bot, text: str, **message: Any) -> dict[str, Any]:
    number = bot.api.summon(text, **message)

    def answers(call: Call) -> bool:
        return call.method == "answerGuestQuery" and call.params["guest_query_id"] == number

    return dict(bot.api.wait_for(answers, timeout=READY).params["result"]["input_message_content"])


def test_in_guest_mode_one_message_answers_and_nothing_is_kept(bot: Bot) -> None:
    content = answered_guest(bot, f"{NAME} {QUESTION}", user_id=210)
    assert "<blockquote>" in content["message_text"] and "Pyongyang" in content["message_text"]
    alone = answered_guest(bot, f"{NAME} e quando?", user_id=210)["message_text"]
    assert "riferito a" not in alone
    assert "Scrivi una domanda" in answered_guest(bot, NAME, user_id=210)["message_text"]
    assert "Prego" in answered_guest(bot, f"grazie mille {NAME}", user_id=210)["message_text"]
    said = {"message_id": 7, "date": 1, "text": QUESTION, "chat": {"id": 8, "type": "group"}}
    replied = answered_guest(bot, NAME, user_id=210, more={"reply_to_message": said})
    assert "Pyongyang" in replied["message_text"]


def test_the_topics_of_a_group_are_conversations_of_their_own(bot: Bot) -> None:
    def ask(text: str, topic: dict[str, Any]) -> dict[str, Any]:
        return bot.ask(f"/ask{NAME} {text}", chat_id=-1_002_006, user_id=211, more=topic)

    one, other = ({"message_thread_id": n, "is_topic_message": True} for n in (31, 32))
    first = ask("Dove si incontreranno Putin e Kim?", one)
    assert (first["message_thread_id"], first["is_topic_message"]) == (31, True)
    for elsewhere in (other, {}, {"message_thread_id": 99}):  # General; a thread of replies there
        reply = ask("e quando?", elsewhere)
        assert "Dove si" not in reply["text"] and reply.get("message_thread_id") in (32, None)
    assert "Dove si" in ask("e quando?", one)["text"]


def test_direct_messages_are_answered_in_their_topic(bot: Bot) -> None:
    chat = group_of(-1_002_007) | {"is_direct_messages": True}
    text = f"/ask{NAME} {QUESTION}"
    command = [{"type": "bot_command", "offset": 0, "length": len(f"/ask{NAME}")}]
    message = {"chat": chat, "text": text, "entities": command}
    pushed = bot.api.push({"message": message | {"direct_messages_topic": {"topic_id": 5}}})
    reply = bot.reply(pushed["message"]["message_id"])
    assert TRAIN in reply["text"] and reply["direct_messages_topic"] == {"topic_id": 5}


def test_what_only_one_person_wants_to_see_in_a_group_is_ephemeral(bot: Bot) -> None:
    bot.ask("/help")
    entries = bot.api.commands["all_group_chats", "it"]
    ephemeral = [entry["command"] for entry in entries if entry.get("is_ephemeral")]
    assert ephemeral == ["seguiti", "fonti", "articolo", "help"]
    assert not any(entry.get("is_ephemeral") for entry in bot.api.commands["default", "it"])

    def asked(text: str, number: int, **more: Any) -> dict[str, Any]:
        before = len(bot.api.calls)
        fields = {"message_id": 0, "ephemeral_message_id": number} | more
        bot.api.say(text, chat_id=-1_002_011, user_id=213, more=fields)
        return dict(bot.api.wait_for("sendMessage", since=before, timeout=READY).result)

    assert asked("/fonti", 41)["text"].startswith("Gli articoli: 5")
    page = asked("/articolo 1", 42)
    assert page["receiver_user"]["id"] == 213 and said_in(bot, -1_002_011) == []
    before = len(bot.api.calls)
    press(bot, page, "list:0", user=213)
    edit = bot.api.wait_for("editEphemeralMessageText", since=before, timeout=READY)
    assert edit.params["receiver_user_id"] == 213
    answer = asked(QUESTION, 43, reply_to_message=page)
    assert TRAIN in answer["text"] and not buttons(answer)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("?", "scrivimi una domanda"),
        ("…!", "Scrivi una domanda"),
        ("👍", ""),
        ("🤔🤔", ""),
        ("\u200b\u200e\u2060", "Scrivi una domanda"),
        ("\u202eDa dove è par\u00adtito il tre\u200bno blin\u200fdato", "Pyongyang"),
        ("DA DOVE È PARTITO IL TRENO BLINDATO", "Pyongyang"),
        ("da dove e partito il treno blindato", "Pyongyang"),
    ],
)
def test_marks_that_nobody_sees_and_what_is_hardly_text(bot: Bot, text: str, found: str) -> None:
    reply = bot.ask(text, user_id=212)
    assert found in reply["text"]
    assert bool(entities(reply, "blockquote")) == bool(voted(reply)) == (found == "Pyongyang")


def test_it_describes_itself_unless_its_owner_has(train_place: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(train_place, api, VIRGOLETTE_WATCH="false")
        bot.ask("/help")
        shown = api.descriptions
        assert {language for _, language in shown} == {"", "it", "en"} and len(shown) == 6
        assert shown["description", ""] == shown["description", "it"] != shown["description", "en"]
        assert bot.stop() == 0
        own = {("description", ""): "Il bot della redazione", ("short_description", "it"): "Chiedi"}
        api.descriptions = {**shown, **own, ("short_description", "en"): ""}
        api.descriptions = {k: v for k, v in api.descriptions.items() if k != ("description", "en")}
        before = len(api.calls)
        again = Bot(train_place, api, VIRGOLETTE_WATCH="false")
        again.ask("/help")
        shown.pop(("description", "en"))
        assert api.descriptions == {**shown, **own}
        changes = [c.method for c in api.calls[before:] if c.method.endswith("Description")]
        assert [m for m in changes if m.startswith("set")] == ["setMyShortDescription"]
        assert again.stop() == 0 and api.refusals == []


def test_who_may_not_ask_gets_in_by_no_other_way(train_place: Workplace) -> None:
    group = group_of(-1_002_008)
    with FakeBotApi() as api:
        bot = Bot(
            train_place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_ALLOWED_USERS="1001"
        )
        assert (
            "Pyongyang"
            in answered_guest(bot, f"{NAME} Da dove è partito il treno?")["message_text"]
        )
        refused = answered_guest(bot, f"{NAME} {QUESTION}", user_id=7)  # in "the chat 1001"
        assert refused["message_text"] == "Questo bot è riservato"
        api.set_member(group, "left", "administrator", user_id=7)
        answer = bot.ask(f"/ask{NAME} Da dove è partito il treno?", chat_id=group["id"])
        api.set_member(group_of(-1_002_010), "left", "member", user_id=1001)
        api.react(answer["message_id"], "👎", user_id=7)
        stranger = api.say(f"/ask{NAME} {QUESTION}", chat_id=group["id"], user_id=7)
        assert "riservato" in bot.reply(stranger)["text"]
        api.edit(stranger, f"/fonti{NAME}", chat_id=group["id"])
        bot.ask("/help")
        assert len(said_in(bot, group["id"])) == 2 and len(said_in(bot, -1_002_010)) == 1
        asked = answer["reply_to_message"]["message_id"]
        assert votes(bot, asked, 7, Votes(0, 0, None), chat=group["id"])
        assert bot.stop() == 0 and api.refusals == []
