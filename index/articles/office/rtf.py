"""Reads Rich Text Format."""

from __future__ import annotations

import html
import itertools
import re

from index.articles.document import Document
from index.articles.office.markup import markup_text
from index.errors import ArticleError
from index.text.clean import one_line

_TITLE = re.compile(r"\{\\title\s+([^{}]*)\}")
_INNERMOST = re.compile(r"(?<!\\)\{((?:[^{}\\]++|\\.)*+)\}", re.DOTALL)  # group
_SPECIAL = re.compile(r"\\(v|deleted|super)(?![a-z0-9])")  # which striprtf reads as plain text
_BRACE = re.compile(r"\\(?:footnote(?![a-z])|[{}\\])|[{}]")
_RAISED = ("\x0e", "\x0f")  # around a raised text


def read_rtf(data: bytes) -> Document:
    """The text of an .rtf, without what it hides or has deleted. Raises ArticleError."""
    source = data.decode("latin-1")
    if not source.lstrip().startswith("{\\rtf"):
        raise ArticleError("it is no .rtf file: save it as .rtf again")
    match = _TITLE.search(source)
    title = one_line(_text("{\\rtf1\\ansi " + match[1] + "}")) if match else ""
    lines = _text(_INNERMOST.sub(_special, _with_notes_last(source))).split("\n")
    return Document(markup_text("".join(_markup(lines))), {"title": title} if title else {})


def _text(source: str) -> str:
    from striprtf.striprtf import rtf_to_text

    return str(rtf_to_text(source, errors="replace"))


def _with_notes_last(source: str) -> str:
    """The source with its footnotes as paragraphs at the end: striprtf leaves them out."""
    kept, moved, opened, note, at = [], [], [0], (-1, 0), 0
    for brace in _BRACE.finditer(source):
        if brace[0] == "{":
            opened.append(brace.start())
        elif brace[0] == "\\footnote":
            note = (opened[-1], brace.end())
        elif brace[0] == "}" and len(opened) > 1 and opened.pop() == note[0]:
            kept.append(source[at : note[0]])
            moved.append(f"\\par {{{source[note[1] : brace.start()]}}}")
            at = brace.end()
    text, end, rest = source[at:].rpartition("}")
    return "".join([*kept, text, *moved, end, rest])


def _special(group: re.Match[str]) -> str:
    """A group without what is hidden or deleted, and with marks around a raised figure."""
    match = _SPECIAL.search(group[1])
    if match is None:
        return group[0]
    if match[1] != "super":
        return ""
    text = _text("{\\rtf1\\ansi{" + group[1].replace("\\super", "") + "}}").strip()
    return f"{{{_RAISED[0]}{text}{_RAISED[1]}}}" if text.isascii() and text.isalnum() else ""


def _markup(lines: list[str]) -> list[str]:
    """Lines as HTML; runs of those with cells, which striprtf ends with "|", as tables."""
    parts = []
    for is_row, run in itertools.groupby(lines, key=lambda line: line.endswith("|")):
        tag = "tr" if is_row else "p"
        inner = [_cells(line) if is_row else _escaped(line) for line in run]
        body = "".join(f"<{tag}>{line}</{tag}>" for line in inner)
        parts.append(f"<table>{body}</table>" if is_row else body)
    return parts


def _cells(line: str) -> str:
    return "".join(f"<td>{_escaped(cell)}</td>" for cell in line[:-1].split("|"))


def _escaped(text: str) -> str:
    begin, end = _RAISED
    return html.escape(text).replace(begin, "<sup>").replace(end, "</sup>")
