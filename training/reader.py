"""Train the reader: question and passage in, the words that answer out, or that none do.

    python -m training.reader train.json.gz --xquad xquad_train.json.gz

The encoder begins as that of the default embedding model, whose token embeddings stay as they
are: the two share them. A linear layer over its states gives each token as the start and as the
end of the answer; the first token stands for "no answer here". Source: Devlin et al., "BERT"
(NAACL 2019), section 4.3.

Every question is read with its gold passage and with a hard negative: a passage of the same
article, near the question and without the answer. English questions are read with the Italian
passages too: that is what they meet in an Italian corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.articles import Article
from index.embedder import Embedder
from index.model.unpack import packed_checksum, unpacked_model
from index.passages import Passage, split_article
from index.precision import fast_dtype
from index.sentences import Span
from retrieval.evaluation.squad import Paragraph, SquadQuestion, read_squad
from retrieval.model.q8 import pack
from retrieval.reader import EMBEDDINGS, MARKER, PACKED, WEIGHTS, pair_tokenizer

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding, Tokenizer
    from transformers import BertForQuestionAnswering

# Articles of the training file that are not learnt: the weights of what the reader says are fitted
# on them, since of what it has learnt by heart it is too sure.
KEPT_BACK = ("it-0", "it-11", "it-24")
ROUNDS = 2
BATCH = 16
LEARNING_RATE = 1e-4
WARM_UP = 0.1  # of the steps
NEGATIVES = 4  # the nearest ones, from which each round takes another
SAVED_EVERY = 250  # steps
POOL = 40  # batches whose examples are sorted by length
SEED = 20261125
OTHER_LANGUAGES = ("en",)  # of XQuAD, beside Italian


@dataclass(frozen=True)
class Example:
    """A question and a passage, with the places of the answer in it: none for a negative."""

    question: str
    passage: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Candidates:
    """A question with the passage that holds its answer, and negatives, nearest first."""

    positive: Example
    negatives: tuple[Example, ...]


def candidates(paragraphs: Sequence[Paragraph], embedder: Embedder) -> Iterator[Candidates]:
    """Each question with its gold passage and the hardest negatives of its article."""
    by_article = defaultdict(list)
    for paragraph in paragraphs:
        by_article[paragraph.article].append(paragraph)
    for article in by_article.values():
        passages = [_passages(paragraph, embedder) for paragraph in article]
        texts = [passage.text for found in passages for passage in found]
        vectors = embedder.encode_passages(texts)
        for paragraph, found in zip(article, passages, strict=True):
            for asked in paragraph.asked:
                positive = _positive(asked, found)
                if positive is None:
                    continue
                nearest = np.argsort(-(vectors @ embedder.encode_query(asked.text).vector))
                answers = {paragraph.text[s.start : s.end].lower() for s in asked.spans}
                others = (texts[at] for at in nearest if texts[at] != positive.passage)
                lacking = [t for t in others if not any(a in t.lower() for a in answers)]
                negatives = tuple(Example(asked.text, t, ()) for t in lacking[:NEGATIVES])
                yield Candidates(positive, negatives)


def _passages(paragraph: Paragraph, embedder: Embedder) -> list[Passage]:
    """The passages that the product would make of a paragraph."""
    article = Article("paragraph.txt", paragraph.text, "", language=paragraph.language)
    return split_article(article, embedder.count_tokens, embedder.max_tokens)


def _positive(asked: SquadQuestion, passages: Sequence[Passage]) -> Example | None:
    """The question with the first passage that holds one of its answers."""
    for passage in passages:
        spans = tuple(
            Span(span.start - passage.start, span.end - passage.start)
            for span in asked.spans
            if passage.start <= span.start and span.end <= passage.end
        )
        if spans:
            return Example(asked.text, passage.text, spans)
    return None


def trained_on(squad: Path, xquad: Path | None) -> Iterator[Paragraph]:
    """What the reader learns from: the Italian paragraphs that are not kept back, asked in
    XQuAD's wordings too, and XQuAD's own paragraphs.
    """
    italian = list(read_squad(squad))
    english = [p for p in read_squad(xquad) if p.language in OTHER_LANGUAGES] if xquad else []
    hidden = {question.id for p in italian if p.article in KEPT_BACK for question in p.asked}
    # SQuAD-it lacks some of XQuAD's questions: articles are told by any that both have.
    kept_back = {p.article for p in english if any(q.id in hidden for q in p.asked)}
    learnt = [p for p in english if p.article not in kept_back]
    yield from learnt
    wordings: dict[str, list[str]] = defaultdict(list)
    for question in (question for paragraph in learnt for question in paragraph.asked):
        wordings[question.id].append(question.text)
    for paragraph in italian:
        if paragraph.article not in KEPT_BACK:
            translated = (
                replace(question, text=wording)
                for question in paragraph.asked
                for wording in wordings[question.id]
            )
            yield replace(paragraph, asked=(*paragraph.asked, *translated))


def examples_of_round(
    number: int, found: Sequence[Candidates], rng: random.Random
) -> list[Example]:
    """Every question with its answer, and with a negative, another one in each round."""
    examples = [one.positive for one in found]
    examples += [one.negatives[number % len(one.negatives)] for one in found if one.negatives]
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
    return {
        "ids": torch.tensor([e.ids for e in encoded]),
        "real": torch.tensor([e.attention_mask for e in encoded]),
        "allowed": allowed.bool(),
        "starts": starts.bool(),
        "ends": ends.bool(),
    }


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

    with torch.autocast("cpu", torch.bfloat16):
        out = model(input_ids=batch["ids"], attention_mask=batch["real"])
    total = torch.zeros(())
    for logits, gold in ((out.start_logits, batch["starts"]), (out.end_logits, batch["ends"])):
        possible = logits.float().masked_fill(~batch["allowed"], -1e4)
        likely = torch.log_softmax(possible, dim=1).masked_fill(~gold, -1e4)
        total = total - torch.logsumexp(likely, dim=1).mean()
    return total / 2


def train(
    model: BertForQuestionAnswering, tokenizer: Tokenizer, found: list[Candidates], out: Path
) -> None:
    """Train in place: AdamW, a warm-up, then a linear decay to nothing.

    The weights are written now and then, so that a run that is cut off leaves some.
    """
    import torch

    rng = random.Random(SEED)  # noqa: S311
    planned = [
        batch
        for number in range(ROUNDS)
        for batch in batches(examples_of_round(number, found, rng), rng)
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
        if step % SAVED_EVERY == 0 or step == len(planned):
            write_reader(model, out)
        if step % 20 == 0:
            seconds = time.monotonic() - began
            print(f"{step}/{len(planned)} loss {recent:.3f} {seconds:.0f} s", flush=True)


def fresh_reader(model_dir: Path) -> BertForQuestionAnswering:
    """The default model's encoder under a new layer of starts and ends, without dropout."""
    import torch
    from transformers import BertForQuestionAnswering

    torch.manual_seed(SEED)
    model: BertForQuestionAnswering = BertForQuestionAnswering.from_pretrained(
        str(model_dir), hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )
    model.bert.embeddings.word_embeddings.requires_grad_(False)
    return model


