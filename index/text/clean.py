"""Text without what nobody should read: control characters, and lines that a page adds."""

from __future__ import annotations

import re

# C0 and C1 but for tab and line end, lone surrogates, and what turns the direction of writing.
_UNWANTED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text on one line: white space collapsed, no control characters; a title, a name."""
    return " ".join(without_controls(" ".join(text.split())).split())


def without_controls(text: str) -> str:
    """The text as UTF-8 can hold it, without control characters but tab and line end."""
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", _UNWANTED.sub("", text))


_WHOLE_LINES = re.compile(
    r"""
    [-–—*•·\s]* (?:
      advertisements? | pubblicità | annuncio | contenuto\ sponsorizzato | sponsored\ content
    | (?: ti\ )? potrebbe (?: ro)? (?: \ anche)? \ interessar[et]i (?: \ anche)?
    | ultime\ notizie | ultim'ora | le\ più\ lette | articoli\ correlati | notizie\ correlate
    | related\ (?: articles | posts | stories) | you\ may\ also\ like | latest\ news | most\ read
    | (?: continua\ a\ leggere | leggi\ altro) (?: \s* [:>»|-] .{0,150})? | leggi\ (?: anche | pure | tutto) (?: \s* [:>»|-] .{0,150})? | read\ (?: also | more) (?: \s* [:>»|-] .{0,150})?
    | (?: articolo | post) \ (?: precedente | successivo) | (?: previous | next) \ (?: article | post)
    | condividi (?: \ (?: su | l'articolo) \b [^.]{0,40})? | share (?: \ (?: this | on) \b [^.]{0,40})?
    | (?: ©\s*)? (?: riproduzione\ riservata | all\ rights\ reserved) (?: \s* ©)?
    | iscriviti\ alla (?: \ nostra)? \ newsletter | subscribe\ to\ our\ newsletter
    | (?: accetta | accept) \ (?: i\ | all\ )? cookies?
    ) [-–—*•·\s.:!]*
    | (?: tags? | categorie | categories) \s* : [^.]{0,150}
    | l['’]articolo\ .{1,300}\ (?: proviene\ da | è\ apparso\ (?: per\ la\ prima\ volta\ )? su) \ .{1,80}
    | the\ post\ .{1,300}\ (?: appeared\ first\ on | first\ appeared\ on) \ .{1,80}
    | [-–—*•·_=\#~.\s]+
    """,
    re.VERBOSE | re.IGNORECASE,
)


def is_boilerplate(line: str) -> bool:
    """Whether the whole line is advertising, navigation, a notice of rights, or a ruler."""
    return _WHOLE_LINES.fullmatch(" ".join(line.split())) is not None
