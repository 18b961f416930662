"""How many engines make a run's images, and how fast they are together, for an estimate before there are any."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.config import Model
from genie_cli.devices import all_devices, cores

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Workers:
    """The engines of a run.

    Attributes:
        count: how many; 0: as many as a cluster turns out to have.
        speed: how many times as fast they are together as one that is timed here.
        threads: that each computes with; 0: as many as this process does.
        elsewhere: they are on machines of a cluster.
    """

    count: int = 1
    speed: float = 1
    threads: int = 0
    elsewhere: bool = False

    @classmethod
    def of(cls, model: Model, devices: Sequence[str], device: torch.device) -> Workers:
        """Those of a run with these settings.

        Args:
            devices: of several processes; none: this one makes the images, or a cluster.
            device: of the first.
        """
        from genie_cli.fleet.ray_messages import LOCAL

        on_cpu = device.type == "cpu"
        if model.ray and model.ray != LOCAL:
            return cls(model.workers, model.workers or 1, _threads(1) if on_cpu else 0, elsewhere=True)
        if model.ray:
            gpus = 0 if on_cpu else len(all_devices())
            count = model.workers or gpus or 1
            return cls._on_cpu(count, _threads(1)) if on_cpu else cls(count, min(count, gpus))
        if not devices:
            return cls()
        count = len(devices)
        return cls._on_cpu(count, _threads(cores() // count)) if on_cpu else cls(count, len(set(devices)))

    @classmethod
    def _on_cpu(cls, count: int, threads: int) -> Workers:
        """Workers that share this machine's cores."""
        return cls(count, min(count, max(1.0, cores() / threads)), threads)

    def seconds(self, steps: int, images: int, slots: int, step: float) -> float:
        """How long they take together.

        Args:
            steps, images: of all.
            slots: images in one worker's batch; one that cannot be filled takes no less time.
            step: seconds that a step of such a batch takes where one worker is alone.
        """
        at_once = min(max(1, self.count) * slots, max(1, images))
        return steps / at_once * step * max(1, self.count) / self.speed


def _threads(share: int) -> int:
    """Threads of a worker on a CPU: as many as the environment says, or else its share of the cores."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(said) if said.isdigit() and int(said) else max(1, share)
