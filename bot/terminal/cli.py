"""The command line. Heavy imports wait until a command needs them."""

from __future__ import annotations

import gc
import json
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.process import end_on_sigterm, write_utf8
from bot.terminal.progress import Spinner, spinner
from index.errors import UsageError, VirgoletteError

if TYPE_CHECKING:
    from bot.settings import Settings
    from retrieval.chain import AnswerChain

FAILED, WRONG_USAGE = 1, 2
COLLECTED = (50_000, 50, 100)  # Python's own are 700, 10, 10

app = typer.Typer(
    help="Answers questions about a folder of articles with quotations and their source.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

feedback_app = typer.Typer(
    help="What people said of the answers in Telegram.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(feedback_app, name="feedback")


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"virgolette {version('virgolette')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Before any command."""


def main() -> None:
    """Run a command; errors become one line on standard error and an exit code."""
    # What the libraries make when they are imported stays: with Python's own thresholds a sixth
    # of a start goes into looking for garbage among it.
    gc.set_threshold(*COLLECTED)
    write_utf8()
    try:
        app()
    except VirgoletteError as error:
        print(f"virgolette: {error}", file=sys.stderr)
        sys.exit(WRONG_USAGE if isinstance(error, UsageError) else FAILED)
    finally:
        gc.freeze()  # else Python looks through all of it once more, for half a second


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question; - reads one a line from stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Answer a question."""
    with spinner(hidden=question == "-") as spin:
        from bot.compose import composed
        from bot.locales import texts_for

        settings = _settings()
        spin.tell(texts_for(settings.language)("answer.loading"))
        with composed(settings) as parts:
            if question == "-":
                _answer_lines(as_json, parts.chain, settings, spin)
            else:
                _answer_one(question, as_json, parts.chain, settings, spin)


def _answer_lines(as_json: bool, chain: AnswerChain, settings: Settings, spin: Spinner) -> None:
    for line in sys.stdin.buffer if sys.stdin else ():
        text = line.decode("utf-8", errors="replace").rstrip("\r\n")
        try:
            _answer_one(text, as_json, chain, settings, spin)
        except VirgoletteError as error:
            if not as_json:
                print(f"virgolette: {error}", file=sys.stderr)
            else:
                _print_json({"question": text, "error": str(error)})


def _answer_one(
    raw: str, as_json: bool, chain: AnswerChain, settings: Settings, spin: Spinner
) -> None:
    from rich.console import Console

    from bot.locales import texts_for
    from bot.terminal.render import print_answer
    from retrieval.answer import Question

    question = Question.parse(raw)
    said = texts_for(settings.language, question)
    spin.tell(said("answer.searching"))
    answer = chain.invoke(question)
    spin.stop()
    if as_json:
        _print_json(answer.as_json())
    else:
        print_answer(Console(), answer, said)


def _settings() -> Settings:
    from bot.settings import read_settings  # brings pydantic: a quarter of a second

    return read_settings()


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False), flush=True)


@app.command()
def verify(
    sentence: Annotated[str, typer.Argument(help="The sentence, in quotation marks or without.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Tell whether a sentence is really in the articles, to the letter. No model is needed."""
    from rich.console import Console

    from bot.compose import chroma_server
    from bot.locales import texts_for
    from bot.terminal.render import print_verification
    from index.generations.current import CurrentIndex
    from retrieval.answer import Question
    from retrieval.answering.verification import verify_in

    settings = _settings()
    with closing(CurrentIndex(settings.data_dir, chroma_server(settings))) as index:
        told = verify_in(index, sentence)
    if as_json:
        _print_json(told.as_json())
    else:
        print_verification(Console(), told, texts_for(settings.language, Question(sentence)))


@app.command()
def chat() -> None:
    """Ask and read answers, one after another."""
    from bot.terminal.repl import run_repl

    settings = _settings()
    if settings.chat_model:
        _probe(settings)
    run_repl(settings)


def _probe(settings: Settings) -> None:
    """Ask the chat model for a word, which may take its time."""
    with spinner() as spin:
        from bot.chat_model import probe
        from bot.locales import texts_for

        spin.tell(texts_for(settings.language)("answer.loading"))
        probe(settings)


@app.command()
def index(
    rebuild: Annotated[
        bool, typer.Option(help="Build a new index even if nothing changed.")
    ] = False,
    allow_empty: Annotated[bool, typer.Option(help="Accept a corpus without articles.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[
        bool, typer.Option(help="Print nothing when nothing changed; with --watch only errors.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, help="Seconds to wait for another process that writes (watching: 600)"),
    ] = 0,
    watch: Annotated[
        bool,
        typer.Option(
            help="Go on and follow the corpus; --rebuild and --allow-empty hold for the first run."
        ),
    ] = False,
) -> None:
    """Bring the index up to date with the corpus."""
    settings = _settings()
    end_on_sigterm()
    if watch:
        from bot.watching import follow

        first = [*["--rebuild"] * rebuild, *["--allow-empty"] * allow_empty]
        follow(settings.corpus_dir, first, wait, as_json=as_json, quiet=quiet)
        return
    from bot.compose import locations, make_embedder
    from bot.terminal.progress import progress_bar
    from bot.terminal.report import report_json, report_lines
    from index.building.sync import sync

    with progress_bar(hidden=as_json) as progress:
        report = sync(
            locations(settings),
            make_embedder(settings),
            rebuild=rebuild,
            allow_empty=allow_empty,
            wait=wait,
            progress=progress,
        )
    if quiet and report.unchanged:
        return
    if as_json:
        _print_json(report_json(report))
    else:
        print("\n".join(report_lines(report)))


@app.command()
def add(
    target: Annotated[str, typer.Argument(metavar="URL|FILE", help="An article to add.")] = "",
    feed: Annotated[
        str, typer.Option(metavar="URL", help="Add every entry of an RSS or Atom feed instead.")
    ] = "",
    title: Annotated[str | None, typer.Option(help="The article's title.")] = None,
    source: Annotated[str | None, typer.Option(help="The outlet that published it.")] = None,
    date: Annotated[str | None, typer.Option(help="The day it is from, YYYY-MM-DD.")] = None,
    url: Annotated[str | None, typer.Option(help="Where it can be read on the web.")] = None,
    language: Annotated[str | None, typer.Option(help="Its language: it, en, …")] = None,
    into: Annotated[str, typer.Option(metavar="FOLDER", help="A folder in the corpus.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Put an article into the corpus, and index it. What you say wins over what it says."""
    from bot.terminal.maintenance import add_and_index, checked_fields
    from bot.terminal.report import report_json

    if bool(target) == bool(feed):
        raise typer.BadParameter("give the address or the file of one article, or --feed URL")
    if feed and (title or date or url):
        raise typer.BadParameter("--title, --date and --url are of one article, not of a feed")
    told = {"title": title, "source": source, "date": date, "url": url, "language": language}
    fields = checked_fields(told)
    settings = _settings()
    end_on_sigterm()
    addition = add_and_index(settings, target, feed, fields, into, as_json)
    if as_json:
        index = report_json(addition.report) if addition.report else None
        _print_json({**addition.as_json(), "index": index})
    else:
        print("\n".join(addition.lines()))
    addition.raise_trouble()


@app.command()
def remove(
    article: Annotated[str, typer.Argument(help="The article's path in the corpus.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Take an article out of the corpus and of the index. Its file is kept in the data folder."""
    from bot.terminal.maintenance import remove_and_index
    from bot.terminal.report import report_json, report_lines

    settings = _settings()
    end_on_sigterm()
    kept, report = remove_and_index(settings, article)
    if as_json:
        _print_json({"removed": article, "kept": str(kept), "index": report_json(report)})
    else:
        print("\n".join([f"  → kept     {kept}", *report_lines(report)]))


@app.command()
def show(article: Annotated[str, typer.Argument(help="The article's path in the corpus.")]) -> None:
    """Print the stored text of an article: what start and end count in."""
    from bot.status import stored_text

    sys.stdout.buffer.write(stored_text(_settings().data_dir, article).encode())


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Tell what is indexed, and with which model."""
    from bot.status import read_status

    told = read_status(_settings())
    if as_json:
        _print_json(told)
        return
    for name, value in told.items():
        print(f"{name:<12} {value if value is not None else '–'}")


@app.command()
def doctor(
    repair: Annotated[bool, typer.Option(help="Do what there is to be done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Examine the index and what it stands on."""
    from bot.terminal.maintenance import examine

    settings = _settings()
    end_on_sigterm()
    findings = examine(settings, repair=repair)
    if as_json:
        _print_json({"findings": findings, "sound": not any(f["trouble"] for f in findings)})
    else:
        for finding in findings:
            told = finding["trouble"] or "in order"
            remedy = f": {finding['remedy']}" if finding["remedy"] else ""
            print(f"{'!' if finding['trouble'] else ' '} {finding['name']:<13} {told}{remedy}")
    if any(finding["trouble"] for finding in findings):
        sys.exit(FAILED)


@app.command("eval")
def evaluate(
    file: Annotated[
        Path, typer.Argument(help="SQuAD's JSON or lines of JSON: see docs/quality.md.")
    ],
    index_also: Annotated[
        list[Path] | None, typer.Option(help="A SQuAD file whose paragraphs are indexed too.")
    ] = None,
    leave_out: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the texts with an answer not indexed.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of what is left out and drawn.")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many of the questions, drawn at random.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for figures, picture and questions.")
    ] = None,
    chat: Annotated[bool, typer.Option(help="With VIRGOLETTE_CHAT_MODEL.")] = False,
    fit: Annotated[
        bool,
        typer.Option(
            help="Instead of measuring, fit what chooses and refuses to VIRGOLETTE_EMBEDDING_MODEL."
        ),
    ] = False,
) -> None:
    """Measure how good the answers are, with questions whose answers are known."""
    from bot.terminal.evaluating import (
        evaluate,
        fit_weights,
        made_folder,
        prepared_exam,
        write_evaluation,
    )

    settings = _settings()
    exam = prepared_exam(file, index_also or [], leave_out, seed, limit)
    if fit:
        print(fit_weights(settings, exam))
        return
    folder = made_folder(out) if out else None
    evaluation = evaluate(settings, exam, chat=chat)
    print("\n".join(evaluation.lines()))
    for line in write_evaluation(evaluation, folder) if folder else ():
        print(f"virgolette: {line}", file=sys.stderr, flush=True)


@app.command()
def invite(
    uses: Annotated[int, typer.Option(min=1, help="How many people it lets in.")] = 1,
    days: Annotated[float, typer.Option(min=0.01, help="For how many days it holds.")] = 7,
) -> None:
    """Print an invitation to the Telegram bot, for those who are not listed."""

    from bot.access import Invitations
    from bot.state import FILE, State

    with closing(State(_settings().data_dir / FILE)) as state:
        print(f"/start {Invitations(state).invite(uses, days)}")


@feedback_app.command("export")
def export_feedback(
    good: Annotated[bool, typer.Option(help="What people found good, instead of bad.")] = False,
) -> None:
    """Print the answers that people marked 👎, as lines that `virgolette eval` reads."""

    from bot.state import FILE, State, voted

    with closing(State(_settings().data_dir / FILE)) as state:
        for line in voted(state, good=good):
            _print_json(line)


@app.command()
def bot() -> None:
    """Run the Telegram bot."""
    from bot.compose import composed
    from bot.telegram.app import run_bot

    settings = _settings()
    with composed(settings) as parts:
        run_bot(parts, settings)


if __name__ == "__main__":
    main()
