"""Augmentations of real images: weak, strong, CutMix and MixUp (paper, section 4, "Baselines").

The transforms are torchvision's, which draw from torch's global generator. Here every view has a seed of its own, so a
view is a function of picture and seed alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genie_cli.backbones.backbone import Preprocess
from genie_cli.data.dataset import Crops

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

# The authors' code: RandomResizedCrop(scale=(0.2, 1)) and a horizontal flip.
PHOTO_CROPS = Crops(min_area=0.2, flip=True)

_ALPHA = {"cutmix": 1.0, "mixup": 0.2}
_GENERATOR = threading.Lock()


@dataclass(frozen=True)
class RandomAugment:
    """Random views of pictures, of the size that a backbone takes.

    Attributes:
        crops: a crop's area, as a share of the picture's, is drawn from ``crops.min_area`` .. 1; with ``crops.flip``
            half of the views are mirrored.
        flip_vertically: whether half of the strong views are upside down, if ``crops.flip``.
    """

    preprocess: Preprocess
    crops: Crops = PHOTO_CROPS
    flip_vertically: bool = False

    def weak(self, picture: Image, seed: int) -> torch.Tensor:
        """A random crop, possibly mirrored: shape (3, size, size), uint8."""
        return self._view(picture, seed, strong=False)

    def strong(self, picture: Image, seed: int) -> torch.Tensor:
        """The weak view with color jitter, possibly in gray, possibly blurred ("Heavy" in some of the paper's tables).

        Returns:
            Shape (3, size, size), uint8.
        """
        return self._view(picture, seed, strong=True)

    def _view(self, picture: Image, seed: int, *, strong: bool) -> torch.Tensor:
        from torchvision.transforms import InterpolationMode, v2
        from torchvision.transforms.v2 import functional

        size, area = self.preprocess.size, (self.crops.min_area, 1.0)
        how = InterpolationMode[self.preprocess.interpolation.upper()]
        steps: list[object] = [v2.RandomResizedCrop(size, area, interpolation=how, antialias=True)]
        steps += [v2.RandomHorizontalFlip()] if self.crops.flip else []
        if strong:
            steps += [v2.RandomVerticalFlip()] if self.crops.flip and self.flip_vertically else []
            kernel = size // 20 * 2 + 1  # a tenth of the picture, as in SimCLR (2020), appendix A
            steps += [
                v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
                v2.RandomGrayscale(0.2),
                v2.RandomApply([v2.GaussianBlur(max(kernel, 3), (0.1, 2.0))], p=0.5),
            ]
        with seeded(seed):
            view: torch.Tensor = functional.pil_to_tensor(v2.Compose(steps)(picture))
        return view


def mix(
    how: Literal["cutmix", "mixup"],
    images: torch.Tensor,
    labels: torch.Tensor,
    classes: int,
    seed: int,
    alpha: float | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image of a batch with another one.

    CutMix (Yun et al., 2019) and MixUp (Zhang et al., 2018). torchvision draws one mixing ratio per batch and mixes
    each image with its neighbor; the batch is shuffled first.

    Args:
        images: shape (N, 3, H, W), uint8.
        labels: class indices, shape (N,).
        classes: number of classes C.
        alpha: the mixing ratio is drawn from Beta(alpha, alpha); None: 1 for CutMix, 0.2 for MixUp, their papers'
            values for ImageNet.

    Returns:
        Images, shape (N, 3, H, W), uint8, in another order, and their soft labels, shape (N, C), float32.
    """
    import torch
    from torchvision.transforms import v2

    mixing = {"cutmix": v2.CutMix, "mixup": v2.MixUp}[how](num_classes=classes, alpha=alpha or _ALPHA[how])
    with seeded(seed):
        order = torch.randperm(len(images))
        mixed, soft = mixing(images[order].float(), labels[order])
    return mixed.round().to(torch.uint8), soft


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global CPU generator, and restore it at the end. One thread at a time; others wait."""
    import torch

    with _GENERATOR, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the devices' generators
        yield
