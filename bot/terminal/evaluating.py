"""`virgolette eval`: how good the answers are, in a table, as JSON and as a picture."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.compose import (
    composed,
    locations,
    make_embedder,
    make_reader,
    weights_file,
    weights_kind,
)
from bot.settings import Settings
from bot.terminal.output import localized
from bot.terminal.progress import progress_bar
from index.building.sync import sync
from index.errors import StorageError, UsageError
from index.generations.generation import Generation
from index.generations.layout import generations_dir
from index.models.embedder import Embedder
from retrieval.answering.weights import FITTED, save_weights
from retrieval.evaluation.exam import Exam, read_exam, sampled, without_answers, write_texts
from retrieval.evaluation.figures import Curve, Figure, by_kind, curve, figures, writing_lines
from retrieval.evaluation.fitting import Example, examples, fit
from retrieval.evaluation.outcomes import Outcome, outcomes

MIN_EXAMPLES = 20  # for a fit: of questions that the articles answer, and of others


@dataclass(frozen=True)
class Evaluation:
    """The results of an exam."""

    outcomes: list[Outcome]
    figures: list[Figure]
    curve: Curve
    articles: int
    chat: bool = False  # whether a chat model wrote

    @property
    def seconds(self) -> float:
        """The median time of an answer."""
        return statistics.median(outcome.seconds for outcome in self.outcomes)

    def lines(self) -> Iterator[str]:
        """A table: figure, value, interval, number of questions; then the time of an answer."""
        yield from (f"  {figure}" for figure in self.figures)
        if self.chat:
            yield from writing_lines(self.outcomes)
        yield f"  {'seconds an answer (median)':<36} {self.seconds:.3f}"
        yield localized(f"{len(self.outcomes)} questions over {self.articles} articles")

    def as_json(self) -> dict[str, Any]:
        """The table and the curve."""
        return {
            "questions": len(self.outcomes),
            "articles": self.articles,
            "figures": [asdict(figure) for figure in self.figures],
            "seconds": self.seconds,
            "risk_coverage": asdict(self.curve),
        }


def prepared_exam(
    file: Path, also: Sequence[Path], leave_out: float, seed: int, limit: int | None
) -> Exam:
    """The exam, sampled as the options of the command say. Raises UsageError."""
    exam = read_exam(file, also)
    if leave_out:
        exam = without_answers(exam, leave_out, seed)
    if limit is not None:
        exam = sampled(exam, limit, seed)
    if not exam.asked:
        raise UsageError(f"{file} asks nothing")
    return exam


def evaluate(settings: Settings, exam: Exam, *, chat: bool = False) -> Evaluation:
    """Index the exam's articles in a temporary folder, with the settings, and ask its questions.

    ``chat``: with the chat model of the settings. Raises UsageError if they name none.
    """
    if chat and not settings.chat_model:
        raise UsageError("--chat needs VIRGOLETTE_CHAT_MODEL: set it to a provider:model")
    results: list[Outcome] = []
    with (
        _temporary(settings, exam) as temporary,
        progress_bar() as progress,
        composed(temporary, chat=chat) as parts,
    ):
        report = sync(locations(temporary), parts.embedder, progress=progress)
        for outcome in outcomes(exam, parts.index, parts.chain, parts.embedder):
            results.append(outcome)
            if progress:
                progress("asking", len(results), len(exam.asked))
    all_figures = [*figures(results), *by_kind(results)]
    return Evaluation(results, all_figures, curve(results), report.articles, chat)


def fit_weights(settings: Settings, exam: Exam) -> str:
    """Fit the weights of choice and refusal to the embedding model of the settings, and save them.

    A question on a text of the exam is asked a second time without that text; one on the corpus is
    not. Returns a message. Raises UsageError if there is nothing to fit.
    """
    if not settings.embedding_model:
        raise UsageError(
            "--fit is for another VIRGOLETTE_EMBEDDING_MODEL: the weights of the one that travels "
            "with Virgolette are made by training/weights.py"
        )
    embedder = make_embedder(settings)
    collected = _collect_examples(settings, exam, embedder)
    answered = sum(example.answerable for example in collected)
    unanswered = len(collected) - answered
    if min(answered, unanswered) < MIN_EXAMPLES or not any(any(e.right) for e in collected):
        raise UsageError(
            f"{answered} questions found answered and {unanswered} not: "
            f"to fit, at least {MIN_EXAMPLES} of each are needed"
        )
    kind, file = weights_kind(settings), weights_file(settings, embedder)
    try:
        save_weights(fit(collected, kind), kind, file)
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror}") from error
    return f"fitted to {settings.embedding_model} with {len(collected)} examples: {file}"


def _collect_examples(settings: Settings, exam: Exam, embedder: Embedder) -> list[Example]:
    collected: list[Example] = []
    reader = make_reader(settings, embedder)
    near_miss = exam.texts is not None
    with _temporary(settings, exam) as temporary, progress_bar() as progress:
        report = sync(locations(temporary), embedder, progress=progress)
        directory = generations_dir(temporary.data_dir) / report.generation
        with closing(Generation(directory)) as generation:
            for done, question in enumerate(exam.asked, 1):
                collected += examples(question, generation, embedder, reader, near_miss=near_miss)
                if progress:
                    progress("asking", done, len(exam.asked))
    return collected


@contextmanager
def _temporary(settings: Settings, exam: Exam) -> Iterator[Settings]:
    """The settings with a temporary data folder and, if the exam has texts, corpus."""
    with tempfile.TemporaryDirectory(prefix="virgolette-eval-") as folder:
        corpus, data = Path(folder) / "corpus", Path(folder) / "data"
        try:
            data.mkdir()
            if (settings.data_dir / FITTED).is_dir():
                (data / FITTED).symlink_to((settings.data_dir / FITTED).absolute())
            write_texts(exam.texts or {}, corpus)
        except OSError as error:
            raise StorageError(
                f"cannot write {error.filename}: {error.strerror}; make room there, or set "
                "VIRGOLETTE_DATA_DIR to a folder that can be written"
            ) from error
        corpus_dir = settings.corpus_dir if exam.texts is None else corpus
        update = {"corpus_dir": corpus_dir, "data_dir": data, "chroma_url": ""}
        yield settings.model_copy(update=update)


def write_evaluation(evaluation: Evaluation, out: Path) -> list[str]:
    """Write figures.json, questions.jsonl and curve.png into a folder; return warnings."""
    try:
        text = json.dumps(evaluation.as_json(), ensure_ascii=False, indent=1)
        (out / "figures.json").write_text(text + "\n", encoding="utf-8")
        lines = (json.dumps(asdict(o), ensure_ascii=False) for o in evaluation.outcomes)
        (out / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return _draw(evaluation, out / "curve.png")
    except OSError as error:
        raise StorageError(f"cannot write to {out}: {error.strerror}") from error


def made_folder(out: Path) -> Path:
    """Make the folder before minutes of work depend on it. Raises StorageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {out}: {error.strerror}; name another"
        ) from error
    return out


def _draw(evaluation: Evaluation, path: Path) -> list[str]:
    try:
        from matplotlib.figure import Figure as Picture
    except ImportError:
        return ["no picture was drawn: it needs matplotlib (pip install matplotlib)"]
    picture = Picture(figsize=(9, 4), layout="constrained")
    risk, confidence = picture.subplots(1, 2)
    risk.plot(evaluation.curve.coverage, evaluation.curve.risk)
    risk.set(xlabel="share of the questions answered", ylabel="share of those answered wrongly")
    risk.set(xlim=(0, 1), ylim=(0, 1), title="risk over coverage")
    for label, answerable in (("answerable", True), ("not answerable", False)):
        values = [o.confidence for o in evaluation.outcomes if o.answerable is answerable]
        confidence.hist(values, bins=20, range=(0, 1), histtype="step", label=label)
    confidence.set(xlabel="confidence", ylabel="questions", title="confidence")
    confidence.legend()
    picture.savefig(path, dpi=120)
    return []
