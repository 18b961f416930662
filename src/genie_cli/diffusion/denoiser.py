"""GeNIe in single steps: start a request, let the model predict, take one solver step.

Rows of a batch are independent of each other, and may be at different steps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from genie_cli.devices import to_device
from genie_cli.diffusion.family import Embedding
from genie_cli.diffusion.requests import Request
from genie_cli.diffusion.solver import Probe, Solver, add_noise
from genie_cli.jobs import PURE_NOISE

if TYPE_CHECKING:
    from torch import Tensor

    from genie_cli.diffusion.snapshot import Snapshot

Value = TypeVar("Value")

_CACHED_SOURCES = 64
_CACHED_PROMPTS = 1024


class Denoiser:
    """A snapshot with a solver of a fixed number of steps and a fixed guidance scale.

    Args:
        snapshot: the loaded model.
        steps: solver steps of the full schedule. At ratio r, about the last ``r * steps`` of them run.
        guidance: classifier-free guidance scale (Ho & Salimans, 2022).
        negative_prompt: what guidance leads away from.
        probe: take a single step, to the clean latent that is predicted in it, instead; ``steps`` is not used.
    """

    def __init__(
        self, snapshot: Snapshot, steps: int, guidance: float, negative_prompt: str = "", *, probe: bool = False
    ) -> None:
        self.snapshot = snapshot
        self.guidance = guidance
        abar = snapshot.alphas_cumprod
        predicts = snapshot.prediction
        self._schedule = Probe.of(abar, predicts) if probe else Solver.build(abar, steps, predicts)
        self._solver = self._schedule.to(snapshot.device)
        self._latents: _Cache[Tensor] = _Cache(_CACHED_SOURCES)
        self._prompts: _Cache[Embedding] = _Cache(_CACHED_PROMPTS)
        self._unconditional = snapshot.prompts.embed_negative(negative_prompt)

    @property
    def rows(self) -> int:
        """UNet rows of a slot: one with the prompt, and one without if there is guidance."""
        return 1 if self.guidance == 1 else 2

    def steps_for(self, r: float) -> int:
        """Solver steps that a request at ratio ``r`` takes."""
        return self._schedule.steps_of(r)

    def is_end(self, step: int) -> bool:
        """Whether a request is done that would take the step of index ``step`` next."""
        return self._schedule.is_end(step)

    def embed(self, prompt: str) -> Embedding:
        """What the UNet is told of the prompt. Recent ones are cached."""
        return self._prompts.get(prompt, lambda: self.snapshot.prompts.embed(prompt))

    def start(self, request: Request[Any]) -> tuple[Tensor, Embedding, int]:
        """Prepare a request.

        Returns:
            Its noisy latent (C, h, w), its prompt's embedding and the index of its first solver step.

        Raises:
            ImageError: its source cannot be read.
            UsageError: its prompt is too long, or its r is so small that no step would run.
        """
        import torch

        generator = torch.Generator().manual_seed(request.noise_seed)
        noise = to_device(torch.randn(self.snapshot.latent_shape, generator=generator), self.snapshot.device)
        embedding, step = self.embed(request.prompt), self._schedule.first_step(request.r)
        if request.source is None or request.r > PURE_NOISE:
            return noise, embedding, step
        source = request.source
        clean = self._latents.get(source.key, lambda: self.snapshot.encode(source.open()))
        return add_noise(clean, noise, self.snapshot.alphas_cumprod, request.r), embedding, step

    def predict(self, latents: Tensor, step: Tensor, embeddings: Embedding) -> Tensor:
        """What the model predicts with classifier-free guidance: both predictions in one UNet call of 2B rows.

        Guidance 1 is the prediction under the prompt itself, so that the other one is not computed.

        Args:
            latents: (B, C, h, w), float32.
            step: (B,), int64, the index of each row's solver step.
            embeddings: of the prompts of B rows.

        Returns:
            (B, C, h, w), float32.
        """
        import torch

        texts = embeddings
        if self.rows == 2:
            pairs = zip(self._unconditional, embeddings, strict=True)
            texts = tuple(torch.cat([without.expand_as(given), given]) for without, given in pairs)
        predicted = self.snapshot.predict(
            torch.cat([latents] * self.rows), self._solver.timesteps[step].repeat(self.rows), texts
        )
        if self.rows == 1:
            return predicted
        unconditional, conditional = predicted.chunk(2)
        guided: Tensor = unconditional + self.guidance * (conditional - unconditional)
        return guided

    def advance(
        self, latents: Tensor, predicted: Tensor, last: Tensor, step: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One solver step of every row; see `Solver.advance`."""
        return self._solver.advance(latents, predicted, last, step, first)


class _Cache(Generic[Value]):
    """Holds up to ``size`` values; the least recently used one is dropped first."""

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
