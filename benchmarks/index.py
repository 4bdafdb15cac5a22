"""Measures `virgolette index`: ``python -m benchmarks.index --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from statistics import median

from benchmarks.command import printed, run_command
from benchmarks.corpus import SQUAD, files, write_corpus
from benchmarks.processes import MEGABYTE, BenchmarkError, Outcome, Place, pairs
from benchmarks.report import Figure, machine, table

MOST_NOOP = 1 / 20  # of LangChain's time
MOST_CHANGED = 2.0  # seconds over the no-op and the loading of the model
LEAST_BUILD = 0.9  # of the model's characters a second
MOST_MEMORY = 200  # MB more for ten times the articles
BUILDS = 3  # runs of what takes minutes, at most
SHORT = 600  # characters: such an article is one passage, with room for a sentence more
MOST_TEXTS = 100  # of one article: its passages and sentences
SENTENCE = "Alla fine della giornata numero {} il direttore ha confermato la notizia."
PACKAGES = "torch sentence-transformers chromadb langchain-core langchain-classic langchain-chroma"

NOTES = """\
Runs: {runs} (builds: {builds}), product and baseline by turns, with warm disk caches. Times are
those of whole processes; told are the medians, and as ratio the median of the pairs' ratios. The
articles are the 1,493 distinct paragraphs of SQuAD-it's train and dev; those after them are repeats
that join the first half of one paragraph with the second of another, every sentence changed.

- *No-op*: nothing has changed since the last run. The baseline is LangChain's `index()` with its
  SQL record manager, Chroma and `cleanup="full"`, a document a file. It needs a vector store, and
  that an embedding; the one of its documentation, HuggingFaceEmbeddings, loads its model when it is
  constructed, and so does the baseline's. The second row is against one that costs nothing to
  construct: it tells how much of the first ratio is owed to not loading a model that is not needed.
  The store was filled with pseudo-random vectors, and Virgolette's cache likewise: neither run
  looks at them. Virgolette believes size, times and inode of files it has seen and reads them all
  again once a day; LangChain reads them at every run. More than half of Virgolette's time is
  starting: `virgolette --help` takes it too.
- *One article changed*: a sentence was added to it, and its two new texts were embedded with the
  real model. The model's loading is a process that loads it as Virgolette does and embeds one
  text, less one that imports what a no-op imports. The baseline is the sum of no-op and loading.
- *First build*: the characters of the distinct passages and sentences, over the whole of
  `virgolette index`, the loading of the model included, against
  `SentenceTransformer.encode` of the same texts at once, with the loaded model.
- *Memory*: the most that all processes of a first build hold at once, with pseudo-random vectors in
  the cache for all articles but the last, for which the real model is loaded.
