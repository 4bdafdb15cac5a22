"""The training loop of both models: AdamW, a warm-up, then a linear decay."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")

REPORT_INTERVAL = 20  # steps
WRITE_INTERVAL = 200  # steps between two intermediate results
RECENT = 50  # steps whose mean loss is reported


class Learnt(Protocol):
    """Parameters that are learnt in fp32, beside a model that computes with them in bf16."""

    @property
    def parameters(self) -> Sequence[torch.Tensor]:
        """The tensors that the optimizer changes."""

    def take_gradients(self) -> None:
        """Move the model's gradients to the parameters."""

    def give_weights(self) -> None:
        """Have the model compute with the parameters as they are now."""


@dataclass(frozen=True)
class Pace:
    """The learning rate over the steps.

    ``rate``: the highest one; ``warm_up``: the share of the steps until it is reached; ``last``:
    the share of it that is left at the end; ``decay``: AdamW's weight decay.
    """

    rate: float
    warm_up: float
    last: float = 0.0
    decay: float = 0.0

    def at(self, step: int, steps: int) -> float:
        """The share of the highest learning rate at a step, from 0."""
        warm_up = self.warm_up * steps
        left = (steps - step) / (steps - warm_up)
        return min(step / warm_up, self.last + (1 - self.last) * left)


def learn(
    learnt: Learnt,
    batches: Sequence[T],
    loss: Callable[[T], torch.Tensor],
    pace: Pace,
    after: Callable[[int], None],
) -> None:
    """Go once through the batches, in their order; ``after`` gets the number of each step."""
    import torch

    steps = len(batches)
    optimizer = torch.optim.AdamW(learnt.parameters, pace.rate, weight_decay=pace.decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: pace.at(step, steps))
    began, recent = time.monotonic(), 0.0
    for step, batch in enumerate(batches, 1):
        step_loss = loss(batch)
        step_loss.backward()  # type: ignore[no-untyped-call]
        learnt.take_gradients()
        torch.nn.utils.clip_grad_norm_(learnt.parameters, 1.0)
        optimizer.step()
        schedule.step()
        learnt.give_weights()
        after(step)
        recent += (step_loss.item() - recent) / min(step, RECENT)
        if step % REPORT_INTERVAL == 0:
            seconds = time.monotonic() - began
            print(f"{step}/{steps} loss {recent:.3f} {seconds:.0f} s", flush=True)
