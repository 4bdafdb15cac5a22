"""The reader finds the words that answer, and knows when there are none."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file as torch_file
from transformers import BertForQuestionAnswering

from index.errors import ModelError
from index.generations.current import CurrentIndex
from index.models.embedder import Embedder
from index.models.weights import PACKED as MODEL
from index.models.weights import WORDS, checksum
from index.text.sentences import Span, sentences
from retrieval.answer import Answer, Question
from retrieval.answering.highlights import marked_words
from retrieval.answering.reader import (
    GRAPH,
    MARKER,
    NOT_READ,
    PACKED,
    WEIGHTS,
    Page,
    Reader,
    whole_words,
)
from retrieval.chain import AnswerChain
from tests.conftest import Workplace
from training.stock import pack, unpack

PASSAGE = (
    "Il forum economico si apre lunedì a Vladivostok. Secondo i media sudcoreani, il treno "
    "blindato di Kim è partito da Pyongyang domenica sera. Il Cremlino non commenta."
)
TRAIN = "Da dove è partito il treno blindato?"
GOES = "Dove va il treno blindato?"
RESOLUTIONS = "Quali paesi dicono che l'accordo viola le risoluzioni?"


def test_it_finds_the_words_that_answer_in_the_sentence_that_has_them(reader: Reader) -> None:
    spans = sentences(PASSAGE)
    (readings,) = reader.read(TRAIN, [Page("", PASSAGE, spans)])
    assert len(readings) == len(spans) == 3
    best = max(readings, key=lambda reading: reading.score)
    assert best is readings[1] and best.score > 0
    assert PASSAGE[best.span.start : best.span.end] in ("Pyongyang", "da Pyongyang")
    for sentence, reading in zip(spans, readings, strict=True):
        assert sentence.start <= reading.span.start < reading.span.end <= sentence.end


def test_it_tells_how_likely_the_best_other_words_are(reader: Reader) -> None:
    text = "Il treno è partito lunedì da Pyongyang. È arrivato martedì a Vladivostok."
    page = Page("", text, [Span(0, 39), Span(40, len(text))])
    departure, arrival = reader.read("Quando è partito il treno?", [page])[0]
    assert departure.score > arrival.score == departure.rival
    assert arrival.rival == departure.score


def test_it_says_when_no_words_answer(reader: Reader) -> None:
    for question in ("Quanti vagoni ha il treno?", "Chi ha scritto la Divina Commedia?"):
        (readings,) = reader.read(question, [Page("", PASSAGE, sentences(PASSAGE))])
        assert max(reading.score for reading in readings) < 0


def test_the_title_is_read_and_answers_nothing(reader: Reader) -> None:
    text = "È partito da Pyongyang domenica sera. Nessuno sa quando tornerà."
    title = "Il treno blindato di Kim verso Vladivostok"
    asked = "Da dove è partito il treno blindato di Kim?"
    named, unnamed = reader.read(asked, [Page(t, text, sentences(text)) for t in (title, "")])
    assert named[0].score > unnamed[0].score
    assert "Pyongyang" in text[named[0].span.start : named[0].span.end]
    for sentence, reading in zip(sentences(text), named, strict=True):
        assert sentence.start <= reading.span.start < reading.span.end <= sentence.end


def test_passages_read_together_are_read_as_by_themselves(reader: Reader) -> None:
    others = [Page("", PASSAGE, sentences(PASSAGE)), Page("", "Breve.", [Span(0, 6)])]
    together = reader.read(TRAIN, others)
    again = Reader(reader._encoder)
    alone = [again.read(TRAIN, [one])[0] for one in others]
    for one, other in zip(together, alone, strict=True):
        assert one == other
    assert reader.read(TRAIN, []) == []


@pytest.mark.parametrize("question", ["x" * 1000, "㎯" * 1000, "a b " * 250, "?"])
def test_no_question_is_too_long_or_too_odd(reader: Reader, question: str) -> None:
    endless = PASSAGE + " E poi." * 400
    spans = [*sentences(PASSAGE), Span(len(endless) - 6, len(endless))]
    (readings,) = reader.read(question, [Page("", endless, spans)])
    assert readings[-1].score == NOT_READ and readings[-1].span == spans[-1]
    assert all(-NOT_READ > reading.score > NOT_READ for reading in readings[:1])


@pytest.mark.parametrize(
    ("text", "told", "whole"),
    [
        ("Il ministro Shoigu, arrivato", "ro Shoigu, ", "ministro Shoigu"),
        ("costa 1.500 euro.", "500", "1.500"),
        ("il confine nord-orientale.", "nord", "nord-orientale"),
        ("erano -5 gradi", " -5 ", "-5"),
        ("vale $20 milioni (circa)", "$20 milioni (", "$20 milioni"),
        ("il 50% dei voti", "50%", "50%"),
        ("detto «caro compagno» e", "«caro compagno»", "«caro compagno»"),
        ("detto «caro compagno» e", "«caro compagno", "«caro compagno»"),
        ("a “rimettersi in piedi”.", "a “rimettersi in piedi", "a “rimettersi in piedi”"),
        ("(detto «compagno»)", "compagno", "compagno"),
        ("nella citta\u0300 vecchia", "citta", "citta\u0300"),
        ("dell’incontro", "contro", "incontro"),
        ("dell’incontro", "ell’incontro", "dell’incontro"),
        ("nulla – … qui", " – … ", None),
    ],
)
def test_words_are_whole(text: str, told: str, whole: str | None) -> None:
    start = text.index(told)
    found = whole_words(text, Span(0, len(text)), Span(start, start + len(told)))
    assert (text[found.start : found.end] if found else None) == whole


def test_words_do_not_leave_their_sentence() -> None:
    found = whole_words("Prima.Poi", Span(0, 6), Span(3, 9))
    assert found == Span(0, 5)


def test_eight_bits_are_near_to_the_weights() -> None:
    torch.manual_seed(0)
    weights = {"matrix": torch.randn(40, 64), "vector": torch.randn(8), "zeros": torch.zeros(2, 3)}
    packed = pack(weights)
    assert packed["matrix"].dtype == torch.int8
    unpacked = unpack(packed, torch.float32)
    assert unpacked.keys() == weights.keys()
    assert torch.equal(unpacked["vector"], weights["vector"])
    assert torch.equal(unpacked["zeros"], weights["zeros"])
    steps = weights["matrix"].abs().amax(dim=1, keepdim=True) / 127
    assert ((unpacked["matrix"] - weights["matrix"]).abs() <= steps / 2 + 1e-6).all()


def test_it_was_trained_on_the_token_embeddings_that_it_is_given() -> None:
    with safe_open(PACKED / WEIGHTS, "pt") as file:
        assert file.metadata() == {"embeddings": checksum(MODEL, learnt=False)}


def test_its_scores_are_those_of_pytorch(stock: Path, reader: Reader) -> None:
    """In whole numbers, twice, the rest with the rest: as in fp32 but for the last digits."""
    weights = unpack(torch_file(PACKED / WEIGHTS), torch.float32)
    model = BertForQuestionAnswering.from_pretrained(str(stock))
    assert model.load_state_dict(weights, strict=False)[0] == [f"bert.{WORDS}"]
    long = "Il forum si apre a Vladivostok. " * 40
    for text in (PASSAGE, long, "Sì."):
        encoding, starts, ends = reader._score(TRAIN, text)
        with torch.inference_mode():
            out = model.eval()(input_ids=torch.tensor([encoding.ids]))
        assert np.abs(starts - out.start_logits[0].numpy()).max() < 0.05
        assert np.abs(ends - out.end_logits[0].numpy()).max() < 0.05


def test_many_may_read_at_once(reader: Reader) -> None:
    questions = [f"{TRAIN} {number}" for number in range(12)]
    page = Page("", PASSAGE, sentences(PASSAGE))
    with ThreadPoolExecutor(6) as threads:
        together = list(threads.map(lambda asked: reader.read(asked, [page]), questions))
    again = Reader(reader._encoder)
    assert together == [again.read(asked, [page]) for asked in questions]


def test_damage_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "model"
    shutil.copytree(PACKED, broken)
    data = (broken / WEIGHTS).read_bytes()
    (broken / WEIGHTS).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelError, match="does not match its checksum: install Virgolette again"):
        Reader(packed=broken).load()
    shutil.copyfile(PACKED / WEIGHTS, broken / WEIGHTS)
    (broken / GRAPH).write_bytes(b"half")
    with pytest.raises(ModelError, match=r"reader.onnx does not match its checksum: install"):
        Reader(packed=broken).load()
    (broken / GRAPH).unlink()
    with pytest.raises(ModelError, match=r"cannot read .*reader.onnx.* Install Virgolette again"):
        Reader(packed=broken).load()
    (broken / MARKER).unlink()
    with pytest.raises(ModelError, match="cannot read the reader"):
        Reader(packed=broken).load()


def shown(answer: Answer) -> list[str]:
    """The words of the first quotation that are set off."""
    quote = answer.quotes[0]
    return [quote.text[span.start : span.end] for span in marked_words(answer, quote)]


def test_its_words_are_the_answer_and_set_off_in_the_quotation(
    chain: AnswerChain, data_dir: Path, embedder: Embedder
) -> None:
    answer = chain.invoke(Question.parse(GOES))
    assert answer.answer == "Vladivostok" and answer.answer in answer.quotes[0].text
    assert shown(answer) == [answer.answer] and not answer.differing
    index = CurrentIndex(data_dir)
    without = AnswerChain(index, embedder).invoke(Question.parse(GOES))
    index.close()
    assert without.answer is None


def test_words_that_are_not_likely_to_answer_are_no_answer(chain: AnswerChain) -> None:
    answer = chain.invoke(Question.parse(RESOLUTIONS))
    assert answer.quotes[0].text.startswith("Stati Uniti, Gran Bretagna")
    assert answer.answer is None and "risoluzioni" in shown(answer)


def test_why_is_answered_with_a_clause(chain: AnswerChain) -> None:
    answer = chain.invoke(Question.parse("Perché Kim cerca di avvicinarsi a Russia e Cina?"))
    assert answer.answer and "rafforzare la sua posizione" in answer.answer


def test_yes_or_no_has_no_short_answer(chain: AnswerChain) -> None:
    answer = chain.invoke(Question.parse("Il treno blindato va a Vladivostok?"))
    assert "Vladivostok" in answer.quotes[0].text and answer.answer is None


def test_it_can_be_switched_off(indexed_place: Workplace) -> None:
    asked = ("ask", GOES, "--json")
    (told,) = indexed_place.json(*asked)
    assert told["answer"] == "Vladivostok"
    done = indexed_place.run(*asked, VIRGOLETTE_READER="off")
    assert '"answer": null' in done.stdout and "Vladivostok" in done.stdout
