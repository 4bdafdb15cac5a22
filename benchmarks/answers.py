"""Measures answering: ``python -m benchmarks.answers --help``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from statistics import median

from benchmarks.asking import questions
from benchmarks.command import printed, run_command
from benchmarks.corpus import ROOT, SQUAD, paragraphs, write_corpus
from benchmarks.growth import Grown, growth_table, plot
from benchmarks.processes import MEGABYTE, Outcome, Place, pairs, run
from benchmarks.report import Figure, machine, table
from benchmarks.stock import stock_directory
from benchmarks.telegram import RunningBot

SIZES = (1_000, 10_000, 100_000)
ASKED = 40  # questions of a median
PEOPLE = 50
HOUR = 600  # questions of a busy hour, ten a minute
MOST_OFF, MOST_READER = 2.0, 8.0  # times the encoding of the question
MOST_GROWN = 1.5  # times the answer at a tenth of the passages
MOST_COLD, MOST_COLD_MEMORY = 0.35, 0.75  # times those of loading the model and encoding one text
MOST_COMPUTING = 1.1  # times what PyTorch takes: a CPU's speed drifts by a tenth
MOST_MORE = 0.4  # seconds more than Python's start
MOST_IDLE = 0.7  # times the memory of a process that loads the model
MOST_KEPT = 1.3  # times the memory before, after an hour's questions
LEAST_TOGETHER = 1.3  # times the answers in a time, of those that ask one after another
MOST_OPENING = 0.5  # seconds
LEAST_USUAL, LEAST_USUAL_SLOW = 3.0, 1.3  # where bf16 is fast, and elsewhere
MOST_MEMORY = 2 * 2**30
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
    """The figures of answering, over corpora that are made when they are needed."""

    def __init__(self, work: Path, squad: Path, sizes: Sequence[int], runs: int) -> None:
        self._work = work
        self._squad = squad
        self.sizes = sizes
        self.runs = runs
        self.builds = min(runs, BUILDS)
        self._known: dict[int, Grown] = {}
        self._builds: dict[int, Outcome] = {}  # first builds, by the number of articles

    @cached_property
    def _models(self) -> Path:
        """Where the models of others are, written before anything of theirs is measured."""
        stock_directory(self._work / "models")
        return self._work / "models"

    @cached_property
    def dtype(self) -> str:
        """The numbers the model computes in."""
        return str(self._five.part("load").told["dtype"])

    def answering(self) -> list[Figure]:
        """One answer against the encoding of its question, at the middle size."""
        told = self._grown(self.sizes[1]).warm
        names = (("off", "`VIRGOLETTE_READER=off`", MOST_OFF), ("reader", "reader", MOST_READER))
        return [
            Figure(
                f"one answer, {told['passages']:,} passages, {name}",
                _ms(told[way]),
                f"encoding the question: {_ms(told['encode'])}",
                told[f"{way}_ratio"],
                f"≤ {most:g}",
                told[f"{way}_ratio"] <= most,
            )
            for way, name, most in names
        ]

    def growing(self) -> list[Figure]:
        """One answer at the largest size against the middle one."""
        large, middle = self._grown(self.sizes[2]).warm, self._grown(self.sizes[1]).warm
        return [
            Figure(
                f"one answer, {large['passages']:,} passages, {name}",
                _ms(large[way]),
                f"{middle['passages']:,} passages: {_ms(middle[way])}",
                large[way] / middle[way],
                f"≤ {MOST_GROWN:g}",
                large[way] / middle[way] <= MOST_GROWN,
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
        name, baseline = "`virgolette ask`, cold, five articles", "load and encode"
        ours, theirs = (median(o.peak for o in side) for side in zip(*measured, strict=True))
        return [
            _ratio(name, baseline, measured),
            Figure(
                "its peak memory",
                f"{ours / MEGABYTE:.0f} MB",
                f"{baseline}: {theirs / MEGABYTE:.0f} MB",
                ours / theirs,
                f"≤ {MOST_COLD_MEMORY:g}",
                ours <= MOST_COLD_MEMORY * theirs,
            ),
        ]

    def computing(self) -> list[Figure]:
        """What an answer computes, on onnxruntime, against PyTorch in the type that is fast."""
        told = self._five.asking("computing", self._models, self._squad, ASKED).told
        names = (("encode", "a question's vector"), ("read", "two passages read"))
        return [
            Figure(
                name,
                _ms(told[way]),
                f"PyTorch, {told['dtype']}: {_ms(told[f'their_{way}'])}",
                told[f"{way}_ratio"],
                f"≤ {MOST_COMPUTING:g}",
                told[f"{way}_ratio"] <= MOST_COMPUTING,
            )
            for way, name in names
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

            def ours(arguments: list[str] = arguments, wrong: dict[str, str] = wrong) -> Outcome:
                code = 2 if wrong else 0
                return run(
                    ["-m", "bot.terminal.cli", *arguments], folder, code=code, json=False, **wrong
                )

            measured = pairs(2 * self.runs, ours, lambda: run(["-c", "pass"], folder, json=False))
            more = median(one.seconds - other.seconds for one, other in measured)
            figures.append(
                Figure(
                    name,
                    f"{median(one.seconds for one, _ in measured):.2f} s",
                    f"`python -c pass`: {median(other.seconds for _, other in measured):.2f} s",
                    median(one.seconds / other.seconds for one, other in measured),
                    f"≤ {MOST_MORE:g} s more; {more:.2f} s more",
                    more <= MOST_MORE,
                )
            )
        return figures

    def bot(self) -> list[Figure]:
        """The bot at the middle size: its memory, and many people at once."""
        asked = questions(self._squad, PEOPLE)
        with RunningBot(self._place(self.sizes[1]).folder) as bot:
            bot.ask(QUESTION)
            idle = bot.resting()
            alone, together, slowest = bot.by_turns(asked, rounds=self.builds)
            for question in questions(self._squad, HOUR):
                bot.ask(question)
            later = bot.resting()
            peak = bot.reindexed(QUESTION)
        process = median(o.told["memory"] for o in (self._alone() for _ in range(self.builds)))
        faster = median(one / other for one, other in zip(alone, together, strict=True))
        return [
            Figure(
                f"the bot's memory, idle, {self.sizes[1]:,} articles",
                f"{idle / MEGABYTE:.0f} MB",
                f"load and encode: {process / MEGABYTE:.0f} MB",
                idle / process,
                f"≤ {MOST_IDLE:g}",
                idle <= MOST_IDLE * process,
            ),
            Figure(
                f"its memory after {HOUR} questions more, an hour's",
                f"{later / MEGABYTE:.0f} MB",
                f"before: {idle / MEGABYTE:.0f} MB",
                later / idle,
                f"≤ {MOST_KEPT:g}",
                later <= MOST_KEPT * idle,
            ),
            Figure(
                f"{PEOPLE} people at once",
                f"{median(together):.1f} s; 95 % within {slowest:.1f} s",
                f"one after another: {median(alone):.1f} s",
                faster,
                f"≥ {LEAST_TOGETHER:g} times as fast; none lost",
                faster >= LEAST_TOGETHER,
            ),
            Figure(
                "the bot's peak while it answers and reindexes",
                f"{peak / MEGABYTE:.0f} MB",
                f"2 GiB: {MOST_MEMORY / MEGABYTE:.0f} MB",
                peak / MOST_MEMORY,
                "≤ 1",
                peak <= MOST_MEMORY,
            ),
        ]

    def keywords(self) -> list[Figure]:
        """Keyword search against bm25s, at the largest size."""
        place = self._place(self.sizes[2])
        told = place.asking("keywords", place.data, self._squad, ASKED).told
        return [
            Figure(
                f"keyword search, {told['passages']:,} passages",
                _ms(told["ours"]),
                f"bm25s: {_ms(told['theirs'])}",
                told["ratio"],
                "≤ 1",
                told["ratio"] <= 1,
            ),
            Figure(
                "opening its index",
                _ms(told["opening"]),
                "0.5 s",
                told["opening"] / MOST_OPENING,
                "≤ 1",
                told["opening"] <= MOST_OPENING,
            ),
        ]

    def usual(self) -> list[Figure]:
        """A first build against the usual LangChain way."""
        place = Place(self._work / "built")
        write_corpus(place.corpus, min(BUILT, self.sizes[1]), self._squad)
        characters = place.asking("characters", place.corpus).told["characters"]

        def theirs() -> Outcome:
            with tempfile.TemporaryDirectory(dir=self._work) as store:
                return place.asking("usual", place.corpus, store, self._models)

        def ours() -> Outcome:
            place.empty()
            return place.index()

        measured = pairs(self.builds, ours, theirs, warm=False)
        rates = [
            (characters / one.seconds, other.told["characters"] / other.seconds)
            for one, other in measured
        ]
        built, usual = (median(side) for side in zip(*rates, strict=True))
        ratio = median(one / other for one, other in rates)
        least = LEAST_USUAL if self.dtype == "bfloat16" else LEAST_USUAL_SLOW
        times = [median(o.seconds for o in side) for side in zip(*measured, strict=True)]
        return [
            Figure(
                f"first build, {min(BUILT, self.sizes[1]):,} articles",
                f"{built:,.0f} characters/s ({times[0]:.0f} s)",
                f"the usual LangChain way: {usual:,.0f} ({times[1]:.0f} s)",
                ratio,
                f"≥ {least:g}",
                ratio >= least,
            )
        ]

    def grown(self) -> list[Grown]:
        """What the index takes at each size."""
        return [self._grown(size) for size in self.sizes]

    def _grown(self, size: int) -> Grown:
        if size not in self._known:
            place = self._place(size)
            told = place.asking("warm", place.data, self._squad, ASKED).told
            self._known[size] = Grown(size, self._builds[size], told, place.stored)
        return self._known[size]

    def _place(self, size: int) -> Place:
        """A corpus of so many articles, indexed, its vectors known before."""
        place = Place(self._work / f"{size}")
        if size not in self._builds:
            write_corpus(place.corpus, size, self._squad)
            place.asking("blur", place.corpus, place.known, self._base)
            place.empty()
            self._builds[size] = place.index()
        return place

    @cached_property
    def _base(self) -> Path:
        """Where the vectors of SQuAD-it's own paragraphs are."""
        place = Place(self._work / "paragraphs")
        write_corpus(place.corpus, len(paragraphs(self._squad)), self._squad)
        place.asking("base", place.corpus, place.folder)
        return place.folder

    @cached_property
    def _five(self) -> Place:
        """The articles that travel with Virgolette, indexed."""
        place = Place(self._work / "five")
        place.folder.mkdir()
        place.corpus.symlink_to(ROOT / "corpus")
        place.empty()
        place.index()
        return place

    def _alone(self) -> Outcome:
        return self._five.asking("alone", self._models)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms"


def _ratio(name: str, baseline: str, measured: Sequence[tuple[Outcome, Outcome]]) -> Figure:
    ours, theirs = (median(o.seconds for o in side) for side in zip(*measured, strict=True))
    ratio = median(one.seconds / other.seconds for one, other in measured)
    return Figure(
        name,
        f"{ours:.2f} s",
        f"{baseline}: {theirs:.2f} s",
        ratio,
        f"≤ {MOST_COLD:g}",
        ratio <= MOST_COLD,
    )


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
        return figures, _told(bench, figures, options)

    title = "Answering (`make bench-answers`)"
    return run_command(measure, "answers", title, write=options.write)


def _told(bench: AnswerBench, figures: Sequence[Figure], options: argparse.Namespace) -> str:
    notes = NOTES.format(
        runs=bench.runs, builds=bench.builds, asked=ASKED, people=PEOPLE, hour=HOUR
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
