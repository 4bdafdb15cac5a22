"""Train the retriever: the default embedding model, to put questions near their answers.

    python -m training.retriever train.json.gz --xquad xquad_train.json.gz --squad2 train.json.gz \
        --news ../shared/data/news

The model of ``training.embedding_model`` keeps its weights, in four bits. Training learns a
low-rank change of each matrix of its encoder, a file of a few megabytes beside them (LoRA: Hu et
al., ICLR 2022). It draws a question to the passage that answers it and to the sentence in it that
does, each below its article's title, away from those of the other questions of the batch
(Henderson et al., "Efficient Natural Language Response Suggestion", 2017) and from a hard
negative: a passage of the same collection, or another sentence of the same passage, that is near
the question and lacks the answer. It uses a GPU where there is one.
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
from training.loop import WRITE_INTERVAL, Pace, learn
from training.questions import (
    Candidates,
    Example,
    Text,
    add_sources,
    candidates,
    encyclopedic,
    news,
    sampled,
    vectors_of,
)
from training.speed import alike, device, keep_memory, lean_attention
from training.stock import write_stock

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

RANK = 32
SENTENCE_ROUNDS = 2  # over the sentences of news; their passages have one
ENCYCLOPEDIC = 1200  # questions of SQuAD-it, in one round
BATCH = 32
PACE = Pace(3e-4, warm_up=0.1)
SCALE = 50.0  # of cosines in the softmax: E5's own was 100, sentence-transformers' habit is 20
MAX_TOKENS = 256  # of a passage; few are longer, and a batch takes the time of its longest
SEED = 20261126

Triplet = tuple[str, str, str]  # question, answer, negative
Encode = Callable[[Sequence[str], str], "torch.Tensor"]  # texts and the name of a prompt


def passage_triplets(questions: Sequence[Candidates], rng: random.Random) -> Iterator[Triplet]:
    """Each question with its passage and one of the nearest that lack the answer."""
    for question in questions:
        if question.negatives:
            positive, negative = question.positive, rng.choice(question.negatives[:4])
            yield positive.question, positive.shown, negative.shown


def sentence_triplets(questions: Sequence[Candidates], embedder: Embedder) -> Iterator[Triplet]:
    """Each question with the sentence that answers it, and the nearest other one of its passage.

    Only where exactly one sentence of several holds the answer.
    """
    examples = [question.positive for question in questions]
    split = {example.shown: _sentences(example) for example in examples}
    texts = [text for _, passage in split.values() for text in passage]
    vectors = dict(zip(texts, vectors_of(texts, embedder), strict=True))
    queries = embedder.encode_queries([example.question for example in examples])
    for example, query in zip(examples, queries, strict=True):
        spans, shown = split[example.shown]
        answer = example.spans[0]
        right = [s.start <= answer.start and answer.end <= s.end for s in spans]
        if len(shown) > 1 and sum(right) == 1:
            positive = right.index(True)
            cosines = np.array([vectors[text] @ query for text in shown])
            cosines[positive] = -1
            yield example.question, shown[positive], shown[int(cosines.argmax())]


def _sentences(example: Example) -> tuple[list[Span], list[str]]:
    """The sentences of a passage, as spans and as the model sees them."""
    spans = sentences(example.passage)
    return spans, [titled(example.title, example.passage[s.start : s.end]) for s in spans]


class LowRank:
    """Low-rank changes of the matrices of a bf16 encoder, learnt in fp32.

    The encoder computes with whole matrices, changes included; the gradient of each is passed on
    to its two factors.
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
            # As in the paper: one factor is random, the other zero, so that nothing changes yet.
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
    """Batches of triplets of similar length, in a random order; no answer twice in one."""
    shuffled = list(triplets)
    rng.shuffle(shuffled)
    for batch in alike(shuffled, BATCH, lambda triplet: len(triplet[1]), rng):
        # The same answer in another triplet would be a negative.
        yield list({triplet[1]: triplet for triplet in batch}.values())


