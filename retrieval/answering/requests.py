"""From the intent of a message to what answers it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from index.generations.generation import Generation
from index.text.language import MAIN
from index.text.sentences import Span
from retrieval.answer import Answer, Intent, Question, Quotation, QuotedSpan, Reason, Scope, Turn
from retrieval.answering.agreement import undecided
from retrieval.answering.comparison import compared
from retrieval.answering.counting import counted
from retrieval.answering.extractive import ExtractiveAnswer, Extractor, in_scope
from retrieval.answering.lists import MOST, MOST_STEPS, in_order, listed
from retrieval.answering.quotations import quotation, quotations
from retrieval.answering.search import find_passages
from retrieval.answering.summaries import article_sentences, joined_neighbours, summarized
from retrieval.answering.weights import Caution
from retrieval.conversation import Interpretation, in_context, is_self_contained, stands_alone
from retrieval.questions.scope import ScopedQuestion, named_outlets
from retrieval.questions.topic import missing_names, topic

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

    A message that may ask for a fact is answered so where the articles surely have it.
    ``standalone``: the question without context, as a chat model takes it.
    """
    turn = question.previous[-1] if question.previous else None
    outlets = named_outlets(question.text, extractor.generation.sources)
    wants_fact = intent in (Intent.FACT, Intent.YESNO) and probability >= SURE
    if len(outlets) > 1 and not wants_fact:
        intent, probability = Intent.COMPARE, 1.0
    elif outlets and intent in _ASIDES:  # "secondo AgenPress?"
        intent = Intent.FACT
    is_whole, is_sure = turn is None or is_self_contained(question), probability >= SURE
    if intent is Intent.FOREIGN:
        return _without_search(intent, question, Reason.FOREIGN, extractor)
    if intent in _ASIDES and not _may_be_fact(intent, question, is_sure):
        return _aside(intent, question, extractor, turn)
    wants_all = intent in _COLLECTIONS and (is_whole or intent in _ABOUT_ARTICLES)
    if wants_all and is_sure and intent not in _LED:
        result = _finished(_collected(intent, question, extractor, turn), extractor)
        if not result.answer.refused or intent is Intent.COUNT:
            return result
        fact = answer_in_context(question, extractor, standalone)
        return result if fact.answer.refused else fact
    fact = answer_in_context(question, extractor, standalone)
    if intent in _ASIDES and intent is not Intent.BEYOND and fact.answer.refused:
        return _aside(intent, question, extractor, turn)
    is_fact = fact.answer.confidence >= extractor.weights.thresholds[Caution.CAUTIOUS]
    if intent is Intent.YESNO and is_whole and not fact.answer.refused:
        return _undecided(fact)
    if not wants_all or (is_fact and not is_sure):
        return _with_missing(fact, extractor)
    result = _collected(intent, question, extractor, turn)
    result = _led_by(fact.answer, result) if intent in _LED else result
    return _finished(result, extractor)


def _undecided(fact: ExtractiveAnswer) -> ExtractiveAnswer:
    """The answer to a question whether something is so: what tells of it, no short answer."""
    quotes = undecided(fact.answer.quotes).quotes
    answer = replace(
        fact.answer, intent=Intent.YESNO, quotes=quotes, answer=None, agreeing=0, differing=False
    )
    return replace(fact, answer=answer)


def _may_be_fact(intent: Intent, question: Question, is_sure: bool) -> bool:
    """Whether a message that seems to be no question about a fact is worth a search."""
    if intent is Intent.BEYOND:
        return not is_sure
    return is_self_contained(question) or not (is_sure or intent.is_talk)


def _finished(result: ExtractiveAnswer, extractor: Extractor) -> ExtractiveAnswer:
    """The first page of what was found."""
    return _with_missing(replace(result, answer=_page(result.answer)), extractor)


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
    if turn and intent is not Intent.SUMMARY and not topic(question.text, sources):
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
    result = listed(intent, scoped_question, base, extractor)
    if intent is not Intent.TIMELINE:
        return result
    carrying = summarized(intent, scoped_question, base, extractor, turn).answer.quotes
    return replace(result, answer=_with_steps(result.answer, carrying))


def _with_steps(answer: Answer, carrying: Sequence[Quotation]) -> Answer:
    """A timeline with the sentences that carry the articles on its subject, too."""
    keys = tuple(quote.key for quote in answer.quotes)
    further = [quote for quote in carrying if not _is_among(quote.key, keys)]
    quotes = in_order([*answer.quotes, *further][:MOST_STEPS])
    reason = answer.reason if not quotes else None
    return replace(answer, quotes=quotes, reason=reason, near=answer.near if reason else ())


def _page(answer: Answer, seen: Sequence[QuotedSpan] = ()) -> Answer:
    """The answer with the next of its quotations that were not shown before."""
    left = tuple(quote for quote in answer.quotes if not _is_among(quote.key, seen))
    total = len(seen) + len(left)
    return replace(answer, quotes=left[:PAGE], total=total if total > PAGE else 0, seen=tuple(seen))


def _is_among(key: QuotedSpan, spans: Iterable[QuotedSpan]) -> bool:
    """Whether a quotation has words in common with one of these."""
    article, start, end = key
    return any(path == article and first < end and start < last for path, first, last in spans)


def _aside(
    intent: Intent, question: Question, extractor: Extractor, turn: Turn | None
) -> ExtractiveAnswer:
    """What is said to talk, or about the answer before."""
    if intent is Intent.MORE and turn and turn.shown:
        return _more(question, extractor, turn)
    if intent is Intent.SOURCE and turn and turn.shown:
        return _source(question, extractor, turn)
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
        if not result.answer.quotes:
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
    missing = missing_names(result.scoped.question.text, extractor.generation)
    return replace(result, answer=replace(result.answer, missing=missing))
