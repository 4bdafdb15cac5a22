"""Logs that never hold the token."""

from __future__ import annotations

import copy
import logging


class _Redacting(logging.Formatter):
    """Takes the secret out of what is logged, tracebacks included.

    What python-telegram-bot reports of the network is told in a line: its tracebacks say
    nothing about this program.
    """

    def __init__(self, secret: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secret = secret

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and record.name.startswith("telegram"):
            record = copy.copy(record)
            record.msg, record.args = f"{record.getMessage()} ({error!r})", None
            record.exc_info = record.exc_text = None
        return super().format(record).replace(self._secret, "…")


def log_without(secret: str) -> None:
    """Log to standard error, without the secret. httpx would log every address, token included."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting(secret))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "chromadb"):
        logging.getLogger(name).setLevel(logging.WARNING)
