"""A running bot, the Telegram it talks to, and what people see of its messages."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tests.bot_api import FakeBotApi
from tests.conftest import Workplace

READY = 90.0  # seconds for a bot to start and answer, on a busy machine


class Bot:
    """A running `virgolette bot` and the Telegram it talks to."""

    def __init__(self, place: Workplace, api: FakeBotApi, **environment: str) -> None:
        self.api = api
        logs = len(list(place.path.glob("bot*.log")))
        self.log = place.path / f"bot{logs}.log"
        told = {
            "VIRGOLETTE_TELEGRAM_BOT_TOKEN": api.token,
            "VIRGOLETTE_TELEGRAM_BASE_URL": api.base_url,
        }
        with self.log.open("wb") as log, Path(os.devnull).open("rb") as nothing:
            self.process = place.start(
                "bot", stdin=nothing.fileno(), stdout=log, stderr=log, **told, **environment
            )

    def reply(self, message_id: int) -> dict[str, Any]:
        """The first message that answers this one."""
        (message,) = self.api.replies_to(message_id, count=1, timeout=READY)[:1]
        return dict(message)

    def ask(self, text: str, **who: Any) -> dict[str, Any]:
        return self.reply(self.api.say(text, **who))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.kill()


def entities(message: dict[str, Any], kind: str) -> list[str]:
    """The texts of a message's entities of one kind."""
    units = message["text"].encode("utf-16-le")
    return [
        units[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le")
        for e in message.get("entities", [])
        if e["type"] == kind
    ]


def quoted(message: dict[str, Any]) -> list[str]:
    """The quotations in a message: first those that are open, then those that are folded."""
    return [*entities(message, "blockquote"), *entities(message, "expandable_blockquote")]


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """What the buttons below a message tell the bot, by their labels."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return {button["text"]: button.get("callback_data", "") for row in rows for button in row}


def press(
    bot: Bot, message: dict[str, Any], data: str, user: int = 1001, language_code: str = "it"
) -> Any:
    """Press a button, and wait until the bot has acknowledged it; the call that did."""
    who = {"id": user, "is_bot": False, "first_name": "Ada", "language_code": language_code}
    pushed = bot.api.push({"callback_query": {"data": data, "message": message, "from": who}})
    number = pushed["callback_query"]["id"]
    return bot.api.wait_for(
        lambda call: (
            call.method == "answerCallbackQuery" and call.params["callback_query_id"] == number
        )
    )
