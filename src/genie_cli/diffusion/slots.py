"""Slots: a batch of fixed shape in which every row is at its own solver step, and is refilled as soon as it is done.

One UNet call per step serves all B slots. Requests with any mix of r and prompt therefore share a batch, and slots are
idle only when there are none. Because the shape of the batch is fixed, a row's result does not depend on the other
rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic

import numpy as np

from genie_cli.devices import to_device
from genie_cli.diffusion.choices import MAX_DECODE_ROWS
from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.denoiser import Denoiser
from genie_cli.diffusion.requests import Feed, Key, Request, Result
from genie_cli.errors import GenieError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


class Slots(Generic[Key]):
    """Runs a feed of requests through a batch of ``count`` slots.

    Args:
        denoiser: the model and its solver.
        count: B, the number of slots.
        clock: told what the time is spent on.

    Attributes:
        held: the request in each slot; None if the slot is free.
        done: requests that have taken their last step and wait to be decoded, with their latents (C, h, w).
        decode_rows: latents decoded in one batch.
        step: the solver step of each slot; kept on the host, so that no step has to wait for the device.
        first: whether each slot is at its request's first step.
        latents: (B, C, h, w), float32: noisy latents.
        last: (B, C, h, w), float32: clean latents predicted at each slot's previous step.
        embeddings: what the UNet is told of the slots' prompts: tensors with B rows.
    """

    def __init__(self, denoiser: Denoiser, count: int, clock: Clock) -> None:
        import torch

        self.denoiser = denoiser
        self.clock = clock
        self.count = count
        self.held: list[Request[Key] | None] = [None] * count
        self.done: deque[tuple[Request[Key], Tensor]] = deque()
        self.decode_rows = min(count, MAX_DECODE_ROWS)
        self.step = [0] * count
        self.first = [False] * count
        snapshot = denoiser.snapshot
        snapshot.prepare(denoiser.rows * count, self.decode_rows)
        self.latents = torch.zeros(count, *snapshot.latent_shape, device=snapshot.device)
        self.last = torch.zeros_like(self.latents)
        # Copied even for a single row, since slots are written to:
        self.embeddings = tuple(each.repeat(count, *[1] * each.ndim) for each in denoiser.embed(""))

    def run(self, feed: Feed[Key], on_steps: Callable[[int], None] = lambda _: None) -> Iterator[Result[Key]]:
        """Make all requests of the feed; see `Engine.serve` for both arguments.

        Raises:
            torch.OutOfMemoryError: at any point; `unfinished` then has the requests to make again.
        """
        while True:
            yield from self._refill(feed, wait=False)
            if not any(self.held):
                yield from self._finish()
                yield from self._refill(feed, wait=True)
            if not any(self.held):
                return
            with self.clock.section("unet"):
                self._step()
            on_steps(sum(request is not None for request in self.held))
            self._collect()
            while len(self.done) >= self.decode_rows:
                yield from self._decode()

    def _finish(self) -> Iterator[Result[Key]]:
        """Decode what is done, fewer images than a batch of the decoder perhaps."""
        while self.done:
            yield from self._decode()

    def unfinished(self) -> list[Request[Key]]:
        """Requests that were taken from the feed and have no result yet."""
        return [request for request, _ in self.done] + [request for request in self.held if request]

    def _refill(self, feed: Feed[Key], *, wait: bool) -> Iterator[Result[Key]]:
        """Start the next requests in the free slots. A request that fails to start gives its result at once.

        Args:
            wait: whether to wait for the first that starts.
        """
        for slot in range(self.count):
            while self.held[slot] is None:
                request = feed.take(wait and not any(self.held))
                if request is None:
                    return
                # Assigned before it starts, so that running out of memory during the start does not lose it.
                self.held[slot] = request
                try:
                    with self.clock.section("encode"):
                        self.latents[slot], embedding, self.step[slot] = self.denoiser.start(request)
                    for held, new in zip(self.embeddings, embedding, strict=True):
                        held[slot] = new
                    self.last[slot] = 0
                    self.first[slot] = True
                except GenieError as error:
                    self.held[slot] = None
                    yield Result(request.key, self.count, error=str(error))

    def _step(self) -> None:
        """Take one solver step in every slot."""
        import torch

        device = self.denoiser.snapshot.device
        step, first = to_device(torch.tensor(self.step), device), to_device(torch.tensor(self.first), device)
        predicted = self.denoiser.predict(self.latents, step, self.embeddings)
        self.latents, self.last = self.denoiser.advance(self.latents, predicted, self.last, step, first)
        self.clock.count(self.denoiser.rows * self.count)

    def _collect(self) -> None:
        """Move requests that have taken their last step to ``done``. Free slots stay at step 0 and are ignored."""
        for slot, request in enumerate(self.held):
            if request is None:
                continue
            self.step[slot] += 1
            self.first[slot] = False
            if self.denoiser.is_end(self.step[slot]):
                self.done.append((request, self.latents[slot].clone()))
                self.held[slot], self.step[slot] = None, 0

    def _decode(self) -> Iterator[Result[Key]]:
        """Decode the oldest latents in ``done``. Each is removed only when its result is taken."""
        group = [self.done[i] for i in range(min(self.decode_rows, len(self.done)))]
        with self.clock.section("decode"):
            pixels, finite = self._images([latent for _, latent in group])
        for (request, _), array, good in zip(group, pixels, finite, strict=True):
            self.done.popleft()
            if good:
                yield Result(request.key, self.count, pixels=np.ascontiguousarray(array))
            else:
                yield Result(request.key, self.count, error="the model's output is not a number, even in float32")

    def _images(self, latents: list[Tensor]) -> tuple[NDArray[np.uint8], list[bool]]:
        """Decode up to ``decode_rows`` latents in a batch of exactly that size, padded with zeros.

        Returns:
            Images (N, H, W, 3), and for each whether all of its values are finite.
        """
        import torch

        padding = [torch.zeros_like(latents[0])] * (self.decode_rows - len(latents))
        images = self.denoiser.snapshot.decode(torch.stack(latents + padding))[: len(latents)]
        finite = images.isfinite().flatten(1).all(1).tolist()
        return (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy(), finite
