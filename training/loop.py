"""The training loop: AdamW, linear warmup and cosine decay to 0, gradient clipping, and a log."""

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Schedule:
    """Length, batch size and learning rate of a training."""

    steps: int
    batch: int
    learning_rate: float
    warm_up: int = 200
    weight_decay: float = 0.01

    def factor(self, step: int) -> float:
        """The factor of the learning rate at ``step``: linear warmup, then half a cosine down to 0."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - self.warm_up) / (self.steps - self.warm_up)))


def fit(
    name: str,
    parameters: Iterable[torch.nn.Parameter],
    compute_loss: Callable[[], torch.Tensor],
    schedule: Schedule,
    log: Path,
    after_step: Callable[[], None] = lambda: None,
    done: Callable[[int], bool] = lambda _: False,
) -> None:
    """Minimize ``compute_loss()``, and write averaged losses and the time to the JSON file ``log``.

    ``done`` is called after each step, and ends the training early if it returns True.
    """
    parameters = list(parameters)
    optimizer = torch.optim.AdamW(
        parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay, betas=(0.9, 0.99)
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.factor)
    started, history, recent = time.monotonic(), [], []
    for step in range(1, schedule.steps + 1):
        loss = compute_loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
        after_step()
        recent.append(loss.item())
        finished = done(step)
        if step % 250 == 0 or finished or step == schedule.steps:
            history.append({"step": step, "loss": round(sum(recent) / len(recent), 4)})
            print(f"{name}: step {step}, loss {history[-1]['loss']}, {time.monotonic() - started:.0f} s", flush=True)
            recent = []
        if finished:
            break
    seconds = round(time.monotonic() - started)
    log.write_text(json.dumps({**asdict(schedule), "seconds": seconds, "history": history}, indent=1) + "\n")
