"""The noise schedule: Stable Diffusion's, changed so that r has the same effect on an 8x8 latent as in SD1.5.

The same noise destroys more of a small latent than of a large one, in which neighboring values average it out. Two
steps correct for that, each before one part of the training:

1. `shifted_betas`, with which the UNet is trained. The correction of Hoogeboom et al., "Simple diffusion" (2023),
   section 3.1, adds 2 log(64 / d) to the log-SNR of a model with a latent of width d. The full shift, a factor of 64 in
   SNR for d = 8, is too much here, because SD1.5's latents are redundant and these are not. The factor used is 20. The
   square root of alpha-bar is then rescaled linearly, as in Lin et al., "Common diffusion noise schedules" (2024),
   Algorithm 1, so that its last value is that of SD's schedule: at r = 1 the latent must be pure noise.
2. `reindexed_betas`, which are bundled. One factor cannot match the paper's label consistencies at both ends of r. So
   the noise levels are renumbered: the new timestep t has the level that was trained as timestep 999 w(t / 999), with
   a monotone w. The levels themselves, and all that the UNet has learned of them, stay; `training.reindex` teaches its
   time embedding the new numbers. The anchors of w were chosen on the validation split (`training.measure`).
"""

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator

SNR_FACTOR = 20.0
STEPS = 1000

# From the noise ratio r to the one at which the UNet was trained with that noise, both 0..1.
ANCHORS = {0.0: 0.0, 0.3: 0.56, 0.5: 0.716, 0.6: 0.749, 0.7: 0.775, 0.8: 0.818, 0.9: 0.87, 1.0: 1.0}


def stable_diffusion_betas() -> torch.Tensor:
    return torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2


def shifted_betas(factor: float = SNR_FACTOR) -> torch.Tensor:
    """The betas that the UNet is trained with, (1000,), float64."""
    original = torch.cumprod(1 - stable_diffusion_betas(), 0)
    snr = factor * original / (1 - original)
    root = (snr / (1 + snr)).sqrt()
    last = original[-1].sqrt()
    root = (root - root[-1]) * (root[0] - last) / (root[0] - root[-1]) + last
    return _betas(root**2)


def trained_timesteps() -> torch.Tensor:
    """For each new timestep the one that was trained with its noise level: (1000,), float64, 0 .. 999, rising."""
    warp = PchipInterpolator(list(ANCHORS), list(ANCHORS.values()))  # monotone between monotone anchors
    return torch.from_numpy(warp(np.linspace(0, 1, STEPS))) * (STEPS - 1)


def reindexed_betas() -> torch.Tensor:
    """Betas, (1000,), float64, for the scheduler configuration's ``trained_betas``."""
    trained = torch.cumprod(1 - shifted_betas(), 0)
    log_snr = (trained / (1 - trained)).log()
    between = PchipInterpolator(np.arange(STEPS), log_snr.numpy())
    return _betas(torch.from_numpy(between(trained_timesteps().numpy())).sigmoid())


def _betas(alpha_bar: torch.Tensor) -> torch.Tensor:
    return 1 - alpha_bar / torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
