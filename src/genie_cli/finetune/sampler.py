"""Which images each device trains on, and when: an epoch's order, divided into batches and micro-batches.

A batch is what one optimizer step learns from. It is divided into micro-batches, each of which goes through the network
at once, on one device. Two devices with one micro-batch each see the same micro-batches as one device that accumulates
the gradients of two. Does not import torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np

from genie_cli.errors import UsageError

SampleIndex = tuple[int, int]  # which pass through the images, and the index of an image


@dataclass(frozen=True)
class MicroBatchSampler:
    """The micro-batches of one device, epoch by epoch.

    Attributes:
        num_images: training images.
        batch_size: images per optimizer step, over all devices.
        gradient_accumulation_steps: micro-batches per batch and device.
        seed: of the order.
        rank: index of this device.
        world_size: number of devices.
        epoch_images: if set, an epoch has as many optimizer steps as one of this many images would have. Passes through
            the images, each in a new order, then follow each other without regard to epochs, so that each image is
            seen equally often. Else an epoch is one pass: images that do not fill a batch are left out of it; which
            ones differs from epoch to epoch.

    Raises:
        UsageError: a batch is larger than the data set, or cannot be divided evenly.
    """

    num_images: int
    batch_size: int
    gradient_accumulation_steps: int
    seed: int
    rank: int = 0
    world_size: int = 1
    epoch_images: int | None = None

    def __post_init__(self) -> None:
        if self.batch_size > self.num_images:
            raise UsageError(
                f"a batch of {self.batch_size} is more than the {self.num_images} training images",
                "use a smaller --batch",
            )
        if self.batch_size % (self.gradient_accumulation_steps * self.world_size):
            devices = f"{self.world_size} device{'s' * (self.world_size > 1)}"
            raise UsageError(
                f"a batch of {self.batch_size} cannot be split into {self.gradient_accumulation_steps} micro-batches "
                f"on {devices}",
                "change --batch or --grad-accum-steps",
            )

    @property
    def optimizer_steps(self) -> int:
        """Optimizer steps per epoch."""
        return (self.epoch_images or self.num_images) // self.batch_size

    @property
    def micro_batch_size(self) -> int:
        """Images in a micro-batch."""
        return self.batch_size // (self.gradient_accumulation_steps * self.world_size)

    def __len__(self) -> int:
        """Micro-batches per epoch."""
        return self.optimizer_steps * self.gradient_accumulation_steps

    def micro_batches(self, epoch: int) -> Iterator[list[SampleIndex]]:
        """The micro-batches of an epoch, which is counted from 0."""
        samples = self._samples(epoch)
        for _ in range(self.optimizer_steps):
            batch = list(islice(samples, self.batch_size))
            for accumulation_step in range(self.gradient_accumulation_steps):
                start = self.micro_batch_index(accumulation_step) * self.micro_batch_size
                yield batch[start : start + self.micro_batch_size]

    def _samples(self, epoch: int) -> Iterator[SampleIndex]:
        """All samples from the first of the epoch on, for all devices; endless."""
        first = epoch, 0
        if self.epoch_images:
            first = divmod(epoch * self.optimizer_steps * self.batch_size, self.num_images)
        for number in count(first[0]):
            order = np.random.default_rng([self.seed, number]).permutation(self.num_images)
            skipped = first[1] if number == first[0] else 0
            yield from ((number, int(index)) for index in order[skipped:])

    def micro_batch_index(self, accumulation_step: int) -> int:
        """Index of this device's micro-batch among all micro-batches of a batch."""
        return accumulation_step * self.world_size + self.rank