def write_reader(model: BertForQuestionAnswering, out: Path) -> None:
    """Write the weights, but for the token embeddings, in eight bits, and their checksum."""
    from safetensors.torch import save

    weights = {
        n: weight.detach() for n, weight in model.state_dict().items() if EMBEDDINGS not in n
    }
    packed = {name: weight.contiguous() for name, weight in pack(weights).items()}
    data = save(packed, metadata={"embeddings": packed_checksum()})
    out.mkdir(parents=True, exist_ok=True)
    (out / WEIGHTS).write_bytes(data)
    (out / MARKER).write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="ascii")


def main() -> None:
    """Train on the files named on the command line and write the reader."""
    fast_dtype()  # before torch is imported
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--xquad", type=Path)
    parser.add_argument("--limit", type=int, help="of the questions, for a trial")
    parser.add_argument("--out", type=Path, default=PACKED)
    arguments = parser.parse_args()
    paragraphs = list(trained_on(arguments.squad, arguments.xquad))
    with tempfile.TemporaryDirectory() as work:
        embedder = Embedder("", Path(work))
        found = list(islice(candidates(paragraphs, embedder), arguments.limit))
        directory = unpacked_model(Path(work))
        model, tokenizer = fresh_reader(directory), pair_tokenizer(directory)
    print(f"{len(found)} questions", flush=True)
    train(model, tokenizer, found, arguments.out)


if __name__ == "__main__":
    main()
