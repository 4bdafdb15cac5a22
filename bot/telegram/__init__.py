"""The Telegram bot: a thin adapter around the chain."""
