"""The reader: which words of a passage answer a question, if any do.

A BERT encoder with a start and an end for each token (Devlin et al., "BERT", NAACL 2019, section
4.3), trained by ``training.reader``, on onnxruntime. It shares vocabulary and token embeddings with
the default embedding model; the other weights are its own, in eight bits.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.generations.passages import titled
from index.models.encoder import Bert, OnnxEncoder, Weights, mapped
from index.models.runtime import give_way
from index.models.weights import SCALE
from index.text.sentences import Span

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

PACKED = Path(__file__).parent / "model"
GRAPH = "reader.onnx"
WEIGHTS = "weights.q8.safetensors"
MARKER = "SHA256"  # the file with the checksum of the weights
ROWS, OFFSETS = "qa_outputs.weight", "qa_outputs.bias"  # of start and end, over the encoder
MAX_TOKENS = 384  # of question and passage together
MOST_ASKED = 256  # characters of a question, its last ones; none is more than one token
MOST_TOKENS = 50  # of an answer
# Passages that were read, of as many questions as there are cores: those of a question are asked
# for again as more are read.
KEPT = 16 * max(4, os.cpu_count() or 1)
NOT_READ = -20.0  # the score of a sentence that did not fit; no other is lower

# Letters with their marks, "1.500", "nord-orientale": one word each.
_WORD = re.compile(r"[^\W_][\u0300-\u036f]*(?:[.,:-]?[^\W_][\u0300-\u036f]*)*")
_BEFORE, _AFTER = '-−+±$€£“«"‘(', '%°€$”»"’)'  # marks that belong to words or numbers beside them

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """The words of a sentence that answer best, as a span in the passage.

    ``score``: the log-odds of these words against "no words of this passage answer".
    """

    span: Span
    score: float


@dataclass(frozen=True)
class Page:
    """A passage to be read: its article's title, its text, the spans of its sentences in it."""

    title: str
    text: str
    sentences: Sequence[Span]

    @property
    def shown(self) -> str:
        """What is read."""
        return titled(self.title, self.text)


class Reader:
    """The model that travels with Virgolette, loaded when first used.

    Args:
        encoder: the default embedding model, whose tokenizer and token embeddings it shares.
        packed: the directory of the reader's own weights.
    """

    def __init__(self, encoder: OnnxEncoder | None = None, packed: Path = PACKED) -> None:
        self._encoder = encoder or OnnxEncoder()
        self._packed = packed
        self._lock = threading.Lock()  # only one thread loads
        self._scores = lru_cache(KEPT)(self._score)
        # A passage each: side by side they take less time than together on all cores.
        self._threads = ThreadPoolExecutor(os.cpu_count(), "reader", give_way)

    def load(self) -> None:
        """Load the model. Raises ModelError where it is damaged."""
        with self._lock:
            _ = self._loaded

    def read(self, question: str, pages: Sequence[Page]) -> list[list[Reading]]:
        """For each page the reading of each of its sentences.

        Of a long question the end is read. Raises ModelError where the model cannot be loaded.
        """
        if not pages:
            return []
        asked = unicodedata.normalize("NFKC", question)[-MOST_ASKED:]
        self.load()
        shown = [page.shown for page in pages]
        read = list(self._threads.map(partial(self._scores, asked), shown))
        return [_readings(page, *told) for page, told in zip(pages, read, strict=True)]

    def _score(self, question: str, shown: str) -> tuple[Encoding, Scores, Scores]:
        """A passage in tokens, and the scores of these as a start and as an end: (tokens,)."""
        with self._encoder.tokenizer() as tokenizer:
            encoding = for_pairs(tokenizer).encode(question, shown)
        bert, head = self._loaded
        scores = bert.vectors(encoding.ids) @ head[ROWS].T + head[OFFSETS]
        return encoding, scores[:, 0], scores[:, 1]

    @cached_property
    def _loaded(self) -> tuple[Bert, Weights]:
        """The encoder, and the two rows that tell start and end."""
        path = _checked_weights(self._packed)
        try:
            packed = mapped(path)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"cannot read {path}: {error}. Install Virgolette again") from error
        weights = dict(_weights(packed))
        head = {name: weights.pop(name).copy() for name in (ROWS, OFFSETS)}  # the file is let go
        return Bert(self._packed / GRAPH, weights, self._encoder.words), head


