"""DPM-Solver++(2M) as tables, so that every row of a batch can be at a different step.

Follows Lu et al., "DPM-Solver++" (2022), Algorithm 2, as in diffusers' DPMSolverMultistepScheduler with
`final_sigmas_type="sigma_min"`, which the GeNIe authors used. Noise levels are those of the training timesteps:
alpha = sqrt(abar), sigma = sqrt(1 - abar), where abar is the cumulative product of 1 - beta.

A probe is the same solver with a single step, from the request's own noise level to none: the clean latent that the
model predicts at its first look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Self

from genie_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Prediction = Literal["epsilon", "v_prediction"]  # noise or velocity

TRAIN_STEPS = 1000
_FIRST_ORDER_END_BELOW = 15  # with fewer steps, the last step is first order, for stability (as in diffusers)


def noise_timestep(r: float) -> int:
    """The training timestep whose noise is added at ratio ``r``: floor(1000 r).

    The product is rounded to 1e-6 first, so that a floating-point error in ``r`` cannot lower the result by one.
    """
    return int(round(TRAIN_STEPS * r, 6))


def smallest_ratio(steps: int) -> float:
    """The smallest noise ratio at which at least one of ``steps`` solver steps runs."""
    return (round((TRAIN_STEPS - 1) / steps) - 1) / TRAIN_STEPS


@lru_cache(1024)  # asked for each job of a plan
def steps_of(r: float, steps: int) -> int:
    """How many of ``steps`` solver steps run at noise ratio ``r``. Timesteps with t - 1 > 1000 r are skipped.

    Raises:
        UsageError: r is so small that none does.
    """
    count = int((_ladder(steps)[:-1] - 1 <= TRAIN_STEPS * r + 1e-6).sum())
    if not count:
        raise UsageError(
            f"r = {r} leaves no step to run out of {steps}",
            f"use --r {smallest_ratio(steps)} or more, or more --steps",
        )
    return count


def _ladder(steps: int) -> NDArray[np.int64]:
    """The timesteps of the full schedule, descending, and the 0 where it ends: (steps + 1,)."""
    import numpy as np

    # numpy's linspace, as in diffusers: torch's rounds some halves the other way, for instance with 30 or 60 steps.
    return np.linspace(0, TRAIN_STEPS - 1, steps + 1).round().astype(np.int64)[::-1].copy()


@dataclass(frozen=True)
class Solver:
    """The reverse process for a number of steps. All tables are (steps,).

    A step takes noisy latents x to ``x' = keep x + gain ((1 + momentum) m - momentum m_last)``, where m is the
    predicted clean latent and m_last that of the previous step. A request's first step has no momentum. Of a predicted
    noise e follows ``m = (x - sigma e) / alpha``, of a predicted velocity v (Salimans & Ho, 2022) ``m = alpha x -
    sigma v``, which is defined even where there is nothing but noise.

    Attributes:
        timesteps: int64, descending: linspace(0, 999, steps + 1), rounded, without the 0.
        alpha, sigma: float32, signal and noise level before each step.
        keep, gain, momentum: float32, the coefficients of the formula above.
        prediction: what the model predicts.
    """

    timesteps: Tensor
    alpha: Tensor
    sigma: Tensor
    keep: Tensor
    gain: Tensor
    momentum: Tensor
    prediction: Prediction = "epsilon"

    @classmethod
    def build(cls, alphas_cumprod: Tensor, steps: int, prediction: Prediction = "epsilon") -> Solver:
        """Compute the tables.

        Args:
            alphas_cumprod: (1000,), abar of the training schedule.
            steps: solver steps of the full schedule, 1 to 999; with r < 1 only the last part of them runs.
            prediction: what the model predicts.
        """
        import torch

        ladder = torch.from_numpy(_ladder(steps))
        abar = alphas_cumprod.double()[ladder]
        alpha, sigma = abar.sqrt(), (1 - abar).sqrt()
        log_snr = (alpha / sigma).log()
        width = log_snr.diff()
        momentum = torch.zeros(steps, dtype=torch.float64)
        momentum[1:] = width[1:] / (2 * width[:-1])
        if steps < _FIRST_ORDER_END_BELOW:
            momentum[-1] = 0
        return cls(
            timesteps=ladder[:-1],
            alpha=alpha[:-1].float(),
            sigma=sigma[:-1].float(),
            keep=(sigma[1:] / sigma[:-1]).float(),
            gain=(-alpha[1:] * torch.expm1(-width)).float(),
            momentum=momentum.float(),
            prediction=prediction,
        )

    @property
    def steps(self) -> int:
        """Solver steps of the full schedule."""
        return len(self.timesteps)

    def first_step(self, r: float) -> int:
        """Index of the first step that runs at ratio ``r``.

        Raises:
            UsageError: see `steps_of`.
        """
        return self.steps - self.steps_of(r)

    def steps_of(self, r: float) -> int:
        """Steps that run at ratio ``r``; raises UsageError as `steps_of`."""
        return steps_of(r, self.steps)

    def is_end(self, step: int) -> bool:
        """Whether a request is done that would take the step of index ``step`` next."""
        return step == self.steps

    def to(self, device: object) -> Self:
        """The same tables on ``device``."""
        tables = {name: table.to(device) for name, table in vars(self).items() if name != "prediction"}
        return replace(self, **tables)

    def advance(
        self, latents: Tensor, predicted: Tensor, last: Tensor, step: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Take one step in every row of a batch; the rows may be at different steps.

        Args:
            latents: (B, C, h, w), float32, at noise level ``timesteps[step]``.
            predicted: (B, C, h, w), float32, what the model predicts: noise or velocity.
            last: (B, C, h, w), float32, clean latents predicted at each row's previous step; unused where ``first``.
            step: (B,), int64, index of each row's step.
            first: (B,), bool, whether it is the row's first step.

        Returns:
            The latents after the step, and the clean latents predicted in it, both (B, C, h, w), float32.
        """

        def at(table: Tensor) -> Tensor:
            return table[step].view(-1, 1, 1, 1)

        if self.prediction == "v_prediction":
            clean = at(self.alpha) * latents - at(self.sigma) * predicted
        else:
            clean = (latents - at(self.sigma) * predicted) / at(self.alpha)
        momentum = at(self.momentum).masked_fill(first.view(-1, 1, 1, 1), 0)
        direction = clean + momentum * (clean - last)
        return at(self.keep) * latents + at(self.gain) * direction, clean


