"""Texts to vectors, on the CPU: many with sentence-transformers, a question without it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from logging import CRITICAL
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ModelError
from index.models.encoder import OnnxEncoder, Vectors, unit_vectors, unreadable
from index.models.runtime import fast_dtype, one_thread_per_batch, trim_memory
from index.models.weights import PACKED, packed_checksum

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

BATCH = 16
BATCH_TOKENS = 1024  # in a batch of encode_batches: more is no faster, and takes memory
TRIM_INTERVAL = 8  # batches: the memory that glibc keeps grows by 2 to 10 MB with each
TEXTS_COUNTED = 256  # at once: their tokens are in memory together
MAX_TOKENS = 512  # for models that set no limit of their own, and at most
QUERIES_KEPT = 64  # retrieval and the scoring of sentences ask for the same vector
# sentence-transformers gives every model an empty "document" prompt, which must not hide a
# prompt under another name.
PASSAGE_PROMPTS = ("document", "passage", "corpus")


class Embedder:
    """An embedding model, loaded when first used.

    Args:
        model: a sentence-transformers name or path; empty for the default model.

    Attributes:
        encoder: the default model for a few texts, which needs no PyTorch; None for another model.
    """

    def __init__(self, model: str = "") -> None:
        self._model_name = model
        self._lock = threading.RLock()  # fast tokenizers must not be used by two threads
        self._loaded: SentenceTransformer | None = None
        self.encoder = None if model else OnnxEncoder()
        self._queries = lru_cache(QUERIES_KEPT)(self._encode_query)

    @cached_property
    def fingerprint(self) -> str:
        """An identifier of the model and its vectors. Reads no weights."""
        if not self._model_name:
            return f"default:{packed_checksum()}"
        path = Path(self._model_name)
        if not path.is_dir():
            return f"name:{self._model_name}"
        return f"path:{path.resolve()}:{_listing_digest(path)}"

    @property
    def is_default(self) -> bool:
        """Whether it is the default model."""
        return not self._model_name

    @cached_property
    def max_tokens(self) -> int:
        """The longest text the model reads, in tokens, with its prompt and special tokens."""
        try:
            config = (self._directory / "sentence_bert_config.json").read_text(encoding="utf-8")
            limit = json.loads(config)["max_seq_length"]
        except (OSError, ValueError, KeyError) as error:
            if self.encoder:
                raise unreadable(f"the model in {PACKED}", error) from error
            limit = self._model.max_seq_length
        return min(limit or MAX_TOKENS, MAX_TOKENS)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text, without prompt and special tokens. Loads no weights."""
        if not texts:
            return []
        counts: list[int] = []
        with self.tokenizer() as tokenizer:
            for start in range(0, len(texts), TEXTS_COUNTED):
                part = list(texts[start : start + TEXTS_COUNTED])
                counts += map(len, tokenizer.encode_batch_fast(part, add_special_tokens=False))
        return counts

    @contextmanager
    def tokenizer(self) -> Iterator[Tokenizer]:
        """The model's tokenizer, for one thread at a time, without truncation and padding.

        The caller may enable both.
        """
        if self.encoder:
            with self.encoder.tokenizer() as tokenizer:
                yield tokenizer
            return
        with self._lock:
            tokenizer = self._tokenizer
            tokenizer.no_truncation()
            tokenizer.no_padding()
            yield tokenizer

    def encode_query(self, text: str) -> Vectors:
        """A question's unit vector, shape (dimensions,); it is cached, and read-only."""
        return self._queries(text)

    def _encode_query(self, text: str) -> Vectors:
        vectors = self.encode_queries([text])
        vectors.setflags(write=False)  # later callers get the same array
        vector: Vectors = vectors[0]
        return vector

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The unit vectors of questions, shape (texts, dimensions)."""
        return self._encode(texts, self._prompts("query"))

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The unit vectors of a few passages or sentences, shape (texts, dimensions)."""
        return self._encode(texts, self._prompts(*PASSAGE_PROMPTS))

    def encode_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], Vectors]]:
        """The unit vectors of many passages or sentences, in batches with their texts.

        The longest come first. Texts of similar length share a batch, so that there is little
        padding, and each thread computes a batch of its own.
        """
        prompt = self._prompts(*PASSAGE_PROMPTS)
        counts = self.count_tokens(texts)
        with one_thread_per_batch() as (threads, cores):
            max_tokens = min(BATCH_TOKENS, sum(counts) // cores)  # a few texts: a part per core
            batches = _batches_by_length(texts, counts, max_tokens)
            computed = threads.map(lambda batch: self._encode_batch(batch, prompt), batches)
            for number, pair in enumerate(zip(batches, computed, strict=True), start=1):
                yield pair
                if number % TRIM_INTERVAL == 0:
                    trim_memory()

    def _encode_batch(self, texts: Sequence[str], prompt: str) -> Vectors:
        """As ``SentenceTransformer.encode``, but the lock is free while the model computes."""
        import torch

        model = self._model
        with self._lock:
            features = model.preprocess(list(texts), prompt=prompt)
        with torch.inference_mode():
            return unit_vectors(model(features)["sentence_embedding"].float())

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        if self.encoder:
            return self.encoder.encode([prompt + text for text in texts], self.max_tokens)
        with self._lock:
            vectors = self._model.encode(
                list(texts), prompt=prompt, batch_size=BATCH, show_progress_bar=False
            )
        return unit_vectors(vectors)

    def _prompts(self, *names: str) -> str:
        """The first of the named prompts that the model has. E5 models need theirs."""
        return next((text for name in names if (text := self._own_prompts.get(name))), "")

    @cached_property
    def _own_prompts(self) -> dict[str, str]:
        if not self.encoder:
            return {name: text for name, text in self._model.prompts.items() if text}
        path = PACKED / "config_sentence_transformers.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8"))["prompts"])
        except (OSError, ValueError, KeyError) as error:
            raise unreadable(f"the model in {PACKED}", error) from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """From its file where the model is a directory: loading the model takes seconds."""
        from tokenizers import Tokenizer

        with suppress(OSError, ValueError):
            content = (self._directory / "tokenizer.json").read_text(encoding="utf-8")
            return Tokenizer.from_str(content)
        tokenizer: Tokenizer = self._model.tokenizer.backend_tokenizer
        return tokenizer

    @property
    def _directory(self) -> Path:
        """The model's directory, if it has one."""
        return Path(self._model_name) if self._model_name else PACKED

    @property
    def _model(self) -> SentenceTransformer:
        with self._lock:  # loading a model sets PyTorch's default dtype for all threads
            if self._loaded is None:
                self._loaded = self._load()
                trim_memory()
            return self._loaded

    def _load(self) -> SentenceTransformer:
        dtype = fast_dtype()
        if self.encoder:
            from index.models.transformer import loaded_transformer

            return loaded_transformer(self.encoder, self.max_tokens, dtype)
        return _load_custom(self._model_name, dtype)


