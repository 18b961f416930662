"""The slots: a batch that never changes shape and never waits.

One UNet call a step serves all B slots, each at its own timestep; a slot whose image is done is refilled at
once. So requests of any mix of r and prompt share a batch, and only the end of the requests leaves slots
idle. Since the shape is fixed, a row's result does not depend on its neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic

import numpy as np

from genie_cli.devices import to_device
from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.denoiser import Denoiser
from genie_cli.diffusion.requests import Key, Request, Result
from genie_cli.errors import GenieError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

MAX_DECODE_ROWS = 8


class Slots(Generic[Key]):
    """Which request sits in which slot, and how far it is."""

    def __init__(self, denoiser: Denoiser, count: int, clock: Clock) -> None:
        import torch

        self.denoiser = denoiser
        self.clock = clock
        self.count = count
        self.held: list[Request[Key] | None] = [None] * count
        self.done: deque[tuple[Request[Key], Tensor]] = deque()
        self.decode_rows = min(count, MAX_DECODE_ROWS)
        # Which step a slot is at is kept on the host, so that no step waits for the device.
        self.step = [0] * count
        self.first = [False] * count
        snapshot = denoiser.snapshot
        self.latents = torch.zeros(count, *snapshot.latent_shape, device=snapshot.device)
        self.last = torch.zeros_like(self.latents)
        empty = denoiser.embed("")
        self.embeddings = empty.repeat(count, 1, 1)  # a copy even of one row: slots are written to

    def run(self, queue: Iterator[Request[Key]]) -> Iterator[Result[Key]]:
        """Make all requests of the queue, as `Engine.run`; torch.OutOfMemoryError may end it at any point."""
        while True:
            yield from self._refill(queue)
            if not any(self.held):
                break
            with self.clock.section("unet"):
                self._step()
            self._collect()
            while len(self.done) >= self.decode_rows:
                yield from self._decode()
        while self.done:
            yield from self._decode()

    def unfinished(self) -> list[Request[Key]]:
        """Requests taken from the queue that have no result yet."""
        return [request for request, _ in self.done] + [request for request in self.held if request]

    def _refill(self, queue: Iterator[Request[Key]]) -> Iterator[Result[Key]]:
        """Give every free slot the next request that starts; a request that cannot start is a result at once."""
        for slot in range(self.count):
            while self.held[slot] is None:
                request = next(queue, None)
                if request is None:
                    return
                # Held before it starts, so that running out of memory while it starts does not lose it.
                self.held[slot] = request
                try:
                    with self.clock.section("encode"):
                        self.latents[slot], self.embeddings[slot], self.step[slot] = self.denoiser.start(request)
                    self.last[slot] = 0
                    self.first[slot] = True
                except GenieError as error:
                    self.held[slot] = None
                    yield Result(request.key, self.count, error=str(error))

    def _step(self) -> None:
        import torch

        device = self.denoiser.snapshot.device
        step, first = to_device(torch.tensor(self.step), device), to_device(torch.tensor(self.first), device)
        noise = self.denoiser.predict(self.latents, step, self.embeddings)
        self.latents, self.last = self.denoiser.advance(self.latents, noise, self.last, step, first)
        self.clock.count(2 * self.count)  # guidance: a row with the prompt and one without

    def _collect(self) -> None:
        """Move what has taken its last step to the decoding queue; idle slots stay at step 0 and go nowhere."""
        for slot, request in enumerate(self.held):
            if request is None:
                continue
            self.step[slot] += 1
            self.first[slot] = False
            if self.step[slot] == self.denoiser.steps:
                self.done.append((request, self.latents[slot].clone()))
                self.held[slot], self.step[slot] = None, 0

    def _decode(self) -> Iterator[Result[Key]]:
        """Decode the oldest finished latents; they leave the queue as their results are taken."""
        group = [self.done[i] for i in range(min(self.decode_rows, len(self.done)))]
        with self.clock.section("decode"):
            pixels, finite = self._images([latent for _, latent in group])
        for (request, _), array, good in zip(group, pixels, finite, strict=True):
            self.done.popleft()
            if good:
                yield Result(request.key, self.count, pixels=np.ascontiguousarray(array))
            else:
                yield Result(request.key, self.count, error="the model's output is not a number, in float32 too")

    def _images(self, latents: list[Tensor]) -> tuple[NDArray[np.uint8], list[bool]]:
        """Images (N, H, W, 3) of latents, in a batch of fixed shape, padded at the very end of the run; and whether
        each is made of numbers."""
        import torch

        padding = [torch.zeros_like(latents[0])] * (self.decode_rows - len(latents))
        images = self.denoiser.snapshot.decode(torch.stack(latents + padding))[: len(latents)]
        finite = images.isfinite().flatten(1).all(1).tolist()
        return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy(), finite
