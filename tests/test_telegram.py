"""The real bot process against a Bot API as strict as Telegram."""

from __future__ import annotations

import random
import re
import subprocess
import time
from contextlib import closing
from typing import Any

import pytest

from bot.locales import texts
from bot.telegram.buttons import articles_page, pressed_page
from bot.telegram.messages import (
    MAX_MESSAGE,
    Message,
    answer_messages,
    text_message,
    utf16_length,
)
from index.articles.article import Article
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import Locations
from index.models.embedder import Embedder
from index.text.clean import is_boilerplate
from index.text.sentences import Span
from retrieval.answer import Answer, Carrier, Intent, Quotation, Reason
from retrieval.answering.quotations import slice_of
from tests.bot_api import FakeBotApi, formatted_text
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, entities, press, quoted

QUESTION = "Da dove è partito il treno blindato?"
TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang"


def test_a_question_is_answered_with_block_quotations_and_sources(bot: Bot) -> None:
    asked = bot.api.say(QUESTION)
    message = bot.reply(asked)
    quotes = entities(message, "blockquote")
    assert TRAIN in quotes[0] and 1 <= len(quotes) <= 3
    assert "[1] AgenPress · Cremlino. Confermato" in message["text"]
    short, again, *_ = entities(message, "bold")  # there, and in the quotation
    assert short == again and short.startswith("Pyongyang")
    assert message["reply_to_message"]["message_id"] == asked
    (sent,) = [
        call
        for call in bot.api.calls
        if call.params.get("reply_parameters", {}).get("message_id") == asked
    ]
    assert sent.params["link_preview_options"] == {"is_disabled": True}
    assert bot.api.chat_actions(1001)


def test_the_short_answer_comes_first(bot: Bot) -> None:
    message = bot.ask("Dove va il treno blindato?")
    assert message["text"].startswith("Vladivostok\n")
    assert entities(message, "bold")[:2] == ["Vladivostok"] * 2  # there, and in the quotation


def test_its_quotations_are_those_of_the_chain(bot: Bot, ask: Any) -> None:
    message = bot.ask("Chi è John Kirby?", user_id=41)  # who has asked nothing before
    assert quoted(message) == [q.text for q in ask("Chi è John Kirby?").quotes]


def test_ask_start_and_help_in_both_languages(bot: Bot) -> None:
    assert TRAIN in bot.ask(f"/ask {QUESTION}")["text"]
    assert "Scrivi la domanda dopo il comando" in bot.ask("/ask")["text"]
    assert "Ciao! Sono Virgolette" in bot.ask("/start")["text"]
    assert "Hello! I am Virgolette" in bot.ask("/start", language_code="en-GB")["text"]
    assert "letter by letter" in bot.ask("/help", language_code="de")["text"]
    assert "lettera per lettera" in bot.ask("/help", language_code="it")["text"]


def test_a_refusal_says_so_in_the_users_language(bot: Bot) -> None:
    message = bot.ask("Qual è il fiume più lungo del mondo?")
    assert message["text"].startswith("Gli articoli non ")
    ocean = bot.ask("How deep is the ocean?", language_code="en")["text"]
    assert ocean.startswith("I find nothing on this in the articles.")
    mona = bot.ask("Who painted the Mona Lisa?", language_code="en")["text"]
    assert mona.startswith("No article names “Mona Lisa”.")


def test_what_is_no_question_gets_a_word(bot: Bot) -> None:
    assert "bastano 1000 caratteri" in bot.ask("x" * 4000)["text"]
    sticker = {"file_id": "a", "file_unique_id": "b", "type": "regular", "width": 1, "height": 1,
               "is_animated": False, "is_video": False}  # fmt: skip
    update = bot.api.push({"message": {"message_id": 900_001, "sticker": sticker}})
    assert "solo il testo" in bot.reply(update["message"]["message_id"])["text"]


