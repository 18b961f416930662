"""Which pictures come when: an epoch's order, cut into batches, and each batch into parts.

A part goes through the network at once, on one device. One device that takes both parts of a batch and two that take
one each see the same parts. This module does not know torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from genie_cli.errors import UsageError

SampleIndex = tuple[int, int]  # an epoch and the number of a picture


@dataclass
class Batches:
    """The parts that one device takes of an epoch, as lists of places.

    Attributes:
        count: pictures.
        batch: of those, in one update; what does not fill a batch is left out, other pictures in each epoch.
        accumulate: parts that a device takes of a batch, one by one.
        device, devices: the number of this device, and how many there are.
        epoch: the one that is next.
    """

    count: int
    batch: int
    accumulate: int
    seed: int
    device: int = 0
    devices: int = 1
    epoch: int = 0

    def __post_init__(self) -> None:
        parts = self.accumulate * self.devices
        if self.batch > self.count:
            raise UsageError(
                f"a batch of {self.batch} is more than the {self.count} training images", "--batch takes fewer"
            )
        if self.batch % parts:
            shared = f"{self.accumulate} parts on {self.devices} device{'s' * (self.devices > 1)}"
            raise UsageError(f"a batch of {self.batch} cannot be cut into {shared}", "change --batch or --accumulate")

    @property
    def updates(self) -> int:
        """Batches of an epoch."""
        return self.count // self.batch

    @property
    def part(self) -> int:
        """Pictures in a part."""
        return self.batch // (self.accumulate * self.devices)

    def __len__(self) -> int:
        return self.updates * self.accumulate

    def __iter__(self) -> Iterator[list[SampleIndex]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.count)
        for update in range(self.updates):
            for turn in range(self.accumulate):
                start = update * self.batch + self.number(turn) * self.part
                yield [(self.epoch, int(number)) for number in order[start : start + self.part]]

    def number(self, turn: int) -> int:
        """The number of this device's part ``turn`` among all parts of a batch."""
        return turn * self.devices + self.device
