"""What a sentence takes over from what introduces it: a name, a question, a time, a table's head.

The reader weighs each sentence by itself; it has learnt neither interviews nor tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from index.text.sentences import is_labelled_row, is_table_row
from index.text.words import terms
from retrieval.answering.article_lines import is_entry
from retrieval.answering.candidates import Sentence, adjoin, refers_back


def with_introductions(sentences: Sequence[Sentence], question: str) -> list[Sentence]:
    """The sentences, each with the evidence of what is quoted with it."""
    in_text_order = sorted(sentences, key=lambda sentence: sentence.key)
    found = {
        sentence.key: _introduced(sentence, in_text_order[:number])
        for number, sentence in enumerate(in_text_order)
    }
    found |= {row.key: row for row in _chosen_rows(list(found.values()), question)}
    return [found[sentence.key] for sentence in sentences]


def _introduced(sentence: Sentence, preceding: Sequence[Sentence]) -> Sentence:
    """The sentence with the evidence of the one before it that it needs, or of its lead."""
    if not preceding or preceding[-1].article.path != sentence.article.path:
        return sentence
    before, lead = preceding[-1], sentence.lead
    if lead is None:
        refers = adjoin(before, sentence) and refers_back(sentence.text)
        return _joined(before, sentence) if refers else sentence
    if lead == before.span and is_entry(before.text):
        return _joined(before, sentence)
    if before.heading and "?" in before.text:
        # Where the question in the text is like the one asked, what follows answers both.
        asked = [
            s.evidence.reader
            for s in preceding
            if s.article.path == sentence.article.path and lead.start <= s.span.start
        ]
        reader = max([sentence.evidence.reader, *asked])
        return replace(sentence, evidence=replace(sentence.evidence, reader=reader))
    return sentence


def _joined(before: Sentence, sentence: Sentence) -> Sentence:
    """The sentence before says who "he" is, or when, so it may hold the words that answer."""
    better = max(sentence, before, key=lambda candidate: candidate.evidence.reader)
    best = better.evidence
    evidence = replace(sentence.evidence, reader=best.reader, lead=best.lead)
    return replace(sentence, evidence=evidence, answer=better.answer, before=before.span)


def _is_row(sentence: Sentence) -> bool:
    is_row = is_table_row(sentence.text) or is_entry(sentence.text)
    return is_labelled_row(sentence.text) or (is_row and not sentence.heading)


def _chosen_rows(sentences: Sequence[Sentence], question: str) -> list[Sentence]:
    """Rows of tables and entries: those with most of the question's words answer as any does.

    The others do not answer: the reader does not see which row is asked for.
    """
    rows = [s for s in sentences if _is_row(s)]
    wanted = set(terms(question))
    shared = [len(wanted & set(terms(row.text))) for row in rows]
    most = max(shared, default=0)
    if not most:
        return []
    reader = max(row.evidence.reader for row in rows)
    return [
        replace(row, evidence=replace(row.evidence, reader=reader))
        if count == most
        else replace(row, heading=True)
        for row, count in zip(rows, shared, strict=True)
    ]
