"""The noise schedule: Stable Diffusion's, shifted for an 8x8 latent so that r means what it means for SD1.5.

Noise on a small latent hides more than the same noise on a large one, whose neighbours average it out. The
remedy (Hoogeboom et al., "Simple diffusion", 2023, section 3.1) adds 2 log(64 / d) to the log-SNR of a model
whose latent is d wide. The full shift, SNR x 64 for d = 8, is too much here: SD1.5's latents are redundant
and ours are not. We multiply by 20, which puts the SNR of r = 0.8 where SD's own schedule has r = 0.48; on
this data that is where the digit changes and the background stays. The square root of alpha-bar is then
rescaled linearly, as in Lin et al., "Common diffusion noise schedules" (2024), Algorithm 1, so that it ends
where SD's ends: pure noise at r = 1 must stay pure noise.
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
