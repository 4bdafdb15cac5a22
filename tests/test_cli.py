"""The command line, as a user runs it: real processes, their output and exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from bot.compose import chroma_server
from bot.settings import Settings, SettingsError, read_settings
from index.articles.article import read_article
from tests.conftest import ROOT, Workplace
from tests.pdf import lines, pdf

QUESTION = "Da dove è partito il treno blindato?"
KEYS = [
    "question", "query", "answer", "refused", "reason", "confidence", "answerer", "quotes", "near",
    "generation", "intent", "total", "missing",
]  # fmt: skip
QUOTE_KEYS = [
    "text", "article", "source", "title", "date", "url", "start", "end", "sha256", "score", "also",
]  # fmt: skip


def fails(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """One clear line, no traceback, the right exit code."""
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("virgolette: "), done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in lines[0]


def test_ask_prints_the_quotation_its_source_and_nothing_else(indexed_place: Workplace) -> None:
    """Started as users start it, with nothing imported before."""
    command, environment = indexed_place.command()
    done = subprocess.run(
        [*command, "ask", "Dove va il treno blindato?"],
        capture_output=True, text=True, cwd=indexed_place.path, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""
    short, _, quoted = done.stdout.strip().partition("\n\n")
    assert short == "Vladivostok"
    assert quoted.startswith("  ❝ Il dittatore nordcoreano Kim Jong-un dovrebbe recarsi a bordo")
    assert "[1] fonte sconosciuta · Mosca chiede armi a Pyongyang" in done.stdout
    assert "\x1b" not in done.stdout


def test_ask_in_english_is_answered_in_english(indexed_place: Workplace) -> None:
    asked = "What is the capital of Australia?\nQual è la capitale dell'Australia?\n"
    done = indexed_place.run("ask", "-", stdin=asked)
    assert done.returncode == 0
    assert done.stdout.index("in the articles.") < done.stdout.index("Nessun articolo nomina")


def test_the_language_can_be_set(empty_place: Workplace) -> None:
    done = empty_place.run("ask", "Qual è la capitale dell'Australia?", VIRGOLETTE_LANGUAGE="en")
    assert "There is no article" in done.stdout


def test_ask_json_keeps_its_promise(indexed_place: Workplace) -> None:
    (answer,) = indexed_place.json("ask", QUESTION, "--json")
    assert list(answer) == KEYS
    assert answer["refused"] is False and answer["reason"] is None and answer["near"] == []
    assert answer["answerer"] == "extractive"
    assert answer["answer"] in answer["quotes"][0]["text"]
    for quote in answer["quotes"]:
        assert list(quote) == QUOTE_KEYS
        shown = indexed_place.run("show", quote["article"]).stdout
        assert shown[quote["start"] : quote["end"]] == quote["text"]


def test_ask_json_reads_a_question_a_line_and_answers_in_order(indexed_place: Workplace) -> None:
    asked = [QUESTION, "", "x" * 10_000, "Qual è la ricetta della carbonara?", "\\u0000 \t"]
    answers = indexed_place.json("ask", "--json", "-", stdin="\n".join(asked))
    assert [answer["question"] for answer in answers] == [*asked[:4], "\\u0000"]
    assert "error" not in answers[0] and answers[0]["quotes"]
    assert answers[1] == {
        "question": "",
        "error": "the question is empty: write what you want to know",
    }
    assert list(answers[2]) == ["question", "error"] and "10000" in answers[2]["error"]
    assert answers[3]["refused"] is True and answers[3]["quotes"] == []


def test_a_line_that_is_not_utf8_does_not_end_the_run(indexed_place: Workplace) -> None:
    done = indexed_place.run("ask", "--json", "-", stdin=b"caf\xe8 di Kim?\n" + QUESTION.encode())
    assert done.returncode == 0
    assert [bool(json.loads(line)["question"]) for line in done.stdout.splitlines()] == [True, True]


def test_show_gives_the_stored_text_to_the_letter(indexed_place: Workplace) -> None:
    name = "001_3eaa1e106d62cb25.txt"
    text = (ROOT / "corpus" / name).read_text(encoding="utf-8").split("---\n", 2)[2]
    assert indexed_place.run("show", name).stdout == text
    fails(indexed_place.run("show", "none.txt"), 1, "none.txt", "000_c1b05f4512374873.txt")


def test_index_reports_in_words_and_in_json(empty_place: Workplace) -> None:
    empty_place.write("a.txt", "Il treno è partito da Pyongyang.")
    empty_place.write("vuoto.txt", "")
    empty_place.write("caffè.md", "")
    (report,) = empty_place.json("index", "--json")
    assert list(report) == [
        "added", "changed", "renamed", "removed", "skipped", "notes", "embedded", "generation",
        "anew",
    ]  # fmt: skip
    assert report["added"] == ["a.txt"] and report["embedded"] == 1
    assert [skipped["path"] for skipped in report["skipped"]] == ["caffè.md", "vuoto.txt"]
    again = empty_place.run("index")
    assert again.returncode == 0 and "nothing changed" in again.stdout
    assert "  ! skipped  vuoto.txt: it holds no text" in again.stdout
    assert again.stderr == ""
    empty_place.write("b.txt", "---\ndate: ieri\n---\nPutin arriva lunedì.")
    lines = empty_place.run("index").stdout
    assert "+ added    b.txt" in lines
    assert "? note     b.txt: the date 'ieri' is not read: write YYYY-MM-DD" in lines
    assert "? note" not in empty_place.run("index").stdout


def test_pages_and_pdfs_are_indexed_and_shown(empty_place: Workplace) -> None:
    news = ROOT / "tests" / "pages" / "news.html"
    empty_place.write("news.html", news.read_bytes())
    empty_place.write("forum.pdf", pdf(lines("Il forum si apre a Vladivostok lunedì.")))
    empty_place.write("rotto.pdf", b"%PDF-1.4")
    (report,) = empty_place.json("index", "--json")
    assert report["added"] == ["forum.pdf", "news.html"]
    ((path, reason),) = [(s["path"], s["reason"]) for s in report["skipped"]]
    assert path == "rotto.pdf" and reason.startswith("it is a damaged PDF")
    assert empty_place.run("show", "forum.pdf").stdout == "Il forum si apre a Vladivostok lunedì."
    shown = empty_place.run("show", "news.html").stdout
    assert shown == read_article(news.read_bytes(), "news.html").text


def test_status_before_and_after(empty_place: Workplace) -> None:
    (status,) = empty_place.json("status", "--json")
    assert status["generation"] is None and status["articles"] == 0
    empty_place.write("a.txt", "Il treno è partito. Arriva domani.")
    empty_place.json("index", "--json")
    (status,) = empty_place.json("status", "--json")
    assert (status["articles"], status["passages"], status["sentences"]) == (1, 1, 2)
    assert status["model"].startswith("default:")
    assert "articles     1" in empty_place.run("status").stdout
    # What the bot keeps may be damaged, or of another version: the index is told all the same.
    (empty_place.data / "bot.sqlite").write_bytes(b"no database" * 1000)
    (status,) = empty_place.json("status", "--json")
    assert status["articles"] == 1 and "bot.sqlite cannot be used" in status["bot"]


@pytest.mark.parametrize("arguments", [("--help",), ("status",), ("show", "x"), ("ask", "")])
def test_light_commands_load_neither_torch_nor_chroma(
    indexed_place: Workplace, arguments: tuple[str, ...]
) -> None:
    code = (
        "import atexit, sys\n"
        "heavy = {'torch', 'chromadb', 'sentence_transformers', 'telegram',\n"
        "    'trafilatura', 'lxml', 'pypdfium2', 'mammoth', 'feedparser', 'httpx', 'httpx2'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from bot.terminal.cli import main; main()"
    )
    if arguments[0] in ("--help", "status"):
        code = code.replace("heavy = {", "heavy = {'numpy', ")
    _, environment = indexed_place.command()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, cwd=indexed_place.path, env=environment, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[]"
    assert "Traceback" not in done.stderr and done.returncode in (0, 1, 2)


def test_an_answer_loads_neither_pytorch_nor_langchain(indexed_place: Workplace) -> None:
    code = (
        "import atexit, sys\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'langchain_core',\n"
        "    'langsmith', 'scipy', 'bm25s'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from bot.terminal.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "ask", QUESTION],
        capture_output=True, text=True, cwd=indexed_place.path, env=indexed_place.command()[1],
        check=True,
    )  # fmt: skip
    assert "Vladivostok" in done.stdout and done.stderr.splitlines()[-1] == "[]"


def test_a_question_needs_no_quotation_marks(indexed_place: Workplace) -> None:
    done = indexed_place.run("ask", *QUESTION.split())
    assert done.returncode == 0 and "Vladivostok" in done.stdout


def test_small_talk_is_answered(indexed_place: Workplace) -> None:
    assert indexed_place.run("ask", "grazie!").stdout == "Prego!\n"


def test_it_tells_its_version(empty_place: Workplace) -> None:
    assert empty_place.run("--version").stdout == f"virgolette {version('virgolette')}\n"


def test_without_an_index_the_question_is_refused_with_the_way_out(empty_place: Workplace) -> None:
    done = empty_place.run("ask", QUESTION)
    assert done.returncode == 1 and "virgolette index" in done.stdout
    done = empty_place.run("ask", "--json", QUESTION)
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["reason"] == "empty_index" and answer["refused"] is True


def test_a_data_folder_in_the_corpus_is_refused(empty_place: Workplace) -> None:
    """Each index run would find new files there, and a watcher would never come to rest."""
    done = empty_place.run("status", VIRGOLETTE_CORPUS_DIR=".")
    fails(done, 2, "VIRGOLETTE_DATA_DIR", "outside the corpus folder")
    hidden = {"VIRGOLETTE_CORPUS_DIR": ".", "VIRGOLETTE_DATA_DIR": ".virgolette/data"}
    assert empty_place.run("status", **hidden).returncode == 0


def test_an_empty_or_missing_corpus_is_named(empty_place: Workplace) -> None:
    fails(empty_place.run("index"), 1, "corpus", "files in it, or give --allow-empty")
    empty_place.corpus.rmdir()
    fails(empty_place.run("index"), 1, "there is no corpus folder corpus", "VIRGOLETTE_CORPUS_DIR")
    empty_place.corpus.write_text("a file")
    fails(empty_place.run("index"), 1, "there is no corpus folder corpus")


def test_a_data_folder_that_cannot_be_is_named(empty_place: Workplace) -> None:
    empty_place.write("a.txt", "Il treno è partito.")
    (empty_place.path / "file").write_text("x")
    done = empty_place.run("index", VIRGOLETTE_DATA_DIR="file")
    fails(done, 1, "file", "VIRGOLETTE_DATA_DIR")
    done = empty_place.run("index", VIRGOLETTE_DATA_DIR="/proc/virgolette")
    fails(done, 1, "/proc/virgolette", "VIRGOLETTE_DATA_DIR")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"VIRGOLETTE_READER": "maybe"}, ("VIRGOLETTE_READER", "on or off")),
        ({"VIRGOLETTE_CAUTION": "brave"}, ("VIRGOLETTE_CAUTION", "'generous'")),
        ({"VIRGOLETTE_LANGUAGE": "fr"}, ("VIRGOLETTE_LANGUAGE", "'it'")),
        ({"VIRGOLETTE_MAX_FILE_MB": "0"}, ("VIRGOLETTE_MAX_FILE_MB", "greater than 0")),
        ({"VIRGOLETTE_MAX_FILE_MB": "inf"}, ("VIRGOLETTE_MAX_FILE_MB",)),
        (
            {"VIRGOLETTE_FETCH_ALLOW": "http://x.example"},
            ("VIRGOLETTE_FETCH_ALLOW", "separated by commas"),
        ),
        ({"VIRGOLETTE_FETCH_ALLOW": "10.0.0.0/99"}, ("VIRGOLETTE_FETCH_ALLOW", "hosts")),
        ({"VIRGOLETTE_CORPUS_DIR": "~nosuchuser/x"}, ("VIRGOLETTE_CORPUS_DIR", "~nosuchuser")),
        ({"VIRGOLETTE_DATA_DIR": "~nosuchuser"}, ("VIRGOLETTE_DATA_DIR", "~nosuchuser")),
        ({"VIRGOLETTE_CHROMA_CERTIFICATE": "~nosuchuser/x"}, ("VIRGOLETTE_CHROMA_CERTIFICATE",)),
        ({"VIRGOLETTE_CHROMA_HEADERS": "Authorization"}, ("VIRGOLETTE_CHROMA_HEADERS", "Bearer")),
        ({"VIRGOLETTE_CORPUS": "x"}, ("VIRGOLETTE_CORPUS is not", "VIRGOLETTE_CORPUS_DIR?")),
        ({"VIRGOLETTE_TELEGRAM_ALLOWED_USERS": "ada"}, ("VIRGOLETTE_TELEGRAM_ALLOWED_USERS",)),
        ({"VIRGOLETTE_TELEGRAM_ALLOWED_USERS": ","}, ("VIRGOLETTE_TELEGRAM_ALLOWED_USERS",)),
        ({"VIRGOLETTE_TELEGRAM_BOT_TOKEN": "nonsense"}, ("VIRGOLETTE_TELEGRAM_BOT_TOKEN",)),
        ({"VIRGOLETTE_TELEGRAM_BASE_URL": "http://a:bad/bot"}, ("VIRGOLETTE_TELEGRAM_BASE_URL",)),
        ({"VIRGOLETTE_TELEGRAM_BASE_URL": "http:///bot"}, ("VIRGOLETTE_TELEGRAM_BASE_URL",)),
        ({"VIRGOLETTE_TELEGRAM_BASE_URL": "ftp://x"}, ("VIRGOLETTE_TELEGRAM_BASE_URL", "/bot")),
    ],
)
def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], words: tuple[str, ...]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert all(word in str(error.value) for word in words)
    assert "\n" not in str(error.value)


def test_a_wrong_setting_ends_a_command_in_one_line(indexed_place: Workplace) -> None:
    wrong = {"VIRGOLETTE_LANGUAGE": "fr"}
    fails(indexed_place.run("status", **wrong), 2, "VIRGOLETTE_LANGUAGE", "'it'")


def test_headers_for_chroma_are_pairs_and_secret() -> None:
    told = "Authorization: Bearer a:b ; X-Token: c;"
    settings = Settings(chroma_url="http://localhost:8000", chroma_headers=told)
    server = chroma_server(settings)
    assert server is not None
    assert server.headers == (("Authorization", "Bearer a:b"), ("X-Token", "c"))
    assert "Bearer" not in repr(settings)


def test_settings_come_from_dotenv_and_unknown_names_there_are_refused(
    empty_place: Workplace,
) -> None:
    (empty_place.path / ".env").write_text("OPENAI_API_KEY=x\nVIRGOLETTE_DATA_DIR=altrove\n")
    (status,) = empty_place.json("status", "--json")
    assert status["data"] == "altrove"
    (empty_place.path / ".env").write_text("VIRGOLETTE_TELEGRAM_TOKEN=1:secret\n")
    done = empty_place.run("status")
    fails(done, 2, "VIRGOLETTE_TELEGRAM_TOKEN", "did you mean VIRGOLETTE_TELEGRAM_BOT_TOKEN")
    assert "secret" not in done.stderr


def test_another_programs_settings_in_dotenv_do_not_end_in_a_traceback(
    empty_place: Workplace,
) -> None:
    empty_place.write("a.txt", "Il treno è partito.")
    (empty_place.path / ".env").write_text("IS_PERSISTENT=forse\n")
    fails(empty_place.run("index"), 1, "Chroma reads the environment and .env, too")
    (empty_place.path / ".env").write_text("CHROMA_API_IMPL=chromadb.api.fastapi.FastAPI\n")
    assert empty_place.run("index").returncode == 0


def test_questions_that_are_none(indexed_place: Workplace) -> None:
    fails(indexed_place.run("ask", "  "), 2, "empty")
    fails(indexed_place.run("ask", "x" * 10_000), 2, "10000 characters", "1000")
    done = indexed_place.run("ask")
    assert done.returncode == 2 and "Missing argument" in done.stderr


def test_bot_without_a_token_says_where_to_get_one(indexed_place: Workplace) -> None:
    fails(indexed_place.run("bot"), 2, "VIRGOLETTE_TELEGRAM_BOT_TOKEN", "@BotFather")


def test_the_suite_forbids_the_network() -> None:
    with pytest.raises(PermissionError, match="no network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    code = "import socket; socket.create_connection(('example.org', 80), timeout=1)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "offline")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "PermissionError: the tests use no network" in done.stderr


MODEL_FILES = ("weights.q4.safetensors", "tokenizer.json", "SHA256", "1_Pooling/config.json")


@pytest.mark.slow
def test_a_built_wheel_carries_the_model_and_the_texts(tmp_path: Path) -> None:
    out = tmp_path
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = out.glob("virgolette-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        *(f"index/models/default/{name}" for name in MODEL_FILES),
        "bot/locales/it.toml",
        "retrieval/answering/weights.json",
    ):
        assert name in names
    assert not any(name.startswith("tests/") for name in names)
