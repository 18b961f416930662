"""AdamW with layer-wise learning rate decay, and its learning rate schedule (He et al., "Masked autoencoders", 2022,
appendix A.1, which LiVT follows)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genie_cli.config import LongTail

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer


def build_optimizer(network: nn.Module, recipe: LongTail) -> Optimizer:
    """AdamW with parameter groups by layer, as timm forms them.

    Each group's ``lr_scale`` is layer_decay ** (number of layers above it). Biases, the parameters of norms and those
    in the network's ``no_weight_decay`` (position embeddings, class token) get no weight decay.
    """
    import torch
    from timm.optim import param_groups_layer_decay

    no_weight_decay: Any = getattr(network, "no_weight_decay", set)
    groups = param_groups_layer_decay(
        network,
        weight_decay=recipe.weight_decay,
        no_weight_decay_list=no_weight_decay(),
        layer_decay=recipe.layer_decay,
    )
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=recipe.betas)


def learning_rate_at(epoch: float, recipe: LongTail) -> float:
    """The learning rate after ``epoch`` epochs: linear warmup from 0, then half a cosine down to ``min_lr``.

    Args:
        epoch: with a fraction for the part of an epoch, 0 to ``recipe.epochs``.
        recipe: peak and final learning rate, epochs and warmup epochs.
    """
    highest, lowest = recipe.learning_rate, recipe.min_lr
    if epoch < recipe.warmup_epochs:
        return highest * epoch / recipe.warmup_epochs
    done = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
    return lowest + (highest - lowest) * 0.5 * (1 + math.cos(math.pi * done))


def set_learning_rate(optimizer: Any, rate: float) -> None:
    """Set every group's learning rate to ``rate`` times its ``lr_scale``."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
