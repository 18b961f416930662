"""What every backbone is: a network, its identity, and how it wants to see pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import nn

_BATCH = 64


@dataclass(frozen=True)
class Preprocess:
    """How a network wants to see a picture: shorter side to ``resize``, centre crop to ``size``, then normalised.

    Attributes:
        mean, std: of the channels, for pixels in 0..1.
    """

    resize: int
    size: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    def center_crop(self, picture: Image) -> torch.Tensor:
        """The picture resized and cropped: (3, size, size), uint8."""
        from torchvision.transforms import InterpolationMode, v2
        from torchvision.transforms.v2 import functional

        how = InterpolationMode[self.interpolation.upper()]
        resized = functional.resize(picture, [self.resize], interpolation=how, antialias=True)
        looked: torch.Tensor = functional.pil_to_tensor(v2.CenterCrop(self.size)(resized))
        return looked


@dataclass(frozen=True)
class Backbone:
    """A network from pictures to features, or to logits if it is a classifier.

    Attributes:
        name: its identity, ``name@hash of the weights``; features are cached under it.
        network: (N, 3, size, size), normalised, to (N, D); in evaluation mode, on its device.
        classes: of a classifier, in the order of its logits: WordNet ids or names; else empty.
    """

    name: str
    network: nn.Module
    preprocess: Preprocess
    classes: tuple[str, ...] = ()

    def run(self, images: torch.Tensor) -> NDArray[np.float32]:
        """Features or logits, (N, D), of images (N, 3, size, size), uint8.

        A row does not depend on its neighbours beyond rounding.

        Raises:
            ModelError: a batch does not fit into the device's memory.
        """
        import numpy as np
        import torch

        try:
            with torch.inference_mode():
                parts = [self.network(self.normalise(part)).float().cpu() for part in torch.split(images, _BATCH)]
        except torch.OutOfMemoryError:
            raise ModelError(
                f"{self.name}: a batch of {_BATCH} pictures does not fit into the device's memory", "use --device cpu"
            ) from None
        return np.concatenate([part.numpy() for part in parts])

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 to what the network takes, on the network's device."""
        import torch

        device = next(self.network.parameters()).device
        mean, std = (
            torch.tensor(values, device=device).view(3, 1, 1) for values in (self.preprocess.mean, self.preprocess.std)
        )
        return (images.to(device).float() / 255 - mean) / std


def identity(name: str, network: nn.Module, preprocess: Preprocess) -> str:
    """``name@hash`` of a network's weights and of how it looks at pictures: features depend on both."""
    weights = weights_hash(list(network.state_dict().items()))
    return f"{name}@{hashlib.sha256(f'{weights} {preprocess}'.encode()).hexdigest()[:12]}"


def weights_hash(tensors: Iterator[tuple[str, torch.Tensor]] | Sequence[tuple[str, torch.Tensor]]) -> str:
    """Twelve hexadecimal digits of the SHA-256 over names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors, key=lambda pair: pair[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(-1).numpy().tobytes())
    return digest.hexdigest()[:12]
