"""Finds the images of ILSVRC 2012 where they were unpacked: for training `<WordNet id>/<WordNet id>_<number>.JPEG`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from genie_cli.data.imagenet import WNID
from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.data.listing import files_in, folders_in, undoubled

HOW_TO_GET = """\
Where to get the images: ILSVRC 2012 (also called ImageNet-1k), from image-net.org after registering, or from Kaggle's
"ImageNet Object Localization Challenge"."""

# Where the training images may lie below a data set's folder; "" is that folder itself.
PLACES = (
    "",
    "train",
    "ILSVRC/Data/CLS-LOC/train",
    "ILSVRC2015/Data/CLS-LOC/train",
    "Data/CLS-LOC/train",
    "ILSVRC2012/train",
)

# Where the validation images lie then: `<WordNet id>/ILSVRC2012_val_<number>.JPEG`, or the same without class folders.
VALIDATION_PLACES = tuple(place.removesuffix("train") + "val" for place in PLACES if place)

FEWEST = 732  # training images of a class; most have 1300


@dataclass(frozen=True)
class Tree:
    """A folder of class folders with training images.

    Attributes:
        root: the folder that paths are relative to.
        place: the tree's folder below it, POSIX; "" for the root itself.
    """

    root: Path
    place: str
    _classes: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return f"ILSVRC images in {self.place or 'the folder itself'}"

    def images(self, wnid: str) -> tuple[str, ...]:
        """A class's images, as paths below ``root``, by the number after the underscore; () without such a folder."""
        if wnid not in self._classes:
            self._classes[wnid] = tuple(self._in_order(wnid))
        return self._classes[wnid]

    def _in_order(self, wnid: str) -> Iterator[str]:
        folder = f"{self.place}/{wnid}".lstrip("/")
        named = re.compile(rf"{wnid}_([0-9]+)\.\w+", re.ASCII)
        numbered = []
        for name in files_in(self.root / folder):
            match = named.fullmatch(name)
            if match and PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
                numbered.append((int(match[1]), name))
        return (f"{folder}/{name}" for _, name in sorted(numbered))


def trees(root: Path) -> tuple[Tree, ...]:
    """The `PLACES` below ``root`` that hold folders named by WordNet ids."""
    places = (undoubled(root, place) if place else "" for place in PLACES)
    return tuple(Tree(root, place) for place in places if any(map(WNID.fullmatch, folders_in(root / place))))
