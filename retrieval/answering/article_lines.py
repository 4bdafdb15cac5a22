"""The lines of an article: which are headlines or questions, and what introduces the others."""

from __future__ import annotations

import bisect
import itertools
import re
from functools import cached_property

from index.articles.article import Article
from index.text.dates import has_time_of_day, is_time_of_day
from index.text.sentences import (
    Span,
    ends_a_sentence,
    is_labelled_row,
    is_table_row,
    logical_lines,
    sentences,
)

MAX_PAIR_LENGTH = 400  # characters of what is quoted together
MAX_HEADLINE = 300  # characters of a first line that may be a headline of several sentences
MAX_QUESTION = 4  # sentences of what somebody asks in an interview
MIN_QUESTIONS = 2  # lines that ask, each with an answer below: an interview
MIN_VERSES = 3  # lines without stops in a row, which are no headlines
_ITEM = re.compile(r"\s*(?:[-–—•*·▪►]|\d{1,2}[.)]|[a-z]\))\s")
_SPOKEN = re.compile(r"[–—-]")
_SPEAKER = re.compile(r"\s*[–—-][^–—?!-]{0,80}")


class ArticleLines:
    """An article by its logical lines."""

    def __init__(self, article: Article) -> None:
        self.article = article
        self._lines = [_stripped(article.text, line) for line in logical_lines(article.text)]
        self._texts = [article.text[line.start : line.end] for line in self._lines]
        self._starts = [line.start for line in self._lines]

    def is_heading(self, span: Span) -> bool:
        """Whether the sentence is part of a headline, or repeats the title with a full stop.

        A headline is a line of its own that ends without a stop.
        """
        text, number = self.article.text, self._number_of(span)
        line = self._lines[number]
        if text[span.start : span.end] == f"{self.article.title}.":
            return True
        if ends_a_sentence(self._texts[number]):
            return False
        if not text[: line.start].strip():
            is_first = line == span or line.end - line.start <= MAX_HEADLINE
            return bool(text[line.end :].strip()) and is_first
        return line == span and not self._tells(number)

    def _tells(self, number: int) -> bool:
        """Whether a line without a stop answers by itself: an entry, a row, an item, a verse.

        So do lines that head nothing: one with figures, or several below one another.
        """
        text, is_part = self._texts[number], self._beginnings[number] is not None
        if is_time_of_day(text) or (is_table_row(text) and not is_part):
            return False
        if is_part or is_entry(text) or is_labelled_row(text) or _ITEM.match(text):
            return True
        is_free = any(map(str.isdigit, text)) or self._adjoins(number) or self._adjoins(number + 1)
        return number in self._verses or (is_free and not self._heads(number))

    def _heads(self, number: int) -> bool:
        """Whether a text, a list, a table or a time stands below a line."""
        return any(
            ends_a_sentence(text) or is_table_row(text) or is_entry(text) or _ITEM.match(text)
            for text in self._texts[number + 1 : number + 2]
        )

    def _adjoins(self, number: int) -> bool:
        """Whether no empty line parts a line from the one above."""
        if not 0 < number < len(self._lines):
            return False
        gap = self.article.text[self._lines[number - 1].end : self._lines[number].start]
        return gap.count("\n") == 1

    def asks(self, span: Span) -> bool:
        """Whether the sentence is a question, or part of one in an interview: it tells nothing."""
        number = self._number_of(span)
        return _asks(self.article.text[span.start : span.end]) or number in self._questions

    def lead(self, span: Span) -> Span | None:
        """What introduces the sentence, and is quoted with it, if that is short enough.

        The question that it answers, what ends in a colon above it, the head of a table, the time
        of an entry.
        """
        start = self._introduction(span)
        if start is None or span.end - start > MAX_PAIR_LENGTH:
            return None
        return Span(start, start + len(self.article.text[start : span.start].rstrip()))

    def head(self, span: Span) -> Span | None:
        """What introduces the sentence from too far above to be quoted in one piece with it."""
        start = self._introduction(span)
        if start is None or span.end - start <= MAX_PAIR_LENGTH:
            return None
        head = Span(start, self._lines[self._number_of(Span(start, start))].end)
        is_short = head.end - head.start + span.end - span.start <= MAX_PAIR_LENGTH
        return head if is_short else None

    def announced(self, span: Span) -> Span | None:
        """What a sentence that ends in a colon announces below it, as far as that is short."""
        number = self._number_of(span)
        if not (self._texts[number].endswith(":") and self._lines[number].end == span.end):
            return None
        below = zip(self._lines[number + 1 :], self._beginnings[number + 1 :], strict=True)
        announced = itertools.takewhile(lambda pair: pair[1] == span.start, below)
        ends = [line.end for line, _ in announced if line.end - span.start <= MAX_PAIR_LENGTH]
        return Span(span.start, ends[-1]) if ends else None

    def _introduction(self, span: Span) -> int | None:
        """Where what introduces the sentence begins."""
        number = self._number_of(span)
        begins = self._lines[number].start == span.start
        return self._beginnings[number] if begins else self._question_before(span)

    def _question_before(self, span: Span) -> int | None:
        """Where the question begins that stands before the sentence in its line."""
        line = self._lines[self._number_of(span)]
        before = self._sentences(line.start, span.start)
        asked = bool(before) and _asks(self.article.text[before[-1].start : before[-1].end])
        return before[-1].start if asked else None

    def _sentences(self, start: int, end: int) -> list[Span]:
        inside = sentences(self.article.text[start:end])
        return [Span(span.start + start, span.end + start) for span in inside]

    @cached_property
    def _beginnings(self) -> list[int | None]:
        """For each line where what introduces it begins, None for most."""
        found: list[int | None] = []
        for number, line in enumerate(self._lines):
            above = (
                number and not self.article.text[self._lines[number - 1].end : line.start].strip()
            )
            found.append(self._beginning(number, found[-1]) if above else None)
        return found

    def _beginning(self, number: int, before: int | None) -> int | None:
        """``before``: where what introduces the line above begins."""
        above, text = self._texts[number - 1], self._texts[number]
        if is_time_of_day(text):
            return None
        if above.endswith(":"):
            line = self._lines[number - 1]
            return self._sentences(line.start, line.end)[-1].start
        if number - 1 in self._questions and number not in self._questions:
            return self._lines[number - 1].start
        if is_time_of_day(above) or (is_entry(above) and ends_a_sentence(text)):
            return self._lines[number - 1].start
        if is_table_row(above) and is_table_row(text):
            return self._lines[number - 1].start if before is None else before
        return before if self._goes_on(number) else None

    def _goes_on(self, number: int) -> bool:
        """Whether what introduces the line above introduces this one, too."""
        above, text = self._texts[number - 1], self._texts[number]
        if _ITEM.match(above):
            return bool(_ITEM.match(text))
        both_end = ends_a_sentence(above) and not above.endswith(";")
        return self._adjoins(number) and not both_end

    @cached_property
    def _questions(self) -> frozenset[int]:
        """The lines in which an interviewer asks, whatever else he says there."""
        asking = [n for n, text in enumerate(self._texts) if _asks(text)]
        answered = [n for n in asking if n + 1 < len(self._texts) and n + 1 not in asking]
        short = [n for n in answered if len(sentences(self._texts[n])) <= MAX_QUESTION]
        return frozenset(short if len(short) >= MIN_QUESTIONS else ())

    @cached_property
    def _verses(self) -> frozenset[int]:
        """Lines without a stop below one another, but for those that begin the article."""
        verses: set[int] = set()
        run: list[int] = []
        for number, text in enumerate(self._texts):
            if ends_a_sentence(text) or not self._adjoins(number):
                run = []
            if number and not ends_a_sentence(text):
                run.append(number)
            if len(run) >= MIN_VERSES:
                verses.update(run)
        return frozenset(verses)

    def _number_of(self, span: Span) -> int:
        """The number of the logical line that holds the sentence."""
        return bisect.bisect_right(self._starts, span.start) - 1


def _asks(text: str) -> bool:
    """Whether a text is a question, or one of a dialogue and who asks it: – Chi? – chiede."""
    if text.endswith("?"):
        return True
    _, mark, rest = text.rpartition("?")
    return bool(mark) and bool(_SPOKEN.match(text)) and bool(_SPEAKER.fullmatch(rest))


def is_entry(line: str) -> bool:
    """Whether a line begins an entry of a live blog or a programme: "17:10 Scuole chiuse"."""
    return has_time_of_day(line) and not ends_a_sentence(line)


def _stripped(text: str, line: Span) -> Span:
    content = text[line.start : line.end]
    start = line.start + len(content) - len(content.lstrip())
    return Span(start, start + len(content.strip()))
