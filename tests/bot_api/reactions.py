"""The reactions that a bot may set (#reactiontype)."""

from __future__ import annotations

from typing import Any

from tests.bot_api.errors import bad_request
from tests.bot_api.parameters import check_fields, fields

_EMOJI = frozenset(
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 "
    "🤡 🥱 🥴 😍 🐳 ❤️‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 "
    "🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ "
    "💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂️ 🤷 🤷‍♀️ 😡".split()
)


def check_reactions(reactions: list[Any]) -> None:
    """At most one reaction, an emoji of the list: custom and paid ones are not a bot's to set."""
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    for reaction in reactions:
        check_fields("ReactionType", reaction, fields("type emoji"), "type emoji")
        if reaction["type"] != "emoji" or reaction["emoji"] not in _EMOJI:
            raise bad_request("REACTION_INVALID")
