"""What a user writes, in the fields of the updates that tell it."""

from __future__ import annotations

import re

from tests.bot_api.errors import Json

_RIGHTS = (
    "can_be_edited is_anonymous can_manage_chat can_delete_messages can_manage_video_chats "
    "can_restrict_members can_promote_members can_change_info can_invite_users can_post_stories "
    "can_edit_stories can_delete_stories"
).split()
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,32}(@\w+)?")


def user_of(user_id: int, first_name: str, language_code: str | None) -> Json:
    """A #user who is not a bot."""
    user: Json = {"id": user_id, "is_bot": False, "first_name": first_name}
    return user | ({} if language_code is None else {"language_code": language_code})


def member_of(user: Json, status: str) -> Json:
    """A #chatmember with the fields that its status requires; all rights are denied."""
    member: Json = {"user": user, "status": status}
    if status == "kicked":
        return member | {"until_date": 0}
    if status == "administrator":
        return member | dict.fromkeys(_RIGHTS, False)
    return member


def written(text: str, entities: list[Json] | None, *, caption: bool = False) -> Json:
    """A text or a caption with its entities: those given, or that of a command at its start."""
    name, kind = ("caption", "caption_entities") if caption else ("text", "entities")
    command = _COMMAND.match(text)
    if entities is None and command:
        entities = [{"type": "bot_command", "offset": 0, "length": command.end()}]
    return {name: text} | ({kind: entities} if entities else {})
