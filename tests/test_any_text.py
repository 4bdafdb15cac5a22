"""No article, question, title or file name can make a message that Telegram refuses."""

from __future__ import annotations

import datetime
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.locales import texts
from bot.telegram.buttons import (
    answer_buttons,
    article_page,
    articles_page,
    pressed_page,
    quotation_messages,
)
from bot.telegram.messages import (
    MAX_COPY,
    MAX_MESSAGE,
    Button,
    Message,
    answer_messages,
    quotation_message,
    text_message,
    utf16_length,
    verification_messages,
)
from index.articles.article import Article
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from index.text.sentences import Span, sentences
from index.text.wording import Difference
from retrieval.answer import Answer, Carrier, Quotation, Reason
from retrieval.answering.agreement import LONGEST_ANSWER
from retrieval.answering.highlights import marked_words
from retrieval.answering.quotations import slice_of
from retrieval.verifying.outcome import Piece, Verdict, Verification
from tests.bot_api import formatted_text

# Every character, lone surrogates and controls among them, and what markup is made of.
ODD = st.text(st.characters() | st.sampled_from("<>&\"'\n\r\t\x00 _*`[]()\ud800💥è\u202e"))
LONG = st.builds(lambda text, times: ((text or "a") * times)[:4500], ODD, st.integers(1, 1500))
WORDS = ODD | LONG
DATES = st.dates().map(datetime.date.isoformat)
LINES = WORDS.map(lambda text: text or "a")
SAY = texts("it")
# A failing text is told as it was drawn: making it smaller would take minutes.
UNSHRUNK = (Phase.explicit, Phase.generate)
OFTEN = settings(max_examples=30, deadline=None, database=None, phases=UNSHRUNK)


def accepted(message: Message) -> None:
    """Fails on what Telegram would refuse: formatted, plain, or below it."""
    text, _ = formatted_text({"text": message.markup, "parse_mode": "HTML"})
    assert text.strip() and utf16_length(text) <= MAX_MESSAGE
    assert message.plain.strip() and utf16_length(message.plain) <= MAX_MESSAGE
    message.plain.encode()
    for row in message.rows:
        assert 1 <= len(row) <= 8
        for button in row:
            assert button.label.strip()
            assert [button.data, button.copied, button.shared].count("") == 2
            assert len(button.data.encode()) <= 64 and len(button.shared) <= 256
            assert utf16_length(button.copied) <= MAX_COPY


@st.composite
def quotations(draw: st.DrawFn) -> Quotation:
    text = draw(LINES)
    start = draw(st.integers(0, 10**6))
    first = draw(st.integers(0, len(text) - 1))
    deciding = Span(start + first, start + draw(st.integers(first + 1, len(text))))
    return Quotation(
        text, draw(LINES), draw(st.none() | LINES), draw(LINES), draw(st.none() | DATES),
        draw(st.none() | WORDS | WORDS.map("https://".__add__)), start, start + len(text),
        "0" * 64, 1.0,
        tuple(draw(st.lists(st.builds(Carrier, LINES, st.none() | LINES, LINES), max_size=2))),
        draw(st.none() | st.just(deciding)),
    )  # fmt: skip


@OFTEN
@given(
    LINES,
    st.lists(quotations(), max_size=3),
    st.none() | LINES.map(lambda words: words[:LONGEST_ANSWER]),
    st.sampled_from(Reason),
)
def test_any_answer_can_be_sent(
    question: str, quotes: list[Quotation], words: str | None, reason: Reason
) -> None:
    given_ = Answer(question, question + "?", tuple(quotes), 0.9, "g", answer=words)
    refused = Answer(question, question, (), 0.1, "g", reason, near=tuple(quotes))
    for answer in (given_, refused) if quotes else (refused,):
        messages = answer_messages(answer, SAY)
        rows = answer_buttons(answer, 10**15, SAY, inline=True)
        for message in (*messages[:-1], messages[-1].with_buttons(*rows)):
            accepted(message)
        for quote in answer.quotes:
            if offered := quotation_message(quote, marked_words(answer, quote), SAY):
                accepted(offered)


@OFTEN
@given(st.sampled_from(Verdict), LINES, st.lists(quotations(), max_size=3), LINES)
def test_any_verdict_and_any_words_of_ours_can_be_sent(
    verdict: Verdict, said: str, quotes: list[Quotation], written: str
) -> None:
    differences = (Difference(said, written, 0, 1), Difference("", written, 1, 1))
    whole = replace(quotes[0], text=f"{said}{quotes[0].text}", start=0) if quotes else None
    told = Verification(
        said, verdict, (Piece(0, 1, tuple(quotes)),), differences, (said,), whole, whole, "it"
    )
    for result in (told, replace(told, partial=True), replace(told, several=True)):
        for message in verification_messages(result, SAY):
            accepted(message)
    if utf16_length(said) <= MAX_MESSAGE and said.strip():
        accepted(text_message(said + "a"))


def test_any_article_can_be_looked_at(embedder: Embedder) -> None:
    @settings(OFTEN, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
    @given(ODD, ODD, ODD)
    def looked_at(title: str, source: str, text: str) -> None:
        with TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "corpus").mkdir()
            told = f"---\ntitle: {title!r}\nsource: {source!r}\n---\n{text}\nIl treno parte.\n"
            name = "".join(c for c in title if c.isprintable() and c != "/")[:40] + "a.txt"
            file = place / "corpus" / name.lstrip(".")
            file.write_text(told, encoding="utf-8", errors="replace")
            sync(Locations(place / "corpus", place / "data"), embedder, allow_empty=True)
            with closing(CurrentIndex(place / "data")) as index:
                look(index)

    looked_at()


def look(index: CurrentIndex) -> None:
    accepted(articles_page(index, 0, SAY))
    with index.reading() as generation:
        paths = list(generation.store.layout()) if generation else []
        articles = [generation.store.article(path) for path in paths] if generation else []
    for number, article in enumerate(articles, 1):
        page = article_page(index, number, 0, SAY)
        assert page is not None and article is not None
        accepted(page)
        context = button_of(article).data
        shown = quotation_messages(index, context, SAY, inline=True)
        copied = quotation_messages(index, context.replace("quote:", "copy:"), SAY, inline=True)
        assert shown and copied
        (whole,) = [button for button in shown[-1].buttons if button.data.startswith("text:")]
        read = pressed_page(index, whole.data, SAY)
        assert read is not None
        for message in (*shown, *copied, read):
            accepted(message)


def button_of(article: Article) -> Button:
    """The button of a quotation of all the sentences of an article."""
    spans = sentences(article.text)
    quote = slice_of(article, Span(spans[0].start, spans[-1].end))
    return answer_buttons(Answer("q", "q", (quote,), 0.9, "g"), 1, SAY, inline=False)[0][0]


@pytest.mark.parametrize("language", ["it", "en"])
def test_what_the_bot_says_by_itself_can_be_sent(language: str) -> None:
    say = texts(language)
    for name in say.names:
        accepted(text_message(say(name) or "a"))
