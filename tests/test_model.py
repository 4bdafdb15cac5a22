"""The model in the tree is the one it claims to be."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from safetensors.torch import load_file as torch_file
from sentence_transformers import SentenceTransformer

from index.articles.article import read_article
from index.errors import ModelError
from index.models.embedder import Embedder
from index.models.encoder import CHECKSUM, GRAPH, OnnxEncoder
from index.models.weights import (
    ADAPTER,
    DOWN,
    MARKER,
    PACKED,
    TOKENIZER,
    UP,
    WEIGHTS,
    changes,
    checksum,
    dequantize,
    packed_checksum,
)
from index.text.sentences import sentences
from tests.conftest import ROOT
from training import graphs as graph
from training.retriever import untrained_model
from training.stock import STOCK, write_stock

pytestmark = pytest.mark.slow

MEGABYTES = 1_000_000


def test_the_graphs_are_those_that_the_script_writes(tmp_path: Path) -> None:
    for path, linear in ((graph.ENCODER, graph.four_bits), (graph.READER, graph.eight_bits)):
        written = tmp_path / path.name
        graph.write(written, linear)
        assert written.read_bytes() == path.read_bytes()
        checksum = written.with_suffix(CHECKSUM).read_text()
        assert checksum == path.with_suffix(CHECKSUM).read_text()


def corpus_sentences() -> list[str]:
    found = []
    for file in sorted((ROOT / "corpus").glob("*.txt")):
        text = read_article(file.read_bytes(), file.name).text
        found += [text[s.start : s.end] for s in sentences(text)]
    return found


def printed(script: str, *arguments: Path) -> str:
    """What Python prints, in a process of its own, that has not computed before."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def test_a_block_of_four_bits_is_read_as_its_layout_says() -> None:
    scale = np.array([0.5], "<f2").view(np.uint8)
    nibbles = np.arange(16, dtype=np.uint8) | (np.arange(15, -1, -1, dtype=np.uint8) << 4)
    block = np.concatenate([scale, nibbles]).reshape(1, 1, 18)
    low = (np.arange(16) - 8) * 0.5
    assert dequantize(block).tolist() == [[*low, *low[::-1]]]


def test_vectors_agree_with_those_of_the_whole_vocabulary(tmp_path: Path) -> None:
    """``data/untrimmed.npy``: the corpus' sentences by ``training.embedding_model --untrimmed``.

    Without what was learnt since.
    """
    embedder = Embedder(str(untrained_model(tmp_path)))
    whole = np.load(Path(__file__).parent / "data" / "untrimmed.npy").astype(np.float32)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    cosines = (embedder.encode_passages(corpus_sentences()) * whole).sum(axis=1)
    assert cosines.min() >= 0.995


def test_what_was_learnt_is_added_to_the_matrices(tmp_path: Path) -> None:
    up, down = np.ones((3, 2), np.float16), np.arange(8, dtype=np.float16).reshape(2, 4)
    save_file({f"matrix{UP}": up, f"matrix{DOWN}": down}, tmp_path / ADAPTER)
    ((name, change),) = changes(load_file(tmp_path / ADAPTER))
    assert name == "matrix" and change.tolist() == [[4, 6, 8, 10]] * 3


def test_what_was_learnt_is_in_the_model_that_is_written(tmp_path: Path) -> None:
    before = load_file(untrained_model(tmp_path / "before") / STOCK)
    name = "encoder.layer.0.attention.self.query.weight"
    packed = tmp_path / "packed"
    shutil.copytree(PACKED, packed)
    learnt = np.full((384, 2), 0.5, np.float16), np.ones((2, 384), np.float16)
    save_file(dict(zip((f"{name}{UP}", f"{name}{DOWN}"), learnt, strict=True)), packed / ADAPTER)
    with pytest.raises(ModelError, match="does not match its checksum"):
        write_stock(tmp_path / "stock", packed)
    (packed / MARKER).write_text(checksum(packed))
    after = load_file(write_stock(tmp_path / "stock", packed) / STOCK)
    assert np.array_equal(after.pop(name), before.pop(name) + np.float32(1))
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[n], before[n]) for n in after)


def test_it_is_written_in_the_type_that_is_asked_for(stock: Path, tmp_path: Path) -> None:
    whole = torch_file(stock / STOCK)
    rounded = torch_file(write_stock(tmp_path, dtype=torch.bfloat16) / STOCK)
    assert whole.keys() == rounded.keys()
    assert all(torch.equal(rounded[name], whole[name].to(torch.bfloat16)) for name in whole)


def test_a_question_needs_no_pytorch_and_little_memory() -> None:
    """Of the token embeddings only what the question's words need is read from the disk."""
    script = (
        "import sys; from pathlib import Path; from index.models.embedder import Embedder\n"
        "Embedder().encode_query('Pyongyang')\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
        "print(Path('/proc/self/status').read_text())"
    )
    told = printed(script)
    assert told.startswith("[]")
    assert int(told.partition("VmHWM:")[2].split()[0]) < 300_000  # kB; 750,000 with PyTorch


