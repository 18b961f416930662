"""The digits' few-shot pools: a small support pool and a larger query pool that share no scan.

Both are painted from held-out scans of the novel classes over held-out parts of the photographs. The support
pool is small, so that episodes share their images and what is generated from them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from genie_cli.data.digits import CLASSES, DigitsInTheWild, Split, Spurious, scans_of
from genie_cli.data.digits_cache import painted

SUPPORT, QUERY = "support", "query"
_SUPPORT_PER_CLASS, _QUERY_PER_CLASS = 20, 200


def paint(cache: Path, classes: tuple[str, ...], split: Split = "test", spurious: Spurious | None = None) -> Path:
    """The folder with both pools of ``classes``, an image folder each; painted unless it is there.

    Args:
        tied: in the support pool alone, a class has one kind of background, or one hue of ink.

    Raises:
        OSError: ``cache`` cannot be written.
        OutputError: images of a pool painted before are gone.
    """
    name = "-".join((split, *classes)) + (f"-tied-{spurious}" if spurious else "")

    def both(root: Path) -> None:
        DigitsInTheWild(split, spurious=spurious).save_samples(root / SUPPORT, _indices(classes, split, SUPPORT))
        DigitsInTheWild(split).save_samples(root / QUERY, _indices(classes, split, QUERY))

    return painted(cache, name, len(classes) * (_SUPPORT_PER_CLASS + _QUERY_PER_CLASS), both)


def _indices(classes: tuple[str, ...], split: Split, role: str) -> Iterator[int]:
    """Samples of a pool, class by class: the first scans of each belong to the support pool, the rest to the query."""
    count = _SUPPORT_PER_CLASS if role == SUPPORT else _QUERY_PER_CLASS
    for label in map(CLASSES.index, classes):
        scans = len(scans_of(split)[label])
        first = min(_SUPPORT_PER_CLASS, scans // 2)
        own = (turn for turn in itertools.count() if (turn % scans < first) == (role == SUPPORT))
        yield from (turn * len(CLASSES) + label for turn in itertools.islice(own, count))