class Probe(Solver):
    """A solver of one step: from the noise level of timestep floor(1000 r) to none.

    Such a step is of order 1, and its result is the predicted clean latent m. The tables have a row for each training
    timestep, descending; a request takes the one that belongs to its r, and no other.
    """

    @classmethod
    def of(cls, alphas_cumprod: Tensor, prediction: Prediction = "epsilon") -> Self:
        """Compute the tables; arguments as of `Solver.build`."""
        import torch

        abar = alphas_cumprod.double().flip(0)
        none = torch.zeros(TRAIN_STEPS)
        return cls(
            timesteps=torch.arange(TRAIN_STEPS).flip(0),
            alpha=abar.sqrt().float(),
            sigma=(1 - abar).sqrt().float(),
            keep=none,
            gain=torch.ones(TRAIN_STEPS),
            momentum=none,
            prediction=prediction,
        )

    def first_step(self, r: float) -> int:
        """Index of the only step at ratio ``r``."""
        return TRAIN_STEPS - 1 - min(noise_timestep(r), TRAIN_STEPS - 1)

    def steps_of(self, r: float) -> int:  # noqa: ARG002 - a solver's depends on it
        """One."""
        return 1

    def is_end(self, step: int) -> bool:  # noqa: ARG002 - a solver's depends on it
        """True: every step ends its request."""
        return True


def add_noise(clean: Tensor, noise: Tensor, alphas_cumprod: Tensor, r: float) -> Tensor:
    """Noise a latent (paper, section 3): sqrt(abar_t) z_0 + sqrt(1 - abar_t) eps, at t = floor(1000 r).

    Args:
        clean, noise: z_0 and eps, of the same shape.
        alphas_cumprod: (1000,), abar of the training schedule.
        r: noise ratio, 0 < r < 1.
    """
    abar = alphas_cumprod[noise_timestep(r)].double()
    return float(abar.sqrt()) * clean + float((1 - abar).sqrt()) * noise
