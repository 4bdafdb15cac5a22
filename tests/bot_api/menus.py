"""The commands and the descriptions that a bot shows of itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.bot_api.errors import Commands, Json, bad_request
from tests.bot_api.parameters import check_fields, check_language, fields

_SCOPES = dict.fromkeys(
    ("default", "all_private_chats", "all_group_chats", "all_chat_administrators"), ""
) | {"chat": "chat_id:int", "chat_administrators": "chat_id:int"}


class Menus:
    """The menus of commands by scope and language; ``chat`` finds a chat that the bot has met."""

    def __init__(self, chat: Callable[[Json], Json]) -> None:
        self.commands: Commands = {}
        self.descriptions: dict[tuple[str, str], str] = {}  # by name of the field and language
        self._chat = chat
        self.handlers: dict[str, Callable[[Json], Any]] = {
            "setMyCommands": self.set_my_commands,
            "getMyCommands": self.get_my_commands,
            "deleteMyCommands": self.delete_my_commands,
            "setMyDescription": self.set_my_description,
            "setMyShortDescription": self.set_my_description,
            "getMyDescription": lambda params: self.get_description("description", params),
            "getMyShortDescription": lambda p: self.get_description("short_description", p),
        }

    def set_my_commands(self, params: Json) -> bool:
        """#setmycommands."""
        key, commands = self._command_key(params), params.get("commands")
        if commands is None:
            raise bad_request("can't parse list of bot commands: there is none")
        if len(commands) > 100:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            required = "command description"
            known = fields(f"{required} is_ephemeral:bool")
            check_fields("BotCommand", command, known, required)
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
                raise bad_request("BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"].strip()) <= 256:
                raise bad_request("command description length must be between 1 and 256")
        self.commands[key] = commands
        return True

    def get_my_commands(self, params: Json) -> list[dict[str, str]]:
        """#getmycommands, of exactly this scope and language."""
        return self.commands.get(self._command_key(params), [])

    def delete_my_commands(self, params: Json) -> bool:
        """#deletemycommands."""
        self.commands.pop(self._command_key(params), None)
        return True

    def set_my_description(self, params: Json) -> bool:
        """#setmydescription and #setmyshortdescription; an empty one removes it."""
        language = check_language(params)
        description, short = params.get("description", ""), params.get("short_description", "")
        if len(description) > 512 or len(short) > 120:
            raise bad_request("description is too long")
        name = "short_description" if "short_description" in params else "description"
        self.descriptions[name, language] = params.get(name, "")
        return True

    def get_description(self, name: str, params: Json) -> Json:
        """#getmydescription and #getmyshortdescription, of exactly this language."""
        return {name: self.descriptions.get((name, check_language(params)), "")}

    def _command_key(self, params: Json) -> tuple[str, str]:
        scope = params.get("scope", {"type": "default"})
        kind = scope.get("type")
        if kind not in _SCOPES:
            raise bad_request("unsupported type of BotCommandScope, or not modelled")
        required = fields(_SCOPES[kind])
        check_fields("BotCommandScope", scope, fields("type") | required, " ".join(required))
        place = f":{self._chat(scope)['id']}" if required else ""
        return kind + place, check_language(params)
