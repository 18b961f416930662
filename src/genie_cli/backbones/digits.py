"""The two bundled networks of the digits: the oracle, which knows all ten, and the few-shot encoder.

The encoder was trained without labels, by the UniSiam loss (Lu et al., "Self-supervision can be a good few-shot
learner", 2022), on `BASE_CLASSES` alone, so that `NOVEL_CLASSES` are new to it. Both are small stacks of
convolutions made by `training/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from genie_cli.backbones.backbone import Backbone, Preprocess, weights_hash
from genie_cli.data.digits import CLASSES

if TYPE_CHECKING:
    import torch
    from torch import nn


def oracle() -> nn.Sequential:
    """The classifier: images (N, 3, 32, 32) in [-1, 1] to logits (N, 10) in the order of `data.digits.CLASSES`."""
    from torch import nn

    widths, strides = (32, 64, 64, 128, 128, 128), (1, 2, 1, 2, 1, 2)
    return nn.Sequential(*_convolutions(widths, strides), nn.Dropout(0.2), nn.Linear(128, 10))


def encoder() -> nn.Sequential:
    """The few-shot backbone: images (N, 3, 32, 32) in [-1, 1] to features (N, 256)."""
    from torch import nn

    return nn.Sequential(*_convolutions((32, 64, 128, 128, 256), (2, 1, 2, 1, 2)))


def _convolutions(widths: Sequence[int], strides: Sequence[int]) -> Iterator[nn.Module]:
    """Convolutions with batch norm, and the mean over the picture: (N, 3, H, W) to (N, widths[-1])."""
    from torch import nn

    for before, after, stride in zip((3, *widths), widths, strides, strict=False):
        yield nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        yield nn.BatchNorm2d(after)
        yield nn.ReLU(inplace=True)
    yield nn.AdaptiveAvgPool2d(1)
    yield nn.Flatten()


def bundled(name: Literal["oracle", "encoder"]) -> nn.Sequential:
    """A bundled network, in float32 on the CPU, in evaluation mode."""
    from safetensors.torch import load_file

    network = {"oracle": oracle, "encoder": encoder}[name]().eval().requires_grad_(False)
    weights = load_file(Path(str(files("genie_cli"))) / "bundled" / name / "model.safetensors")
    network.load_state_dict({key: tensor.float() for key, tensor in weights.items()})
    return network


def backbone(name: Literal["oracle", "encoder"]) -> Backbone:
    """A bundled network as a backbone: the oracle gives logits, the encoder features (N, 256)."""
    network = bundled(name)
    return Backbone(
        name=f"digits-{name}@{weights_hash(list(network.state_dict().items()))}",
        network=network,
        preprocess=Preprocess(resize=32, size=32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        classes=CLASSES if name == "oracle" else (),
    )


def classify(images: torch.Tensor) -> torch.Tensor:
    """The oracle's class probabilities, (N, 10), of images (N, 3, 32, 32), uint8."""
    import torch

    return torch.from_numpy(backbone("oracle").run(images)).softmax(dim=-1)
