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
from benchmarks.processes import MEGABYTE, BenchmarkError, Outcome, Workspace, pairs
from benchmarks.report import Figure, machine, table

MAX_NOOP = 1 / 20  # of LangChain's time
MAX_CHANGED = 2.0  # seconds over the no-op and the loading of the model
MIN_BUILD = 0.9  # of the model's characters a second
MAX_MEMORY = 200  # MB more for ten times the articles
BUILDS = 3  # runs of what takes minutes, at most
SHORT = 600  # characters: such an article is one passage, with room for a sentence more
MAX_TEXTS = 100  # of one article: its passages and sentences
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
    """The five figures, over corpora that are made on demand.

    Args:
        work: an empty folder.
        squad: the folder of SQuAD-it's files.
        articles: of the large corpus; the others have a fifth and a tenth of it.
        runs: how often each figure is measured.
    """

    def __init__(self, work: Path, squad: Path, articles: int, runs: int) -> None:
        self._work = work
        self._squad = squad
        self._articles = articles
        self.runs = runs
        self.builds = min(runs, BUILDS)
        self._models = work / "models"  # of the baselines
        self._changes = 0

    @cached_property
    def dtype(self) -> str:
        """The data type that the model computes in."""
        return str(self._plain.part("load").result["dtype"])

    def noop(self) -> Figure:
        """A run without changes against LangChain's, which constructs its embedding."""
        target = f"≤ {MAX_NOOP:g}"
        return self._noop("its model constructed", target, self._models)

    def noop_bare(self) -> Figure:
        """A run without changes against LangChain's with an embedding that costs nothing."""
        return self._noop("no model at all", "none: see below")

    def _noop(self, embedding: str, target: str, *models: Path) -> Figure:
        workspace, store = self._indexed, self._work / "langchain"
        store.mkdir(exist_ok=True)
        if not any(store.iterdir()):
            workspace.part("langchain", workspace.corpus, store)
        measured = pairs(
            self.runs,
            lambda: _unchanged(workspace.index()),
            lambda: _skipped(
                workspace.part("langchain", workspace.corpus, store, *models), self._articles
            ),
        )
        ours, theirs = (
            median(outcome.seconds for outcome in side) for side in zip(*measured, strict=True)
        )
        ratio = median(product.seconds / baseline.seconds for product, baseline in measured)
        return Figure(
            f"no-op sync, {self._articles:,} articles",
            f"{ours:.2f} s",
            f"LangChain's index(), {embedding}: {theirs:.2f} s",
            ratio,
            target,
            ratio <= MAX_NOOP if models else None,
        )

    def changed(self) -> Figure:
        """A run after one article has changed, against a no-op and the loading of the model."""
        workspace = self._indexed
        self._change(workspace)
        measured = [self._changed_once(workspace) for _ in range(self.runs)]
        total, noop_total, loading_total = (median(part) for part in zip(*measured, strict=True))
        more = median(changed - noop - loading for changed, noop, loading in measured)
        return Figure(
            f"one article changed of {self._articles:,}",
            f"{total:.2f} s",
            f"no-op {noop_total:.2f} s + loading the model {loading_total:.2f} s",
            median(changed / (noop + loading) for changed, noop, loading in measured),
            f"≤ {MAX_CHANGED:g} s more; {more:.2f} s more",
            more <= MAX_CHANGED,
        )

    def build(self) -> Figure:
        """A first build against the model alone."""
        workspace = self._plain

        def ours() -> Outcome:
            workspace.empty()
            return workspace.index()

        def theirs() -> Outcome:
            return workspace.part("encode", workspace.corpus, self._models)

        measured = pairs(self.builds, ours, theirs, warm=False)
        rates = [_rates(product, baseline) for product, baseline in measured]
        built, encoded = (median(side) for side in zip(*rates, strict=True))
        ratio = median(product / baseline for product, baseline in rates)
        return Figure(
            f"first build, {self._articles // 5:,} articles",
            f"{built:,.0f} characters/s",
            f"encode alone: {encoded:,.0f} characters/s",
            ratio,
            f"≥ {MIN_BUILD:g}",
            ratio >= MIN_BUILD,
        )

    def memory(self) -> Figure:
        """The peak of a large build against that of a small one."""
        measured = pairs(
            self.builds, lambda: _built(self._large), lambda: _built(self._small), warm=False
        )
        large, small = (
            median(o.peak / MEGABYTE for o in side) for side in zip(*measured, strict=True)
        )
        more = median((of_large.peak - of_small.peak) / MEGABYTE for of_large, of_small in measured)
        return Figure(
            f"peak memory, build of {self._articles:,} articles",
            f"{large:.0f} MB",
            f"{self._articles // 10:,} articles: {small:.0f} MB",
            median(of_large.peak / of_small.peak for of_large, of_small in measured),
            f"≤ {MAX_MEMORY} MB more; {more:.0f} MB more",
            more <= MAX_MEMORY,
        )

    def _changed_once(self, workspace: Workspace) -> tuple[float, float, float]:
        """Seconds of the run with a change, of the no-op, of the model's loading alone."""
        noop = _unchanged(workspace.index()).seconds
        loading = workspace.part("load").seconds - workspace.ready().seconds
        return self._change(workspace).seconds, noop, loading

    def _change(self, workspace: Workspace) -> Outcome:
        """Append a sentence to another short article each time, and index."""
        short = [path for path in files(workspace.corpus) if path.stat().st_size < SHORT]
        # By the golden ratio: spread over the whole corpus, whatever the number of runs.
        path = short[int((self._changes + 1) * 0.618 % 1 * len(short))]
        self._changes += 1
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\n\n{SENTENCE.format(self._changes)}", encoding="utf-8")
        outcome = workspace.index()
        if (len(outcome.result["changed"]), outcome.result["embedded"]) != (1, 2):
            raise BenchmarkError(f"not one article and two texts: {outcome.result}")
        return outcome

    @cached_property
    def _indexed(self) -> Workspace:
        if not self._large.data.exists():
            _built(self._large)
        return self._large

    @cached_property
    def _large(self) -> Workspace:
        return self._filled("large", self._articles)

    @cached_property
    def _small(self) -> Workspace:
        return self._filled("small", self._articles // 10)

    @cached_property
    def _plain(self) -> Workspace:
        return self._workspace("plain", self._articles // 5)

    def _filled(self, name: str, articles: int) -> Workspace:
        workspace = self._workspace(name, articles)
        workspace.part("fill", workspace.corpus, workspace.known)
        return workspace

    def _workspace(self, name: str, articles: int) -> Workspace:
        workspace = Workspace(self._work / name)
        write_corpus(workspace.corpus, articles, self._squad)
        return workspace


def _unchanged(outcome: Outcome) -> Outcome:
    if any(outcome.result[key] for key in ("embedded", "added", "changed", "removed")):
        raise BenchmarkError(f"a run without changes did something: {outcome.result}")
    return outcome


def _skipped(outcome: Outcome, articles: int) -> Outcome:
    if outcome.result["num_skipped"] != articles:
        raise BenchmarkError(f"LangChain did not skip everything: {outcome.result}")
    return outcome


def _built(workspace: Workspace) -> Outcome:
    """A first build with cached vectors but for one article, for which the model is loaded."""
    workspace.empty()
    outcome = workspace.index()
    if not 0 < outcome.result["embedded"] < MAX_TEXTS:
        raise BenchmarkError(f"{outcome.result['embedded']} texts embedded, not one article's")
    return outcome


def _rates(ours: Outcome, theirs: Outcome) -> tuple[float, float]:
    """Characters a second of both."""
    if ours.result["embedded"] != theirs.result["texts"]:
        raise BenchmarkError("the baseline encoded other texts than Virgolette")
    characters = theirs.result["characters"]
    return characters / ours.seconds, characters / theirs.result["seconds"]


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
        report = [machine(bench.dtype, PACKAGES.split()), table(figures), notes]
        return figures, "\n\n".join(report)

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
