"""Labelled pictures as training sees them: cropped, recoloured, erased, and mixed.

What an epoch makes of a picture is a function of (seed, epoch, picture). So neither the number of loading processes
nor a kill changes it. This module does not know networks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from genie_cli.backbones.backbone import Preprocess
from genie_cli.config import LongTail
from genie_cli.data.images import read
from genie_cli.errors import ImageError
from genie_cli.finetune.batches import SampleIndex

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class TrainingImage:
    """A training image.

    Attributes:
        sha256: what the file must be.
        label: (C,), the share of each class, sums to 1.
    """

    path: Path
    sha256: str
    label: NDArray[np.float32]


@dataclass(frozen=True)
class Crops:
    """Random crops: ``least`` .. 1 of the picture's area, and whether half of them are mirrored."""

    least: float
    flip: bool


# MAE's, and so LiVT's; and the digits', for half a digit is another digit, and so is its mirror image.
OF_PHOTOS, OF_DIGITS = Crops(0.08, flip=True), Crops(0.7, flip=False)


class Augmented:
    """Pictures under random views; item (epoch, i) is the view of picture i in that epoch and its label.

    A view is a random crop, RandAugment, and random erasing (timm's), normalised: (3, size, size), float32.
    """

    def __init__(
        self, pictures: Sequence[TrainingImage], preprocess: Preprocess, crops: Crops, recipe: LongTail, seed: int
    ) -> None:
        self._pictures, self._seed = pictures, seed
        self._view = _view(preprocess, crops, recipe)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, place: SampleIndex) -> tuple[torch.Tensor, torch.Tensor] | ImageError:
        """The view and its label; or why there is none: torch would not bring that home from a loading process."""
        import torch

        epoch, number = place
        picture = self._pictures[number]
        try:
            image = read(picture.path, picture.sha256)
        except ImageError as error:
            return error
        seed_all(self._seed, epoch, number)
        return self._view(image), torch.from_numpy(picture.label)


def collate(items: list[Any]) -> Any:
    """A part of a batch of what `Augmented` gives: images (N, 3, H, W) and labels (N, C); or the first error."""
    from torch.utils.data import default_collate

    return next((item for item in items if isinstance(item, ImageError)), None) or default_collate(items)


def seed_all(*what: int) -> None:
    """Start the generators that timm and torch draw from at a hash of ``what``, which is at least 0."""
    import torch

    state = np.random.SeedSequence(what).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))
    torch.manual_seed(int(state[2]))


def mix(images: torch.Tensor, labels: torch.Tensor, recipe: LongTail) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch mixed with itself by MixUp or, in every other batch on average, by CutMix; labels smoothed and mixed.

    Args:
        images: (N, 3, H, W), float32.
        labels: (N, C), float32, rows sum to 1.
    """
    import torch
    from torchvision.transforms import v2

    labels = labels * (1 - recipe.smoothing) + recipe.smoothing / labels.shape[1]
    ways = [(v2.MixUp, recipe.mixup), (v2.CutMix, recipe.cutmix)]
    ways = [(way, alpha) for way, alpha in ways if alpha]
    if not ways:
        return images, labels
    way, alpha = ways[int(torch.randint(len(ways), ()))]
    mixed: tuple[torch.Tensor, torch.Tensor] = way(alpha=alpha)(images, labels)
    return mixed


def _view(preprocess: Preprocess, crops: Crops, recipe: LongTail) -> Any:
    import torch
    from timm.data.random_erasing import RandomErasing
    from torchvision.transforms import InterpolationMode, v2

    how = InterpolationMode[preprocess.interpolation.upper()]
    steps: list[Any] = [v2.RandomResizedCrop(preprocess.size, (crops.least, 1.0), interpolation=how, antialias=True)]
    steps += [v2.RandomHorizontalFlip()] if crops.flip else []
    steps += [_rand_augment(preprocess, recipe.randaugment)] if recipe.randaugment else []
    steps += [
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(list(preprocess.mean), list(preprocess.std)),
    ]
    steps += [RandomErasing(recipe.random_erasing, mode="pixel", device="cpu")] if recipe.random_erasing else []
    return v2.Compose(steps)


def _rand_augment(preprocess: Preprocess, policy: str) -> Any:
    """timm's RandAugment; what a shift uncovers is filled with the mean colour."""
    from timm.data.auto_augment import rand_augment_transform

    mean = tuple(round(255 * value) for value in preprocess.mean)
    how = {
        "translate_const": int(preprocess.size * 0.45),
        "img_mean": mean,
        "interpolation": PIL.Image.Resampling.BICUBIC,
    }
    augment: Any = rand_augment_transform(f"rand-{policy}", how)
    for operation in augment.ops:
        if operation.name.startswith("Posterize"):
            operation.level_fn = partial(_at_least_one_bit, operation.level_fn)
    return augment


def _at_least_one_bit(level: Any, *arguments: Any) -> tuple[int]:
    """timm's strongest posterising leaves 0 bits of a colour, which today's Pillow refuses."""
    return (max(1, level(*arguments)[0]),)
