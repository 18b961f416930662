"""Networks to be fine-tuned: timm's, from random weights, or from a checkpoint of LiVT or MAE.

Both save ``{'model': weights, ...}`` with timm's names. A pretrained ViT (MAE, and LiVT's first stage) has a decoder
that only its training needs, and ``norm.*`` where a classifier of averaged tokens has ``fc_norm.*`` and ``head.*``;
a fine-tuned one has all of those.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genie_cli.backbones import checkpoint, pretrained
from genie_cli.errors import ModelError, UsageError

if TYPE_CHECKING:
    import torch

_ONLY_IN_PRETRAINING = ("decoder_", "mask_token")
_HEAD_DEVIATION = 2e-5  # of a new head's weights, as in MAE's fine-tuning


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is to be.

    Attributes:
        name: timm's name for it.
        classes: how many it tells apart.
        drop_path: how often the last block is skipped, 0..1; others less often, the first never.
        size: side of its pictures, in pixels; 0: its own.
        checkpoint: LiVT's or MAE's file; None: random weights.
    """

    name: str
    classes: int
    drop_path: float
    size: int = 0
    checkpoint: Path | None = None


def build(plan: NetworkSpec) -> Any:
    """The network, on the CPU, ready to be trained: (N, 3, size, size) to logits (N, classes).

    New weights are drawn from torch's global generator.

    Raises:
        UsageError: timm has no such network, or it cannot be cut to size.
        ModelError: the checkpoint cannot be read, or does not fit in every key and shape.
    """
    import timm

    if not pretrained.is_known(plan.name):
        near = pretrained.nearest(plan.name, ())
        raise UsageError(f"timm has no network {plan.name!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    options: dict[str, Any] = {"num_classes": plan.classes, "drop_path_rate": plan.drop_path}
    if plan.size and timm.models.get_pretrained_cfg(plan.name).fixed_input_size:
        options["img_size"] = plan.size
    if plan.name.startswith("vit_"):
        options["global_pool"] = "avg"  # MAE's and LiVT's classifiers average the tokens
    try:
        network = timm.create_model(plan.name, pretrained=False, **options)
    except (TypeError, AssertionError, ValueError, RuntimeError) as error:  # timm lets each network refuse its own way
        raise UsageError(f"{plan.name} cannot be built with {options}: {error}") from None
    if plan.checkpoint:
        _load(network, plan.checkpoint)
    return network


def size_of(plan: NetworkSpec) -> int:
    """Side of the network's pictures, in pixels."""
    import timm

    return plan.size or int(timm.models.get_pretrained_cfg(plan.name).input_size[-1])


def _load(network: Any, path: Path) -> None:
    weights = _weights(path)
    wanted = network.state_dict()
    new = [key for key in wanted if key.startswith((f"{_head_of(network)}.", "fc_norm."))]
    is_pretrained = not any(key in weights for key in new)
    if is_pretrained:
        weights = {key: value for key, value in weights.items() if not key.startswith("norm.")}
    asked = {key: value for key, value in wanted.items() if not (is_pretrained and key in new)}
    if wrong := checkpoint.difference(asked, weights):
        raise ModelError(f"{path} does not fit the network: {wrong}", "see which network its weights belong to")
    network.load_state_dict(weights, strict=not is_pretrained)
    if is_pretrained:
        from torch.nn.init import trunc_normal_

        trunc_normal_(network.get_classifier().weight, std=_HEAD_DEVIATION)


def _weights(path: Path) -> dict[str, torch.Tensor]:
    found = checkpoint.read_model(path, "LiVT or MAE", "expected {'model': weights, ...}")
    return {key: value for key, value in found.items() if not key.startswith(_ONLY_IN_PRETRAINING)}


def _head_of(network: Any) -> str:
    return str(network.pretrained_cfg["classifier"])
