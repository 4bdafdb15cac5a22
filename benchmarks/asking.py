"""Parts of the answers' benchmark that run in processes of their own.

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

BLUR = 0.3  # the length of what is added to a unit vector: cosines of some .95 with it
TEXT = "Un treno blindato è partito da Pyongyang."
WARM_UP = 5  # questions that are not counted
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
    asked = [qa["question"] for a in content for p in a["paragraphs"] for qa in p["qas"]]
    return asked[:: max(1, len(asked) // count)][:count]


def base(corpus: str, folder: str) -> dict[str, Any]:
    """The vectors of the texts of a corpus, by the real model."""
    import numpy as np

    from index.models.embedder import Embedder

    embedder, place = Embedder(), Path(corpus)
    texts = list(dict.fromkeys(embedded_texts(place, files(place), embedder)))
    batches, vectors = zip(*embedder.encode_batches(texts), strict=True)
    np.savez(
        Path(folder) / BASE,
        texts=[text for batch in batches for text in batch],
        vectors=np.concatenate(vectors),
    )
    return {"texts": len(texts)}


def blur(corpus: str, known: str, folder: str) -> dict[str, Any]:
    """Put a vector into the cache for every text of the corpus.

    SQuAD-it's own texts have theirs; a text of the repeats that of one of these, drawn by its hash,
    with noise: the vectors lie as real ones do, in clusters, and are there in minutes.
    """
    import numpy as np

    from index.building.vector_cache import VectorCache
    from index.models.embedder import Embedder
    from index.models.encoder import Vectors, unit_vectors

    told = np.load(Path(folder) / BASE)
    vectors: Vectors = told["vectors"]
    row_of = {str(text): row for row, text in enumerate(told["texts"])}

    def vector(text: str) -> Vectors:
        if text in row_of:
            return np.asarray(vectors[row_of[text]])
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        drawn = np.random.default_rng(seed)
        noise = drawn.standard_normal(vectors.shape[1])
        near = vectors[drawn.integers(len(vectors))]
        return np.asarray(near + BLUR * noise / np.linalg.norm(noise), np.float32)

    class StandIn(Embedder):
        """The product's tokenizer and fingerprint, with the vectors above."""

        def encode_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], Vectors]]:
            yield list(texts), unit_vectors(np.stack([vector(text) for text in texts]))

    embedder, place = StandIn(), Path(corpus)
    texts = list(embedded_texts(place, files(place), embedder))
    return {"texts": VectorCache(Path(known), embedder).embed(lambda: texts)}


def warm(data: str, squad: str, count: str) -> dict[str, Any]:
    """Seconds of one answer, with the reader and without, and of encoding its question alone.

    By turns for each question, in one process.
    """
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
    # The question mark more keeps what one has encoded from being the other's.
    ways: dict[str, Callable[[str], object]] = {
        "encode": embedder.encode_query,
        "off": lambda text: chains["off"].invoke(Question(f"{text}?")),
        "reader": lambda text: chains["reader"].invoke(Question(f"{text}??")),
    }
    for chain in chains.values():
        chain.warm_up()
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number, text in enumerate(questions(Path(squad), int(count) + WARM_UP)):
        names = list(ways)
        for name in names[number % 3 :] + names[: number % 3]:
            started = perf_counter()
            ways[name](text)
            if number >= WARM_UP:
                took[name].append(perf_counter() - started)
    with index.reading() as generation:
        passages = generation.size if generation else 0
    return {
        "passages": passages,
        **{name: median(times) for name, times in took.items()},
        **{
            f"{name}_ratio": median(
                one / other for one, other in zip(took[name], took["encode"], strict=True)
            )
            for name in ("off", "reader")
        },
        "memory": memory(os.getpid()),
    }


def alone(models: str) -> dict[str, Any]:
    """Load the model as anybody does who has sentence-transformers, and encode one text."""
    stock_model(Path(models)).encode([TEXT])
    return {"memory": memory(os.getpid())}


