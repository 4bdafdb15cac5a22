"""Which blocks of a page are its article: two linear models, one behind the other.

The first sees each block by itself, the second also its neighbours: the idea is stacking (Wolpert
1992) on the features of Kohlschütter et al. 2010, "Boilerplate detection using shallow text
features". ``training/pages.py`` fits both.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from index.articles.extraction.blocks import Block
from index.articles.extraction.features import Features, PageTexts, block_features, wording

_MODEL = Path(__file__).with_name("model.json")
_LEVELS = 4  # ancestors whose other blocks count
_MAX_LINE = 60  # ancestors
_STRONG = 0.25  # of the greatest mass of a block: surely article
# Features of the block by itself that the second model sees again.
_REPEATED = (
    "bias", "tag:", "length:", "links:", "end:", "title:", "description:", "body:", "row", "names",
    "digits", "stops", "commas", "capitals",
)  # fmt: skip


def article_odds(blocks: Sequence[Block], texts: PageTexts) -> list[float]:
    """The log-odds of each block that it belongs to the article."""
    own = [block_features(block, texts) for block in blocks]
    model = _loaded()
    first = [first_scores(features, model) for features in own]
    return _network(context_features(blocks, own, first)) if blocks else []


def first_scores(features: Features, model: Mapping[str, Any]) -> Features:
    """What the first model says of a block, in all and by kind of feature.

    "notice" is the log-odds of its text alone to be a notice.
    """
    sums = {"all": 0.0, "word": 0.0, "near": 0.0, "far": 0.0, "notice": model["notice"]["bias"]}
    for name, value in features.items():
        weight = model["block"].get(name, 0.0) * value
        sums["all"] += weight
        kind = name.partition(":")[0]
        if kind in sums:
            sums[kind] += weight
        sums["notice"] += model["notice"].get(name, 0.0) * value if name != "bias" else 0.0
    return sums


def _network(features: Sequence[Features]) -> list[float]:
    """The log-odds from a network with one hidden layer."""
    import numpy as np

    model = _context()
    inputs = np.zeros((len(features), len(model.names)), dtype=np.float32)
    for row, values in enumerate(features):
        for name, value in values.items():
            if name in model.names:
                inputs[row, model.names[name]] = value
    hidden = np.maximum(inputs @ model.hidden + model.hidden_bias, 0)
    odds: list[float] = (hidden @ model.output + model.output_bias).tolist()
    return odds


@dataclass(frozen=True)
class _Network:
    names: dict[str, int]
    hidden: Any
    hidden_bias: Any
    output: Any
    output_bias: float


@cache
def _context() -> _Network:
    import numpy as np

    loaded = _loaded()["context"]
    return _Network(
        {name: at for at, name in enumerate(loaded["names"])},
        np.array(loaded["hidden"], dtype=np.float32),
        np.array(loaded["hidden_bias"], dtype=np.float32),
        np.array(loaded["output"], dtype=np.float32),
        loaded["output_bias"],
    )


def notice_kind(texts: Sequence[str]) -> str:
    """The kind of notice in the texts, by its name in ``training/written/pages.toml``, or ""."""
    best, found = 0.0, ""
    for text in texts:
        features = {"bias": 1.0, **wording(text)}
        for kind, weights in _loaded()["kinds"].items():
            if (score := _score(features, weights)) > best:
                best, found = score, kind
    return found


def _score(features: Features, weights: dict[str, float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in features.items())


@cache
def _loaded() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_MODEL.read_text(encoding="utf-8"))
    return loaded


def context_features(
    blocks: Sequence[Block], own: Sequence[Features], scores: Sequence[Features]
) -> list[Features]:
    """The features of each block among the others, given their scores of the first model."""
    odds = [math.tanh(score["all"] / 4) for score in scores]  # from -1 to 1
    masses = [odd * math.sqrt(len(block.text)) for odd, block in zip(odds, blocks, strict=True)]
    lines = [_line(block) for block in blocks]
    sums, counts = _sums(lines, masses)
    # The element with most article and least else; of equal ones the smallest.
    region = max(sums, key=lambda element: (sums[element], -counts[element]))
    inside = [region in line for line in lines]
    enough = _STRONG * max(masses)
    strong = [at for at, mass in enumerate(masses) if mass > enough and inside[at]]
    most = max(sums.values()) or 1.0
    total = sum(masses[at] for at in strong)
    kinds: dict[tuple[str, str], float] = defaultdict(float)
    for at in strong:
        kinds[_kind(blocks[at])] += masses[at] / total
    heads = [at for at, block in enumerate(blocks) if block.element.tag == "h1"]
    padded = [-1.0, -1.0, *odds, -1.0, -1.0]
    linked = [0.0, *(block.linked / len(block.text) for block in blocks), 0.0]
    features = []
    for at, block in enumerate(blocks):
        made = {name: value for name, value in own[at].items() if name.startswith(_REPEATED)}
        made.update((f"score:{name}", math.tanh(value / 4)) for name, value in scores[at].items())
        made["kind"] = kinds.get(_kind(block), 0.0)
        made["inside" if inside[at] else "outside"] = 1.0
        made["before2"], made["before1"], _, made["after1"], made["after2"] = padded[at : at + 5]
        made["linked before"], _, made["linked after"] = linked[at : at + 3]
        for level, element in enumerate(lines[at][:_LEVELS]):
            others = sums[element] - masses[at]
            made[f"family{level}"] = math.tanh(others / 20)
            made[f"share{level}"] = max(others / abs(most), -1.0)
        features.append({**made, **_position(at, strong, heads)})
    return features


def _line(block: Block) -> list[Any]:
    """The block's element and its nearest ancestors."""
    elements = islice(block.element.iterancestors(), _MAX_LINE)
    return [block.element, *(element for element in elements if element.tag != "html")]


def _kind(block: Block) -> tuple[str, str]:
    """Blocks that a site formats alike."""
    parent = block.element.getparent()
    own = block.element.get("class")
    return block.element.tag, own or (parent.get("class", "") if parent is not None else "")


def _sums(
    lines: Sequence[Sequence[Any]], masses: Sequence[float]
) -> tuple[dict[Any, float], dict[Any, int]]:
    """For each element, the sum of the masses of the blocks in it, and how many those are."""
    sums: dict[Any, float] = defaultdict(float)
    counts: dict[Any, int] = defaultdict(int)
    for line, mass in zip(lines, masses, strict=True):
        for element in line:
            sums[element] += mass
            counts[element] += 1
    return sums, counts


def _position(at: int, strong: Sequence[int], heads: Sequence[int]) -> Features:
    features: Features = {}
    if strong:
        name = "ahead" if at < strong[0] else "past" if at > strong[-1] else "amid"
        features[name] = 1.0
        if name != "amid":
            gap = strong[0] - at if name == "ahead" else at - strong[-1]
            features[f"{name} gap"] = math.log(gap)
    if heads:
        features["after h1" if at > heads[0] else "before h1"] = 1.0
    return features
