"""The training loop: LiVT's Balanced Fine-Tuning, on one device or several (accelerate), killed or not.

Everything random in a step is a function of (seed, update, part), so a training that goes on after the last whole
epoch ends with the weights of one that was never killed. This module does not know where pictures come from, nor the
command line.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from genie_cli.backbones.backbone import Preprocess
from genie_cli.config import LongTail
from genie_cli.devices import choose_device
from genie_cli.errors import ImageError, ModelError, UsageError
from genie_cli.finetune.batches import Batches
from genie_cli.finetune.loss import binary_cross_entropy
from genie_cli.finetune.optimizer import optimizer, rate_at, set_rate
from genie_cli.finetune.pictures import Augmented, Crops, TrainingImage, collate, mix, seed_all
from genie_cli.finetune.state import State

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


@dataclass(frozen=True)
class TrainingSpec:
    """What is learned, and how.

    Attributes:
        bias: (C,), what is added to the logits in training (`loss.prior_logits`); None: nothing.
        seed: of the order, the views, the mixing and stochastic depth.
    """

    pictures: Sequence[TrainingImage]
    preprocess: Preprocess
    crops: Crops
    recipe: LongTail
    bias: Tensor | None
    seed: int


def train(
    network: Any,
    spec: TrainingSpec,
    accelerator: Accelerator,
    state: State,
    on_epoch: Callable[[int, float], None] = lambda *_: None,
) -> None:
    """Train ``network`` in place, on the accelerator's device, from where ``state`` left it.

    Args:
        on_epoch: told after each epoch how many are done, and its mean loss.

    Raises:
        UsageError: the batch does not fit the pictures or the devices.
        OutputError: the state cannot be read or written, or belongs to another training.
        ImageError: a picture is missing, broken or has changed.
        ModelError: the loss is not a number, or a part of a batch does not fit into memory.
    """
    import torch

    recipe = spec.recipe
    batches = batches_of(len(spec.pictures), recipe, spec.seed, accelerator)
    network.to(accelerator.device)
    updates = optimizer(network, recipe)
    done = _resume(state, network, updates, accelerator)
    model, updates = accelerator.prepare(network, updates)
    model.train()
    loader: Any = torch.utils.data.DataLoader(
        Augmented(spec.pictures, spec.preprocess, spec.crops, recipe, spec.seed),  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=collate,
        num_workers=min(recipe.workers, os.cpu_count() or 1),
        pin_memory=accelerator.device.type == "cuda",
    )
    bias = None if spec.bias is None else spec.bias.to(accelerator.device)
    step = _Step(model, updates, accelerator, spec, batches, bias)
    for epoch in range(done, recipe.epochs):
        loss = _epoch(step, loader, epoch)
        if accelerator.is_main_process:
            state.save(_state(epoch + 1, network, updates, accelerator))
        on_epoch(epoch + 1, loss)
    accelerator.wait_for_everyone()
    accelerator.free_memory()  # it would keep the network and AdamW's moments as long as it lives itself


def accelerator_for(recipe: LongTail, device: str) -> Accelerator:
    """accelerate's handle on one device, or under torchrun and accelerate launch on all.

    Raises:
        ModelError: the device is not there.
        UsageError: it cannot train in that precision.
    """
    import torch
    from accelerate import Accelerator
    from accelerate.utils import GradientAccumulationPlugin, InitProcessGroupKwargs

    chosen = choose_device(device)
    cpu = chosen.type == "cpu"
    if cpu and recipe.precision == "float16":
        raise UsageError("--precision float16 needs a GPU", "--precision bfloat16, or float32")
    if chosen.index is not None:
        torch.cuda.set_device(chosen)
    precisions = {"float32": "no", "float16": "fp16", "bfloat16": "bf16", "auto": "no" if cpu else "fp16"}
    return Accelerator(
        cpu=cpu,
        mixed_precision=precisions[recipe.precision],
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=recipe.accumulate),
        # While the first process tests on all test images, the others wait; torchrun sees whether one has died.
        kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=12))],
    )


def batches_of(pictures: int, recipe: LongTail, seed: int, accelerator: Accelerator) -> Batches:
    """How so many pictures are cut into batches here; UsageError if they cannot be."""
    return Batches(
        count=pictures,
        batch=recipe.batch,
        accumulate=recipe.accumulate,
        seed=seed,
        device=accelerator.process_index,
        devices=accelerator.num_processes,
    )


def _epoch(step: _Step, loader: Any, epoch: int) -> float:
    """The mean loss of an epoch."""
    import torch

    step.batches.epoch = epoch
    try:
        loss = float(torch.stack([step(turn, part) for turn, part in enumerate(loader)]).mean())
    except torch.OutOfMemoryError:
        raise ModelError(
            f"{step.batches.part} images at a time do not fit into the memory of {step.accelerator.device}",
            f"cut the batch into more parts: --accumulate {2 * step.batches.accumulate}",
        ) from None
    if math.isnan(loss):
        raise ModelError(
            f"the loss is not a number in epoch {epoch + 1}",
            "try a smaller --base-lr, or --precision float32, with another --out",
        )
    return loss


@dataclass(frozen=True)
class _Step:
    """One part of a batch: forwards, backwards, and after the last part an update."""

    model: Any
    updates: Any
    accelerator: Accelerator
    spec: TrainingSpec
    batches: Batches
    bias: Tensor | None

    def __call__(self, turn: int, pictures: tuple[Tensor, Tensor] | ImageError) -> Tensor:
        """The loss of the part, detached; raises the error if there is one instead of pictures."""
        if isinstance(pictures, ImageError):
            raise pictures
        update, part = divmod(turn, self.batches.accumulate)
        epoch, device, recipe = self.batches.epoch, self.accelerator.device, self.spec.recipe
        seed_all(self.spec.seed, epoch, update, self.batches.number(part))
        images, labels = (tensor.to(device, non_blocking=True) for tensor in pictures)
        images, labels = mix(images, labels, recipe)
        set_rate(self.updates, rate_at(epoch + update / self.batches.updates, recipe))
        with self.accelerator.accumulate(self.model):
            loss = binary_cross_entropy(self.model(images), labels, self.bias)
            self.accelerator.backward(loss)
            self.updates.step()
            self.updates.zero_grad()
        return loss.detach()


def _resume(state: State, network: Any, updates: Any, accelerator: Accelerator) -> int:
    """Put back what was saved, and say how many epochs are done."""
    import torch

    saved = state.load(accelerator.device)
    if accelerator.scaler is not None:  # one for all trainings of a run: each begins as if it were the first
        accelerator.scaler.load_state_dict(saved["scaler"] if saved else torch.amp.GradScaler().state_dict())
    if saved is None:
        return 0
    network.load_state_dict(saved["network"])
    updates.load_state_dict(saved["optimiser"])
    return int(saved["epoch"])


def _state(epoch: int, network: Any, updates: Any, accelerator: Accelerator) -> dict[str, Any]:
    scaler = accelerator.scaler
    return {
        "epoch": epoch,
        "network": network.state_dict(),
        "optimiser": updates.state_dict(),
        "scaler": scaler.state_dict() if scaler is not None else {},
    }
