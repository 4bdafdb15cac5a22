"""Where words stand in the articles, in their order: in all of them, not in the likeliest."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from rapidfuzz import fuzz

from index.articles.article import Article
from index.generations.generation import Generation
from index.text.clean import visible
from index.text.sentences import Span
from index.text.wording import Word, folded, similarity, wording
from index.text.words import terms
from retrieval.answering.search import best_rows

MAX_PASSAGES = 50  # compared word by word: those that share the rarest words
MAX_REFINED = 5  # of them, in which the ends of the most similar words are looked for
MAX_OMITTED = 1000  # characters that an ellipsis stands for
MIN_SHARED = 0.3  # of a sentence's words, by their rarity, with the nearest one
SLACK = 6  # words around both ends of the most similar words, at which they may begin or end


@dataclass(frozen=True)
class Occurrence:
    """``article.text[start:end]``. ``spans``: its parts, if an ellipsis stands for some of it."""

    article: Article
    start: int
    end: int
    spans: tuple[Span, ...] = ()

    @property
    def text(self) -> str:
        """Its words, as the article has them."""
        return self.article.text[self.start : self.end]


def occurrences(
    parts: Sequence[Sequence[Word]], generation: Generation, most: int | None = None
) -> list[Occurrence]:
    """An occurrence of the words in each article that has them, in the order of paths.

    Between two parts, an article may have MAX_OMITTED characters more. ``most``: how many are
    enough.
    """
    phrases = [_Phrase([word.key for word in part]) for part in parts]
    rows = _articles_with([key for phrase in phrases for key in phrase.keys], generation)
    found = (
        Occurrence(article, spans[0].start, spans[-1].end, tuple(spans))
        for article in generation.store.articles(rows)
        if (spans := _in_order(phrases, article.text))
    )
    return list(itertools.islice(found, most))


@dataclass(frozen=True)
class Window:
    """A slice of an article with its words, whose positions count from the article's start."""

    article: Article
    words: Sequence[Word]

    def occurrence(self, first: int, last: int) -> Occurrence:
        """What stands from one word to another, both included."""
        return Occurrence(self.article, self.words[first].start, self.words[last].end)


def likely_windows(words: Sequence[Word], generation: Generation) -> list[Window]:
    """Passages that share the rarest words, with the length of these on either side."""
    shared = generation.keywords.shared(terms(" ".join(word.key for word in words)))
    length = words[-1].end - words[0].start
    windows = []
    for passage in generation.store.passages(best_rows(shared, MAX_PASSAGES).tolist()):
        if article := generation.store.article(passage.article):
            start = max(passage.start - length, 0)
            inside = wording(article.text[start : passage.end + length])
            moved = [Word(word.start + start, word.end + start, word.key) for word in inside]
            windows.append(Window(article, moved))
    return windows


def most_similar(
    words: Sequence[Word], windows: Sequence[Window]
) -> tuple[float, Occurrence] | None:
    """The run of words most similar to these, with the share that is the same, 0–1.

    Of equals, the one as long, or longer.
    """
    keys = [word.key for word in words]
    ranked = []
    for number, window in enumerate(windows):
        match = fuzz.partial_ratio_alignment(keys, [word.key for word in window.words])
        if match and match.score:
            ranked.append((-match.score, number, match.dest_start, match.dest_end - 1))
    best: tuple[tuple[float, int, int], Occurrence | None] = (0.0, 0, 0), None
    for _, number, first, last in sorted(ranked)[:MAX_REFINED]:
        window = windows[number]

        def rank(start: int, end: int, window: Window = window) -> tuple[float, int, int]:
            run = window.words[start : end + 1]
            return similarity(words, run), -abs(len(run) - len(words)), len(run)

        end = max(_near(last, first, len(window.words)), key=lambda end: rank(first, end))
        start = max(_near(first, 0, end + 1), key=lambda start: rank(start, end))
        best = max(best, (rank(start, end), window.occurrence(start, end)), key=itemgetter(0))
    return (best[0][0], best[1]) if best[1] else None


def _near(position: int, lowest: int, limit: int) -> range:
    """The positions near a position, between these."""
    return range(max(position - SLACK, lowest), min(position + SLACK, limit))


def longest_beginning(words: Sequence[Word], windows: Sequence[Window]) -> int:
    """How many of the words, from the first, stand together in one of the windows."""
    keys = [word.key for word in words]
    longest = 0
    for window in windows:
        for start, word in enumerate(window.words):
            if word.key == keys[0]:
                pairs = zip(
                    keys, (w.key for w in window.words[start : start + len(keys)]), strict=False
                )
                same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
                longest = max(longest, same)
    return longest


