"""Parts of the benchmark of answers that run in processes of their own.

``python -m benchmarks.asking NAME ARGUMENT…`` prints one JSON object.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.corpus import files, paragraphs
from benchmarks.parts import embedded_texts
from benchmarks.processes import memory
from benchmarks.stock import stock_directory, stock_model

if TYPE_CHECKING:
    import torch

    from index.models.embedder import Embedder

BLUR = 0.3  # length of the noise added to a unit vector: cosines of about .95 with it
TEXT = "Un treno blindato è partito da Pyongyang."
WARM_UP = 5  # questions that are not measured
BEST = 10  # results of a keyword search, as bm25s' README has it
BASE = "base.npz"


def main() -> None:
    """Run the part that the first argument names."""
    parts: dict[str, Callable[..., dict[str, Any]]] = {
        "base": base,
        "blur": blur,
        "warm": warm,
        "alone": alone,
        "computing": computing,
        "keywords": keywords,
        "characters": characters,
        "usual": usual,
    }
    print(json.dumps(parts[sys.argv[1]](*sys.argv[2:])))


def questions(squad: Path, count: int) -> list[str]:
    """Questions of SQuAD-it's dev, spread over all of it."""
    with gzip.open(squad / "dev.json.gz", "rt", encoding="utf-8") as file:
        content = json.load(file)["data"]
    wordings = [qa["question"] for a in content for p in a["paragraphs"] for qa in p["qas"]]
    return wordings[:: max(1, len(wordings) // count)][:count]


def base(corpus: str, folder: str) -> dict[str, Any]:
    """The vectors of the texts of a corpus, by the real model."""
    import numpy as np

    from index.models.embedder import Embedder

    embedder, path = Embedder(), Path(corpus)
    texts = list(dict.fromkeys(embedded_texts(path, files(path), embedder)))
    batches, vectors = zip(*embedder.encode_batches(texts), strict=True)
    np.savez(
        Path(folder) / BASE,
        texts=[text for batch in batches for text in batch],
        vectors=np.concatenate(vectors),
    )
    return {"texts": len(texts)}


def blur(corpus: str, known: str, folder: str) -> dict[str, Any]:
    """Put a vector into the cache for each text of the corpus.

    SQuAD-it's own texts have their own vectors. A text of the repeats has that of one of these,
    drawn by its hash, with noise: in minutes, there are vectors in clusters, as real ones are.
    """
    import numpy as np

    from index.building.vector_cache import VectorCache
    from index.models.embedder import Embedder
    from index.models.encoder import Vectors, unit_vectors

    known_vectors = np.load(Path(folder) / BASE)
    vectors: Vectors = known_vectors["vectors"]
    row_of = {str(text): row for row, text in enumerate(known_vectors["texts"])}

    def vector(text: str) -> Vectors:
        if text in row_of:
            return np.asarray(vectors[row_of[text]])
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(vectors.shape[1])
        near = vectors[rng.integers(len(vectors))]
        return np.asarray(near + BLUR * noise / np.linalg.norm(noise), np.float32)

    class StandIn(Embedder):
        """The product's tokenizer and fingerprint, with the vectors above."""

        def encode_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], Vectors]]:
            yield list(texts), unit_vectors(np.stack([vector(text) for text in texts]))

    embedder, path = StandIn(), Path(corpus)
    texts = list(embedded_texts(path, files(path), embedder))
    return {"texts": VectorCache(Path(known), embedder).embed(lambda: texts)}


def warm(data: str, squad: str, count: str) -> dict[str, Any]:
    """Seconds of one answer, with the reader and without, and of only encoding its question."""
    from index.generations.current import CurrentIndex
    from index.models.embedder import Embedder
    from retrieval.answer import Question
    from retrieval.answering.reader import Reader
    from retrieval.chain import AnswerChain

    embedder, index = Embedder(), CurrentIndex(Path(data))
    chains = {
        "off": AnswerChain(index, embedder),
        "reader": AnswerChain(index, embedder, Reader(embedder.encoder)),
    }
    for chain in chains.values():
        chain.warm_up()
    # Different numbers of question marks: no way profits from a vector that another one cached.
    seconds = _by_turns(
        {
            "encode": lambda _, text: embedder.encode_query(text),
            "off": lambda _, text: chains["off"].invoke(Question(f"{text}?")),
            "reader": lambda _, text: chains["reader"].invoke(Question(f"{text}??")),
        },
        questions(Path(squad), int(count) + WARM_UP),
    )
    with index.reading() as generation:
        passages = generation.size if generation else 0
    ratios = {f"{way}_ratio": _ratio(seconds[way], seconds["encode"]) for way in ("off", "reader")}
    used = {"memory": memory(os.getpid())}
    return {"passages": passages, **_medians(seconds), **ratios, **used}


def _by_turns(
    ways: dict[str, Callable[[int, str], object]], texts: Sequence[str]
) -> dict[str, list[float]]:
    """The seconds of each way with each question, after a warm-up.

    A way is called with the number and the text of a question; the first way changes in rotation.
    """
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    names = list(ways)
    for number, text in enumerate(texts):
        first = number % len(names)
        for way in names[first:] + names[:first]:
            started = perf_counter()
            ways[way](number, text)
            if number >= WARM_UP:
                seconds[way].append(perf_counter() - started)
    return seconds


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {way: median(times) for way, times in seconds.items()}


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the pairs' ratios."""
    return median(product / baseline for product, baseline in zip(ours, theirs, strict=True))


def alone(models: str) -> dict[str, Any]:
    """Load the model as users of sentence-transformers do, and encode one text."""
    stock_model(Path(models)).encode([TEXT])
    return {"memory": memory(os.getpid())}


