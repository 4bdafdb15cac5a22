"""The answerer without a chat model: the sentences that answer, or a refusal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.text.language import MAIN
from index.text.words import terms
from retrieval.answer import Answer, Question, Reason
from retrieval.answering.agreement import undecided, verdict
from retrieval.answering.candidates import gather_sentences
from retrieval.answering.introductions import with_introductions
from retrieval.answering.quotations import LIKELY, ScoredSentence, quotations, ranked
from retrieval.answering.reader import Reader
from retrieval.answering.search import HybridSearch, ScoredPassage, find_passages, newness
from retrieval.answering.weights import Caution, Weights
from retrieval.conversation import Interpretation
from retrieval.questions.interrogatives import asks_whether
from retrieval.questions.scope import ScopedQuestion, scoped
from retrieval.questions.topic import topic_words

IN_TIME_BONUS = 1.5  # on the score of a sentence from the time in question
NEWEST_BONUS = 3.0  # on the score of a sentence from the newest article of all
MIN_CONFIDENCE = 0.1  # below it, nothing is worth showing, unless it has the question's words:
MENTIONED = 0.5  # this share of them
PASSAGES_PER_STEP = 2  # read at once; fewer would leave a core idle
MAX_NEAR = 1  # quotations shown if nothing answers


@dataclass(frozen=True)
class ExtractiveAnswer:
    """An answer in the articles' own words, with the scoped question and the passages for it."""

    answer: Answer
    scoped: ScopedQuestion
    passages: tuple[ScoredPassage, ...]


