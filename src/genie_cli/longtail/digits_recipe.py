"""The usual recipe for the digits, where it differs from LiVT's: a small network, few images, no pretraining."""

from __future__ import annotations

from typing import Any

from genie_cli.config import LongTail

_DIGITS: dict[str, Any] = {
    "network": "test_resnet",  # timm's smallest residual network, 0.46 million parameters
    "epochs": 40,
    "warmup_epochs": 2,
    "batch": 64,
    "base_lr": 8e-3,
    "layer_decay": 1.0,  # no layer knows anything yet that it could forget
    "mixup": 0.2,
    "cutmix": 0.0,  # half a digit is another digit
    "mean": (0.5, 0.5, 0.5),
    "std": (0.5, 0.5, 0.5),
    "workers": 0,
}


def for_digits(recipe: LongTail, given: set[str]) -> LongTail:
    """The recipe with the digits' values, except for those ``given`` by name and those that are not LiVT's."""
    livt = LongTail()
    mine = {k: v for k, v in _DIGITS.items() if k not in given and getattr(recipe, k) == getattr(livt, k)}
    return recipe.model_copy(update=mine)
