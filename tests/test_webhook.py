"""Being told of updates by Telegram, instead of asking for them."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr
from telegram.ext import ApplicationBuilder

from bot.access import Supergroups
from bot.settings import Settings, SettingsError, read_settings
from bot.state import FILE, State
from bot.telegram.inbox import Inbox, PollingWatch, UpdatesRequest, Webhook
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import READY, Bot

QUESTION = "Da dove è partito il treno blindato?"
TRAIN = "un treno blindato con a bordo Kim sarebbe partito da Pyongyang"


def free_port() -> int:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def post(url: str, body: object, **headers: str) -> int:
    request = urllib.request.Request(  # noqa: S310
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_updates_come_by_webhook_and_are_kept_before_they_are_accepted(
    indexed_place: Workplace,
) -> None:
    port = free_port()
    settings = {
        "VIRGOLETTE_WATCH": "false",
        "VIRGOLETTE_TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}/virgolette",
        "VIRGOLETTE_TELEGRAM_WEBHOOK_LISTEN": f"127.0.0.1:{port}",
    }
    with FakeBotApi() as api:
        bot = Bot(indexed_place, api, **settings)
        assert TRAIN in bot.ask(QUESTION)["text"]
        (told,) = [c.params for c in api.calls if c.method == "setWebhook"]
        kinds = "message edited_message callback_query inline_query message_reaction"
        assert {*kinds.split(), "my_chat_member", "guest_message"} == set(told["allowed_updates"])
        assert api.token.split(":")[1] not in told["url"]
        update = {"update_id": 1, "message": {}}
        assert post(told["url"], update) == 403
        secret = {"X-Telegram-Bot-Api-Secret-Token": "wrong"}
        assert post(told["url"], update, **secret) == 403
        assert post(f"http://127.0.0.1:{port}/virgolette", update) == 404
        asked = [api.say(f"{QUESTION} {'?' * number}") for number in range(8)]
        deadline = time.monotonic() + READY
        while api.pending_updates and time.monotonic() < deadline:
            time.sleep(0.05)
        bot.process.kill()
        bot.process.wait(30)
        again = Bot(indexed_place, api, **settings)
        for number in asked:
            assert TRAIN in api.replies_to(number, timeout=READY)[0]["text"]
        again.ask("/help")
        # A reply that Telegram accepted just as the bot was killed may come once more.
        replies = [len(api.replies_to(number)) for number in asked]
        assert min(replies) == 1 and sum(replies) <= len(asked) + 1
        assert again.stop() == 0
        # What was accepted just before the kill is edited into the same once more.
        assert all("not modified" in refusal.description for refusal in api.refusals)
        assert told["secret_token"] not in bot.log.read_text() + again.log.read_text()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_webhook_may_have_a_certificate_of_its_own(indexed_place: Workplace) -> None:
    port, certificate, key = free_port(), indexed_place.path / "a.pem", indexed_place.path / "a.key"
    command = "openssl req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=bot".split()
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(certificate)]
    subprocess.run([*command, "-keyout", str(key)], check=True, capture_output=True)
    with FakeBotApi() as api:
        bot = Bot(
            indexed_place,
            api,
            VIRGOLETTE_WATCH="false",
            VIRGOLETTE_TELEGRAM_WEBHOOK_URL=f"https://127.0.0.1:{port}",
            VIRGOLETTE_TELEGRAM_WEBHOOK_LISTEN=f"127.0.0.1:{port}",
            VIRGOLETTE_TELEGRAM_WEBHOOK_CERTIFICATE=str(certificate),
            VIRGOLETTE_TELEGRAM_WEBHOOK_KEY=str(key),
        )
        assert TRAIN in bot.ask(QUESTION)["text"]
        (told,) = [c.params for c in api.calls if c.method == "setWebhook"]
        assert told["certificate"] == certificate.read_bytes()
        assert bot.stop() == 0 and api.refusals == []


def webhook_of(token: str) -> Webhook:
    return Webhook.of(
        Settings(
            telegram_bot_token=SecretStr(token),
            telegram_webhook_url="https://bot.example.org:8443",
            telegram_webhook_listen="[::]:8443",
        )
    )


def test_path_and_secret_follow_from_the_token() -> None:
    one, other = webhook_of("42:abc"), webhook_of("42:abd")
    assert (one.listen, one.port) == ("::", 8443) and one == webhook_of("42:abc")
    assert one.url == f"https://bot.example.org:8443/{one.path}"
    assert len({one.path, one.secret, other.path, other.secret}) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("URL", "http://bot.example.org"),
        ("URL", "bot.example.org"),
        ("URL", "https://bot.example.org/?a=b"),
        ("LISTEN", "8443"),
        ("LISTEN", "127.0.0.1:0"),
        ("LISTEN", "127.0.0.1:http"),
    ],
)
def test_wrong_addresses_of_a_webhook_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VIRGOLETTE_TELEGRAM_WEBHOOK_{name}", value)
    with pytest.raises(SettingsError, match=f"WEBHOOK_{name} is wrong"):
        read_settings()


def test_polling_that_ended_without_a_word_is_begun_again(tmp_path: Path) -> None:
    async def deaf(api: FakeBotApi) -> bool:
        with closing(State(tmp_path / FILE)) as state:
            request = UpdatesRequest(Inbox(state, 42, Supergroups(state)))
            builder = ApplicationBuilder().token(api.token).base_url(api.base_url)
            application = builder.get_updates_request(request).build()
            async with application:
                assert application.updater is not None
                await application.start()
                await application.updater.start_polling(poll_interval=0)

                async def restart() -> None:
                    assert application.updater is not None
                    await application.updater.stop()
                    await application.updater.start_polling(poll_interval=0)

                watching = asyncio.create_task(PollingWatch(request, restart, 1).watch())
                for task in asyncio.all_tasks():
                    if "polling" in task.get_name():
                        task.cancel()
                await asyncio.sleep(0.3)
                api.say("Ciao")
                for _ in range(100):
                    await asyncio.sleep(0.1)
                    if not application.update_queue.empty() or not api.pending_updates:
                        break
                watching.cancel()
                heard = not api.pending_updates
                await application.updater.stop()
                await application.stop()
                return heard

    with FakeBotApi() as api:
        assert asyncio.run(deaf(api))