@dataclass(frozen=True)
class Extractor:
    """Answers questions in the own words of a generation's articles."""

    generation: Generation
    embedder: Embedder
    reader: Reader | None
    weights: Weights
    caution: Caution = Caution.BALANCED

    def answer(self, interpretation: Interpretation) -> ExtractiveAnswer:
        """Scope the question, search and read passages, choose sentences, and answer or refuse."""
        scoped_question = self.scoped(interpretation)
        passages = find_passages(scoped_question, self.generation, self.embedder, interpretation)
        return self._answered(interpretation.question, scoped_question, passages)

    def answer_from(self, question: Question, articles: Collection[str]) -> Answer:
        """What these articles answer, by their paths, as sure as if all were asked."""
        scoped_question = self.scoped(Interpretation(question))
        passages = self.search_in(scoped_question, articles)
        return self._answered(question, scoped_question, passages).answer

    def search_in(
        self, scoped_question: ScopedQuestion, articles: Collection[str]
    ) -> list[ScoredPassage]:
        """The passages of these articles that are worth reading, with their scores among all."""
        sources, store = scoped_question.scope.sources, self.generation.store
        rows = store.passage_rows(articles)
        if sources:
            rows &= frozenset(store.rows_where(lambda source, _: source in sources))
        search = HybridSearch(self.generation, self.embedder)
        return search.passages_of(scoped_question.question.text, rows)

    def scoped(self, interpretation: Interpretation) -> ScopedQuestion:
        """The question with its outlets and its time, those of the articles at most."""
        question, sources = interpretation.question, interpretation.sources
        scoped_question = scoped(question, self.generation.sources, self.generation.dates)
        if sources and not scoped_question.scope.sources:
            scope = replace(scoped_question.scope, sources=sources)
            scoped_question = replace(scoped_question, scope=scope)
        return scoped_question

    def search(self, scoped_question: ScopedQuestion, count: int) -> list[ScoredPassage]:
        """The nearest passages in scope, whether they are worth reading or not."""
        return find_passages(scoped_question, self.generation, self.embedder, count=count)

    def sentences(
        self, scoped_question: ScopedQuestion, passages: Sequence[ScoredPassage]
    ) -> list[ScoredSentence]:
        """The sentences of the passages, best first."""
        gathered = gather_sentences(
            scoped_question, passages, self.generation, self.embedder, self.reader
        )
        question = scoped_question.question.text
        return ranked(with_introductions(gathered, question), self.weights)

    def base(self, question: Question, scoped_question: ScopedQuestion) -> Answer:
        """An answer that says nothing yet."""
        return Answer(
            question=question.text,
            query=scoped_question.question.text,
            quotes=(),
            confidence=0.0,
            generation=self.generation.name,
            scope=scoped_question.scope,
        )

    def _answered(
        self,
        question: Question,
        scoped_question: ScopedQuestion,
        passages: Sequence[ScoredPassage],
    ) -> ExtractiveAnswer:
        sentences = self._read(scoped_question, passages)
        candidates = in_scope(sentences, scoped_question)
        answer = self._answer(question, scoped_question, sentences, candidates)
        return ExtractiveAnswer(answer, scoped_question, tuple(passages))

    def _read(
        self, scoped_question: ScopedQuestion, passages: Sequence[ScoredPassage]
    ) -> list[ScoredSentence]:
        """The sentences of the nearest passages, best first: of all passages, or until one is sure.

        How sure does not depend on ``caution``: a question has the same confidence with each.
        """
        scope, sure = scoped_question.scope, self.weights.thresholds[Caution.CAUTIOUS]
        counts = [*range(PASSAGES_PER_STEP, len(passages), PASSAGES_PER_STEP), len(passages)]
        if scope.newest or scope.since or scope.until:
            counts = counts[-1:]  # the articles of some days are preferred: compare them all
        sentences: list[ScoredSentence] = []
        for count in counts:
            sentences = self.sentences(scoped_question, passages[:count])
            candidates = in_scope(sentences, scoped_question)
            if candidates and candidates[0].answers >= sure:
                break
        return sentences

    def _answer(
        self,
        question: Question,
        scoped_question: ScopedQuestion,
        sentences: Sequence[ScoredSentence],
        candidates: Sequence[ScoredSentence],
    ) -> Answer:
        """What the candidates say; ``sentences`` are those of any time."""
        confidence = round(candidates[0].answers, 4) if candidates else 0.0
        threshold = self.weights.thresholds[self.caution]
        answer = replace(self.base(question, scoped_question), confidence=confidence)
        if candidates and confidence < min(MIN_CONFIDENCE, threshold):
            sentences = candidates = self._mentioning(scoped_question.question, candidates)
        if not sentences:
            return replace(answer, reason=Reason.NOTHING_FOUND)
        quotes = quotations(candidates, self.generation, min_probability=max(LIKELY, threshold))
        if confidence < threshold or not quotes:
            near = quotations(candidates or sentences, self.generation, limit=MAX_NEAR)
            return replace(answer, reason=Reason.NOT_ANSWERED, near=near)
        if asks_whether(scoped_question.question.text):
            agreement = undecided(quotes)
        else:
            agreement = verdict(quotes, candidates, self.generation, self.weights)
        return replace(
            answer,
            quotes=agreement.quotes,
            answer=agreement.answer,
            agreeing=agreement.agreeing,
            differing=agreement.differing,
        )

    def _mentioning(
        self, question: Question, candidates: Sequence[ScoredSentence]
    ) -> list[ScoredSentence]:
        """The sentences with most terms of the question, if it is MENTIONED of them at least.

        Of a question in another language those count that the articles have, as names.
        """
        wanted = {term for word in topic_words(question.text) for term in terms(word)}
        if question.language != MAIN:
            wanted = set(filter(self.generation.keywords.has, wanted))
        shared = [len(wanted & set(terms(scored.sentence.shown))) for scored in candidates]
        most = max(shared, default=0)
        if not wanted or most < MENTIONED * len(wanted):
            return []
        return [one for one, count in zip(candidates, shared, strict=True) if count == most]


def in_scope(
    sentences: Sequence[ScoredSentence], scoped_question: ScopedQuestion
) -> list[ScoredSentence]:
    """The sentences that may answer in the time in question, best first."""
    allowed = [
        scored
        for scored in sentences
        if scoped_question.allows(scored.sentence.article.date, scored.sentence.article.text)
    ]
    dates = {scored.sentence.article.date for scored in allowed}
    candidates = [
        replace(scored, score=scored.score + _bonus(scored, scoped_question, dates))
        for scored in allowed
    ]
    return sorted(candidates, key=lambda candidate: -candidate.score)


def _bonus(
    scored: ScoredSentence, scoped_question: ScopedQuestion, dates: Collection[str | None]
) -> float:
    scope, date = scoped_question.scope, scored.sentence.article.date
    if date is None:
        return 0.0
    in_time = IN_TIME_BONUS if (scope.since or scope.until) and scope.covers(date) else 0.0
    return in_time + (NEWEST_BONUS * newness(date, dates) if scope.newest else 0.0)
