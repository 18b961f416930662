"""AdamW whose learning rate falls from layer to layer, and over time (He et al., "Masked autoencoders", 2022,
appendix A.1, which LiVT follows)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genie_cli.config import LongTail

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


def optimizer(network: nn.Module, recipe: LongTail) -> Optimizer:
    """AdamW with a group of parameters for each layer and kind: ``lr_scale`` is layer_decay ** (layers above it).

    Biases, gains and what the network says (position embeddings, class token) are not decayed in weight.
    """
    import torch
    from timm.optim import param_groups_layer_decay

    spared: Any = getattr(network, "no_weight_decay", set)
    groups = param_groups_layer_decay(
        network,
        weight_decay=recipe.weight_decay,
        no_weight_decay_list=spared(),
        layer_decay=recipe.layer_decay,
    )
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas)


def rate_at(epoch: float, recipe: LongTail) -> float:
    """The learning rate at ``epoch``, which has a fraction within an epoch: up in a line, then down half a cosine."""
    highest, lowest = recipe.learning_rate, recipe.min_lr
    if epoch < recipe.warmup_epochs:
        return highest * epoch / recipe.warmup_epochs
    done = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
    return lowest + (highest - lowest) * 0.5 * (1 + math.cos(math.pi * done))


def set_rate(optimizer: Any, rate: float) -> None:
    """Give every group its share of the learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
