"""The engine: requests in, images out, in a batch as large as the device's memory allows.

The same request gives the same bytes in any company and any order, at the same number of slots. This module
does not know where requests come from, files or the command line.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Generic

from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.denoiser import Denoiser
from genie_cli.diffusion.requests import Key, Request, Result
from genie_cli.diffusion.slots import Slots
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    from genie_cli.diffusion.snapshot import Snapshot


class Engine(Generic[Key]):
    """Makes images with one snapshot.

    Args:
        slots: B, a power of two. It is halved when the device runs out of memory.
        steps: solver steps of the full schedule; at ratio r the last ``steps * r`` of them run.
        guidance: classifier-free guidance scale.
        clock: told which part of the work is done when; off unless one is given.
    """

    def __init__(
        self, snapshot: Snapshot, slots: int, steps: int = 50, guidance: float = 7.5, clock: Clock | None = None
    ) -> None:
        if slots < 1 or slots & (slots - 1):
            raise ValueError(f"slots must be a power of two, got {slots}")
        self.snapshot = snapshot
        self.slots = slots
        self.clock = clock or Clock()
        self.denoiser = Denoiser(snapshot, steps, guidance)

    def run(self, requests: Iterable[Request[Key]]) -> Iterator[Result[Key]]:
        """Make every request; results come as they are done, not in the requests' order.

        Raises:
            ModelError: the device has too little memory even for one slot.
        """
        import torch

        queue = iter(requests)
        while True:
            slots: Slots[Key] | None = None
            with suppress(torch.OutOfMemoryError):
                slots = Slots[Key](self.denoiser, self.slots, self.clock)
                yield from slots.run(queue)
                return
            # Mended out here, where the error no longer keeps the failed step's tensors in memory.
            if slots:
                # The images in flight start again, before those that have not started.
                queue, slots = chain(slots.unfinished(), queue), None
            self._halve()

    def seconds_per_step(self) -> float:
        """How long one step of the full batch takes here: the median of three, after one to warm up.

        The batch is halved until it fits the memory, as in `run`; ModelError if not even one slot does.
        """
        import torch

        while True:
            with suppress(torch.OutOfMemoryError):
                return self._time_step()
            self._halve()

    def _time_step(self) -> float:
        import torch

        device = self.snapshot.device
        latents = torch.zeros(self.slots, *self.snapshot.latent_shape, device=device)
        embeddings = self.denoiser.embed("").expand(self.slots, -1, -1)
        step = torch.zeros(self.slots, dtype=torch.long, device=device)
        times = []
        for _ in range(4):
            started = time.perf_counter()
            self.denoiser.predict(latents, step, embeddings).sum().item()
            times.append(time.perf_counter() - started)
        return sorted(times[1:])[1]

    def _halve(self) -> None:
        import torch

        if self.slots == 1:
            raise ModelError(
                f"{self.snapshot.device} has too little memory for one image",
                "free the device's memory, or use --dtype float16",
            )
        self.slots //= 2
        if self.snapshot.device.type == "cuda":
            torch.cuda.empty_cache()
