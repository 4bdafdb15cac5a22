"""Which followed questions new articles answer."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bot.access import Supergroups
from bot.following.follows import Follow, Follows, Last
from bot.following.runs import Runs
from bot.following.shown import shown_in
from bot.state import State
from index.errors import VirgoletteError
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from retrieval.answer import Answer, Question, Quotation
from retrieval.answering.agreement import Relation, relation
from retrieval.chain import AnswerChain
from retrieval.following.novelty import ShortAnswer, unknown_quotations
from retrieval.following.preselection import Chance, Standing, chances

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What new articles answer to a followed question, beside what was told before."""

    follow: Follow
    answer: Answer
    relation: Relation


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

    def check(self, tell: Callable[[News, int], None], ending: threading.Event) -> bool:
        """Look at the articles that are new since the last time, and ``tell`` what they answer.

        ``tell`` gets the number of the run, too. False if not all questions could be looked at:
        the others are another time. It takes as long as those need that may be answered.
        ``ending``: leave them until later.
        """
        follows, runs = Follows(self.state, self.bot), Runs(self.state, self.bot)
        run, is_whole = self.register(), True
        with self.index.reading() as generation:
            if generation is None:
                return True
            follows.encode(self.embedder)
            behind = sorted(follows.behind(run), key=lambda follow: (follow.run, follow.id))
            for since, group in groupby(behind, key=lambda follow: follow.run):
                questions, articles = list(group), runs.articles_since(since)
                near = self._chances(questions, follows.vectors(), articles, generation)
                possible = [q for q in questions if q.id in near and near[q.id].may_be_answered]
                for follow in possible:
                    if ending.is_set() or not self._looked(follow, run, articles, generation, tell):
                        del near[follow.id]
                        is_whole = False
                nearest = {number: chance.nearest for number, chance in near.items()}
                follows.note_checked(nearest, run)
        return is_whole

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

    def _looked(
        self,
        follow: Follow,
        run: int,
        articles: frozenset[str],
        generation: Generation,
        tell: Callable[[News, int], None],
    ) -> bool:
        """Tell what the articles answer to a question; False, and a line in the log, on an error.

        One quotation is one message, also if it answers two questions.
        """
        try:
            chats = self.supergroups.numbers(follow.to.chat)
            shown = shown_in(self.state, self.bot, chats, follow.to.topic)
            if found := self._answered(follow, articles, shown, generation):
                tell(found, run)
        except VirgoletteError as error:
            _log.error("new articles could not be looked at for question %s: %s", follow.id, error)
        except Exception:  # noqa: BLE001 (whatever it is, the other questions are looked at)
            _log.exception("new articles could not be looked at for question %s", follow.id)
        else:
            return True
        return False

    def _answered(
        self,
        follow: Follow,
        articles: frozenset[str],
        shown: Sequence[tuple[str, str]],
        generation: Generation,
    ) -> News | None:
        question = Question(follow.question, datetime.date.fromtimestamp(follow.since))
        left, quotes = articles, tuple[Quotation, ...]()
        while not quotes:  # behind the copies of what is known there may be news
            answer = self.chain.answer_from(question, left, generation)
            if not answer.quotes:
                return None
            quotes = unknown_quotations(answer.quotes, shown, articles, generation)
            left -= {quote.article for quote in answer.quotes}
            left -= {carrier.article for quote in answer.quotes for carrier in quote.also}
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
