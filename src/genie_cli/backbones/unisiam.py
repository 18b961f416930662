"""UniSiam encoders (Lu et al., "Self-supervision can be a good few-shot learner", 2022), from the authors' checkpoints.

They are torchvision ResNets without the last layer. A file is ``{'model': weights, 'epoch': n}``. The encoder's weights
are named ``encoder.module.*`` or ``encoder.*``, also inside another prefix; those of two heads that only training needs
are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.backbones import checkpoint, layouts
from genie_cli.backbones.backbone import Backbone, Preprocess, identity
from genie_cli.diffusion import tensors
from genie_cli.errors import ModelError, shorten
from genie_cli.observer import Observer

if TYPE_CHECKING:
    import torch
    from torch import nn

NAMES = ("unisiam-resnet18", "unisiam-resnet34", "unisiam-resnet50")
_HEADS = ("proj.", "pred.")
_EXPECTED = "{'model': weights, 'epoch': number}"


def load(name: str, path: Path, observer: Observer | None = None) -> Backbone:
    """An encoder on the CPU: features (N, 512), or (N, 2048) for the ResNet-50.

    Images are resized to 256 pixels and cropped to 224, as in the authors' evaluation.

    Args:
        name: one of `NAMES`.
        path: the checkpoint.
        observer: is told which of several sets of weights was taken, and what was left out besides the two heads.

    Raises:
        ModelError: the file is missing, damaged, unsafe to read, in another layout, of another depth, or has
            weights that are not finite.
    """
    observer = observer or Observer()
    found = checkpoint.weights(checkpoint.read(path), path, observer)
    if not any("encoder." in key for key in found):
        raise ModelError(
            f"{path} is not a checkpoint of UniSiam: it has no encoder.*, but {shorten(list(found))}",
            f"expected {_EXPECTED} with weights named encoder.* or encoder.module.*",
        )
    network = _network(name)
    matched = layouts.match(network.state_dict(), found, path)
    if wrong := tensors.difference(network.state_dict(), matched.weights):
        raise ModelError(f"{path} does not fit {name}: {wrong}", _suggestion(found, path))
    if left_out := layouts.grouped([key for key in matched.left_out if not _of_heads(key)], list(matched.weights)):
        observer.found(f"{path}: left out, since the network has no place for them: {shorten(left_out)}")
    network.load_state_dict(matched.weights)
    checkpoint.require_sound(network, path)
    preprocess = Preprocess(resize=256, size=224)
    return Backbone(identity(name, network, preprocess), network.eval().requires_grad_(False), preprocess)


def _of_heads(key: str) -> bool:
    return key.removeprefix("module.").startswith(_HEADS)


def _network(name: str) -> nn.Module:
    """torchvision's ResNet of that depth, with random weights and without ``fc``."""
    from torch import nn
    from torchvision import models

    network: nn.Module = models.get_model(name.removeprefix("unisiam-"), weights=None)
    network.fc = nn.Identity()
    return network


def _suggestion(found: Mapping[str, torch.Tensor], path: Path) -> str:
    """The encoder that the weights fit, as a hint."""
    import torch

    fitting = []
    for name in NAMES:
        with torch.device("meta"):
            wanted = _network(name).state_dict()
        if not tensors.difference(wanted, layouts.match(wanted, found, path).weights):
            fitting.append(name)
    return f"it looks like {fitting[0]}" if fitting else f"they fit none of {', '.join(NAMES)}"
