"""Answers of the real chain on the five articles: verbatim, short, sourced, or refused."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from index.building.sync import sync
from index.errors import VirgoletteError
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import Locations, generations_dir
from index.generations.manifest import read_manifest, write_manifest
from index.generations.pointer import current_name
from index.models.embedder import Embedder
from index.text.sentences import Span, sentences
from index.text.words import words
from retrieval.answer import (
    MAX_QUESTION,
    Answer,
    Carrier,
    Intent,
    Question,
    QuestionError,
    Reason,
)
from retrieval.answering.article_lines import MAX_PAIR_LENGTH
from retrieval.answering.highlights import matching_words
from retrieval.answering.quotations import is_verbatim
from retrieval.answering.reader import Reader
from retrieval.answering.search import Fusion, HybridSearch, best_rows
from retrieval.answering.weights import READER, Caution, load_weights
from retrieval.chain import AnswerChain
from retrieval.langchain import HybridRetriever, as_runnable
from tests.conftest import ROOT, Workplace

Ask = Callable[[str], Answer]
TRAIN = "Da dove è partito il treno blindato?"
KNOWN_SOURCES = {
    "001_3eaa1e106d62cb25.txt": "AgenPress",
    "004_3735a5c7a403e3e4.txt": "Globalist.it",
}


def gold(half: str) -> list[dict[str, list[str] | str]]:
    path = ROOT / "tests" / "gold" / f"{half}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_an_answer_quotes_the_sentence_that_answers_with_its_source(ask: Ask) -> None:
    answer = ask(TRAIN)
    assert not answer.refused
    assert "sarebbe partito da Pyongyang" in answer.quotes[0].text
    assert answer.quotes[0].source == "AgenPress"
    assert answer.query == answer.question == TRAIN
    assert 0.5 < answer.confidence <= 1.0


@pytest.fixture(scope="module")
def answers(chain: AnswerChain) -> dict[str, Answer]:
    """The answers to gold questions, by question."""
    questions = [str(line["question"]) for half in FLOORS for line in asked(half)]
    return {question: chain.invoke(Question.parse(question)) for question in questions}


def test_every_quotation_is_an_exact_slice_of_whole_sentences_and_short(
    answers: dict[str, Answer], generation: Generation
) -> None:
    shown = [quote for answer in answers.values() for quote in (*answer.quotes, *answer.near)]
    assert len(shown) > 60
    for quote in shown:
        article = generation.store.article(quote.article)
        assert article is not None
        assert article.text[quote.start : quote.end] == quote.text
        assert article.sha256 == quote.sha256
        inside = [s for s in sentences(article.text) if quote.start <= s.start < quote.end]
        assert (inside[0].start, inside[-1].end) == (quote.start, quote.end)
        assert len(inside) == 1 or (len(inside) == 2 and len(quote.text) <= MAX_PAIR_LENGTH)
        assert quote.source == KNOWN_SOURCES.get(quote.article)
        assert quote.date is None and quote.url is None


def test_an_answer_has_one_to_three_quotations_that_do_not_overlap(
    answers: dict[str, Answer],
) -> None:
    for answer in answers.values():
        assert answer.answer is None or answer.answer in answer.quotes[0].text
        if answer.refused:
            assert answer.quotes == () and answer.answer is None and len(answer.near) <= 2
            assert answer.reason is not Reason.NOTHING_FOUND or answer.near == ()
            continue
        is_fact = answer.intent in (Intent.FACT, Intent.YESNO)
        assert answer.near == () and 1 <= len(answer.quotes) <= (3 if is_fact else 5)
        places = sorted((q.article, q.start, q.end) for q in answer.quotes)
        for (article, _, end), (other, start, _) in itertools.pairwise(places):
            assert article != other or end <= start
        scores = [quote.score for quote in answer.quotes]
        assert not is_fact or scores == sorted(scores, reverse=True)


def found(line: dict[str, list[str] | str], answer: Answer) -> list[bool]:
    """For each quotation, whether it holds a gold answer out of a gold article."""
    return [
        quote.article in line["articles"]
        and any(words.lower() in quote.text.lower() for words in line["answers"])
        for quote in answer.quotes
    ]


FLOORS = {"held": (19, 20, 14), "plain_held": (24, 25, 8)}  # first, any, refused
WHOLE = (48, 49, 19)  # of all plain questions, which take a minute more


def asked(half: str) -> list[dict[str, list[str] | str]]:
    """The questions of a set that are asked here: of the plain ones the harder half."""
    return gold(half)[1::2] if half == "plain_held" else gold(half)


def judged(lines: list[dict[str, list[str] | str]], answers: dict[str, Answer]) -> tuple[int, ...]:
    """How often the first quotation is right, any one is, and a refusal is."""
    pairs = [(line, answers[str(line["question"])]) for line in lines]
    hits = [found(line, answer) for line, answer in pairs if line["answers"]]
    refused = [answer.refused for line, answer in pairs if not line["answers"]]
    return sum(hit[:1] == [True] for hit in hits), sum(map(any, hits)), sum(refused)


@pytest.mark.parametrize("half", FLOORS)
def test_the_gold_questions_that_nothing_was_tuned_on(
    answers: dict[str, Answer], half: str
) -> None:
    """A little below what was measured; docs/quality.md tells the figures."""
    assert all(np.array(judged(asked(half), answers)) >= FLOORS[half])


@pytest.mark.soak
def test_all_plain_questions(chain: AnswerChain) -> None:
    lines = gold("plain_held")
    answers = {str(q["question"]): chain.invoke(Question.parse(str(q["question"]))) for q in lines}
    assert all(np.array(judged(lines, answers)) >= WHOLE)


def with_confidence(answers: dict[str, Answer], low: Caution, high: Caution) -> str:
    """A question that the lower caution answers and the higher one refuses."""
    least = load_weights(READER).thresholds
    between = (a.question for a in answers.values() if least[low] <= a.confidence < least[high])
    return next(between)


def test_the_more_cautious_the_more_is_refused(
    answers: dict[str, Answer], data_dir: Path, embedder: Embedder, reader: Reader
) -> None:
    sure = with_confidence(answers, Caution.BALANCED, Caution.CAUTIOUS)
    unsure = with_confidence(answers, Caution.GENEROUS, Caution.BALANCED)
    index = CurrentIndex(data_dir)
    refused = {}
    for caution in Caution:
        chain = AnswerChain(index, embedder, reader, caution=caution)
        asked = [chain.invoke(Question.parse(text)) for text in (sure, unsure)]
        assert [a.confidence for a in asked] == [answers[t].confidence for t in (sure, unsure)]
        refused[caution] = [answer.refused for answer in asked]
    index.close()
    assert refused[Caution.CAUTIOUS] == [True, True]
    assert refused[Caution.BALANCED] == [False, True]
    assert refused[Caution.GENEROUS] == [False, False]


def test_how_cautious_it_is_can_be_set(
    answers: dict[str, Answer], indexed_place: Workplace
) -> None:
    question = with_confidence(answers, Caution.GENEROUS, Caution.CAUTIOUS)
    for caution, refused in ((Caution.GENEROUS, False), (Caution.CAUTIOUS, True)):
        done = indexed_place.run("ask", question, "--json", VIRGOLETTE_CAUTION=caution.value)
        assert json.loads(done.stdout)["refused"] is refused


def test_nothing_is_learnt_of_a_gold_question() -> None:
    written = (ROOT / "training" / "written" / "corpus.jsonl").read_text(encoding="utf-8")
    learnt = {" ".join(words(json.loads(line)["q"])) for line in written.splitlines()}
    folder = ROOT / "tests" / "gold"
    sets = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.jsonl")]
    # Lists are on what the reader may learn; the others have no questions.
    left_out = {
        Path(f"news/{name}") for name in ("central", "lists", "event_days", "event_days_held")
    }
    rooms = ("requests", "drafts")
    sets = [name for name in sets if name not in left_out and name.parts[0] not in rooms]
    lines = [line for name in sets for line in gold(str(name))]
    held = {" ".join(words(str(line.get("question") or line["q"]))) for line in lines}
    assert len(learnt) > 250 and len(held) > 400
    assert held.isdisjoint(learnt)


@pytest.mark.parametrize(
    "text",
    [
        "Quanto dura il volo da Roma a Tokyo?",
        "Qual è la ricetta della carbonara?",
        "Chi ha vinto lo scudetto nel 2023?",
        "Who painted the Mona Lisa?",
        "Quanto costa un proiettile di artiglieria nordcoreano?",
    ],
)
def test_what_the_articles_do_not_know_is_refused(ask: Ask, text: str) -> None:
    answer = ask(text)
    assert answer.refused and answer.quotes == () and answer.answer is None


@pytest.mark.parametrize(
    "text", ["???", "🚂", "a", "x" * MAX_QUESTION, "il di che", "\\' OR 1=1 --"]
)
def test_odd_questions_are_answered_or_refused_without_an_error(ask: Ask, text: str) -> None:
    assert isinstance(ask(text), Answer)


def test_a_heading_is_not_an_answer(ask: Ask) -> None:
    quotes = ask("Che cosa ha confermato il Cremlino sull'incontro tra Putin e Kim?").quotes
    assert quotes
    for quote in quotes:
        assert not quote.title.startswith(quote.text)


def answer_over(place: Workplace, embedder: Embedder, reader: Reader, question: str) -> Answer:
    sync(Locations(place.corpus, place.data), embedder)
    index = CurrentIndex(place.data)
    try:
        return AnswerChain(index, embedder, reader).invoke(Question.parse(question))
    finally:
        index.close()


def test_a_first_line_that_is_a_sentence_can_be_quoted(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    line = "Il treno blindato di Kim è partito da Pyongyang lunedì sera."
    empty_place.write("a.txt", f"{line}\n\nIl tempo a Roma è bello.")
    assert answer_over(empty_place, embedder, reader, TRAIN).quotes[0].text == line


def test_words_without_an_end_are_quoted_in_short_parts(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    endless = "Il treno blindato è partito da Pyongyang e " + "poi verso est e ancora " * 200
    empty_place.write("a.txt", endless)
    answer = answer_over(empty_place, embedder, reader, TRAIN)
    assert answer.quotes[0].text.startswith("Il treno blindato è partito da Pyongyang")
    assert all(len(q.text) <= 400 and q.text in endless for q in (*answer.quotes, *answer.near))


def test_questions_that_are_none_say_what_to_do() -> None:
    for raw in ("", "  \n\t ", "\x00\x1b", "…"):
        with pytest.raises(QuestionError) as empty:
            Question.parse(raw)
        assert empty.value.problem == "empty"
    with pytest.raises(QuestionError, match="10000 characters: ask it in 1000 or fewer"):
        Question.parse("x" * 10_000)


def test_the_gate_refuses_whatever_is_not_the_letter(ask: Ask, generation: Generation) -> None:
    quote = ask(TRAIN).quotes[0]
    assert is_verbatim(quote, generation)
    for wrong in (
        replace(quote, text=quote.text.replace("Pyongyang", "Pechino")),
        replace(quote, text=quote.text + " "),
        replace(quote, start=quote.start + 1),
        replace(quote, article="004_3735a5c7a403e3e4.txt"),
        replace(quote, article="../../etc/passwd"),
        replace(quote, sha256="0" * 64),
        replace(quote, text="", end=quote.start),
        replace(quote, deciding=Span(quote.start, quote.end + 1)),
        replace(quote, deciding=Span(quote.start - 1, quote.end)),
    ):
        assert not is_verbatim(wrong, generation)


def test_the_same_words_in_two_articles_are_one_quotation_that_names_both(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    text = "Il treno blindato è partito da Pyongyang lunedì sera verso Vladivostok."
    empty_place.write("a.txt", f"---\nsource: Uno\n---\nNotizia\n\n{text}")
    empty_place.write("b.txt", f"---\nsource: Due\n---\nAltro titolo\n\n{text}")
    answer = answer_over(empty_place, embedder, reader, TRAIN)
    (quote,) = answer.quotes
    one, other = Carrier("a.txt", "Uno", "Notizia"), Carrier("b.txt", "Due", "Altro titolo")
    told = Carrier(quote.article, quote.source, quote.title)
    assert quote.text == text and {told, *quote.also} == {one, other}
    assert answer.as_json()["quotes"][0]["also"] == [carrier.article for carrier in quote.also]


AGENCY = (
    "Il treno blindato di Kim è partito ieri sera da Pyongyang, diretto a Vladivostok. Lo "
    "riferiscono i media sudcoreani, che citano fonti del governo di Seul. La visita, la prima "
    "all’estero in quattro anni, era attesa da giorni. Il Cremlino ha confermato l’incontro."
)


def test_an_agency_text_counts_once_however_many_carry_it(
    empty_place: Workplace, embedder: Embedder, reader: Reader
) -> None:
    for number in range(30):
        copy = f"---\nsource: Testata {number}\n---\nCosì la testata {number}.\n\n{AGENCY}"
        empty_place.write(f"{number:02}.txt", copy)
    altered = AGENCY.replace("è partito ieri sera da Pyongyang", "ha lasciato ieri sera Pyongyang")
    empty_place.write("altered.txt", altered)
    empty_place.write("other.txt", "Il treno blindato di Putin è partito da Mosca per il forum.")
    answer = answer_over(empty_place, embedder, reader, "Da dove è partito il treno blindato?")
    (agency,) = [quote for quote in answer.quotes if "Pyongyang" in quote.text]
    assert agency.text.startswith("Il treno blindato di Kim è partito ieri sera da Pyongyang")
    assert len(agency.also) == 29 and "altered.txt" not in {c.article for c in agency.also}
    assert "other.txt" in {quote.article for quote in answer.quotes}


def test_the_chain_becomes_a_runnable(chain: AnswerChain) -> None:
    questions = [Question.parse(TRAIN), Question.parse("Chi è John Kirby?")]
    one = chain.invoke(questions[0])
    assert asyncio.run(chain.ainvoke(questions[0])) == one
    runnable = as_runnable(chain)
    assert runnable.invoke(questions[0]) == one
    assert asyncio.run(runnable.ainvoke(questions[0])) == one
    both = runnable.batch(questions)
    assert both[0] == one and both[1].question == "Chi è John Kirby?"
    assert asyncio.run(runnable.abatch(questions)) == both
    assert (runnable | (lambda answer: answer.answer)).invoke(questions[0]) == one.answer


def test_the_retriever_is_langchains(generation: Generation, embedder: Embedder) -> None:
    retriever = HybridRetriever(generation=generation, embedder=embedder, k=4)
    documents = retriever.invoke("treno blindato Pyongyang")
    assert len(documents) == 4 and "treno blindato" in documents[0].page_content
    scores = [document.metadata["score"] for document in documents]
    assert scores == sorted(scores, reverse=True)
    (stored,) = generation.store.passages([documents[0].metadata["row"]])
    assert (stored.id, stored.text) == (documents[0].id, documents[0].page_content)


def test_a_passage_is_found_by_the_one_sentence_that_answers(
    empty_place: Workplace, embedder: Embedder
) -> None:
    empty_place.write(
        "varie.txt",
        "Il mercato del sabato torna in piazza con i banchi di frutta e verdura. La stazione "
        "resterà chiusa fino al 3 marzo. La squadra di pallavolo ha vinto ancora in trasferta. "
        "La biblioteca cerca volontari per la festa dei bambini. Domani pioverà sulla costa.\n",
    )
    empty_place.write(
        "treni.txt", "Le stazioni e i treni: orari, binari e chiusure delle stazioni in Italia.\n"
    )
    report = sync(Locations(empty_place.corpus, empty_place.data), embedder)
    generation = Generation(generations_dir(empty_place.data) / report.generation)

    def first(**weights: float) -> str:
        fusion = Fusion(**{"passage": 0.0, "sentence": 0.0, "keyword": 0.0} | weights)
        search = HybridSearch(generation, embedder, fusion)
        return search.passages("Fino a quando è chiusa la stazione?")[0].passage.article

    assert first(sentence=1.0) == "varie.txt"
    assert first(**asdict(Fusion())) == "varie.txt"
    generation.close()


def test_without_an_index_the_refusal_says_so(tmp_path: Path, embedder: Embedder) -> None:
    answer = AnswerChain(CurrentIndex(tmp_path), embedder).invoke(Question.parse(TRAIN))
    assert answer.reason is Reason.EMPTY_INDEX and answer.generation == ""


def test_an_index_of_another_model_is_not_searched(train_place: Workplace, stock: Path) -> None:
    chain = AnswerChain(CurrentIndex(train_place.data), Embedder(str(stock)))
    with pytest.raises(VirgoletteError, match=r"differently \(model\): run virgolette index"):
        chain.invoke(Question.parse(TRAIN))


def test_only_an_index_of_this_code_is_searched(train_place: Workplace, embedder: Embedder) -> None:
    name = str(current_name(train_place.data))
    directory = generations_dir(train_place.data) / name
    manifest = read_manifest(directory)
    write_manifest(directory, replace(manifest, stamp={**manifest.stamp, "library": "0"}))
    index = CurrentIndex(train_place.data)
    assert AnswerChain(index, embedder).invoke(Question.parse(TRAIN)).generation == name
    index.close()
    write_manifest(directory, replace(manifest, stamp={**manifest.stamp, "splitter": "0"}))
    with pytest.raises(VirgoletteError, match=r"differently \(splitter\): run virgolette index"):
        AnswerChain(CurrentIndex(train_place.data), embedder).invoke(Question.parse(TRAIN))


def test_a_new_index_that_cannot_be_used_leaves_the_old_one_answering(
    train_place: Workplace, embedder: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    paths = Locations(train_place.corpus, train_place.data)
    first = current_name(train_place.data)
    index = CurrentIndex(train_place.data)
    chain = AnswerChain(index, embedder)
    assert chain.invoke(Question.parse(TRAIN)).generation == first
    second = sync(paths, embedder, rebuild=True).generation
    directory = generations_dir(train_place.data) / second
    manifest = read_manifest(directory)
    write_manifest(directory, replace(manifest, stamp={**manifest.stamp, "model": "another"}))
    for _ in range(2):
        assert chain.invoke(Question.parse(TRAIN)).generation == first
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "differently (model)" in caplog.text and "start Virgolette again" in caplog.text
    (directory / "manifest.json").write_text("{")
    assert chain.invoke(Question.parse(TRAIN)).generation == first
    write_manifest(directory, manifest)
    assert chain.invoke(Question.parse(TRAIN)).generation == second
    index.close()


@pytest.mark.parametrize("name", ["store.sqlite3", "sentences.npy", "manifest.json"])
def test_damage_is_named_with_the_way_out(
    train_place: Workplace, embedder: Embedder, name: str
) -> None:
    file = generations_dir(train_place.data) / str(current_name(train_place.data)) / name
    file.write_bytes(file.read_bytes()[:130] if name == "sentences.npy" else b"x" * 5000)
    with pytest.raises(VirgoletteError, match="virgolette index --rebuild"):
        AnswerChain(CurrentIndex(train_place.data), embedder).invoke(Question.parse(TRAIN))


def test_a_generation_that_is_gone_is_an_error_with_a_way_out(
    empty_place: Workplace, embedder: Embedder
) -> None:
    (empty_place.data / "current").write_text("20260101T000000-abcdef\n")
    chain = AnswerChain(CurrentIndex(empty_place.data), embedder)
    with pytest.raises(VirgoletteError, match="virgolette index --rebuild"):
        chain.invoke(Question.parse(TRAIN))


@pytest.mark.parametrize(
    ("question", "text", "marked"),
    [
        (
            TRAIN,
            "Secondo i media, un treno blindato sarebbe partito da Pyongyang.",
            ["treno blindato", "partito"],
        ),
        ("E Kim?", "Il leader Kim Jong-un va a Mosca.", ["Kim Jong-un"]),
        ("Chi è Kim Jong Un?", "Kim Jong-un è il leader.", ["Kim Jong-un"]),
        ("E Putin?", "Il Cremlino tace. Vladimir Putin NATO.", ["Vladimir Putin"]),
        ("Chi è D'Alema?", "L’ex premier Massimo D’Alema parla.", ["Massimo D’Alema"]),
        ("Chi è Di Maio?", "In Italia, Luigi Di Maio.", ["Luigi Di Maio"]),
        ("La Corea del Nord?", "La Corea del Nord tace.", ["Corea del Nord"]),
        ("E la Russia?", "“La Russia”, dice. La Russia?", ["Russia", "Russia"]),
        ("Chi guida il G7?", "IL TITOLO DEL G7: IL TRENO", ["G7"]),
    ],
)
def test_marks_are_the_whole_phrases_asked_for(question: str, text: str, marked: list[str]) -> None:
    assert [text[s.start : s.end] for s in matching_words(question, text)] == marked


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where will Putin and Kim meet?", "en"),
        ("Dove si incontreranno Putin e Kim?", "it"),
        ("treno blindato Kim", "it"),
        ("Who is John Kirby?", "en"),
    ],
)
def test_the_language_of_a_question_is_known(text: str, language: str) -> None:
    assert Question.parse(text).language == language


@pytest.mark.parametrize("count", [1, 3, 50])
def test_the_best_rows_are_those_of_a_stable_sort(count: int) -> None:
    drawn = np.random.default_rng(count).integers(0, 5, 40).astype(np.float32)
    rows = np.argsort(-drawn, kind="stable")
    assert best_rows(drawn, count).tolist() == rows[drawn[rows] > 0][:count].tolist()
    assert best_rows(np.zeros(4, np.float32), count).tolist() == []
