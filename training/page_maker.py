"""Pages made at random, in the ways that news sites build and word theirs."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.articles.extraction.blocks import Block, page_blocks
from index.articles.extraction.features import PageTexts
from index.articles.extraction.parsing import drop_unseen, parse_page

NOTICES = ("missing", "consent", "robot", "subscribe")  # pages may hold nothing else
MARK = "\ue000"  # before a text of the article


@dataclass
class Source:
    """Texts to make pages of, of one language."""

    rng: random.Random
    sentences: Sequence[str]
    phrases: dict[str, list[str]]
    names: dict[str, list[str]]
    parts: Sequence[str]
    mute: float = 0.25  # the share of parts without a name that tells what they are

    def sentence(self) -> str:
        return self.rng.choice(self.sentences)

    def paragraph(self, most: int = 4) -> str:
        return " ".join(self.sentence() for _ in range(self.rng.randint(1, most)))

    def heading(self) -> str:
        found = self.sentence().split()
        return " ".join(found[: self.rng.randint(2, 9)]).rstrip(".,;:«“") + self.rng.choice(
            ["", "", "?"]
        )

    def headline(self) -> str:
        found = self.sentence().split()
        return " ".join(found[: self.rng.randint(6, 14)]).rstrip(".,;:«“")

    def phrase(self, kind: str) -> str:
        text = self.rng.choice(self.phrases[kind])
        fill = {"n": str(self.rng.randint(1, 2030)), "name": self.name(), "head": self.headline()}
        return re.sub(r"\{(\w+)\}", lambda slot: fill[slot[1]], text)

    def name(self) -> str:
        return f"{self.rng.choice(self.names['first'])} {self.rng.choice(self.names['last'])}"

    def cls(self, part: str) -> str:
        """The attributes of a part of the page; often a site's names say nothing."""
        if self.rng.random() < self.mute:
            return self.rng.choice(
                ["", f' class="css-{self.rng.randint(100, 999)}"', ' class="box"']
            )
        if self.rng.random() < 0.06:  # a name that misleads
            part = self.rng.choice([*self.parts])
        name = self.rng.choice(self.names[part])
        if self.rng.random() < 0.3:
            name += " " + self.rng.choice(self.names["neutral"])
        return f' {self.rng.choice(["class", "class", "class", "id"])}="{name}"'


@dataclass(frozen=True)
class LabelledPage:
    """The blocks of a page, whether each belongs to the article, and what metadata say of it."""

    blocks: list[Block]
    labels: list[int]
    texts: PageTexts


