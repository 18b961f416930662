"""What every reader returns: labelled images in a training and a test split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from genie_cli.jobs import Source

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Crops:
    """The random crops of an image that still show its class.

    Attributes:
        min_area: area of the smallest crop, as a fraction of the image's area, 0..1.
        flip: whether the mirror image is of the same class.
    """

    min_area: float
    flip: bool

    def shorter_side(self, size: int) -> int:
        """Pixels that an image's shorter side needs to have so that no crop of it has to be enlarged to ``size``.

        A crop may be a third wider than high, or higher than wide, as torchvision's are by default.
        """
        return math.ceil(size / math.sqrt(self.min_area * 3 / 4))


class Compositor(Protocol):
    """Puts the object of one image into another, without diffusion; for data sets whose masks are known."""

    def paste(self, target: Source, onto: Source) -> Image:
        """The object of ``target`` in place of that of ``onto``, in its colors and before its background."""

    def paste_generated(self, image: Image, onto: Source) -> Image:
        """As `paste`, of a generated image, whose mask has to be estimated."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images. Files are listed and hashed, not decoded.

    Attributes:
        root: the folder that the sources' paths are relative to.
        train: training images, in the reader's order.
        test: test images. A few-shot data set has one split, which is both.
        names: from labels to names for prompts; a label that is missing is its own name.
        superclass: what all classes are a type of, for prompts (paper, section 4.3); may be empty.
        layout: what was found on disk, in words, with numbers.
        crops: random crops that suit the images; None: the usual ones of photographs.
        image_size: width and height in pixels, if all images are squares of one size; else 0.
        order: the classes in the order of a classifier's outputs; empty: sorted.
        originals: for images that were made from others, such as several paintings of one scan, the name of the
            original by SHA-256. Images of one original are not independent of each other.
        compositor: pastes objects; None if the objects' masks are not known.
        is_drawn: the test split was drawn from the images by genie.
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
    originals: Mapping[str, str] = field(default_factory=dict)
    compositor: Compositor | None = None
    is_drawn: bool = False

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
        """The name of a label in prompts."""
        return self.names.get(label, label)

    def original_of(self, source: Source) -> str:
        """What an image was made from; the image itself if it was not made from another."""
        return self.originals.get(source.sha256, source.sha256)

    def by_content(self) -> dict[str, Source]:
        """All images by SHA-256; of an image that is in both splits, the training one."""
        every = [*self.test_by_class.values(), *self.train_by_class.values()]
        return {source.sha256: source for sources in every for source in sorted(sources, key=lambda s: s.path)}


def by_class(sources: Sequence[Source]) -> dict[str, tuple[Source, ...]]:
    """Sources by class, in the order of their hashes; of copies the first by class and path."""
    unique = {source.sha256: source for source in sorted(sources, key=lambda s: (s.label, s.path), reverse=True)}
    found: dict[str, list[Source]] = {}
    for digest in sorted(unique):
        found.setdefault(unique[digest].label, []).append(unique[digest])
    return {label: tuple(found[label]) for label in sorted(found)}


def class_counts(sources: Iterable[Source]) -> dict[str, int]:
    """The number of images of each class, sorted by class; copies count."""
    counts = Counter(source.label for source in sources)
    return {label: counts[label] for label in sorted(counts)}
