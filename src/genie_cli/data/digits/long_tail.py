"""The digits with a long tail: from 500 training images of "zero", class by class fewer, to 5 of "nine".

The test split has 100 images of every class, with other scans over other regions of the photographs. With LiVT's
thresholds four classes are Many, three Med and three Few. There are several paintings of it, called pools, so that a
result can be measured again on other images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.cache import cached
from genie_cli.data.digits.paint import CLASSES, IMAGE_SIZE, DigitsInTheWild, Split, scan_of_index, scans_of
from genie_cli.data.train_test_folder import read_long_tailed
from genie_cli.jobs import Source
from genie_cli.observer import Observer

MOST, FEWEST = 500, 5  # training images of a class
_TEST_PER_CLASS = 100


def read(cache: Path, *, pool: int = 0, observer: Observer | None = None) -> Dataset:
    """Read the long-tailed digits, 32 x 32 pixels; the classes are in the order of their numbers.

    Args:
        cache: the folder to paint them into, unless they are there.
        pool: see `paint_splits`.
        observer: see `cache.cached`.

    Raises:
        OSError, OutputError: as `paint_splits`.
    """
    found = read_long_tailed(paint_splits(cache, observer, pool))
    layout = found.layout.replace("class folders train and test", "digits in the wild, long-tailed")
    originals = scan_of((*found.train, *found.test))
    return replace(found, layout=layout, image_size=IMAGE_SIZE, order=CLASSES, originals=originals)


def paint_splits(cache: Path, observer: Observer | None = None, pool: int = 0) -> Path:
    """Return the folder with an image folder each for ``train`` and ``test``; paint it unless it is in the cache.

    Args:
        pool: which painting, from 0. Another one has other inks, backgrounds and poses, and takes the training scans in
            another order, so that rare classes have others of them. Pool 0 tests on all test scans, even pools on the
            first half of them, odd pools on the second.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: something is in the folder's place that genie did not paint.
    """
    counts = exponential(len(CLASSES), MOST, FEWEST)

    def both(root: Path) -> None:
        for label, count in enumerate(counts):
            DigitsInTheWild("train", pool).save_samples(root / "train", _indices("train", label, count, pool))
            DigitsInTheWild("test", pool).save_samples(root / "test", _indices("test", label, _TEST_PER_CLASS, pool))

    return cached(cache, f"longtail-pool-{pool}" if pool else "longtail", both, observer)


def _indices(split: Split, label: int, count: int, pool: int) -> Iterator[int]:
    """The samples of a class, ``count`` of them: one of each of its scans in turn, in the order of the pool."""
    scans = len(scans_of(split)[label])
    order = np.arange(scans)
    if pool and split == "train":
        order = np.random.default_rng([pool, label]).permutation(scans)
    elif pool:
        order = order[scans // 2 :] if pool % 2 else order[: scans // 2]
    for number in range(count):
        again, place = divmod(number, len(order))
        yield (again * scans + int(order[place])) * len(CLASSES) + label


def scan_of(images: Iterable[Source]) -> dict[str, str]:
    """The handwritten scan that each image was painted from, by the image's SHA-256: what a test is clustered by.

    Args:
        images: of a data set that `read` returned, of any pool.
    """
    found = {}
    for image in images:
        name, _, index = PurePosixPath(image.path).stem.partition("-")
        split: Split = "train" if name == "train" else "test"
        found[image.sha256] = f"{split}-{CLASSES[int(index) % len(CLASSES)]}-{scan_of_index(split, int(index))}"
    return found


def exponential(classes: int, most: int, fewest: int) -> tuple[int, ...]:
    """Images per class that fall exponentially: n_i = most (fewest / most)^(i / (classes - 1)), rounded.

    The long tail of Cui et al. 2019 and Cao et al. 2019 (LDAM).

    Args:
        classes: 2 or more.
        most, fewest: images of the first and of the last class; 1 <= fewest <= most.

    Raises:
        ValueError: an argument is out of its range.
    """
    if classes < 2 or not 1 <= fewest <= most:
        raise ValueError(f"no exponential profile of {classes} classes from {most} to {fewest} images")
    return tuple(round(most * (fewest / most) ** (place / (classes - 1))) for place in range(classes))
