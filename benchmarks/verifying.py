"""What it costs to verify a sentence in 100,000 passages.

``python -m benchmarks.verifying [FOLDER]`` builds the texts and the keywords of an index out of
news articles, unless the folder has them, and prints a Markdown table. The baseline reads every
stored text and searches each for the words as they stand.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import cast

from benchmarks.corpus import NEWS, articles
from benchmarks.report import machine
from index.articles.article import Article
from index.generations.generation import Generation
from index.generations.keywords import KeywordIndex, PostingsWriter
from index.generations.layout import KEYWORDS, STORE
from index.generations.passages import split_article, titled
from index.generations.store import Store, StoreWriter
from index.text.sentences import sentences
from retrieval.verifying.drafts.reading import Draft
from retrieval.verifying.drafts.review import review
from retrieval.verifying.verification import verify

PASSAGES = 100_000
TOKENS_PER_WORD = 1.5  # of the default model on Italian news
RUNS = 5
QUOTATIONS = 200  # of a draft
NO_MARKS = str.maketrans("", "", "«»")
CLAIMS = {
    "to the letter": "Non ce la faremo mai da soli a ricostruire tutto quanto, chiediamo aiuto",
    "two words altered": "Non ce la faremo mai da sole a ricostruire tutto quanto, chiediamo soldi",
    "stitched": "Non ce la faremo mai da soli a ricostruire i danni all'antico castello adibito",
    "a paraphrase": "Il monastero non può essere rifatto senza l'aiuto dei fedeli",
    "in English": "We will never be able to rebuild everything by ourselves",
    "stop words alone": "che non si è ancora",
    "stop words and a frequent word": "non è stato ancora",
    "frequent words": "il presidente della Repubblica ha detto di non essere stato informato",
}


@dataclass(frozen=True)
class Texts:
    """As much of a generation as verifying reads."""

    store: Store
    keywords: KeywordIndex
    sources: list[str]
    language: str = "it"


def main() -> None:
    """Build what is missing in the folder, measure, and print the table."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        if not (folder / KEYWORDS).exists():
            build(folder)
        with closing(Store(folder / STORE)) as store:
            texts = Texts(store, KeywordIndex(folder / KEYWORDS), store.known("source"))
            print("\n".join(measured(texts)))


def measured(texts: Texts) -> Iterator[str]:
    """The lines of the report; product and baseline by turns."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield machine("no use", [])
    yield f"{texts.store.count('passages'):,} passages, {texts.store.count('articles'):,} articles."
    yield "\n| a sentence | verified in | every text read and searched | ratio | verdict |"
    yield f"|{' --- |' * 5}"
    for name, claim in CLAIMS.items():
        ours, baseline = [], []
        for _ in range(RUNS):
            ours.append(_seconds(partial(verify, claim, cast(Generation, texts))))
            baseline.append(_seconds(partial(_scan, claim, texts.store)))
        ratio = median(a / b for a, b in zip(ours, baseline, strict=True))
        verdict = verify(claim, cast(Generation, texts)).verdict
        seconds = f"{median(ours):.2f} s | {median(baseline):.2f} s"
        yield f"| {name} | {seconds} | {ratio:.2f} | {verdict} |"
    draft = _draft(texts.store)
    before_draft = process_time()
    result = review(draft, cast(Generation, texts))
    spent = process_time() - before_draft
    yield f"\nA draft of {len(result.quotations)} quotations: {spent:.0f} s of CPU time."
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield f"\nMemory: {before / 1000:.0f} MB before, {after / 1000:.0f} MB at most."


def _scan(claim: str, store: Store) -> int:
    """The number of articles with the words as they stand, in any case."""
    words = claim.lower()
    return sum(words in a.text.lower() for a in store.articles(range(store.count("articles"))))


def _draft(store: Store) -> Draft:
    """A draft of random sentences: as they stand, altered, their first two words, shuffled."""
    random = Random(1)  # noqa: S311 (the same sentences each time)
    paragraphs = []
    rows = [random.randrange(store.count("articles")) for _ in range(QUOTATIONS)]
    for number, article in enumerate(store.articles(rows)):
        span = random.choice(sentences(article.text))
        words = article.text[span.start : span.end].translate(NO_MARKS).split()
        if number % 4 == 1:
            words[len(words) // 2] = "parola"
        elif number % 4 == 2:
            words = words[:2]
        elif number % 4:
            random.shuffle(words)
        paragraphs.append(f"Rossi ha detto: «{' '.join(words)}».")
    return Draft("\n\n".join(paragraphs))


def _seconds(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started


def build(folder: Path) -> None:
    """Write the store and the keywords of PASSAGES passages: verifying needs no vectors."""
    store, postings, count = StoreWriter(folder / STORE, None), PostingsWriter(None), 0
    for article in _articles():
        passages = split_article(article, _count_tokens, 512)
        store.add(article, passages)
        for passage in passages:
            postings.add(titled(article.heading, passage.text))
        count += len(passages)
        if count >= PASSAGES:
            break
    store.close()
    postings.finish(folder / KEYWORDS)


def _articles() -> Iterator[Article]:
    with gzip.open(NEWS / "articles.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    for number, text in enumerate(articles(texts)):
        yield Article(f"{number:06}.txt", text, text[:60], f"Testata {number % 40}")


def _count_tokens(texts: Sequence[str]) -> list[int]:
    return [round(TOKENS_PER_WORD * len(text.split())) for text in texts]


if __name__ == "__main__":
    main()
