"""Passages are runs of whole sentences that cover the article and fit the model."""

import itertools
from pathlib import Path

import pytest

from index.articles.article import Article, read_article
from index.generations.passages import TARGET_TOKENS, split_article
from index.models.embedder import Embedder
from index.text.clean import is_boilerplate
from index.text.sentences import sentences
from tests.conftest import ROOT

ARTICLES = sorted((ROOT / "corpus").glob("*.txt"))


@pytest.mark.parametrize("file", ARTICLES, ids=lambda file: file.name[:3])
def test_passages_cover_the_article(file: Path, embedder: Embedder) -> None:
    article = read_article(file.read_bytes(), file.name)
    covered: set[int] = set()
    for passage in split_article(article, embedder.count_tokens, embedder.max_tokens):
        assert article.text[passage.start : passage.end] == passage.text
        covered.update(range(passage.start, passage.end))
    missed = "".join(c if i not in covered else "\n" for i, c in enumerate(article.text))
    assert all(is_boilerplate(line) for line in missed.split("\n") if line.strip())


@pytest.mark.parametrize("file", ARTICLES, ids=lambda file: file.name[:3])
def test_sentences_are_whole_and_passages_fit(file: Path, embedder: Embedder) -> None:
    article = read_article(file.read_bytes(), file.name)
    whole = set(sentences(article.text))
    passages = split_article(article, embedder.count_tokens, embedder.max_tokens)
    assert {span for passage in passages for span in passage.sentences} == whole
    counts = embedder.count_tokens([passage.text for passage in passages])
    assert max(counts) <= TARGET_TOKENS + 5  # a sum of parts is not quite the whole
    assert len({passage.id for passage in passages}) == len(passages)


def test_neighbours_share_a_sentence(embedder: Embedder) -> None:
    text = " ".join(
        f"Questa è la frase numero {n} di un lungo articolo di prova." for n in range(60)
    )
    passages = split_article(Article("a.txt", text, "t"), embedder.count_tokens, 512)
    assert len(passages) > 2
    for one, other in itertools.pairwise(passages):
        assert one.sentences[-1] == other.sentences[0]


@pytest.mark.parametrize("text", ["parola " * 3000, "x" * 9000, "漢" * 3000, "1234567890" * 400])
def test_words_without_stops_are_cut_to_what_the_model_reads(text: str, embedder: Embedder) -> None:
    article = Article("a.txt", text, "t")
    passages = split_article(article, embedder.count_tokens, embedder.max_tokens)
    counts = embedder.count_tokens([passage.text for passage in passages])
    assert max(counts) <= embedder.max_tokens - 10
    spans = sorted({span for passage in passages for span in passage.sentences})
    joined = "".join(text[span.start : span.end] for span in spans)
    assert "".join(joined.split()) == "".join(text.split())
