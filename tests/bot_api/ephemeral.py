"""Messages in a group that one user and the bot alone see (#ephemeral-messages-and-commands).

That a reply comes within 15 seconds is not checked, nor that an administrator needs none.
"""

from __future__ import annotations

import itertools

from tests.bot_api.errors import Json, bad_request
from tests.bot_api.parameters import check_fields, fields


class EphemeralMessages:
    """The ephemeral messages of a bot, by chat and number. Their ``message_id`` is 0."""

    def __init__(self) -> None:
        self._numbers = itertools.count(5001)
        self._from: dict[tuple[int, int], int] = {}  # the users who sent one to the bot
        self._to: dict[tuple[int, int], Json] = {}

    def receive(self, message: Json) -> None:
        """A user has sent one."""
        self._from[message["chat"]["id"], message["ephemeral_message_id"]] = message["from"]["id"]

    def send(self, message: Json, params: Json) -> Json:
        """Send one, as the reply to one of the user who is to receive it."""
        receiver, chat = params["ephemeral_message_parameters"], message["chat"]
        known = fields("receiver_user_id:int callback_query_id replace_callback_query_message:bool")
        check_fields("ephemeral message parameters", receiver, known, "receiver_user_id")
        reply = params.get("reply_parameters", {})
        check_fields("reply parameters", reply, fields("ephemeral_message_id:int"))
        number = reply.get("ephemeral_message_id", 0)
        if self._from.get((chat["id"], number)) != receiver["receiver_user_id"]:
            raise bad_request("an ephemeral message replies to one of its receiver")
        user = {"id": receiver["receiver_user_id"], "is_bot": False, "first_name": "Ada"}
        ids = {"message_id": 0, "ephemeral_message_id": next(self._numbers), "date": 1}
        sent = message | ids | {"receiver_user": user}
        self._to[chat["id"], ids["ephemeral_message_id"]] = sent
        return sent

    def edit(self, content: Json, params: Json) -> bool:
        """#editephemeralmessagetext."""
        sent = self._to.get((params["chat_id"], params.get("ephemeral_message_id", 0)))
        if sent is None or sent["receiver_user"]["id"] != params.get("receiver_user_id"):
            raise bad_request("message to edit not found")
        sent |= content
        return True
