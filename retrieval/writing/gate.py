"""The gate for what a model writes: only what the passages hold, to the letter, comes through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from index.articles.article import Article
from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.text.sentences import Span
from retrieval.answer import Answer, Claim, Fault, Quotation, leaning
from retrieval.answering.candidates import LONGEST, whole_sentences
from retrieval.answering.quotations import quotation
from retrieval.answering.search import ScoredPassage
from retrieval.writing.claims import LONGEST_CLAIM, Written
from retrieval.writing.facts import in_common, unsupported

MOST_QUOTES = 8  # in an answer
# Of the default model's cosine: half of the sentences of one paragraph lie below, compared with
# another one in another language, and 99 % of their translations at .85 or more (XQuAD's train).
NEAR = 0.80
FEWEST = 3  # words that a model must quote, unless they are a whole sentence
# What a claim itself puts in quotation marks.
_QUOTED = re.compile(r"“([^”]+)”|«([^»]+)»|\"([^\"]+)\"|„([^“”]+)[“”]")
_MARKERS = re.compile(r"\s*\[\d+(?:\s*,\s*\d+)*\]")  # "[1]", "[2, 3]": the numbers are ours to give
_NEGATION = re.compile(
    r"\b(?:non|no|né|nessun\w*|niente|nulla|mai|senza|nemmeno|neanche|neppure|not|never|none|nobody"
    r"|nothing|without|neither|nor|\w+n[’']t|ha negato|nega\w*|smenti\w*|den(?:y|ies|ied)|rifiut\w*"
    r"|refus\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class PromptPassage:
    """A passage as a model was shown it: its article, and the spans of its whole sentences."""

    article: Article
    start: int
    text: str
    sentences: tuple[Span, ...]
    score: float


def prompt_passages(found: Sequence[ScoredPassage], generation: Generation) -> list[PromptPassage]:
    """The passages found as a model is shown them, in their order."""
    shown = []
    for one in found:
        passage = one.passage
        article = generation.store.article(passage.article)
        if article is not None:
            spans = tuple(whole_sentences(article, generation.sentences(passage)))
            shown.append(PromptPassage(article, passage.start, passage.text, spans, one.score))
    return shown


@dataclass
class Gate:
    """Builds an answer out of what passes. ``language`` is that of the question, "it" or "en".

    A claim passes when it quotes at least one passage, and all that it quotes are slices of the
    passages that it names; when what it puts in quotation marks itself is one too; when its names,
    numbers and dates are in the sentences quoted, their titles, outlets or dates; and when it is
    about what it quotes.
    """

    passages: Sequence[PromptPassage]
    generation: Generation
    embedder: Embedder
    language: str
    claims: list[Claim] = field(default_factory=list)
    quotes: list[Quotation] = field(default_factory=list)
    dropped: list[Fault] = field(default_factory=list)

    def admit(self, written: Written) -> bool:
        """Add a claim to the answer, or note why it is dropped; repeated ones just go."""
        found = self._checked(written)
        if isinstance(found, Fault):
            self.dropped.append(found)
            return False
        text, quotes = found
        if any(claim.text == text for claim in self.claims):
            return False
        if len(self.quotes) + len(quotes) > MOST_QUOTES:
            return False
        places = tuple(dict.fromkeys(self._place(quote) for quote in quotes))
        self.claims.append(Claim(text, places))
        return True

    def answer(self, base: Answer, writer: str) -> Answer:
        """The answer that has passed so far, in place of the extractive one."""
        return replace(
            base,
            answer=" ".join(claim.cited for claim in self.claims),
            answerer=writer,
            quotes=tuple(self.quotes),
            claims=tuple(self.claims),
            dropped=tuple(self.dropped),
            agreeing=0,
            differing=False,
        )

    def _checked(self, written: Written) -> Fault | tuple[str, list[Quotation]]:
        text = _MARKERS.sub("", written.text).strip()
        within = [one for one in written.quotes if 1 <= one.passage <= len(self.passages)]
        if not text or len(text) > LONGEST_CLAIM or not written.quotes:
            return Fault.NO_QUOTATION
        if not within:
            return Fault.NO_PASSAGE
        quotes = []
        for one in within:
            quote = self._quotation(self.passages[one.passage - 1], one.words)
            if quote is None:
                return Fault.FALSE_QUOTATION
            quotes.append(quote)
        return self._fault(text, quotes) or (text, quotes)

    def _fault(self, text: str, quotes: Sequence[Quotation]) -> Fault | None:
        """What is wrong with the words of a claim.

        What is not quoted nobody sees: an order in a passage must not put a name into a claim.
        """
        shown = [part for q in quotes for part in (q.text, q.title, q.source or "", q.date or "")]
        if any(not any(said in part for part in shown) for said in _said(text)):
            return Fault.FALSE_QUOTATION
        if _is_other_language(text, self.language):
            return Fault.OTHER_LANGUAGE
        negates = _NEGATION.search(text) is not None
        if negates and not any(_NEGATION.search(quote.text) for quote in quotes):
            return Fault.UNSUPPORTED
        if unsupported(text, shown, self.language):
            return Fault.UNSUPPORTED
        return None if self._is_related(text, quotes) else Fault.UNRELATED

    def _is_related(self, text: str, quotes: Sequence[Quotation]) -> bool:
        """Whether a claim is about what it quotes: in its words, or in another language's."""
        if in_common(text, "\n".join(quote.text for quote in quotes)):
            return True
        claim = self.embedder.encode_query(text)
        quoted = self.embedder.encode_passages([quote.text for quote in quotes])
        return float((quoted @ claim).max()) >= NEAR

    def _quotation(self, passage: PromptPassage, words: str) -> Quotation | None:
        """The sentences that hold these very words of a passage; None where there are none."""
        at = passage.text.find(words) if words.strip() else -1
        while at >= 0:
            deciding = Span(passage.start + at, passage.start + at + len(words))
            around = _around(passage, deciding)
            if around and (len(words.split()) >= FEWEST or deciding == around):
                return quotation(passage.article, around, deciding, passage.score, self.generation)
            at = passage.text.find(words, at + 1)
        return None

    def _place(self, quote: Quotation) -> int:
        """The place of a quotation in the answer, where it is put unless it is there already."""
        for at, other in enumerate(self.quotes):
            if (quote.article, quote.start, quote.end) == (other.article, other.start, other.end):
                return at
        self.quotes.append(quote)
        return len(self.quotes) - 1


def _around(passage: PromptPassage, words: Span) -> Span | None:
    """The sentence that holds these words, or the two that do, if they are short together."""
    holding = [s for s in passage.sentences if s.start < words.end and words.start < s.end]
    if not holding or len(holding) > 2:
        return None
    span = Span(holding[0].start, holding[-1].end)
    if not (span.start <= words.start and words.end <= span.end):
        return None
    if len(holding) == 2:
        gap = passage.article.text[holding[0].end : holding[1].start]
        if gap.strip() or "\n" in gap or span.end - span.start > LONGEST:
            return None
    return span


def _said(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        yield next(group for group in match.groups() if group is not None).strip()


def _is_other_language(text: str, language: str) -> bool:
    """Whether a claim is plainly in the other of the two languages."""
    return leaning(text) * (1 if language == "en" else -1) < -1
