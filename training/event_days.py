"""Fit what tells the day of the event that a sentence tells of, and print the weights.

    python -m training.event_days ../shared/data/news

``tests/gold/news/event_days.jsonl`` marks the sentences to learn from: the days of each event, ""
where none is named, for an article of the ``day``. It prints how many days are right: with weights
fitted to the other sentences, by the first day that a sentence names, and of the sentences that are
held back.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from index.articles.article import read_article
from index.text.mentioned_days import MentionedDay, mentioned_days
from retrieval.answering.timeline.event_day import (
    EventDayEvidence,
    event_day,
    event_day_evidence,
)
from retrieval.answering.weights import Linear
from retrieval.evaluation.datasets import NewsArticle, read_articles

ROOT = Path(__file__).parents[1]
GOLD = ROOT / "tests" / "gold" / "news"
FOLDS = 10
SURE = 0.5  # log-odds from which a day counts: a wrong one misleads more than none


@dataclass(frozen=True)
class MarkedSentence:
    """A sentence, the day of its article, and the days that are right, "" for none."""

    text: str
    published: datetime.date | None
    right: frozenset[str]

    @property
    def days(self) -> list[MentionedDay]:
        """The days that it names."""
        return mentioned_days(self.text, self.published)


def marked_sentences(name: str, articles: dict[str, NewsArticle]) -> list[MarkedSentence]:
    """The sentences of a file in ``tests/gold/news``: of an article, of ``corpus/`` or written."""
    marked = []
    for line in map(json.loads, (GOLD / f"{name}.jsonl").read_text("utf-8").splitlines()):
        if "id" in line:
            article = articles[line["id"]]
            span = article.sentences[line["sentence"]]
            text = article.text[span.start : span.end]
        elif "path" in line:
            stored = read_article((ROOT / "corpus" / line["path"]).read_bytes(), line["path"])
            text = stored.text[line["start"] : line["end"]]
        else:
            text = line["text"]
        published = datetime.date.fromisoformat(line["day"]) if line["day"] else None
        marked.append(MarkedSentence(text, published, frozenset(line["event"])))
    return marked


def fitted(sentences: Sequence[MarkedSentence]) -> Linear:
    """The weights that make the days of events most likely."""
    from sklearn.linear_model import LogisticRegression

    evidence = [
        list(asdict(found).values())
        for one in sentences
        for found in event_day_evidence(one.text, one.days, one.published)
    ]
    right = [day.day.iso in one.right for one in sentences for day in one.days]
    model = LogisticRegression().fit(np.array(evidence), right)
    names = [field.name for field in fields(EventDayEvidence)]
    weights = dict(zip(names, model.coef_[0].round(2).tolist(), strict=True))
    return Linear(weights, round(float(model.intercept_[0]) - SURE, 2))


def share_right(sentences: Sequence[MarkedSentence], weights: Linear) -> float:
    """The share of sentences for which the right day, or rightly none, is chosen."""
    days = (event_day(one.text, one.published, weights) for one in sentences)
    right = (
        (day.iso if day else "") in one.right for day, one in zip(days, sentences, strict=True)
    )
    return float(np.mean(list(right)))


def main() -> None:
    """Compare with the first day of each sentence, and fit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("news", type=Path, help="the folder of the articles")
    articles = read_articles(parser.parse_args().news)
    sentences, held = (marked_sentences(n, articles) for n in ("event_days", "event_days_held"))
    folds = [sentences[n::FOLDS] for n in range(FOLDS)]
    unseen = [
        share_right(fold, fitted([one for one in sentences if one not in fold])) * len(fold)
        for fold in folds
    ]
    firsts = [(one.days[0].day.iso if one.days else "") in one.right for one in sentences]
    weights = fitted(sentences)
    print(f"{np.mean(firsts):.3f} with the first day, {sum(unseen) / len(sentences):.3f} held out")
    print(f"{share_right(sentences, weights):.3f} of {len(sentences)} that it was fitted to")
    print(f"{share_right(held, weights):.3f} of {len(held)} held back")
    print(weights)


if __name__ == "__main__":
    main()
