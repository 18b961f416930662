"""How much arithmetic an image needs, and how much the machine can do: 1 multiply-add = 2 FLOP.

Models are counted on meta tensors, from their configurations: nothing is allocated and nothing is run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

_TIMES = 7


def flops(snapshot: Path) -> dict[str, int]:
    """FLOP of one UNet ``row``, and of the VAE's ``encode`` and ``decode`` of one image."""
    from diffusers import AutoencoderKL, UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(snapshot / "unet"))
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(snapshot / "vae"))
        side = unet.config.sample_size
        latent = torch.empty(1, unet.config.in_channels, side, side)
        size = side * 2 ** (len(vae.config.block_out_channels) - 1)
        image = torch.empty(1, 3, size, size)
        text = torch.empty(1, 77, unet.config.cross_attention_dim)
        timestep = torch.empty(1)
        return {
            "row": _count(lambda: unet(latent, timestep, text)),
            "encode": _count(lambda: vae.encode(image)),
            "decode": _count(lambda: vae.decode(latent)),
        }


def _count(work: Callable[[], Any]) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a large matrix product or convolution, whichever is faster, with torch's own settings.

    On some processors the two are computed by different libraries, of which one does not use all instructions.
    """
    side, rows, channels, pixels = (8192, 64, 1024, 64) if device.type == "cuda" else (2048, 8, 512, 32)
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    image = torch.randn(rows, channels, pixels, pixels, device=device).to(dtype, memory_format=torch.channels_last)
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, device=device).to(dtype)
    layer = layer.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        product = 2 * side**3 / seconds(lambda: a @ b, device)
        convolution = 2 * 9 * rows * channels**2 * pixels**2 / seconds(lambda: layer(image), device)
    return max(product, convolution)


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds that work on a device takes: the median of seven after one to warm up."""
    times = []
    for _ in range(_TIMES + 1):
        started = time.perf_counter()
        work()
        synchronize(device)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
