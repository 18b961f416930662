"""Where listed images lie: the few places that people keep them in, tried in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from genie_cli.data.fewshot_lists import place_in_class
from genie_cli.data.ilsvrc import PLACES, Tree, files_in, folders_in, trees
from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.errors import shorten

_SPLITS = ("train", "val", "test", "base", "novel")


@dataclass(frozen=True)
class Wanted:
    """A listed image: its class, what the list calls it, and its path below the root, None if it is not there."""

    label: str
    name: str
    path: str | None


@dataclass(frozen=True)
class Placed:
    """Listed images looked for in one place.

    Attributes:
        where: the place, in words.
        images: all that are listed, found or not.
        tree: the ILSVRC tree, if what the list says depends on how many images a class has there.
        all_of_a_class: whether the list names classes, of which all images are wanted.
    """

    where: str
    images: tuple[Wanted, ...]
    tree: Tree | None = None
    all_of_a_class: bool = False

    @property
    def found(self) -> int:
        return sum(image.path is not None for image in self.images)


def best(places: Iterable[Placed]) -> Placed | None:
    """The place where most images are, the first of several; None if there are none anywhere."""
    found = max(places, key=lambda placed: placed.found, default=None)
    return found if found and found.found else None


def of_ravi(root: Path, rows: Sequence[tuple[str, str]]) -> Iterator[Placed]:
    """Rows of `read_ravi`: under their own names in one folder or in class folders, or counted out in ILSVRC trees."""
    files = _Files(root)
    yield Placed("images", tuple(Wanted(label, name, files.at(f"images/{name}")) for label, name in rows))
    for folder in _SPLITS:
        own = tuple(Wanted(label, name, files.at(f"{folder}/{label}/{name}")) for label, name in rows)
        yield Placed(f"class folders in {folder}", own)
    for tree in trees(root):
        yield Placed(_words(tree), tuple(_counted_out(tree, label, name) for label, name in rows), tree)


def _counted_out(tree: Tree, label: str, name: str) -> Wanted:
    images, place = tree.images(label), place_in_class(name)
    return Wanted(label, name, images[place - 1] if place <= len(images) else None)


def of_json(root: Path, rows: Sequence[tuple[str, str]]) -> Iterator[Placed]:
    """Rows of `read_json`: by the last two parts of their paths, `class/image`, in every folder that may hold these.

    Among them are the folders above the first image that are also below the root: of `/home/ann/sets/mini/n0/n0_5.JPEG`
    `home/ann/sets/mini`, `ann/sets/mini`, and so on.
    """
    files = _Files(root)
    above = rows[0][1].split("/")[:-2]
    for folder in dict.fromkeys(["", "images", *_SPLITS, *PLACES, *("/".join(above[i:]) for i in range(len(above)))]):
        if (root / folder).is_dir():
            images = tuple(
                Wanted(label, "/".join(name.split("/")[-2:]), files.at(f"{folder}/{'/'.join(name.split('/')[-2:])}"))
                for label, name in rows
            )
            yield Placed(f"images below {folder}" if folder else "images beside the lists", images)


def of_classes(root: Path, wnids: Sequence[str]) -> Iterator[Placed]:
    """All images of the classes, in ILSVRC trees or other class folders; a class without any lacks one image."""
    for tree in trees(root):
        yield Placed(_words(tree), _all_of(wnids, tree.images), tree, all_of_a_class=True)
    for folder in _SPLITS:
        images = _all_of(wnids, partial(_images_in, root, folder))
        yield Placed(f"class folders in {folder}", images, all_of_a_class=True)


def _all_of(wnids: Sequence[str], images_of: Callable[[str], Sequence[str]]) -> tuple[Wanted, ...]:
    images: list[Wanted] = []
    for wnid in wnids:
        paths = images_of(wnid)
        images += [Wanted(wnid, PurePosixPath(path).name, path) for path in paths]
        if not paths:
            images.append(Wanted(wnid, f"folder {wnid}", None))
    return tuple(images)


def _images_in(root: Path, folder: str, wnid: str) -> list[str]:
    names = files_in(root / folder / wnid)
    return [f"{folder}/{wnid}/{name}" for name in names if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]


def _words(tree: Tree) -> str:
    return f"ILSVRC images in {tree.place or 'the folder itself'}"


class _Files:
    """Which files there are, asked folder by folder: twelve thousand single questions are slow on a network disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, frozenset[str]] = {}

    def at(self, path: str) -> str | None:
        """``path`` if there is a file, else None."""
        folder, _, name = path.lstrip("/").rpartition("/")
        if folder not in self._known:
            self._known[folder] = files_in(self._root / folder)
        return path.lstrip("/") if name in self._known[folder] else None


def contents(root: Path) -> str:
    """What lies in a folder, for a person who gave the wrong one."""
    names = [f"{name}/" for name in sorted(folders_in(root))] + sorted(files_in(root))
    return shorten(names, 6) or "nothing"
