"""ImageNet-LT of the published size: as many lines as the real lists have, without images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from genie_cli.data import imagenet_lt
from genie_cli.data.digits.long_tail import exponential
from genie_cli.data.imagenet import wnids
from tests.data.imagenet_lt_trees import TENCH, failure, put_lists, training_name, validation_name
from tests.data.trees import put_pictures


def published_counts() -> list[int]:
    """1000 counts from 1280 to 5 that add up to 115,846."""
    counts = list(exponential(1000, 1280, 5))
    for place in range(1, 999):  # the tail of the real one falls faster than an exponential
        excess = sum(counts) - 115846
        counts[place] -= min(excess, counts[place] - 5, counts[place] * 3 // 4)
    return counts


def published_rows(counts: Sequence[int], tests: Sequence[int]) -> tuple[list[str], list[str]]:
    train = [
        f"train/{training_name(wnid, number)} {label}"
        for label, (wnid, count) in enumerate(zip(wnids(), counts, strict=True))
        for number in range(1, count + 1)
    ]
    test = [
        f"val/{validation_name(wnid, label * 100 + number, True)} {label}"
        for label, (wnid, count) in enumerate(zip(wnids(), tests, strict=True))
        for number in range(1, count + 1)
    ]
    return train, test


@pytest.mark.parametrize("partial", [False, True])
def test_whole_lists_without_their_images(partial: bool, tmp_path: Path) -> None:
    counts = published_counts()
    assert (sum(counts), min(counts), max(counts), len(counts)) == (115846, 5, 1280, 1000)
    put_lists(tmp_path, *published_rows(counts, [50] * 1000))
    message, hint = failure(tmp_path, partial)
    first = f"train/{training_name(TENCH, 1)}"
    assert message == (
        f"{tmp_path}: expected 115846 training images, found none; first missing: {first}; the folder holds "
        "ImageNet_LT_test.txt, ImageNet_LT_train.txt, ImageNet_LT_val.txt"
    )
    assert hint == imagenet_lt.HOW_TO_GET


def test_whole_lists_with_some_of_their_images(tmp_path: Path) -> None:
    put_lists(tmp_path, *published_rows(published_counts(), [50] * 1000))
    put_pictures(tmp_path, [f"train/{training_name(TENCH, number)}" for number in (2, 3)])
    put_pictures(tmp_path, [f"val/{validation_name(TENCH, 1, True)}"])
    message, hint = failure(tmp_path)
    first = f"train/{training_name(TENCH, 1)}"
    assert message == f"{tmp_path}: expected 115846 training images, found 2; first missing: {first}"
    assert hint.startswith("--partial ")
    assert len(imagenet_lt.read(tmp_path, partial=True).train) == 2


TRAIN_SIZE = "expected 115846 training images of 1000 classes of ImageNet-LT"
TEST_SIZE = "expected 50000 test images of 1000 classes of ImageNet-LT"
PER_CLASS = "images per class of ImageNet-LT"
SHARK, TISSUE = "n01491361 (tiger shark)", "n15075141 (toilet tissue)"
ONE = "1 of 1000 classes differ"


@pytest.mark.parametrize(
    ("train_changes", "test_changes", "expected"),
    [
        (
            {999: -1},
            {},
            f"{TRAIN_SIZE}, found 115845 of 1000; expected 5 to 1280 per class, found 4 of {TISSUE}; {ONE}",
        ),
        ({999: -5}, {}, f"{TRAIN_SIZE}, found 115841 of 999"),
        ({}, {3: -1}, f"{TEST_SIZE}, found 49999 of 1000; expected 50 per class, found 49 of {SHARK}; {ONE}"),
        ({}, {3: -1, 4: 1}, f"expected 50 test {PER_CLASS}, found 49 of {SHARK}; 2 of 1000 classes differ"),
        ({0: 1, 1: -1}, {}, f"expected 5 to 1280 training {PER_CLASS}, found 1281 of {TENCH} (tench); {ONE}"),
        ({0: -1, 1: 1}, {}, f"expected 5 to 1280 training {PER_CLASS}, found 5 to 1279"),
    ],
)
def test_lists_of_another_size(
    train_changes: dict[int, int], test_changes: dict[int, int], expected: str, tmp_path: Path
) -> None:
    counts, tests = published_counts(), [50] * 1000
    for changed, changes in ((counts, train_changes), (tests, test_changes)):
        for place, change in changes.items():
            changed[place] += change
    put_lists(tmp_path, *published_rows(counts, tests))
    message, hint = failure(tmp_path)
    assert message == f"{tmp_path}: {expected}"
    assert hint.startswith("--partial ")