@pytest.mark.parametrize(
    "text",
    ["<b>Kim</b> & <script>", "💥" * 400, "\u202e Kim \u0000", "%s {limit} \\n", "/boh", "@x", "'"],
)
def test_nothing_a_stranger_sends_breaks_it(bot: Bot, text: str) -> None:
    assert bot.ask(text)["text"]


def test_groups_are_left_in_peace(bot: Bot) -> None:
    before = len([c for c in bot.api.calls if c.method == "sendMessage"])
    chat = {"id": -100, "type": "supergroup", "title": "Redazione"}
    bot.api.push({"message": {"message_id": 900_100, "text": QUESTION, "chat": chat}})
    bot.ask(QUESTION)
    assert len([c for c in bot.api.calls if c.method == "sendMessage"]) == before + 1


def test_a_sentence_is_verified(bot: Bot) -> None:
    message = bot.ask(f"/verifica «{TRAIN}»")
    assert message["text"].startswith("Sì, parola per parola\nFa parte di una frase più lunga:\n")
    assert entities(message, "bold") == ["Sì, parola per parola", TRAIN]
    (sentence,) = entities(message, "blockquote")
    assert sentence.startswith("Secondo i media") and "[1] AgenPress" in message["text"]
    altered = bot.ask(f"/verify {TRAIN.replace('Pyongyang', 'Seul <b>')}", language_code="en")
    assert "“Seul <b>”: it says “Pyongyang per la Russia”" in altered["text"]
    assert "gli articoli non hanno questa frase" in bot.ask("/verifica La Juve ha vinto")["text"]


def test_a_forwarded_sentence_is_verified_by_a_reply_to_it(bot: Bot) -> None:
    forwarded = bot.api.say(TRAIN)
    bot.reply(forwarded)
    message = bot.ask("/verifica", reply_to=forwarded)
    assert message["text"].startswith("Sì, parola per parola")


def test_what_cannot_be_verified_is_told(bot: Bot) -> None:
    assert "Scrivi la frase dopo il comando" in bot.ask("/verifica")["text"]
    assert "bastano 2000 caratteri" in bot.ask(f"/verifica {'Kim ' * 700}")["text"]


GROUP = -1_001_234


def test_in_a_group_it_answers_who_speaks_to_it_and_nobody_else(bot: Bot) -> None:
    name = "@fake_test_bot"
    talk = bot.api.say(QUESTION, chat_id=GROUP, user_id=5)
    mention = [{"type": "mention", "offset": 0, "length": len(name)}]
    other = bot.api.say(
        "@another_bot dove?", chat_id=GROUP, user_id=5, entities=[{**mention[0], "length": 12}]
    )
    message = bot.ask(f"{name} {QUESTION}", chat_id=GROUP, user_id=5, entities=mention)
    assert TRAIN in message["text"] and message["chat"]["id"] == GROUP
    again = bot.ask("Chi è John Kirby?", chat_id=GROUP, user_id=6, reply_to=message["message_id"])
    assert "Kirby" in again["text"]
    assert TRAIN in bot.ask(f"/ask{name} {QUESTION}", chat_id=GROUP, user_id=5)["text"]
    assert "Scrivi una domanda" in bot.ask(name, chat_id=GROUP, user_id=5, entities=mention)["text"]
    answered = {m["reply_to_message"]["message_id"] for m in bot.api.messages(GROUP, from_bot=True)}
    assert not answered & {talk, other}


def test_a_caption_is_a_question(bot: Bot) -> None:
    photo = [{"file_id": "a", "file_unique_id": "a", "width": 1, "height": 1}]
    pushed = bot.api.push({"message": {"photo": photo, "caption": QUESTION}})
    assert TRAIN in bot.reply(pushed["message"]["message_id"])["text"]


def test_the_articles_are_listed_under_their_numbers(bot: Bot) -> None:
    message = bot.ask("/fonti")
    assert message["text"].startswith("Gli articoli: 5\n1. ")
    assert "AgenPress · Cremlino" in message["text"] and len(buttons(message)) == 5
    assert "The articles: 5" in bot.ask("/sources", language_code="en")["text"]


