"""Measures answering: ``python -m benchmarks.answers --help``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from statistics import median

from benchmarks.asking import questions
from benchmarks.command import printed, run_command
from benchmarks.corpus import ROOT, SQUAD, paragraphs, write_corpus
from benchmarks.growth import Grown, growth_table, plot
from benchmarks.processes import MEGABYTE, Outcome, Workspace, pairs, run
from benchmarks.report import Figure, machine, table
from benchmarks.stock import stock_directory
from benchmarks.telegram import RunningBot

SIZES = (1_000, 10_000, 100_000)
QUESTIONS = 40  # of a median
PEOPLE = 50
HOUR = 600  # questions of a busy hour, ten a minute
MAX_OFF, MAX_READER = 2.0, 8.0  # times the encoding of the question
MAX_GROWTH = 1.5  # times the answer at a tenth of the passages
MAX_COLD, MAX_COLD_MEMORY = 0.35, 0.75  # times those of loading the model and encoding one text
MAX_COMPUTING = 1.1  # times PyTorch's: a CPU's speed drifts by a tenth
MAX_STARTUP = 0.4  # seconds more than Python's start
MAX_IDLE = 0.7  # times the memory of a process that loads the model
MAX_KEPT = 1.3  # times the memory before an hour's questions
MIN_TOGETHER = 1.3  # times the speed of those that ask one after another
MAX_OPENING = 0.5  # seconds
MIN_USUAL, MIN_USUAL_SLOW = 3.0, 1.3  # times the usual speed: where bf16 is fast, elsewhere
MAX_MEMORY = 2 * 2**30
BUILT = 2_000  # articles of a first build
BUILDS = 3
QUESTION = "Dove si incontreranno Putin e Kim?"
PACKAGES = "torch sentence-transformers chromadb langchain-core langchain-chroma bm25s"

NOTES = """\
Runs: {runs} of whole processes, {builds} of builds; {asked} questions of SQuAD-it's dev for what is
measured inside a process, product and baseline by turns. Told are the medians, and as ratio the
median of the pairs' ratios. The passages are the 1,493 distinct paragraphs of SQuAD-it's train and
dev, then repeats that join halves of two, every sentence changed. The paragraphs have their own
vectors, the repeats those of other real texts with noise (cosine .95), so that 100,000 of them are
there in minutes.

- *One answer*: warm, in one process, against `encode_query` of the same question. Between sizes the
  medians of two processes are compared.
- *A question's vector, two passages read*: warm, in one process, by turns with `encode` of
  sentence-transformers and with BertForQuestionAnswering of transformers on all cores, the same
  weights, in bf16 where the CPU is fast at that; the passages are two of SQuAD-it's, met once.
- *`virgolette ask`*: a process that opens the index of the five articles and answers with the
  reader, against one that imports sentence-transformers, loads the same model as it is loaded by
  default (fp32) and encodes one text.
- *The bot's memory*: all its processes, the watcher of the corpus among them, after one answer and
  ten seconds of rest, against the memory of that process; of what several share each counts its
  part (PSS). Again after the questions of the people below and {hour} more, one after another.
- *{people} people at once*: each asks the bot a question in a chat of their own, over the Bot API's
  protocol on loopback, at the same moment; against the same questions one after another.
- *While it answers and reindexes*: the bot and `virgolette index --rebuild` beside it together,
  one question after another being asked.
- *Keyword search*: the product's scores and choice of the best ten, against bm25s' tokenizer and
  `retrieve`, both over the same passages.
- *The usual LangChain way*: RecursiveCharacterTextSplitter (1,000 characters, 200 shared), what
  HuggingFaceEmbeddings does with the same model as it loads by default, `Chroma.from_documents`.
  Characters are those that are embedded: Virgolette's of passages and sentences, LangChain's of
  chunks.
