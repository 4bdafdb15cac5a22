"""A Bot API server for the tests, as strict as Telegram."""

from tests.bot_api.errors import ADA, CLOSED, NO_ANSWER, Call
from tests.bot_api.fake import FakeBotApi
from tests.bot_api.parameters import PARAMETERS
from tests.bot_api.text import HtmlParser, formatted_text

__all__ = [
    "ADA",
    "CLOSED",
    "NO_ANSWER",
    "PARAMETERS",
    "Call",
    "FakeBotApi",
    "HtmlParser",
    "formatted_text",
]
