"""A UNet that is compiled in seconds."""

from __future__ import annotations

from typing import Any

import torch


def small_unet() -> Any:
    """A UNet with a single block at each end; always the same weights."""
    from diffusers import UNet2DConditionModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        unet = UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(16,),
            norm_num_groups=8,
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D",),
            mid_block_type=None,
            up_block_types=("CrossAttnUpBlock2D",),
            cross_attention_dim=64,
            attention_head_dim=2,
        )
    return unet.eval().requires_grad_(False)
