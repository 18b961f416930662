"""The digits for episodes: a small support split and a larger query split that share no scan.

Both are painted from held-out scans of the novel classes over held-out regions of the photographs. The support split
is small, so that episodes share its images and what is generated from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.cache import cached
from genie_cli.data.digits.paint import CLASSES, IMAGE_SIZE, NOVEL_CLASSES, DigitsInTheWild, Split, Spurious, scans_of
from genie_cli.data.folder import scan
from genie_cli.observer import Observer

SUPPORT, QUERY = "support", "query"
_SUPPORT_PER_CLASS, _QUERY_PER_CLASS = 20, 200


def read(
    cache: Path, *, spurious: Spurious | None = None, superclass: str = "", observer: Observer | None = None
) -> Dataset:
    """Read the five novel digits, 32 x 32 pixels; support images are the training split, query images the test split.

    Args:
        cache: the folder to paint them into, unless they are there.
        spurious: see `paint_splits`.
        superclass: what prompts call all classes ("digit"); empty: nothing.
        observer: see `cache.cached`.

    Raises:
        OSError, OutputError: as `paint_splits`.
    """
    root = paint_splits(cache, NOVEL_CLASSES, spurious=spurious, observer=observer)
    support, query = (
        tuple(source.model_copy(update={"path": f"{role}/{source.path}"}) for source in scan(root / role).sources)
        for role in (SUPPORT, QUERY)
    )
    return Dataset(root, support, query, superclass=superclass, image_size=IMAGE_SIZE)


def paint_splits(
    cache: Path,
    classes: tuple[str, ...],
    split: Split = "test",
    spurious: Spurious | None = None,
    observer: Observer | None = None,
) -> Path:
    """Return the folder with an image folder each for `SUPPORT` and `QUERY`; paint it unless it is in the cache.

    Args:
        classes: some of `CLASSES`.
        split: whose scans and regions of the photographs are used.
        spurious: what correlates with the class in the support images alone: every class has one kind of background,
            or one hue of ink.
        observer: see `cache.cached`.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: something is in the folder's place that genie did not paint.
    """
    name = "-".join((split, *classes)) + (f"-spurious-{spurious}" if spurious else "")

    def both(root: Path) -> None:
        DigitsInTheWild(split, spurious=spurious).save_samples(root / SUPPORT, _indices(classes, split, SUPPORT))
        DigitsInTheWild(split).save_samples(root / QUERY, _indices(classes, split, QUERY))

    return cached(cache, name, both, observer)


def _indices(classes: tuple[str, ...], split: Split, role: str) -> Iterator[int]:
    """The samples of one role, class by class: the first scans of a class are for support, the others for query."""
    count = _SUPPORT_PER_CLASS if role == SUPPORT else _QUERY_PER_CLASS
    for label in map(CLASSES.index, classes):
        scans = len(scans_of(split)[label])
        first = min(_SUPPORT_PER_CLASS, scans // 2)
        own = (turn for turn in itertools.count() if (turn % scans < first) == (role == SUPPORT))
        yield from (turn * len(CLASSES) + label for turn in itertools.islice(own, count))