class RandomPage:
    """One page at random; ``MARK`` begins what belongs to its article."""

    def __init__(self, source: Source) -> None:
        self._s, self._rng = source, source.rng
        self._title, self._lead = source.headline(), source.paragraph(2)
        if self._rng.random() < 0.6:
            self._lead = self._lead.rstrip(".")
        source.mute = self._rng.choice([0.1, 0.25, 0.5, 1.0])
        self._most = self._rng.choice([1, 1, 2, 3, 4])  # sentences of a paragraph
        self._linky = self._rng.choice([0.02, 0.12, 0.12, 0.5])  # paragraphs full of links
        self._wrapped = self._rng.choice([0.0, 0.0, 0.1, 1.0])  # in an element of their own
        self._live = self._rng.random() < 0.06
        self._bare = self._rng.random() < 0.2  # text between <br>, without paragraphs
        self._tag = self._rng.choice(["p"] * 9 + ["div"])
        self._own = self._s.cls("text") if self._rng.random() < 0.4 else ""
        self._said: list[str] = []

    def labelled(self) -> LabelledPage:
        markup = self._document()
        tree = parse_page(markup)
        drop_unseen(tree)
        blocks = page_blocks(tree)
        labels = [int(MARK in block.text) for block in blocks]
        for block in blocks:
            block.text = block.text.replace(MARK, "").strip() or "x"
            block.linked = min(block.linked, len(block.text))
        texts = PageTexts(
            self._title,
            self._rng.choice(["", self._lead, self._s.headline()]),
            " ".join(self._said) if self._rng.random() < 0.25 else "",
        )
        return LabelledPage(blocks, labels, texts)

    def _document(self) -> str:
        s, rng = self._s, self._rng
        if rng.random() < 0.06:  # hardly more than the article
            title = self._some(0.7, lambda: f"<h1>{self._own_text(self._title)}</h1>")
            texts = "".join(self._paragraph() for _ in range(rng.randint(1, 3)))
            return f"<html><body>{title}{texts}</body></html>"
        top = [self._some(0.9, self._menu), self._some(0.5, lambda: self._notice("consent"))]
        main = self._head() + self._body() + self._tail()
        side = self._some(0.6, self._side)
        foot = self._some(0.9, self._foot)
        tag = rng.choice(["main", "div", "section", "div"])
        if rng.random() < 0.1:
            main = self._only_notice()
        parts = [
            *top,
            f"<{tag}{s.cls('main')}>{main}{side if rng.random() < 0.5 else ''}</{tag}>",
            side,
            foot,
        ]
        return f"<html><head><title>{html.escape(self._title)}</title></head><body>{''.join(parts)}</body></html>"

    def _only_notice(self) -> str:
        """A page without an article."""
        s, rng = self._s, self._rng
        kind = rng.choice(NOTICES)
        paragraphs = (
            " ".join(s.phrase(kind) + "." for _ in range(rng.randint(1, 3)))
            for _ in range(rng.randint(1, 3))
        )
        self._title = s.phrase(kind)
        heading = self._some(0.7, lambda: f"<h1>{self._title}</h1>")
        body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        return f"<{(t := rng.choice(['article', 'div', 'main']))}{s.cls(rng.choice(['body', 'main', 'neutral']))}>{heading}{body}</{t}>"

    def _some(self, share: float, make: Callable[[], str]) -> str:
        return make() if self._rng.random() < share else ""

    def _own_text(self, text: str) -> str:
        self._said.append(text)
        return MARK + html.escape(text)

    def _head(self) -> str:
        s, rng = self._s, self._rng
        lead = self._some(
            0.7,
            lambda: self._element(
                rng.choice(["p", "h2", "div", "h3"]), "lead", self._own_text(self._lead)
            ),
        )
        title = self._element(
            rng.choice(["h1"] * 8 + ["h2", "h3"]), "title", self._own_text(self._title)
        )
        small = [
            self._some(
                0.7,
                lambda: self._element(
                    rng.choice(["p", "div", "span", "li", "h4"]), "byline", s.phrase("byline")
                ),
            ),
            self._some(
                0.7,
                lambda: self._element(rng.choice(["p", "div", "time"]), "date", s.phrase("date")),
            ),
            self._some(
                0.4, lambda: self._element("div", "share", self._inline_list(s.phrases["share"]))
            ),
            self._some(
                0.3, lambda: self._element(rng.choice(["div", "p"]), "player", s.phrase("player"))
            ),
            self._some(
                0.4,
                lambda: (
                    f"<figure><img><figcaption>{s.headline()} {s.phrase('credit')}</figcaption></figure>"
                ),
            ),
            self._some(0.2, lambda: self._element("div", "breadcrumb", "".join(self._links(3, 1)))),
        ]
        rng.shuffle(small)
        kicker = self._some(
            0.3,
            lambda: self._element(rng.choice(["p", "div", "span"]), "kicker", s.phrase("section")),
        )
        order = [kicker, title, lead, *small]
        if rng.random() < 0.2:
            order = [*small[:2], kicker, title, *small[2:], lead]
        if rng.random() < 0.15:
            return title + lead
        if rng.random() < 0.15:
            return "".join(order)
        tag = rng.choice(["header", "div", "section"])
        return f"<{tag}{s.cls('head')}>{''.join(order)}</{tag}>"

    def _element(self, tag: str, part: str, inner: str) -> str:
        wrapped = f"<p>{inner}</p>" if tag == "div" and self._rng.random() < 0.3 else inner
        return f"<{tag}{self._s.cls(part)}>{wrapped}</{tag}>"

    def _body(self) -> str:
        s, rng = self._s, self._rng
        pieces = []
        for _ in range(rng.choice([1, 2, 2, 3, 4, 5, 6, 8, 10, 14, 20])):
            if self._live:
                pieces.append(self._post())
                continue
            pieces.append(self._paragraph())
            pieces.append(
                self._some(
                    0.12,
                    lambda: self._wrap(
                        f"<{(t := rng.choice(['h2', 'h3', 'h4']))}>{self._own_text(s.heading())}</{t}>"
                    ),
                )
            )
            pieces.append(
                self._some(0.06, lambda: f"<p><strong>{self._own_text(s.heading())}</strong></p>")
            )
            pieces.append(self._some(0.06, lambda: self._points()))
            pieces.append(
                self._some(
                    0.05, lambda: f"<blockquote><p>{self._own_text(s.sentence())}</p></blockquote>"
                )
            )
            pieces.append(self._some(0.04, self._table))
            pieces.append(self._some(0.25, self._inset))
        if self._bare and rng.random() < 0.3:
            pieces.insert(0, f"<i>{s.phrase('byline')}</i><br>")
        if rng.random() < 0.15:
            pieces.append(self._element("p", "byline", s.phrase("byline")))
        if rng.random() < 0.3:
            pieces.append(self._element("p", "copyright", s.phrase("rights")))
        if rng.random() < 0.2:
            pieces.append(f"<p>{s.phrase(rng.choice(['appeal', 'more', 'subscribe']))}</p>")
        if rng.random() < 0.1:
            return "".join(pieces)
        tag = rng.choice(["div", "div", "article", "section"])
        return f"<{tag}{s.cls('body')}>{''.join(pieces)}</{tag}>"

    def _table(self) -> str:
        rng = self._rng
        width, heading = rng.randint(2, 4), rng.choice(["th", "td"])
        head = "".join(f"<{heading}>{self._s.name()}</{heading}>" for _ in range(width))
        made = f"<tr>{head}</tr>"
        for _ in range(rng.randint(1, 8)):
            cells = [
                self._own_text(self._s.name()),
                *(str(rng.randint(1, 5000) / 10) for _ in range(width - 1)),
            ]
            made += "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
        return self._wrap(f"<table>{made}</table>")

    def _points(self) -> str:
        tag, inner = self._rng.choice([("ul", ""), ("ul", "p"), ("ol", "p"), ("ol", "")])
        items = (self._own_text(self._s.sentence()) for _ in range(self._rng.randint(2, 5)))
        made = "".join(f"<li><p>{item}</p></li>" if inner else f"<li>{item}</li>" for item in items)
        return f"<{tag}>{made}</{tag}>"

    def _paragraph(self) -> str:
        text = self._own_text(self._s.paragraph(self._most))
        linked = self._rng.random()
        if linked < 0.05:
            text = f"<a href='/x'>{text}</a>"
        elif linked < self._linky + 0.05:
            many = self._rng.choice([1, 1, 2, 3])
            text = re.sub(rf"((?:\S+ ){{{many}}})(?=\S)", r"<a href='/y'>\1</a>", text)
            text = re.sub(r"</a><a href='/y'>(\S+)", r"</a>\1", text)
        elif self._rng.random() < 0.2:
            text = re.sub(r"(\w{5,} \w+)", r"<a href='/y'>\1</a>", text, count=2)
        elif self._rng.random() < 0.1:
            text = f"<strong>{text}</strong>"
        if self._bare:
            return text + "<br><br>"
        if self._rng.random() < 0.08:
            lines = (self._own_text(self._s.heading()) for _ in range(self._rng.randint(1, 4)))
            text += "".join(f"<br>{line}" for line in lines)
        if self._rng.random() < 0.05:  # one that the editor left in another element
            return self._rng.choice([f"<div>{text}</div>", f"{text}<br>", text])
        wrapped = f"<{self._tag}{self._own}>{text}</{self._tag}>"
        return self._wrap(wrapped)

    def _wrap(self, inner: str) -> str:
        if self._rng.random() >= self._wrapped:
            return inner
        deep = f"<div>{inner}</div>" if self._rng.random() < 0.5 else inner
        return f"<div{self._s.cls('neutral')}>{deep}</div>"

    def _post(self) -> str:
        s, rng = self._s, self._rng
        time = f"{rng.randint(0, 23)}{rng.choice('.:')}{rng.randint(10, 59)}"
        head = self._some(0.6, lambda: f"<h3>{self._own_text(s.heading())}</h3>")
        label = rng.choice(["", "", "ore ", "alle ", "at "]) + time + rng.choice(["", "", " GMT"])
        return f"<div{s.cls('post')}><{(t := rng.choice(['time', 'p', 'div', 'span']))}>{MARK}{label}</{t}>{head}{self._paragraph()}</div>"

    def _inset(self) -> str:
        s, rng = self._s, self._rng
        kind = rng.choice(
            ["ad", "more", "more", "newsletter", "player", "appeal", "caption", "key", "subscribe"]
        )
        if kind == "ad":
            return self._element("div", "ad", rng.choice(["", s.phrase("ad"), s.phrase("ad")]))
        if kind == "more":
            label = self._some(0.6, lambda: s.phrase("more"))
            return self._element(
                rng.choice(["div", "aside", "p"]),
                "related",
                f"{label} <a href='/z'>{s.headline()}</a>",
            )
        if kind == "key":
            return self._element(
                "div", "related", f"<h4>{s.phrase('more')}</h4>" + self._list(self._links(3))
            )
        if kind == "caption":
            return self._element("div", "caption", f"{s.headline()} {s.phrase('credit')}")
        part = {"appeal": "newsletter", "subscribe": "paywall"}.get(kind, kind)
        inner = "".join(f"<p>{s.phrase(kind)}</p>" for _ in range(rng.randint(1, 3)))
        return f"<div{s.cls(part)}>{inner}</div>"

    def _tail(self) -> str:
        s = self._s
        pieces = [
            self._some(0.3, lambda: self._element("div", "copyright", s.phrase("rights"))),
            self._some(0.3, lambda: self._element("div", "date", s.phrase("date"))),
            self._some(
                0.5,
                lambda: self._element(
                    "div",
                    "tags",
                    s.phrase("tags") + self._inline_list([s.name(), s.heading(), s.heading()]),
                ),
            ),
            self._some(
                0.4, lambda: self._element("div", "share", self._inline_list(s.phrases["share"]))
            ),
            self._some(
                0.3,
                lambda: self._element(
                    "div", "author", f"<a>{s.name()}</a><p>{s.phrase('bio')}</p>"
                ),
            ),
            self._some(0.3, lambda: self._notice("subscribe")),
            self._some(0.3, lambda: self._notice("newsletter")),
            self._some(0.3, lambda: self._notice("appeal")),
            self._some(0.3, self._comments),
            self._some(0.7, self._teasers),
        ]
        self._rng.shuffle(pieces)
        return "".join(pieces)

    def _notice(self, kind: str) -> str:
        s, rng = self._s, self._rng
        part = {"subscribe": "paywall", "appeal": "newsletter"}.get(kind, kind)
        inner = "".join(f"<p>{s.phrase(kind)}</p>" for _ in range(rng.randint(1, 4)))
        heading = self._some(0.4, lambda: f"<h3>{s.phrase(kind)}</h3>")
        return (
            f"<{(t := rng.choice(['div', 'section', 'aside']))}{s.cls(part)}>{heading}{inner}</{t}>"
        )

    def _comments(self) -> str:
        s = self._s
        posts = "".join(
            f"<li><b>{s.name()}</b> {s.phrase('date')}<p>{s.paragraph(2)}</p><a>{s.phrase('comment')}</a></li>"
            for _ in range(self._rng.randint(0, 3))
        )
        return f"<div{s.cls('comments')}><h3>{s.phrase('comment')}</h3><p>{s.phrase('comment')}</p><ul>{posts}</ul></div>"

    def _teasers(self) -> str:
        s, rng = self._s, self._rng
        made = []
        for _ in range(rng.randint(1, 6)):
            text = self._some(0.4, lambda: f"<p>{s.sentence()}</p>")
            tag = rng.choice(["article", "div", "li"])
            made.append(
                f"<{tag}><h3><a href='/k'>{s.headline()}</a></h3>{text}{self._some(0.3, lambda: s.phrase('date'))}</{tag}>"
            )
        return f"<{(t := rng.choice(['div', 'section', 'aside']))}{s.cls('related')}><h2>{s.phrase('more')}</h2>{''.join(made)}</{t}>"

    def _side(self) -> str:
        s = self._s
        return f"<{(t := self._rng.choice(['aside', 'div']))}{s.cls('side')}><h3>{s.phrase('more')}</h3>{self._list(self._links(4))}{self._some(0.5, self._teasers)}</{t}>"

    def _menu(self) -> str:
        s = self._s
        tag = self._rng.choice(["nav", "header", "div"])
        site = self._some(
            0.3,
            lambda: (
                f"<{(t := self._rng.choice(['h1', 'h2', 'div']))}><a href='/'>{s.heading()}</a></{t}>"
            ),
        )
        site += self._some(0.1, lambda: f"<h1>{s.heading()}</h1>")
        return f"<{tag}{s.cls('menu')}>{site}{self._list(self._links(6, 1))}</{tag}>"

    def _foot(self) -> str:
        s = self._s
        lines = "".join(f"<p>{s.phrase('company')}</p>" for _ in range(self._rng.randint(1, 3)))
        return f"<{(t := self._rng.choice(['footer', 'div']))}{s.cls('foot')}>{lines}</{t}>"

    def _links(self, count: int, words: int = 0) -> list[str]:
        s = self._s
        return [
            f"<a href='/l'>{s.phrase('section') if words else s.headline()}</a>"
            for _ in range(count)
        ]

    def _list(self, items: Sequence[str]) -> str:
        return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"

    def _inline_list(self, items: Sequence[str]) -> str:
        chosen = self._rng.sample(list(items), min(len(items), 3))
        tag = self._rng.choice(["span", "a", "div", "li"])
        return "".join(f"<{tag}>{html.escape(item)}</{tag}> " for item in chosen)
