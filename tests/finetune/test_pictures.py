"""Views are functions of (seed, epoch, picture), and mixing keeps what a batch amounts to."""

import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genie_cli.backbones.backbone import Preprocess
from genie_cli.config import LongTail
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.errors import ImageError
from genie_cli.finetune.pictures import (
    OF_DIGITS,
    OF_PHOTOS,
    Augmented,
    TrainingImage,
    _rand_augment,
    collate,
    mix,
    seed_all,
)

SIGHT = Preprocess(32, 32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "bicubic")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingImage]:
    root = tmp_path_factory.mktemp("digits")
    DigitsInTheWild().save(root, 2)
    sources = scan(root).sources
    labels = sorted({source.label for source in sources})
    return [
        TrainingImage(root / s.path, s.sha256, np.eye(10, dtype=np.float32)[labels.index(s.label)]) for s in sources
    ]


def test_a_view_depends_on_seed_epoch_and_picture_alone(pictures: list[TrainingImage]) -> None:
    first = Augmented(pictures, SIGHT, OF_PHOTOS, LongTail(), seed=1)
    before = first[0, 3][0]
    random.random(), np.random.rand(), torch.rand(1)  # whatever ran in between
    assert torch.equal(first[0, 3][0], before)
    assert not torch.equal(first[1, 3][0], before)
    assert not torch.equal(Augmented(pictures, SIGHT, OF_PHOTOS, LongTail(), seed=2)[0, 3][0], before)
    assert before.shape == (3, 32, 32)
    assert before.dtype == torch.float32


def test_without_augmentation_a_view_is_the_normalised_picture_with_its_label(pictures: list[TrainingImage]) -> None:
    plain = LongTail(randaugment="", random_erasing=0)
    whole = Augmented(pictures, SIGHT, type(OF_DIGITS)(1.0, flip=False), plain, seed=0)
    image, label = whole[0, 4]
    expected = np.asarray(Image.open(pictures[4].path)).transpose(2, 0, 1) / 255
    # A crop of all of the area may still be of another shape, so most views are not the picture; the labels are.
    values = [np.abs(whole[epoch, 4][0].numpy() - (expected - 0.5) / 0.25).max() for epoch in range(60)]
    assert min(values) < 1e-5
    assert label.tolist() == pictures[4].label.tolist()
    assert image.isfinite().all()


def test_digits_are_never_mirrored(tmp_path: Path) -> None:
    Image.fromarray(np.repeat(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], 32, 0).repeat(3, 2)).save(
        tmp_path / "ramp.png"
    )
    ramp = scan(tmp_path, "ramp").sources[0]
    picture = TrainingImage(tmp_path / "ramp.png", ramp.sha256, np.ones(1, dtype=np.float32))
    plain = LongTail(randaugment="", random_erasing=0)
    rises = [bool(Augmented([picture], SIGHT, OF_DIGITS, plain, 0)[e, 0][0].diff(dim=2).mean() > 0) for e in range(20)]
    photos = [bool(Augmented([picture], SIGHT, OF_PHOTOS, plain, 0)[e, 0][0].diff(dim=2).mean() > 0) for e in range(20)]
    assert all(rises)
    assert not all(photos)


def test_the_strongest_posterising_leaves_a_bit() -> None:
    augment = _rand_augment(SIGHT, "m10-inc1")
    hardest = next(operation for operation in augment.ops if operation.name == "PosterizeIncreasing")
    assert hardest.level_fn(10, {}) == (1,)
    hardest.prob = 1.0
    assert len(set(np.asarray(hardest(Image.effect_noise((32, 32), 60).convert("RGB"))).ravel().tolist())) == 2


def test_a_changed_picture_is_an_error_that_names_it(pictures: list[TrainingImage]) -> None:
    wrong = TrainingImage(pictures[0].path, "0" * 64, pictures[0].label)
    told = Augmented([pictures[1], wrong], SIGHT, OF_PHOTOS, LongTail(), 0)[0, 1]
    assert isinstance(told, ImageError)
    assert "has changed" in str(told)
    assert collate([Augmented(pictures, SIGHT, OF_PHOTOS, LongTail(), 0)[0, 0], told]) is told
    again = pickle.loads(pickle.dumps(told))  # as it comes from a loading process
    assert (str(again), again.reason, again.path) == (str(told), told.reason, told.path)


def test_pictures_can_be_loaded_by_processes_that_are_not_forked(pictures: list[TrainingImage]) -> None:
    here = Augmented(pictures, SIGHT, OF_PHOTOS, LongTail(), seed=3)
    assert torch.equal(pickle.loads(pickle.dumps(here))[2, 5][0], here[2, 5][0])


def test_labels_are_smoothed_by_hand() -> None:
    images, labels = torch.rand(4, 3, 8, 8), torch.eye(4)
    same, smooth = mix(images, labels, LongTail(mixup=0, cutmix=0, smoothing=0.2))
    assert torch.equal(same, images)
    torch.testing.assert_close(smooth, torch.full((4, 4), 0.05) + 0.8 * torch.eye(4))


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)])
def test_mixing_keeps_the_sum_of_labels_and_mixes_pictures_in_the_labels_share(mixup: float, cutmix: float) -> None:
    # Picture i is of value i everywhere, so a mixture's mean says how much of which it holds.
    values = torch.arange(6.0)
    images = values.view(6, 1, 1, 1).expand(6, 3, 16, 16).contiguous()
    recipe = LongTail(mixup=mixup, cutmix=cutmix, smoothing=0)
    for seed in range(20):
        seed_all(seed)
        mixed, labels = mix(images, torch.eye(6), recipe)
        torch.testing.assert_close(labels.sum(1), torch.ones(6))
        torch.testing.assert_close(mixed.mean((1, 2, 3)), labels @ values)


def test_with_both_either_is_drawn() -> None:
    images = torch.arange(2.0).view(2, 1, 1, 1).expand(2, 3, 16, 16).contiguous()
    kinds = set()
    for seed in range(30):
        seed_all(seed)
        mixed, _ = mix(images, torch.eye(2), LongTail())
        kinds.add("cutmix" if set(mixed.unique().tolist()) <= {0.0, 1.0} else "mixup")
    assert kinds == {"cutmix", "mixup"}
