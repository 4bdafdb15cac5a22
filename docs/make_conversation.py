"""Write ``docs/conversation.md``: what the bot and the terminal say, step by step.

``docs/conversation.toml`` holds the steps. A step is a message, or a button in brackets, named by
the kind of its callback data: "[quote 2]" is the second button of that kind. "kind: text" is what
else people do; ``Recorder`` has a method for each kind.
"""

from __future__ import annotations

import os
import sys
import time
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from docs.as_markdown import escaped, hard_breaks, rendered
from index.building.sync import sync
from index.generations.layout import Locations
from index.models.embedder import Embedder
from tests.bot_api import FakeBotApi, formatted_text
from tests.bot_api.errors import Call
from tests.conftest import ROOT, Workplace, indexed_workplace, variables
from tests.running_bot import READY, Bot, press
from tests.warm import Warm

STEPS = Path(__file__).with_name("conversation.toml")
PAGE = STEPS.with_suffix(".md")
QUIET = 0.6  # seconds without a call, after which the bot has done all it does
NAME = "fake_test_bot"
GROUP = -1_001_000
WIDTH = 60  # columns of the terminal
SHOWN = (
    "sendMessage", "sendDocument", "editMessageText", "editMessageReplyMarkup", "deleteMessage",
)  # fmt: skip
NOTED = ("keep",)  # buttons that only show a note

Json = dict[str, Any]


