"""Quotations taken along as files: Markdown with footnotes, and CSL-JSON, which is the receipt."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from pathlib import Path

from bot.documents.footnotes import footnote, markdown
from bot.locales import Texts
from index.errors import StorageError
from retrieval.verifying.receipts.record import Record, receipt_of

_MARKDOWN = (".md", ".markdown", ".txt")


def receipt_markdown(records: Sequence[Record], say: Texts) -> str:
    """Each quotation, with where it stands in a footnote."""
    notes = [_footnote(record, number, say) for number, record in enumerate(records, 1)]
    quotes = [_quotation(record, number) for number, record in enumerate(records, 1)]
    title = f"# {say('export.title')}"
    return "\n\n".join([title, *quotes, "\n".join(notes), say("export.how_to_verify")]) + "\n"


def receipt_name(day: datetime.date, suffix: str) -> str:
    """The name of a file with quotations."""
    return f"virgolette-{day.isoformat()}{suffix}"


def write_receipt(file: Path, records: Sequence[Record], say: Texts) -> None:
    """Write a file: Markdown if its name ends so, else CSL-JSON. Raises StorageError."""
    is_markdown = file.suffix.lower() in _MARKDOWN
    text = receipt_markdown(records, say).encode(errors="replace")
    try:
        file.write_bytes(text if is_markdown else receipt_of(records))
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror}") from error


def _quotation(record: Record, number: int) -> str:
    """A block quotation, line by line as the article has it."""
    lines = [markdown(line) for line in record.quote.text.splitlines() if line.strip()]
    return "\n".join(f"> {line}" for line in _broken(lines)) + f"[^{number}]"


def _broken(lines: Sequence[str]) -> list[str]:
    return [*(f"{line}\\" for line in lines[:-1]), *lines[-1:]]


def _footnote(record: Record, number: int, say: Texts) -> str:
    digest = hashlib.sha256(record.quote.text.encode()).hexdigest()
    taken = say("export.taken", day=record.accessed.isoformat(), digest=f"`{digest}`")
    return f"{footnote(record.quote, number, say)}, {taken}"
