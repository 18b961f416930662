"""Stage 2: the UNet and the text encoder together, on latents encoded once; epsilon prediction, as SD1.5.

Loss: mean squared error of the noise. A tenth of the prompts are empty, for classifier-free guidance. The weights'
exponential moving average is saved.
"""

import copy
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch.nn.functional import mse_loss

from genie_cli.data.digits import CLASSES
from training import text
from training.loop import DEVICE, Schedule, fit
from training.samples import painted
from training.schedule import shifted_betas

SCHEDULE = Schedule(steps=6000, batch=64, learning_rate=1e-3)
EMPTY_SHARE = 0.1
EMA = 0.998


def build() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(64, 128),
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=text.WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def train(vae: AutoencoderKL, out: Path, schedule: Schedule = SCHEDULE) -> None:
    """Train, and save the tokenizer, the text encoder and the UNet as folders of ``out``."""
    torch.manual_seed(1)
    images, labels, _ = painted("train", 40_000)
    vae.to(DEVICE)
    with torch.no_grad():
        latents = torch.cat([vae.encode(batch.to(DEVICE)).latent_dist.mode() for batch in images.split(100)])
    latents = latents * vae.config.scaling_factor
    alpha_bar = torch.cumprod(1 - shifted_betas(), 0).float().to(DEVICE)
    labels = labels.to(DEVICE)
    tokenizer = text.tokenizer()
    trained = torch.nn.ModuleDict({"unet": build(), "text_encoder": text.encoder(tokenizer)}).to(DEVICE)
    trained["unet"].to(memory_format=torch.channels_last)
    average = copy.deepcopy(trained)
    unet = torch.compile(trained["unet"])
    prompts = [template.format(name) for template in text.TEMPLATES for name in CLASSES]
    tokens = tokenizer(["", *prompts], padding="max_length", return_tensors="pt").input_ids.to(DEVICE)

    def compute_loss() -> torch.Tensor:
        chosen = torch.randint(len(latents), (schedule.batch,), device=DEVICE)
        timesteps = torch.randint(1000, (schedule.batch,), device=DEVICE)
        noise = torch.randn(schedule.batch, 4, 8, 8, device=DEVICE)
        level = alpha_bar[timesteps].view(-1, 1, 1, 1)
        noisy = level.sqrt() * latents[chosen] + (1 - level).sqrt() * noise
        prompt = (
            1 + labels[chosen] + len(CLASSES) * torch.randint(len(text.TEMPLATES), (schedule.batch,), device=DEVICE)
        )
        prompt[torch.rand(schedule.batch, device=DEVICE) < EMPTY_SHARE] = 0
        conditions = trained["text_encoder"](tokens).last_hidden_state[prompt]
        return mse_loss(unet(noisy, timesteps, conditions).sample, noise)

    @torch.no_grad()
    def update_average() -> None:
        for slow, fast in zip(average.parameters(), trained.parameters(), strict=True):
            slow.lerp_(fast, 1 - EMA)

    fit("denoiser", trained.parameters(), compute_loss, schedule, out / "denoiser.json", update_average)
    tokenizer.save_pretrained(out / "tokenizer")
    for name, model in average.items():
        model.save_pretrained(out / name)  # type: ignore[operator]
