"""From the intent of a message to what answers it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from index.generations.generation import Generation
from index.text.language import MAIN
from index.text.sentences import Span
from retrieval.answer import Answer, Intent, Question, Quotation, QuotedSpan, Reason, Scope, Turn
from retrieval.answering.agreement import undecided
from retrieval.answering.comparison import compared
from retrieval.answering.counting import counted
from retrieval.answering.extractive import ExtractiveAnswer, Extractor, in_scope
from retrieval.answering.lists import MOST, listed
from retrieval.answering.quotations import quotation, quotations
from retrieval.answering.search import find_passages
from retrieval.answering.summaries import (
    article_sentences,
    articles_with,
    joined_neighbours,
    mentioned,
    summarized,
)
from retrieval.answering.timeline.timeline import timeline
from retrieval.answering.weights import Caution
from retrieval.conversation import Interpretation, in_context, is_self_contained, stands_alone
from retrieval.questions.scope import ScopedQuestion, named_outlets
from retrieval.questions.topic import missing_names, topic, topic_words

SURE = 0.65  # the probability from which a message is not taken for a question about a fact
PAGE = 5  # quotations of a list that are shown at once
MORE = 3  # quotations that are shown if somebody wants to know more
LIKELY_MORE = 0.25  # the probability from which another sentence comes before what follows
POSSIBLE_MORE = 0.05
FOLLOWING = 2  # sentences after the quotation
_COLLECTIONS = frozenset(
    {
        Intent.LIST, Intent.SAID, Intent.TIMELINE, Intent.COUNT, Intent.COMPARE, Intent.SUMMARY,
        Intent.NEWEST,
    }
)  # fmt: skip
# They are complete however short they are.
_ABOUT_ARTICLES = frozenset({Intent.SUMMARY, Intent.NEWEST, Intent.COMPARE, Intent.COUNT})
_ON_SUBJECT = frozenset({Intent.SUMMARY, Intent.NEWEST, Intent.TIMELINE})
_WHOLE = frozenset({Intent.FACT, Intent.YESNO, Intent.SAID})  # "and when?" says nothing alone
_LED = frozenset({Intent.LIST, Intent.SAID})  # by what answers best
_ASIDES = frozenset(
    {*(intent for intent in Intent if intent.is_talk), Intent.BEYOND, Intent.MORE, Intent.SOURCE}
)


def answered(
    intent: Intent,
    probability: float,
    question: Question,
    extractor: Extractor,
    standalone: Question | None = None,
) -> ExtractiveAnswer:
    """The answer to a message, which has this intent with a probability, after those before it.

    ``standalone``: the question without context, as a chat model takes it.
    """
    outlets = named_outlets(question.text, extractor.generation.sources)
    is_clear = intent in (Intent.FACT, Intent.YESNO, Intent.BEYOND) and probability >= SURE
    if len(outlets) > 1 and not is_clear:
        intent, probability = Intent.COMPARE, 1.0
    elif outlets and intent in _ASIDES and not is_clear:  # "secondo AgenPress?"
        intent = Intent.FACT
    if intent is Intent.FOREIGN and articles_with(topic_words(question.text), extractor.generation):
        intent = Intent.SUMMARY  # "Kim Jong-un"
    return _Request(intent, probability >= SURE, question, extractor, standalone).answer()


def answered_from(
    intent: Intent, question: Question, articles: Collection[str], extractor: Extractor
) -> Answer:
    """What these articles, by their paths, say to a message that has this intent."""
    if is_on_subject(intent, question.text):
        return mentioned(question, articles, extractor)
    return extractor.answer_from(question, articles)


def is_on_subject(intent: Intent, text: str) -> bool:
    """Whether a message with this intent wants what there is on a subject."""
    return intent in _ON_SUBJECT and bool(topic_words(text))


@dataclass(frozen=True)
class _Request:
    """A message and what it asks for. What may ask for a fact is answered so where there is one."""

    intent: Intent
    is_sure: bool
    question: Question
    extractor: Extractor
    standalone: Question | None

    def answer(self) -> ExtractiveAnswer:
        """What answers it."""
        if self.intent is Intent.FOREIGN and self.is_sure:
            return _without_search(self.intent, self.question, Reason.FOREIGN, self.extractor)
        if self.intent in _WHOLE and not (self._turn or topic_words(self.question.text)):
            return _without_search(Intent.CONFUSED, self.question, Reason.TALK, self.extractor)
        if self.intent in _ASIDES:
            return self._aside()
        is_complete = self.intent in _ABOUT_ARTICLES or self.question.intent or self._is_whole
        if self.intent in _COLLECTIONS and is_complete:
            return self._collection()
        if self.intent is Intent.YESNO and self._is_whole and not self._fact.answer.refused:
            return _undecided(self._fact)
        return self._fact

    def _aside(self) -> ExtractiveAnswer:
        """Talk, unless its words ask for a fact that the articles have."""
        is_beyond = self.intent is Intent.BEYOND
        may_be_fact = not (self.is_sure or self.intent.is_talk)
        has_own_words = is_self_contained(self.question) and not is_beyond
        if (may_be_fact or has_own_words) and (is_beyond or not self._fact.answer.refused):
            return self._fact
        return _aside(self.intent, self.question, self.extractor)

    def _collection(self) -> ExtractiveAnswer:
        """All that answers, or a fact if nothing does, or if one was probably meant."""
        is_led, text = self.intent in _LED, self.question.text
        if not self.is_sure and self._fact_is_certain:
            return self._fact
        result = _collected(self.intent, self.question, self.extractor, self._turn)
        result = _led_by(self._fact.answer, result) if is_led else result
        if not self.question.whole:
            result = replace(result, answer=_page(result.answer))
        result = _with_missing(result, self.extractor)
        # "Quanti ettari sono bruciati?" has no word that asks for articles.
        is_count = self.intent is Intent.COUNT and topic(text) != text.strip(" ?!.")
        is_final = is_count or self.question.intent is not None
        if result.answer.refused and not is_final and not self._fact.answer.refused:
            return self._fact
        return result

    @property
    def _turn(self) -> Turn | None:
        return self.question.previous[-1] if self.question.previous else None

    @property
    def _is_whole(self) -> bool:
        return self._turn is None or is_self_contained(self.question)

    @cached_property
    def _fact(self) -> ExtractiveAnswer:
        answer = answer_in_context(self.question, self.extractor, self.standalone)
        return _with_missing(answer, self.extractor)

    @property
    def _fact_is_certain(self) -> bool:
        certain = self.extractor.weights.thresholds[Caution.CAUTIOUS]
        return self._fact.answer.confidence >= certain


def _undecided(fact: ExtractiveAnswer) -> ExtractiveAnswer:
    """The answer to a question whether something is so: what tells of it, no short answer."""
    quotes = undecided(fact.answer.quotes).quotes
    answer = replace(
        fact.answer, intent=Intent.YESNO, quotes=quotes, answer=None, agreeing=0, differing=False
    )
    return replace(fact, answer=answer)


def _led_by(fact: Answer, result: ExtractiveAnswer) -> ExtractiveAnswer:
    """A list that begins with what answers best, if anything answers."""
    if fact.refused:
        return result
    first = fact.quotes[0]
    rest = (quote for quote in result.answer.quotes if not _is_among(quote.key, (first.key,)))
    short = fact.answer if result.answer.intent is Intent.SAID else None
    answer = replace(result.answer, quotes=(first, *rest), answer=short, reason=None, near=())
    return replace(result, answer=replace(answer, confidence=fact.confidence))


def answer_in_context(
    question: Question, extractor: Extractor, standalone: Question | None = None
) -> ExtractiveAnswer:
    """The answer to a question as it is best understood: alone, or after the one before it."""
    alone = extractor.answer(Interpretation(question))
    interpretations = in_context(question, standalone)
    if not interpretations or (is_self_contained(question) and not alone.answer.refused):
        return alone
    if alone.answer.refused and missing_names(question.text, extractor.generation):
        return alone  # its own name is what it asks about: "Chi ha dipinto la Gioconda?"
    attempts = [extractor.answer(interpretation) for interpretation in interpretations]
    best = max(attempts, key=lambda attempt: attempt.answer.confidence)
    if stands_alone(question, alone.answer, best.answer):
        return alone
    is_rewritten = standalone is not None and best.answer.query == standalone.text
    follows = "" if is_rewritten else question.previous[-1].about
    return replace(best, answer=replace(best.answer, question=question.text, follows=follows))


def _collected(
    intent: Intent,
    question: Question,
    extractor: Extractor,
    turn: Turn | None,
    sources: tuple[str, ...] = (),
) -> ExtractiveAnswer:
    """All quotations for a request."""
    sources = sources or named_outlets(question.text, extractor.generation.sources)
    if turn and _lacks_topic(intent, question, turn, sources):
        question = replace(question, text=turn.query)  # "e gli altri giornali?"
    scoped_question = extractor.scoped(Interpretation(question, sources=sources))
    base = replace(extractor.base(question, scoped_question), intent=intent)
    if question.language == MAIN and missing_names(
        scoped_question.question.text, extractor.generation
    ):
        answer = replace(base, reason=Reason.NOTHING_FOUND)
        return ExtractiveAnswer(answer, scoped_question, ())
    if intent is Intent.COUNT:
        return counted(scoped_question, base, extractor)
    if intent is Intent.COMPARE:
        return compared(scoped_question, base, extractor)
    if intent in (Intent.SUMMARY, Intent.NEWEST):
        return summarized(intent, scoped_question, base, extractor, turn)
    if intent is Intent.TIMELINE:
        return timeline(scoped_question, base, extractor)
    return listed(intent, scoped_question, base, extractor)


def _lacks_topic(intent: Intent, question: Question, turn: Turn, sources: tuple[str, ...]) -> bool:
    """Whether a request for a collection says so little that it means the topic before it.

    A count after a count asks for another one: "how many articles are there?".
    """
    again = intent is Intent.COUNT and turn.intent is Intent.COUNT
    return not (again or intent is Intent.SUMMARY or topic(question.text, sources))


def _page(answer: Answer, seen: Sequence[QuotedSpan] = ()) -> Answer:
    """The answer with the next of its quotations that were not shown before."""
    left = tuple(quote for quote in answer.quotes if not _is_among(quote.key, seen))
    total = len(seen) + len(left)
    return replace(answer, quotes=left[:PAGE], total=total if total > PAGE else 0, seen=tuple(seen))


def _is_among(key: QuotedSpan, spans: Iterable[QuotedSpan]) -> bool:
    """Whether a quotation has words in common with one of these."""
    article, start, end = key
    return any(path == article and first < end and start < last for path, first, last in spans)


def _aside(intent: Intent, question: Question, extractor: Extractor) -> ExtractiveAnswer:
    """What is said to talk, or about the last answer: of a refusal there is no more."""
    answered_turns = (turn for turn in reversed(question.previous) if turn.shown)
    if intent in (Intent.MORE, Intent.SOURCE) and (turn := next(answered_turns, None)):
        return (_more if intent is Intent.MORE else _source)(question, extractor, turn)
    reason = Reason.BEYOND if intent is Intent.BEYOND else Reason.TALK
    return _without_search(intent, question, reason, extractor)


def _without_search(
    intent: Intent, question: Question, reason: Reason, extractor: Extractor
) -> ExtractiveAnswer:
    scoped_question = ScopedQuestion(question, Scope())
    base = extractor.base(question, scoped_question)
    before = question.previous[-1].about if question.previous else ""
    follows = before if intent is Intent.CONFUSED else ""
    answer = replace(base, intent=intent, reason=reason, follows=follows)
    return ExtractiveAnswer(answer, scoped_question, ())


def _more(question: Question, extractor: Extractor, turn: Turn) -> ExtractiveAnswer:
    """The next quotations for the request before, or what follows those shown."""
    before = Question(turn.query, question.day)
    if turn.intent in _COLLECTIONS:
        result = _collected(turn.intent, before, extractor, turn, turn.sources)
        result = replace(result, answer=_page(result.answer, turn.shown))
        if not result.answer.quotes and turn.intent is not Intent.COUNT:
            further = _following(extractor.generation, turn)
            result = replace(result, answer=replace(result.answer, quotes=further, total=0))
    else:
        result = _further(before, extractor, turn)
    answer = replace(
        result.answer,
        question=question.text,
        query=turn.query,
        near=(),
        reason=None if result.answer.quotes else Reason.NO_MORE,
        seen=turn.shown,
        follows=turn.about,
    )
    return replace(result, answer=answer)


def _further(before: Question, extractor: Extractor, turn: Turn) -> ExtractiveAnswer:
    """Likely quotations that were not shown, what follows the shown ones, and possible ones."""
    generation = extractor.generation
    interpretation = Interpretation(before, turn.articles, sources=turn.sources)
    scoped_question = extractor.scoped(interpretation)
    passages = find_passages(scoped_question, generation, extractor.embedder, interpretation)
    candidates = in_scope(extractor.sentences(scoped_question, passages), scoped_question)
    likely = quotations(candidates, generation, MOST, min_probability=LIKELY_MORE)
    possible = quotations(candidates, generation, MOST, min_probability=POSSIBLE_MORE)
    further: list[Quotation] = []
    for quote in (*likely, *_following(generation, turn), *possible):
        shown = (*turn.shown, *(one.key for one in further))
        if not _is_among(quote.key, shown) and len(further) < MORE:
            further.append(replace(quote, deciding=None))
    answer = replace(extractor.base(before, scoped_question), quotes=tuple(further))
    return ExtractiveAnswer(answer, scoped_question, tuple(passages))


def _following(generation: Generation, turn: Turn) -> tuple[Quotation, ...]:
    """The next sentences of the article that was quoted first and not shown to its end."""
    for path, _, _ in turn.shown:
        article = generation.store.article(path)
        if article is None:
            continue
        last = max(end for shown, _, end in turn.shown if shown == path)
        spans = [s for s in article_sentences(article, generation)[0] if s.start >= last]
        joined = joined_neighbours(article.text, spans[:FOLLOWING])
        quotes = (quotation(article, span, None, 0.0, generation) for span in joined)
        if following := tuple(filter(None, quotes)):
            return following
    return ()


def _source(question: Question, extractor: Extractor, turn: Turn) -> ExtractiveAnswer:
    """The quotations of the answer before, with the words that tell who says so, if any do."""
    alone = replace(question, previous=())
    result = extractor.answer(Interpretation(alone, turn.articles, only=True))
    quotes = tuple(quote for quote in result.answer.quotes if _is_among(quote.key, turn.shown))
    short = result.answer.answer if quotes and quotes[0] == result.answer.quotes[0] else None
    answer = replace(
        result.answer,
        intent=Intent.SOURCE,
        quotes=quotes or _shown_before(extractor.generation, turn),
        answer=short,
        near=(),
        reason=None,
        agreeing=0,
        differing=False,
        follows=turn.about,
    )
    if not answer.quotes:
        answer = replace(answer, reason=Reason.NOTHING_FOUND)
    return replace(result, answer=answer)


def _shown_before(generation: Generation, turn: Turn) -> tuple[Quotation, ...]:
    """The first quotation of the answer before, if its article is still there."""
    for path, start, end in turn.shown:
        article = generation.store.article(path)
        if article is not None and end <= len(article.text):
            quote = quotation(article, Span(start, end), None, 0.0, generation)
            return (quote,) if quote else ()
    return ()


def _with_missing(result: ExtractiveAnswer, extractor: Extractor) -> ExtractiveAnswer:
    """The answer; a refusal names what no article has."""
    if not result.answer.refused:
        return result
    missing = missing_names(result.answer.question, extractor.generation)
    return replace(result, answer=replace(result.answer, missing=missing))
