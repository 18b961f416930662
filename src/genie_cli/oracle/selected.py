"""What `genie select` returns: a manifest whose rows say what was selected, and what was dropped and why, in numbers.

Independent of torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import EllipsisType
from typing import TypeVar

from genie_cli.files.reading import State
from genie_cli.manifest import Row, Status
from genie_cli.oracle.conditions import Condition
from genie_cli.oracle.hardness import Key, key
from genie_cli.oracle.manifests import ManifestImages, write

Group = TypeVar("Group", str, tuple[str, float])


@dataclass(frozen=True)
class Counts:
    """A group of images: their number, how many were selected, and how many each condition left out."""

    images: int
    selected: int
    dropped: Mapping[Condition, int]


@dataclass(frozen=True)
class Leak:
    """An image that was dropped since it shows a held-out image.

    Attributes:
        file: the image, as in the manifest.
        held_out: the held-out image, which it is too near to or was made from.
        distance: between the features of both, 0..2; None if it was made from it.
    """

    file: str
    held_out: str
    distance: float | None


@dataclass(frozen=True)
class Selected:
    """A manifest with the selection of each image.

    Attributes:
        images: the manifest that was read.
        conditions: those that were given, in the order in which they were applied. If there are none, every row is
            as it was, with the marks that it had.
        table: one row per job; those that were made have the column ``select``.
        dropped: for each image that was dropped, the condition that it did not meet.
        leaks: what ``--held-out`` found: near-duplicates, the nearest first, then those made from a held-out image.
        threshold: the distance below which images counted as near-duplicates; None if they were not looked for.
    """

    images: ManifestImages
    conditions: tuple[Condition, ...]
    table: tuple[Row, ...]
    dropped: Mapping[Key, Condition]
    leaks: tuple[Leak, ...] = ()
    threshold: float | None = None

    def rows(self, drop: bool = False) -> Iterable[Row]:
        """One row per job; ``drop``: without the images that later commands leave out."""
        return (row for row in self.table if not drop or row.status is not Status.MADE or row.is_accepted)

    def write(self, path: str | Path, drop: bool = False, before: State | EllipsisType | None = ...) -> None:
        """Write the manifest with its new column, atomically; it may replace the one that was read.

        Args:
            drop: leave out the rows of dropped images, instead of marking them.
            before: what `manifests.require_writable` found at ``path``; by default it is asked now.

        Raises:
            OutputError: there is another file, the manifest there has changed since, or the disk refuses.
        """
        write(self.images, self.rows(drop), path, before)

    @property
    def counts(self) -> Counts:
        """Of all images."""
        return self._counts(self._made)

    def by_target(self) -> dict[str, Counts]:
        """By target, in the order of their names."""
        return self._grouped(lambda row: row.job.target)

    def by_r(self) -> dict[tuple[str, float], Counts]:
        """By method and noise ratio, ascending."""
        return self._grouped(lambda row: (row.job.method.value, row.job.r))

    @property
    def _made(self) -> list[Row]:
        return [row for row in self.table if row.status is Status.MADE]

    def _grouped(self, group: Callable[[Row], Group]) -> dict[Group, Counts]:
        groups: dict[Group, list[Row]] = {}
        for row in self._made:
            groups.setdefault(group(row), []).append(row)
        return {name: self._counts(groups[name]) for name in sorted(groups)}

    def _counts(self, rows: Sequence[Row]) -> Counts:
        found = Counter(self.dropped[key(row)] for row in rows if key(row) in self.dropped)
        in_order = {condition: found[condition] for condition in Condition if condition in found}
        return Counts(len(rows), sum(row.is_accepted for row in rows), in_order)

    def __repr__(self) -> str:
        counts = self.counts
        dropped = ", ".join(f"{number} by {condition}" for condition, number in counts.dropped.items())
        return f"<Selected: {counts.selected} of {counts.images} images" + (
            f"; dropped: {dropped}>" if dropped else ">"
        )
