"""What every data set becomes: labelled images in a training and a test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from genie_cli.jobs import Source


@dataclass(frozen=True)
class Crops:
    """Which random crops of an image still show its class.

    Attributes:
        min_area: the smallest crop, as a share of the image's area, 0..1.
        flip: whether the mirror image is of the same class.
    """

    min_area: float
    flip: bool


@dataclass(frozen=True)
class Dataset:
    """Labelled images. Files are listed and hashed, not decoded.

    Attributes:
        root: folder that the sources' paths are relative to.
        train: what is learned from, in the reader's order.
        test: what is tested on. A few-shot data set has one split, which stands for both.
        names: a label's words for prompts; a label that is not here is its own name.
        superclass: what all classes are a type of, for prompts (paper, section 4.3); may be empty.
        layout: what was found on disk, in words, with numbers.
        crops: random crops that suit the images; None: the usual ones of photographs.
        image_size: side of the square images in pixels, if all have the same; else 0.
        order: the classes in the order of a classifier's outputs; empty: sorted.
    """

    root: Path
    train: tuple[Source, ...]
    test: tuple[Source, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    superclass: str = ""
    layout: str = ""
    crops: Crops | None = None
    image_size: int = 0
    order: tuple[str, ...] = ()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The labels of the training images, in the order of a classifier's outputs."""
        return self.order or tuple(sorted({source.label for source in self.train}))

    @cached_property
    def train_by_class(self) -> dict[str, tuple[Source, ...]]:
        """See `by_class`."""
        return by_class(self.train)

    @cached_property
    def test_by_class(self) -> dict[str, tuple[Source, ...]]:
        """See `by_class`."""
        return by_class(self.test)

    def name_of(self, label: str) -> str:
        """The label in words, as a prompt has it."""
        return self.names.get(label, label)

    def by_content(self) -> dict[str, Source]:
        """All images by SHA-256; of copies the last by path."""
        every = [*self.test_by_class.values(), *self.train_by_class.values()]
        return {source.sha256: source for sources in every for source in sorted(sources, key=lambda s: s.path)}


def by_class(sources: Sequence[Source]) -> dict[str, tuple[Source, ...]]:
    """Sources by class, each content once, in the order of their hashes."""
    unique = {source.sha256: source for source in sorted(sources, key=lambda s: (s.label, s.path), reverse=True)}
    found: dict[str, list[Source]] = {}
    for digest in sorted(unique):
        found.setdefault(unique[digest].label, []).append(unique[digest])
    return {label: tuple(found[label]) for label in sorted(found)}
