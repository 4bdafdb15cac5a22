"""Train the reader: question and passage in, the words that answer out, or that none do.

    python -m training.reader train.json.gz --xquad xquad_train.json.gz

The encoder begins as that of the default embedding model, whose token embeddings stay as they
are: the two share them. A linear layer over its states gives each token as the start and as the
end of the answer; the first token stands for "no answer here". Source: Devlin et al., "BERT"
(NAACL 2019), section 4.3.

Every question is read with its gold passage and with hard negatives: passages of the same
article, near the question and without the answer. English questions are read with the Italian
passages too: that is what they meet in an Italian corpus.

Several readers are trained, from the same start on the examples in other orders, and the mean of
their weights is written: it is better than they are by themselves and costs no more to ask. Source:
Wortsman et al., "Model soups" (ICML 2022). A GPU is used where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from index.embedder import Embedder
from index.model.unpack import PACKED as MODEL
from index.model.unpack import checksum, unpacked_model
from index.precision import fast_dtype
from index.sentences import Span
from retrieval.model.q8 import pack
from retrieval.reader import EMBEDDINGS, MARKER, PACKED, WEIGHTS, for_pairs
from training.questions import Candidates, Example, candidates, trained_on
from training.speed import device, keep_memory, lean_attention

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from transformers import BertForQuestionAnswering

    Weights = dict[str, torch.Tensor]

READERS = 6
ROUNDS = 3
NEGATIVES = 2  # of a question in a round
DROPOUT = 0.1  # of states, not of attention: that would be slow on a CPU
BATCH = 16
LEARNING_RATE = 1e-4
WARM_UP = 0.1  # of the steps
POOL = 40  # batches whose examples are sorted by length
SEED = 20261125


def examples_of_round(
    number: int, found: Sequence[Candidates], rng: random.Random
) -> list[Example]:
    """Every question with its answer, and with negatives, others in each round."""
    examples = [one.positive for one in found]
    for one in found:
        first = number % max(1, len(one.negatives))
        examples += (one.negatives[first:] + one.negatives[:first])[:NEGATIVES]
    rng.shuffle(examples)
    return examples


def batches(examples: Sequence[Example], rng: random.Random) -> Iterator[list[Example]]:
    """Batches of examples of about one length, in a random order."""
    size = POOL * BATCH
    for start in range(0, len(examples), size):
        pool = sorted(examples[start : start + size], key=lambda e: len(e.question + e.passage))
        cut = [pool[at : at + BATCH] for at in range(0, len(pool), BATCH)]
        rng.shuffle(cut)
        yield from cut


def encode(tokenizer: Tokenizer, batch: Sequence[Example]) -> dict[str, torch.Tensor]:
    """Token ids, and masks of the tokens: real ones, possible ones, gold starts and gold ends.

    Each has the shape (batch, tokens). Where nothing answers, the first token is gold.
    """
    import torch

    encoded = tokenizer.encode_batch([(e.question, e.passage) for e in batch])
    allowed, starts, ends = (torch.zeros(len(batch), len(encoded[0])) for _ in range(3))
    for row, (example, encoding) in enumerate(zip(batch, encoded, strict=True)):
        allowed[row] = torch.tensor([at == 0 or s == 1 for at, s in _segments(encoding)])
        found = [_tokens(encoding, span) for span in example.spans]
        for first, last in [pair for pair in found if pair] or [(0, 0)]:
            starts[row, first] = ends[row, last] = 1
    told = {
        "ids": torch.tensor([e.ids for e in encoded]),
        "real": torch.tensor([e.attention_mask for e in encoded]),
        "allowed": allowed.bool(),
        "starts": starts.bool(),
        "ends": ends.bool(),
    }
    return {name: tensor.to(device()) for name, tensor in told.items()}


def _segments(encoding: Encoding) -> Iterator[tuple[int, int | None]]:
    return enumerate(encoding.sequence_ids)


def _tokens(encoding: Encoding, span: Span) -> tuple[int, int] | None:
    """The first and the last token of a span of the passage, unless it was cut off."""
    offsets = encoding.offsets  # a new list each time
    inside = [
        at
        for at, segment in _segments(encoding)
        if segment == 1 and offsets[at][0] < span.end and offsets[at][1] > span.start
    ]
    return (inside[0], inside[-1]) if inside else None


def loss(model: BertForQuestionAnswering, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Minus the log-likelihood of the gold starts and ends, whichever of several it is."""
    import torch

    with torch.autocast(device(), torch.bfloat16):
        out = model(input_ids=batch["ids"], attention_mask=batch["real"])
    total = torch.zeros((), device=device())
    for logits, gold in ((out.start_logits, batch["starts"]), (out.end_logits, batch["ends"])):
        possible = logits.float().masked_fill(~batch["allowed"], -1e4)
        likely = torch.log_softmax(possible, dim=1).masked_fill(~gold, -1e4)
        total = total - torch.logsumexp(likely, dim=1).mean()
    return total / 2


