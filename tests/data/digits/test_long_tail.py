"""The digits with a long tail: how long it is, and that what is tested on is balanced and held out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.long_tail import exponential, paint_splits, read, scan_of
from genie_cli.data.digits.paint import CLASSES, IMAGE_SIZE, DigitsInTheWild, scans_of
from genie_cli.longtail.groups import THRESHOLDS, Group, Profile
from tests.conftest import tree
from tests.slow import slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache") / "data"


def test_the_tail_and_its_groups(cache: Path) -> None:
    images = read(cache)
    assert images.classes == CLASSES
    found = Profile.of(images.classes, images.train, THRESHOLDS["livt"])
    assert list(found.counts.values()) == [500, 300, 180, 108, 65, 39, 23, 14, 8, 5]
    assert {group: len(labels) for group, labels in found.groups().items()} == {
        Group.MANY: 4,
        Group.MED: 3,
        Group.FEW: 3,
    }
    assert Counter(source.label for source in images.test) == dict.fromkeys(CLASSES, 100)
    assert images.names == {}
    assert images.image_size == IMAGE_SIZE
    assert images.layout == (
        "digits in the wild, long-tailed; 10 classes, 1242 training and 1000 test images; "
        "5 to 500 training images per class"
    )


def test_no_image_is_there_twice(cache: Path) -> None:
    images = read(cache)
    assert len({source.sha256 for source in (*images.train, *images.test)}) == len(images.train) + len(images.test)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_file_is_the_sample_it_is_named_after(cache: Path, split: str) -> None:
    for path in sorted((paint_splits(cache) / split).rglob("*.png"))[::97]:
        own, number = path.stem.split("-")
        sample = DigitsInTheWild("train" if split == "train" else "test")[int(number)]
        assert (own, path.parent.name) == (split, CLASSES[sample.label])
        assert np.array_equal(np.asarray(Image.open(path)), sample.image)


@pytest.fixture(scope="module")
def pools(cache: Path) -> dict[int, Dataset]:
    return {pool: read(cache, pool=pool) for pool in range(4)}


@slow
class TestPools:
    def test_they_are_alike_and_share_no_image(self, pools: dict[int, Dataset]) -> None:
        images = [{source.sha256 for source in (*found.train, *found.test)} for found in pools.values()]
        assert len(set.union(*images)) == sum(map(len, images))
        for found in pools.values():
            assert found.layout == pools[0].layout
            assert Counter(source.label for source in found.train) == Counter(source.label for source in pools[0].train)

    def test_the_first_is_what_there_was_before_there_were_others(self, cache: Path) -> None:
        assert paint_splits(cache, pool=0) == paint_splits(cache) == cache / "digits-v2-longtail"

    def test_even_and_odd_ones_test_on_scans_of_their_own(self, pools: dict[int, Dataset]) -> None:
        test = {pool: set(scan_of(found.test).values()) for pool, found in pools.items()}
        assert not test[1] & test[2]
        assert test[1] == test[3]
        assert test[1] | test[2] == test[0]
        assert len(test[0]) == sum(map(len, scans_of("test")))

    def test_rare_classes_have_other_scans_in_each_and_never_a_test_scan(self, pools: dict[int, Dataset]) -> None:
        rare = [
            frozenset(scan_of(source for source in found.train if source.label == "nine").values())
            for found in pools.values()
        ]
        assert len(set(rare)) == 4
        assert all(len(scans) == 5 and all(scan.startswith("train-nine-") for scan in scans) for scans in rare)

    def test_a_file_is_the_sample_of_its_pool(self, cache: Path) -> None:
        for path in sorted(paint_splits(cache, pool=3).rglob("*.png"))[::211]:
            split, number = path.stem.split("-")
            sample = DigitsInTheWild("train" if split == "train" else "test", seed=3)[int(number)]
            assert np.array_equal(np.asarray(Image.open(path)), sample.image)


def test_what_is_there_is_not_painted_again_and_what_is_gone_is(tmp_path: Path) -> None:
    root = paint_splits(tmp_path)
    before, times = tree(root), {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert paint_splits(tmp_path) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == times
    next((root / "train/nine").iterdir()).unlink()
    assert tree(paint_splits(tmp_path)) == before


@given(st.integers(2, 1000), st.integers(1, 2000), st.integers(1, 2000))
def test_an_exponential_tail_falls_from_one_end_to_the_other(classes: int, one: int, other: int) -> None:
    most, fewest = max(one, other), min(one, other)
    counts = exponential(classes, most, fewest)
    assert (len(counts), counts[0], counts[-1]) == (classes, most, fewest)
    assert list(counts) == sorted(counts, reverse=True)
    if classes % 2:
        assert abs(counts[classes // 2] - (most * fewest) ** 0.5) <= 0.5 + 1e-6  # the middle is the geometric mean


@pytest.mark.parametrize(("classes", "most", "fewest"), [(1, 5, 5), (10, 5, 6), (10, 5, 0)])
def test_no_such_tail(classes: int, most: int, fewest: int) -> None:
    with pytest.raises(ValueError, match="no exponential profile"):
        exponential(classes, most, fewest)
