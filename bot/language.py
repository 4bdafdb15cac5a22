"""In which language a user is spoken to."""

from __future__ import annotations

from bot.locales import Texts, texts
from retrieval.answer import Question


def texts_for(setting: str, question: Question | None = None) -> Texts:
    """The texts of the setting; with "auto" those of the question's language, else Italian."""
    if setting != "auto":
        return texts(setting)
    return texts("en" if question and question.is_english else "it")


def texts_for_user(setting: str, language_code: str | None) -> Texts:
    """The same where the user's own language is known, as a code such as "it" or "en-GB"."""
    if setting != "auto":
        return texts(setting)
    return texts((language_code or "it").split("-")[0].lower())
