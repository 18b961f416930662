"""The two bundled networks for digits: the oracle, which classifies all ten, and the few-shot encoder.

The encoder was trained without labels, with the UniSiam loss (Lu et al., "Self-supervision can be a good few-shot
learner", 2022), on images of `data.digits.BASE_CLASSES` only, so that `NOVEL_CLASSES` are new to it. Both are small
convolutional networks, trained by `training/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genie_cli.backbones import checkpoint
from genie_cli.backbones.backbone import Backbone, Preprocess, weights_hash
from genie_cli.data.digits import CLASSES
from genie_cli.diffusion import tensors
from genie_cli.diffusion.locate import REINSTALL
from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import torch
    from torch import nn


def oracle() -> nn.Sequential:
    """A new classifier: images (N, 3, 32, 32) in [-1, 1] to logits (N, 10) in the order of `data.digits.CLASSES`."""
    from torch import nn

    channels, strides = (32, 64, 64, 128, 128, 128), (1, 2, 1, 2, 1, 2)
    return nn.Sequential(*_convolutions(channels, strides), nn.Dropout(0.2), nn.Linear(128, 10))


def encoder() -> nn.Sequential:
    """A new few-shot encoder: images (N, 3, 32, 32) in [-1, 1] to features (N, 256)."""
    from torch import nn

    return nn.Sequential(*_convolutions((32, 64, 128, 128, 256), (2, 1, 2, 1, 2)))


def _convolutions(channels: Sequence[int], strides: Sequence[int]) -> Iterator[nn.Module]:
    """Convolutions with batch norm and ReLU, then global average pooling: (N, 3, H, W) to (N, channels[-1])."""
    from torch import nn

    for before, after, stride in zip((3, *channels), channels, strides, strict=False):
        yield nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        yield nn.BatchNorm2d(after)
        yield nn.ReLU(inplace=True)
    yield nn.AdaptiveAvgPool2d(1)
    yield nn.Flatten()


def bundled(name: Literal["oracle", "encoder"]) -> nn.Sequential:
    """A bundled network with its weights, in float32 on the CPU, in evaluation mode.

    Raises:
        ModelError: its file is missing or damaged.
    """
    path = Path(str(files("genie_cli"))) / "bundled" / name / "model.safetensors"
    network = {"oracle": oracle, "encoder": encoder}[name]().eval().requires_grad_(False)
    try:
        found = checkpoint.weights(checkpoint.read(path), path)
        if wrong := tensors.difference(network.state_dict(), found):
            raise ModelError(f"{path} is not whole: {wrong}")
        network.load_state_dict({key: tensor.float() for key, tensor in found.items()})
        checkpoint.require_sound(network, path)
    except ModelError as error:
        raise ModelError(f"the bundled {name} is damaged: {error}", f"install genie again: {REINSTALL}") from None
    return network


def backbone(name: Literal["oracle", "encoder"]) -> Backbone:
    """A bundled network as a backbone: the oracle gives logits (N, 10), the encoder features (N, 256)."""
    network = bundled(name)
    return Backbone(
        name=f"digits-{name}@{weights_hash(network.state_dict().items())}",
        network=network,
        preprocess=Preprocess(resize=32, size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        classes=CLASSES if name == "oracle" else (),
    )


def classify(images: torch.Tensor) -> torch.Tensor:
    """The oracle's class probabilities, (N, 10), for images (N, 3, 32, 32), uint8."""
    import torch

    return torch.from_numpy(backbone("oracle").run(images)).softmax(dim=-1)
