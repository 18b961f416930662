"""The bundled digits classifier: six convolutions, trained on real train-split samples. The demo's oracle."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn

WEIGHTS = "bundled/oracle/model.safetensors"


def build() -> nn.Sequential:
    """The network: images (N, 3, 32, 32) in [-1, 1] to logits (N, 10) in the order of `data.digits.CLASSES`."""
    from torch import nn

    def convolution(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
        layer = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        return layer, nn.BatchNorm2d(after), nn.ReLU(inplace=True)

    return nn.Sequential(
        *convolution(3, 32, 1),
        *convolution(32, 64, 2),
        *convolution(64, 64, 1),
        *convolution(64, 128, 2),
        *convolution(128, 128, 1),
        *convolution(128, 128, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )


def load() -> nn.Sequential:
    """The bundled weights, in float32 on the CPU, ready to classify."""
    from safetensors.torch import load_file

    network = build().eval().requires_grad_(False)
    weights = load_file(Path(str(files("genie_cli"))) / WEIGHTS)
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network


def classify(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Class probabilities, (N, 10), of images (N, 3, 32, 32), uint8."""
    import torch

    with torch.no_grad():
        probabilities: torch.Tensor = network(images.float() / 127.5 - 1).softmax(dim=-1)
    return probabilities
