"""A backbone: a network from images to features or logits, with its preprocessing and its identity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genie_cli.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import nn

BATCH = 64  # images per forward pass


@dataclass(frozen=True)
class Preprocess:
    """Preprocessing for evaluation: resize, center crop, normalize.

    Attributes:
        resize: length in pixels to which the shorter side is resized.
        size: side of the square center crop, in pixels.
        mean, std: per channel, for pixel values in 0..1.
        interpolation: used for resizing.
    """

    resize: int
    size: int
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"

    def center_crop(self, image: Image) -> torch.Tensor:
        """The image resized and center-cropped, not normalized: (3, size, size), uint8."""
        from torchvision.transforms import InterpolationMode, v2
        from torchvision.transforms.v2 import functional

        interpolation = InterpolationMode[self.interpolation.upper()]
        resized = functional.resize(image, [self.resize], interpolation=interpolation, antialias=True)
        cropped: torch.Tensor = functional.pil_to_tensor(v2.CenterCrop(self.size)(resized))
        return cropped


@dataclass(frozen=True)
class Backbone:
    """A network from images to features, or to logits if it is a classifier.

    Attributes:
        name: identity, ``name@hash``; features are cached under it.
        network: maps normalized images (N, 3, size, size) to (N, D). In evaluation mode, on its device.
        preprocess: what images go through before the network.
        classes: class names or WordNet ids of a classifier, in the order of its logits; empty for features.
        copies: the network on further devices, which share the batches.
    """

    name: str
    network: nn.Module
    preprocess: Preprocess
    classes: tuple[str, ...] = ()
    copies: tuple[nn.Module, ...] = ()

    @property
    def batch(self) -> int:
        """How many images all devices take at a time."""
        return BATCH * (1 + len(self.copies))

    def run(self, images: torch.Tensor) -> NDArray[np.float32]:
        """Features or logits of images, (N, D). Apart from rounding, a row does not depend on the others.

        Args:
            images: (N, 3, size, size), uint8; see `Preprocess.center_crop`.

        Raises:
            ModelError: a batch of 64 images does not fit into the device's memory.
        """
        import numpy as np
        import torch

        networks = (self.network, *self.copies)
        work = [(networks[number % len(networks)], part) for number, part in enumerate(torch.split(images, BATCH))]
        try:
            if self.copies:
                with ThreadPoolExecutor(len(networks)) as pool:  # a GPU computes while Python waits
                    batches = list(pool.map(self._run, *zip(*work, strict=True)))
            else:
                batches = [self._run(*each) for each in work]
        except torch.OutOfMemoryError:
            raise ModelError(
                f"{self.name}: a batch of {BATCH} images does not fit into the device's memory", "use --device cpu"
            ) from None
        return np.concatenate(batches)

    def _run(self, network: nn.Module, images: torch.Tensor) -> NDArray[np.float32]:
        import numpy as np
        import torch

        device = next(network.parameters()).device
        with torch.inference_mode():  # of this thread
            return np.asarray(network(self.normalize(images, device)).float().cpu())

    def normalize(self, images: torch.Tensor, device: torch.device | None = None) -> torch.Tensor:
        """The network's input for images (N, 3, H, W), uint8: normalized, float32, on a device; None: its own."""
        import torch

        device = device or next(self.network.parameters()).device
        mean, std = (
            torch.tensor(values, device=device).view(3, 1, 1) for values in (self.preprocess.mean, self.preprocess.std)
        )
        return (images.to(device).float() / 255 - mean) / std


def identity(name: str, network: nn.Module, preprocess: Preprocess) -> str:
    """``name@hash``, where the hash is over the network's weights and its preprocessing: features depend on both."""
    p = preprocess
    # Cached features are found by this hash: any change of this text, "Sight" included, has them all computed again.
    described = (
        f"Sight(resize={p.resize!r}, size={p.size!r}, mean={p.mean!r}, std={p.std!r}, "
        f"interpolation={p.interpolation!r})"
    )
    text = f"{weights_hash(network.state_dict().items())} {described}"
    return f"{name}@{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def weights_hash(weights: Iterable[tuple[str, torch.Tensor]]) -> str:
    """First twelve hexadecimal digits of the SHA-256 over names, dtypes, shapes and values, sorted by name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(weights, key=lambda pair: pair[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(-1).numpy().tobytes())
    return digest.hexdigest()[:12]