"""


class AnswerBench:
    """The figures of answering, over corpora that are made on demand."""

    def __init__(self, work: Path, squad: Path, sizes: Sequence[int], runs: int) -> None:
        self._work = work
        self._squad = squad
        self.sizes = sizes
        self.runs = runs
        self.builds = min(runs, BUILDS)
        self._measured: dict[int, Grown] = {}
        self._builds: dict[int, Outcome] = {}  # first builds, by the number of articles

    @cached_property
    def _models(self) -> Path:
        """The directory of the baselines' models, written before they are measured."""
        stock_directory(self._work / "models")
        return self._work / "models"

    @cached_property
    def dtype(self) -> str:
        """The data type that the model computes in."""
        return str(self._five.part("load").result["dtype"])

    def answering(self) -> list[Figure]:
        """One answer against the encoding of its question, at the middle size."""
        warm = self._grown(self.sizes[1]).warm
        ways = (("off", "`VIRGOLETTE_READER=off`", MAX_OFF), ("reader", "reader", MAX_READER))
        return [
            Figure.at_most(
                f"one answer, {warm['passages']:,} passages, {name}",
                _ms(warm[way]),
                f"encoding the question: {_ms(warm['encode'])}",
                warm[f"{way}_ratio"],
                limit,
            )
            for way, name, limit in ways
        ]

    def growing(self) -> list[Figure]:
        """One answer at the largest size against the middle one."""
        large, middle = self._grown(self.sizes[2]).warm, self._grown(self.sizes[1]).warm
        return [
            Figure.at_most(
                f"one answer, {large['passages']:,} passages, {name}",
                _ms(large[way]),
                f"{middle['passages']:,} passages: {_ms(middle[way])}",
                large[way] / middle[way],
                MAX_GROWTH,
            )
            for way, name in (("off", "`VIRGOLETTE_READER=off`"), ("reader", "reader"))
        ]

    def cold(self) -> list[Figure]:
        """``virgolette ask`` against a process that encodes one text."""
        measured = pairs(
            self.runs,
            lambda: run(["-m", "bot.terminal.cli", "ask", "--json", QUESTION], self._five.folder),
            self._alone,
        )
        ours, theirs = (median(o.seconds for o in side) for side in zip(*measured, strict=True))
        peak, their_peak = (median(o.peak for o in side) for side in zip(*measured, strict=True))
        return [
            Figure.at_most(
                "`virgolette ask`, cold, five articles",
                f"{ours:.2f} s",
                f"load and encode: {theirs:.2f} s",
                median(product.seconds / baseline.seconds for product, baseline in measured),
                MAX_COLD,
            ),
            Figure.at_most(
                "its peak memory",
                f"{peak / MEGABYTE:.0f} MB",
                f"load and encode: {their_peak / MEGABYTE:.0f} MB",
                peak / their_peak,
                MAX_COLD_MEMORY,
            ),
        ]

    def computing(self) -> list[Figure]:
        """An answer's computations, on onnxruntime, against PyTorch in the type that is fast."""
        result = self._five.asking("computing", self._models, self._squad, QUESTIONS).result
        return [
            Figure.at_most(
                name,
                _ms(result[way]),
                f"PyTorch, {result['dtype']}: {_ms(result[f'their_{way}'])}",
                result[f"{way}_ratio"],
                MAX_COMPUTING,
            )
            for way, name in (("encode", "a question's vector"), ("read", "two passages read"))
        ]

    def light(self) -> list[Figure]:
        """Commands that need no model against Python's start."""
        folder = self._five.folder
        commands = {
            "`virgolette --help`": (["--help"], {}),
            "`virgolette status`": (["status"], {}),
            "a wrong setting": (["ask", QUESTION], {"VIRGOLETTE_READER": "perhaps"}),
        }
        figures = []
        for name, (arguments, wrong) in commands.items():
            command = ["-m", "bot.terminal.cli", *arguments]
            ours = partial(run, command, folder, code=2 if wrong else 0, json=False, **wrong)
            theirs = partial(run, ["-c", "pass"], folder, json=False)
            measured = pairs(2 * self.runs, ours, theirs)
            seconds = [(product.seconds, baseline.seconds) for product, baseline in measured]
            more = median(product - baseline for product, baseline in seconds)
            figures.append(
                Figure(
                    name,
                    f"{median(product for product, _ in seconds):.2f} s",
                    f"`python -c pass`: {median(baseline for _, baseline in seconds):.2f} s",
                    median(product / baseline for product, baseline in seconds),
                    f"≤ {MAX_STARTUP:g} s more; {more:.2f} s more",
                    more <= MAX_STARTUP,
                )
            )
        return figures

    def bot(self) -> list[Figure]:
        """The bot at the middle size: its memory, and many people at once."""
        people = questions(self._squad, PEOPLE)
        with RunningBot(self._workspace(self.sizes[1]).folder) as bot:
            bot.ask(QUESTION)
            idle = bot.resting()
            alone, together, slowest = bot.by_turns(people, rounds=self.builds)
            for question in questions(self._squad, HOUR):
                bot.ask(question)
            later = bot.resting()
            peak = bot.reindexed(QUESTION)
        process = median(self._alone().result["memory"] for _ in range(self.builds))
        faster = median(single / crowd for single, crowd in zip(alone, together, strict=True))
        return [
            Figure.at_most(
                f"the bot's memory, idle, {self.sizes[1]:,} articles",
                f"{idle / MEGABYTE:.0f} MB",
                f"load and encode: {process / MEGABYTE:.0f} MB",
                idle / process,
                MAX_IDLE,
            ),
            Figure.at_most(
                f"its memory after {HOUR} questions more, an hour's",
                f"{later / MEGABYTE:.0f} MB",
                f"before: {idle / MEGABYTE:.0f} MB",
                later / idle,
                MAX_KEPT,
            ),
            Figure(
                f"{PEOPLE} people at once",
                f"{median(together):.1f} s; 95 % within {slowest:.1f} s",
                f"one after another: {median(alone):.1f} s",
                faster,
                f"≥ {MIN_TOGETHER:g} times as fast; none lost",
                faster >= MIN_TOGETHER,
            ),
            Figure.at_most(
                "the bot's peak while it answers and reindexes",
                f"{peak / MEGABYTE:.0f} MB",
                f"2 GiB: {MAX_MEMORY / MEGABYTE:.0f} MB",
                peak / MAX_MEMORY,
                1,
            ),
        ]

    def keywords(self) -> list[Figure]:
        """Keyword search against bm25s, at the largest size."""
        workspace = self._workspace(self.sizes[2])
        result = workspace.asking("keywords", workspace.data, self._squad, QUESTIONS).result
        name, baseline = f"keyword search, {result['passages']:,} passages", _ms(result["theirs"])
        ours, opening = _ms(result["ours"]), result["opening"]
        return [
            Figure.at_most(name, ours, f"bm25s: {baseline}", result["ratio"], 1),
            Figure.at_most("opening its index", _ms(opening), "0.5 s", opening / MAX_OPENING, 1),
        ]

    def usual(self) -> list[Figure]:
        """A first build against the usual LangChain way."""
        workspace = Workspace(self._work / "built")
        write_corpus(workspace.corpus, min(BUILT, self.sizes[1]), self._squad)
        characters = workspace.asking("characters", workspace.corpus).result["characters"]

        def theirs() -> Outcome:
            with tempfile.TemporaryDirectory(dir=self._work) as store:
                return workspace.asking("usual", workspace.corpus, store, self._models)

        def ours() -> Outcome:
            workspace.empty()
            return workspace.index()

        measured = pairs(self.builds, ours, theirs, warm=False)
        rates = [
            (characters / product.seconds, baseline.result["characters"] / baseline.seconds)
            for product, baseline in measured
        ]
        built, usual = (median(side) for side in zip(*rates, strict=True))
        ratio = median(product / baseline for product, baseline in rates)
        minimum = MIN_USUAL if self.dtype == "bfloat16" else MIN_USUAL_SLOW
        times = [median(o.seconds for o in side) for side in zip(*measured, strict=True)]
        return [
            Figure(
                f"first build, {min(BUILT, self.sizes[1]):,} articles",
                f"{built:,.0f} characters/s ({times[0]:.0f} s)",
                f"the usual LangChain way: {usual:,.0f} ({times[1]:.0f} s)",
                ratio,
                f"≥ {minimum:g}",
                ratio >= minimum,
            )
        ]

    def grown(self) -> list[Grown]:
        """The measurements at each size."""
        return [self._grown(size) for size in self.sizes]

    def _grown(self, size: int) -> Grown:
        if size not in self._measured:
            workspace = self._workspace(size)
            warm = workspace.asking("warm", workspace.data, self._squad, QUESTIONS).result
            self._measured[size] = Grown(size, self._builds[size], warm, workspace.stored)
        return self._measured[size]

    def _workspace(self, size: int) -> Workspace:
        """A corpus of ``size`` articles, indexed with cached vectors."""
        workspace = Workspace(self._work / f"{size}")
        if size not in self._builds:
            write_corpus(workspace.corpus, size, self._squad)
            workspace.asking("blur", workspace.corpus, workspace.known, self._base)
            workspace.empty()
            self._builds[size] = workspace.index()
        return workspace

    @cached_property
    def _base(self) -> Path:
        """The folder with the vectors of SQuAD-it's own paragraphs."""
        workspace = Workspace(self._work / "paragraphs")
        write_corpus(workspace.corpus, len(paragraphs(self._squad)), self._squad)
        workspace.asking("base", workspace.corpus, workspace.folder)
        return workspace.folder

    @cached_property
    def _five(self) -> Workspace:
        """The project's five articles, indexed."""
        workspace = Workspace(self._work / "five")
        workspace.folder.mkdir()
        workspace.corpus.symlink_to(ROOT / "corpus")
        workspace.empty()
        workspace.index()
        return workspace

    def _alone(self) -> Outcome:
        return self._five.asking("alone", self._models)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


