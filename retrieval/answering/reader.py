"""The reader: finds the words of a passage that answer a question, if any do.

A BERT encoder that scores each token as a start and as an end (Devlin et al., "BERT", NAACL 2019,
section 4.3), trained by ``training.reader``, on onnxruntime. It shares vocabulary and token
embeddings with the default embedding model; the other weights are its own, in eight bits.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.generations.passages import titled
from index.models.encoder import Bert, OnnxEncoder, Tensors, mapped
from index.models.runtime import lower_priority
from index.models.weights import SCALE
from index.text.clean import INVISIBLE
from index.text.sentences import Span

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

PACKED = Path(__file__).parent / "model"
GRAPH = "reader.onnx"
WEIGHTS = "weights.q8.safetensors"
MARKER = "SHA256"  # the file with the checksum of the weights
HEAD_WEIGHT, HEAD_BIAS = "qa_outputs.weight", "qa_outputs.bias"  # of start and end
MAX_TOKENS = 384  # of question and passage together
MAX_QUESTION_LENGTH = 256  # characters, the last ones; each is at most one token
MAX_ANSWER_TOKENS = 50
# Scored passages that are cached, for as many questions as there are cores: a question asks for its
# passages again as more are read.
CACHE_SIZE = 16 * max(4, os.cpu_count() or 1)
NOT_READ = -20.0  # the score of a sentence that did not fit; no other is lower

# Letters with combining marks and what is invisible, "1.500", "nord-orientale": one word each.
_JOINED = rf"[\u0300-\u036f{INVISIBLE}]*"
_WORD = re.compile(rf"[^\W_]{_JOINED}(?:[.,:-]?[^\W_]{_JOINED})*")
_BEFORE, _AFTER = '-−+±$€£“«"‘(', '%°€$”»"’)'  # marks that belong to a word or number
_OPENERS = {"”": "“", "»": "«", ")": "("}  # by the mark that closes what they open

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """The words of a sentence that answer best, as a span in the passage.

    ``score``: their log-odds against "no words of this passage answer"; ``rival``: those of the
    best other words of the passage.
    """

    span: Span
    score: float
    rival: float = NOT_READ


@dataclass(frozen=True)
class Page:
    """A passage to read: its article's title, its text, the spans of its sentences in it."""

    title: str
    text: str
    sentences: Sequence[Span]

    @property
    def shown(self) -> str:
        """The text that the model sees."""
        return titled(self.title, self.text)


class Reader:
    """The model that ships with Virgolette, loaded when first used.

    Args:
        encoder: the default embedding model, whose tokenizer and token embeddings it shares.
        packed: the directory of the reader's own weights.
    """

    def __init__(self, encoder: OnnxEncoder | None = None, packed: Path = PACKED) -> None:
        self._encoder = encoder or OnnxEncoder()
        self._packed = packed
        self._lock = threading.Lock()  # only one thread loads
        self._scores = lru_cache(CACHE_SIZE)(self._score)
        # One passage per thread takes less time than one after the other on all cores.
        self._threads = ThreadPoolExecutor(os.cpu_count(), "reader", lower_priority)

    def load(self) -> None:
        """Load the model. Raises ModelError if it is damaged."""
        with self._lock:
            _ = self._loaded

    def read(self, question: str, pages: Sequence[Page]) -> list[list[Reading]]:
        """The reading of each sentence of each page.

        Only the end of a long question is read. Raises ModelError if the model cannot be loaded.
        """
        if not pages:
            return []
        question = unicodedata.normalize("NFKC", question)[-MAX_QUESTION_LENGTH:]
        self.load()
        texts = [page.shown for page in pages]
        scores = list(self._threads.map(partial(self._scores, question), texts))
        return [_readings(page, *scored) for page, scored in zip(pages, scores, strict=True)]

    def _score(self, question: str, shown: str) -> tuple[Encoding, Scores, Scores]:
        """A passage in tokens, and their scores as a start and as an end, shape (tokens,) each."""
        with self._encoder.tokenizer() as tokenizer:
            encoding = for_pairs(tokenizer).encode(question, shown)
        bert, head = self._loaded
        scores = bert.vectors(encoding.ids) @ head[HEAD_WEIGHT].T + head[HEAD_BIAS]
        return encoding, scores[:, 0], scores[:, 1]

    @cached_property
    def _loaded(self) -> tuple[Bert, Tensors]:
        """The encoder, and the head that scores start and end."""
        path = _checked_weights(self._packed)
        try:
            packed = mapped(path)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"cannot read {path}: {error}. Install Virgolette again") from error
        weights = dict(_weights(packed))
        # Copies do not keep the file mapped.
        head = {name: weights.pop(name).copy() for name in (HEAD_WEIGHT, HEAD_BIAS)}
        return Bert(self._packed / GRAPH, weights, self._encoder.words), head