def loss(encode: Encode, batch: Sequence[Triplet]) -> torch.Tensor:
    """Minus the log-likelihood of each question's answer among all answers and negatives."""
    import torch

    questions, answers, negatives = zip(*batch, strict=True)
    queries, documents = encode(questions, "query"), encode((*answers, *negatives), "document")
    scores = SCALE * queries @ documents.T
    return torch.nn.functional.cross_entropy(scores, torch.arange(len(batch), device=scores.device))


def encoder_of(model: SentenceTransformer) -> Encode:
    """A function from texts to unit vectors, through the model with its prompts."""
    import torch

    def encode(texts: Sequence[str], prompt: str) -> torch.Tensor:
        features = model.preprocess(list(texts), prompt=model.prompts[prompt] or "")
        moved = {k: v.to(device()) if hasattr(v, "to") else v for k, v in features.items()}
        vectors = model(moved)["sentence_embedding"].float()
        return torch.nn.functional.normalize(vectors, dim=1)

    return encode


def train(model: SentenceTransformer, parts: Sequence[Sequence[Triplet]], file: Path) -> None:
    """Learn from batches of all parts, in a random order, and write the changes."""
    import torch

    rng = random.Random(SEED)  # noqa: S311
    torch.manual_seed(SEED)
    encoder: Any = model[0]
    changes = LowRank(encoder.auto_model)
    planned = [batch for part in parts for batch in batches(part, rng)]
    rng.shuffle(planned)

    def after(step: int) -> None:
        if step % WRITE_INTERVAL == 0:  # an interrupted run leaves something
            changes.write(file.with_suffix(".partial"))

    encode = encoder_of(model)
    model.train()
    learn(changes, planned, lambda batch: loss(encode, batch), PACE, after)
    changes.write(file)


def initial_model(model_dir: Path) -> SentenceTransformer:
    """The model in a directory, to be trained in bf16, without dropout."""
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(model_dir),
        device=device(),
        model_kwargs={"add_pooling_layer": False, "dtype": torch.bfloat16},
        config_kwargs={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    )
    model.max_seq_length = MAX_TOKENS
    if device() == "cpu":
        lean_attention(model[0].auto_model)
    return model


def untrained_model(work: Path) -> Path:
    """A stock directory of the default model without its learnt changes."""
    packed = work / "packed"
    shutil.copytree(PACKED, packed, ignore=shutil.ignore_patterns(ADAPTER))
    (packed / MARKER).write_text(checksum(packed) + "\n", encoding="ascii")
    return write_stock(work / "stock", packed)


def mined(texts: Sequence[Text], embedder: Embedder, limit: int | None) -> list[Candidates]:
    """The answered questions on the texts, with their negatives."""
    answered = [replace(t, questions=tuple(q for q in t.questions if q.spans)) for t in texts]
    return list(candidates(sampled(answered, limit), embedder))


def main() -> None:
    """Train on the files named on the command line and write the changes beside the weights."""
    fast_dtype()  # before torch is imported
    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add_sources(parser)
    parser.add_argument("--out", type=Path, default=PACKED, help="a folder with the model")
    options = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311
    with tempfile.TemporaryDirectory() as folder:
        directory = untrained_model(Path(folder))
        embedder = Embedder(str(directory))
        limit = min(ENCYCLOPEDIC, options.limit or ENCYCLOPEDIC)
        on_squad = mined(encyclopedic(options), embedder, limit)
        on_news = mined(news(options.news), embedder, options.limit) if options.news else []
        passages = list(passage_triplets(on_squad + on_news, rng))
        by_sentence = list(sentence_triplets(on_squad + on_news * SENTENCE_ROUNDS, embedder))
        print(f"{len(passages)} passages, {len(by_sentence)} sentences", flush=True)
        train(initial_model(directory), [passages, by_sentence], options.out / ADAPTER)
    (options.out / MARKER).write_text(checksum(options.out) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
