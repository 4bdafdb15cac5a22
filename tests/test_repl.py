"""The REPL, by a transcript through a pipe and by keys through a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from bot.settings import Settings
from bot.terminal.repl import _history
from tests.conftest import ITALIAN, Workplace

ASKED_PLACE = b"\x1b[6n"  # what a terminal answers with the place of its cursor
QUESTION = "Da dove è partito il treno blindato?"


def test_a_transcript(indexed_place: Workplace) -> None:
    typed = [
        "/aiuto",
        "/fonti",
        QUESTION,
        "",
        "/boh",
        "/segui x",
        "x" * 2000,
        "Chi ha dipinto la Gioconda?",
    ]
    done = indexed_place.run("chat", stdin="\n".join([*typed, "/esci", "mai letta"]), **ITALIAN)
    assert done.returncode == 0 and done.stderr == ""
    said = done.stdout
    assert said.startswith("Scrivi una domanda sugli articoli.")
    assert "frasi prese alla lettera" in said
    assert "AgenPress · Cremlino." in said and "fonte sconosciuta · Mosca chiede armi" in said
    assert "❝ Secondo i media sudcoreani" in said
    assert "Non conosco /boh" in said and "si seguono in Telegram" in said
    assert "La domanda è troppo lunga: bastano 1000 caratteri." in said
    assert "Nessun articolo nomina «Gioconda»." in said
    assert said.rstrip().endswith("Ciao.") and "mai letta" not in said


def test_an_article_is_read_under_its_number(indexed_place: Workplace) -> None:
    typed = ["/articolo 2", "/article", "/articolo 99", "/articolo ²"]
    done = indexed_place.run("chat", stdin="\n".join(typed), **ITALIAN)
    text = indexed_place.run("show", "001_3eaa1e106d62cb25.txt").stdout
    assert text.strip() in done.stdout and done.stderr == ""
    assert done.stdout.count("Scrivi dopo il comando il numero o il titolo") == 1
    assert "nessun articolo «99»" in done.stdout


def test_an_article_is_read_under_its_title(indexed_place: Workplace) -> None:
    typed = ["/articolo MOSCA chiede", "/articolo invasione ucraina", "/articolo kim"]
    said = indexed_place.run("chat", stdin="\n".join(typed), **ITALIAN).stdout
    text = indexed_place.run("show", "invasione ucraina").stdout
    assert text == indexed_place.run("show", "002_89d516d3b7f6b7d0.txt").stdout
    assert said.count(text.strip()) == 2
    _, choice = said.split("«kim» va bene per più articoli. Scrivi il numero:\n")
    number, title = choice.splitlines()[0].split(maxsplit=1)
    assert "Kim" in title and text not in choice
    chosen = indexed_place.run("show", number).stdout
    assert indexed_place.run("show", title).stdout == chosen != ""
    several = indexed_place.run("show", "kim")
    assert several.returncode == 1 and f"{number} {title}" in several.stderr


def test_an_article_is_shown_to_the_letter(empty_place: Workplace) -> None:
    text = "Il gatto :cat: costa [bold]5 euro[/bold] al porto."
    empty_place.write("a.txt", text)
    assert empty_place.run("index").returncode == 0
    assert text in empty_place.run("chat", stdin="/articolo 1").stdout


def test_greetings_and_the_subjects(indexed_place: Workplace) -> None:
    typed = ["ciao", "di cosa parlano gli articoli?", "What are the articles about?", "grazie!"]
    said = indexed_place.run("chat", stdin="\n".join(typed)).stdout
    assert "Ciao! Chiedimi qualcosa" in said and "Prego!" in said
    assert "Articoli: 5.\nParlano soprattutto di: Corea del Nord, " in said
    assert "Articles: 5.\nThey are mostly about: " in said


def test_its_answers_are_those_of_ask(indexed_place: Workplace) -> None:
    asked = indexed_place.run("ask", QUESTION).stdout.strip()
    assert asked in indexed_place.run("chat", stdin=QUESTION).stdout


def test_english_when_so_set(indexed_place: Workplace) -> None:
    done = indexed_place.run("chat", stdin="/sources\n/quit\n", VIRGOLETTE_LANGUAGE="en")
    assert "source unknown · Mosca chiede armi" in done.stdout and "Bye." in done.stdout


def test_an_index_that_cannot_be_read_does_not_end_it(empty_place: Workplace) -> None:
    (empty_place.data / "current").write_text("20260101T000000-abcdef\n")
    done = empty_place.run("chat", stdin=f"/fonti\n{QUESTION}\n/boh\n", **ITALIAN)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.count("virgolette index --rebuild") == 2
    assert "Non conosco /boh" in done.stdout


def test_a_full_disk_does_not_end_it(tmp_path: Path) -> None:
    (tmp_path / "history").symlink_to("/dev/full")
    history = _history(Settings(data_dir=tmp_path))
    history.append_string(QUESTION)
    assert history.get_strings() == [QUESTION]


class Terminal:
    """A process on a pseudo-terminal of 100 columns."""

    def __init__(self, place: Workplace, *arguments: str, **more: str) -> None:
        command, environment = place.command()
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [*command, *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=place.path, close_fds=True,
            env={**environment, "TERM": "xterm", "COLUMNS": "100", "LINES": "40", **more},
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.raw = ""

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait_for(self, words: str, *, times: int = 1, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.seen().count(words) < times:
            assert time.monotonic() < deadline, f"{words!r} did not appear in:\n{self.seen()}"
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if ready:
                read = os.read(self._master, 65536)
                self.raw += read.decode(errors="replace")
                if ASKED_PLACE in read:
                    os.write(self._master, b"\x1b[1;1R")

    def seen(self) -> str:
        """What was written, without control sequences, white space folded."""
        return " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]", "", self.raw).split())

    def end(self, keys: str = "", seconds: float = 60) -> int:
        """Type the keys, as often as it takes, until the process ends; its exit code."""
        deadline = time.monotonic() + seconds
        try:
            while self._process.poll() is None:
                assert time.monotonic() < deadline, f"it goes on:\n{self.seen()}"
                with suppress(OSError):  # the other end may be closed by now
                    self.type(keys)
                    if select.select([self._master], [], [], 1)[0]:
                        os.read(self._master, 65536)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=0.5)
            return self._process.returncode
        finally:
            self._process.kill()
            os.close(self._master)


def test_on_a_terminal_something_moves_until_the_answer_stands_there(
    indexed_place: Workplace,
) -> None:
    terminal = Terminal(indexed_place, "ask", "Where does the armoured train go?", **ITALIAN)
    terminal.wait_for("searching the articles…")
    before = terminal.raw
    moving = set("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
    assert len(moving & set(before)) > 1 and "preparo la ricerca…" in before
    terminal.wait_for("Vladivostok")
    assert len(moving & set(terminal.raw)) > 3  # loading alone may be over sooner
    after = terminal.raw.rpartition("searching the articles…")[2]
    assert after.index("\x1b[2K") < after.index("Vladivostok")  # the line is wiped
    assert terminal.end() == 0


def test_a_long_article_is_wrapped_and_paged_on_a_terminal(indexed_place: Workplace) -> None:
    text = indexed_place.run("show", "2").stdout
    words = " ".join(text.split())
    screen = {"COLUMNS": "60", "LINES": "200", "PAGER": "sed s/^/paged:/"}
    terminal = Terminal(indexed_place, "show", "2", **screen)
    terminal.wait_for(words[-30:])
    assert words in terminal.seen() and "paged:" not in terminal.raw
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.raw).splitlines()
    assert all(len(line) <= 60 for line in lines) and len(lines) > 20
    assert terminal.end() == 0
    terminal = Terminal(indexed_place, "show", "2", **{**screen, "LINES": "10"})
    terminal.wait_for("paged:")
    assert terminal.end() == 0


def test_a_verdict_wraps_under_its_text(indexed_place: Workplace) -> None:
    said = "dovrebbe recarsi a bordo di un treno blu – secondo il New York Times – a Vladivostok"
    terminal = Terminal(indexed_place, "verify", said, COLUMNS="60", **ITALIAN)
    terminal.wait_for("dell’Ucraina")
    assert terminal.end() == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.raw).replace("\r\n", "\n")
    quoted = plain[plain.index("  ❝ ") :].rstrip().splitlines()
    _, *more = quoted[: quoted.index(next(line for line in quoted if "[1]" in line))]
    assert more and all(line.startswith("    ") for line in more)
    assert quoted[-1].startswith("        ") and "[1]" not in quoted[-1]


def test_a_verdict_is_in_the_language_of_the_reader_not_of_the_sentence(
    indexed_place: Workplace,
) -> None:
    said = "a bordo di un treno blu"
    asked, typed = ["verify", said], f"/verify {said}"
    english, italian = "No: one word is different", "No: una parola diversa"
    for environment, verdict in (({"LANG": "en_GB.UTF-8"}, english), (ITALIAN, italian)):
        assert verdict in indexed_place.run(*asked, **environment).stdout
        assert verdict in indexed_place.run("chat", stdin=typed, **environment).stdout


def test_no_spinner_beside_json(indexed_place: Workplace) -> None:
    terminal = Terminal(indexed_place, "ask", "--json", "Dove va il treno blindato?")
    terminal.wait_for('"generation"')
    assert terminal.end() == 0
    assert "\x1b" not in terminal.raw and "searching" not in terminal.raw


def test_a_question_is_taken_before_anything_is_loaded(indexed_place: Workplace) -> None:
    terminal = Terminal(indexed_place, "chat")
    terminal.wait_for("›")
    terminal.type("Dove va il treno blindato?\r")
    terminal.wait_for("Vladivostok")
    assert terminal.end("\x04") == 0
    script = "import sys, bot.terminal.cli, bot.terminal.repl; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert not {b"langchain_core", b"chromadb", b"onnxruntime"} & set(loaded.stdout.split())


def test_keys_on_a_terminal(indexed_place: Workplace) -> None:
    terminal = Terminal(indexed_place, "chat")
    terminal.wait_for("›")
    terminal.type("rubbish\x03")  # ctrl-c gives up the line
    terminal.type(QUESTION + "\r")
    terminal.wait_for("[1] AgenPress")
    assert "sarebbe partito da Pyongyang" in terminal.seen().replace("\n", " ")
    assert "\x1b[1m" in terminal.raw  # the matching words are marked
    terminal.type("\x1b[A")  # the question again, out of the history
    time.sleep(0.5)
    terminal.type("\r")
    terminal.wait_for("[1] AgenPress", times=2)
    assert terminal.end("\x04") == 0  # ctrl-d, again if it came before the prompt


def test_the_progress_bar_is_for_terminals(empty_place: Workplace) -> None:
    for number in range(70):
        empty_place.write(f"{number}.txt", f"Il treno numero {number} è partito da Pyongyang.")
    terminal = Terminal(empty_place, "index")
    terminal.wait_for("articles in the index: 70")
    assert "embedding" in terminal.seen()
    assert terminal.end() == 0
