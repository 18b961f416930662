"""DPM-Solver++(2M) as tables, so that every row of a batch can be at a step of its own.

Follows Lu et al., "DPM-Solver++" (2022), Algorithm 2, in the form of diffusers' DPMSolverMultistepScheduler
with `final_sigmas_type="sigma_min"`, which is what the GeNIe authors ran. Noise levels are those of the
training timesteps: alpha = sqrt(abar), sigma = sqrt(1 - abar).

This module does not know models, images or jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from genie_cli.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

TRAIN_STEPS = 1000
_FIRST_ORDER_END_BELOW = 15  # with fewer steps than this the last one is first order, for stability


def noise_timestep(r: float) -> int:
    """The training timestep whose noise is added at ratio ``r``: floor(1000 r), of the product rounded to 1e-6."""
    return int(round(TRAIN_STEPS * r, 6))


def smallest_ratio(steps: int) -> float:
    """The least ``r`` at which one of ``steps`` steps is left to run."""
    return (round((TRAIN_STEPS - 1) / steps) - 1) / TRAIN_STEPS


@dataclass(frozen=True)
class Solver:
    """The whole reverse process for a number of steps; every table is (steps,), float32.

    A step takes noisy latents x with predicted noise e to
    ``x' = keep x + gain ((1 + momentum) m - momentum m_last)`` where ``m = (x - sigma e) / alpha`` is the
    predicted clean latent and m_last that of the step before; a job's first step has no momentum.

    Attributes:
        timesteps: int64, (steps,), descending: linspace(0, 999, steps + 1) without its 0.
    """

    timesteps: Tensor
    alpha: Tensor
    sigma: Tensor
    keep: Tensor
    gain: Tensor
    momentum: Tensor

    @classmethod
    def build(cls, alphas_cumprod: Tensor, steps: int) -> Solver:
        """Tables for ``steps`` solver steps.

        Args:
            alphas_cumprod: (1000,), the training schedule.
            steps: number of steps of the full schedule, 1 .. 999; r < 1 runs the last part of them.
        """
        import numpy as np
        import torch

        # numpy's linspace, as in diffusers: torch's falls on the other side of a half at 30 steps, 60 and others.
        ladder = torch.from_numpy(np.linspace(0, TRAIN_STEPS - 1, steps + 1).round().astype(np.int64)).flip(0)
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
        )

    @property
    def steps(self) -> int:
        return len(self.timesteps)

    def first_step(self, r: float) -> int:
        """Index of the first step that runs at ratio ``r``: timesteps with t - 1 > 1000 r are skipped.

        Raises:
            UsageError: r is so small that no step is left.
        """
        within = (self.timesteps - 1 <= TRAIN_STEPS * r + 1e-6).nonzero()
        if not len(within):
            raise UsageError(
                f"r = {r} leaves no step to run out of {self.steps}",
                f"take r of at least {smallest_ratio(self.steps)}, or more --steps",
            )
        return int(within[0])

    def to(self, device: object) -> Solver:
        return Solver(**{name: table.to(device) for name, table in vars(self).items()})

    def advance(
        self, latents: Tensor, noise: Tensor, last: Tensor, step: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One step for a batch of rows at steps of their own.

        Args:
            latents: (B, C, h, w), float32, at noise level ``timesteps[step]``.
            noise: (B, C, h, w), predicted noise.
            last: (B, C, h, w), the predicted clean latents of each row's step before; ignored where ``first``.
            step: (B,), int64, index of the step each row takes.
            first: (B,), bool, whether it is the row's first step.

        Returns:
            The latents after the step, and the predicted clean latents.
        """

        def at(table: Tensor) -> Tensor:
            return table[step].view(-1, 1, 1, 1)

        clean = (latents - at(self.sigma) * noise) / at(self.alpha)
        momentum = at(self.momentum).masked_fill(first.view(-1, 1, 1, 1), 0)
        direction = clean + momentum * (clean - last)
        return at(self.keep) * latents + at(self.gain) * direction, clean


def add_noise(clean: Tensor, noise: Tensor, alphas_cumprod: Tensor, r: float) -> Tensor:
    """The noisy latent (paper, section 3): sqrt(abar_t) z_0 + sqrt(1 - abar_t) eps at t = floor(1000 r)."""
    abar = alphas_cumprod[noise_timestep(r)].double()
    return float(abar.sqrt()) * clean + float((1 - abar).sqrt()) * noise
