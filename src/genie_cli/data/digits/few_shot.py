"""The digits for episodes: a small support split and a larger query split that share no scan.

Both are painted from held-out scans of the novel classes over held-out regions of the photographs. The support split
is small, so that episodes share its images and what is generated from them. So a result holds for this pool of images;
other pools, with other colors, backgrounds and poses, show how far it holds in general. In every second pool the scans
of the two splits change places.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.cache import cached
from genie_cli.data.digits.compose import DigitCompositor
from genie_cli.data.digits.paint import (
    CLASSES,
    IMAGE_SIZE,
    NOVEL_CLASSES,
    DigitsInTheWild,
    Sample,
    Split,
    Spurious,
    scan_of_index,
    scans_of,
)
from genie_cli.data.folder import scan
from genie_cli.jobs import Source
from genie_cli.observer import Observer

SUPPORT, QUERY = "support", "query"
_SUPPORT_PER_CLASS, _QUERY_PER_CLASS = 20, 200


def read(
    cache: Path,
    *,
    pool: int = 0,
    spurious: Spurious | None = None,
    negatives: bool = False,
    superclass: str = "",
    observer: Observer | None = None,
) -> Dataset:
    """Read the five novel digits, 32 x 32 pixels; support images are the training split, query images the test split.

    Args:
        cache: the folder to paint them into, unless they are there.
        pool: which images are painted, from 0.
        spurious, negatives: see `Pool`.
        superclass: what prompts call all classes ("digit"); empty: nothing.
        observer: see `cache.cached`.

    Raises:
        OSError, OutputError: as `Pool.paint`.
    """
    painted = Pool(NOVEL_CLASSES, "test", pool, spurious, negatives)
    root = painted.paint(cache, observer)
    support, query = (
        tuple(source.model_copy(update={"path": f"{role}/{source.path}"}) for source in scan(root / role).sources)
        for role in (SUPPORT, QUERY)
    )
    return Dataset(
        root,
        support,
        query,
        superclass=superclass,
        image_size=IMAGE_SIZE,
        originals={source.sha256: painted.scan_of(source) for source in (*support, *query)},
        compositor=DigitCompositor(painted.sample_of),
    )


@dataclass(frozen=True)
class Pool:
    """Support and query images of some classes.

    Attributes:
        classes: some of `CLASSES`.
        split: whose scans and regions of the photographs are used.
        number: decides ink, background and pose, and, by being even or odd, which half of the scans is for support.
        spurious: what correlates with the class in the support images alone: every class has one kind of background,
            or one hue of ink.
        negatives: all backgrounds are negatives of the photographs.
    """

    classes: tuple[str, ...]
    split: Split = "test"
    number: int = 0
    spurious: Spurious | None = None
    negatives: bool = False

    def paint(self, cache: Path, observer: Observer | None = None) -> Path:
        """Return the folder with an image folder each for `SUPPORT` and `QUERY`; paint it unless it is in the cache.

        Raises:
            OSError: ``cache`` cannot be written.
            OutputError: something is in the folder's place that genie did not paint.
        """
        name = "-".join((self.split, *self.classes)) + (f"-spurious-{self.spurious}" if self.spurious else "")
        name += "-negatives" * self.negatives + (f"-pool-{self.number}" if self.number else "")

        def both(root: Path) -> None:
            for role in (SUPPORT, QUERY):
                self._painter(role).save_samples(root / role, self._indices(role))

        return cached(cache, name, both, observer)

    def sample_of(self, source: Source) -> Sample:
        """Paint a source of `read` again."""
        return self._painter(source.path.partition("/")[0])[_index_of(source)]

    def scan_of(self, source: Source) -> str:
        """The name of the scan that a source shows."""
        return f"{source.label}-{scan_of_index(self.split, _index_of(source))}"

    def _painter(self, role: str) -> DigitsInTheWild:
        return DigitsInTheWild(self.split, self.number, self.spurious if role == SUPPORT else None, self.negatives)

    def _indices(self, role: str) -> Iterator[int]:
        """The samples of one role, class by class; half of a class's scans are for one role, the rest for the other."""
        count = _SUPPORT_PER_CLASS if role == SUPPORT else _QUERY_PER_CLASS
        in_first = (role == SUPPORT) == (self.number % 2 == 0)
        for label in map(CLASSES.index, self.classes):
            scans = len(scans_of(self.split)[label])
            first = min(_SUPPORT_PER_CLASS, scans // 2)
            own = (turn for turn in itertools.count() if (turn % scans < first) == in_first)
            yield from (turn * len(CLASSES) + label for turn in itertools.islice(own, count))


def _index_of(source: Source) -> int:
    """The number of the sample that a source is, which its file is named after."""
    return int(Path(source.path).stem.rpartition("-")[2])
