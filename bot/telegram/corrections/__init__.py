"""Corrections in Telegram: the history of an article, and the messages about what was quoted."""
