"""A timeline: what the articles tell on a subject, an event each, in the order of days."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape

import httpx
import pytest
from markdown_it import MarkdownIt

from bot.documents.footnotes import markdown
from bot.locales import texts
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Answer, Intent, Question, Reason, Turn
from retrieval.answering.reader import Reader
from retrieval.chain import AnswerChain
from tests.bot_api import FakeBotApi
from tests.conftest import ITALIAN, Workplace
from tests.running_bot import Bot, buttons, entities, press
from tests.warm import Warm

Timeline = Callable[..., Answer]
TODAY = datetime.date(2025, 1, 15)

ARTICLES = {
    ("corriere-1", "Corriere del Lago", "2024-03-05", "Crolla il ponte sul Verdello"): (
        "Il ponte sul Verdello è crollato lunedì pomeriggio durante il passaggio di un camion. "
        "Il sindaco Aldo Berti ha chiuso la strada provinciale."
    ),
    ("gazzetta-1", "La Gazzetta di Lonate", "2024-03-05", "Ponte sul Verdello, il crollo"): (
        "Il ponte sul Verdello è crollato lunedì pomeriggio durante il passaggio di un camion, "
        "davanti a decine di automobilisti."
    ),
    ("voce-1", "La Voce", "2024-03-06", "Il ponte che nessuno controllava"): (
        "Il ponte sul Verdello è crollato domenica pomeriggio durante il passaggio di un camion. "
        "L’ultimo controllo del ponte sul Verdello risale al 12 novembre 2019."
    ),
    ("corriere-2", "Corriere del Lago", "2024-09-02", "Il nuovo ponte sul Verdello"): (
        "I lavori per il nuovo ponte sul Verdello sono cominciati la settimana scorsa. "
        "Saranno pronti a dicembre. La Regione paga undici milioni di euro per il ponte."
    ),
    ("voce-2", "La Voce", "2024-06-10", "Teatro, la stagione di Lonate"): (
        "La stagione del teatro di Lonate si aprirà il 3 ottobre con un concerto."
    ),
    ("guida", "Guida del Lago", "", "Lonate e il suo fiume"): (
        "Nel 1951 una piena del Verdello distrusse il vecchio ponte di legno. "
        "Il ponte sul Verdello piaceva ai pittori. "
        "Il 24 giugno una processione attraversò il ponte sul Verdello."
    ),
    ("feste", "Feste del Lago", "", "Le feste"): (
        "Il 29 giugno una processione attraversò il ponte sul Verdello. Seguono i fuochi."
    ),
    ("sagra", "Feste del Lago", "", "La sagra di Brenno"): (
        "Il 12 agosto la sagra del pesce riempì la piazza di Brenno."
    ),
    ("sagra-2", "Album del Lago", "", "Foto d’estate"): (
        "Il 15 agosto 1998 la sagra del pesce riempì la piazza di Brenno."
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory, warm: Warm, embedder: Embedder) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("timeline"), warm)
    for (name, source, date, title), text in ARTICLES.items():
        day = f"date: {date}\n" if date else ""
        place.write(f"{name}.md", f"---\ntitle: {title}\nsource: {source}\n{day}---\n{text}\n")
    sync(Locations(place.corpus, place.data), embedder)
    return place


@pytest.fixture(scope="module")
def timeline(dated: Workplace, embedder: Embedder, reader: Reader) -> Iterator[Timeline]:
    index = CurrentIndex(dated.data)
    chain = AnswerChain(index, embedder, reader)

    def answer(text: str, *previous: Turn, whole: bool = True) -> Answer:
        asked = Question.parse(text, TODAY, previous, Intent.TIMELINE)
        return chain.invoke(replace(asked, whole=whole))

    yield answer
    index.close()


def shown(answer: Answer) -> list[tuple[str, bool, str]]:
    """The day of each quotation, whether the sentence tells it, and who published it."""
    dated = [(quote.dating, quote.source or "") for quote in answer.quotes]
    return [(dating.day, dating.of_event, source) for dating, source in dated if dating]


def test_an_event_a_row_in_the_order_of_days(timeline: Timeline) -> None:
    answer = timeline("ponte sul Verdello")
    assert shown(answer) == [
        ("1951", True, "Guida del Lago"),
        ("2019-11-12", True, "La Voce"),
        ("2024-03-03", True, "La Voce"),
        ("2024-03-04", True, "Corriere del Lago"),
        ("2024-03-05", False, "Corriere del Lago"),
        ("2024-W35", True, "Corriere del Lago"),
        ("2024-09-02", False, "Corriere del Lago"),
        ("2024-12", True, "Corriere del Lago"),
        ("--06-24", True, "Guida del Lago"),
        ("--06-29", True, "Feste del Lago"),
    ]
    assert not {"guida.md"} & {q.article for q in answer.quotes if q.dating and not q.dating.day}


def test_who_tells_the_same_is_named_and_who_tells_another_day_is_beside_it(
    timeline: Timeline,
) -> None:
    answer = timeline("ponte sul Verdello")
    disputed = [quote for quote in answer.quotes if quote.dating and quote.dating.disputed]
    there, festivals = ["La Voce", "Corriere del Lago"], ["Guida del Lago", "Feste del Lago"]
    assert [quote.source for quote in disputed] == [*there, *festivals]
    (row,) = [quote for quote in answer.quotes if quote.dating and quote.dating.also]
    assert row.dating is not None
    assert [carrier.source for carrier in row.dating.also] == ["La Gazzetta di Lonate"]
    told = answer.as_json()["quotes"][answer.quotes.index(row)]["dating"]
    assert told == {
        "day": "2024-03-04",
        "precision": "day",
        "of_event": True,
        "disputed": True,
        "also": ["gazzetta-1.md"],
    }


def test_a_day_without_its_year_is_not_another_day(timeline: Timeline) -> None:
    days = [quote.dating for quote in timeline("sagra del pesce").quotes if quote.dating]
    assert [(one.day, one.disputed) for one in days] == [("1998-08-15", True), ("--08-12", True)]


def test_one_event_is_no_timeline_and_none_is_less(timeline: Timeline) -> None:
    one = timeline("teatro di Lonate")
    assert one.reason is Reason.FEW_EVENTS and not one.quotes
    assert [quote.dating.day for quote in one.near if quote.dating] == ["2024-10-03"]
    assert timeline("la Gioconda").missing == ("Gioconda",)


def test_a_timeline_has_pages_and_keeps_to_the_time_in_question(timeline: Timeline) -> None:
    first = timeline("ponte sul Verdello", whole=False)
    assert (len(first.quotes), first.total) == (5, 10)
    assert {day[:4] for day, _, _ in shown(timeline("ponte sul Verdello nel 2024"))} == {"2024"}


def test_the_command_line_prints_a_timeline_and_writes_it_down(dated: Workplace) -> None:
    printed = dated.run("timeline", "ponte", "sul", "Verdello", **ITALIAN)
    assert printed.returncode == 0 and "4 marzo 2024 · i giorni non coincidono" in printed.stdout
    assert "settimana del 26 agosto 2024" in printed.stdout and "dicembre 2024" in printed.stdout
    assert "pubblicato il 5 marzo 2024" in printed.stdout
    assert re.search(r"^\W*24 giugno · i giorni non coincidono$", printed.stdout, re.MULTILINE)
    (told,) = dated.json("timeline", "ponte sul Verdello", "--json")
    assert [quote["dating"]["day"] for quote in told["quotes"]][:2] == ["1951", "2019-11-12"]

    file = dated.path / "ponte.md"
    assert dated.run("timeline", "ponte sul Verdello", "--markdown", f"{file}").returncode == 0
    written = file.read_text(encoding="utf-8")
    tokens = MarkdownIt().parse(written)
    quotations = [t.content for t in tokens if t.type == "inline" and t.level == 2]
    assert len(quotations) == len(told["quotes"])
    for number, quote in enumerate(told["quotes"], 1):
        assert f"[^{number}]: {quote['source']}, “{quote['title']}”" in written
        assert f"{quote['start']}–{quote['end']}, sha256 `{quote['sha256']}`" in written
    refused = dated.run("timeline", "teatro di Lonate", **ITALIAN)
    assert refused.returncode == 1 and "ne raccontano uno solo" in refused.stdout
    assert "3 ottobre 2024" in refused.stdout
    nowhere = dated.run("timeline", "ponte sul Verdello", "--markdown", f"{dated.path}", **ITALIAN)
    assert nowhere.returncode == 1 and "non si può scrivere" in nowhere.stderr
    assert dated.run("timeline", "x", "--markdown", "a.md", "--json").returncode == 2


@pytest.mark.parametrize("text", ["1. *Uno* [due](tre) <b>&amp;</b> `c` ~d~", "# e | $f$", "- \\g"])
def test_markdown_shows_a_quotation_to_the_letter(text: str) -> None:
    html = MarkdownIt().render(f"> {markdown(text)}")
    assert unescape(re.sub(r"<[^>]+>", "", html)).strip() == text


def test_telegram_shows_a_timeline_and_sends_it_as_a_file(dated: Workplace) -> None:
    with FakeBotApi() as api:
        bot = Bot(dated, api, VIRGOLETTE_WATCH="false")
        assert "ponte Morandi" in bot.ask("/cronologia", entities=command(11))["text"]
        asked = api.say("/cronologia ponte sul Verdello", entities=command(11))
        answer = bot.reply(asked)
        assert entities(answer, "bold") == [
            "1951",
            "12 novembre 2019",
            "3 marzo 2024 · i giorni non coincidono",
            "4 marzo 2024 · i giorni non coincidono",
            "pubblicato il 5 marzo 2024",
        ]
        assert "1–5 di 10" in answer["text"]
        press(bot, answer, f"file:{asked}")
        sent = api.wait_for("sendDocument", timeout=30)
        assert sent.result["document"]["file_name"] == "ponte-sul-verdello.md"
        assert sent.result["reply_to_message"]["message_id"] == answer["message_id"]
        written = sent.params["document"].decode()
        assert written.startswith("# Cronologia: ponte sul Verdello\n") and "[^9]: " in written
        gone = press(bot, answer, "file:99").params
        assert gone["show_alert"] and gone["text"] == texts("it")("telegram.vote_gone")
        few = api.say("/timeline teatro di Lonate", entities=command(9), language_code="en")
        assert "one only" in bot.reply(few)["text"]
        assert not any(data.startswith("file:") for data in buttons(bot.reply(few)).values())
        assert bot.stop() == 0
        assert api.refusals == []


def command(length: int) -> list[dict[str, object]]:
    return [{"type": "bot_command", "offset": 0, "length": length}]


def test_the_fake_refuses_documents_that_telegram_refuses() -> None:
    with FakeBotApi() as api:
        api.say("ciao")
        address = f"{api.base_url}{api.token}/sendDocument"

        def refusal(content: bytes | None, **fields: str) -> str:
            files = {} if content is None else {"document": ("a.md", content, "text/markdown")}
            return str(httpx.post(address, data={"chat_id": "1001"} | fields, files=files).json())

        assert "no document in the request" in refusal(None)
        assert "must be non-empty" in refusal(b"")
        assert "caption is too long" in refusal(b"a", caption="x" * 1025)
        assert "is not a parameter" in refusal(b"a", text="x")
        assert "must be uploaded" in refusal(None, document="a.md")
        assert "Too Large" in refusal(b"a" * ((50 << 20) + 1))
