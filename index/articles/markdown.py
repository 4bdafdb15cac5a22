"""Takes the markup off Markdown: CommonMark, and what note-taking programs and sites add to it."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING

from index.articles.office.markup import markup_text

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

# What Obsidian, Jekyll and Hugo do not show: comments, templates, marks of footnotes.
_HIDDEN = {"%%": "%%", "{{<": ">}}", "{{%": "%}}", "{%": "%}", "{:": "}", "[^": "]"}
# A callout, a task, an alias of this block: "> [!note]- Title", "- [x] done", "text ^alias".
_MARK = re.compile(r"\[(?:![\w-]+\][+-]?|[ xX]\])[ \t]*")
_BLOCK_ID = re.compile(r"\^[\w-]*[^\W\d][\w-]*\s*")
_UNSEEN = re.compile(r"<|\{|\]\(")  # what tags, templates, and addresses of links begin with
MAX_MARKS = 200_000  # ten seconds; an article has a few dozen
_REACH = 2000  # characters between the two ends of a mark: a long line takes no longer
_MARKS = "\n[]!*_`~<>|=#&\\%{^-"
_COMMENT = "\n%%\n"
# What separates a block from the next one, after the end of what it stands in.
_GAPS = {
    "td_close": " | ", "th_close": " | ", "tr_close": "\n", "list_item_close": "\n",
    "table_close": "\n\n", "bullet_list_close": "\n\n", "ordered_list_close": "\n\n",
}  # fmt: skip


def has_too_many_marks(markdown: str) -> bool:
    """Whether taking the markup off would take too long: the parser's time grows with it."""
    return sum(map(markdown.count, _MARKS)) > MAX_MARKS


def plain_text(markdown: str) -> str:
    """A Markdown text without markup and addresses, its blocks separated by an empty line.

    A line break inside a paragraph is a space, as in HTML. An item of a list, and a row of a
    table with its cells between upright strokes, is a line.
    """
    shown = f"\n{markdown}\n".split(_COMMENT)
    if len(shown) % 2:  # every comment of whole lines ends
        markdown = "\n".join(shown[::2])
    parts: list[str] = []
    gap, marker, in_cell = "", "", False
    for token in _parser().parse(markdown):
        if token.type == "list_item_open":
            marker = f"{token.info}{token.markup} " if token.info else "- "
        elif (block := _block_text(token).strip()) or (in_cell and token.type == "inline"):
            parts.append(f"{gap}{marker}{block}")
            gap, marker = "\n\n", ""
        elif parts:
            gap = _GAPS.get(token.type, gap)
        in_cell = token.type in ("th_open", "td_open")
    return "".join(parts)


def blanked(markdown: str) -> str:
    """The text with blanks for what no reader sees: tags, addresses and titles of links, templates.

    Offsets and lines in it are those in the text.
    """
    if has_too_many_marks(markdown):
        return markdown
    parts: list[str] = []
    at = 0
    for match in _UNSEEN.finditer(markdown):
        start = match.start()
        end = _unseen_end(markdown, start) if start >= at else 0
        if end:
            shown = markdown[at:start]
            if match[0] == "](":
                shown = " ".join(shown.rsplit("[", 1))
            lines = markdown[start:end].split("\n")
            parts += shown, "\n".join(" " * len(line) for line in lines)
            at = end
    return "".join([*parts, markdown[at:]])


def _unseen_end(source: str, start: int) -> int:
    """Where the tag, the address or the template ends that begins here; 0 if none does."""
    from markdown_it.common.html_re import HTML_TAG_RE
    from markdown_it.helpers import parseLinkDestination, parseLinkTitle

    limit = min(start + _REACH, len(source))
    if source[start] == "<":
        tag = HTML_TAG_RE.match(source, start, limit)
        return tag.end() if tag and source[start - 1 : start] != "<" else 0  # <<Non firmo>>
    if source[start] == "{":
        hidden = _hidden(source, start)
        return hidden[1] if hidden else 0
    address = parseLinkDestination(source, start + 2, limit)
    end = _next(source, address.pos, limit) if address.ok else limit
    end = _next(source, parseLinkTitle(source, end, limit).pos or end, limit)
    return end + 1 if source.startswith(")", end, limit) else 0


def _next(source: str, start: int, limit: int) -> int:
    """Where the white space ends that begins here."""
    return limit - len(source[start:limit].lstrip())


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable(["strikethrough", "table"])
    parser.inline.ruler.after("escape", "extensions", _extension)
    parser.block.ruler.at("reference", _reference, {"alt": ["paragraph"]})
    return parser


def _reference(state: StateBlock, line: int, last: int, silent: bool) -> bool:
    """CommonMark's rule for ``[name]: address``, but a footnote ``[^1]: text`` is a paragraph."""
    from markdown_it.rules_block import reference

    is_footnote = state.src.startswith("[^", state.bMarks[line] + state.tShift[line])
    return is_footnote if silent else not is_footnote and reference(state, line, last, silent)


def _extension(state: StateInline, silent: bool) -> bool:
    """A rule of markdown-it for what CommonMark does not know: it adds what a reader sees."""
    source, start = state.src, state.pos
    shown, end = _wiki_link(source, start) or _hidden(source, start) or ("", start)
    if not silent:
        state.pending += shown
    state.pos = end
    return end > start


def _wiki_link(source: str, start: int) -> tuple[str, int] | None:
    """What ``[[page#heading|words]]`` or ``![[file|width]]`` shows, and where it ends."""
    first, end = source.find("[[", start, start + 3) + 2, source.find("]]", start, start + _REACH)
    if source[start:first] not in ("[[", "![[") or end < first:
        return None
    page, _, words = source[first:end].partition("|")
    is_width = words.replace("x", "").isdigit()
    return (not is_width and words) or page.partition("#")[0] or page.removeprefix("#"), end + 2


def _hidden(source: str, start: int) -> tuple[str, int] | None:
    """Nothing, and where it ends."""
    for opener, closer in _HIDDEN.items():
        end = source.find(closer, start + len(opener), start + _REACH)
        if source.startswith(opener, start) and end >= 0:
            is_definition = opener == "[^" and not start and source.startswith(":", end + 1)
            return "", end + len(closer) + is_definition
    if source.startswith("==", start):
        inner, outer = source[start + 2 : start + 3], source[start - 1 : start]
        opens = inner.strip("= \n") and source.find("==", start + 2, start + _REACH) >= 0
        closes = outer.strip("= \n") and source.rfind("==", max(start - _REACH, 0), start) >= 0
        return ("", start + 2) if opens or closes else None
    if start == 0 and (mark := _MARK.match(source)):
        return "", mark.end()
    if source[start - 1 : start] == " " and _BLOCK_ID.fullmatch(source, start):
        return "", len(source)
    return None


def _block_text(block: Token) -> str:
    if block.type in {"fence", "code_block"}:
        return block.content
    if block.type == "html_block":
        return markup_text(f"<body>{block.content}")
    inside = block.children or []
    if any(token.type == "html_inline" for token in inside):
        return markup_text("<body>" + "".join(map(_as_html, inside)))
    return "".join(map(_inline, inside))


def _as_html(token: Token) -> str:
    return token.content if token.type == "html_inline" else html.escape(_inline(token))


def _inline(token: Token) -> str:
    if token.type in {"text", "code_inline"}:
        return token.content
    if token.type == "image":
        return "".join(_inline(child) for child in token.children or ())
    return {"softbreak": " ", "hardbreak": "\n"}.get(token.type, "")
