"""What the forms of a set have in common: each is a list of files, which are written in one place (`folder`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from genie_cli.export import columns
from genie_cli.export.samples import Sample
from genie_cli.generate.card import Feature, Tally
from genie_cli.generate.metadata import FIRST_PART, can_be_table, is_like_a_time, line_of
from genie_cli.observer import Observer

Json = dict[str, Any]
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Content:
    """The images of a set, in the order of their keys."""

    samples: Sequence[Sample]

    @cached_property
    def tally(self) -> Tally:
        """How many there are, by class and origin."""
        tally = Tally()
        for sample in self.samples:
            if sample.job:
                tally.add(sample.job, sample.sha256)
            else:
                tally.add_photo(sample.label, sample.sha256)
        return tally

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Sorted: a label's place in it is its number."""
        return tuple(self.tally.classes)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns that are used."""
        return columns.used(sample.columns for sample in self.samples)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of image files, as extensions, sorted."""
        return tuple(sorted({sample.kind for sample in self.samples}))

    @cached_property
    def needs_table(self) -> bool:
        """Whether a reader that infers types from JSON Lines would take words for times, or a column for empty."""
        size, empty = 0, {each.name for each in self.features}
        for record in map(self.record, self.samples):
            if any(isinstance(value, str) and is_like_a_time(value) for value in record.values()):
                return can_be_table()
            if size < FIRST_PART:
                empty -= {name for name, value in record.items() if value is not None}
            size += len(line_of(record))
        return size > FIRST_PART and bool(empty) and can_be_table()

    def record(self, sample: Sample) -> Json:
        """An image's values of these columns."""
        return columns.record(sample.label, sample.columns, self.features)


@dataclass(frozen=True)
class Linked:
    """A file of the set that is an image as it lies elsewhere.

    Attributes:
        name: relative to the set, POSIX.
    """

    name: str
    sample: Sample


@dataclass(frozen=True)
class Written:
    """A file of the set that is made.

    Attributes:
        name: relative to the set, POSIX.
        samples: how many images it holds.
        write: writes it; the same bytes each time.
    """

    name: str
    samples: int
    write: Callable[[BinaryIO], None]


class Form(ABC):
    """A form that a set can have.

    Attributes:
        data_files: glob pattern of its files.
        is_image_folder: whether these are images with metadata beside them.
    """

    data_files: str
    is_image_folder = False

    @abstractmethod
    def check(self, content: Content, observer: Observer) -> None:
        """Raise UsageError if the set cannot have this form; tell the observer what a reader may stumble over."""

    def versions(self) -> Mapping[str, str]:
        """Versions of the packages that its bytes depend on."""
        return {}

    @abstractmethod
    def files(self, content: Content) -> Iterator[Linked | Written]:
        """All files; the same each time."""

    @abstractmethod
    def features(self, content: Content) -> tuple[Feature, ...]:
        """The columns that the `datasets` library finds."""

    @abstractmethod
    def loading(self, root: Path, content: Content) -> tuple[str, ...]:
        """Lines of Python that load the set."""

    @abstractmethod
    def croissant(self, digests: Mapping[str, str], content: Content) -> tuple[list[Json], list[Json]]:
        """The files, as Croissant's FileObjects and FileSets, and the columns, as its fields.

        Args:
            digests: SHA-256 of the files that were made, by name.
        """


def groups(samples: Sequence[_Item], weight: Callable[[_Item], int], most: int) -> Iterator[list[_Item]]:
    """Consecutive samples that weigh ``most`` together at most; one that weighs more is alone."""
    group: list[_Item] = []
    total = 0
    for sample in samples:
        own = weight(sample)
        if group and total + own > most:
            yield group
            group, total = [], 0
        group.append(sample)
        total += own
    if group:
        yield group


def shard_names(count: int, extension: str) -> list[str]:
    """Names of ``count`` shards, as the Hub has them."""
    return [f"data/train-{index:05d}-of-{count:05d}.{extension}" for index in range(count)]
