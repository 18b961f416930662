"""Labelled training images: random crop, RandAugment and random erasing; then MixUp or CutMix of a micro-batch.

How an image is augmented is a function of (seed, pass, index of the image), so that it depends neither on the number
of data-loading processes nor on whether training was interrupted.
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
from genie_cli.data.dataset import Crops
from genie_cli.data.images import read
from genie_cli.errors import ImageError
from genie_cli.finetune.sampler import SampleIndex

if TYPE_CHECKING:
    import torch

PHOTO_CROPS = Crops(0.08, flip=True)  # as in MAE's fine-tuning, and so in LiVT's


@dataclass(frozen=True)
class TrainingImage:
    """A training image.

    Attributes:
        path: the file.
        sha256: of the file's content, which is checked when it is read.
        label: (C,), float32, the share of each class; sums to 1.
    """

    path: Path
    sha256: str
    label: NDArray[np.float32]


class AugmentedImages:
    """A map-style dataset: item (number, index) is that image as augmented in that pass through all, and its label.

    Args:
        images: the training images.
        preprocess: size, normalization and interpolation.
        crops: the random crops and flips.
        recipe: RandAugment's policy and the probability of random erasing (both timm's).
        seed: of the augmentations.
    """

    def __init__(
        self, images: Sequence[TrainingImage], preprocess: Preprocess, crops: Crops, recipe: LongTail, seed: int
    ) -> None:
        self._images, self._seed = images, seed
        self._augment = _augmentation(preprocess, crops, recipe)
        self._needed = crops.shorter_side(preprocess.size)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, sample: SampleIndex) -> tuple[torch.Tensor, torch.Tensor] | ImageError:
        """The augmented image (3, size, size), float32, normalized, and its label (C,), float32.

        If the image cannot be read, the ImageError is returned: torch would not pass it on whole from a data-loading
        process if it were raised.
        """
        import torch

        number, index = sample
        image = self._images[index]
        try:
            pixels = read(image.path, image.sha256, self._needed)
        except ImageError as error:
            return error
        seed_all(self._seed, number, index, devices=False)
        return self._augment(pixels), torch.from_numpy(image.label)


def collate(samples: list[Any]) -> Any:
    """A micro-batch of samples of `AugmentedImages`: images (N, 3, H, W) and labels (N, C); or the first error."""
    from torch.utils.data import default_collate

    return next((sample for sample in samples if isinstance(sample, ImageError)), None) or default_collate(samples)


def seed_all(*numbers: int, devices: bool = True) -> None:
    """Seed the global random generators of Python, numpy and torch with a hash of ``numbers``, each at least 0.

    Args:
        devices: those of GPUs, too. Where torch has not begun to use one, it notes each such call with the stack of its
            caller, which takes as long as augmenting a small image.
    """
    import torch

    state = np.random.SeedSequence(numbers).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))
    (torch.manual_seed if devices else torch.default_generator.manual_seed)(int(state[2]))


def mix(images: torch.Tensor, labels: torch.Tensor, recipe: LongTail) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth the labels, and apply MixUp or CutMix; with both in the recipe, one is drawn with equal probability.

    Args:
        images: (N, 3, H, W), float32.
        labels: (N, C), float32, rows sum to 1.
        recipe: label smoothing, and alpha of MixUp and CutMix, of which 0 turns one off.

    Returns:
        Mixed images and labels of the same shapes.
    """
    import torch
    from torchvision.transforms import v2

    labels = labels * (1 - recipe.smoothing) + recipe.smoothing / labels.shape[1]
    mixings = [(v2.MixUp, recipe.mixup), (v2.CutMix, recipe.cutmix)]
    mixings = [(mixing, alpha) for mixing, alpha in mixings if alpha]
    if not mixings:
        return images, labels
    mixing, alpha = mixings[int(torch.randint(len(mixings), ()))]
    mixed: tuple[torch.Tensor, torch.Tensor] = mixing(alpha=alpha)(images, labels)
    return mixed


def _augmentation(preprocess: Preprocess, crops: Crops, recipe: LongTail) -> Any:
    """The transform from a PIL image to a tensor (3, size, size)."""
    import torch
    from timm.data.random_erasing import RandomErasing
    from torchvision.transforms import InterpolationMode, v2

    interpolation = InterpolationMode[preprocess.interpolation.upper()]
    area = (crops.min_area, 1.0)
    steps: list[Any] = [v2.RandomResizedCrop(preprocess.size, area, interpolation=interpolation, antialias=True)]
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
    """timm's RandAugment, which fills uncovered pixels with the mean color."""
    from timm.data.auto_augment import rand_augment_transform

    options = {
        "translate_const": int(preprocess.size * 0.45),
        "img_mean": tuple(round(255 * value) for value in preprocess.mean),
        "interpolation": PIL.Image.Resampling.BICUBIC,
    }
    augment: Any = rand_augment_transform(f"rand-{policy}", options)
    for operation in augment.ops:
        if operation.name.startswith("Posterize"):
            operation.level_fn = partial(_at_least_one_bit, operation.level_fn)
    return augment


def _at_least_one_bit(level: Any, *arguments: Any) -> tuple[int]:
    """timm's strongest Posterize keeps 0 bits per channel, which recent versions of Pillow refuse."""
    return (max(1, level(*arguments)[0]),)
