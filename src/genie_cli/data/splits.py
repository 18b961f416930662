"""Training and test images as lists or folders name them: whether all is there, and the sources that come of it.

This module knows no data set: what one must hold is its `Published`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from genie_cli.data.fewshot_places import contents
from genie_cli.data.fewshot_published import PARTIAL_HINT
from genie_cli.data.finegrained_lists import Image
from genie_cli.data.finegrained_published import Published
from genie_cli.data.folder import hashed
from genie_cli.data.ilsvrc import files_in
from genie_cli.errors import FolderError
from genie_cli.jobs import Source


def lists_in(published: Published, root: Path) -> tuple[str, list[Path]] | None:
    """The first of the data set's places below ``root`` that has all of its lists, and these; None if none has."""
    for place in published.places:
        files = _spelled(published, root / place)
        if None not in files:
            return place, [file for file in files if file]
    return None


def no_layout(published: Published, root: Path) -> FolderError:
    """What to say of a folder that is not in any of the data set's layouts."""
    for folder in (root / place for place in published.places):
        files = _spelled(published, folder)
        if any(files):
            lacking = ", ".join(names[0] for names, file in zip(published.files, files, strict=True) if not file)
            return FolderError(f"{folder} lacks {lacking}; it holds {contents(folder)}")
    lists = ", ".join(names[0] for names in published.files)
    wanted = [lists] * bool(lists) + ["class folders in train and test"] * bool(published.folders)
    return FolderError(f"{root} has no {published.title}: expected {', or '.join(wanted)}; it holds {contents(root)}")


def existing(root: Path, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths below ``root`` that are files.

    It asks folder by folder: a hundred thousand single questions are slow on a network disk.
    """
    parts = [(path, path.rpartition("/")) for path in paths]
    names = {folder: files_in(root / folder) for folder in {folder for _, (folder, _, _) in parts}}
    return frozenset(path for path, (folder, _, name) in parts if name in names[folder])


def there(root: Path, split: str, images: Sequence[Image], partial: bool) -> list[Image]:
    """The images that exist, by class and path. FolderError if one does not, unless ``partial``, or if none does."""
    found = existing(root, (path for path, _ in images))
    missing = sorted({path for path, _ in images} - found)
    if not found:
        raise FolderError(
            f"{root}: expected {len(images)} {split} images, found none; first missing: {missing[0]}; "
            f"the folder holds {contents(root)}"
        )
    if missing and not partial:
        raise FolderError(
            f"{root}: expected {len(images)} {split} images, found {len(found)}; first missing: {missing[0]}",
            PARTIAL_HINT,
        )
    return sorted((image for image in images if image[0] in found), key=lambda image: image[::-1])


def shared(root: Path, splits: Sequence[Sequence[Image]], partial: bool) -> list[list[Image]]:
    """Both splits with the classes that both have. FolderError if one has others, unless ``partial``."""
    train, test = ({label for _, label in split} for split in splits)
    if train != test and not partial:
        label = min(train ^ test)
        has, lacks = ("training", "test") if label in train else ("test", "training")
        more = f"; {len(train ^ test)} classes are in one split only" if len(train ^ test) > 1 else ""
        raise FolderError(f"{root}: {label!r} has {has} images but no {lacks} images{more}", PARTIAL_HINT)
    if not train & test:
        raise FolderError(f"{root}: no class has both training and test images")
    return [[(path, label) for path, label in split if label in train & test] for split in splits]


def sources_of(root: Path, images: Sequence[Image], partial: bool) -> tuple[Source, ...]:
    """Sources of images. FolderError if one cannot be read, unless ``partial``, and if that is a class's last one."""
    sources, unusable = hashed(root, images)
    lost = {label for _, label in images} - {source.label for source in sources}
    if unusable and (lost or not partial):
        path, reason = unusable[0]
        raise FolderError(f"{root / path} {reason}", "" if lost else PARTIAL_HINT)
    return tuple(sources)


def size_in_words(published: Published, train: Sequence[Source], test: Sequence[Source]) -> str:
    """How many classes and images there are, and of how many if that is not all."""
    size, classes = published.size, len({source.label for source in train})
    if size is None or (size.classes, size.train, size.test) == (classes, len(train), len(test)):
        return f"{classes} classes{published.note}, {len(train)} training and {len(test)} test images"
    return (
        f"{classes} of the published {size.classes} classes{published.note}, {len(train)} of {size.train} training and "
        f"{len(test)} of {size.test} test images"
    )


def _spelled(published: Published, folder: Path) -> list[Path | None]:
    """The lists in a folder, None for each that is not there."""
    return [
        next((folder / spelling for spelling in spellings if (folder / spelling).is_file()), None)
        for spellings in published.files
    ]
