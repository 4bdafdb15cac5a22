"""What quotations say together, and sentences that need the one before."""

from __future__ import annotations

import datetime
from contextlib import closing

import pytest

from bot.captions import notes
from bot.listing import listed_articles
from bot.locales import texts
from bot.telegram.messages import answer_messages
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import Locations, generations_dir
from index.models.embedder import Embedder
from index.text.dates import ranking_day
from index.text.sentences import Span
from retrieval.answer import Answer, Question, Scope
from retrieval.answering.agreement import verdict
from retrieval.answering.candidates import Sentence, refers_back
from retrieval.answering.quotations import ScoredSentence, quotations
from retrieval.answering.reader import Reader
from retrieval.answering.weights import READER, Evidence, load_weights
from retrieval.chain import AnswerChain
from tests.conftest import Workplace
from tests.test_twins import TOLL

REFERS = [
    "Egli ha detto di no.", "Lui non ha risposto.", "“Questo incontro è importante”, ha detto.",
    "Il leader ha lasciato la città in treno.", "I due si sono stretti la mano.",
    "Ma questa visita preoccupa Seul.", "He left by train.", "The leader did not answer.",
]  # fmt: skip
STANDS_ALONE = [
    "Il leader nordcoreano Kim Jong-un è partito.", "Kim ha lasciato la città.",
    "Il presidente Putin lo ha accolto.", "A Vladivostok piove.", "Il treno è blindato.",
    "Quando arriverà non si sa.", "Leila è partita.", "The president Vladimir Putin left.",
]  # fmt: skip


@pytest.mark.parametrize("text", REFERS)
def test_a_sentence_without_its_subject_refers_back(text: str) -> None:
    assert refers_back(text)


@pytest.mark.parametrize("text", STANDS_ALONE)
def test_a_sentence_that_names_its_subject_stands_alone(text: str) -> None:
    assert not refers_back(text)


def asked(place: Workplace, embedder: Embedder, reader: Reader, question: str) -> Answer:
    sync(Locations(place.corpus, place.data), embedder)
    index = CurrentIndex(place.data)
    try:
        return AnswerChain(index, embedder, reader).invoke(Question.parse(question))
    finally:
        index.close()


