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
from index.models.encoder import OnnxEncoder
from index.models.runtime import fast_dtype, give_back_memory, lone_threads
from index.models.weights import PACKED, packed_checksum

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    from index.models.encoder import Vectors

BATCH = 16
BATCH_TOKENS = 1024  # of those that many texts are cut into: more is no faster, and takes memory
GIVEN_BACK = 8  # batches: what is freed of them and kept grows by 2 to 10 MB with each
COUNTED = 256  # texts at once: their tokens are in memory together
LONGEST = 512  # tokens, of models that set no limit of their own
QUERIES_KEPT = 64  # the retriever and the weighing of sentences each ask for the same one
# sentence-transformers gives every model an empty "document" prompt, which must not hide the
# one that a model calls otherwise.
PASSAGE_PROMPTS = ("document", "passage", "corpus")


class Embedder:
    """An embedding model, loaded when first used.

    Args:
        model: a sentence-transformers name or path; empty for the model that travels with
            Virgolette.

    Attributes:
        encoder: the default model for a few texts, which needs no PyTorch; None for another one.
    """

    def __init__(self, model: str = "") -> None:
        self._model_name = model
        self._lock = threading.RLock()  # fast tokenizers must not be used by two threads
        self._loaded: SentenceTransformer | None = None
        self.encoder = None if model else OnnxEncoder()
        self._queries = lru_cache(QUERIES_KEPT)(self._encode_query)

    @cached_property
    def fingerprint(self) -> str:
        """What identifies the model and its vectors. Reads no weights."""
        if not self._model_name:
            return f"default:{packed_checksum()}"
        path = Path(self._model_name)
        if not path.is_dir():
            return f"name:{self._model_name}"
        return f"path:{path.resolve()}:{_listing_digest(path)}"

    @property
    def is_default(self) -> bool:
        """Whether it is the model that travels with Virgolette."""
        return not self._model_name

    @cached_property
    def max_tokens(self) -> int:
        """The longest text the model reads whole, in tokens, its prompt and marks included."""
        try:
            config = (self._directory / "sentence_bert_config.json").read_text(encoding="utf-8")
            told = json.loads(config)["max_seq_length"]
        except (OSError, ValueError, KeyError) as error:
            if self.encoder:
                raise _unreadable(error) from error
            with self._lock:
                told = self._model.max_seq_length
        return min(told or LONGEST, LONGEST)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, without prompt and marks. Loads no weights."""
        if not texts:
            return []
        counts: list[int] = []
        with self.tokenizer() as tokenizer:
            for at in range(0, len(texts), COUNTED):
                part = list(texts[at : at + COUNTED])
                encoded = tokenizer.encode_batch_fast(part, add_special_tokens=False)
                counts.extend(map(len, encoded))
        return counts

    @contextmanager
    def tokenizer(self) -> Iterator[Tokenizer]:
        """The model's tokenizer, which neither cuts nor pads, for one thread at a time.

        Whoever has it may make it cut and pad.
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
        """A question's unit vector, shape (dimensions,); it is kept, and can only be read."""
        return self._queries(text)

    def _encode_query(self, text: str) -> Vectors:
        vectors = self.encode_queries([text])
        vectors.setflags(write=False)  # whoever asks again gets the same one
        first: Vectors = vectors[0]
        return first

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """The unit vectors of some questions, shape (texts, dimensions)."""
        return self._encode(texts, self._prompts("query"))

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """The unit vectors of some passages or sentences, shape (texts, dimensions)."""
        return self._encode(texts, self._prompts(*PASSAGE_PROMPTS))

    def encode_batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], Vectors]]:
        """The same of many, the longest first: some texts, and their vectors, at a time.

        Texts of as many tokens are together, so that they are hardly padded, and each thread
        computes a batch of its own.
        """
        prompt = self._prompts(*PASSAGE_PROMPTS)
        counts = self.count_tokens(texts)
        with lone_threads() as (threads, cores):
            most = min(BATCH_TOKENS, sum(counts) // cores)  # of a few texts, each has a part
            batches = _alike(texts, counts, most)
            computed = threads.map(lambda batch: self._encode_batch(batch, prompt), batches)
            for number, told in enumerate(zip(batches, computed, strict=True), start=1):
                yield told
                if number % GIVEN_BACK == 0:
                    give_back_memory()

    def _encode_batch(self, texts: Sequence[str], prompt: str) -> Vectors:
        """What ``encode`` does with a batch, but the lock is free while the model computes."""
        import torch

        from index.models.encoder import unit_vectors

        model = self._model
        with self._lock:
            features = model.preprocess(list(texts), prompt=prompt)
        with torch.inference_mode():
            return unit_vectors(model(features)["sentence_embedding"].float())

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        if self.encoder:
            return self.encoder.encode([prompt + text for text in texts], self.max_tokens)
        from index.models.encoder import unit_vectors  # numpy: a run without changes needs none

        with self._lock:
            vectors = self._model.encode(
                list(texts), prompt=prompt, batch_size=BATCH, show_progress_bar=False
            )
        return unit_vectors(vectors)

    def _prompts(self, *names: str) -> str:
        """The first of the named prompts that the model has. E5 models need theirs."""
        prompts = self._own_prompts
        return next((text for name in names if (text := prompts.get(name))), "")

    @cached_property
    def _own_prompts(self) -> dict[str, str]:
        if not self.encoder:
            return {name: text for name, text in self._model.prompts.items() if text}
        path = PACKED / "config_sentence_transformers.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8"))["prompts"])
        except (OSError, ValueError, KeyError) as error:
            raise _unreadable(error) from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """That of the model's file, or of the model: to measure passages by needs no more of it,
        which takes seconds to load. Models that are no directory have to be.
        """
        from tokenizers import Tokenizer

        with suppress(OSError, ValueError):
            content = (self._directory / "tokenizer.json").read_text(encoding="utf-8")
            return Tokenizer.from_str(content)
        found: Tokenizer = self._model.tokenizer.backend_tokenizer
        return found

    @property
    def _directory(self) -> Path:
        """Where what describes the model is, if it is a directory."""
        return Path(self._model_name) if self._model_name else PACKED

    @property
    def _model(self) -> SentenceTransformer:
        with self._lock:  # what loads a model sets PyTorch's default dtype for all threads
            if self._loaded is None:
                self._loaded = self._load()
                give_back_memory()
            return self._loaded

    def _load(self) -> SentenceTransformer:
        dtype = fast_dtype()
        if self.encoder:
            from index.models.transformer import loaded_transformer

            return loaded_transformer(self.encoder, self.max_tokens, dtype)
        return _load_other(self._model_name, dtype)