def test_an_article_is_read_a_page_at_a_time(bot: Bot, generation: Generation) -> None:
    text = {a.path: a.text for a in map(generation.store.article, generation.store.layout()) if a}
    assert bot.ask("/articolo")["text"].startswith("Scrivi dopo il comando il numero o il titolo")
    assert "nessun articolo «99»" in bot.ask("/articolo 99")["text"]
    assert "Scrivi il numero:\n1 Il mese" in bot.ask("/articolo kim")["text"]
    assert "Mosca chiede armi" in bot.ask("/articolo MOSCA chiede")["text"]
    number, path = max(enumerate(sorted(text), 1), key=lambda one: len(text[one[1]]))
    message = bot.ask(f"/articolo {number}")
    read = message["text"].partition("\n")[2]
    while forward := [d for label, d in buttons(message).items() if label.startswith("avanti")]:
        before = len(bot.api.calls)
        press(bot, message, forward[0])
        message = bot.api.wait_for("editMessageText", since=before).result
        read += " " + message["text"].partition("\n")[2]
    title, *rest = text[path].splitlines()
    shown = " ".join(line for line in rest if not is_boilerplate(line))
    assert title.strip() in message["text"] and read.split() == shown.split()  # the title once
    assert list(buttons(message)) == ["← indietro", "Elenco"]


def test_the_menus_are_set_in_both_languages(bot: Bot) -> None:
    bot.ask("/start")
    menus = bot.api.commands
    scopes = {"default", "all_private_chats", "all_group_chats"}
    assert set(menus) == {(scope, language) for scope in scopes for language in ("", "it", "en")}
    named = {key: [c["command"] for c in commands] for key, commands in menus.items()}
    for scope in ("default", "all_private_chats"):
        assert named[scope, "it"] == named[scope, ""]
        assert {"ask", "verifica", "fonti", "articolo", "nuova", "annulla", "dimenticami"} <= set(
            named[scope, "it"]
        )
        assert {"verify", "sources", "article", "new", "cancel", "forgetme"} <= set(
            named[scope, "en"]
        )
        assert not {"stato", "status", "togli", "remove"} & {
            *named[scope, "it"],
            *named[scope, "en"],
        }
    for_groups = "ask verify timeline follow following sources article export help"
    assert named["all_group_chats", "en"] == for_groups.split()
    assert menus["default", "it"][0]["description"] == "Fa una domanda"


@pytest.mark.parametrize(
    ("status", "more"),
    [(429, {"retry_after": 1}), (401, {}), (500, {}), (502, {"html": True})],
)
def test_a_reply_gets_through_what_telegram_does(
    bot: Bot, status: int, more: dict[str, Any]
) -> None:
    bot.api.fail("sendMessage", status=status, times=2, **more)
    asked = bot.api.say(QUESTION)
    assert TRAIN in bot.reply(asked)["text"]
    time.sleep(0.5)
    assert len(bot.api.replies_to(asked, count=1)) == 1


@pytest.mark.parametrize("status", [401, 404])
def test_it_goes_on_asking_for_updates_when_its_token_was_refused(bot: Bot, status: int) -> None:
    bot.ask("/start")
    bot.api.fail("getUpdates", status=status, times=2)
    assert bot.ask("/start")["text"]  # the last that it hears of before
    assert bot.ask("/help")["text"]
    assert "no messages come from Telegram" in bot.log.read_text()


def test_a_failing_typing_signal_costs_no_answer(bot: Bot) -> None:
    bot.api.fail("sendChatAction", status=500, times=1)
    assert TRAIN in bot.ask(QUESTION)["text"]