def _weights(packed: Tensors) -> Iterator[tuple[str, NDArray[Any]]]:
    """The weights as the graph needs them: transposed; those outside the graph in fp32."""
    for name, values in packed.items():
        short = name.removeprefix("bert.")
        scale = packed.get(name + SCALE)
        if scale is None:
            if not name.endswith(SCALE):
                yield short, values
        elif "layer" in name:
            yield short, np.ascontiguousarray(values.T)
            yield short + SCALE, scale.reshape(-1)
        else:
            yield short, values * scale


def for_pairs(tokenizer: Tokenizer) -> Tokenizer:
    """Set up the default model's tokenizer for pairs of a question and a passage.

    It truncates the passage, and pads to the longest pair.
    """
    tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")  # noqa: S106
    return tokenizer


def _checked_weights(packed: Path) -> Path:
    """The file of the weights. Raises ModelError unless it matches its checksum."""
    path = packed / WEIGHTS
    try:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        expected = (packed / MARKER).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read the reader in {packed}: {error}") from error
    if actual != expected:
        raise ModelError(
            f"the reader in {packed} does not match its checksum: install Virgolette again"
        )
    return path


def _readings(page: Page, encoding: Encoding, starts: Scores, ends: Scores) -> list[Reading]:
    """The reading of each sentence of one page; the title answers nothing."""
    before = len(page.shown) - len(page.text)
    offsets = [Span(start - before, end - before) for start, end in encoding.offsets]
    in_passage = [token for token, segment in enumerate(encoding.sequence_ids) if segment == 1]
    no_answer = float(starts[0] + ends[0])
    readings, others = [], []
    for sentence in page.sentences:
        tokens = [t for t in in_passage if _overlap(offsets[t], sentence)]
        answer, score, other = None, NOT_READ, NOT_READ
        if tokens:
            first, last, score = _best(starts[tokens], ends[tokens])
            outside = tokens[:first], tokens[last + 1 :]
            other = max(_best(starts[part], ends[part])[2] for part in outside)
            span = Span(offsets[tokens[first]].start, offsets[tokens[last]].end)
            answer = whole_words(page.text, sentence, span)
        score = max(score - no_answer, NOT_READ) if answer else NOT_READ
        others.append(max(other - no_answer, NOT_READ))
        readings.append(Reading(answer or sentence, score))
    rivals = _rivals(readings, others)
    return [replace(one, rival=rival) for one, rival in zip(readings, rivals, strict=True)]


def _rivals(readings: Sequence[Reading], others: Sequence[float]) -> list[float]:
    """For each sentence, the best score of other words: ``others`` in it, or another sentence's."""
    scores = sorted((reading.score for reading in readings), reverse=True)
    return [
        max(other, *(scores[1:2] if reading.score == scores[0] else scores[:1]), NOT_READ)
        for reading, other in zip(readings, others, strict=True)
    ]


def _best(starts: Scores, ends: Scores) -> tuple[int, int, float]:
    """The best first and last token, in order and not too far apart, and their score."""
    if not len(starts):
        return 0, 0, NOT_READ
    scores = starts[:, None] + ends[None, :]
    pairs = np.ones(scores.shape, bool)
    allowed = np.triu(pairs) & np.tril(pairs, MAX_ANSWER_TOKENS - 1)
    first, last = np.unravel_index(np.where(allowed, scores, -np.inf).argmax(), scores.shape)
    return int(first), int(last), float(scores[first, last])


def whole_words(text: str, sentence: Span, span: Span) -> Span | None:
    """The span extended to whole words and numbers of its sentence, without marks around it.

    None if it holds no letter and no digit.
    """
    inside = Span(max(span.start, sentence.start), min(span.end, sentence.end))
    words = [Span(*m.span()) for m in _WORD.finditer(text, sentence.start, sentence.end)]
    words = [word for word in words if _overlap(word, inside)]
    if not words:
        return None
    start, end = words[0].start, words[-1].end
    while inside.start < start and text[start - 1] in _BEFORE:
        start -= 1
    while end < inside.end and text[end] in _AFTER:
        end += 1
    closing = text[end : min(end + 1, sentence.end)]
    opening = _OPENERS.get(closing)
    if opening and text[start:end].count(opening) > text[start:end].count(closing):
        end += 1
    return Span(start, end)


def _overlap(span: Span, other: Span) -> bool:
    return span.start < other.end and span.end > other.start
