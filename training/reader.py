"""Train the reader: a question and a passage in, the words that answer out, if any do.

    python -m training.reader train.json.gz --xquad xquad_train.json.gz --squad2 train.json.gz \\
        --news ../shared/data/news

The encoder starts as that of the default embedding model, or as that of a reader (``--start``); the
token embeddings stay fixed, since the two models share them. A linear layer over its states scores
each token as the start and as the end of the answer; the first token stands for "no answer here".
Source: Devlin et al., "BERT" (NAACL 2019), section 4.3.

Each question is read with the passage that answers it, or that tempts where nothing answers, and
with hard negatives: passages of the same collection, near the question and without the answer.
Titles stand before the passages, as in the product, and are no part of any answer. English
questions are read with Italian passages, which is what they meet in an Italian corpus.

The result is the mean of the weights over the last part of the steps (Izmailov et al., "Averaging
Weights Leads to Wider Optima and Better Generalization", UAI 2018). The weights are learnt in fp32,
gradients come from a copy in bf16. The result of a reader that starts from another one is the mean
of the two, which keeps what the other knew (Wortsman et al., "Robust fine-tuning of zero-shot
models", CVPR 2022). A GPU is used where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from index.models.embedder import Embedder
from index.models.runtime import fast_dtype
from index.models.weights import PACKED as MODEL
from index.models.weights import WORDS, checksum
from retrieval.answering.reader import GRAPH, MARKER, PACKED, WEIGHTS, for_pairs
from training.loop import WRITE_INTERVAL, Pace, learn
from training.questions import (
    Candidates,
    Example,
    Text,
    add_sources,
    candidates,
    encyclopedic,
    news,
    news_files,
    sampled,
    written_on_corpus,
    written_on_paragraphs,
)
from training.speed import alike, device, keep_memory, lean_attention
from training.stock import pack, unpack, write_stock

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from transformers import BertForQuestionAnswering

    Weights = dict[str, torch.Tensor]

ROUNDS = 2  # of the questions that are new to the reader; the others have one
ENCYCLOPEDIC = 5000  # questions of SQuAD, drawn at random
AGAIN = 4000  # questions on news that the initial reader has learnt, drawn at random
TEMPTED = 0.5  # of the questions without an answer have a further passage in a round
BATCH = 32
PACE = Pace(1e-4, warm_up=0.05, last=0.1, decay=0.01)
AVERAGED = 0.3  # of the steps, the last ones, over which the weights are averaged
AVERAGE_INTERVAL = 10  # steps from one to the next in the mean
PARTIAL = "partial"  # the folder of intermediate results
SEED = 20261128


def examples_of_round(questions: Sequence[Candidates], rng: random.Random) -> list[Example]:
    """Each question with its own passage, and with one of its negatives."""
    examples = [question.positive for question in questions]
    for question in questions:
        if question.negatives and (question.positive.spans or rng.random() < TEMPTED):
            examples.append(rng.choice(question.negatives))
    rng.shuffle(examples)
    return examples


def batches(examples: Sequence[Example], rng: random.Random) -> Iterator[list[Example]]:
    """Batches of examples of similar length, in a random order."""
    return alike(examples, BATCH, lambda example: example.length, rng)


def encode(tokenizer: Tokenizer, batch: Sequence[Example]) -> dict[str, torch.Tensor]:
    """Token ids, and masks: tokens that are no padding, possible ones, gold starts and gold ends.

    Each has the shape (batch, tokens). Without an answer, the first token is gold.
    """
    import torch

    encodings = tokenizer.encode_batch([(e.question, e.shown) for e in batch])
    allowed, starts, ends = (torch.zeros(len(batch), len(encodings[0])) for _ in range(3))
    for row, (example, encoding) in enumerate(zip(batch, encodings, strict=True)):
        tokens = _passage_tokens(encoding, len(example.shown) - len(example.passage))
        allowed[row, [0, *tokens]] = 1
        answers = [
            [i for i, (start, end) in tokens.items() if start < span.end and end > span.start]
            for span in example.spans
        ]
        for answer in [answer for answer in answers if answer] or [[0]]:  # [] was cut off
            starts[row, answer[0]] = ends[row, answer[-1]] = 1
    tensors = {
        "ids": torch.tensor([e.ids for e in encodings]),
        "real": torch.tensor([e.attention_mask for e in encodings]),
        "allowed": allowed.bool(),
        "starts": starts.bool(),
        "ends": ends.bool(),
    }
    return {name: tensor.to(device()) for name, tensor in tensors.items()}


def _passage_tokens(encoding: Encoding, title: int) -> dict[int, tuple[int, int]]:
    """The tokens of the passage, which follows ``title`` characters, with their spans in it."""
    tokens = zip(encoding.offsets, encoding.sequence_ids, strict=True)
    return {
        i: (start - title, end - title)
        for i, ((start, end), segment) in enumerate(tokens)
        if segment == 1 and end > title
    }


def loss(model: BertForQuestionAnswering, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Minus the log-likelihood of the gold starts and ends; any of several counts."""
    import torch

    out = model(input_ids=batch["ids"], attention_mask=batch["real"])
    total = torch.zeros((), device=device())
    for logits, gold in ((out.start_logits, batch["starts"]), (out.end_logits, batch["ends"])):
        possible = logits.float().masked_fill(~batch["allowed"], -1e4)
        gold_logs = torch.log_softmax(possible, dim=1).masked_fill(~gold, -1e4)
        total = total - torch.logsumexp(gold_logs, dim=1).mean()
    return total / 2


