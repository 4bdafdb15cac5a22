"""A draft checked in Telegram: a document, a reply to one, a long message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.bot_api import FakeBotApi
from tests.conftest import indexed_workplace
from tests.office import docx, paragraph
from tests.running_bot import Bot, buttons, entities, press, quoted
from tests.test_drafts import DRAFT, LOCKED

SUMMARY = "7 virgolettati: 2 alla lettera, 1 di un’altra testata, 1 di qualcun altro, 1 cambiato"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
LONG = "Ha detto: «Non siamo preoccupati per il viaggio». E poi: «Domani firmo la resa {}».\n\n"


def document(
    bot: Bot, content: bytes, name: str | None, caption: str = "/verifica", **who: Any
) -> Any:
    sent = bot.api.send_document(content, name, None, caption, **who)
    return bot.reply(sent)


def test_a_document_is_checked_by_its_caption(bot: Bot) -> None:
    body = "".join(map(paragraph, DRAFT.strip().split("\n\n")))
    message = document(bot, docx(body), "pezzo.docx")
    assert message["text"].startswith(SUMMARY)
    assert "✗ capoverso 2  «un viaggio all’estero raro per Putin»" in message["text"]
    assert "«rilanciare»: sta scritto «potenziare»" in message["text"]
    assert "ma lo dice John Kirby, non Vladimir Putin" in message["text"]
    assert "Si tratta di un viaggio all’estero raro per Putin" in quoted(message)[0]
    before = len(bot.api.calls)
    press(bot, message, buttons(message)["Leggi 1"])
    article = bot.api.wait_for("sendMessage", since=before).result
    assert "un viaggio all’estero raro per Putin" in entities(article, "bold")[-1]


def test_a_reply_to_a_document_checks_it_in_a_group_too(bot: Bot) -> None:
    group: dict[str, Any] = {"chat_id": -1_001_777, "user_id": 5}
    sent = bot.api.send_document(DRAFT.encode(), "pezzo.txt", "text/plain", **group)
    message = bot.ask("/verify@fake_test_bot", reply_to=sent, language_code="en", **group)
    assert message["text"].startswith("7 quotations: 2 to the letter, 1 of another outlet")
    assert "✗ line 3  “un viaggio all’estero raro per Putin”" in message["text"]


def test_a_long_message_is_a_draft(bot: Bot) -> None:
    assert bot.ask(f"/verifica {DRAFT}")["text"].startswith(SUMMARY)
    said = bot.api.say(DRAFT)
    bot.reply(said)
    assert bot.ask("/verifica", reply_to=said)["text"].startswith(SUMMARY)


def test_many_quotations_take_several_pages(bot: Bot) -> None:
    text = "".join(LONG.format(number) for number in range(12))
    first = document(bot, text.encode(), "pezzo.txt")
    assert "24 virgolettati: 12 alla lettera, 12 non trovati" in first["text"]
    assert "8. ✗" in first["text"] and "9. ✗" not in first["text"]
    forward = next(data for label, data in buttons(first).items() if label.startswith("avanti"))
    before = len(bot.api.calls)
    press(bot, first, forward)
    second = bot.api.wait_for("editMessageText", since=before).result
    assert "9. ✗" in second["text"] and "13. ✓" in second["text"]
    assert "Leggi 13" in buttons(second) and "← indietro" in buttons(second)
    bot.ask("/dimenticami")
    gone = press(bot, second, forward)
    assert gone.params["text"] and gone.params["show_alert"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("pezzo.pdf", LOCKED, "Non riesco a leggere la bozza: pezzo.pdf non è stato controllato"),
        ("pezzo.txt", b"", "non contiene testo"),
        ("pezzo.txt", b"Nessuno ha detto niente.", "Non ci sono virgolettati."),
        ("pezzo.txt", b"x" * 20_000_001, "Il file è troppo grande: ne leggo fino a 20 MB."),
        ("../../<b>.xls", b"1", "non si legge"),
        (None, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, "Non riesco a leggere la bozza"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_told(
    bot: Bot, name: str | None, content: bytes, complaint: str
) -> None:
    assert complaint in document(bot, content, name)["text"]
    assert all(call.status == 200 for call in bot.api.calls if call.method == "getFile")


def test_an_admin_checks_a_draft_and_does_not_add_it(
    tmp_path: Path, data_dir: Path, warm: Any
) -> None:
    place = indexed_workplace(tmp_path, data_dir, warm)
    with FakeBotApi() as api:
        bot = Bot(place, api, VIRGOLETTE_TELEGRAM_ADMINS="1001", VIRGOLETTE_WATCH="false")
        api.fail("download", status=502)
        message = document(bot, DRAFT.encode(), "pezzo.txt")
        assert message["text"].startswith(SUMMARY)
        assert not list(place.corpus.rglob("pezzo*")) and not list(place.data.rglob("*pezzo*"))
        assert b"rilanciare" not in (place.data / "bot.sqlite").read_bytes()
        assert bot.stop() == 0 and api.refusals == []
        assert "Traceback" not in bot.log.read_text() and "rilanciare" not in bot.log.read_text()