def test_a_bot_without_an_index_says_what_is_missing_and_finds_it_later(
    empty_place: Workplace, embedder: Embedder
) -> None:
    with FakeBotApi() as api:
        bot = Bot(
            empty_place, api,
            VIRGOLETTE_TELEGRAM_ALLOWED_USERS="1001, 1002", VIRGOLETTE_WATCH="false",
        )  # fmt: skip
        assert "virgolette index" in bot.ask(QUESTION)["text"]
        stranger = bot.ask(QUESTION, user_id=7)
        assert "riservato" in stranger["text"] and "7" in stranger["text"]
        bot.api.say(QUESTION, chat_id=GROUP, user_id=7)
        in_group = bot.ask(f"/ask@fake_test_bot {QUESTION}", chat_id=GROUP, user_id=7)
        assert "riservato" in in_group["text"]
        assert len(bot.api.messages(GROUP, from_bot=True)) == 1
        refused = press(bot, stranger, "list:0", user=7).params
        assert "riservato" in refused["text"] and refused["show_alert"]
        empty_place.write("a.txt", "Il treno blindato è partito da Pyongyang lunedì sera.")
        sync(Locations(empty_place.corpus, empty_place.data), embedder)
        assert "Pyongyang lunedì sera" in bot.ask(QUESTION)["text"]
        assert "index:" not in bot.log.read_text()  # it was told not to follow the corpus
        assert bot.stop() == 0
        assert api.refusals == []


def test_sigterm_lets_an_answer_finish_and_acknowledges_it(
    indexed_place: Workplace,
) -> None:
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, VIRGOLETTE_WATCH="false")
        bot.ask("/help")
        asked = api.say(QUESTION)
        api.wait_for("sendChatAction", timeout=READY)
        assert bot.stop() == 0
        assert len(api.replies_to(asked, count=1)) == 1
        assert api.pending_updates in (0, [])


def test_a_question_survives_a_kill_and_is_answered_once(indexed_place: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, VIRGOLETTE_WATCH="false")
        bot.ask("/help")
        asked = [api.say(f"{QUESTION} {'?' * number}") for number in range(8)]
        api.wait_for("sendChatAction", timeout=READY)
        time.sleep(0.3)
        bot.process.kill()
        bot.process.wait(30)
        answered = {m["reply_to_message"]["message_id"] for m in api.messages(1001, from_bot=True)}
        assert not answered.issuperset(asked)
        assert not api.pending_updates  # Telegram will not tell of them again
        again = Bot(indexed_place, api, VIRGOLETTE_WATCH="false")
        for number in asked:
            api.replies_to(number, timeout=READY)
        again.ask("/help")
        assert [len(api.replies_to(number)) for number in asked] == [1] * len(asked)
        assert again.stop() == 0
        assert api.refusals == []


def test_a_refused_token_is_told_without_the_token(indexed_place: Workplace) -> None:
    """Started as users start it; and before the model is loaded, which takes longer."""
    command, environment = indexed_place.command()
    with FakeBotApi() as api:
        environment |= {
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN": "7:wrong-secret",
            "VIRGOLETTE_TELEGRAM_BASE_URL": api.base_url,
        }
        done = subprocess.run(
            [*command, "bot"],
            capture_output=True, text=True, cwd=indexed_place.path, env=environment, check=False,
        )  # fmt: skip
    assert done.returncode == 2 and "was refused by Telegram" in done.stderr
    assert "Loading SentenceTransformer" not in done.stderr
    assert "wrong-secret" not in done.stderr and "Traceback" not in done.stderr


