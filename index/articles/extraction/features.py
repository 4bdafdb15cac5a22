"""What a linear model sees of a block of a page."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from index.articles.extraction.blocks import Block

Features = dict[str, float]
_ATTRIBUTES = (
    "class id role itemprop property name data-component data-testid data-gu-name data-module"
    " data-type"
).split()
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]{2,}")
_WORD = re.compile(r"[^\W\d_]+|\d+|[©@€$£%]")
_MAX_ANCESTORS = 12
_NEAR = 2  # the element and its parent
_MAX_WORDS = 60
_MAX_SHARED = 20_000  # characters
_MAX_SEEN = 3000  # characters whose shape counts
_GRAM = 4  # words that are in another text together


def words(text: str) -> list[str]:
    """The words of a text in lower case; all figures are one word."""
    return ["0" if word.isdigit() else word for word in _WORD.findall(text.lower())]


@dataclass(frozen=True)
class PageTexts:
    """What is known of a page's article besides the markup: title, description, JSON-LD's body.

    ``extracted``: what another extractor takes for it.
    """

    title: str = ""
    description: str = ""
    body: str = ""
    extracted: str = ""
    _grams: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)

    def share(self, text: str, within: str) -> float:
        """The share of a text's word 4-grams that are in the field ``within``; 0 if it is empty."""
        if within not in self._grams:
            self._grams[within] = set(grams(getattr(self, within)))
        known = self._grams[within]
        own = list(grams(text[:_MAX_SHARED])) if known else []
        return sum(gram in known for gram in own) / len(own) if own else 0.0


def grams(text: str) -> Iterator[tuple[str, ...]]:
    """The runs of four words of a text; one shorter run if it has fewer."""
    listed = words(text)
    for at in range(max(len(listed) - _GRAM + 1, min(len(listed), 1))):
        yield tuple(listed[at : at + _GRAM])


def block_features(block: Block, texts: PageTexts) -> Features:
    """The features of a block by itself: its words, its shape, and the elements around it."""
    features: Features = {"bias": 1.0}
    features.update(text_features(block.text))
    features.update(_links(block))
    features.update(_markup(block.element))
    for name in ("title", "description", "body"):
        if getattr(texts, name):
            share = texts.share(block.text, name)
            features[f"{name}:{'most' if share > 0.7 else 'some' if share > 0.2 else 'none'}"] = 1.0
    return features


def text_features(text: str) -> Features:
    """The words and the shape of a text."""
    length, end = len(text), text[-9:].rstrip("”“\"»’')] ")[-1:]
    text = text[:_MAX_SEEN]
    names = [word for word in text.split() if word[0].isalpha()]
    features = {
        f"length:{min(int(math.log2(length)), 10)}": 1.0,
        f"end:{'stop' if end in '.!?…' else 'colon' if end in ':;,' else 'none'}": 1.0,
        "commas": min(text.count(",") / 3, 1.0),
        "stops": min(len(re.findall(r"[.!?…] ", text)) / 2, 1.0),
        "digits": sum(map(str.isdigit, text)) / len(text),
        "names": sum(word[0].isupper() for word in names) / len(names) if names else 0.0,
        "capitals": float(text.isupper()),
    }
    return {**wording(text), **features}


def _links(block: Block) -> Features:
    density = block.linked / len(block.text)
    link = "all" if density > 0.8 else "much" if density > 0.4 else "some" if density else "no"
    free = int(math.log2(len(block.text) - block.linked + 1)) if block.linked else "all"
    features = {
        f"links:{link}": 1.0,
        f"links:free:{free}": 1.0,
        f"links:{link}:{'long' if len(block.text) > 120 else 'short'}": 1.0,
    }
    if block.is_row:
        features["row"] = 1.0
    return features


def wording(text: str) -> Features:
    """The words and pairs of words of a text's beginning, in proportion to its length."""
    listed = words(text[:1000])[:_MAX_WORDS]
    pairs = (f"{one} {two}" for one, two in itertools.pairwise(listed))
    counts = Counter([*listed, *pairs])
    return {f"word:{word}": n / math.sqrt(len(listed)) for word, n in counts.items()}


def _markup(element: Any) -> Features:
    features: Features = {f"tag:{element.tag}": 1.0}
    for level, ancestor in enumerate([element, *element.iterancestors()][:_MAX_ANCESTORS]):
        if ancestor.tag in ("body", "html"):
            break
        distance = "near" if level < _NEAR else "far"
        features[f"{distance}:<{ancestor.tag}>"] = 1.0
        for token in tokens(ancestor):
            features[f"{distance}:{token}"] = 1.0
    return features


def tokens(element: Any) -> set[str]:
    """The words of an element's class, id and the like, in lower case."""
    values = (element.get(name) for name in _ATTRIBUTES)
    return {part.lower() for value in values if value for part in _PART.findall(value[:300])}
