"""Which followed questions new articles answer."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bot.access import Supergroups
from bot.following.follows import Follow, Follows, Last
from bot.following.runs import Runs
from bot.following.shown import shown_in
from bot.state import State
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from retrieval.answer import Answer, Question
from retrieval.answering.agreement import Relation, relation
from retrieval.chain import AnswerChain
from retrieval.following.novelty import ShortAnswer, unknown_quotations
from retrieval.following.preselection import Chance, Nearest, Standing, chances


@dataclass(frozen=True)
class News:
    """What new articles answer to a followed question, beside what was told before."""

    follow: Follow
    answer: Answer
    relation: Relation


@dataclass(frozen=True)
class Check:
    """A look at the articles up to a ``run``: the news on some questions, and the nearest to each.

    ``nearest``: by the numbers of the questions.
    """

    run: int
    nearest: dict[int, Nearest | None]
    news: list[News]


@dataclass(frozen=True)
class NewsFinder:
    """Looks for what new articles answer. Raises VirgoletteError."""

    state: State
    bot: int
    index: CurrentIndex
    chain: AnswerChain
    embedder: Embedder
    supergroups: Supergroups

    def register(self) -> int:
        """Note which articles the index has now; the number of that run."""
        runs = Runs(self.state, self.bot)
        with self.index.reading() as generation:
            if generation is None:  # all that comes later is new
                return runs.last or runs.register("", {})
            return runs.of(generation.name) or runs.register(generation.name, _digests(generation))

    def check(self, ending: threading.Event) -> Check | None:
        """Look at the articles that are new since the last time; None if there are none.

        It takes as long as the questions that may be answered need. ``ending``: leave it until
        later.
        """
        follows, runs = Follows(self.state, self.bot), Runs(self.state, self.bot)
        run = self.register()
        with self.index.reading() as generation:
            if generation is None:
                return None
            follows.encode(self.embedder)
            behind = sorted(follows.behind(run), key=lambda follow: (follow.run, follow.id))
            check = Check(run, {}, [])
            for since, group in groupby(behind, key=lambda follow: follow.run):
                questions, articles = list(group), runs.articles_since(since)
                near = self._chances(questions, follows.vectors(), articles, generation)
                check.nearest.update((number, chance.nearest) for number, chance in near.items())
                possible = [q for q in questions if q.id in near and near[q.id].may_be_answered]
                check.news.extend(self._news(possible, articles, generation, ending))
        return check if check.nearest and not ending.is_set() else None

    def _chances(
        self,
        questions: Sequence[Follow],
        vectors: Mapping[int, Vectors],
        articles: frozenset[str],
        generation: Generation,
    ) -> dict[int, Chance]:
        """The chance of each question; with another model, all may be answered.

        What is near was measured with the default one.
        """
        questions = [question for question in questions if question.id in vectors]
        if not self.embedder.is_default:
            chance = Chance(may_be_answered=bool(articles), nearest=None)
            return dict.fromkeys((question.id for question in questions), chance)
        standing = [Standing(q.question, vectors[q.id], q.nearest) for q in questions]
        found = chances(standing, articles, generation)
        return {q.id: chance for q, chance in zip(questions, found, strict=True)}

    def _news(
        self,
        questions: Sequence[Follow],
        articles: frozenset[str],
        generation: Generation,
        ending: threading.Event,
    ) -> Iterator[News]:
        shown: dict[tuple[int, int], list[tuple[str, str]]] = {}
        for follow in questions:
            if ending.is_set():
                return
            room = follow.to.chat, follow.to.topic
            if room not in shown:
                chats = self.supergroups.numbers(follow.to.chat)
                shown[room] = shown_in(self.state, self.bot, chats, follow.to.topic)
            if found := self._answered(follow, articles, shown[room], generation):
                # One quotation, one message, also if it answers two questions.
                shown[room] += ((quote.article, quote.text) for quote in found.answer.quotes)
                yield found

    def _answered(
        self,
        follow: Follow,
        articles: frozenset[str],
        shown: Sequence[tuple[str, str]],
        generation: Generation,
    ) -> News | None:
        day = datetime.date.fromtimestamp(follow.since)
        answer = self.chain.answer_from(Question(follow.question, day), articles, generation)
        quotes = unknown_quotations(answer.quotes, shown, articles, generation)
        if not quotes:
            return None
        if quotes[0] != answer.quotes[0]:
            answer = replace(answer, answer=None, agreeing=0, differing=False)
        answer = replace(answer, question=follow.question, quotes=quotes)
        return News(follow, answer, self._relation(follow.last, Last.of(answer)))

    def _relation(self, before: Last | None, now: Last | None) -> Relation:
        if not before or not now or not before.answer or not now.answer:
            return Relation.NEW
        return relation(
            *(ShortAnswer.of(t.answer, t.text, t.title, self.embedder) for t in (before, now))
        )


def _digests(generation: Generation) -> dict[str, str]:
    """The digests of the files with the articles of a generation, by path."""
    files, skipped = generation.manifest.files, generation.manifest.skipped
    return {path: digest for path, digest in files.items() if path not in skipped}