def computing(models: str, squad: str, count: str) -> dict[str, Any]:
    """Seconds of a question's vector and of reading two passages, by the product and by PyTorch.

    PyTorch in the type that is fast here: ``encode`` of sentence-transformers, and transformers'
    BertForQuestionAnswering with the same weights, both passages in one batch on all cores.
    """
    from index.models.embedder import Embedder
    from index.models.runtime import fast_dtype
    from retrieval.answering.reader import Page, Reader

    embedder, dtype = Embedder(), fast_dtype()
    reader, texts = Reader(embedder.encoder), paragraphs(Path(squad))
    encode, read = _by_pytorch(Path(models), embedder, dtype)

    def passages(number: int) -> list[str]:
        return texts[2 * number : 2 * number + 2]

    seconds = _by_turns(
        {
            "encode": lambda _, text: embedder.encode_query(text),
            "their_encode": lambda _, text: encode(text),
            "read": lambda n, text: reader.read(text, [Page("", p, []) for p in passages(n)]),
            "their_read": lambda n, text: read(text, passages(n)),
        },
        questions(Path(squad), int(count) + WARM_UP),
    )
    ratios = {f"{w}_ratio": _ratio(seconds[w], seconds[f"their_{w}"]) for w in ("encode", "read")}
    return {**_medians(seconds), **ratios, "dtype": str(dtype).removeprefix("torch.")}


def _by_pytorch(
    models: Path, embedder: Embedder, dtype: torch.dtype
) -> tuple[Callable[[str], object], Callable[[str, Sequence[str]], object]]:
    """Functions that encode a question and read passages, by PyTorch."""
    import torch
    from safetensors.torch import load_file
    from transformers import BertForQuestionAnswering

    from retrieval.answering.reader import PACKED, WEIGHTS, for_pairs
    from training.stock import unpack

    encoder = stock_model(models, dtype)
    directory = stock_directory(models, str(dtype).removeprefix("torch."))
    model = BertForQuestionAnswering.from_pretrained(directory, dtype=dtype).eval()
    model.load_state_dict(unpack(load_file(PACKED / WEIGHTS), dtype), strict=False)

    def read(question: str, texts: Sequence[str]) -> None:
        with embedder.tokenizer() as tokenizer:
            encodings = for_pairs(tokenizer).encode_batch([(question, text) for text in texts])
        with torch.inference_mode():
            model(
                input_ids=torch.tensor([encoding.ids for encoding in encodings]),
                attention_mask=torch.tensor([encoding.attention_mask for encoding in encodings]),
            )

    return lambda text: encoder.encode(text, prompt_name="query"), read


def keywords(data: str, squad: str, count: str) -> dict[str, Any]:
    """Seconds of one keyword search, by the product and by bm25s, over the same passages.

    bm25s as in its README: its tokenizer with a stemmer, ``index``, ``retrieve``.
    """
    import bm25s
    import Stemmer

    from index.generations.keywords import KeywordIndex
    from index.generations.layout import KEYWORDS, STORE, generations_dir
    from index.generations.pointer import current_name
    from index.generations.store import Store
    from retrieval.answering.search import best_rows

    directory = generations_dir(Path(data)) / str(current_name(Path(data)))
    started = perf_counter()
    ours = KeywordIndex(directory / KEYWORDS)
    opening = perf_counter() - started
    store = Store(directory / STORE)
    texts = [passage.text for passage in store.passages(range(store.count("passages")))]
    stemmer = Stemmer.Stemmer("italian")
    theirs = bm25s.BM25()
    theirs.index(
        bm25s.tokenize(texts, stopwords="it", stemmer=stemmer, show_progress=False),
        show_progress=False,
    )

    def retrieve(_: int, text: str) -> object:
        tokens = bm25s.tokenize(text, stopwords="it", stemmer=stemmer, show_progress=False)
        return theirs.retrieve(tokens, k=BEST, show_progress=False)

    seconds = _by_turns(
        {"ours": lambda _, text: best_rows(ours.scores(text), BEST), "theirs": retrieve},
        questions(Path(squad), int(count) + WARM_UP),
    )
    ratio = _ratio(seconds["ours"], seconds["theirs"])
    return {"passages": len(texts), "opening": opening, "ratio": ratio, **_medians(seconds)}


def characters(corpus: str) -> dict[str, Any]:
    """The number of characters of a corpus that the product embeds."""
    from index.models.embedder import Embedder

    path = Path(corpus)
    texts = set(embedded_texts(path, files(path), Embedder()))
    return {"characters": sum(map(len, texts))}


def usual(corpus: str, store: str, models: str) -> dict[str, Any]:
    """A first build the usual LangChain way: splitter, HuggingFaceEmbeddings, from_documents.

    The embeddings are a copy of langchain-huggingface's, since that package requires another
    huggingface-hub than the model: line ends become spaces, everything else is the default.
    """
    from langchain_chroma import Chroma
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    embedded = 0

    class HuggingFace(Embeddings):
        def __init__(self) -> None:
            self._model = stock_model(Path(models))

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            nonlocal embedded
            embedded += sum(map(len, texts))
            vectors = self._model.encode([text.replace("\n", " ") for text in texts])
            rows: list[list[float]] = vectors.tolist()
            return rows

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    documents = [
        Document(path.read_text(encoding="utf-8"), metadata={"source": path.name})
        for path in files(Path(corpus))
    ]
    split = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = split.split_documents(documents)
    Chroma.from_documents(chunks, HuggingFace(), persist_directory=store)
    return {"chunks": len(chunks), "characters": embedded}


if __name__ == "__main__":
    main()
