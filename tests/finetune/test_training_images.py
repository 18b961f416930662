"""Augmentation is a function of (seed, epoch, image), and mixing keeps the total of images and labels."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genie_cli.backbones.backbone import Preprocess
from genie_cli.config import LongTail
from genie_cli.data.dataset import Crops
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.errors import ImageError
from genie_cli.finetune.training_images import (
    PHOTO_CROPS,
    AugmentedImages,
    TrainingImage,
    _rand_augment,
    collate,
    mix,
    seed_all,
)

PREPROCESS = Preprocess(32, 32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "bicubic")
DIGIT_CROPS = Crops(0.7, flip=False)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingImage]:
    root = tmp_path_factory.mktemp("digits")
    DigitsInTheWild().save(root, 2)
    sources = scan(root).sources
    labels = sorted({source.label for source in sources})
    return [
        TrainingImage(root / s.path, s.sha256, np.eye(10, dtype=np.float32)[labels.index(s.label)]) for s in sources
    ]


def seen(images: AugmentedImages, epoch: int, place: int) -> tuple[torch.Tensor, torch.Tensor]:
    """An image and its label, which can be read."""
    found = images[epoch, place]
    assert not isinstance(found, ImageError)
    return found


def test_augmentation_depends_on_seed_epoch_and_image_alone(images: list[TrainingImage]) -> None:
    first = AugmentedImages(images, PREPROCESS, PHOTO_CROPS, LongTail(), seed=1)
    before, _ = seen(first, 0, 3)
    random.random(), np.random.rand(), torch.rand(1)  # whatever ran in the meantime
    assert torch.equal(seen(first, 0, 3)[0], before)
    assert not torch.equal(seen(first, 1, 3)[0], before)
    other = AugmentedImages(images, PREPROCESS, PHOTO_CROPS, LongTail(), seed=2)
    assert not torch.equal(seen(other, 0, 3)[0], before)
    assert before.shape == (3, 32, 32)
    assert before.dtype == torch.float32


def test_without_augmentation_an_image_is_only_normalized_and_has_its_label(images: list[TrainingImage]) -> None:
    plain = LongTail(randaugment="", random_erasing=0)
    whole = AugmentedImages(images, PREPROCESS, Crops(1.0, flip=False), plain, seed=0)
    image, label = seen(whole, 0, 4)
    expected = np.asarray(Image.open(images[4].path)).transpose(2, 0, 1) / 255
    # A crop of the whole area can still have another aspect ratio, so that most crops are not the whole image.
    values = [np.abs(seen(whole, epoch, 4)[0].numpy() - (expected - 0.5) / 0.25).max() for epoch in range(60)]
    assert min(values) < 1e-5
    assert label.tolist() == images[4].label.tolist()
    assert image.isfinite().all()


def test_digits_are_never_mirrored(tmp_path: Path) -> None:
    Image.fromarray(np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 32, 0).repeat(3, 2)).save(
        tmp_path / "ramp.png"
    )
    ramp = scan(tmp_path, "ramp").sources[0]
    image = TrainingImage(tmp_path / "ramp.png", ramp.sha256, np.ones(1, dtype=np.float32))
    plain = LongTail(randaugment="", random_erasing=0)

    def rises(crops: Crops) -> list[bool]:
        augmented = AugmentedImages([image], PREPROCESS, crops, plain, seed=0)
        return [bool(seen(augmented, epoch, 0)[0].diff(dim=2).mean() > 0) for epoch in range(20)]

    assert all(rises(DIGIT_CROPS))
    assert not all(rises(PHOTO_CROPS))


def test_the_strongest_posterize_keeps_a_bit() -> None:
    augment = _rand_augment(PREPROCESS, "m10-inc1")
    hardest = next(operation for operation in augment.ops if operation.name == "PosterizeIncreasing")
    assert hardest.level_fn(10, {}) == (1,)
    hardest.prob = 1.0
    assert len(set(np.asarray(hardest(Image.effect_noise((32, 32), 60).convert("RGB"))).ravel().tolist())) == 2


def test_a_changed_image_is_an_error_that_names_it(images: list[TrainingImage]) -> None:
    wrong = TrainingImage(images[0].path, "0" * 64, images[0].label)
    error = AugmentedImages([images[1], wrong], PREPROCESS, PHOTO_CROPS, LongTail(), 0)[0, 1]
    assert isinstance(error, ImageError)
    assert "has changed" in str(error)
    assert collate([AugmentedImages(images, PREPROCESS, PHOTO_CROPS, LongTail(), 0)[0, 0], error]) is error
    again = pickle.loads(pickle.dumps(error))  # as when it comes from a data-loading process
    assert (str(again), again.reason, again.path) == (str(error), error.reason, error.path)


def test_images_can_be_loaded_by_processes_that_are_not_forked(images: list[TrainingImage]) -> None:
    here = AugmentedImages(images, PREPROCESS, PHOTO_CROPS, LongTail(), seed=3)
    assert torch.equal(seen(pickle.loads(pickle.dumps(here)), 2, 5)[0], seen(here, 2, 5)[0])


def test_labels_are_smoothed_by_hand() -> None:
    pixels, labels = torch.rand(4, 3, 8, 8), torch.eye(4)
    same, smooth = mix(pixels, labels, LongTail(mixup=0, cutmix=0, smoothing=0.2))
    assert torch.equal(same, pixels)
    torch.testing.assert_close(smooth, torch.full((4, 4), 0.05) + 0.8 * torch.eye(4))


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)])
def test_mixing_keeps_the_sum_of_labels_and_mixes_images_in_the_same_proportion(mixup: float, cutmix: float) -> None:
    # All pixels of image i have the value i, so that the mean of a mixture says what it consists of.
    values = torch.arange(6.0)
    images = values.view(6, 1, 1, 1).expand(6, 3, 16, 16).contiguous()
    recipe = LongTail(mixup=mixup, cutmix=cutmix, smoothing=0)
    for seed in range(20):
        seed_all(seed)
        mixed, labels = mix(images, torch.eye(6), recipe)
        torch.testing.assert_close(labels.sum(1), torch.ones(6))
        torch.testing.assert_close(mixed.mean((1, 2, 3)), labels @ values)


def test_with_both_in_the_recipe_either_is_drawn() -> None:
    images = torch.arange(2.0).view(2, 1, 1, 1).expand(2, 3, 16, 16).contiguous()
    kinds = set()
    for seed in range(30):
        seed_all(seed)
        mixed, _ = mix(images, torch.eye(2), LongTail())
        kinds.add("cutmix" if set(mixed.unique().tolist()) <= {0.0, 1.0} else "mixup")
    assert kinds == {"cutmix", "mixup"}
