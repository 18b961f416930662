"""The slot engine: a batch that never changes shape and never waits.

The batch is B slots, a power of two. One UNet call a step serves all of them, each at its own timestep; a
slot whose image is done is refilled at once from the requests. So requests of any mix of r and prompt share
a batch, and only the end of the requests leaves slots idle. Since the shape is fixed, a row's result does
not depend on its neighbours: the same request gives the same bytes in any company and any order.

This module does not know where jobs come from, files or the command line.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from genie_cli.diffusion.solver import Solver, add_noise
from genie_cli.errors import GenieError, ModelError
from genie_cli.jobs import PURE_NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from genie_cli.diffusion.snapshot import Snapshot

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

MAX_DECODE_ROWS = 8
_CACHED_SOURCES = 64
_CACHED_PROMPTS = 1024


@dataclass(frozen=True)
class Picture:
    """A source image that is read when it is needed: ``key`` names its content, ``open`` gives it as RGB."""

    key: str
    open: Callable[[], Image]


@dataclass(frozen=True)
class Request(Generic[Key]):
    """One image to make: ``source`` noised up to ratio ``r`` and denoised under ``prompt``.

    Attributes:
        noise_seed: seed of the CPU generator that draws the noise.
        source: None starts from pure noise, as any r above 0.999 does.
    """

    key: Key
    prompt: str
    r: float
    noise_seed: int
    source: Picture | None = None


@dataclass(frozen=True)
class Result(Generic[Key]):
    """What became of a request: ``pixels`` (H, W, 3), uint8, or the ``error`` that stopped it.

    ``slots`` is the batch it was made in, which its exact bytes depend on.
    """

    key: Key
    slots: int
    pixels: NDArray[np.uint8] | None = None
    error: str = ""


class Engine(Generic[Key]):
    """Makes images with one snapshot.

    Args:
        slots: B, a power of two. It is halved when the device runs out of memory.
        steps: solver steps of the full schedule; at ratio r the last ``steps * r`` of them run.
        guidance: classifier-free guidance scale (Ho & Salimans, 2022); the negative prompt is empty.
    """

    def __init__(self, snapshot: Snapshot, slots: int, steps: int = 50, guidance: float = 7.5) -> None:
        if slots < 1 or slots & (slots - 1):
            raise ValueError(f"slots must be a power of two, got {slots}")
        self.snapshot = snapshot
        self.slots = slots
        self.guidance = guidance
        self._schedule = Solver.build(snapshot.alphas_cumprod, steps)
        self._solver = self._schedule.to(snapshot.device)
        self._latents: _Cache[Tensor] = _Cache(_CACHED_SOURCES)
        self._prompts: _Cache[Tensor] = _Cache(_CACHED_PROMPTS)

    def run(self, requests: Iterable[Request[Key]]) -> Iterator[Result[Key]]:
        """Make every request; results come as they are done, not in the requests' order.

        Raises:
            ModelError: the device has too little memory even for one slot.
        """
        import torch

        queue = iter(requests)
        while True:
            batch = _Batch[Key](self)
            try:
                yield from batch.run(queue)
                return
            except torch.OutOfMemoryError:
                self._halve()
            # The images in flight start again, before those that have not started.
            queue = chain(batch.unfinished(), queue)

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

    def start(self, request: Request[Key]) -> tuple[Tensor, Tensor, int]:
        """A request's noisy latent (C, h, w), prompt embedding (tokens, width) and first step."""
        import torch

        generator = torch.Generator().manual_seed(request.noise_seed)
        noise = torch.randn(self.snapshot.latent_shape, generator=generator).to(self.snapshot.device)
        embedding = self._prompts.get(request.prompt, lambda: self.snapshot.embed(request.prompt))
        step = self._schedule.first_step(request.r)
        if request.source is None or request.r > PURE_NOISE:
            return noise, embedding, step
        picture = request.source
        clean = self._latents.get(picture.key, lambda: self.snapshot.encode(picture.open()))
        return add_noise(clean, noise, self.snapshot.alphas_cumprod, request.r), embedding, step

    def predict(self, latents: Tensor, step: Tensor, embeddings: Tensor) -> Tensor:
        """Guided noise, (B, C, h, w), float32: the unconditional and the conditional half in one call of 2B rows."""
        import torch

        empty = self._prompts.get("", lambda: self.snapshot.embed(""))
        dtype = self.snapshot.dtype
        noise = self.snapshot.unet(
            torch.cat([latents, latents]).to(dtype, memory_format=torch.channels_last),
            self._solver.timesteps[step].repeat(2),
            torch.cat([empty.expand_as(embeddings), embeddings]).to(dtype),
        ).sample.float()
        unconditional, conditional = noise.chunk(2)
        guided: Tensor = unconditional + self.guidance * (conditional - unconditional)
        return guided

    def advance(
        self, latents: Tensor, noise: Tensor, last: Tensor, step: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One solver step of every slot; see `Solver.advance`."""
        return self._solver.advance(latents, noise, last, step, first)

    @property
    def steps(self) -> int:
        return self._schedule.steps

    def steps_for(self, r: float) -> int:
        """How many steps a request at ratio ``r`` takes."""
        return self.steps - self._schedule.first_step(r)

    def seconds_per_step(self) -> float:
        """How long one step of the full batch takes here: the median of three, after one to warm up."""
        import torch

        latents = torch.zeros(self.slots, *self.snapshot.latent_shape, device=self.snapshot.device)
        embeddings = self.snapshot.embed("").expand(self.slots, -1, -1)
        step = torch.zeros(self.slots, dtype=torch.long, device=self.snapshot.device)
        times = []
        for _ in range(4):
            started = time.perf_counter()
            self.predict(latents, step, embeddings).sum().item()
            times.append(time.perf_counter() - started)
        return sorted(times[1:])[1]


class _Batch(Generic[Key]):
    """The slots' state while the engine runs: which request sits where, and how far it is."""

    def __init__(self, engine: Engine[Key]) -> None:
        import torch

        self.engine = engine
        self.slots = engine.slots
        self.held: list[Request[Key] | None] = [None] * self.slots
        self.done: deque[tuple[Request[Key], Tensor]] = deque()
        self.decode_rows = min(self.slots, MAX_DECODE_ROWS)
        # Which step a slot is at is kept on the host too, so that no step waits for the device.
        self.step = [0] * self.slots
        self.first = [False] * self.slots
        device = engine.snapshot.device
        self.latents = torch.zeros(self.slots, *engine.snapshot.latent_shape, device=device)
        self.last = torch.zeros_like(self.latents)
        empty = engine.snapshot.embed("")
        self.embeddings = empty.expand(self.slots, *empty.shape).contiguous()

    def run(self, queue: Iterator[Request[Key]]) -> Iterator[Result[Key]]:
        while True:
            yield from self._refill(queue)
            if not any(self.held):
                break
            self._step()
            self._collect()
            while len(self.done) >= self.decode_rows:
                yield from self._decode()
        while self.done:
            yield from self._decode()

    def unfinished(self) -> list[Request[Key]]:
        return [request for request, _ in self.done] + [request for request in self.held if request]

    def _refill(self, queue: Iterator[Request[Key]]) -> Iterator[Result[Key]]:
        """Give every free slot the next request that starts; a request that cannot start is a result at once."""
        for slot in range(self.slots):
            while self.held[slot] is None:
                request = next(queue, None)
                if request is None:
                    return
                # Held before it starts, so that running out of memory while it starts does not lose it.
                self.held[slot] = request
                try:
                    self.latents[slot], self.embeddings[slot], self.step[slot] = self.engine.start(request)
                    self.last[slot] = 0
                    self.first[slot] = True
                except GenieError as error:
                    self.held[slot] = None
                    yield Result(request.key, self.slots, error=str(error))

    def _step(self) -> None:
        import torch

        device = self.engine.snapshot.device
        step = torch.tensor(self.step, device=device)
        first = torch.tensor(self.first, device=device)
        noise = self.engine.predict(self.latents, step, self.embeddings)
        self.latents, self.last = self.engine.advance(self.latents, noise, self.last, step, first)

    def _collect(self) -> None:
        """Move what has taken its last step to the decoding queue; idle slots stay where they are."""
        for slot, request in enumerate(self.held):
            if request is None:
                continue
            self.step[slot] += 1
            self.first[slot] = False
            if self.step[slot] == self.engine.steps:
                self.done.append((request, self.latents[slot].clone()))
                self.held[slot], self.step[slot] = None, 0

    def _decode(self) -> Iterator[Result[Key]]:
        """Decode the oldest finished latents in a batch of fixed shape, padded at the very end of the run."""
        import torch

        group = [self.done[i] for i in range(min(self.decode_rows, len(self.done)))]
        latents = torch.stack([latent for _, latent in group])
        padding = latents.new_zeros(self.decode_rows - len(group), *latents.shape[1:])
        images = self.engine.snapshot.decode(torch.cat([latents, padding]))[: len(group)]
        finite = images.isfinite().flatten(1).all(1).tolist()
        pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        for (request, _), array, good in zip(group, pixels, finite, strict=True):
            self.done.popleft()
            if good:
                yield Result(request.key, self.slots, pixels=np.ascontiguousarray(array))
            else:
                yield Result(request.key, self.slots, error="the model's output is not a number, in float32 too")


class _Cache(Generic[Value]):
    """A small cache that forgets what was used longest ago."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: OrderedDict[str, Value] = OrderedDict()

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        if key not in self._items:
            self._items[key] = make()
        self._items.move_to_end(key)
        if len(self._items) > self._size:
            self._items.popitem(last=False)
        return self._items[key]
