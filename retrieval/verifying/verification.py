"""Verifies whether a sentence is in the articles: verbatim, altered, stitched, or not at all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from index.errors import StorageError
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.text.language import pattern, vocabulary
from index.text.sentences import Span
from index.text.wording import Word, differences, same_letters, wording
from index.text.words import terms
from retrieval.answer import Quotation
from retrieval.answering.quotations import is_verbatim, slice_of
from retrieval.verifying.claim import CLOSING, OPENING, Claim, Request, is_long
from retrieval.verifying.occurrences import (
    Occurrence,
    likely_windows,
    longest_beginning,
    most_similar,
    nearest_sentence,
    occurrences,
    sentence_around,
)
from retrieval.verifying.outcome import ClaimError, Piece, Verdict, Verification

ENOUGH = 100  # articles with the words, to choose those that are shown
MAX_QUOTES = 10  # articles with the words that are shown
MIN_SIMILARITY = 0.6  # of the words and their order, for an altered sentence
MIN_BESIDE_NAME = 0.5  # the same, where the other words are a name
MIN_SHARED_TERMS = 0.5  # of the words that are no stop words, too
MIN_PIECE = 4  # words that stand together, for a sentence stitched of them
MIN_RUN = 2  # words that stand together, for a sentence that leaves words out
MAX_PIECES = 4
MAX_DROPPED = 5  # words between two pieces that are one altered sentence, not two stitched ones
MAX_INTERJECTION = 200  # characters between two quotations of one utterance: ”, ha detto Kim, “
MAX_DENIED = 3  # words between a negation and what it denies
BEGINNING = 12  # words by which the passage of the first piece is found

SOUND = (Verdict.VERBATIM, Verdict.PUNCTUATION)
_BREAKS = '.!?:;“”«»"'
_PAUSES = ",;:.!?–—()[]" + OPENING[:5] + CLOSING[:5]


def verify_in(index: CurrentIndex, sentence: str) -> Verification:
    """Look for a sentence in the current generation. Raises ClaimError."""
    with index.reading() as generation:
        if generation is None:
            raise ClaimError("no_index", "there is no index yet: run virgolette index")
        return verify(sentence, generation)


def verify(text: str, generation: Generation, outlets: Collection[str] = ()) -> Verification:
    """Look for a sentence in all articles of a generation; no model is needed.

    Words in quotation marks, if any, are the sentence; ``outlets``, or else an outlet named beside
    it, are where it should be. Of several quotations that do not stand together, the worst one is
    the result. Raises ClaimError if there is nothing to look for.
    """
    request = Request.parse(text, generation.sources)
    if whole := _whole(request, tuple(outlets), generation):
        return whole
    request = replace(request, outlets=tuple(outlets) or request.outlets)
    quotations = request.quotations
    result = verify_claim(" … ".join(quotations), request.outlets, generation)
    if len(quotations) > 1 and result.verdict not in SOUND:
        each = [verify_claim(q, request.outlets, generation) for q in quotations if is_long(q)]
        result = max(each, key=lambda single: list(Verdict).index(single.verdict))
        result = replace(result, several=len(each) > 1)
    return replace(result, partial=request.beside > 0)


def _whole(
    request: Request, outlets: tuple[str, ...], generation: Generation
) -> Verification | None:
    """The result for all words, if the articles have those beside the quotation marks, too."""
    if not request.beside:
        return None
    search = _Search(Claim.parse(request.line), outlets, generation)
    whole = search.standing() or search.altered()
    if whole is None or sum(each.size for each in whole.differences) > request.beside / 2:
        return None
    return whole


def verify_claim(
    text: str, outlets: Collection[str], generation: Generation, *, short: bool = False
) -> Verification:
    """Look for the words of one quotation, which should be in one of the outlets, if any.

    Ellipses stand for omitted words. White space and the shape of quotation marks and apostrophes
    do not count. ``short``: a word or a number is looked for as it stands. Raises ClaimError.
    """
    search = _Search(Claim.parse(text, short=short), tuple(outlets), generation)
    if not search.claim.is_sentence:
        return search.standing() or search.not_found()
    return search.standing() or search.pieced() or search.altered() or search.not_found()


@dataclass(frozen=True)
class _Search:
    """The ways in which a claim may be found, to be tried in this order."""

    claim: Claim
    outlets: tuple[str, ...]
    generation: Generation

    def standing(self) -> Verification | None:
        """The words stand together, with ellipses between the parts."""
        found = occurrences(self.claim.parts, self.generation, None if self.outlets else ENOUGH)
        if not found:
            return None
        exact = [self._has_letters(self.claim.parts, occurrence) for occurrence in found]
        numbers = sorted(
            range(len(found)),
            key=lambda n: (found[n].article.source not in self.outlets, not exact[n], n),
        )[:MAX_QUOTES]
        denied = {n: self._denial(found[n]) for n in numbers}
        numbers.sort(key=lambda n: denied[n] is not None)
        if denial := denied[numbers[0]]:
            return self._changed(denial)
        verdict = Verdict.VERBATIM if exact[numbers[0]] else Verdict.PUNCTUATION
        return self._result(verdict, [found[n] for n in numbers if denied[n] is None])

    def pieced(self) -> Verification | None:
        """The words stand in the articles in pieces."""
        pieces: list[Sequence[Word]] = list(self.claim.parts)
        if len(pieces) == 1:
            words, pieces = pieces[0], self._pieces(pieces[0], MAX_PIECES)
            if min(map(len, pieces), default=0) < MIN_PIECE:
                pieces = self._linked(words) or pieces
            if pieces and (near := occurrences(pieces, self.generation)):
                return self._joined(pieces, self._preferred(near)[0])
        found = [occurrences([piece], self.generation) for piece in pieces]
        stitched = self._stitched(pieces, found) if found and all(found) else None
        if stitched and len(self.claim.parts) == 1 and any(map(self._is_name, pieces)):
            return self.altered(MIN_BESIDE_NAME) or stitched  # a name in the stead of another one
        return stitched

    def altered(self, least: float = MIN_SIMILARITY) -> Verification | None:
        """Most of the words stand together: at least this share of them."""
        words = self.claim.words
        similar = most_similar(words, likely_windows(words, self.generation))
        if similar is None or similar[0] < least:
            return None
        said, written = set(terms(self.claim.text)), set(terms(similar[1].text))
        if len(said & written) < MIN_SHARED_TERMS * len(said):
            return None
        return self._changed(similar[1])

    def not_found(self) -> Verification:
        """At most a sentence on the same."""
        nearest = nearest_sentence(self.claim.words, self.generation)
        language = self.generation.language
        return Verification(
            self.claim.text,
            Verdict.NOT_FOUND,
            nearest=self._quotation(nearest) if nearest else None,
            articles_in="" if _is_in(language, self.claim.text) else language,
        )

    def _pieces(self, words: Sequence[Word], most: int) -> list[Sequence[Word]]:
        """The fewest runs of words that each stand in some article; none if there are none."""
        windows = likely_windows(words, self.generation)
        windows += likely_windows(words[:BEGINNING], self.generation)
        longest = longest_beginning(words, windows)
        for length in range(longest, max(longest - 3, MIN_RUN - 1), -1):
            # A piece may begin with the words that the one before it goes on with. A short one is
            # a piece only of the same sentence.
            first, rest = words[:length], words[length:]
            needed = [rest] if len(rest) >= MIN_PIECE else [first, rest]
            if len(rest) >= MIN_RUN and occurrences(needed, self.generation):
                return [first, rest]
        if most <= 2 or longest < MIN_PIECE or len(words) - longest < 2 * MIN_PIECE:
            return []
        further = self._pieces(words[longest:], most - 1)
        return [words[:longest], *further] if further else []

    def _linked(self, words: Sequence[Word]) -> list[Sequence[Word]]:
        """Two runs of words that each stand in some article, with a small word between them."""
        length = longest_beginning(words, likely_windows(words[:BEGINNING], self.generation))
        rest = words[length + 1 :]
        if min(length, len(rest)) < MIN_PIECE or words[length].key not in vocabulary("stop_words"):
            return []
        return [words[:length], rest] if occurrences([rest], self.generation) else []

    def _joined(self, pieces: Sequence[Sequence[Word]], near: Occurrence) -> Verification | None:
        """What an article has one after another, with something between."""
        gaps = [
            near.article.text[one.end : following.start]
            for one, following in itertools.pairwise(near.spans)
        ]
        is_whole = sum(map(len, pieces)) == len(self.claim.words)
        if is_whole and all(map(_is_interjection, gaps)):
            exact = self._has_letters(pieces, near)
            return self._result(Verdict.VERBATIM if exact else Verdict.PUNCTUATION, [near])
        first = Occurrence(near.article, near.spans[0].start, near.spans[0].end)
        sentence = sentence_around(first, self.generation)
        if near.end <= sentence.end or all(len(wording(gap)) <= MAX_DROPPED for gap in gaps):
            return self._changed(near)
        spans = [Occurrence(near.article, span.start, span.end) for span in near.spans]
        return self._stitched(pieces, [[span] for span in spans])

    def _stitched(
        self, pieces: Sequence[Sequence[Word]], found: Sequence[list[Occurrence]]
    ) -> Verification | None:
        """The pieces as they stand in different sentences, if they are long enough to be pieces."""
        if min(map(len, pieces)) < MIN_PIECE:
            return None
        quoted = [
            Piece(words[0].start, words[-1].end, (self._quotation(self._preferred(each)[0]),))
            for words, each in zip(pieces, found, strict=True)
        ]
        return Verification(
            self.claim.text, Verdict.STITCHED, tuple(quoted), elsewhere=self._missing(quoted)
        )

    def _is_name(self, words: Sequence[Word]) -> bool:
        """Whether the words are a name and small words: "della Corea del Sud"."""
        spelt = [self.claim.text[word.start : word.end] for word in words]
        return not self.claim.text.isupper() and not any(
            word.islower() for word in spelt if terms(word)
        )

    def _changed(self, occurrence: Occurrence) -> Verification:
        result = self._result(Verdict.ALTERED, [occurrence])
        changes = tuple(differences(self.claim.text, occurrence.text))
        if not changes:
            return replace(result, verdict=Verdict.PUNCTUATION)
        return replace(result, differences=changes)

    def _result(self, verdict: Verdict, found: Sequence[Occurrence]) -> Verification:
        """The claim as one piece, with the sentence that the first quotation is cut from."""
        quotes = tuple(map(self._quotation, found))
        piece = Piece(0, len(self.claim.text), quotes)
        elsewhere = self._missing([piece])
        if elsewhere and verdict in SOUND:
            verdict = Verdict.ELSEWHERE
        span = sentence_around(found[0], self.generation)
        whole = Occurrence(found[0].article, span.start, span.end)
        cut = len(wording(whole.text)) > len(wording(found[0].text))
        sentence = self._quotation(whole) if cut else None
        return Verification(self.claim.text, verdict, (piece,), (), elsewhere, sentence)

    def _missing(self, pieces: Sequence[Piece]) -> tuple[str, ...]:
        """The outlets named with the claim, unless one of them has some of it."""
        sources = {quote.source for piece in pieces for quote in piece.quotes}
        return () if sources.intersection(self.outlets) else self.outlets

    def _preferred(self, found: Sequence[Occurrence]) -> list[Occurrence]:
        return sorted(found, key=lambda each: each.article.source not in self.outlets)

    def _quotation(self, occurrence: Occurrence) -> Quotation:
        quote = slice_of(occurrence.article, Span(occurrence.start, occurrence.end))
        if not is_verbatim(quote, self.generation):
            raise StorageError("the index is damaged: run virgolette index --rebuild")
        return quote

    def _has_letters(self, parts: Sequence[Sequence[Word]], occurrence: Occurrence) -> bool:
        """Whether the article has the parts to the letter, with the same stops after them."""
        text = occurrence.article.text
        return all(
            same_letters(
                self.claim.text[words[0].start : words[-1].end], text[span.start : span.end]
            )
            and _same_stop(self.claim.text[words[-1].end :], text[span.end :])
            for words, span in zip(parts, occurrence.spans, strict=True)
        )

    def _denial(self, occurrence: Occurrence) -> Occurrence | None:
        """The occurrence from a negation on that stands right before it in its sentence."""
        sentence = sentence_around(occurrence, self.generation)
        before = occurrence.article.text[sentence.start : occurrence.start]
        match = max(pattern("negation").finditer(before), key=re.Match.end, default=None)
        if match is None or len(wording(before[match.end() :])) > MAX_DENIED:
            return None
        if any(mark in before[match.end() :] for mark in _PAUSES):
            return None
        return replace(occurrence, start=sentence.start + match.start(), spans=())


def _is_interjection(gap: str) -> bool:
    """Whether the gap only says who speaks, between two parts of an utterance: ”, ha detto Kim. “

    A colon, a sentence of its own or no such words may stand before what somebody else says.
    """
    opened = gap.rstrip()
    closed = gap.lstrip(" .,;!?")
    words = closed[1:-1].rstrip(" .,;")
    return (
        len(gap) <= MAX_INTERJECTION
        and opened[-1:] in tuple(OPENING)
        and closed[:1] in tuple(CLOSING)
        and not any(mark in words for mark in _BREAKS)
        and len(pattern("says").findall(words)) == 1
    )


def _same_stop(said: str, written: str) -> bool:
    """Whether a question and an exclamation are still what they were."""
    stops = [text.lstrip(CLOSING)[:1] for text in (said, written)]
    return stops[0] == stops[1] or not any(stop in ("?", "!") for stop in stops if stop)


def _is_in(language: str, text: str) -> bool:
    """Whether a sentence may be in the language: half of its words, names apart, are known."""
    from simplemma import is_known

    spelt = [text[w.start : w.end] for w in wording(text.lower() if text.isupper() else text)]
    words = [word for word in spelt if word.isalpha() and word.islower()]
    known = sum(is_known(word, lang=language) for word in words)
    return len(words) < 2 or 2 * known > len(words)