def _weights(packed: Weights) -> Iterator[tuple[str, NDArray[Any]]]:
    """The weights as the graph has them: the other way round, and what is not in it in fp32."""
    for name, one in packed.items():
        short = name.removeprefix("bert.")
        scale = packed.get(name + SCALE)
        if scale is None:
            if not name.endswith(SCALE):
                yield short, one
        elif "layer" in name:
            yield short, np.ascontiguousarray(one.T)
            yield short + SCALE, scale.reshape(-1)
        else:
            yield short, one * scale


def for_pairs(tokenizer: Tokenizer) -> Tokenizer:
    """The default model's tokenizer, made ready for questions with passages.

    It cuts what is too long from the passage, and pads to the longest pair.
    """
    tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")  # noqa: S106
    return tokenizer


def _marker(packed: Path) -> str:
    """The checksum that was written when the weights were packed."""
    try:
        return (packed / MARKER).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read the reader in {packed}: {error}") from error


def _checked_weights(packed: Path) -> Path:
    """The file of the weights. Raises ModelError unless they are those that were packed."""
    path = packed / WEIGHTS
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"cannot read the reader in {packed}: {error}") from error
    if found != _marker(packed):
        raise ModelError(
            f"the reader in {packed} does not match its checksum: install Virgolette again"
        )
    return path


def _readings(page: Page, encoding: Encoding, starts: Scores, ends: Scores) -> list[Reading]:
    """The reading of each sentence of one page: the title answers nothing."""
    before = len(page.shown) - len(page.text)
    offsets = [(start - before, end - before) for start, end in encoding.offsets]
    inside = [at for at, segment in enumerate(encoding.sequence_ids) if segment == 1]
    none = float(starts[0] + ends[0])
    found = []
    for sentence in page.sentences:
        tokens = [
            at for at in inside if offsets[at][0] < sentence.end and offsets[at][1] > sentence.start
        ]
        if not tokens:
            found.append(Reading(sentence, NOT_READ))
            continue
        first, last, score = _best(starts[tokens], ends[tokens])
        span = Span(offsets[tokens[first]][0], offsets[tokens[last]][1])
        whole = whole_words(page.text, sentence, span)
        found.append(Reading(whole or sentence, max(score - none, NOT_READ) if whole else NOT_READ))
    return found


def _best(starts: Scores, ends: Scores) -> tuple[int, int, float]:
    """The best first and last token, in order and not too far apart, with their score."""
    scores = starts[:, None] + ends[None, :]
    allowed = np.ones(scores.shape, bool)
    allowed = np.triu(allowed) & np.tril(allowed, MOST_TOKENS - 1)
    first, last = np.unravel_index(np.where(allowed, scores, -np.inf).argmax(), scores.shape)
    return int(first), int(last), float(scores[first, last])


def whole_words(text: str, sentence: Span, span: Span) -> Span | None:
    """The span grown to whole words and numbers of its sentence, without marks around it.

    None where it holds no letter and no digit.
    """
    wanted = Span(max(span.start, sentence.start), min(span.end, sentence.end))
    words = [
        match.span()
        for match in _WORD.finditer(text, sentence.start, sentence.end)
        if match.start() < wanted.end and match.end() > wanted.start
    ]
    if not words:
        return None
    start, end = words[0][0], words[-1][1]
    while wanted.start < start and text[start - 1] in _BEFORE:
        start -= 1
    while end < wanted.end and text[end] in _AFTER:
        end += 1
    return Span(start, end)
