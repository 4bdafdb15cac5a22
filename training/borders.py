"""Fit what tells the ends of sentences, and write ``index/text/borders.npz``.

    python -m training.borders ../shared/data

It learns from the borders that are marked by ¦ in ``training/written/borders.txt``, also with all
letters made small or capital. Which words begin sentences, it counts in the articles and the
paragraphs under ../shared/data: no border is marked there. It prints how many borders of
``tests/gold/borders.txt`` it finds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from index.text.borders import WEIGHTS, Learnt, features, stops

WRITTEN = Path(__file__).parent / "written" / "borders.txt"
GOLD = Path("tests/gold/borders.txt")
BORDER = "¦"
MIN_COUNT = 4  # of a word in the texts, for it to be known
STARTS = 0.6  # the share of a word's capitals that begin sentences, for it to be a starter
INVERSE_RIDGE = 1.0  # scikit-learn's C
_SURE_BORDER = re.compile(r"[^\W\d_]{4,}[.?!] (\w+['’]?)")
_CAPITALIZED = re.compile(r"(?<=[^\W\d_] )([A-ZÀ-ÖØ-Þ]\w*['’]?)")
_SMALL = re.compile(r"(?<![\w.])([a-zà-öø-ÿ]{2,})(?=([. ,]))")


def marked(path: Path) -> Iterator[tuple[str, set[int]]]:
    """Lines without the marks, and the offsets at which they stood."""
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            parts = line.rstrip().split(BORDER)
            ends = np.cumsum([len(part) for part in parts]).tolist()
            yield "".join(parts), set(ends[:-1])


def texts(data: Path) -> Iterator[str]:
    """The articles to learn from, and the paragraphs of SQuAD-it and SQuAD 2.0."""
    with gzip.open(data / "news" / "articles.jsonl.gz", "rt", encoding="utf-8") as file:
        for article in map(json.loads, file):
            if article["id"].startswith("wn-train"):
                yield article["text"]
    for name in ("squad_it/train.json.gz", "squad2_en/train.json.gz"):
        content = json.loads(gzip.decompress((data / name).read_bytes()))
        yield from (p["context"] for group in content["data"] for p in group["paragraphs"])


def counted(data: Path) -> Learnt:
    """The words that begin sentences, and others; no weights yet."""
    starting, inside, small, stopped = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    for text in texts(data):
        text = text.replace("’", "'")
        starting.update(word.lower() for word in _SURE_BORDER.findall(text) if word[0].isupper())
        inside.update(word.lower() for word in _CAPITALIZED.findall(text))
        for word, mark in _SMALL.findall(text):
            small[word] += 1
            stopped[word] += mark == "."
    total = starting + inside
    share = {word: starting[word] / n for word, n in total.items() if n >= MIN_COUNT}
    return Learnt(
        {},
        frozenset(word for word, part in share.items() if part >= STARTS),
        frozenset(word for word, part in share.items() if part < STARTS),
        frozenset(
            word
            for word, n in small.items()
            if word[-1] not in "aeiou" and n >= MIN_COUNT and stopped[word] < n / 2
        ),
    )


def main() -> None:
    """Count, fit, write, and print what is found."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of news, squad_it and squad2_en")
    lists = counted(parser.parse_args().data)
    rows, labels = [], []
    for line, ends in marked(WRITTEN):
        for text in (line, line, line.lower(), line.upper()):
            if len(text) == len(line):
                for end, stop in stops(text, lists):
                    rows.append(dict.fromkeys(features(stop), 1.0))
                    labels.append(end in ends)
    vectorizer = DictVectorizer()
    model = LogisticRegression(C=INVERSE_RIDGE, max_iter=5000)
    model.fit(vectorizer.fit_transform(rows), labels)
    names = ["", *vectorizer.feature_names_]
    weights = np.array([model.intercept_[0], *model.coef_[0]], np.float32)
    np.savez_compressed(
        WEIGHTS,
        features=names,
        weights=weights.astype(np.float16),
        starters=sorted(lists.starters),
        names=sorted(lists.names),
        plain=sorted(lists.plain),
    )
    print(f"{len(labels)} stops, {sum(labels)} borders, {len(names)} weights")
    for path in (WRITTEN, GOLD):
        report(path)


def report(path: Path) -> None:
    """Print what is found in a file of marked borders, and each mistake."""
    from index.text.borders import borders

    right = total = 0
    for line, ends in marked(path):
        found = set(borders(line))
        candidates = {end for end, _ in stops(line, Learnt({}, *[frozenset[str]()] * 3))} | ends
        wrong = found ^ (ends - {len(line)})
        right, total = right + len(candidates) - len(wrong), total + len(candidates)
        for end in sorted(wrong):
            print("missed" if end in ends else "cut   ", line[:end] + BORDER + line[end:])
    print(f"{path}: {right} of {total} right, {right / total:.4f}")


if __name__ == "__main__":
    main()
