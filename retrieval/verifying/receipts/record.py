"""A receipt: quotations taken along, in a file that reference managers read, too.

The format is CSL-JSON (https://github.com/citation-style-language/schema, csl-data.json): an item
for each quotation. What verifies it again is under ``custom``, which the schema keeps for such.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import UsageError
from retrieval.answer import Quotation

MAX_RECEIPT = 10 << 20  # bytes
MAX_QUOTED = 20_000  # characters of a quotation
STDIN = Path("-")
_KEY, _VERSION = "virgolette", 1  # in ``custom``


class ReceiptError(UsageError):
    """A file is no receipt, or is damaged."""


@dataclass(frozen=True)
class Record:
    """A quotation as it was taken, and the day of that. Of ``quote``, score and also say nothing.

    The key is the same for the same words at the same place of the same version of an article.
    """

    quote: Quotation
    accessed: datetime.date

    @property
    def key(self) -> str:
        """What identifies it among others, as an id of CSL."""
        quote = self.quote
        content = f"{quote.article}\0{quote.sha256}\0{quote.start}\0{quote.end}"
        return f"virgolette-{_digest(content)[:16]}"

    def as_csl(self) -> dict[str, Any]:
        """The item of CSL-JSON."""
        quote = self.quote
        fields = ("text", "article", "start", "end", "sha256", "source", "title", "date", "url")
        kept = {name: getattr(quote, name) for name in (*fields, "link")}
        named = {
            "title": quote.title,
            "container-title": quote.source,
            "issued": _date_variable(quote.date),
            "accessed": _date_variable(self.accessed.isoformat()),
            "URL": quote.link or quote.url,
            "note": quote.text,
        }
        custom = {
            "version": _VERSION,
            **kept,
            "quotation_sha256": _digest(quote.text),
            "accessed": self.accessed.isoformat(),
        }
        return {
            "id": self.key,
            "type": "article-newspaper",
            **{name: value for name, value in named.items() if value},
            "custom": {_KEY: custom},
        }


def receipt_of(records: Iterable[Record]) -> bytes:
    """The file, in UTF-8; each quotation once."""
    items = list({record.key: record.as_csl() for record in records}.values())
    try:
        return (json.dumps(items, ensure_ascii=False, indent=1) + "\n").encode()
    except UnicodeEncodeError:  # a file name that is not in UTF-8
        return (json.dumps(items, indent=1) + "\n").encode()


def read_receipt(file: Path) -> list[Record]:
    """The records in a file, or on standard input. Raises ReceiptError."""
    try:
        if file == STDIN:
            data = sys.stdin.buffer.read(MAX_RECEIPT + 1) if sys.stdin else b""
        else:
            with file.open("rb") as opened:
                data = opened.read(MAX_RECEIPT + 1)
    except OSError as error:
        raise ReceiptError(f"{file} cannot be read: {error.strerror}") from error
    return records_in(data, file.name)


def records_in(data: bytes, name: str) -> list[Record]:
    """The records in the content of a file; items of others are passed over.

    Raises ReceiptError.
    """
    if len(data) > MAX_RECEIPT:
        raise ReceiptError(f"{name} is no receipt: it has more than {MAX_RECEIPT >> 20} MB")
    try:
        items = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ReceiptError(f"{name} is no receipt: it is not JSON") from error
    items = items if isinstance(items, list) else [items]
    kept = [(number, _kept(item)) for number, item in enumerate(items, 1)]
    records = [_record(custom, f"{name} #{n}") for n, custom in kept if custom is not None]
    if not records:
        raise ReceiptError(
            f"{name} is no receipt: it has no quotation of virgolette ask --receipt or /export"
        )
    return list({record.key: record for record in records}.values())


def record_of(item: Any) -> Record:
    """The record that ``as_csl`` made an item of. Raises ReceiptError."""
    return _record(_kept(item), "an item")


def _kept(item: Any) -> Any:
    custom = item.get("custom") if isinstance(item, dict) else None
    return custom.get(_KEY) if isinstance(custom, dict) else None


def _record(custom: Any, where: str) -> Record:
    try:
        if custom["version"] != _VERSION:
            raise ReceiptError(f"{where} is from a later version of Virgolette: use that one")
        required = [custom[name] for name in ("text", "article", "title", "sha256")]
        optional = [custom.get(name) for name in ("source", "date", "url", "link")]
        text, article, title, sha256 = map(_string, required)
        source, date, url, link = (value if value is None else _string(value) for value in optional)
        start, end = int(custom["start"]), int(custom["end"])
        if _digest(text) != custom["quotation_sha256"] or end - start != len(text) or start < 0:
            raise ReceiptError(f"{where} is damaged: its text is not the one that was taken")
        if len(text) > MAX_QUOTED:
            raise ReceiptError(f"{where} is no quotation: it has {len(text)} characters")
        day = datetime.date.fromisoformat(custom["accessed"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ReceiptError(f"{where} is damaged: a field is missing or wrong") from error
    quote = Quotation(text, article, source, title, date, url, start, end, sha256, 0.0, link=link)
    return Record(quote, day)


def _string(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is expected")
    return value


def _date_variable(date: str | None) -> dict[str, Any] | None:
    """A day, in ISO 8601, as a date variable of CSL."""
    if not date:
        return None
    try:
        day = datetime.date.fromisoformat(date[:10])
    except ValueError:
        return {"raw": date}
    return {"date-parts": [[day.year, day.month, day.day]]}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
