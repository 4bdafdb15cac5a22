"""Finds where a page leads at once, as browsers do ("shared declarative refresh" in HTML)."""

from __future__ import annotations

_MOST_SECONDS = 10  # a page that stays longer is there to be read, and loads itself again


def refresh_target(content: str) -> str:
    """The address in ``0; url=/a.html``; "" if there is none, or it is not for now."""
    separator = ";" if ";" in content else ","
    delay, _, target = content.partition(separator)
    seconds = delay.strip().split(".")[0]
    if not (seconds.isdecimal() and int(seconds[:9]) <= _MOST_SECONDS):
        return ""
    name, equals, value = target.partition("=")
    address = value if equals and name.strip().lower() == "url" else target
    return address.strip().strip("'\"").strip()


def page_refresh(data: bytes) -> str:
    """The address to which a page leads at once; "" if it stays.

    What is for browsers without scripts counts only if the page says nothing else: otherwise the
    page may be an article.
    """
    if b"refresh" not in data.lower():
        return ""
    from lxml.etree import LxmlError
    from lxml.html import document_fromstring

    try:
        tree = document_fromstring(data)
    except (LxmlError, ValueError, AssertionError):
        return ""
    metas = tree.xpath("//meta[@http-equiv and @content]")
    targets = {
        bool(meta.xpath("ancestor::noscript")): refresh_target(meta.get("content"))
        for meta in metas
        if meta.get("http-equiv").strip().lower() == "refresh"
    }
    is_empty = not tree.xpath("//text()[normalize-space()][not(ancestor::head|ancestor::script)]")
    return targets.get(False) or (targets.get(True, "") if is_empty else "")