def _unreadable(error: Exception) -> ModelError:
    return ModelError(f"cannot read the model in {PACKED}: {error}. Install Virgolette again")


def _load_other(name: str, dtype: torch.dtype) -> SentenceTransformer:
    """A model that is not ours. Raises ModelError where it cannot be loaded."""
    from huggingface_hub.utils import logging as hub_logging
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    hub_logging.set_verbosity(CRITICAL)  # what fails is told once, by ModelError
    try:
        model = SentenceTransformer(name, device="cpu", model_kwargs={"dtype": dtype})
        model.eval()
        _ = model.tokenizer.backend_tokenizer  # which only a fast one has
    except Exception as error:  # each format and each remote has exceptions of its own
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ModelError(
            f"cannot load the embedding model {name!r}: {reason}. "
            "VIRGOLETTE_EMBEDDING_MODEL takes a local directory or the name of a model that "
            "this machine can download, with a fast tokenizer, or nothing for the model that "
            "comes with Virgolette"
        ) from error
    return model


def _alike(texts: Sequence[str], counts: Sequence[int], most: int) -> list[list[str]]:
    """The texts in batches, the longest first, each of ``most`` tokens, or of one text."""
    batches: list[list[str]] = []
    longest = 0
    for count, text in sorted(zip(counts, texts, strict=True), reverse=True):
        if batches and longest * (len(batches[-1]) + 1) <= most:
            batches[-1].append(text)
        else:
            batches.append([text])
            longest = count
    return batches


def _listing_digest(directory: Path) -> str:
    """A digest of the names, sizes and times of the files: notices that a model was replaced."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    lines = [f"{p.relative_to(directory)} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