def nearest_sentence(words: Sequence[Word], generation: Generation) -> Occurrence | None:
    """The sentence that shares most of the rarest words, if it shares enough of them."""
    rarity = {t: generation.keywords.rarity(t) for t in terms(" ".join(w.key for w in words))}
    shared = generation.keywords.shared(rarity)
    best, most = None, MIN_SHARED * sum(rarity.values())
    for passage in generation.store.passages(best_rows(shared, MAX_REFINED).tolist()):
        for span in generation.store.sentences(passage.first, passage.last):
            text = passage.text[span.start - passage.start : span.end - passage.start]
            sharing = sum(rarity[term] for term in rarity.keys() & set(terms(text)))
            if sharing > most:
                best, most = (passage.article, span), sharing
    article = generation.store.article(best[0]) if best else None
    return Occurrence(article, best[1].start, best[1].end) if article and best else None


def sentence_around(occurrence: Occurrence, generation: Generation) -> Span:
    """The sentence, or the sentences, of the article that the occurrence is in."""
    rows = sorted(generation.store.passage_rows([occurrence.article.path]))
    spans = [
        span
        for passage in generation.store.passages(rows)
        if passage.start < occurrence.end and occurrence.start < passage.end
        for span in generation.store.sentences(passage.first, passage.last)
        if span.start < occurrence.end and occurrence.start < span.end
    ]
    starts = [occurrence.start, *(span.start for span in spans)]
    return Span(min(starts), max([occurrence.end, *(span.end for span in spans)]))


def _articles_with(keys: Sequence[str], generation: Generation) -> list[int]:
    """The rows of the articles that have every word, or its stem."""
    first = np.array(generation.store.first_passages, np.int64)
    having = np.ones(len(first), bool)
    for term in set(terms(" ".join(keys))):
        if len(term) > 1 and not any(map(str.isdigit, term)):  # "U.S.A.", "7 000"
            articles = np.searchsorted(first, generation.keywords.rows(term), "right") - 1
            in_article = np.zeros(len(first), bool)
            in_article[articles] = True
            having &= in_article
    return np.flatnonzero(having).tolist()


class _Phrase:
    """Words in order, to be found in many texts.

    A pattern that begins with plain letters is ten times as fast as one that begins with letters of
    either case: the search is for the end of one word, in small letters and in capitals.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = keys
        plain = [key[1:] if key.isascii() and key.isalpha() else "" for key in keys]
        anchor = max(range(len(keys)), key=lambda n: (min(len(plain[n]), 3), -n))
        letters = plain[anchor]
        rest = "".join(rf"[\W_]*{_any_form(key)}" for key in keys[anchor + 1 :])
        self._anchors = [
            re.compile(rf"{spelt}(?i:{rest})(?![^\W_])")
            for spelt in dict.fromkeys((letters, letters.upper()))
        ]
        words = r"[\W_]*".join(map(_any_form, keys))
        self._whole = re.compile(rf"(?<![^\W_]){words}(?![^\W_])", re.IGNORECASE)
        self._reach = 2 * sum(len(key) + 2 for key in keys[: anchor + 1])  # before the letters

    def spans(self, text: str, start: int, end: int) -> Iterator[Span]:
        """Where the words stand between ``start`` and ``end``."""
        if visible(text) != text:  # a pattern that skips what is invisible is slow
            yield from self._runs(wording(text[start:end]), start)
            return
        for anchor in self._anchors:
            for match in anchor.finditer(text, start, end):
                first = max(match.start() - self._reach, start)
                whole = self._whole.search(text, first, min(match.end() + 1, end))
                words = wording(whole[0]) if whole else []
                if whole and [word.key for word in words] == self.keys:
                    yield Span(whole.start() + words[0].start, whole.start() + words[-1].end)

    def _runs(self, words: Sequence[Word], start: int) -> Iterator[Span]:
        keys, size = [word.key for word in words], len(self.keys)
        for n in range(len(keys) - size + 1):
            if keys[n : n + size] == self.keys:
                yield Span(start + words[n].start, start + words[n + size - 1].end)


def _any_form(key: str) -> str:
    """A pattern for a word in small letters or capitals; for accents and numbers, a wider one."""
    if key[-1].isdigit():
        return r"[-−]?\d(?:[\d.,:]|[^\w.,:](?=\d))*"
    return "".join(re.escape(letter) if letter.isascii() else r"\w\W?" for letter in key)


def _in_order(phrases: Sequence[_Phrase], stored: str) -> list[Span]:
    """The spans of the phrases, one after another; none where they do not stand so."""
    text, offsets = folded(stored)
    for first in phrases[0].spans(text, 0, len(text)):
        spans = [first]
        for phrase in phrases[1:]:
            limit = min(spans[-1].end + MAX_OMITTED, len(text))
            span = next(phrase.spans(text, spans[-1].end, limit), None)
            if span is None:
                break
            spans.append(span)
        else:
            return [Span(offsets[span.start], offsets[span.end]) for span in spans]
    return []