"""


class IndexBench:
    """The five figures, over corpora that are made when they are needed.

    Args:
        work: an empty folder.
        squad: the folder of SQuAD-it's files.
        articles: of the large corpus; the others have a fifth and a tenth of it.
        runs: how often each thing is measured.
    """

    def __init__(self, work: Path, squad: Path, articles: int, runs: int) -> None:
        self._work = work
        self._squad = squad
        self._articles = articles
        self.runs = runs
        self.builds = min(runs, BUILDS)
        self._models = work / "models"  # those of others
        self._changes = 0

    @cached_property
    def dtype(self) -> str:
        """The numbers the model computes in."""
        return str(self._plain.part("load").told["dtype"])

    def noop(self) -> Figure:
        """A run without changes against LangChain's, which constructs its embedding."""
        target = f"≤ {MOST_NOOP:g}"
        return self._noop("its model constructed", target, self._models)

    def noop_bare(self) -> Figure:
        """A run without changes against LangChain's with an embedding that costs nothing."""
        return self._noop("no model at all", "none: see below")

    def _noop(self, told: str, target: str, *models: Path) -> Figure:
        place, store = self._indexed, self._work / "langchain"
        store.mkdir(exist_ok=True)
        if not any(store.iterdir()):
            place.part("langchain", place.corpus, store)
        measured = pairs(
            self.runs,
            lambda: _unchanged(place.index()),
            lambda: _skipped(place.part("langchain", place.corpus, store, *models), self._articles),
        )
        ours, theirs = (
            median(outcome.seconds for outcome in side) for side in zip(*measured, strict=True)
        )
        ratio = median(one.seconds / other.seconds for one, other in measured)
        return Figure(
            f"no-op sync, {self._articles:,} articles",
            f"{ours:.2f} s",
            f"LangChain's index(), {told}: {theirs:.2f} s",
            ratio,
            target,
            ratio <= MOST_NOOP if models else None,
        )

    def changed(self) -> Figure:
        """A run after one article has changed, against a no-op and the loading of the model."""
        place = self._indexed
        self._change(place)
        measured = [self._changed_once(place) for _ in range(self.runs)]
        total, noop, loading = (median(part) for part in zip(*measured, strict=True))
        over = median(one - two - three for one, two, three in measured)
        return Figure(
            f"one article changed of {self._articles:,}",
            f"{total:.2f} s",
            f"no-op {noop:.2f} s + loading the model {loading:.2f} s",
            median(one / (two + three) for one, two, three in measured),
            f"≤ {MOST_CHANGED:g} s more; {over:.2f} s more",
            over <= MOST_CHANGED,
        )

    def build(self) -> Figure:
        """A first build against the model alone."""
        place = self._plain
        baselines: list[Outcome] = []

        def ours() -> Outcome:
            place.empty()
            return place.index()

        def theirs() -> Outcome:
            baselines.append(place.part("encode", place.corpus, self._models))
            return baselines[-1]

        measured = pairs(self.builds, ours, theirs, warm=False)
        rates = [_rates(one, other) for one, other in measured]
        built, encoded = (median(side) for side in zip(*rates, strict=True))
        ratio = median(one / other for one, other in rates)
        return Figure(
            f"first build, {self._articles // 5:,} articles",
            f"{built:,.0f} characters/s",
            f"encode alone: {encoded:,.0f} characters/s",
            ratio,
            f"≥ {LEAST_BUILD:g}",
            ratio >= LEAST_BUILD,
        )

    def memory(self) -> Figure:
        """The peak of a large build against that of a small one."""
        measured = pairs(
            self.builds, lambda: _built(self._large), lambda: _built(self._small), warm=False
        )
        large, small = (
            median(o.peak / MEGABYTE for o in side) for side in zip(*measured, strict=True)
        )
        more = median((one.peak - other.peak) / MEGABYTE for one, other in measured)
        return Figure(
            f"peak memory, build of {self._articles:,} articles",
            f"{large:.0f} MB",
            f"{self._articles // 10:,} articles: {small:.0f} MB",
            median(one.peak / other.peak for one, other in measured),
            f"≤ {MOST_MEMORY} MB more; {more:.0f} MB more",
            more <= MOST_MEMORY,
        )

    def _changed_once(self, place: Place) -> tuple[float, float, float]:
        """Seconds of the run with a change, of the no-op, of the model's loading alone."""
        noop = _unchanged(place.index()).seconds
        loading = place.part("load").seconds - place.ready().seconds
        return self._change(place).seconds, noop, loading

    def _change(self, place: Place) -> Outcome:
        """Append a sentence to another short article each time, and index."""
        short = [path for path in files(place.corpus) if path.stat().st_size < SHORT]
        # By the golden ratio: spread over the whole corpus, whatever the number of runs.
        path = short[int((self._changes + 1) * 0.618 % 1 * len(short))]
        self._changes += 1
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\n\n{SENTENCE.format(self._changes)}", encoding="utf-8")
        outcome = place.index()
        if (len(outcome.told["changed"]), outcome.told["embedded"]) != (1, 2):
            raise BenchmarkError(f"not one article and two texts: {outcome.told}")
        return outcome

    @cached_property
    def _indexed(self) -> Place:
        if not self._large.data.exists():
            _built(self._large)
        return self._large

    @cached_property
    def _large(self) -> Place:
        return self._filled("large", self._articles)

    @cached_property
    def _small(self) -> Place:
        return self._filled("small", self._articles // 10)

    @cached_property
    def _plain(self) -> Place:
        return self._place("plain", self._articles // 5)

    def _filled(self, name: str, articles: int) -> Place:
        place = self._place(name, articles)
        place.part("fill", place.corpus, place.known)
        return place

    def _place(self, name: str, articles: int) -> Place:
        place = Place(self._work / name)
        write_corpus(place.corpus, articles, self._squad)
        return place


def _unchanged(outcome: Outcome) -> Outcome:
    told = outcome.told
    if told["embedded"] or told["added"] or told["changed"] or told["removed"]:
        raise BenchmarkError(f"a run without changes did something: {told}")
    return outcome


def _skipped(outcome: Outcome, articles: int) -> Outcome:
    if outcome.told["num_skipped"] != articles:
        raise BenchmarkError(f"LangChain did not skip everything: {outcome.told}")
    return outcome


def _built(place: Place) -> Outcome:
    """A first build with known vectors, all but one article's: the model is loaded for that."""
    place.empty()
    outcome = place.index()
    if not 0 < outcome.told["embedded"] < MOST_TEXTS:
        raise BenchmarkError(f"{outcome.told['embedded']} texts embedded, not one article's")
    return outcome


def _rates(ours: Outcome, theirs: Outcome) -> tuple[float, float]:
    """Characters a second of both."""
    if ours.told["embedded"] != theirs.told["texts"]:
        raise BenchmarkError("the baseline encoded other texts than Virgolette")
    characters = theirs.told["characters"]
    return characters / ours.seconds, characters / theirs.told["seconds"]


FIGURES: dict[str, Callable[[IndexBench], Figure]] = {
    "memory": IndexBench.memory,  # leaves the large index that the next three need
    "noop": IndexBench.noop,
    "noop-bare": IndexBench.noop_bare,
    "changed": IndexBench.changed,
    "build": IndexBench.build,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked; the exit code: 1 if a figure fails its target."""
    options = _options(arguments)

    def measure(work: Path) -> tuple[list[Figure], str]:
        bench = IndexBench(work, options.data.resolve(), options.articles, options.runs)
        chosen = ([figure(bench)] for name, figure in FIGURES.items() if name in options.only)
        figures = list(printed(chosen))
        notes = NOTES.format(runs=bench.runs, builds=bench.builds)
        told = [machine(bench.dtype, PACKAGES.split()), table(figures), notes]
        return figures, "\n\n".join(told)

    return run_command(measure, "index", "Indexing (`make bench-index`)", write=options.write)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.index", description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000, help="of the large corpus")
    parser.add_argument("--runs", type=int, default=5, help=f"of builds {BUILDS} at most")
    parser.add_argument("--data", type=Path, default=SQUAD, help="folder of SQuAD-it's files")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--write", action="store_true", help="the result to docs/performance.md")
    options = parser.parse_args(arguments)
    if options.articles < 40 or options.runs < 1:
        parser.error("at least 40 articles and 1 run")
    return options


if __name__ == "__main__":
    sys.exit(main())
