"""A timeline as a file: Markdown with footnotes."""

from __future__ import annotations

import datetime

from bot.captions import day_line
from bot.documents.footnotes import footnote, markdown, outlets
from bot.locales import Texts
from retrieval.answer import Answer, Quotation


def timeline_markdown(answer: Answer, say: Texts, made: datetime.date) -> str:
    """The timeline in an answer, made on a day: each quotation below its day."""
    title = say("answer.timeline_title", subject=markdown(answer.query))
    articles = len({quote.article for quote in answer.quotes})
    numbers = {"events": len(answer.quotes), "articles": articles, "day": made.isoformat()}
    parts = [f"# {title}", say("answer.timeline_made", **numbers)]
    parts += [_entry(quote, number, say) for number, quote in enumerate(answer.quotes, 1)]
    notes = [footnote(quote, number, say) for number, quote in enumerate(answer.quotes, 1)]
    return "\n\n".join([*parts, "\n".join(notes)]) + "\n"


def timeline_file_name(answer: Answer) -> str:
    """A name for the file, of letters and digits."""
    kept = "".join(c if c.isalnum() else "-" for c in answer.query.lower())
    subject = "-".join(filter(None, kept.split("-")))[:60].strip("-")
    return f"{subject or 'timeline'}.md"


def _entry(quote: Quotation, number: int, say: Texts) -> str:
    also = (*quote.also, *(quote.dating.also if quote.dating else ()))
    others = f"\n\n{say('answer.also_in')} {outlets(also)}" if also else ""
    return f"## {markdown(day_line(quote, say))}\n\n> {markdown(quote.text)}[^{number}]{others}"
