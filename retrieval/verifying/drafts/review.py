"""Checks the quotations of a draft against the articles: no model is needed, nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.text.language import pattern
from index.text.sentences import Span, sentences
from index.text.wording import wording
from index.text.words import terms
from retrieval.answer import Quotation
from retrieval.answering.search import best_rows
from retrieval.verifying.claim import Claim, named_outlets
from retrieval.verifying.drafts.attribution import (
    is_full_name,
    masked,
    other_speaker,
    sentences_around,
)
from retrieval.verifying.drafts.draft import quotations
from retrieval.verifying.drafts.kinds import is_speech
from retrieval.verifying.drafts.outcome import Checked, Review
from retrieval.verifying.drafts.reading import Draft
from retrieval.verifying.drafts.scanner import Quoted
from retrieval.verifying.occurrences import MAX_PASSAGES
from retrieval.verifying.outcome import ClaimError, Piece, Verdict, Verification
from retrieval.verifying.verification import SOUND, verify_claim

MAX_DRAFT = 400_000  # characters: a book
MAX_CHECKED = 300  # quotations: a minute or two in 100,000 passages
MAX_QUOTED = 5000  # characters of a quotation
MAX_INTERRUPTION = 200  # characters between two parts of a quotation: », ha detto Kim, «
MIN_SENTENCE = 5  # words of what looks like a title or a term, to be altered from a sentence


def review_in(index: CurrentIndex, draft: Draft) -> Review:
    """Check a draft against the current generation. Raises ClaimError."""
    with index.reading() as generation:
        if generation is None:
            raise ClaimError("no_index", "there is no index yet: run virgolette index")
        return review(draft, generation)


def review(draft: Draft, generation: Generation) -> Review:
    """Check the quotations of a draft. Raises ClaimError: it is empty, or too long."""
    text = draft.text
    if not text.strip():
        raise ClaimError("empty_draft", "the draft holds no text")
    if len(text) > MAX_DRAFT:
        raise ClaimError(
            "long_draft", f"the draft has {len(text)} characters: check {MAX_DRAFT} or fewer"
        )
    found = quotations(text)
    short = [quoted for quoted in found if quoted.end - quoted.start <= MAX_QUOTED]
    worded = [quoted for quoted in short if wording(quoted.words(text))]
    results = _Checkup(draft, worded[:MAX_CHECKED], generation).results()
    unchecked = len(found) - len(short) + max(len(worded) - MAX_CHECKED, 0)
    return Review(tuple(results), unchecked, draft.lines_above is not None)


@dataclass(frozen=True)
class _Checkup:
    """A draft and its quotations, with what is read once for all of them."""

    draft: Draft
    quotations: Sequence[Quoted]
    generation: Generation

    @cached_property
    def masked(self) -> str:
        return masked(self.draft.text, self.quotations)

    @cached_property
    def sentences(self) -> list[Span]:
        return sentences_around(self.masked, self.quotations)

    def results(self) -> Iterator[Checked]:
        for group in self._interrupted():
            joined = self._joined(group)
            yield from (self._checked(number, joined) for number in group)

    def _interrupted(self) -> Iterator[list[int]]:
        """The numbers of the quotations, together where one goes on after ", ha detto Kim, "."""
        group = [0] if self.quotations else []
        for number in range(1, len(self.quotations)):
            gap = self.draft.text[self.quotations[number - 1].end : self.quotations[number].start]
            joins = len(gap) <= MAX_INTERRUPTION and "\n\n" not in gap
            if not (joins and pattern("speaks").search(gap)):
                yield group
                group = []
            group.append(number)
        if group:
            yield group

    def _joined(self, group: Sequence[int]) -> Verification | None:
        """What all parts of an interrupted quotation are together, if the articles have it."""
        if len(group) < 2:
            return None
        text = " … ".join(self.quotations[number].words(self.draft.text) for number in group)
        result = self._verified(text, self._outlets(group[0]))
        return result if result.verdict in SOUND else None

    def _checked(self, number: int, joined: Verification | None) -> Checked:
        quoted = self.quotations[number]
        text = quoted.words(self.draft.text)
        if not (Claim.parse(text, short=True).is_sentence or terms(text)):  # "sì", "che non"
            return self._result(quoted, None)
        speech = is_speech(quoted, self.draft.text, self.sentences[number])
        is_name = not speech and len(wording(text)) < MIN_SENTENCE
        result = self._verified(text, () if is_name else self._outlets(number))
        if joined and result.verdict not in SOUND:
            piece = Piece(0, len(text), joined.quotes)
            result = replace(joined, claim=text, pieces=(piece,))
        if result.verdict in SOUND:
            names = self._speakers(number, result) if speech else ("", "")
            return self._result(quoted, result, *names)
        is_judged = speech or not (is_name or result.verdict is Verdict.NOT_FOUND)
        return self._result(quoted, result if is_judged else None)

    def _result(self, quoted: Quoted, result: Verification | None, *names: str) -> Checked:
        """What comes of a quotation, with its position and its letters in the draft."""
        position, words = self.draft.position(quoted.start), quoted.words(self.draft.text)
        looked_for = (words, _without_insertions(words))
        ats = [text.find(result.claim) for text in looked_for] if result else []
        base = quoted.start + max([0, *ats])
        text = self.draft.text[quoted.start : quoted.end]
        return Checked(
            text, quoted.start, quoted.end, position, quoted.closed, base, result, *names
        )

    def _verified(self, text: str, outlets: Sequence[str]) -> Verification:
        """The result for a quotation, with or without what its author has put in brackets."""
        result = verify_claim(text, outlets, self.generation, short=True)
        if result.verdict in SOUND or "[" not in text:
            return result
        bare = _without_insertions(text)
        if not wording(bare) or bare == text:
            return result
        without = verify_claim(bare, outlets, self.generation, short=True)
        return min(without, result, key=_badness)

    def _outlets(self, number: int) -> tuple[str, ...]:
        """The outlets named beside a quotation: behind a semicolon another one begins."""
        clause = self._clause(number)
        return named_outlets(self.masked[clause.start : clause.end], self.generation.sources)

    def _clause(self, number: int) -> Span:
        """The part of the sentence between semicolons that a quotation stands in."""
        span, quoted = self.sentences[number], self.quotations[number]
        start = self.masked.rfind(";", span.start, quoted.start) + 1
        end = self.masked.find(";", quoted.start, span.end)
        return Span(start or span.start, span.end if end < 0 else end)

    def _speakers(self, number: int, result: Verification) -> tuple[str, str]:
        """Who says it in the draft, and who in the articles, if surely somebody else."""
        clause = self._clause(number)
        is_first = clause.start == self.sentences[number].start
        before = self._sentence_before(clause) if is_first else ""
        texts = [self._written(quote) for quote in result.quotes]
        names = other_speaker(self.masked[clause.start : clause.end], before, texts)
        if names is None or named_outlets(names[0], self.generation.sources):
            return "", ""
        articles = [self.generation.store.article(quote.article) for quote in result.quotes]
        read = [self.draft.text, *(article.text for article in articles if article)]
        is_person = is_full_name(names[0], read) or is_full_name(
            names[0], self._naming(names[0]), inside=True
        )
        return names if is_person else ("", "")

    def _naming(self, name: str) -> list[str]:
        """The passages that have most of the name: a draft may have a surname only."""
        rows = best_rows(self.generation.keywords.shared(terms(name)), MAX_PASSAGES)
        return [passage.text for passage in self.generation.store.passages(rows.tolist())]

    def _sentence_before(self, span: Span) -> str:
        """The sentence before one in its paragraph, masked; "" where there is none."""
        paragraph = self.masked[: span.start].rpartition("\n")[2]
        return paragraph[sentences(paragraph)[-1].start :] if paragraph.strip() else ""

    def _written(self, quote: Quotation) -> str:
        """The sentence of an article around a quotation, masked, with who speaks in it.

        One that is nothing but a quotation goes on with the words of the speaker before it.
        """
        article = self.generation.store.article(quote.article)
        if article is None:
            return ""
        start = article.text.rfind("\n", 0, quote.start) + 1
        paragraph = article.text[start : quote.end]
        paragraph += article.text[quote.end :].partition("\n")[0]
        quoted = quotations(paragraph)
        words = masked(paragraph, quoted)
        span = Quoted(quote.start - start, quote.end - start)
        (around,) = sentences_around(words, [span])
        sentence = words[around.start : around.end]
        if any(map(str.isalpha, sentence)):
            return sentence
        before = words[: around.start].strip()
        return before[sentences(before)[-1].start :] if before else ""


def _badness(result: Verification) -> tuple[int, int]:
    return list(Verdict).index(result.verdict), sum(each.size for each in result.differences)


def _without_insertions(text: str) -> str:
    """The text with blanks for what stands in brackets, except an ellipsis."""
    parts: list[str] = []
    at = 0
    while (start := text.find("[", at)) >= 0 and (end := text.find("]", start)) >= 0:
        inside = text[start + 1 : end]
        gap = text[start : end + 1] if not wording(inside) else " " * (end + 1 - start)
        parts += text[at:start], gap
        at = end + 1
    return "".join([*parts, text[at:]])
