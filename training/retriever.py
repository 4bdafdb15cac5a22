"""Train the retriever: the default embedding model, so that questions lie near what answers them.

    python -m training.retriever train.json.gz --xquad xquad_train.json.gz

The model of ``index.model.build`` keeps its weights, in four bits; what is learnt is a low-rank
change of each matrix of its encoder, a file of a few megabytes beside them (LoRA: Hu et al., ICLR
2022). A question is drawn to the passage that answers it and to the sentence in it that does, away
from those of the other questions of the batch (Henderson et al., "Efficient Natural Language
Response Suggestion", 2017) and from a hard negative: a passage of the same article, or
another sentence of the same passage, that is near the question and lacks the answer. A GPU is
used where there is one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from index.embedder import Embedder
from index.model.adapter import DOWN, UP
from index.model.unpack import ADAPTER, MARKER, PACKED, checksum, unpacked_model
from index.precision import fast_dtype
from index.sentences import sentences
from training.questions import Candidates, candidates, trained_on
from training.speed import device, keep_memory, lean_attention

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer

    from index.vectors import Vectors

RANK = 32
ROUNDS = 2
BATCH = 32
LEARNING_RATE = 3e-4
WARM_UP = 0.1  # of the steps
SCALE = 50.0  # of cosines in the softmax: E5's own was 100, sentence-transformers' habit is 20
MOST_TOKENS = 256  # of a passage; few are longer, and all of a batch take the time of its longest
SEED = 20261126

Triplet = tuple[str, str, str]  # question, what answers it, what does not


def passage_triplets(found: Sequence[Candidates], rng: random.Random) -> Iterator[Triplet]:
    """Each question with its passage and one of the nearest that lack the answer."""
    for one in found:
        if one.negatives:
            positive = one.positive
            yield positive.question, positive.passage, rng.choice(one.negatives).passage


def sentence_triplets(
    found: Iterable[Candidates], embedder: Embedder
) -> Iterator[tuple[Candidates, Triplet | None]]:
    """Each question with the sentence that answers it, and the nearest other one beside it."""
    known: dict[str, tuple[list[str], Vectors]] = {}
    for one in found:
        text, span = one.positive.passage, one.positive.spans[0]
        spans = sentences(text)
        if text not in known:
            told = [text[s.start : s.end] for s in spans]
            known[text] = told, embedder.encode_passages(told)
        told, vectors = known[text]
        right = [s.start <= span.start and span.end <= s.end for s in spans]
        triplet = None
        if len(told) > 1 and sum(right) == 1:
            at = right.index(True)
            nearness = vectors @ embedder.encode_query(one.positive.question)
            nearness[at] = -1
            triplet = one.positive.question, told[at], told[int(nearness.argmax())]
        yield one, triplet


def dataset(triplets: Sequence[Triplet]) -> Dataset:
    """The triplets in the form of sentence-transformers' trainer."""
    from datasets import Dataset

    names = ("anchor", "positive", "negative")
    columns = dict(zip(names, map(list, zip(*triplets, strict=True)), strict=True))
    return Dataset.from_dict(columns)


def adapted(model_dir: Path) -> SentenceTransformer:
    """The model in a directory with low-rank changes to learn, and nothing else, and no dropout."""
    from peft import LoraConfig
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(model_dir),
        device=device(),
        model_kwargs={"add_pooling_layer": False},
        config_kwargs={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0},
    )
    model.max_seq_length = MOST_TOKENS
    if device() == "cpu":
        lean_attention(model[0].auto_model)
    model.add_adapter(
        LoraConfig(
            r=RANK,
            lora_alpha=RANK,
            lora_dropout=0.0,
            target_modules=["query", "key", "value", "dense"],
        )
    )
    return model


def train(model: SentenceTransformer, parts: dict[str, Dataset], work: Path) -> None:
    """Train in place, in bfloat16, a batch of one part after a batch of another."""
    from sentence_transformers import SentenceTransformerTrainer
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.sentence_transformer.training_args import (
        BatchSamplers,
        MultiDatasetBatchSamplers,
        SentenceTransformerTrainingArguments,
    )

    asked, told = (model.prompts[name] or "" for name in ("query", "document"))
    prompts = {"anchor": asked, "positive": told, "negative": told}
    SentenceTransformerTrainer(
        model=model,
        train_dataset=parts,
        loss=MultipleNegativesRankingLoss(model, scale=SCALE),
        args=SentenceTransformerTrainingArguments(
            output_dir=str(work),
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=LEARNING_RATE,
            warmup_steps=WARM_UP,
            bf16=True,
            use_cpu=device() == "cpu",
            prompts=prompts,
            batch_sampler=BatchSamplers.NO_DUPLICATES,
            multi_dataset_batch_sampler=MultiDatasetBatchSamplers.PROPORTIONAL,
            seed=SEED,
            logging_steps=10,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
    ).train()


def untrained_model(work: Path) -> Path:
    """The default model as it is without what was learnt before, unpacked."""
    packed = work / "packed"
    shutil.copytree(PACKED, packed, ignore=shutil.ignore_patterns(ADAPTER))
    (packed / MARKER).write_text(checksum(packed) + "\n", encoding="ascii")
    return unpacked_model(work, packed)


def write_adapter(model: SentenceTransformer, file: Path) -> None:
    """Write what was learnt, in half precision."""
    import torch
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    endings = {".lora_B.weight": UP, ".lora_A.weight": DOWN}  # the rank is alpha: no scale
    learnt = {}
    for name, weight in get_peft_model_state_dict(model[0].auto_model).items():
        ending = next(e for e in endings if name.endswith(e))
        matrix = name.removeprefix("base_model.model.").removesuffix(ending) + ".weight"
        learnt[matrix + endings[ending]] = weight.detach().to("cpu", torch.float16).contiguous()
    save_file(learnt, file)


def main() -> None:
    """Train on the files named on the command line and write the change beside the weights."""
    fast_dtype()  # before torch is imported
    keep_memory()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("squad", type=Path)
    parser.add_argument("--xquad", type=Path)
    parser.add_argument("--limit", type=int, help="of the questions, for a trial")
    parser.add_argument("--out", type=Path, default=PACKED, help="a folder with the model")
    told = parser.parse_args()
    rng = random.Random(SEED)  # noqa: S311
    paragraphs = list(trained_on(told.squad, told.xquad))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        directory = untrained_model(work)
        embedder = Embedder(str(directory), work)
        mined = islice(candidates(paragraphs, embedder), told.limit)
        found = list(sentence_triplets(mined, embedder))
        asked = [one for one, _ in found]
        passages = [t for _ in range(ROUNDS) for t in passage_triplets(asked, rng)]
        told_by = [triplet for _, triplet in found if triplet] * ROUNDS
        print(f"{len(passages)} passages, {len(told_by)} sentences", flush=True)
        model = adapted(directory)
        train(model, {"passages": dataset(passages), "sentences": dataset(told_by)}, work)
        write_adapter(model, told.out / ADAPTER)
    (told.out / MARKER).write_text(checksum(told.out) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
