"""The digits with a long tail: 500 training images of "zero", fewer of each next digit, 5 of "nine".

Test images are balanced, and show other scans over other parts of the photographs. Under LiVT's edges four classes
are Many, three Med and three Few.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genie_cli.data.digits import CLASSES, DigitsInTheWild
from genie_cli.data.digits_cache import painted
from genie_cli.data.longtail_sets import LongTailed, read

MOST, FEWEST = 500, 5  # training images in a class
_TEST_PER_CLASS = 100


def paint(cache: Path) -> Path:
    """The folder with ``train`` and ``test``, an image folder each; painted unless it is there.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: images painted before are gone.
    """
    counts = exponential(len(CLASSES), MOST, FEWEST)
    total = sum(counts) + len(CLASSES) * _TEST_PER_CLASS

    def both(root: Path) -> None:
        by_class = (range(label, count * len(CLASSES), len(CLASSES)) for label, count in enumerate(counts))
        DigitsInTheWild("train").save_samples(root / "train", (index for own in by_class for index in own))
        DigitsInTheWild("test").save(root / "test", _TEST_PER_CLASS)

    return painted(cache, "longtail", total, both)


def read_digits(cache: Path) -> LongTailed:
    """The long-tailed digits; classes are in the order of their numbers.

    Raises:
        OSError, OutputError: as `paint`.
    """
    found = read("folder", paint(cache))
    layout = found.layout.replace("class folders train and test", "digits in the wild, long-tailed")
    return replace(found, classes=CLASSES, layout=layout)


def exponential(classes: int, most: int, fewest: int) -> tuple[int, ...]:
    """Images per class that fall exponentially: n_i = most (fewest / most)^(i / (classes - 1)), rounded.

    The long tail of Cui et al. 2019 and Cao et al. 2019 (LDAM).

    Raises:
        ValueError: fewer than two classes, or not 1 <= fewest <= most.
    """
    if classes < 2 or not 1 <= fewest <= most:
        raise ValueError(f"no exponential profile of {classes} classes from {most} to {fewest} images")
    return tuple(round(most * (fewest / most) ** (place / (classes - 1))) for place in range(classes))
