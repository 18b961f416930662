"""Draws a test split from images that have none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genie_cli.data.dataset import Dataset
from genie_cli.errors import shorten
from genie_cli.files.cells import csv_line
from genie_cli.jobs import Source

FILE = "split.csv"
_SHOWN = 10  # classes that a message names


@dataclass(frozen=True)
class Drawn:
    """Images in two splits; both are in the order in which the images were given.

    Attributes:
        single: classes with a single image, which cannot be both trained and tested on; they are in neither split.
        contradictory: paths of images that are in several classes; they are in neither split.
    """

    train: tuple[Source, ...]
    test: tuple[Source, ...]
    single: tuple[str, ...]
    contradictory: tuple[str, ...]

    def reasons(self) -> Iterator[str]:
        """What was left out, and why, one sentence each."""
        if self.single:
            named = shorten(list(self.single), _SHOWN)
            yield f"classes with a single image, which cannot be both trained and tested on: {named}"
        if self.contradictory:
            yield f"one image in several classes: {shorten(list(self.contradictory), _SHOWN)}"


@dataclass(frozen=True)
class RandomSplit:
    """A stratified split.

    An image's place depends on its content, the seed, and the other images of its class; not on names or their order.
    Copies of an image are in one split.

    Attributes:
        share: of each class to test on, 0 < share < 1; at least one image of a class is tested on, and one trained on.
        seed: another seed tests on other images.
    """

    share: float
    seed: int = 0

    def of(self, sources: Sequence[Source]) -> Drawn:
        """Split images."""
        classes: dict[str, set[str]] = {}
        for source in sources:
            classes.setdefault(source.sha256, set()).add(source.label)
        contents: dict[str, set[str]] = {source.label: set() for source in sources}
        for content, labels in classes.items():
            if len(labels) == 1:
                contents[next(iter(labels))].add(content)
        tested = {content for own in contents.values() for content in self._tested(own)}
        single = tuple(sorted(label for label, own in contents.items() if len(own) < 2))
        usable = [source for source in sources if len(classes[source.sha256]) == 1 and len(contents[source.label]) > 1]
        return Drawn(
            train=tuple(source for source in usable if source.sha256 not in tested),
            test=tuple(source for source in usable if source.sha256 in tested),
            single=single,
            contradictory=tuple(sorted(source.path for source in sources if len(classes[source.sha256]) > 1)),
        )

    def _tested(self, contents: set[str]) -> list[str]:
        """Those of a class's images that are tested on."""
        if len(contents) < 2:
            return []
        count = min(max(round(self.share * len(contents)), 1), len(contents) - 1)
        return sorted(contents, key=self._rank)[:count]

    def _rank(self, content: str) -> str:
        return hashlib.sha256(f"{self.seed} {content}".encode()).hexdigest()


def split_file(dataset: Dataset) -> dict[str, str]:
    """The file that says which image is in which split, name to text; none if the data set has splits of its own."""
    if not dataset.is_drawn:
        return {}
    splits = (("train", dataset.train), ("test", dataset.test))
    rows = ((split, source.label, source.path, source.sha256) for split, sources in splits for source in sources)
    return {FILE: "".join(map(csv_line, (("split", "label", "path", "sha256"), *rows)))}