def test_the_sentence_before_is_shown_where_it_is_needed(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    empty_place.write(
        "a.txt",
        "La fabbrica di Portosole dava lavoro a mezzo paese.\n\n"
        "Aldo Serra dirigeva l'ufficio acquisti dal 1990. "
        "Egli fu arrestato a Lugano con una valigia di contanti. "
        "Il processo comincerà in primavera.",
    )
    answer = asked(empty_place, embedder, reader, "Chi fu arrestato a Lugano?")
    assert answer.quotes[0].text.startswith("Aldo Serra dirigeva")
    assert answer.quotes[0].text.endswith("con una valigia di contanti.")


def test_articles_that_say_the_same_in_other_texts_agree(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    empty_place.write("a.txt", "Il museo civico di Ronca fu inaugurato da Elena Corti nel 1987.")
    empty_place.write(
        "b.txt",
        "A Ronca si festeggia. Fu Elena Corti a inaugurare il museo civico, davanti alla banda.",
    )
    answer = asked(empty_place, embedder, reader, "Chi inaugurò il museo civico di Ronca?")
    assert answer.answer == "Elena Corti" and answer.agreeing == 2 and not answer.differing
    assert notes(answer, texts("it")) == "2 articoli concordano"
    assert "2 articoli concordano" in answer_messages(answer, texts("it"))[0].markup


def test_without_dates_it_is_not_said_which_of_two_answers_holds(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    empty_place.write("a.txt", "Il museo civico di Ronca fu inaugurato da Elena Corti.")
    empty_place.write("b.txt", "Il museo civico di Ronca fu inaugurato da Piero Malaspina.")
    answer = asked(empty_place, embedder, reader, "Da chi fu inaugurato il museo civico di Ronca?")
    assert answer.answer is None and answer.differing and answer.agreeing == 0
    assert {quote.article for quote in answer.quotes} == {"a.txt", "b.txt"}
    assert notes(answer, texts("en")).startswith("the articles answer in different words")


def test_the_same_agency_text_with_another_number_is_another_answer(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    empty_place.write("c.txt", "Il mercato di Valdoria si tiene ogni giovedì in piazza.")
    for name, toll in {"a.txt": 27, "copia.txt": 27, "b.txt": 31}.items():
        empty_place.write(name, TOLL.format(toll))
    question = "Quanti morti ha causato il crollo del ponte di Valdoria?"
    answer = asked(empty_place, embedder, reader, question)
    assert [quote.article for quote in answer.quotes] == ["b.txt", "a.txt"]
    assert answer.answer == "31" and answer.differing


def test_a_day_to_come_is_never_the_newest(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    dated = "---\ndate: {}\n---\nIl museo civico di Ronca è diretto da {}."
    empty_place.write("a.txt", dated.format("2141-03-05", "Elena Corti, storica dell'arte"))
    empty_place.write("b.txt", dated.format("2025-03-05", "Piero Malaspina"))
    now = asked(empty_place, embedder, reader, "Chi dirige attualmente il museo di Ronca?")
    plain = asked(empty_place, embedder, reader, "Da chi è diretto il museo civico di Ronca?")
    news = asked(empty_place, embedder, reader, "Quali sono le ultime notizie?")
    for answer in (now, plain, news):
        assert answer.quotes[0].article == "b.txt"
    with closing(CurrentIndex(empty_place.data)) as index:
        assert [article.path for article in listed_articles(index)] == ["b.txt", "a.txt"]


def test_tomorrow_has_begun_somewhere() -> None:
    today = datetime.date.today()
    days = [(today + datetime.timedelta(days=number)).isoformat() for number in range(3)]
    assert [ranking_day(day) for day in days] == [*days[:2], ""]
    assert ranking_day(None) == ""


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        ("Il museo civico di Ronca fu inaugurato da Piero Malaspina.", True),
        ("La piscina di Portosole fu inaugurata da Piero Malaspina: costa quattro euro.", False),
    ],
)
def test_only_answers_about_one_event_differ(
    empty_place: Workplace, embedder: Embedder, other: str, differ: bool
) -> None:
    empty_place.write("a.txt", "Il museo civico di Ronca fu inaugurato da Elena Corti.")
    empty_place.write("b.txt", other)
    report = sync(Locations(empty_place.corpus, empty_place.data), embedder)
    weights = load_weights(READER)
    sure = max(weights.sure, 0.9)
    with closing(Generation(generations_dir(empty_place.data) / report.generation)) as opened:
        found = []
        for passage in opened.store.passages([0, 1]):
            article = opened.store.article(passage.article)
            assert article is not None
            name = "Elena Corti" if "Elena" in article.text else "Piero Malaspina"
            at = article.text.index(name)
            (span,), (vector,) = opened.sentences(passage), opened.sentence_vectors(passage)
            answer = Span(at, at + len(name))
            evidence = Evidence(0.9, 0.0, 0.0, 9.0)
            sentence = Sentence(article, span, evidence, False, answer, vector=vector)
            found.append(ScoredSentence(sentence, 1.0, answers=0.9, worded=sure))
        told = verdict(quotations(found, opened), found, opened, weights)
    assert told.differing is differ
    assert told.answer == (None if differ else "Elena Corti")


def test_the_notes_tell_where_was_searched() -> None:
    scope = Scope(("AgenPress",), newest=True)
    answer = Answer("Secondo AgenPress, chi?", "Chi?", (), 0.0, "g", scope=scope)
    assert notes(answer, texts("it")) == ("cercato solo in AgenPress · prima i più recenti")
    assert notes(Answer("Chi?", "Chi?", (), 0.0, "g"), texts("it")) == ""