def _load_custom(name: str, dtype: torch.dtype) -> SentenceTransformer:
    """A model other than the default one. Raises ModelError where it cannot be loaded."""
    from huggingface_hub.utils import logging as hub_logging
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    hub_logging.set_verbosity(CRITICAL)  # the ModelError reports a failure, once
    try:
        model = SentenceTransformer(name, device="cpu", model_kwargs={"dtype": dtype})
        model.eval()
        _ = model.tokenizer.backend_tokenizer  # only fast tokenizers have it
    except Exception as error:  # each format and each remote has exceptions of its own
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ModelError(
            f"cannot load the embedding model {name!r}: {reason}. "
            "VIRGOLETTE_EMBEDDING_MODEL takes a local directory or the name of a model that "
            "this machine can download, with a fast tokenizer, or nothing for the model that "
            "comes with Virgolette"
        ) from error
    return model


def _batches_by_length(
    texts: Sequence[str], counts: Sequence[int], max_tokens: int
) -> list[list[str]]:
    """The texts, longest first, in batches of ``max_tokens`` padded tokens, or of one text."""
    batches: list[list[str]] = []
    longest = 0
    for count, text in sorted(zip(counts, texts, strict=True), reverse=True):
        if batches and longest * (len(batches[-1]) + 1) <= max_tokens:
            batches[-1].append(text)
        else:
            batches.append([text])
            longest = count
    return batches


def _listing_digest(directory: Path) -> str:
    """A digest of the files' names, sizes and times, by which a replaced model is noticed."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    lines = [f"{p.relative_to(directory)} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
