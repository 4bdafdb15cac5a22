"""Logs that never hold the token."""

from __future__ import annotations

import logging


class _Redacting(logging.Formatter):
    """Formats a record, traceback and all, and takes the secret out of the result."""

    def __init__(self, secret: str) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secret = secret

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace(self._secret, "…")


def log_without(secret: str) -> None:
    """Log to standard error, without the secret. httpx would log every address, token included."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting(secret))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "chromadb"):
        logging.getLogger(name).setLevel(logging.WARNING)