def computing(models: str, squad: str, count: str) -> dict[str, Any]:
    """Seconds of a question's vector and of reading two passages, ours and PyTorch's by turns.

    PyTorch in the type that is fast here: ``encode`` of sentence-transformers, and transformers'
    BertForQuestionAnswering with the same weights, both passages in one batch on all cores.
    """
    from index.models.embedder import Embedder
    from index.models.runtime import fast_dtype
    from retrieval.answering.reader import Page, Reader

    embedder, dtype = Embedder(), fast_dtype()
    reader, texts = Reader(embedder.encoder), paragraphs(Path(squad))
    encoder, stock = _by_pytorch(Path(models), embedder, dtype)
    ways: dict[str, Callable[[str, Sequence[str]], object]] = {
        "encode": lambda asked, _: embedder.encode_query(asked),
        "their_encode": lambda asked, _: encoder(asked),
        "read": lambda asked, two: reader.read(asked, [Page("", text, []) for text in two]),
        "their_read": stock,
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number, asked in enumerate(questions(Path(squad), int(count) + WARM_UP)):
        names = list(ways)
        for name in names[number % 4 :] + names[: number % 4]:
            started = perf_counter()
            ways[name](asked, texts[2 * number : 2 * number + 2])
            if number >= WARM_UP:
                took[name].append(perf_counter() - started)
    told: dict[str, Any] = {name: median(times) for name, times in took.items()}
    for name in ("encode", "read"):
        turns = zip(took[name], took[f"their_{name}"], strict=True)
        told[f"{name}_ratio"] = median(one / other for one, other in turns)
    return told | {"dtype": str(dtype).removeprefix("torch.")}


def _by_pytorch(
    models: Path, embedder: Embedder, dtype: torch.dtype
) -> tuple[Callable[[str], object], Callable[[str, Sequence[str]], object]]:
    """What encodes a question, and what reads passages, as PyTorch does it."""
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
            encoded = for_pairs(tokenizer).encode_batch([(question, text) for text in texts])
        with torch.inference_mode():
            model(
                input_ids=torch.tensor([one.ids for one in encoded]),
                attention_mask=torch.tensor([one.attention_mask for one in encoded]),
            )

    return lambda text: encoder.encode(text, prompt_name="query"), read


def keywords(data: str, squad: str, count: str) -> dict[str, Any]:
    """Seconds of one keyword search, the product's and bm25s' by turns, over the same passages.

    bm25s as its README does it: its tokenizer with a stemmer, ``index``, ``retrieve``.
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

    def ask_ours(text: str) -> object:
        return best_rows(ours.scores(text), BEST)

    def ask_theirs(text: str) -> object:
        asked = bm25s.tokenize(text, stopwords="it", stemmer=stemmer, show_progress=False)
        return theirs.retrieve(asked, k=BEST, show_progress=False)

    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number, text in enumerate(questions(Path(squad), int(count) + WARM_UP)):
        for name, ask in (("ours", ask_ours), ("theirs", ask_theirs)):
            started = perf_counter()
            ask(text)
            if number >= WARM_UP:
                took[name].append(perf_counter() - started)
    ratio = median(one / other for one, other in zip(*took.values(), strict=True))
    medians = {name: median(times) for name, times in took.items()}
    return {"passages": len(texts), "opening": opening, "ratio": ratio, **medians}


def characters(corpus: str) -> dict[str, Any]:
    """How many characters of a corpus the product embeds."""
    from index.models.embedder import Embedder

    place = Path(corpus)
    texts = set(embedded_texts(place, files(place), Embedder()))
    return {"characters": sum(map(len, texts))}


def usual(corpus: str, store: str, models: str) -> dict[str, Any]:
    """A first build the usual LangChain way: splitter, HuggingFaceEmbeddings, from_documents.

    The embeddings are written out here as langchain-huggingface has them, whose package asks for
    another huggingface-hub than the model's: line ends are spaces, everything else is the default.
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
            found: list[list[float]] = vectors.tolist()
            return found

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
