"""The digits with a long tail: from 500 training images of "zero", class by class fewer, to 5 of "nine".

The test split has 100 images of every class, with other scans over other regions of the photographs. With LiVT's
thresholds four classes are Many, three Med and three Few.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.cache import cached
from genie_cli.data.digits.paint import CLASSES, IMAGE_SIZE, DigitsInTheWild
from genie_cli.data.train_test_folder import read_long_tailed
from genie_cli.observer import Observer

MOST, FEWEST = 500, 5  # training images of a class
_TEST_PER_CLASS = 100


def read(cache: Path, *, observer: Observer | None = None) -> Dataset:
    """Read the long-tailed digits, 32 x 32 pixels; the classes are in the order of their numbers.

    Args:
        cache: the folder to paint them into, unless they are there.
        observer: see `cache.cached`.

    Raises:
        OSError, OutputError: as `paint_splits`.
    """
    found = read_long_tailed(paint_splits(cache, observer))
    layout = found.layout.replace("class folders train and test", "digits in the wild, long-tailed")
    return replace(found, layout=layout, image_size=IMAGE_SIZE, order=CLASSES)


def paint_splits(cache: Path, observer: Observer | None = None) -> Path:
    """Return the folder with an image folder each for ``train`` and ``test``; paint it unless it is in the cache.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: something is in the folder's place that genie did not paint.
    """
    counts = exponential(len(CLASSES), MOST, FEWEST)

    def both(root: Path) -> None:
        by_class = (range(label, count * len(CLASSES), len(CLASSES)) for label, count in enumerate(counts))
        DigitsInTheWild("train").save_samples(root / "train", (index for own in by_class for index in own))
        DigitsInTheWild("test").save(root / "test", _TEST_PER_CLASS)

    return cached(cache, "longtail", both, observer)


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
