"""The default embedding model in sentence-transformers, for many texts, out of its packed files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import InputModule
from sentence_transformers.sentence_transformer.modules import Pooling
from transformers import BertConfig, BertModel
from transformers.initialization import no_init_weights

from index.models.encoder import OnnxEncoder
from index.models.weights import DOWN, UP, WORDS, changes, dequantize

CONFIG = "config.json"
MIN_VOCABULARY = 2  # of the table that is replaced: the padding token, 1, has to be in it


def loaded_transformer(
    encoder: OnnxEncoder, max_tokens: int, dtype: torch.dtype
) -> SentenceTransformer:
    """The encoder's model, computing in ``dtype`` on the first ``max_tokens`` tokens of each text.

    Its vectors are not of length 1. Raises ModelError where the packed files are damaged.
    """
    packed = dict(encoder.weights)  # this checks all files, the configuration among them
    config = BertConfig.from_json_file(encoder.packed / CONFIG)
    config.vocab_size = MIN_VOCABULARY
    with no_init_weights():
        bert = BertModel(config, add_pooling_layer=False)
    bert.embeddings.word_embeddings = _PackedWords(packed.pop(WORDS), dtype)
    bert.load_state_dict({name: torch.from_numpy(w) for name, w in whole_weights(packed)})
    modules = [_Encoder(bert, encoder, max_tokens), Pooling(config.hidden_size)]
    return SentenceTransformer(modules=modules, device="cpu").to(dtype).eval()


class _PackedWords(torch.nn.Module):
    """The token embeddings, packed: a text uses few of them."""

    def __init__(self, blocks: NDArray[np.uint8], dtype: torch.dtype) -> None:
        super().__init__()
        self._blocks = blocks
        self._dtype = dtype

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The vectors of tokens of any shape, with one dimension more."""
        rows = dequantize(self._blocks[tokens.reshape(-1).numpy()])
        return torch.from_numpy(rows).to(self._dtype).reshape(*tokens.shape, -1)


class _Encoder(InputModule):
    """The first module of a SentenceTransformer: texts to the vectors of their tokens.

    Source: sentence-transformers' documentation, "Creating Custom Models".
    """

    def __init__(self, bert: BertModel, encoder: OnnxEncoder, max_tokens: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bert = bert
        self._encoder = encoder
        self._max_tokens = max_tokens

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **_: Any
    ) -> dict[str, Any]:
        """Token ids and masks of texts, each of the shape (texts, tokens)."""
        with self._encoder.tokenizer() as tokenizer:
            tokenizer.enable_truncation(self._max_tokens)
            tokenizer.enable_padding(pad_id=self.bert.config.pad_token_id)
            encodings = tokenizer.encode_batch([f"{prompt or ''}{text}" for text in inputs])
        return {
            "input_ids": torch.tensor([encoding.ids for encoding in encodings]),
            "attention_mask": torch.tensor([encoding.attention_mask for encoding in encodings]),
        }

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """The features with the vectors of the tokens, shape (texts, tokens, dimensions)."""
        output = self.bert(features["input_ids"], features["attention_mask"])
        return {**features, "token_embeddings": output.last_hidden_state}

    def save(self, output_path: str, *args: Any, **options: Any) -> None:
        """Refused: ``training.stock.write_stock`` writes the whole model."""
        raise NotImplementedError


def whole_weights(
    packed: Mapping[str, NDArray[Any]],
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The weights by name, in fp32, with the learnt changes added."""
    learnt = dict(changes(packed))
    for name, weight in packed.items():
        if not name.endswith((UP, DOWN)):
            whole = dequantize(weight) if weight.dtype == np.uint8 else weight.astype(np.float32)
            yield name, whole + learnt[name] if name in learnt else whole
