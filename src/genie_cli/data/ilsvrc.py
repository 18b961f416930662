"""ILSVRC 2012's images, wherever people unpack them: for training `<WordNet id>/<WordNet id>_<number>.JPEG`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.errors import FolderError

WNID = re.compile(r"n[0-9]{8}")

# Below the folder that a person gives; "" is that folder itself.
PLACES = (
    "",
    "train",
    "ILSVRC/Data/CLS-LOC/train",
    "ILSVRC2015/Data/CLS-LOC/train",
    "Data/CLS-LOC/train",
    "ILSVRC2012/train",
)

# Where the validation images lie then: `<WordNet id>/ILSVRC2012_val_<number>.JPEG`, or as they came, without folders.
VALIDATION_PLACES = tuple(place.removesuffix("train") + "val" for place in PLACES if place)

FEWEST = 732  # images in a class; the largest have 1300


@dataclass(frozen=True)
class Tree:
    """One folder of class folders.

    Attributes:
        root: the folder that paths are relative to.
        place: the tree's folder below it, POSIX; "" for the root itself.
    """

    root: Path
    place: str
    _classes: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

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
    return tuple(Tree(root, place) for place in PLACES if _has_classes(root / place))


def _has_classes(folder: Path) -> bool:
    return any(map(WNID.fullmatch, folders_in(folder)))


def files_in(folder: Path) -> frozenset[str]:
    """Names of the regular files in a folder, links followed, hidden ones left out; none if there is no folder.

    Raises:
        FolderError: the folder cannot be read.
    """
    return _named(folder, os.DirEntry.is_file)


def folders_in(folder: Path) -> frozenset[str]:
    """Names of the folders in a folder; otherwise as `files_in`."""
    return _named(folder, os.DirEntry.is_dir)


def _named(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if not entry.name.startswith(".") and wanted(entry))
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise FolderError(
            f"{error.filename or folder} cannot be read: {error.strerror}", "check that you may read it"
        ) from error
