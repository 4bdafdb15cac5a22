"""Pages with invented articles, in the layouts of news sites: tests/gold/pages.

In a layout, ``{title}``, ``{lead}``, ``{h}`` (a subheading), ``{s}`` (a sentence), ``{q}`` (a
quotation) and ``{pl}`` (a paragraph full of links) are the article, ``{hidden}`` is article that
only JSON-LD holds, ``{time}`` belongs to an entry of a live blog. ``{cap}`` (a caption),
``{cell}`` (of a table) and ``[[…]]`` may be kept or not. All other text is no article.
"""

from __future__ import annotations

import html
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LAYOUTS = Path(__file__).parent / "gold" / "pages"
_NAMES = "Ada Rinaldi|Bruno Salis|Carla Fenu|Dario Melis|Elena Prati|Fausto Corvi|Gina Lodi".split(
    "|"
)
_TOWNS = "Porto Verde|Castel Rivo|Monte Alto|Valle Secca|Borgo Lupo|San Telmo|Pieve Nera".split("|")
_THINGS = {
    "it": "il ponte mobile|la biblioteca civica|il mercato coperto|l’asilo comunale|la funivia".split(
        "|"
    ),
    "en": "the swing bridge|the town library|the covered market|the day nursery|the cable car".split(
        "|"
    ),
}
_SENTENCES = {
    "it": """
Il consiglio comunale di {town} ha approvato con {n} voti il progetto per {thing}, che costerà {n} mila euro.
«Non possiamo aspettare altri {n} anni», ha detto {name}, che guida il comitato dei residenti.
I lavori sono cominciati a {town} e dovrebbero finire entro {n} settimane, salvo imprevisti.
Secondo {name}, {thing} sarà pronto prima dell’inverno.
Nessuno si è fatto male.
La spesa, scrive l’ufficio tecnico di {town}, è salita da {n} a {n} milioni: colpa dei materiali.
Era il {n} marzo quando {name} scoprì che {thing} non era a norma.
Per arrivarci bisogna prendere la statale {n}, poi una strada sterrata.
Alle {n}.30 il prefetto ha convocato il sindaco, l’impresa e i sindacati; la riunione è durata {n} ore.
Lo dicono i dati: a {town} gli abitanti sono {n}, un terzo in meno di vent’anni fa.
Il tribunale ha respinto il ricorso di {name} contro la chiusura della strada per {town}.
“È una vittoria di tutti”, commenta {name}, “ma il lavoro comincia adesso”.
Restano {n} famiglie senza casa.
L’opposizione parla di un errore grave e chiede le dimissioni dell’assessora {name}.
Ci sono tre ipotesi, e {name} le ha studiate tutte: la prima costa {n} milioni.
Chi abita in via del Molo {n} aspetta una risposta da {n} mesi.
La redazione del giornale di {town} ha raccolto {n} firme per riaprire {thing}.
Il commissario {name} ha letto ai lettori la relazione di {n} pagine su {thing}.
""",
    "en": """
The town council of {town} voted {n} to {n} for the plan to rebuild {thing}, which will cost {n} thousand pounds.
“We cannot wait another {n} years,” said {name}, who leads the residents’ committee.
Work began in {town} and should end within {n} weeks.
According to {name}, {thing} will be ready before winter.
Nobody was hurt.
The cost rose from {n} to {n} million, the engineers of {town} wrote: materials are to blame.
It was March {n} when {name} found that {thing} was not safe.
To get there you take road {n} and then a dirt track.
At {n}:30 the mayor called the builders and the unions; the meeting lasted {n} hours.
The figures say so: {town} has {n} inhabitants, a third fewer than twenty years ago.
The court rejected the appeal that {name} had lodged against closing the road to {town}.
“It is a victory for everyone,” {name} told the crowd, “but the work starts now.”
Some {n} families are still without a home.
The opposition called it a grave mistake and asked {name} to resign.
There are three options, and {name} has studied them all: the first costs {n} million.
The newspaper of {town} gathered {n} signatures from its readers to reopen {thing}.
""",
}
_HEADS = {
    "it": "La svolta di {town}|I conti di {name}|Perché {thing}|{n} anni dopo|Che cosa succede a {town}",
    "en": "What happens in {town}|The sums of {name}|Why {thing}|{n} years on|A turn for {town}",
}
_TITLES = {
    "it": "{town}, via libera a {thing}: costerà {n} milioni|{name}: «Così salviamo {thing}»|A {town} chiude {thing} dopo {n} anni",
    "en": "{town} votes to rebuild {thing} for {n} million|{name}: how to save {thing}|After {n} years {town} closes {thing}",
}
_LEADS = {
    "it": "Il voto dopo {n} mesi di proteste, i dubbi dei tecnici e la rabbia dei commercianti di {town}|{name} racconta i {n} giorni che hanno cambiato {town}.",
    "en": "The vote comes after {n} months of protest and the doubts of engineers in {town}|{name} on the {n} days that changed {town}.",
}
_DATES = {"it": "{n} marzo 2023 alle 10:30", "en": "March {n}, 2023"}


