"""The reader: which words of a passage answer a question, if any do.

A BERT encoder with a start and an end for each token (Devlin et al., "BERT", NAACL 2019, section
4.3), trained by ``training.reader``. It shares vocabulary and token embeddings with the default
embedding model; the other weights are its own, in eight bits.
"""

from __future__ import annotations

import hashlib
import re
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.embedder import Embedder
from index.errors import ModelError
from index.model.unpack import PACKED as MODEL
from index.model.unpack import made_once
from index.passages import titled
from index.sentences import Span

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from transformers import BertForQuestionAnswering

PACKED = Path(__file__).parent / "model"
WEIGHTS = "weights.q8.safetensors"
UNPACKED = "model.safetensors"
MARKER = "SHA256"  # the file with the checksum of the weights
EMBEDDINGS = "embeddings.word_embeddings.weight"  # in the default model's file
MAX_TOKENS = 384  # of question and passage together
MOST_ASKED = 256  # characters of a question, its last ones; none is more than one token
MOST_TOKENS = 50  # of an answer
KEPT = 64  # passages that were read: those of a question are asked for again as more are read
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
        models_dir: where the reader and the default embedding model are unpacked, once.
        packed: the directory of the reader's own weights.
        embedder: who has the default embedding model loaded, and shares its tokenizer and its
            token embeddings, which are more than half of the reader. Else it is loaded here, too.
    """

    def __init__(
        self, models_dir: Path, packed: Path = PACKED, embedder: Embedder | None = None
    ) -> None:
        given = embedder if embedder and embedder.is_default else None
        self._models_dir = models_dir
        self._embedder = given or Embedder("", models_dir)
        self._packed = packed
        self._lock = threading.Lock()  # only one thread loads
        self._scores = lru_cache(KEPT)(self._score)

    def check(self) -> None:
        """Raise ModelError unless the packed weights are what they were when they were packed."""
        _checked_weights(self._packed)

    def load(self) -> None:
        """Load the model, which takes a second. Raises ModelError where it is damaged."""
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
        # Each by itself: in bf16 a batch gives other scores, and what is answered would depend on
        # what else is read. Two threads side by side take less time than one batch of both.
        with self._embedder.cores.part():
            shown = [page.shown for page in pages]
            read = list(self._embedder.cores.lone.map(partial(self._scores, asked), shown))
        return [_readings(page, *told) for page, told in zip(pages, read, strict=True)]

    def _score(self, question: str, shown: str) -> tuple[Encoding, Scores, Scores]:
        """A passage in tokens, and the scores of these as a start and as an end: (tokens,)."""
        import torch

        with self._embedder.tokenizer() as tokenizer:
            encoding = for_pairs(tokenizer).encode(question, shown)
        with torch.inference_mode():
            out = self._loaded(
                input_ids=torch.tensor([encoding.ids]),
                attention_mask=torch.tensor([encoding.attention_mask]),
            )
        starts, ends = (scores[0].float().numpy() for scores in (out.start_logits, out.end_logits))
        return encoding, starts, ends

    @cached_property
    def _loaded(self) -> BertForQuestionAnswering:
        shared = self._embedder.token_embeddings
        unpacked = self._unpacked(shared.dtype)
        try:
            return _model(unpacked, shared)
        except Exception as error:  # each of three formats has exceptions of its own
            raise ModelError(
                f"cannot load the reader: {error}. Run virgolette doctor --repair"
            ) from error

    def _unpacked(self, dtype: torch.dtype) -> Path:
        """The directory of the weights in ``dtype``, made on first use."""

        def write(work: Path) -> None:
            _unpack(self._packed, work, dtype)

        return made_once(self._models_dir, "reader", _marker(self._packed), dtype, write)


def _unpack(packed: Path, target: Path, dtype: torch.dtype) -> None:
    """Write the weights in ``dtype``. Raises ModelError unless they are those that were packed."""
    from safetensors.torch import load, save_file

    from retrieval.model.q8 import unpack

    save_file(unpack(load(_checked_weights(packed)), dtype), target / UNPACKED)


def _model(unpacked: Path, shared: torch.nn.Parameter) -> BertForQuestionAnswering:
    """The unpacked weights, mapped, with the token embeddings of the default model."""
    from safetensors.torch import load_file
    from transformers import BertConfig, BertForQuestionAnswering
    from transformers.utils import logging

    logging.disable_progress_bar()
    weights = load_file(unpacked / UNPACKED)
    # In the place of what is shared: the loader reads what it is given, and that is on the disk.
    weights[f"bert.{EMBEDDINGS}"] = shared.new_zeros(()).expand_as(shared)
    config = BertConfig.from_json_file(MODEL / "config.json")
    model = BertForQuestionAnswering.from_pretrained(
        None, config=config, state_dict=weights, dtype=shared.dtype
    )
    model.get_input_embeddings().weight = shared
    return model.eval()


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


def _checked_weights(packed: Path) -> bytes:
    """The bytes of the weights. Raises ModelError unless they are those that were packed."""
    try:
        data = (packed / WEIGHTS).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the reader in {packed}: {error}") from error
    if hashlib.sha256(data).hexdigest() != _marker(packed):
        raise ModelError(
            f"the reader in {packed} does not match its checksum: install Virgolette again"
        )
    return data


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
