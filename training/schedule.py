"""The noise schedule: Stable Diffusion's, shifted for an 8x8 latent so that r has a similar effect as in SD1.5.

The same noise destroys more of a small latent than of a large one, in which neighboring values average it out. The
correction of Hoogeboom et al., "Simple diffusion" (2023), section 3.1, adds 2 log(64 / d) to the log-SNR of a model
with a latent of width d. The full shift, a factor of 64 in SNR for d = 8, is too much here, because SD1.5's latents are
redundant and these are not. The factor used is 20: at r = 0.8 the SNR is then that of SD's schedule at r = 0.48, where,
for this data, the digit changes and the background stays. The square root of alpha-bar is then rescaled linearly, as in
Lin et al., "Common diffusion noise schedules" (2024), Algorithm 1, so that its last value is that of SD's schedule: at
r = 1 the latent must be pure noise.
"""

import torch

SNR_FACTOR = 20.0


def stable_diffusion_betas() -> torch.Tensor:
    return torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2


def shifted_betas(factor: float = SNR_FACTOR) -> torch.Tensor:
    """Betas, (1000,), float64, for the scheduler configuration's ``trained_betas``."""
    original = torch.cumprod(1 - stable_diffusion_betas(), 0)
    snr = factor * original / (1 - original)
    root = (snr / (1 + snr)).sqrt()
    last = original[-1].sqrt()
    root = (root - root[-1]) * (root[0] - last) / (root[0] - root[-1]) + last
    alpha_bar = root**2
    return 1 - alpha_bar / torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
