"""Train the retriever: the default embedding model, so that questions lie near what answers them.

    python -m training.retriever train.json.gz --xquad xquad_train.json.gz --squad2 train.json.gz \
        --news ../shared/data/news

The model of ``training.embedding_model`` keeps its weights, in four bits; what is learnt is a
low-rank change of each matrix of its encoder, a file of a few megabytes beside them (LoRA: Hu et
al., ICLR 2022). A question is drawn to the passage that answers it and to the sentence in it that
does, each below its article's title, away from those of the other questions of the batch
(Henderson et al., "Efficient Natural Language Response Suggestion", 2017) and from a hard
negative: a passage of the same collection, or another sentence of the same passage, that is near
the question and lacks the answer. A GPU is used where there is one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.generations.passages import titled
from index.models.embedder import Embedder
from index.models.runtime import fast_dtype
from index.models.weights import ADAPTER, DOWN, MARKER, PACKED, UP, checksum
from index.text.sentences import Span, sentences
from training.loop import WRITTEN, Pace, learn
from training.questions import (
    Candidates,
    Example,
    Text,
    add_sources,
    candidates,
    encyclopedic,
    news,
    some_of,
    vectors_of,
)
from training.speed import alike, device, keep_memory, lean_attention
from training.stock import write_stock

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

RANK = 32
SENTENCE_ROUNDS = 2  # of the news, whose passages are met once
ENCYCLOPEDIC = 1200  # questions of SQuAD-it, met once
BATCH = 32
PACE = Pace(3e-4, warm_up=0.1)
SCALE = 50.0  # of cosines in the softmax: E5's own was 100, sentence-transformers' habit is 20
MOST_TOKENS = 256  # of a passage; few are longer, and all of a batch take the time of its longest
SEED = 20261126

Triplet = tuple[str, str, str]  # question, what answers it, what does not
Encode = Callable[[Sequence[str], str], "torch.Tensor"]  # texts and the name of a prompt


def passage_triplets(found: Sequence[Candidates], rng: random.Random) -> Iterator[Triplet]:
    """Each question with its passage and one of the nearest that lack the answer."""
    for one in found:
        if one.negatives:
            positive = one.positive
            yield positive.question, positive.shown, rng.choice(one.negatives[:4]).shown


def sentence_triplets(found: Sequence[Candidates], embedder: Embedder) -> Iterator[Triplet]:
    """Each question with the sentence that answers it, and the nearest other one beside it.

    Where just one sentence holds an answer, and there is another.
    """
    cut = {one.positive.shown: _cut(one.positive) for one in found}
    every = [sentence for _, told in cut.values() for sentence in told]
    vectors = dict(zip(every, vectors_of(every, embedder), strict=True))
    asking = embedder.encode_queries([one.positive.question for one in found])
    for one, query in zip(found, asking, strict=True):
        spans, told = cut[one.positive.shown]
        span = one.positive.spans[0]
        right = [s.start <= span.start and span.end <= s.end for s in spans]
        if len(told) > 1 and sum(right) == 1:
            at = right.index(True)
            nearness = np.array([vectors[sentence] @ query for sentence in told])
            nearness[at] = -1
            yield one.positive.question, told[at], told[int(nearness.argmax())]


def _cut(example: Example) -> tuple[list[Span], list[str]]:
    """The sentences of a passage, and how the model sees them."""
    spans = sentences(example.passage)
    return spans, [titled(example.title, example.passage[s.start : s.end]) for s in spans]


class LowRank:
    """Low-rank changes of the matrices of a bf16 encoder: what is learnt, in fp32.

    The encoder computes with whole matrices, changes included; what they would have to change by
    is handed on to the two factors of each.
    """

    def __init__(self, encoder: torch.nn.Module) -> None:
        import torch

        self._matrices = {
            name: parameter
            for name, parameter in encoder.named_parameters()
            if parameter.dim() == 2 and name.startswith("encoder.")
        }
        for parameter in encoder.parameters():
            parameter.requires_grad_(False)
        self._before = {n: p.detach().float().clone() for n, p in self._matrices.items()}
        self.up, self.down = {}, {}
        for name, parameter in self._matrices.items():
            parameter.requires_grad_(True)
            rows, columns = parameter.shape
            # As in the paper: one factor at random, the other zero, so that nothing is changed yet.
            self.up[name] = torch.zeros(rows, RANK, device=parameter.device)
            noise = torch.randn(RANK, columns, device=parameter.device)
            self.down[name] = noise / columns**0.5

    @property
    def parameters(self) -> list[torch.Tensor]:
        """The factors."""
        return [*self.up.values(), *self.down.values()]

    def take_gradients(self) -> None:
        """Move the encoder's gradients to the factors."""
        for name, parameter in self._matrices.items():
            if parameter.grad is not None:
                whole = parameter.grad.float()
                self.up[name].grad = whole @ self.down[name].T
                self.down[name].grad = self.up[name].T @ whole
                parameter.grad = None

    def give_weights(self) -> None:
        """Have the encoder compute with the changes as they are now."""
        for name, parameter in self._matrices.items():
            parameter.data.copy_(self._before[name] + self.up[name] @ self.down[name])

    def write(self, file: Path) -> None:
        """Write the factors, in half precision."""
        import torch
        from safetensors.torch import save_file

        factors = {}
        for name in self._matrices:
            for ending, factor in ((UP, self.up[name]), (DOWN, self.down[name])):
                factors[name + ending] = factor.detach().to("cpu", torch.float16).contiguous()
        save_file(factors, file)


