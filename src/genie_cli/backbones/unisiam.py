"""UniSiam encoders (Lu et al., "Self-supervision can be a good few-shot learner", 2022), from the authors' checkpoints.

They are torchvision ResNets without the last layer. A file is ``{'model': weights, 'epoch': n}``. The encoder's weights
are named ``encoder.module.*`` or ``encoder.*``; those of two heads that only training needs are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.backbones import checkpoint
from genie_cli.backbones.backbone import Backbone, Preprocess, identity
from genie_cli.diffusion import tensors
from genie_cli.errors import ModelError, shorten

if TYPE_CHECKING:
    import torch
    from torch import nn

NAMES = ("unisiam-resnet18", "unisiam-resnet34", "unisiam-resnet50")
_HEADS = ("proj.", "pred.")
_EXPECTED = "{'model': weights, 'epoch': number}"


def load(name: str, path: Path) -> Backbone:
    """An encoder on the CPU: features (N, 512), or (N, 2048) for the ResNet-50.

    Images are resized to 256 pixels and cropped to 224, as in the authors' evaluation.

    Args:
        name: one of `NAMES`.
        path: the checkpoint.

    Raises:
        ModelError: the file is missing, damaged, unsafe to read, in another layout, of another depth, or has
            weights that are not finite.
    """
    weights = _encoder_of(path)
    network = _network(name)
    if wrong := tensors.difference(network.state_dict(), weights):
        raise ModelError(f"{path} does not fit {name}: {wrong}", _suggestion(weights))
    network.load_state_dict(weights)
    checkpoint.require_sound(network, path)
    preprocess = Preprocess(resize=256, size=224)
    return Backbone(identity(name, network, preprocess), network.eval().requires_grad_(False), preprocess)


def _encoder_of(path: Path) -> dict[str, torch.Tensor]:
    """The encoder's weights under torchvision's names."""
    weights = checkpoint.read_model(path, "UniSiam", _EXPECTED)
    if not any(key.startswith("encoder.") for key in weights):
        raise ModelError(
            f"{path} is not a checkpoint of UniSiam: 'model' has no encoder.*, but {shorten(list(weights))}",
            f"expected {_EXPECTED} with weights named encoder.* or encoder.module.*",
        )
    kept = {key: value for key, value in weights.items() if not key.startswith(_HEADS)}
    return checkpoint.without_prefixes(kept, path, "encoder.", "module.")


def _network(name: str) -> nn.Module:
    """torchvision's ResNet of that depth, with random weights and without ``fc``."""
    from torch import nn
    from torchvision import models

    network: nn.Module = models.get_model(name.removeprefix("unisiam-"), weights=None)
    network.fc = nn.Identity()
    return network


def _suggestion(weights: Mapping[str, torch.Tensor]) -> str:
    """The encoder that the weights fit, as a hint."""
    import torch

    with torch.device("meta"):
        fitting = [name for name in NAMES if not tensors.difference(_network(name).state_dict(), weights)]
    return f"it looks like {fitting[0]}" if fitting else f"they fit none of {', '.join(NAMES)}"
