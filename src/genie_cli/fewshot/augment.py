"""Augmentations of real images: weak, strong, CutMix, MixUp (paper, section 4, "Baselines").

torchvision does the work. Its transforms draw from torch's global generator; here every view has a seed of its
own, so that a view is a function of (picture, seed) whatever ran before it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genie_cli.backbones.backbone import Preprocess

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_GENERATOR = threading.Lock()

# The least share of the picture that a random crop keeps, and whether its mirror image is still of its class.
# A digit is not a photo: half of it is another digit, and so is its mirror image.
_PHOTO, _DIGIT = (0.2, True), (0.7, False)


@dataclass(frozen=True)
class RandomAugment:
    """Random views of pictures, as a backbone sees them.

    Attributes:
        least: the crop's area, as a share of the picture's, is drawn from ``least`` .. 1.
        flip: whether half of the views are mirrored.
    """

    preprocess: Preprocess
    least: float
    flip: bool

    @classmethod
    def of_photos(cls, preprocess: Preprocess) -> RandomAugment:
        """As in the authors' code: RandomResizedCrop(scale=(0.2, 1)) and a horizontal flip."""
        return cls(preprocess, *_PHOTO)

    @classmethod
    def of_digits(cls, preprocess: Preprocess) -> RandomAugment:
        return cls(preprocess, *_DIGIT)

    def weak(self, picture: Image, seed: int) -> torch.Tensor:
        """A random crop, perhaps mirrored: (3, size, size), uint8."""
        return self._view(picture, seed, strong=False)

    def strong(self, picture: Image, seed: int) -> torch.Tensor:
        """The weak view recoloured, perhaps grey, perhaps blurred ("Heavy" in the paper's tables)."""
        return self._view(picture, seed, strong=True)

    def _view(self, picture: Image, seed: int, *, strong: bool) -> torch.Tensor:
        from torchvision.transforms import InterpolationMode, v2
        from torchvision.transforms.v2 import functional

        how = InterpolationMode[self.preprocess.interpolation.upper()]
        crop = v2.RandomResizedCrop(self.preprocess.size, (self.least, 1.0), interpolation=how, antialias=True)
        steps: list[object] = [crop, v2.RandomHorizontalFlip()] if self.flip else [crop]
        if strong:
            radius = self.preprocess.size // 20 * 2 + 1  # a tenth of the picture, as in SimCLR (2020), appendix A
            steps += [
                v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
                v2.RandomGrayscale(0.2),
                v2.RandomApply([v2.GaussianBlur(max(radius, 3), (0.1, 2.0))], p=0.5),
            ]
        with seeded(seed):
            looked: torch.Tensor = functional.pil_to_tensor(v2.Compose(steps)(picture))
        return looked


def mix(
    how: Literal["cutmix", "mixup"], images: torch.Tensor, labels: torch.Tensor, classes: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each image mixed with another of the batch: images (N, 3, H, W), uint8, and soft labels (N, classes), float32.

    Args:
        images: (N, 3, H, W), uint8.
        labels: class indices, (N,).

    CutMix (Yun et al., 2019) with alpha 1, MixUp (Zhang et al., 2018) with alpha 0.2, their papers' values for
    ImageNet. torchvision draws one share a batch and mixes each image with its neighbour; the batch is put into a
    random order first.
    """
    import torch
    from torchvision.transforms import v2

    mixing = v2.CutMix(num_classes=classes, alpha=1.0) if how == "cutmix" else v2.MixUp(num_classes=classes, alpha=0.2)
    with seeded(seed):
        order = torch.randperm(len(images))
        mixed, soft = mixing(images[order].float(), labels[order])
    return mixed.round().to(torch.uint8), soft


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """torch's global generator on the CPU starts at ``seed`` inside, and is as before after; one thread at a time."""
    import torch

    with _GENERATOR, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also set those of the devices
        yield
