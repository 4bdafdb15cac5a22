"""Lines that a web page adds around an article."""

from __future__ import annotations

import re

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