def test_onnx_runtime_sends_nothing_to_its_makers(tmp_path: Path) -> None:
    code = "from index.models.embedder import Embedder; Embedder().encode_query('ciao')"
    # It keeps quiet of its own accord where CI is set.
    kept = {n: v for n, v in os.environ.items() if n not in ("CI", "ORT_DISABLE_TELEMETRY")}
    homes = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=kept | homes, check=True)
    assert not [*tmp_path.rglob("*")]  # no identifier of this machine, no list of events


def test_a_question_has_the_vector_that_sentence_transformers_gives_it(
    embedder: Embedder, stock: Path
) -> None:
    texts = [*corpus_sentences()[:10], "Chi?", "parola " * 600]
    model = SentenceTransformer(str(stock), device="cpu", local_files_only=True)
    for kind, encode in (("query", embedder.encode_queries), ("passage", embedder.encode_passages)):
        asked = [f"{kind}: {text}" for text in texts]
        # One by one: in a batch each would be padded to the length of the longest.
        theirs = model.encode(asked, normalize_embeddings=True, batch_size=1)
        assert (encode(texts) * theirs).sum(axis=1).min() > 0.99999


def test_a_damaged_model_answers_nothing(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    shutil.copytree(PACKED, packed)
    (packed / GRAPH).write_bytes((packed / GRAPH).read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"encoder.onnx does not match its checksum: install"):
        OnnxEncoder(packed).encode(["Pyongyang"], 512)
    (packed / TOKENIZER).write_text("{")
    with pytest.raises(ModelError, match="does not match its checksum: install again"):
        OnnxEncoder(packed).encode(["Pyongyang"], 512)
    with (
        pytest.raises(ModelError, match=r"cannot read .*tokenizer.json"),
        OnnxEncoder(packed).tokenizer(),
    ):
        pass


def test_many_texts_have_the_vectors_that_they_have_by_themselves(embedder: Embedder) -> None:
    texts = corpus_sentences()
    batches = list(embedder.encode_batches(texts))
    done = [text for batch, _ in batches for text in batch]
    assert sorted(done) == sorted(texts) and len(batches) > 2
    vectors = np.concatenate([vectors for _, vectors in batches])
    assert (vectors * embedder.encode_passages(done)).sum(axis=1).min() > 0.999
    counts = embedder.count_tokens(done)
    assert counts == sorted(counts, reverse=True)
    assert list(embedder.encode_batches([])) == []


def test_threads_that_computed_alone_leave_the_others_as_they_were(embedder: Embedder) -> None:
    with ThreadPoolExecutor(1) as thread:
        before = thread.submit(torch.get_num_threads).result()
    for _ in embedder.encode_batches(["Il treno.", "Una stazione", "Pyongyang"]):
        pass
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(torch.get_num_threads).result() == before == torch.get_num_threads()


@pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
    reason="PyTorch without oneDNN",
)
def test_what_is_made_ready_for_a_shape_is_not_kept_for_a_thousand_others() -> None:
    """A megabyte for each. oneDNN tells what it makes: it would know the first five again."""
    script = (
        "from index.models.embedder import Embedder\n"
        "list(Embedder().encode_batches(['Pyongyang'])); import torch\n"
        "step = torch.nn.Conv1d(64, 64, 3)  # for which it is used on any CPU\n"
        "with torch.inference_mode(), torch.backends.mkldnn.verbose(2):\n"
        "    for length in (*range(8, 308), *range(8, 13)):\n"
        "        step(torch.zeros(16, 64, length))"
    )
    told = printed(script)
    made = re.findall(r"create:cache_(\w+),cpu,convolution", told)
    assert made == ["miss"] * 305


def test_stock_sentence_transformers_loads_it_from_its_directory(stock: Path) -> None:
    model = SentenceTransformer(str(stock), device="cpu", local_files_only=True)
    assert model.prompts["query"] == "query: " and model.prompts["document"] == "passage: "
    assert model.encode(["Pyongyang"]).shape == (1, 384)


def test_prompts_are_applied(embedder: Embedder, stock: Path) -> None:
    text = "Da dove è partito il treno blindato?"
    as_query, as_passage = embedder.encode_query(text), embedder.encode_passages([text])[0]
    assert float(as_query @ as_passage) < 0.99
    model = SentenceTransformer(str(stock), device="cpu", local_files_only=True)
    by_hand = model.encode([f"query: {text}", f"passage: {text}"], normalize_embeddings=True)
    assert float(as_query @ by_hand[0]) > 0.999 and float(as_passage @ by_hand[1]) > 0.999


def test_the_tree_holds_at_most_40_megabytes_of_model() -> None:
    assert sum(f.stat().st_size for f in PACKED.rglob("*") if f.is_file()) < 40 * MEGABYTES


def test_its_checksum_is_the_one_beside_it_and_in_its_card() -> None:
    assert checksum(PACKED) == packed_checksum()
    assert packed_checksum() in (PACKED / "README.md").read_text(encoding="utf-8")


def test_a_damaged_model_indexes_nothing(tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    shutil.copytree(PACKED, packed)
    weights = packed / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    embedder = Embedder()
    embedder.encoder = OnnxEncoder(packed)
    with pytest.raises(ModelError, match="does not match its checksum: install again"):
        list(embedder.encode_batches(["Pyongyang"]))


def test_a_model_that_is_not_there_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="VIRGOLETTE_EMBEDDING_MODEL takes"):
        Embedder(str(tmp_path)).encode_query("?")
