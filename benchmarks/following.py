"""What followed questions cost when articles come in.

``python -m benchmarks.following [FOLDER]`` builds an index of Italian news with a thousand followed
questions in the folder, unless it has one, lets ten articles come in, and prints a Markdown table.
The baselines, in the same run: what the new articles cost without anybody who follows, as an index
run encodes them; and what it would take to ask all questions.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.corpus import NEWS
from benchmarks.report import machine
from bot.access import Supergroups
from bot.following.follows import Follow, Follows
from bot.following.news import News, NewsFinder
from bot.following.outbox import Destination
from bot.following.runs import Runs
from bot.state import FILE, State
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Question
from retrieval.answering.reader import Reader
from retrieval.chain import AnswerChain
from retrieval.evaluation.datasets import NewsArticle, read_articles, read_questions
from retrieval.following.preselection import Standing, chances

BOT = 42
FOLLOWS = 1000
NEW = 10  # articles that come in at a time
ROUNDS = 5
ASKED = 20  # questions that are asked in full, to tell what all would take


def main() -> None:
    """Build what is missing, measure, and print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        print("\n".join(measured(folder)))


def measured(folder: Path) -> Iterator[str]:
    """The lines of the report; product and baselines by turns."""
    articles = list(read_articles(NEWS).values())
    old, new = articles[: -NEW * ROUNDS - 1], articles[-NEW * ROUNDS - 1 :]
    embedder, paths = Embedder(), Locations(folder / "corpus", folder / "data")
    write(paths.corpus, old)
    sync(paths, embedder)
    with closing(State(folder / FILE)) as state, closing(CurrentIndex(paths.data_dir)) as index:
        chain = AnswerChain(index, embedder, Reader(embedder.encoder))
        finder = NewsFinder(state, BOT, index, chain, embedder, Supergroups(state))
        finder.register()
        follow(state, embedder)
        chain.warm_up()
        yield machine("no use", [])
        yield f"{len(old)} articles, {FOLLOWS} questions followed, {NEW} articles at a time."
        write(paths.corpus, new[:1])  # the first one lets each question find its nearest article
        sync(paths, embedder)
        finder.check(lambda *_: None, threading.Event())
        rows = [
            measure(new[start : start + NEW], paths, finder, state, chain)
            for start in range(1, len(new) - NEW + 1, NEW)
        ]
    yield "\n| scored in | index run | ratio | left | these asked in | all asked in | news |"
    yield f"|{' --- |' * 7}"
    for row in rows:
        ratio = f"{row.scored / row.encoded:.2f}"
        yield (
            f"| {row.scored:.2f} s | {row.encoded:.2f} s | {ratio} | {row.left} "
            f"| {row.asked:.1f} s | {row.all_asked:.0f} s | {row.news} |"
        )
    yield f"\nMedian of scoring: {median(row.scored for row in rows):.2f} s."


@dataclass(frozen=True)
class Round:
    """Seconds of scoring all questions, of an index run, of asking those ``left``, and all."""

    scored: float
    encoded: float
    left: int
    asked: float
    all_asked: float
    news: int


def measure(
    new: Sequence[NewsArticle],
    paths: Locations,
    finder: NewsFinder,
    state: State,
    chain: AnswerChain,
) -> Round:
    """Let articles come in."""
    write(paths.corpus, new)
    started = perf_counter()
    sync(paths, Embedder())
    encoded = perf_counter() - started
    run = finder.register()  # opens the new index, which the first question would do
    scored, left = score(finder, state, run)
    started = perf_counter()
    news: list[News] = []
    finder.check(lambda one, _: news.append(one), threading.Event())
    asked = perf_counter() - started - scored
    started = perf_counter()
    for text in itertools.islice(questions(), ASKED):
        chain.invoke(Question.parse(text))
    all_asked = (perf_counter() - started) * FOLLOWS / ASKED
    return Round(scored, encoded, left, asked, all_asked, len(news))


def score(finder: NewsFinder, state: State, run: int) -> tuple[float, int]:
    """Seconds of the matrix product and what belongs to it; how many questions it leaves."""
    follows = Follows(state, BOT)
    articles = Runs(state, BOT).articles_since(run - 1)
    started = perf_counter()
    vectors = follows.vectors()
    standing = [Standing(f.question, vectors[f.id], f.nearest) for f in follows.behind(run)]
    with finder.index.reading() as generation:
        if generation is None:
            raise ValueError("there is no index")
        found = chances(standing, articles, generation)
    return perf_counter() - started, sum(chance.may_be_answered for chance in found)


def follow(state: State, embedder: Embedder) -> None:
    """Let each of a thousand people follow a question on some article."""
    follows, run = Follows(state, BOT), 1
    for person, text in enumerate(itertools.islice(questions(), FOLLOWS), 1):
        follows.add(Follow(Destination(person), person, text, "it", 1.7e9, run), embedder, 0)


def questions() -> Iterator[str]:
    """Questions on all articles, those that come in too, each once."""
    articles = read_articles(NEWS)
    asked = [q.text for q in read_questions(NEWS / "train.jsonl", articles)]
    step = max(len(asked) // FOLLOWS, 1)
    yield from dict.fromkeys(asked[::step])


def write(corpus: Path, articles: Sequence[NewsArticle]) -> None:
    """Write articles as files."""
    corpus.mkdir(parents=True, exist_ok=True)
    for article in articles:
        (corpus / f"{article.id}.txt").write_text(
            f"---\ntitle: >-\n  {article.title}\n---\n{article.text}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
