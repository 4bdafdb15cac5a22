"""Parts that run in processes of their own: baselines, and preparations for the product.

``python -m benchmarks.parts NAME PATH…`` prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.corpus import files
from benchmarks.stock import stock_model

DIMENSIONS = 384  # of the default model


def main() -> None:
    """Run the part that the first argument names, with the paths after it."""
    parts: dict[str, Callable[..., dict[str, Any]]] = {
        "fill": fill,
        "load": load,
        "encode": encode,
        "langchain": langchain,
    }
    print(json.dumps(parts[sys.argv[1]](*map(Path, sys.argv[2:]))))


def fill(corpus: Path, known: Path) -> dict[str, Any]:
    """Put a vector into the cache for each text of the corpus, except its last article's."""
    from index.building.vector_cache import VectorCache
    from index.models.embedder import Embedder
    from index.models.encoder import Vectors

    class StandIn(Embedder):
        """The product's tokenizer and fingerprint, with pseudo-random vectors."""

        def encode_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], Vectors]]:
            yield list(texts), pseudo_vectors(texts)

    embedder = StandIn()
    texts = list(embedded_texts(corpus, files(corpus)[:-1], embedder))
    return {"texts": VectorCache(known, embedder).embed(lambda: texts)}


def load() -> dict[str, Any]:
    """Load the model as an index run does, and embed one text."""
    from index.models.embedder import Embedder

    embedder = Embedder()
    list(embedder.encode_batches(["Un treno blindato è partito da Pyongyang."]))
    return {"dtype": str(next(embedder._model.parameters()).dtype).removeprefix("torch.")}


def encode(corpus: Path, models: Path) -> dict[str, Any]:
    """Encode the distinct texts of the corpus, all at once, and do nothing else.

    By stock sentence-transformers, with the product's dtype, prompt and batch size.
    """
    from index.models.embedder import BATCH, PASSAGE_PROMPTS, Embedder
    from index.models.runtime import fast_dtype

    embedder = Embedder()
    texts = list(dict.fromkeys(embedded_texts(corpus, files(corpus), embedder)))
    prompt = embedder._prompts(*PASSAGE_PROMPTS)
    model = stock_model(models, fast_dtype())
    model.encode(texts[:1])  # the first call prepares the others
    started = perf_counter()
    model.encode(texts, prompt=prompt, batch_size=BATCH, show_progress_bar=False)
    seconds = perf_counter() - started
    return {"seconds": seconds, "texts": len(texts), "characters": sum(map(len, texts))}


def langchain(corpus: Path, store: Path, models: Path | None = None) -> dict[str, Any]:
    """LangChain's index() over the corpus: Chroma and the SQL record manager.

    With ``models`` the embedding's constructor loads Virgolette's model, as HuggingFaceEmbeddings
    does (whose package requires another huggingface-hub than the model); without, it costs nothing.
    """
    from langchain_chroma import Chroma
    from langchain_classic.indexes import SQLRecordManager
    from langchain_core.document_loaders import BaseLoader
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.indexing import index

    class Folder(BaseLoader):
        """A document for each file: less work than splitting them, as a real user would."""

        def lazy_load(self) -> Iterator[Document]:
            for path in files(corpus):
                source = str(path.relative_to(corpus))
                yield Document(path.read_text(encoding="utf-8"), metadata={"source": source})

    class StandIn(Embeddings):
        """Embeds with pseudo-random vectors: a run without changes needs none."""

        def __init__(self) -> None:
            if models:
                self._model = stock_model(models)

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            rows: list[list[float]] = pseudo_vectors(texts).tolist()
            return rows

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    records = SQLRecordManager("articles", db_url=f"sqlite:///{store}/records.sqlite3")
    records.create_schema()
    vectors = Chroma("articles", StandIn(), persist_directory=str(store))
    result = index(
        Folder(), records, vectors, cleanup="full", source_id_key="source", key_encoder="sha256"
    )
    return dict(result)


def embedded_texts(corpus: Path, paths: Sequence[Path], embedder: Any) -> Iterator[str]:
    """The texts that the product embeds: the passages of each article, then its sentences.

    The article's heading stands before each.
    """
    from index.articles.article import read_article
    from index.generations.passages import split_article, titled

    for path in paths:
        article = read_article(path.read_bytes(), str(path.relative_to(corpus)))
        passages = split_article(article, embedder.count_tokens, embedder.max_tokens)
        yield from (titled(article.heading, passage.text) for passage in passages)
        spans = sorted({span for passage in passages for span in passage.sentences})
        yield from (titled(article.heading, article.text[s.start : s.end]) for s in spans)


def pseudo_vectors(texts: Sequence[str]) -> Any:
    """Unit vectors, shape (texts, DIMENSIONS), each drawn with a hash of its text as the seed."""
    import numpy as np

    seeds = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts)
    rows = np.array([np.random.default_rng(seed).standard_normal(DIMENSIONS) for seed in seeds])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
