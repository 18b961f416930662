"""Stage 3: teaches the UNet the new numbers of its noise levels; see `training.schedule`.

Only the time embedding is trained: at each new timestep it must give what it gave at the timestep that was trained
with that noise level. All other weights stay as they are.
"""

import copy
import math
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from training.loop import DEVICE, Schedule, fit
from training.schedule import STEPS, trained_timesteps

SCHEDULE = Schedule(steps=3000, batch=STEPS, learning_rate=1e-2, weight_decay=0.0)


def train(unet: Path, out: Path, schedule: Schedule = SCHEDULE) -> None:
    """Read a UNet, teach it the new numbers, and save it as the folder ``out``."""
    network = UNet2DConditionModel.from_pretrained(unet, dtype=torch.float32)
    error = reindex(network, out.with_suffix(".json"), schedule)
    print(f"time embedding: relative error {error:.4f}", flush=True)
    network.save_pretrained(out)


def reindex(unet: UNet2DConditionModel, log: Path, schedule: Schedule = SCHEDULE) -> float:
    """Train the UNet's time embedding, in place.

    Args:
        log: file for the losses and the time.

    Returns:
        The remaining error: root mean square over all timesteps and channels, relative to that of the embedding.
    """
    torch.manual_seed(4)
    embedding = unet.time_embedding.float().to(DEVICE)
    old = copy.deepcopy(embedding).requires_grad_(False)
    with torch.no_grad():
        wanted = old(unet.time_proj(trained_timesteps().float().to(DEVICE)))
        inputs = unet.time_proj(torch.arange(STEPS, device=DEVICE, dtype=torch.float32))
        scale = wanted.square().mean()

    def compute_loss() -> torch.Tensor:
        loss: torch.Tensor = (embedding(inputs) - wanted).square().mean() / scale
        return loss

    fit("time embedding", embedding.requires_grad_(True).parameters(), compute_loss, schedule, log)
    with torch.no_grad():
        return math.sqrt(compute_loss().item())
