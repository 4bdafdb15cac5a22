"""What followed questions cost when articles come in.

``python -m benchmarks.following [FOLDER]`` builds an index of Italian news with a thousand followed
questions in the folder, unless it has one, lets ten articles come in, and prints a Markdown table.
The baseline, in the same run, is what the new articles cost without anybody who follows: their
encoding, as an index run does it.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.corpus import NEWS
from benchmarks.report import machine
from bot.access import Supergroups
from bot.following.follows import Follow, Follows
from bot.following.news import Check, NewsFinder
from bot.following.outbox import Destination
from bot.state import FILE, State
from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import Locations
from index.models.embedder import Embedder
from retrieval.answer import Question
from retrieval.answering.reader import Reader
from retrieval.chain import AnswerChain
from retrieval.evaluation.datasets import NewsArticle, read_articles, read_questions

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
    new, old = articles[: NEW * ROUNDS + 1], articles[NEW * ROUNDS + 1 :]
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
        note(state, finder.check(threading.Event()))
        rows = [
            measure(new[start : start + NEW], paths, finder, state, chain)
            for start in range(1, len(new) - NEW + 1, NEW)
        ]
    yield "\n| looked for news in | new articles encoded in | ratio | each asked in full | news |"
    yield f"|{' --- |' * 5}"
    for looked, encoded, asked, told in rows:
        ratio = f"{looked / encoded:.2f}"
        yield f"| {looked:.2f} s | {encoded:.2f} s | {ratio} | {asked:.0f} s | {told} |"
    yield f"\nMedian: {median(row[0] for row in rows):.2f} s."


def measure(
    new: Sequence[NewsArticle],
    paths: Locations,
    finder: NewsFinder,
    state: State,
    chain: AnswerChain,
) -> tuple[float, float, float, int]:
    """Seconds of the check, of encoding, and of asking every question; the number of news."""
    write(paths.corpus, new)
    started = perf_counter()
    sync(paths, Embedder())
    encoded = perf_counter() - started
    finder.register()  # opens the new index, which the first question would do
    started = perf_counter()
    check = finder.check(threading.Event())
    looked = perf_counter() - started
    note(state, check)
    started = perf_counter()
    for text in itertools.islice(questions(), ASKED):
        chain.invoke(Question.parse(text))
    asked = (perf_counter() - started) * FOLLOWS / ASKED
    return looked, encoded, asked, len(check.news) if check else 0


def note(state: State, check: Check | None) -> None:
    """Note what was looked at."""
    if check:
        Follows(state, BOT).note_checked(check.nearest, check.run)


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