def batches(triplets: Sequence[Triplet], rng: random.Random) -> Iterator[list[Triplet]]:
    """Batches of triplets of about one length, in a random order; no answer twice in one."""
    left = list(triplets)
    rng.shuffle(left)
    return map(_once, alike(left, BATCH, lambda triplet: len(triplet[1]), rng))


def _once(batch: Sequence[Triplet]) -> list[Triplet]:
    """The triplets without those whose answer another one has, too: it would be a negative."""
    return list({triplet[1]: triplet for triplet in batch}.values())


def loss(encode: Encode, batch: Sequence[Triplet]) -> torch.Tensor:
    """Minus the log-likelihood of each question's answer among all answers and negatives."""
    import torch

    asked, right, wrong = zip(*batch, strict=True)
    queries, documents = encode(asked, "query"), encode((*right, *wrong), "document")
    scores = SCALE * queries @ documents.T
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(batch), device=scores.device))


def encoder_of(model: SentenceTransformer) -> Encode:
    """Texts to unit vectors, through the model with its prompts."""
    import torch

    def encode(texts: Sequence[str], prompt: str) -> torch.Tensor:
        features = model.preprocess(list(texts), prompt=model.prompts[prompt] or "")
        moved = {k: v.to(device()) if hasattr(v, "to") else v for k, v in features.items()}
        vectors = model(moved)["sentence_embedding"].float()
        return torch.nn.functional.normalize(vectors, dim=1)

    return encode


def train(model: SentenceTransformer, parts: Sequence[Sequence[Triplet]], file: Path) -> None:
    """Learn from the parts, a batch of one after a batch of another, and write what is learnt."""
    import torch

    rng = random.Random(SEED)  # noqa: S311
    torch.manual_seed(SEED)
    encoder: Any = model[0]
    changes = LowRank(encoder.auto_model)
    planned = [batch for part in parts for batch in batches(part, rng)]
    rng.shuffle(planned)

    def after(step: int) -> None:
        if step % WRITTEN == 0:  # a run that is cut off leaves something
            changes.write(file.with_suffix(".partial"))

    encode = encoder_of(model)
    model.train()
    learn(changes, planned, lambda batch: loss(encode, batch), PACE, after)
    changes.write(file)


def begun(model_dir: Path) -> SentenceTransformer:
    """The model in a directory, to be trained in bf16, without dropout."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(model_dir),
        device=device(),
        model_kwargs={"add_pooling_layer": False, "dtype": torch.bfloat16},
        config_kwargs={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    )
    model.max_seq_length = MOST_TOKENS
    if device() == "cpu":
        lean_attention(model[0].auto_model)
    return model


def untrained_model(work: Path) -> Path:
    """The default model as it is without what was learnt before, as stock."""
    packed = work / "packed"
    shutil.copytree(PACKED, packed, ignore=shutil.ignore_patterns(ADAPTER))
    (packed / MARKER).write_text(checksum(packed) + "\n", encoding="ascii")
    return write_stock(work / "stock", packed)


def mined(texts: Sequence[Text], embedder: Embedder, limit: int | None) -> list[Candidates]:
    """The questions on the texts that are answered, with their negatives."""
    answered = [replace(t, asked=tuple(q for q in t.asked if q.spans)) for t in texts]
    return list(candidates(some_of(answered, limit), embedder))


def main() -> None:
    """Train on the files named on the command line and write the change beside the weights."""
    fast_dtype()  # before torch is imported
    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add_sources(parser)
    parser.add_argument("--out", type=Path, default=PACKED, help="a folder with the model")
    told = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        directory = untrained_model(work)
        embedder = Embedder(str(directory))
        found = mined(encyclopedic(told), embedder, min(ENCYCLOPEDIC, told.limit or ENCYCLOPEDIC))
        on_news = mined(news(told.news), embedder, told.limit) if told.news else []
        passages = list(passage_triplets(found + on_news, rng))
        told_by = list(sentence_triplets(found + on_news * SENTENCE_ROUNDS, embedder))
        print(f"{len(passages)} passages, {len(told_by)} sentences", flush=True)
        train(begun(directory), [passages, told_by], told.out / ADAPTER)
    (told.out / MARKER).write_text(checksum(told.out) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
