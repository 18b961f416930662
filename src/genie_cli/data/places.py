"""Looks for listed images in the few places where they are usually kept, and takes the place that has most of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from genie_cli.data.ilsvrc import PLACES, Tree
from genie_cli.data.listing import FileIndex, is_folder, undoubled
from genie_cli.data.lists import Image

SPLIT_FOLDERS = ("train", "val", "test", "base", "novel")


@dataclass(frozen=True)
class Wanted:
    """A listed image.

    Attributes:
        label: its class.
        name: what the list calls it.
        path: where it is, relative to the data set's folder; None if it is missing.
    """

    label: str
    name: str
    path: str | None


@dataclass(frozen=True)
class Placed:
    """Listed images as they were found in one place.

    Attributes:
        where: the place in words.
        images: everything that is listed, found or not.
        tree: the ILSVRC tree, if it depends on the tree which files are meant.
        lists_classes: the list names classes, and all of their images are wanted.
    """

    where: str
    images: tuple[Wanted, ...]
    tree: Tree | None = None
    lists_classes: bool = False

    @property
    def found(self) -> int:
        """How many images are there."""
        return sum(image.path is not None for image in self.images)


def best(places: Iterable[Placed]) -> Placed | None:
    """Return the place with most of the images, the first of several; None if there are no images anywhere."""
    found = max(places, key=lambda placed: placed.found, default=None)
    return found if found and found.found else None


def of_paths(root: Path, images: Sequence[Image]) -> Iterator[Placed]:
    """Look for the images of a list by the last two parts of their paths, `class/image`.

    Those that are listed without a folder may be in class folders all the same, or all in one.
    Among the places are the folders above the first image that also exist below the root: of
    `/home/ann/sets/mini/n0/n0_5.JPEG` these are `home/ann/sets/mini`, `ann/sets/mini`, and so on.
    """
    files = FileIndex(root)
    ends = [("/".join([label, *path.split("/")][-2:]), label) for path, label in images]
    flat = [] if any("/" in path for path, _ in images) else list(images)
    above = images[0][0].split("/")[:-2]
    ancestors = ("/".join(above[start:]) for start in range(len(above)))
    places = [folder for folder in ("", "images", *SPLIT_FOLDERS, *PLACES, *ancestors) if is_folder(root / folder)]
    for place in dict.fromkeys(places):
        for folder in dict.fromkeys((place, undoubled(root, place) if place else "")):
            for listed in filter(None, (ends, flat)):
                wanted = ((label, name, f"{folder}/{name}".lstrip("/")) for name, label in listed)
                found = tuple(Wanted(label, name, path if path in files else None) for label, name, path in wanted)
                yield Placed(f"images below {folder}" if folder else "images beside the lists", found)