class Recorder:
    """A person in a chat with the bot, and the page on which everything is written."""

    def __init__(self, bot: Bot, user: int, chat: int, language: str) -> None:
        self._bot, self._api = bot, bot.api
        self._who = {"user_id": user, "chat_id": chat, "language_code": language}
        self._last = 0  # the number of the person's last message
        self.lines: list[str] = []

    def step(self, step: str) -> None:
        """Do one step, wait until the bot is quiet, and write down what it did."""
        before = len(self._api.calls)
        kind, colon, text = step.partition(": ")
        if step.startswith("["):
            self._press(*step.strip("[]").split())
        elif colon and hasattr(self, f"do_{kind}"):
            getattr(self, f"do_{kind}")(text)
        else:
            self._say(step)
        self._write(before)

    def _say(self, text: str, **more: Any) -> None:
        self.lines += [f"**🧑 {escaped(text)}**", ""]
        mention = {"type": "mention", "offset": 0, "length": len(NAME) + 1}
        found = [mention] if text.startswith(f"@{NAME}") else None
        before = len(self._api.calls)
        self._last = self._api.say(text, entities=found, **self._who, **more)
        self._api.wait_for(lambda call: call.method in SHOWN, since=before, timeout=READY)

    def _press(self, kind: str, number: str = "1") -> None:
        messages = reversed(self._api.messages(self._who["chat_id"], from_bot=True))
        index = int(number) - (int(number) > 0)
        for message in messages:
            buttons = [button for button in buttons_of(message) if kind_of(button) == kind]
            if -len(buttons) <= index < len(buttons):
                break
        else:
            print(f"no button [{kind} {number}]", file=sys.stderr)
            return
        button = buttons[index]
        self.lines += [f"*🧑 touches* `[{button['text']}]`", ""]
        if kind == "copied":
            self._note("The app copies", button["copy_text"]["text"])
        elif kind == "shared":
            self._offer(button["switch_inline_query"])
        else:
            before = len(self._api.calls)
            person = {"user": self._who["user_id"], "language_code": self._who["language_code"]}
            press(self._bot, message, button["callback_data"], **person)
            if kind in NOTED:
                return
            self._api.wait_for(lambda call: call.method in SHOWN, since=before, timeout=READY)

    def do_edit(self, text: str) -> None:
        """Edit the person's last message."""
        self.lines += [f"*🧑 edits the message into:* **{escaped(text)}**", ""]
        before = len(self._api.calls)
        self._api.edit(self._last, text)
        self._api.wait_for("editMessageText", since=before, timeout=READY)

    def do_react(self, emoji: str) -> None:
        """React to the bot's last message."""
        self.lines += [f"*🧑 reacts to the answer with* {emoji}", ""]
        answer = self._api.messages(self._who["chat_id"], from_bot=True)[-1]
        self._api.react(answer["message_id"], emoji, user_id=self._who["user_id"])

    def do_once(self, text: str) -> None:
        """Write a message, and the next one without a wait for the answer."""
        self.lines += [f"**🧑 {escaped(text)}**", ""]
        self._api.say(text, **self._who)

    def do_other(self, text: str) -> None:
        """Another member of the group writes a message."""
        self.lines += [f"**👤 {escaped(text)}**", ""]
        self._last = self._api.say(text, **{**self._who, "user_id": 1002})

    def do_reply(self, text: str) -> None:
        """Reply to the last message of a person."""
        self.lines += ["*🧑 replies to this message:*", ""]
        self._say(text, reply_to=self._last)

    def do_answer(self, text: str) -> None:
        """Reply to the last message of the bot."""
        self.lines += ["*🧑 replies to the bot:*", ""]
        answer = self._api.messages(self._who["chat_id"], from_bot=True)[-1]
        self._say(text, reply_to=answer["message_id"])

    def do_select(self, text: str) -> None:
        """Reply to a selected part of the last message of a person: "part | text"."""
        part, text = text.split(" | ")
        self.lines += [f"*🧑 selects “{part}” in this message, and replies:*", ""]
        quote = {"text": part, "position": 0, "is_manual": True}
        self._say(text, reply_to=self._last, more={"quote": quote})

    def do_photo(self, caption: str) -> None:
        """Send a photo."""
        self.lines += ["*🧑 sends a photo*", ""]
        photo = [{"file_id": "a", "file_unique_id": "b", "width": 90, "height": 90}]
        message = {"photo": photo} | ({"caption": caption} if caption.strip() else {})
        self._bot.reply(self._api.push({"message": message})["message"]["message_id"])

    def do_join(self, title: str) -> None:
        """Add the bot to the group."""
        self.lines += ["*🧑 adds the bot to a group*", ""]
        group = {"id": self._who["chat_id"], "type": "supergroup", "title": title}
        self._api.set_member(group, "left", "administrator")

    def do_inline(self, text: str) -> None:
        """Type the name of the bot and a question in some other chat."""
        self.lines += [f"*🧑 types in another chat:* **@{escaped(NAME)} {escaped(text)}**", ""]
        self._offer(text)

    def _offer(self, query: str) -> None:
        number = self._api.inline(query, language_code=self._who["language_code"])
        answered = self._api.wait_for(
            lambda c: c.method == "answerInlineQuery" and c.params["inline_query_id"] == number,
            timeout=READY,
        )
        if button := answered.params.get("button"):
            self._note("Above the results", button["text"])
        for result in answered.params["results"]:
            self._note("The app offers", f"{result['title']} — {result.get('description', '')}")
        for result in answered.params["results"][:1]:
            content = result["input_message_content"]
            text, entities = formatted_text(
                {"text": content["message_text"], "parse_mode": content.get("parse_mode", "")}
            )
            self.lines += ["*🧑 sends the first one:*", "", *rendered(text, entities), ""]

    def _write(self, before: int) -> None:
        for call in settled(self._api, before):
            if call.method == "answerCallbackQuery" and call.params.get("text"):
                self._note("The app shows", call.params["text"])
            elif call.method == "setMessageReaction":
                emoji = "".join(r["emoji"] for r in call.params.get("reaction", []))
                self.lines += [f"*The bot reacts with* {emoji}", ""]
            elif call.method == "deleteMessage":
                self.lines += ["*The bot deletes a message.*", ""]
            elif call.method in SHOWN and isinstance(call.result, dict):
                self._show(call)

    def _show(self, call: Call) -> None:
        if document := call.result.get("document"):
            content = call.params["document"].decode().strip()
            self.lines += [f"*The bot sends* `{document['file_name']}`", ""]
            self.lines += ["```markdown", content, "```", ""]
            return
        if call.method.startswith("edit"):
            markup = call.method.endswith("Markup")
            changed = "buttons of its message" if markup else "message"
            self.lines += [f"*The bot changes the {changed}:*", ""]
        if document := call.result.get("document"):
            self.lines += [f"*The bot sends a document:* `{document['file_name']}`", ""]
            if caption := call.result.get("caption"):
                self.lines += [escaped(caption), ""]
        elif not call.method.endswith("Markup"):
            self.lines += [*rendered(call.result["text"], call.result.get("entities", [])), ""]
        rows = call.result.get("reply_markup", {}).get("inline_keyboard", [])
        labels = [" ".join(f"`[{button['text']}]`" for button in row) for row in rows]
        self.lines += [*hard_breaks(labels), ""] if labels else []

    def _note(self, what: str, text: str) -> None:
        self.lines += [f"*{what}:* {' '.join(escaped(text).split())}", ""]