def test_a_page_of_articles_fits_a_message_and_leads_to_its_neighbours(
    empty_place: Workplace, embedder: Embedder
) -> None:
    for number in range(14):
        title, url = "😀<&>" * 300, f"https://example.org/{number}?a=<&>"
        head = f'---\ntitle: "{title}"\nsource: "{title}"\ndate: 2024-01-{number + 1:02}\n'
        empty_place.write(f"{number}.txt", f"{head}url: {url}\n---\nIl treno {number} parte.\n")
    sync(Locations(empty_place.corpus, empty_place.data), embedder)
    say = texts("it")
    with closing(CurrentIndex(empty_place.data)) as index:
        pages = [articles_page(index, number, say) for number in range(4)]
        found = pressed_page(index, "list:1", say)
    assert pages[1] == found and pages[3] == pages[2]  # there are three
    assert [[b.data for b in p.buttons if b.data.startswith("list")] for p in pages[:3]] == [
        ["list:1"],
        ["list:0", "list:2"],
        ["list:1"],
    ]
    for page in pages:
        text, _ = formatted_text({"text": page.markup, "parse_mode": "HTML"})
        assert text.replace("\ufffd", "") and utf16_length(page.plain) <= MAX_MESSAGE
    assert "2024-01-14" in pages[0].plain.split("2. ")[0]  # the newest comes first
    assert pages[2].plain.count("2024-01") == 2


def quotation(**changes: Any) -> Quotation:
    fields: dict[str, Any] = {
        "text": "Il treno è partito.", "article": "a.txt", "source": "AgenPress", "title": "Titolo",
        "date": None, "url": None, "start": 0, "end": 19, "sha256": "0" * 64, "score": 1.0,
    }  # fmt: skip
    return Quotation(**{**fields, **changes})


def answer(*quotes: Quotation, **changes: Any) -> Answer:
    return Answer(QUESTION, QUESTION, quotes, 0.9, "g", **changes)


def accepted(markup: str) -> str:
    """The text Telegram would show. Fails on what it would refuse."""
    text, _ = formatted_text({"text": markup, "parse_mode": "HTML"})
    assert 0 < utf16_length(text) <= MAX_MESSAGE
    return text


def test_dates_and_addresses_are_shown() -> None:
    quote = quotation(date="2023-09-11", url="https://example.org/?a=1&b=\"2'")
    (message,) = answer_messages(answer(quote), texts("it"))
    assert 'href="https://example.org/?a=1&amp;b=&quot;2&#39;"' in message.markup
    assert accepted(message.markup).endswith("[1] AgenPress · Titolo · 2023-09-11")


def test_the_title_leads_to_the_sentence_in_the_page() -> None:
    text = "Ieri. Il treno blindato è partito domenica sera da Pyongyang, verso il confine."
    article = Article("a.txt", text, "Titolo", url="https://example.org/a")
    (message,) = answer_messages(answer(slice_of(article, Span(6, len(text)))), texts("it"))
    accepted(message.markup)
    start, end = "Il%20treno%20blindato%20%C3%A8", "Pyongyang%2C%20verso%20il%20confine."
    assert f'<a href="https://example.org/a#:~:text={start},{end}">Titolo</a>' in message.markup


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Il treno è partito - AgenPress", "Il treno è partito"),
        ("AGENPRESS: il treno è partito", "il treno è partito"),
        ("Il treno | AgenPress.it", "Il treno"),
        ("AgenPress", "AgenPress"),
        (
            "Cremlino. Confermato l’incontro tra Putin e Kim a Vladivostok. Occidente teme le armi",
            "Cremlino. Confermato l’incontro tra Putin e Kim a Vladivostok…",
        ),
    ],
)
def test_titles_are_short_and_do_not_repeat_the_outlet(title: str, shown: str) -> None:
    quote = quotation(source="AgenPress.it", title=title)
    (message,) = answer_messages(answer(quote), texts("it"))
    assert message.plain.endswith(f"[1] AgenPress.it · {shown}")


def folded(message: Message) -> list[bool]:
    """Whether each quotation of a message is folded."""
    return [bool(kind) for kind in re.findall("<blockquote( expandable)?>", message.markup)]


