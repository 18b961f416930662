"""The training loop: LiVT's Balanced Fine-Tuning, on one device or several (with accelerate), resumable per epoch.

All randomness of a step is a function of (seed, epoch, optimizer step, micro-batch). A training that resumes after its
last complete epoch therefore ends with the same weights as one that was not interrupted.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from genie_cli.backbones.backbone import Preprocess
from genie_cli.config import LongTail
from genie_cli.data.dataset import Crops
from genie_cli.devices import choose_device, keep_freed_memory
from genie_cli.errors import ImageError, ModelError, UsageError
from genie_cli.finetune.loss import binary_cross_entropy
from genie_cli.finetune.optimizer import build_optimizer, learning_rate_at, set_learning_rate
from genie_cli.finetune.resume import current, resume
from genie_cli.finetune.sampler import MicroBatchSampler
from genie_cli.finetune.state import TrainingState
from genie_cli.finetune.training_images import AugmentedImages, TrainingImage, collate, mix, seed_all

if TYPE_CHECKING:
    from accelerate import Accelerator
    from torch import Tensor


@dataclass(frozen=True)
class TrainingSpec:
    """What to train on, and how.

    Attributes:
        images: the training images.
        preprocess: size, normalization and interpolation.
        crops: random crops and flips.
        recipe: everything else.
        bias: (C,), float32, added to the logits in training (`loss.prior_logits`); None for plain BCE.
        seed: of the order, the augmentations, mixing and stochastic depth.
        epoch_images: see `sampler.MicroBatchSampler`.
    """

    images: Sequence[TrainingImage]
    preprocess: Preprocess
    crops: Crops
    recipe: LongTail
    bias: Tensor | None
    seed: int
    epoch_images: int | None = None


def train(
    network: Any,
    spec: TrainingSpec,
    accelerator: Accelerator,
    state: TrainingState,
    on_epoch: Callable[[int, float], None] = lambda *_: None,
) -> None:
    """Train a network in place, on the accelerator's device, resuming from the saved state if there is one.

    Args:
        network: maps (N, 3, H, W) to logits (N, C).
        spec: images and recipe.
        accelerator: devices and precision; see `accelerator_for`.
        state: where the state is saved after each epoch.
        on_epoch: called after each epoch with the number of finished epochs and the epoch's mean loss.

    Raises:
        UsageError: the batch size does not fit the number of images or devices.
        OutputError: the state cannot be read or written, or belongs to a training with other settings. One that is
            damaged, or does not fit the network, is not used: the training starts again, and ``state`` says so.
        ImageError: an image is missing, damaged, or not the one that was hashed.
        ModelError: the loss is not a number, or a micro-batch does not fit into the device's memory.
    """
    recipe = spec.recipe
    sampler = sampler_for(len(spec.images), recipe, spec.seed, accelerator, spec.epoch_images)
    network.to(accelerator.device)
    optimizer: Any = build_optimizer(network, recipe)
    finished = resume(state, network, optimizer, accelerator, recipe.epochs)
    model, optimizer = accelerator.prepare(network, optimizer)
    model.train()
    epochs = range(finished, recipe.epochs)
    micro_batches = _loaded(spec, sampler, epochs, pin_memory=accelerator.device.type == "cuda")
    bias = None if spec.bias is None else spec.bias.to(accelerator.device)
    step = _MicroBatchStep(model, optimizer, accelerator, spec, sampler, bias)
    for epoch in epochs:
        loss = _epoch(step, epoch, islice(micro_batches, len(sampler)))
        if accelerator.is_main_process:
            state.save(current(epoch + 1, network, optimizer, accelerator))
        on_epoch(epoch + 1, loss)
    accelerator.wait_for_everyone()
    accelerator.free_memory()  # the accelerator outlives this training, and would keep its network and optimizer


def accelerator_for(recipe: LongTail, device: str) -> Accelerator:
    """accelerate's handle for one device, or for all devices under ``torchrun`` or ``accelerate launch``.

    Args:
        recipe: its precision and gradient accumulation steps are used.
        device: see `devices.choose_device`.

    Raises:
        ModelError: the device cannot be used.
        UsageError: it cannot train in this precision.
    """
    import torch
    from accelerate import Accelerator
    from accelerate.utils import GradientAccumulationPlugin, InitProcessGroupKwargs

    chosen = choose_device(device)
    cpu = chosen.type == "cpu"
    if cpu and recipe.precision == "float16":
        raise UsageError("--precision float16 needs a GPU", "use --precision bfloat16 or float32")
    if chosen.type == "cuda" and chosen.index is not None:
        torch.cuda.set_device(chosen)
    if cpu:
        keep_freed_memory()
    precisions = {
        "float32": "no",
        "float16": "fp16",
        "bfloat16": "bf16",
        "auto": "fp16" if chosen.type == "cuda" else "no",
    }
    return Accelerator(
        cpu=cpu,
        mixed_precision=precisions[recipe.precision],
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=recipe.gradient_accumulation_steps),
        # The other processes wait while the first one tests on all test images. torchrun notices if one has died.
        kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=12))],
    )


def sampler_for(
    num_images: int, recipe: LongTail, seed: int, accelerator: Accelerator, epoch_images: int | None = None
) -> MicroBatchSampler:
    """This process's sampler of micro-batches.

    Raises:
        UsageError: the batch size does not fit the number of images or devices.
    """
    return MicroBatchSampler(
        num_images=num_images,
        batch_size=recipe.batch,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        seed=seed,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        epoch_images=epoch_images,
    )


def _loaded(spec: TrainingSpec, sampler: MicroBatchSampler, epochs: range, *, pin_memory: bool) -> Iterator[Any]:
    """The micro-batches of all these epochs: images (N, 3, H, W) and labels (N, C), or an ImageError.

    One loader serves all epochs: its processes are started once, and load the next epoch's first images while the last
    ones of an epoch are trained on, and while its state is saved.
    """
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        AugmentedImages(spec.images, spec.preprocess, spec.crops, spec.recipe, spec.seed),  # type: ignore[arg-type]
        batch_sampler=chain.from_iterable(map(sampler.micro_batches, epochs)),
        collate_fn=collate,
        num_workers=min(spec.recipe.workers, os.cpu_count() or 1),
        pin_memory=pin_memory,
    )
    with _named_workers():
        yield from loader


def _epoch(step: _MicroBatchStep, epoch: int, micro_batches: Iterator[Any]) -> float:
    """Train for one epoch; returns the mean loss."""
    import torch

    try:
        losses = [step(epoch, number, micro_batch) for number, micro_batch in enumerate(micro_batches)]
    except torch.OutOfMemoryError:
        sampler = step.sampler
        raise ModelError(
            f"{sampler.micro_batch_size} images at once do not fit into the memory of {step.accelerator.device}",
            f"use smaller micro-batches: --grad-accum-steps {2 * sampler.gradient_accumulation_steps}",
        ) from None
    loss = float(torch.stack(losses).mean())
    if math.isnan(loss):
        raise ModelError(
            f"the loss is not a number in epoch {epoch + 1}",
            "use a smaller --base-lr, or --precision float32, with another --out",
        )
    return loss


@contextmanager
def _named_workers() -> Iterator[None]:
    """Turn the error of a data loading process that has ended, or cannot start, into a ModelError."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        if not isinstance(error, OSError) and not any("DataLoader worker" in line for line in lines):
            raise
        said = lines[-1] if lines[0].startswith("Caught ") else lines[0]  # it has been through a traceback
        raise ModelError(
            f"a data loading process has failed, or could not be started: {said}",
            "there may be too little memory, or shared memory (/dev/shm): use fewer --num-workers; 0 starts none",
        ) from None