def settled(api: FakeBotApi, before: int) -> list[Call]:
    """The calls from this one on that succeeded, once no other has come for a while."""
    count = -1
    while (now := len(working(api))) != count:
        count = now
        time.sleep(QUIET)
    return [call for call in api.calls[before:] if call.status == 200]


def working(api: FakeBotApi) -> list[Call]:
    return [call for call in api.calls if call.method != "getUpdates"]


def buttons_of(message: Json) -> list[Json]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [button for row in rows for button in row]


def kind_of(button: Json) -> str:
    """The word before the colon of the callback data; "copied" and "shared" have none."""
    if "copy_text" in button:
        return "copied"
    data = button.get("callback_data")
    return "shared" if data is None else str(data.partition(":")[0])


def terminal(workplace: Workplace, typed: list[str], language: str) -> list[str]:
    """A conversation with ``virgolette chat``, in a narrow window."""
    read, keys = os.pipe()
    out = workplace.path / f"chat-{language}.txt"
    environment = {"LANG": f"{language}.UTF-8", "COLUMNS": str(WIDTH)}
    lines = []
    with out.open("wb") as screen, os.fdopen(read, "rb") as stdin:
        chat = workplace.start("chat", stdin=stdin.fileno(), stdout=screen, stderr=screen,
                               **environment)  # fmt: skip
        stdin.close()
        with os.fdopen(keys, "wb", buffering=0) as keyboard:
            shown = quiet_text(out, 0)
            lines += shown_since(shown, "")
            for line in typed:
                keyboard.write(f"{line}\n".encode())
                text = quiet_text(out, len(shown))
                lines += [f"› {line}", *shown_since(text, shown)]
                shown = text
        chat.wait(60)
    return ["```text", *lines, *shown_since(out.read_text(encoding="utf-8"), shown), "```", ""]


def shown_since(text: str, shown: str) -> list[str]:
    return text[len(shown) :].strip("\n").split("\n")


def quiet_text(file: Path, length: int) -> str:
    """What is on the screen, once it is longer than this and grows no more."""
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline:
        before = file.read_text(encoding="utf-8")
        time.sleep(QUIET)
        if len(before) > length and file.read_text(encoding="utf-8") == before:
            break
    return file.read_text(encoding="utf-8")


def record(workplace: Workplace) -> None:
    """Converse, and write the page as it grows."""
    script = tomllib.loads(STEPS.read_text(encoding="utf-8"))
    lines: list[str] = [*script["head"].splitlines(), ""]
    with FakeBotApi() as api:
        bot = Bot(workplace, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_ADMINS="900",
                  VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR="0")  # fmt: skip
        try:
            for number, section in enumerate(script["section"]):
                print(section["title"], file=sys.stderr)
                lines += [f"## {section['title']}", ""]
                if "terminal" in section:
                    lines += terminal(workplace, section["terminal"], section["language"])
                    continue
                user = 900 if section.get("admin") else 2000 + number
                chat = GROUP if section.get("group") else user
                recorder = Recorder(bot, user, chat, section.get("language", "it"))
                for step in section["steps"]:
                    recorder.step(step)
                lines += recorder.lines
                PAGE.write_text(page_of(lines, workplace), encoding="utf-8")
        finally:
            bot.stop()
        print(*api.refusals, sep="\n", file=sys.stderr)
    PAGE.write_text(page_of(lines, workplace), encoding="utf-8")


def page_of(lines: list[str], workplace: Workplace) -> str:
    page = "\n".join(lines).replace(escaped(NAME), "virgolette\\_bot")
    return page.replace(str(workplace.path), "/srv/virgolette").rstrip() + "\n"


def main() -> None:
    """Index the articles in a temporary folder, converse, and write the page."""
    with TemporaryDirectory() as folder, Warm(variables()) as warm:
        data = Path(folder, "index")
        sync(Locations(ROOT / "corpus", data), Embedder())
        record(indexed_workplace(Path(folder, "work"), data, warm))


if __name__ == "__main__":
    main()