@dataclass
class GoldPage:
    """A page: its markup, the sentences that are its article, and those that may be kept."""

    name: str
    markup: str = ""
    article: list[str] = field(default_factory=list)
    neutral: list[str] = field(default_factory=list)

    def kept(self, text: str) -> float:
        """The share of the article's sentences that are in the stored text."""
        return sum(_plain(s) in _plain(text) for s in self.article) / len(self.article)

    def junk(self, text: str) -> list[str]:
        """The lines of the stored text with words that are in no sentence of the article."""
        return [line for line in text.split("\n") if self._rest(line)]

    def _rest(self, line: str) -> str:
        rest = _plain(line)
        for known in sorted([*self.article, *self.neutral], key=len, reverse=True):
            rest = rest.replace(_plain(known), " ")
        return rest.strip("-–—·:|,;.()? ") if re.search(r"\w{3}", rest) else ""


def _plain(text: str) -> str:
    return " ".join(text.split())


def gold_pages(
    half: str, seed: int = 0, sentence: Callable[[str], str] | None = None
) -> Iterator[GoldPage]:
    """A page for each layout of a half, "tune" or "held". ``sentence`` may give other texts."""
    source = (LAYOUTS / f"{half}.html").read_text(encoding="utf-8")
    for number, (name, language, layout) in enumerate(
        re.findall(r"^=== (\S+) (\w+)\n(.*?)(?=^===|\Z)", source, re.DOTALL | re.MULTILINE)
    ):
        yield _Filler(name, language, random.Random(1000 * seed + number), sentence).page(layout)


class _Filler:
    def __init__(
        self, name: str, language: str, rng: random.Random, sentence: Callable[[str], str] | None
    ) -> None:
        self._page, self._language, self._rng = GoldPage(name), language, rng
        self._other = sentence
        self._used: set[str] = set()

    def page(self, layout: str) -> GoldPage:
        self._title = self._text(_TITLES[self._language].split("|"))
        self._lead = self._text(_LEADS[self._language].split("|"))
        self._by = self._rng.choice(_NAMES)
        markup = layout.replace("{ps}", "<p>{s} {s}</p><p>{s}</p><p>{s} {s} {s}</p>")
        markup = re.sub(r"\{(\w+)\}", self._fill, markup.replace("{jsonbody}", "\x00"))
        if "<h1" not in layout and "{title}</" not in re.sub(r"<title>.*?</title>", "", layout):
            self._page.article.remove(self._title)  # only in metadata
        body = json.dumps(
            " ".join(s for s in self._page.article if s not in (self._title, self._lead))
        )[1:-1]
        markup = re.sub(r"\[\[(.*?)\]\]", self._neutral, markup)
        self._page.markup = markup.replace("\x00", body)
        return self._page

    def _neutral(self, marked: re.Match[str]) -> str:
        self._page.neutral.append(html.unescape(marked[1]))
        return marked[1]

    def _fill(self, macro: re.Match[str]) -> str:
        kind = macro[1]
        text = self._made(kind)
        if (
            kind in ("title", "lead", "s", "q", "h", "pl", "hidden", "time")
            and text not in self._page.article
        ):
            self._page.article.append(text)
        elif kind in ("cap", "cell", "lead2"):
            self._page.neutral.append(text)
        if kind == "hidden":
            return ""
        escaped = html.escape(text, quote=True)
        return _linked(escaped) if kind == "pl" else escaped

    def _made(self, kind: str) -> str:
        language = self._language
        if kind in ("title", "lead"):
            return self._title if kind == "title" else self._lead
        if kind == "time":
            return f"{self._rng.randint(10, 23)}:{self._rng.randint(10, 59)}"
        if kind == "by":
            return self._by
        if kind in ("lead2", "h", "date", "j", "cell"):
            options = {"h": _HEADS, "date": _DATES, "j": _TITLES, "cell": _HEADS}.get(kind, _LEADS)
            return self._text(options[language].split("|"))
        if kind == "q":
            inner = self._text(
                ["{town} non dimentica", "{n} volte no"]
                if language == "it"
                else ["{town} will not forget", "No, {n} times"]
            )
            return f"«{inner}»." if language == "it" else f"“{inner}.”"
        return self._sentence()

    def _sentence(self) -> str:
        return (
            self._other(self._language)
            if self._other
            else self._text(_SENTENCES[self._language].strip().split("\n"))
        )

    def _text(self, options: list[str]) -> str:
        """One of the options with its slots filled, not used on this page before."""
        for _ in range(1000):
            text = re.sub(r"\{(\w+)\}", self._slot, self._rng.choice(options))
            text = text[0].upper() + text[1:]
            if text not in self._used:
                self._used.add(text)
                return text
        raise ValueError("no text is left")

    def _slot(self, slot: re.Match[str]) -> str:
        if slot[1] == "n":
            return str(self._rng.randint(2, 99))
        options = {"town": _TOWNS, "name": _NAMES, "thing": _THINGS[self._language]}[slot[1]]
        return self._rng.choice(options)


def _linked(text: str) -> str:
    """The text with most of its words in links."""
    words = text.split()
    return " ".join(f'<a href="/t/{n}">{w}</a>' if n % 4 else w for n, w in enumerate(words))
