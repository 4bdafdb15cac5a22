"""Reads mails, boxes of mails, and pages that are saved as mails."""

from __future__ import annotations

import email.policy
import email.utils
import re
from collections.abc import Iterator
from email.message import EmailMessage, MIMEPart

from index.articles.document import Document
from index.articles.encodings import decode
from index.articles.office.markup import markup_text
from index.articles.page_dates import day_of
from index.articles.pages import declared_encoding, python_encoding, read_page
from index.errors import ArticleError
from index.text.clean import one_line

_BORDER = re.compile(rb"(?:\A|(?<=\n)\r?\n)From [^\r\n]*\r?\n(?=[A-Za-z][\w-]*: )")
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_WRAPPED = 45  # characters: a shorter line of a mail ends where its writer ended it
_HEADER_LIMIT = 5000  # characters
_SIGNATURE = "-- "
_LOCKED = frozenset("multipart/encrypted application/pkcs7-mime application/x-pkcs7-mime".split())


class _Policy(email.policy.EmailPolicy):
    """Cuts headers: the time to parse one grows with the square of its length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_HEADER_LIMIT]


def read_mail(data: bytes) -> Document:
    """The text of a mail. Its subject is the title, the sender's name the source.

    The part in HTML is read, else the one in plain text; attachments are not. Raises
    ArticleError.
    """
    message = _parsed(data)
    if message.get_content_type() in _LOCKED:
        raise ArticleError("the mail is encrypted: save its text as .txt")
    if not message.keys():
        raise ArticleError("it is no mail: save it again, or its text as .txt")
    name = email.utils.parseaddr(_header(message, "From"))[0]
    found = {
        "title": _header(message, "Subject"),
        "source": one_line(name),
        "date": day_of(_header(message, "Date")),
        "language": _header(message, "Content-Language").partition(",")[0],
    }
    attached = [part.get_filename() for part in message.iter_attachments() if part.get_filename()]
    notes = tuple(f"the attachment {one_line(str(name))[:100]} is not read" for name in attached)
    return Document(_body(message), {n: value for n, value in found.items() if value}, notes)


def mails_in(data: bytes) -> list[bytes]:
    """The mails in a box. Raises ArticleError if there is none."""
    starts = [match.span() for match in _BORDER.finditer(data)]
    if not starts or starts[0][0]:
        raise ArticleError("it is no box of mails: save the mails as .eml")
    ends = [begin for begin, _ in starts[1:]] + [len(data)]
    return [
        _ESCAPED_FROM.sub(rb"\1", data[begin:end])
        for (_, begin), end in zip(starts, ends, strict=True)
    ]


def read_mailbox(data: bytes) -> Document:
    """The mails of a box as one text, each below its subject. Raises ArticleError."""
    texts: list[str] = []
    notes: list[str] = []
    for mail in mails_in(data):
        document = read_mail(mail)
        title = document.fields.get("title", "")
        texts.extend(["" if document.text.startswith(title) else title, document.text])
        notes.extend(document.notes)
    return Document("\n\n".join(filter(None, texts)), notes=tuple(notes))


def read_saved_page(data: bytes) -> Document:
    """The article of a web page that a browser saved as .mhtml. Raises ArticleError."""
    message = _parsed(data)
    for part in message.walk():
        if part.get_content_type() in ("text/html", "application/xhtml+xml"):
            page = read_page(_markup(part))
            address = _header(message, "Snapshot-Content-Location") or _header(
                part, "Content-Location"
            )
            url = {"url": address} if address.startswith(("http://", "https://")) else {}
            return Document(page.text, {**url, **page.fields}, page.notes)
    raise ArticleError("it holds no web page: save the page as .html")


def _parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data.lstrip(), policy=_Policy())
    if not isinstance(message, EmailMessage):
        raise TypeError("the policy makes other messages")
    return message


def _header(message: MIMEPart, name: str) -> str:
    """The header on one line, decoded; "" if there is none or it breaks every rule."""
    try:
        return one_line(str(message.get(name, "")))
    except (ValueError, IndexError, AttributeError, TypeError):  # the parser of headers
        return ""


def _body(message: MIMEPart) -> str:
    """The text of the mail, or of the mail that is attached to it."""
    markup = message.get_body(("related", "html"))
    while markup is not None and markup.is_multipart():
        markup = markup.get_body(("html",))
    plain = message.get_body(("plain",))
    text = markup_text(_markup(markup)) if markup is not None else ""
    plain_text = _unwrapped(plain) if plain is not None else ""
    if 2 * len(text) < len(plain_text):  # the markup only points to something
        text = plain_text
    return "\n\n".join(filter(None, [text, *_forwarded(message)]))


def _forwarded(message: MIMEPart) -> Iterator[str]:
    """The texts of attached mails, each below its subject."""
    for part in message.iter_attachments():
        if part.get_content_type() == "message/rfc822":
            for inner in part.iter_parts():
                yield "\n\n".join(filter(None, [_header(inner, "Subject"), _body(inner)]))


def _content(part: MIMEPart) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _markup(part: MIMEPart) -> str:
    data, charset = _content(part), part.get_content_charset()
    told = python_encoding(charset) if charset else declared_encoding(data)
    return decode(data, told).text


def _unwrapped(part: MIMEPart) -> str:
    """The text of a plain part, its paragraphs without the line ends that a program put there."""
    charset = part.get_content_charset()
    text = decode(_content(part), python_encoding(charset) if charset else None).text
    flowed = part.get_param("format") == "flowed"
    out, previous = "", ""
    for line in text.replace("\r\n", "\n").split("\n"):
        if line == _SIGNATURE:
            break
        bare = line.lstrip("> ") if line.startswith(">") else line
        joins = previous.endswith(" ") if flowed else len(previous) >= _WRAPPED
        is_text = bare.strip() and bare[0] not in "-*•" and previous.strip()
        out += (" " if joins and is_text else "\n") + bare.strip() if out else bare.strip()
        previous = bare
    return re.sub(r"\n{3,}", "\n\n", out).strip()
