"""Quotations taken along: what a receipt holds, and what becomes of it when the articles change."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from bot.documents.receipt import receipt_markdown
from bot.locales import texts
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from index.text.sentences import Span
from retrieval.answer import Quotation
from retrieval.answering.quotations import slice_of
from retrieval.verifying.receipts.judging import judge_in
from retrieval.verifying.receipts.record import ReceiptError, Record, receipt_of, records_in
from tests.conftest import ITALIAN, Workplace

QUESTION = "Dove va il treno blindato?"
DAY = datetime.date(2023, 9, 13)
SENTENCE = "Il ponte di via Roma resterà chiuso fino al 12 maggio per lavori urgenti."
AROUND = "La decisione è del consiglio comunale.", "I tecnici hanno cominciato ieri."
FIELDS = {"id", "type", "title", "container-title", "issued", "accessed", "URL", "note", "custom"}


def written(path: Path, *sentences: str, url: str = "") -> None:
    head = f"---\nsource: Eco\ndate: 2023-09-12\nurl: {url}\n---\n" if url else ""
    path.write_text(head + " ".join(sentences), encoding="utf-8")


def record_in(index: CurrentIndex, path: str) -> Record:
    with index.reading() as generation:
        article = generation.store.article(path) if generation else None
    assert article is not None
    start = article.text.rindex("Il ponte")
    return Record(slice_of(article, Span(start, start + len(SENTENCE))), DAY)


def test_what_becomes_of_a_quotation_is_told_apart(embedder: Embedder, tmp_path: Path) -> None:
    corpus, data = tmp_path / "corpus", tmp_path / "data"
    corpus.mkdir()
    names = "same kept moved renamed readdressed altered stops removed gone".split()
    for name in names:  # each with words of its own: near-duplicates are one text
        own = f"Così scrive il giornale di {name} nella sua edizione della sera, {name} compreso."
        url = "https://example.org/ponte" if name == "readdressed" else ""
        before = SENTENCE if name == "same" else AROUND[0]  # it has the sentence twice
        written(corpus / f"{name}.txt", before, SENTENCE, AROUND[1], own, url=url)
    sync(Locations(corpus, data), embedder)
    with closing(CurrentIndex(data)) as index:
        taken = [record_in(index, f"{name}.txt") for name in names]
        receipt = receipt_of(taken)
        standings = {each.standing.value for each in judge_in(index, records_in(receipt, "r"))}
        assert standings == {"same"}
        altered = SENTENCE.replace("12 maggio", "20 giugno")
        written(corpus / "kept.txt", AROUND[0], SENTENCE, "Ma domani cambierà tutto di nuovo.")
        written(corpus / "moved.txt", "Aggiornamento delle ore 12.", AROUND[0], SENTENCE)
        (corpus / "renamed.txt").rename(corpus / "other.txt")
        (corpus / "readdressed.txt").unlink()
        written(corpus / "new.txt", AROUND[1], SENTENCE, url="https://example.org/ponte")
        written(corpus / "altered.txt", AROUND[0], altered, AROUND[1])
        written(corpus / "stops.txt", AROUND[0], SENTENCE.replace("Roma", "ROMA"))
        written(corpus / "removed.txt", AROUND[0], "Nevica da tre giorni sulle montagne.")
        (corpus / "gone.txt").unlink()
        sync(Locations(corpus, data), embedder)
        judged = dict(zip(names, judge_in(index, records_in(receipt, "r")), strict=True))
    expected = {**{name: name for name in names}, "readdressed": "renamed", "stops": "altered"}
    assert {name: each.standing.value for name, each in judged.items()} == expected
    stands = {name for name, each in judged.items() if each.standing.stands}
    assert stands == {"same", "kept", "moved", "renamed", "readdressed"}
    for name in stands:
        now = judged[name].now
        assert now is not None and now.text == SENTENCE
    assert judged["renamed"].now and judged["renamed"].now.article == "other.txt"
    assert judged["moved"].now and judged["moved"].now.start > taken[2].quote.start
    changes = [(each.said, each.written) for each in judged["altered"].differences]
    assert changes == [("12 maggio", "20 giugno")]
    assert judged["stops"].differences == ()
    for name in ("altered", "removed", "gone"):
        assert {quote.text for quote in judged[name].elsewhere} == {SENTENCE}
        assert "same.txt" in {quote.article for quote in judged[name].elsewhere}


def quotation(text: str, **fields: Any) -> Quotation:
    values = {"source": "Eco", "title": "Titolo", "date": "2023-09-12", "url": None} | fields
    return Quotation(
        text=text, article="a/b.txt", start=7, end=7 + len(text), sha256="ab" * 32, score=0.0,
        **values,
    )  # fmt: skip


def test_a_receipt_is_csl_json_that_comes_back_as_it_was() -> None:
    quote = quotation(
        "«È così»,\n disse 🦊.", url="https://e.org/a", link="https://e.org/a#:~:text=x"
    )
    record = Record(quote, DAY)
    undated = Record(quotation("Un'altra frase.", source=None, date=None), DAY)
    data = receipt_of([record, undated, record])
    assert records_in(data, "r.json") == [record, undated]
    first, second = json.loads(data)
    assert set(first) == FIELDS and set(second) < FIELDS
    assert first["type"] == "article-newspaper" and first["container-title"] == "Eco"
    assert first["issued"] == {"date-parts": [[2023, 9, 12]]}
    assert first["accessed"] == {"date-parts": [[2023, 9, 13]]}
    assert first["URL"] == "https://e.org/a#:~:text=x" and first["id"] != second["id"]


def test_no_receipt_has_a_book_for_a_quotation() -> None:
    data = receipt_of([Record(quotation("parola " * 100_000), DAY)])
    with pytest.raises(ReceiptError, match=r"r.json #1 is no quotation: it has 700000 characters"):
        records_in(data, "r.json")


def test_markdown_shows_the_quotation_to_the_letter() -> None:
    text = "# 1. *Non* [è](x) <b>così</b> & `mai` _più_ | 5 ~~no~~ \\ $x$\n- E\u00a0poi:\n2) basta!"
    record = Record(quotation(text, link="https://e.org/a#:~:text=non%20%C3%A8"), DAY)
    markdown = receipt_markdown([record], texts("it"))
    tokens = MarkdownIt("commonmark").parse(markdown)
    kinds = [token.type for token in tokens]
    inside = tokens[kinds.index("blockquote_open") : kinds.index("blockquote_close")]
    (inline,) = (token for token in inside if token.type == "inline")
    shown = "".join(
        "\n" if child.type == "hardbreak" else child.content for child in inline.children or ()
    )
    assert shown == f"{text}[^1]"
    note = next(line for line in markdown.splitlines() if line.startswith("[^1]: "))
    for part in ("Eco", "“Titolo”", "2023-09-12", "<https://e.org/a#", "7–", "ab" * 32, str(DAY)):
        assert part in note


@pytest.fixture
def receipt(indexed_place: Workplace) -> Iterator[Path]:
    file = indexed_place.path / "r.json"
    done = indexed_place.run("ask", QUESTION, "--json", "--receipt", "r.json")
    assert done.returncode == 0 and json.loads(done.stdout)["answer"] == "Vladivostok"
    assert done.stderr == "Quotations written to r.json: 1.\n"
    yield file


def test_the_command_line_writes_a_receipt_and_verifies_it(
    indexed_place: Workplace, receipt: Path
) -> None:
    sound = indexed_place.run("verify", "--receipt", "r.json", **ITALIAN)
    assert sound.returncode == 0 and "Ci sono ancora tutte: 1." in sound.stdout
    (record,) = records_in(receipt.read_bytes(), "r.json")
    (indexed_place.corpus / record.quote.article).unlink()
    assert indexed_place.run("index").returncode == 0
    gone = indexed_place.run("verify", "--receipt", "-", "--json", stdin=receipt.read_bytes())
    assert gone.returncode == 1
    told = json.loads(gone.stdout)
    assert told["all_stand"] is False and told["quotations"][0]["standing"] == "gone"
    assert told["quotations"][0]["text"] == record.quote.text
    refused = indexed_place.run("ask", "Quanto dura il volo?", "--receipt", "no.json")
    assert refused.returncode == 0 and "no.json was not written" in refused.stderr
    assert not (indexed_place.path / "no.json").exists()
    wrong = indexed_place.run("ask", QUESTION, "--receipt", "nowhere/r.json")
    assert wrong.returncode == 2 and wrong.stdout == "" and "nowhere" in wrong.stderr


def test_what_is_no_receipt_is_refused_in_a_line(indexed_place: Workplace, receipt: Path) -> None:
    sound = receipt.read_text(encoding="utf-8")
    foreign = '[{"id": 1, "type": "book", "custom": {"x": 1}}, 7, null]'
    cases = {
        "": "not JSON",
        "[" * 100_000: "not JSON",
        foreign: "no quotation",
        "0" * (20 << 20): "more than 10 MB",
        sound.replace("blindato", "corazzato"): "damaged",
        sound.replace('"start": 70', '"start": "x"'): "damaged",
        sound.replace('"version": 1', '"version": 2'): "later version",
        sound.replace('"text"', '"txt"'): "damaged",
    }
    for content, reason in cases.items():
        receipt.write_text(content, encoding="utf-8")
        done = indexed_place.run("verify", "--receipt", "r.json")
        assert done.returncode == 2 and done.stdout == "", reason
        assert reason in done.stderr and len(done.stderr.splitlines()) == 1
    missing = indexed_place.run("verify", "--receipt", "nothing.json")
    assert missing.returncode == 2 and "nothing.json cannot be read" in missing.stderr
    both = indexed_place.run("verify", "Una frase.", "--receipt", "r.json")
    assert both.returncode == 2 and "--receipt FILE" in both.stderr
    mixed = json.dumps([*json.loads(sound), *json.loads(foreign)])
    receipt.write_text(mixed, encoding="utf-8")
    assert indexed_place.run("verify", "--receipt", "r.json").returncode == 0


def test_the_repl_keeps_quotations_and_writes_them(indexed_place: Workplace) -> None:
    typed = ["/tieni", "/esporta a.md", QUESTION, "/tieni 7", "/tieni", "/tieni 1"]
    typed += ["/esporta", "/esporta a.md", "/esporta b.json", "/esporta nowhere/c.md"]
    told = indexed_place.run("chat", stdin="\n".join(typed), VIRGOLETTE_LANGUAGE="en").stdout
    told = " ".join(told.split())
    assert told.count("nothing to keep yet") == 2 and "no quotation 7" in told
    assert told.count("Quotations kept: 1.") == 2 and "name of a file" in told
    assert "nowhere/c.md cannot be written: No such file or directory" in told
    markdown = (indexed_place.path / "a.md").read_text(encoding="utf-8")
    assert "[^1]: " in markdown and "treno blindato" in markdown
    assert indexed_place.run("verify", "--receipt", "b.json").returncode == 0