FIGURES: dict[str, Callable[[AnswerBench], list[Figure]]] = {
    "light": AnswerBench.light,
    "cold": AnswerBench.cold,
    "computing": AnswerBench.computing,
    "answering": AnswerBench.answering,
    "bot": AnswerBench.bot,
    "growing": AnswerBench.growing,
    "keywords": AnswerBench.keywords,
    "usual": AnswerBench.usual,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write if asked; the exit code: 1 if a figure fails its target."""
    options = _options(arguments)

    def measure(work: Path) -> tuple[list[Figure], str]:
        sizes = [max(20, options.passages // part) for part in (100, 10, 1)]
        bench = AnswerBench(work, options.data.resolve(), sizes, options.runs)
        chosen = (figure(bench) for name, figure in FIGURES.items() if name in options.only)
        figures = list(printed(chosen))
        return figures, _report(bench, figures, options)

    title = "Answering (`make bench-answers`)"
    return run_command(measure, "answers", title, write=options.write)


def _report(bench: AnswerBench, figures: Sequence[Figure], options: argparse.Namespace) -> str:
    notes = NOTES.format(
        runs=bench.runs, builds=bench.builds, asked=QUESTIONS, people=PEOPLE, hour=HOUR
    )
    parts = [machine(bench.dtype, PACKAGES.split()), table(figures)]
    if "growing" in options.only:
        parts.append(growth_table(bench.grown()))
    if options.write:
        parts.append(plot(bench.grown()))
    return "\n\n".join([*parts, notes])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.answers", description=__doc__)
    parser.add_argument("--passages", type=int, default=SIZES[-1], help="of the largest corpus")
    parser.add_argument("--runs", type=int, default=5, help=f"of builds {BUILDS} at most")
    parser.add_argument("--data", type=Path, default=SQUAD, help="folder of SQuAD-it's files")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--write", action="store_true", help="the result to docs/performance.md")
    options = parser.parse_args(arguments)
    if options.passages < 20 or options.runs < 1:
        parser.error("at least 20 passages and 1 run")
    if options.write and set(options.only) != set(FIGURES):
        parser.error("--write needs all figures")
    return options


if __name__ == "__main__":
    sys.exit(main())