def train(
    model: BertForQuestionAnswering, tokenizer: Tokenizer, found: list[Candidates], seed: int
) -> None:
    """Train in place: AdamW, a warm-up, then a linear decay to nothing."""
    import torch

    rng = random.Random(seed)  # noqa: S311
    torch.manual_seed(seed)
    planned = [
        batch
        for number in range(ROUNDS)
        for batch in batches(examples_of_round(number + seed, found, rng), rng)
    ]
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, LEARNING_RATE, weight_decay=0.01)
    warm_up = WARM_UP * len(planned)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(step / warm_up, (len(planned) - step) / (len(planned) - warm_up)),
    )
    model.train()
    began, recent = time.monotonic(), 0.0
    for step, batch in enumerate(planned, 1):
        one = loss(model, encode(tokenizer, batch))
        one.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        recent += (one.item() - recent) / min(step, 50)
        if step % 20 == 0:
            seconds = time.monotonic() - began
            print(f"{step}/{len(planned)} loss {recent:.3f} {seconds:.0f} s", flush=True)


def fresh_reader(model_dir: Path) -> BertForQuestionAnswering:
    """The default model's encoder under a new layer of starts and ends, always the same."""
    import torch
    from transformers import BertForQuestionAnswering

    torch.manual_seed(SEED)
    model: BertForQuestionAnswering = BertForQuestionAnswering.from_pretrained(
        str(model_dir), hidden_dropout_prob=DROPOUT, attention_probs_dropout_prob=0.0
    )
    if device() == "cpu":
        lean_attention(model)
    model.bert.embeddings.word_embeddings.requires_grad_(False)
    return model.to(device())


def own_weights(model: BertForQuestionAnswering) -> Weights:
    """The weights by name, but for the token embeddings, which are the embedding model's."""
    weights = model.state_dict().items()
    return {name: weight.detach().cpu() for name, weight in weights if EMBEDDINGS not in name}


def mean(readers: Sequence[Weights]) -> Weights:
    """The mean of each weight."""
    import torch

    return {name: torch.stack([one[name] for one in readers]).mean(0) for name in readers[0]}


def write_reader(weights: Weights, out: Path) -> None:
    """Write the weights in eight bits, and their checksum."""
    from safetensors.torch import save

    packed = {name: weight.contiguous() for name, weight in pack(weights).items()}
    data = save(packed, metadata={"embeddings": checksum(MODEL, learnt=False)})
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS).write_bytes(data)
    (out / MARKER).write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="ascii")


def main() -> None:
    """Train on the files named on the command line and write the reader."""
    fast_dtype()  # before torch is imported
    from tokenizers import Tokenizer

    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--xquad", type=Path)
    parser.add_argument("--limit", type=int, help="of the questions, for a trial")
    parser.add_argument("--readers", type=int, default=READERS, help="whose mean is written")
    parser.add_argument("--out", type=Path, default=PACKED)
    arguments = parser.parse_args()
    paragraphs = list(trained_on(arguments.squad, arguments.xquad))
    with tempfile.TemporaryDirectory() as work:
        embedder = Embedder("", Path(work))
        found = list(islice(candidates(paragraphs, embedder), arguments.limit))
        directory = unpacked_model(Path(work))
        tokenizer = for_pairs(Tokenizer.from_file(str(directory / "tokenizer.json")))
        print(f"{len(found)} questions", flush=True)
        readers: list[Weights] = []
        for number in range(arguments.readers):
            model = fresh_reader(directory)
            train(model, tokenizer, found, SEED + number)
            readers.append(own_weights(model))
            write_reader(mean(readers), arguments.out)  # a run that is cut off leaves some


if __name__ == "__main__":
    main()
