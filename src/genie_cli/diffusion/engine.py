"""The engine: requests in, images out, in a batch as large as the device's memory allows.

At a given number of slots, a request gives the same bytes whatever other requests share its batch, and in any order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic

from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.denoiser import Denoiser
from genie_cli.diffusion.requests import Feed, Key, Listed, Request, Result, Resumed
from genie_cli.diffusion.slots import Slots
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    from genie_cli.diffusion.snapshot import Snapshot


class Engine(Generic[Key]):
    """Makes images with one snapshot.

    Args:
        snapshot: the loaded model.
        slots: B, images in one batch; a power of two. Halved whenever the device runs out of memory.
        steps: solver steps of the full schedule. At ratio r, about the last ``r * steps`` of them run.
        guidance: classifier-free guidance scale.
        clock: told what the time is spent on; None: nothing is measured.
        negative_prompt: what guidance leads away from.
        probe: a request takes a single step, and its image is the clean one that is predicted in it: from the noise
            level of timestep floor(1000 r) to none, whatever ``steps`` are. The noise is that of the whole request.

    Raises:
        ValueError: ``slots`` is not a power of two.
        UsageError: the model cannot read all of ``negative_prompt``.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        slots: int,
        steps: int = 50,
        guidance: float = 7.5,
        clock: Clock | None = None,
        negative_prompt: str = "",
        *,
        probe: bool = False,
    ) -> None:
        if slots < 1 or slots & (slots - 1):
            raise ValueError(f"slots must be a power of two, got {slots}")
        self.snapshot = snapshot
        self.slots = slots
        self.clock = clock or Clock()
        self.denoiser = Denoiser(snapshot, steps, guidance, negative_prompt, probe=probe)

    def run(
        self, requests: Iterable[Request[Key]], on_steps: Callable[[int], None] = lambda _: None
    ) -> Generator[Result[Key], None, None]:
        """Make every request; see `serve`."""
        return self.serve(Listed(requests), on_steps)

    def serve(
        self, feed: Feed[Key], on_steps: Callable[[int], None] = lambda _: None
    ) -> Generator[Result[Key], None, None]:
        """Make every request of a feed. Results come as soon as they are finished, in no particular order.

        A request that fails (its source cannot be read, its prompt is too long, ...) gives a result with an error.

        Args:
            feed: is waited for only while no request is in progress.
            on_steps: called after each step of the batch with the number of requests that took it; their steps are
                `Denoiser.steps_for`. Those of requests that start again when memory runs out are counted again.

        Raises:
            ModelError: the device has too little memory even for one slot.
        """
        import torch

        while True:
            slots: Slots[Key] | None = None
            with suppress(torch.OutOfMemoryError):
                slots = Slots[Key](self.denoiser, self.slots, self.clock)
                yield from slots.run(feed, on_steps)
                return
            # Out here the error no longer keeps the failed step's tensors in memory.
            if slots:
                # Requests in progress start again, before those that have not started.
                feed, slots = Resumed(slots.unfinished(), feed), None
            self._halve()

    def seconds_per_step(self) -> float:
        """Seconds that one solver step of the full batch takes: the median of three, after one to warm up.

        The batch is halved until it fits into memory, as in `run`.

        Raises:
            ModelError: the device has too little memory even for one slot.
        """
        import torch

        while True:
            with suppress(torch.OutOfMemoryError):
                return self._time_step()
            self._halve()

    def _time_step(self) -> float:
        import torch

        device = self.snapshot.device
        self.snapshot.prepare(self.denoiser.rows * self.slots, 1)
        latents = torch.zeros(self.slots, *self.snapshot.latent_shape, device=device)
        embeddings = tuple(each.expand(self.slots, *each.shape) for each in self.denoiser.embed(""))
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
                "free some of the device's memory, or use --dtype float16",
            )
        self.slots //= 2
        if self.snapshot.device.type == "cuda":
            torch.cuda.empty_cache()
