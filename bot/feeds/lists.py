"""Lists of feeds: an OPML file, a file with an address on each line, VIRGOLETTE_FEEDS."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.feeds.store import Feed
from index.errors import UsageError

_MAX_BYTES = 5_000_000  # of a list


def addresses_of(setting: str) -> list[str]:
    """The addresses in VIRGOLETTE_FEEDS: addresses, or the path of a file with some.

    Raises UsageError.
    """
    if "://" in setting or not setting:
        return setting.replace(",", " ").split()
    return addresses_in(Path(setting).expanduser())


def addresses_in(file: Path) -> list[str]:
    """The addresses in a file: OPML, or one on each line with comments after #.

    Raises UsageError if it cannot be read or names none.
    """
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{file} is no list of feeds: it is larger than {_MAX_BYTES} bytes")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
    is_xml = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<", b"\xff\xfe", b"\xfe\xff"))
    addresses = _outlines(data, file) if is_xml else _lines(data)
    if not addresses:
        raise UsageError(f"{file} names no feed: give an OPML file, or one address on each line")
    return list(dict.fromkeys(addresses))


def opml(feeds: Iterable[Feed]) -> str:
    """The feeds as an OPML 2.0 file."""
    from lxml.etree import Element, SubElement, tostring

    root = Element("opml", version="2.0")
    SubElement(SubElement(root, "head"), "title").text = "Virgolette"
    body = SubElement(root, "body")
    for feed in feeds:
        names = {"type": "rss", "text": feed.name, "title": feed.name, "xmlUrl": feed.url}
        SubElement(body, "outline", names)
    written = tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return str(written, "utf-8")


def _lines(data: bytes) -> list[str]:
    lines = data.decode("utf-8-sig", "replace").splitlines()
    stated = (line.strip() for line in lines)
    return [line.split()[0] for line in stated if line and not line.startswith("#")]


def _outlines(data: bytes, file: Path) -> list[str]:
    """The addresses of the feeds in OPML, of whatever depth."""
    from lxml.etree import XMLParser, XMLSyntaxError, fromstring

    try:
        root = fromstring(data, XMLParser(resolve_entities=False, no_network=True))
    except (XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise UsageError(f"{file} is broken in line {line}: export the list again") from error
    if str(root.tag).lower() != "opml":
        raise UsageError(f"{file} is no OPML: it begins with <{root.tag}>")
    outlines = (element for element in root.iter() if str(element.tag).lower() == "outline")
    named = [{k.lower(): v for k, v in outline.attrib.items()} for outline in outlines]
    return [outline["xmlurl"].strip() for outline in named if outline.get("xmlurl", "").strip()]