def test_long_and_further_quotations_are_folded() -> None:
    short, middle, long = ("Il treno è partito. " * times for times in (5, 12, 20))

    def shown(*words: str, **changes: Any) -> Message:
        quotes = (quotation(text=text, article=text[:1]) for text in words)
        (message,) = answer_messages(answer(*quotes, **changes), texts("it"))
        return message

    assert folded(shown(middle)) == [False] and folded(shown(long)) == [True]
    assert folded(shown(short, middle)) == [False, False]
    assert folded(shown(middle, middle, short)) == [False, True, False]
    assert folded(shown(middle, middle, short, intent=Intent.LIST)) == [True, True, False]


def test_quotations_in_a_row_have_one_source() -> None:
    other = quotation(article="b.txt", title="Altro")
    (message,) = answer_messages(answer(quotation(), quotation(), other), texts("it"))
    assert message.plain.count("Titolo") == 1 and "[1–2] AgenPress · Titolo" in message.plain
    assert message.plain.endswith("[3] AgenPress · Altro")
    listed = answer(other, quotation(), intent=Intent.LIST)
    assert answer_messages(listed, texts("it"))[0].plain.startswith("[1] AgenPress · Altro\n❝")


def test_an_address_that_is_none_is_no_link() -> None:
    (message,) = answer_messages(answer(quotation(url="javascript:alert(1)")), texts("it"))
    assert "href" not in message.markup


def test_the_words_that_answer_come_first_and_are_bold_in_their_quotation() -> None:
    quote = quotation(deciding=Span(11, 18))
    (message,) = answer_messages(answer(quote, answer="partito"), texts("it"))
    assert message.markup.startswith("<b>partito</b>\n<blockquote>Il treno è <b>partito</b>.")
    refusal = answer(reason=Reason.NOT_ANSWERED, near=(quote,))
    (message,) = answer_messages(refusal, texts("it"))
    assert "<blockquote>Il <b>treno</b> è <b>partito</b>." in message.markup  # those asked for


def test_long_answers_are_split_between_quotations() -> None:
    quotes = [quotation(text=f"{n}" + "è" * 3000, title="T" * 900) for n in range(3)]
    messages = answer_messages(answer(*quotes), texts("it"))
    shown = [accepted(message.markup) for message in messages]
    assert len(shown) == 3
    assert all(f"{n}" + "è" * 3000 in text for n, text in enumerate(shown))


def test_a_quotation_longer_than_a_message_is_shown_whole() -> None:
    words = " ".join(f"parola{n}💥" for n in range(1500))
    messages = answer_messages(answer(quotation(text=words)), texts("it"))
    assert len(messages) > 2
    pieces = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", "".join(m.markup for m in messages))
    assert [w for p in pieces for w in re.sub("<.*?>", "", p).split()] == words.split()
    for message in messages:
        accepted(message.markup)


@pytest.mark.slow
def test_no_text_can_make_a_message_that_telegram_refuses() -> None:
    pieces = ["<", ">", "&", "&amp;", '"', "'", "💥", "\u202e", "\x00", "\ud800", "\x9b", "\n", " ",
              "treno", "partito", "</blockquote>", "è", "\u0301", "\u200d", "_*`["]  # fmt: skip
    rng = random.Random(11)

    def text(most: int) -> str:
        return "".join(rng.choice(pieces) for _ in range(rng.randrange(1, most)))

    for _ in range(300):
        quotes = [
            quotation(
                text=text(2500), source=rng.choice([None, text(500)]), title=text(500),
                url=rng.choice([None, "https://x.example/" + text(50)]),
                also=(Carrier("b.txt", rng.choice([None, text(300)]), text(300)),),
            )
            for _ in range(rng.randrange(1, 4))
        ]  # fmt: skip
        said = answer(*quotes, answer=rng.choice([None, text(200)]))
        if rng.random() < 0.3:
            said = answer(reason=Reason.NOT_ANSWERED, near=tuple(quotes[:1]))
        for message in [*answer_messages(said, texts("en")), text_message(text(900) + "x")]:
            accepted(message.markup)
            assert utf16_length(message.plain) <= MAX_MESSAGE
            message.plain.encode()  # a lone surrogate could not be sent
