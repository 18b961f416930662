"""How many folds a cross-validation can have, and which classes are too small for any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from genie_cli.confuse.confusion import require_number_of_classes
from genie_cli.errors import FolderError, UsageError, shorten


@dataclass(frozen=True)
class Folds:
    """The folds that suit the smallest classes.

    Attributes:
        count: number of folds, 2 or more; no more than the smallest class with two images has.
        wanted: the number that was asked for.
        smallest: that class with its number of images.
        single: classes with one image, sorted. No classifier can learn such a class and be tested on it, so its image
            is classified by one that knows the other classes only.
    """

    count: int
    wanted: int
    smallest: tuple[str, int]
    single: tuple[str, ...]

    @classmethod
    def of(cls, classes: Iterable[str], labels: Iterable[str], wanted: int) -> Folds:
        """Choose the number of folds.

        Args:
            classes: all classes.
            labels: the class of each image that can be used.
            wanted: number of folds if the classes are large enough.

        Raises:
            UsageError: ``wanted`` is no whole number of 2 or more; or there are more classes than a matrix may have.
            FolderError: there is only one class, a class without an image, or fewer than two with two images.
        """
        if not isinstance(wanted, int) or wanted < 2:
            raise UsageError(f"folds must be a whole number of 2 or more, not {wanted!r}")
        number = Counter(labels)
        counts = {name: number[name] for name in sorted(set(classes))}
        _require_classes(counts)
        learned = {name: count for name, count in counts.items() if count > 1}
        if len(learned) < 2:
            raise FolderError(
                f"at least two classes need two images or more; the numbers of images are: {_listed(counts)}",
                "add images to these classes",
            )
        smallest = min(learned.items(), key=lambda item: item[1])
        single = tuple(name for name, count in counts.items() if count == 1)
        return cls(min(wanted, smallest[1]), wanted, smallest, single)

    def messages(self) -> Iterator[str]:
        """What a person should know of the choice, one sentence each."""
        if self.count < self.wanted:
            name, images = self.smallest
            yield f"{self.count} folds instead of {self.wanted}: {name} has {images} images"
        if self.single:
            yield (
                "classes with a single image, which is classified by a classifier that knows the other classes only: "
                f"{shorten(list(self.single), 10)}"
            )


def _require_classes(counts: dict[str, int]) -> None:
    if len(counts) < 2:
        raise FolderError(
            f"there is only one class, {', '.join(counts)}: it cannot be confused with another",
            "--src-dir takes a folder with a subfolder for each class",
        )
    require_number_of_classes(len(counts))
    if empty := [name for name, count in counts.items() if not count]:
        raise FolderError(
            f"classes without an image that can be used: {shorten(empty, 10)}",
            "add images to these classes, or move their folders out of --src-dir",
        )


def _listed(counts: dict[str, int]) -> str:
    """Classes with their numbers of images, the smallest first."""
    pairs = sorted(counts.items(), key=lambda pair: pair[1])
    return shorten([f"{name} ({count})" for name, count in pairs], 10)
