"""The default embedding model in sentence-transformers, for many texts, out of its packed files.

``write_stock`` writes the same as a directory that sentence-transformers and transformers load by
themselves: to be trained further, and to be compared with.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel
from transformers.initialization import no_init_weights

from index.models.encoder import OnnxEncoder
from index.models.weights import DOWN, PACKED, UP, WORDS, changes, dequantize

CONFIG = "config.json"
STOCK = "model.safetensors"
FEWEST = 2  # words of a vocabulary, the one for padding among them

Weights = Mapping[str, NDArray[Any]]


def loaded_transformer(encoder: OnnxEncoder, most: int, dtype: torch.dtype) -> SentenceTransformer:
    """The model of an encoder, to be computed with in ``dtype``, of ``most`` tokens of each text.

    Its vectors are not of length 1. Raises ModelError where the packed files are damaged.
    """
    packed = encoder.weights  # which are checked, with all files beside them
    config = BertConfig.from_json_file(encoder.packed / CONFIG)
    config.vocab_size = FEWEST
    with no_init_weights():
        bert = BertModel(config, add_pooling_layer=False)
    bert.embeddings.word_embeddings = _PackedWords(packed[WORDS], dtype)
    rest = {name: one for name, one in packed.items() if name != WORDS}
    bert.load_state_dict({name: torch.from_numpy(one) for name, one in _whole(rest)})
    parts = [_Encoder(bert, encoder, most), Pooling(config.hidden_size)]
    return SentenceTransformer(modules=parts, device="cpu").to(dtype).eval()


class _PackedWords(torch.nn.Module):
    """The token embeddings, packed: a text has few of all words."""

    def __init__(self, blocks: NDArray[np.uint8], dtype: torch.dtype) -> None:
        super().__init__()
        self._blocks = blocks
        self._dtype = dtype

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The vectors of tokens of any shape, with one dimension more."""
        rows = dequantize(self._blocks[tokens.reshape(-1).numpy()])
        return torch.from_numpy(rows).to(self._dtype).reshape(*tokens.shape, -1)


class _Encoder(InputModule):
    """The first part of a SentenceTransformer: texts to the vectors of their tokens.

    Source: sentence-transformers' documentation, "Creating Custom Models".
    """

    def __init__(self, bert: BertModel, encoder: OnnxEncoder, most: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bert = bert
        self._encoder = encoder
        self._most = most

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **_: Any
    ) -> dict[str, Any]:
        """Token ids and masks of texts, each of the shape (texts, tokens)."""
        with self._encoder.tokenizer() as tokenizer:
            tokenizer.enable_truncation(self._most)
            tokenizer.enable_padding(pad_id=self.bert.config.pad_token_id)
            encoded = tokenizer.encode_batch([f"{prompt or ''}{text}" for text in inputs])
        return {
            "input_ids": torch.tensor([one.ids for one in encoded]),
            "attention_mask": torch.tensor([one.attention_mask for one in encoded]),
        }

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The features with the vectors of the tokens, shape (texts, tokens, dimensions)."""
        computed = self.bert(features["input_ids"], features["attention_mask"])
        return {**features, "token_embeddings": computed.last_hidden_state}

    def save(self, output_path: str, *args: Any, **options: Any) -> None:
        """Refused: ``write_stock`` writes it whole."""
        raise NotImplementedError


def write_stock(directory: Path, packed: Path = PACKED, dtype: torch.dtype = torch.float32) -> Path:
    """Write the model in ``dtype`` into a directory, with the vocabulary's vectors; the directory.

    Raises ModelError where the packed files are damaged.
    """
    whole = _whole(OnnxEncoder(packed).weights)
    for path in packed.rglob("*.json"):
        copy = directory / path.relative_to(packed)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    weights = {name: torch.from_numpy(one).to(dtype) for name, one in whole}
    save_file(weights, directory / STOCK, metadata={"format": "pt"})
    return directory


def _whole(weights: Weights) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The weights by name, in fp32, with what was learnt."""
    learnt = dict(changes(weights))
    for name, one in weights.items():
        if not name.endswith((UP, DOWN)):
            told = dequantize(one) if one.dtype == np.uint8 else one.astype(np.float32)
            yield name, told + learnt[name] if name in learnt else told
