"""The gate for what a model writes: only what the passages support, to the letter, gets through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from index.articles.article import Article
from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.text.language import pattern
from index.text.sentences import Span
from index.text.words import function_words
from retrieval.answer import Answer, Claim, Fault, Quotation
from retrieval.answering.article_lines import MAX_PAIR_LENGTH
from retrieval.answering.quotations import quotation
from retrieval.writing.claims import MAX_CLAIM_LENGTH, WrittenClaim
from retrieval.writing.facts import in_common, unsupported

MAX_QUOTES = 8  # in an answer
# The default model's cosine: between sentences of one paragraph in two languages half of the pairs
# lie below it, and 99 % of translations at .85 or more (XQuAD's train).
MIN_COSINE = 0.80
MIN_WORDS = 3  # in a quote, unless it is a whole sentence
_QUOTED = re.compile('“[^”]+”|«[^»]+»|"[^"]+"|„[^“”]+[“”]')
_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")  # "[1]", "[2, 3]": the gate numbers quotations


@dataclass(frozen=True)
class PromptPassage:
    """A passage as the model sees it, with its article and the spans of its whole sentences."""

    article: Article
    start: int
    text: str
    sentences: tuple[Span, ...]
    score: float


@dataclass
class Gate:
    """Builds an answer from the claims that pass. ``language``: the code of the question's.

    A claim passes if it quotes at least one passage and everything that it quotes is a slice of
    the passage named; if what it puts in quotation marks itself is one, too; if its names, numbers
    and dates are in the quoted sentences, their titles, outlets or dates; and if it is about what
    it quotes.
    """

    passages: Sequence[PromptPassage]
    generation: Generation
    embedder: Embedder
    language: str
    claims: list[Claim] = field(default_factory=list)
    quotes: dict[tuple[str, Span], Quotation] = field(default_factory=dict)
    dropped: list[Fault] = field(default_factory=list)

    def admit(self, written: WrittenClaim) -> bool:
        """Add a claim to the answer, or note why it is dropped; a repeated one just goes."""
        checked = self._checked(written)
        if isinstance(checked, Fault):
            self.dropped.append(checked)
            return False
        text, quotes = checked
        if any(claim.text == text for claim in self.claims):
            return False
        if len(self.quotes) + len(quotes) > MAX_QUOTES:
            return False
        positions = dict.fromkeys(self._position(quote) for quote in quotes)
        self.claims.append(Claim(text, tuple(positions)))
        return True

    def answer(self, extractive: Answer, writer: str) -> Answer:
        """The answer that has passed so far, in place of the extractive one."""
        return replace(
            extractive,
            answer=" ".join(claim.cited for claim in self.claims),
            answerer=writer,
            quotes=tuple(self.quotes.values()),
            claims=tuple(self.claims),
            dropped=tuple(self.dropped),
            agreeing=0,
            differing=False,
        )

    def _checked(self, written: WrittenClaim) -> Fault | tuple[str, list[Quotation]]:
        """The text of a claim and its quotations, or why it does not pass."""
        text = _MARKERS.sub("", written.text).strip()
        if not text or len(text) > MAX_CLAIM_LENGTH or not written.quotes:
            return Fault.NO_QUOTATION
        numbered = [quote for quote in written.quotes if 1 <= quote.passage <= len(self.passages)]
        if not numbered:
            return Fault.NO_PASSAGE
        quotes = []
        for written_quote in numbered:
            quote = self._quotation(self.passages[written_quote.passage - 1], written_quote.words)
            if quote is None:
                return Fault.FALSE_QUOTATION
            quotes.append(quote)
        return self._fault(text, quotes) or (text, quotes)

    def _fault(self, text: str, quotes: Sequence[Quotation]) -> Fault | None:
        """What is wrong with the wording of a claim.

        Only what readers see of the quotations counts as a source: an order in a passage must not
        put a name into a claim.
        """
        shown = [part for q in quotes for part in (q.text, q.title, q.source or "", q.date or "")]
        for quoted in _QUOTED.findall(text):
            if not any(quoted[1:-1].strip() in part for part in shown):
                return Fault.FALSE_QUOTATION
        counts = function_words(text)
        if max(counts.values()) > counts[self.language] + 1:
            return Fault.OTHER_LANGUAGE
        negation = pattern("negation")
        if negation.search(text) and not any(negation.search(quote.text) for quote in quotes):
            return Fault.UNSUPPORTED
        if unsupported(text, shown, self.language):
            return Fault.UNSUPPORTED
        return None if self._is_related(text, [quote.text for quote in quotes]) else Fault.UNRELATED

    def _is_related(self, text: str, quoted: Sequence[str]) -> bool:
        """Whether a claim is about its quotations: by words or, across languages, by vectors."""
        if in_common(text, "\n".join(quoted)):
            return True
        similarities = self.embedder.encode_passages(quoted) @ self.embedder.encode_query(text)
        return float(similarities.max()) >= MIN_COSINE

    def _quotation(self, passage: PromptPassage, words: str) -> Quotation | None:
        """The sentences that hold exactly these words of a passage; None where there are none."""
        offset = passage.text.find(words) if words.strip() else -1
        while offset >= 0:
            deciding = Span(passage.start + offset, passage.start + offset + len(words))
            span = _sentences_around(passage, deciding)
            if span and (len(words.split()) >= MIN_WORDS or deciding == span):
                return quotation(passage.article, span, deciding, passage.score, self.generation)
            offset = passage.text.find(words, offset + 1)
        return None

    def _position(self, quote: Quotation) -> int:
        """The position of a quotation in the answer, to which it is added if it is new."""
        key = quote.article, Span(quote.start, quote.end)
        self.quotes.setdefault(key, quote)
        return list(self.quotes).index(key)


def _sentences_around(passage: PromptPassage, words: Span) -> Span | None:
    """The sentence that holds these words, or the two that do if they are short together."""
    holding = [s for s in passage.sentences if s.start < words.end and words.start < s.end]
    if not holding or len(holding) > 2:
        return None
    span = Span(holding[0].start, holding[-1].end)
    if not (span.start <= words.start and words.end <= span.end):
        return None
    if len(holding) == 2:
        gap = passage.article.text[holding[0].end : holding[1].start]
        if gap.strip() or "\n" in gap or span.end - span.start > MAX_PAIR_LENGTH:
            return None
    return span
