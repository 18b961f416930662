"""Stage 1: the VAE, Stable Diffusion's AutoencoderKL with three small levels: 3x32x32 pixels to 4x8x8 latents.

Loss: L1 of pixels, L1 of their finite differences (which keeps strokes sharp; SD uses LPIPS, which would need a
download), and a small KL term that keeps the latents smooth.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch.nn.functional import l1_loss

from training.loop import DEVICE, Schedule, fit
from training.samples import painted

SCHEDULE = Schedule(steps=4500, batch=32, learning_rate=1e-3)
KL_WEIGHT = 1e-4
EDGE_WEIGHT = 0.5


def build() -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 64, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=16,
        sample_size=32,
    )


def edges(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Finite differences in both directions."""
    return images.diff(dim=-1), images.diff(dim=-2)


def train(out: Path, schedule: Schedule = SCHEDULE) -> AutoencoderKL:
    """Train, set ``scaling_factor`` so that the latents have unit variance, and save to ``out``."""
    torch.manual_seed(0)
    images, _, _ = painted("train", 30_000)
    vae = build().to(DEVICE)

    def compute_loss() -> torch.Tensor:
        batch = images[torch.randint(len(images), (schedule.batch,))].to(DEVICE)
        with torch.autocast(DEVICE.type, dtype=torch.bfloat16):
            posterior = vae.encode(batch).latent_dist
            decoded = vae.decode(posterior.sample()).sample.float()
        edge_loss = sum(l1_loss(a, b) for a, b in zip(edges(decoded), edges(batch), strict=True))
        loss: torch.Tensor = l1_loss(decoded, batch) + EDGE_WEIGHT * edge_loss + KL_WEIGHT * posterior.kl().mean() / 256
        return loss

    fit("autoencoder", vae.parameters(), compute_loss, schedule, out.with_suffix(".json"))
    with torch.no_grad():
        latents = torch.cat([vae.encode(batch).latent_dist.mode() for batch in images[:2048].to(DEVICE).split(64)])
    vae.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))
    vae.save_pretrained(out)
    return vae
