"""Those who administer the bot look after its articles in the chat."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot, buttons, press

ADMIN = {"user_id": 900}
LAGO = "---\ntitle: Il lago\n---\nIl battello Aurora affonda nel lago di Bolsena martedì sera.\n"
SINKS = "Dove affonda il battello Aurora?"


@pytest.fixture
def admin_bot(indexed_place: Workplace) -> Iterator[Bot]:
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_ADMINS="900")
        yield bot
        assert bot.stop() == 0 and api.refusals == []
        assert "Traceback" not in bot.log.read_text()


def test_documents_are_added_and_articles_removed(admin_bot: Bot, indexed_place: Workplace) -> None:
    api = admin_bot.api
    sent = api.send_document(
        LAGO.encode(), "../../lago.md", "text/markdown", "fonte: Il Corriere del Lago", user_id=900
    )
    told = admin_bot.reply(sent)["text"]
    assert told.startswith("Aggiunto: ") and told.endswith(".md")
    path = told.removeprefix("Aggiunto: ")
    assert "Corriere del Lago" in (indexed_place.corpus / path).read_text(encoding="utf-8")
    answer = admin_bot.ask(SINKS)["text"]
    assert "lago di Bolsena" in answer and "Il Corriere del Lago · Il lago" in answer
    command = "/aggiungi fonte: Altro"
    again = api.send_document(LAGO.encode(), "altro.md", "text/markdown", command, user_id=900)
    assert admin_bot.reply(again)["text"] == f"C’era già: {path}"

    asked = api.send_document(b"Piove.", "x.md", "text/markdown", f"/ask {SINKS}", user_id=900)
    assert "lago di Bolsena" in admin_bot.reply(asked)["text"]

    listed = admin_bot.ask("/fonti", **ADMIN)["text"]
    number = next(line.split(".")[0] for line in listed.splitlines() if "Il lago" in line)
    assert "Il lago" in admin_bot.ask("/togli lago", **ADMIN)["text"]
    message = admin_bot.ask(f"/togli {number}", **ADMIN)
    assert "Il lago" in message["text"]
    (data,) = buttons(message).values()
    assert "nel frattempo" in press(admin_bot, message, data).params["text"]  # not an admin
    before = len(api.calls)
    press(admin_bot, message, data, user=900)
    edited = api.wait_for("editMessageText", since=before, timeout=READY).result
    assert edited["text"].startswith(f"Tolto: {path}") and not buttons(edited)
    assert not (indexed_place.corpus / path).exists()
    assert len(list((indexed_place.data / "removed").rglob("*.md"))) == 1
    assert "Bolsena" not in admin_bot.ask(SINKS)["text"]


def test_what_cannot_be_added_is_told(admin_bot: Bot) -> None:
    api = admin_bot.api
    empty = api.send_document(b"", "vuoto.txt", "text/plain", user_id=900)
    assert admin_bot.reply(empty)["text"] == "vuoto.txt non è stato aggiunto: non contiene testo"
    told = api.send_document(b"", "empty.txt", "text/plain", user_id=900, language_code="en")
    assert admin_bot.reply(told)["text"] == "empty.txt was not added: it holds no text"
    odd = api.send_document(b"\x00\x01", "..", "application/octet-stream", user_id=900)
    assert "non è stato aggiunto" in admin_bot.reply(odd)["text"]
    inside = admin_bot.ask("http://127.0.0.1:9/segreto", **ADMIN)["text"]
    assert inside.startswith("http://127.0.0.1:9/segreto non è stato aggiunto: 127.0.0.1 non è un")
    assert "/aggiungi https://" in admin_bot.ask("/aggiungi", **ADMIN)["text"]
    assert "/togli 1" in admin_bot.ask("/togli", **ADMIN)["text"]
    assert "nessun articolo «99»" in admin_bot.ask("/togli 99", **ADMIN)["text"]


def test_status_reindex_and_the_menu_are_theirs_alone(
    admin_bot: Bot, indexed_place: Workplace
) -> None:
    assert "ultimo messaggio –" in admin_bot.ask("/stato", **ADMIN)["text"]
    status = admin_bot.ask("/stato", **ADMIN)["text"]
    assert re.search(r"Indice del \d+ [a-z]+ 20\d\d, \d\d:\d\d\n", status)
    assert "Articoli: 5, " in status and re.search(r"messaggio \d+ [a-z]+ 20\d\d, \d\d:", status)
    assert not re.search(r"[0-9a-f]{12}", status)
    assert "0 errori" in status and "tarato" not in status
    assert "Articles: 5, " in admin_bot.ask("/status", user_id=900, language_code="en")["text"]
    indexed_place.write("lago.md", LAGO)
    told = admin_bot.ask("/reindex", **ADMIN)["text"]
    assert told.startswith("Indice aggiornato: 1 aggiunti, 0 cambiati")
    for command in ("/stato", "/reindex", "/aggiungi https://example.org", "/togli 1"):
        assert admin_bot.ask(command)["text"].startswith(f"Non conosco {command.split()[0]}")
    admin_bot.ask("/start")
    admin_bot.ask("/start", **ADMIN)
    admin_bot.ask("/help", **ADMIN)
    menus = admin_bot.api.commands
    assert "togli" in {c["command"] for c in menus["chat:900", "it"]}
    assert ("chat:1001", "it") not in menus


def test_the_command_line_removes_too(indexed_place: Workplace) -> None:
    indexed_place.write("altri/lago.md", LAGO)
    indexed_place.run("index")
    (told,) = indexed_place.json("remove", "altri/lago.md", "--json")
    assert told["index"]["removed"] == ["altri/lago.md"] and "altri/lago.md" in told["kept"]
    assert not (indexed_place.corpus / "altri/lago.md").exists()
    for wrong in ("altri/lago.md", "../data/bot.sqlite", "/etc/passwd", ""):
        done = indexed_place.run("remove", "--", wrong)
        assert done.returncode == 1 and "there is no article" in done.stderr
    assert "→ kept" in indexed_place.run("remove", "000_c1b05f4512374873.txt").stdout