@dataclass(frozen=True)
class _MicroBatchStep:
    """A forward and backward pass of one micro-batch; after the last one of a batch, an optimizer step.

    Attributes:
        bias: as in `TrainingSpec`, on the accelerator's device.
    """

    model: Any
    optimizer: Any
    accelerator: Accelerator
    spec: TrainingSpec
    sampler: MicroBatchSampler
    bias: Tensor | None

    def __call__(self, epoch: int, number: int, micro_batch: tuple[Tensor, Tensor] | ImageError) -> Tensor:
        """Train on a micro-batch; returns its loss, a detached scalar.

        Args:
            epoch: counted from 0.
            number: how many micro-batches came before it in the epoch, on this device.
            micro_batch: images and labels, or the error of reading one of them, which is raised.
        """
        if isinstance(micro_batch, ImageError):
            raise micro_batch
        sampler, recipe = self.sampler, self.spec.recipe
        optimizer_step, accumulation_step = divmod(number, sampler.gradient_accumulation_steps)
        seed_all(self.spec.seed, epoch, optimizer_step, sampler.micro_batch_index(accumulation_step))
        images, labels = (tensor.to(self.accelerator.device, non_blocking=True) for tensor in micro_batch)
        images, labels = mix(images, labels, recipe)
        epochs_done = epoch + optimizer_step / sampler.optimizer_steps
        set_learning_rate(self.optimizer, learning_rate_at(epochs_done, recipe))
        with self.accelerator.accumulate(self.model):
            loss = binary_cross_entropy(self.model(images), labels, self.bias)
            self.accelerator.backward(loss)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return loss.detach()