class Masters:
    """The fp32 master weights of a bf16 model, which the optimizer changes, and their mean."""

    def __init__(self, model: BertForQuestionAnswering) -> None:
        self._learnt = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.weights = {n: p.detach().float().clone() for n, p in self._learnt.items()}
        self._sums = {n: weight.double() * 0 for n, weight in self.weights.items()}
        self._counted = 0

    @property
    def parameters(self) -> list[torch.Tensor]:
        """The weights."""
        return list(self.weights.values())

    def take_gradients(self) -> None:
        """Move the model's gradients here."""
        for name, parameter in self._learnt.items():
            if parameter.grad is not None:
                self.weights[name].grad = parameter.grad.float()
                parameter.grad = None

    def give_weights(self) -> None:
        """Have the model compute with the weights as they are now."""
        for name, parameter in self._learnt.items():
            parameter.data.copy_(self.weights[name])

    def average(self) -> None:
        """Add the weights as they are now to the mean."""
        self._counted += 1
        for name, weight in self.weights.items():
            self._sums[name] += weight

    def mean(self) -> Weights:
        """The mean so far, or the weights where there is none."""
        if not self._counted:
            return {name: weight.cpu() for name, weight in self.weights.items()}
        return {n: (total / self._counted).float().cpu() for n, total in self._sums.items()}


def train(
    model: BertForQuestionAnswering,
    tokenizer: Tokenizer,
    examples: Sequence[Example],
    rng: random.Random,
    out: Path,
) -> Weights:
    """Learn from the examples, in their order; the mean of the weights over the last part.

    Intermediate results go below ``out``: an interrupted run leaves something.
    """
    planned = list(batches(examples, rng))
    masters = Masters(model)

    def after(step: int) -> None:
        if step >= (1 - AVERAGED) * len(planned) and step % AVERAGE_INTERVAL == 0:
            masters.average()
        if step % WRITE_INTERVAL == 0:
            write_reader(masters.mean(), out / PARTIAL)

    model.train()
    learn(masters, planned, lambda batch: loss(model, encode(tokenizer, batch)), PACE, after)
    return masters.mean()


def initial_reader(model_dir: Path, start: Path | None) -> BertForQuestionAnswering:
    """The reader in ``start``, or the default model's encoder under an untrained layer."""
    import torch
    from transformers import BertForQuestionAnswering

    torch.manual_seed(SEED)
    model: BertForQuestionAnswering = BertForQuestionAnswering.from_pretrained(
        str(model_dir), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    if start:
        missing = model.load_state_dict(packed_weights(start), strict=False).missing_keys
        assert all(name.endswith(WORDS) for name in missing), missing  # noqa: S101
    if device() == "cpu":
        lean_attention(model)
    model.bert.embeddings.word_embeddings.requires_grad_(False)
    return model.to(device(), torch.bfloat16)


def half_way(weights: Weights, start: Path) -> Weights:
    """The mean of the weights and of those of the reader in ``start``."""
    before = packed_weights(start)
    return {name: (weight + before[name]) / 2 for name, weight in weights.items()}


def packed_weights(folder: Path) -> Weights:
    """A reader's own weights, in fp32."""
    import torch
    from safetensors.torch import load_file

    return unpack(load_file(folder / WEIGHTS), torch.float32)


def write_reader(weights: Weights, out: Path) -> None:
    """Write the weights in eight bits, their checksum, and the graph, which all readers share."""
    from safetensors.torch import save

    packed = {name: weight.contiguous() for name, weight in pack(weights).items()}
    data = save(packed, metadata={"embeddings": checksum(MODEL, learnt=False)})
    out.mkdir(parents=True, exist_ok=True)
    if not out.samefile(PACKED):
        for graph in PACKED.glob(f"{Path(GRAPH).stem}.*"):
            shutil.copy(graph, out)
    (out / WEIGHTS).write_bytes(data)
    (out / MARKER).write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="ascii")


def texts_to_learn(options: argparse.Namespace) -> tuple[list[Text], list[Text]]:
    """Texts with the questions that are met once, and with those that are met in each round."""
    files = news_files(options.news) if options.news else []
    new = [file for file in files if not options.start or file.name in options.new]
    learnt = [file for file in files if file not in new]
    once = sampled(encyclopedic(options), min(ENCYCLOPEDIC, options.limit or ENCYCLOPEDIC))
    repeated = written_on_paragraphs(options.squad) + written_on_corpus()
    if learnt:
        once += sampled(news(options.news, learnt), min(AGAIN, options.limit or AGAIN))
    if new:
        repeated += news(options.news, new)
    return once, sampled(repeated, options.limit)


def main() -> None:
    """Train on the files named on the command line and write the reader."""
    fast_dtype()  # before torch is imported
    from tokenizers import Tokenizer

    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add_sources(parser)
    parser.add_argument("--start", type=Path, help="a folder with a reader to go on from")
    parser.add_argument("--new", nargs="*", default=[], help="files of news it has not learnt")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=PACKED)
    options = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311
    with tempfile.TemporaryDirectory() as work:
        embedder = Embedder()
        once, repeated = (list(candidates(texts, embedder)) for texts in texts_to_learn(options))
        examples = examples_of_round(once, rng)
        for _ in range(options.rounds):
            examples += examples_of_round(repeated, rng)
        rng.shuffle(examples)
        print(f"{len(once)} and {len(repeated)} questions, {len(examples)} examples", flush=True)
        directory = write_stock(Path(work))
        tokenizer = for_pairs(Tokenizer.from_file(str(directory / "tokenizer.json")))
        model = initial_reader(directory, options.start)
        weights = train(model, tokenizer, examples, rng, options.out)
        if options.start:
            weights = half_way(weights, options.start)
        write_reader(weights, options.out)


if __name__ == "__main__":
    main()
