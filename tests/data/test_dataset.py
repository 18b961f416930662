"""The one thing that all readers return, and how sources are grouped and counted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.transforms.v2 import RandomResizedCrop

from genie_cli.data.dataset import Crops, Dataset, by_class, class_counts
from genie_cli.jobs import Source


def source(path: str, label: str, content: str = "") -> Source:
    digest = (content or path).encode().hex()[:64].ljust(64, "0")
    return Source(path=path, sha256=digest, label=label)


CATS = (source("cat/b.png", "cat", "1"), source("cat/a.png", "cat", "2"), source("cat/c.png", "cat", "1"))
DOG = source("dog/a.png", "dog", "0")


def test_classes_are_counted_in_their_order_with_copies() -> None:
    counts = class_counts([DOG, *CATS])
    assert list(counts.items()) == [("cat", 3), ("dog", 1)]
    assert class_counts([]) == {}


def test_a_class_has_each_content_once_in_the_order_of_hashes() -> None:
    assert by_class([DOG, *CATS]) == {"cat": (CATS[0], CATS[1]), "dog": (DOG,)}
    assert by_class([*CATS, DOG][::-1]) == by_class([DOG, *CATS])
    assert list(by_class([DOG, *CATS])) == ["cat", "dog"]


def test_a_content_in_two_classes_is_of_the_first() -> None:
    other = source("ant/x.png", "ant", "2")
    assert by_class([*CATS, other]) == {"ant": (other,), "cat": (CATS[0],)}


def test_classes_and_names() -> None:
    images = Dataset(Path("photos"), (DOG, *CATS), (DOG,), {"cat": "house cat"})
    assert images.classes == ("cat", "dog")
    assert Dataset(Path("photos"), (DOG, *CATS), (), order=("dog", "cat")).classes == ("dog", "cat")
    assert [images.name_of(label) for label in images.classes] == ["house cat", "dog"]
    assert (images.train_by_class, images.test_by_class) == (by_class((DOG, *CATS)), {"dog": (DOG,)})


def test_by_content_a_training_image_comes_before_a_test_image() -> None:
    tested = source("test/cat/z.png", "cat", "2"), source("test/cat/y.png", "cat", "9")
    images = Dataset(Path("photos"), CATS, tested)
    assert {found.path for found in images.by_content().values()} == {"cat/b.png", "cat/a.png", "test/cat/y.png"}
    assert all(digest == found.sha256 for digest, found in images.by_content().items())


@pytest.mark.parametrize("area", [0.08, 0.2, 0.7, 1.0])
def test_no_crop_of_an_image_that_is_large_enough_is_enlarged(area: float) -> None:
    shorter = Crops(area, flip=True).shorter_side(64)
    picture = torch.zeros(3, shorter, 2 * shorter)
    torch.manual_seed(0)
    for _ in range(200):
        crop = RandomResizedCrop(64, (area, 1.0)).make_params([picture])
        assert min(crop["height"], crop["width"]) >= 64 - 1  # as rounded
