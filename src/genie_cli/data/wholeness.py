"""Checks that a data set is complete, since results on part of the images cannot be compared with published ones.

What is missing is an error, unless the user accepts a part of the data set: ``partial``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from genie_cli.data.folder import hashed
from genie_cli.data.imagenet import in_words
from genie_cli.data.listing import FileIndex, contents
from genie_cli.data.lists import Image
from genie_cli.data.published import Published, Size, Split
from genie_cli.errors import FolderError
from genie_cli.jobs import Source
from genie_cli.observer import Observer

PARTIAL_HINT = "--partial reads what is there; the numbers are then not comparable with published ones"

SPLIT_WORDS: dict[Split, str] = {"train": "training", "val": "validation", "test": "test"}


def require_published_size(published: Published, split: Split, images: Sequence[Image], place: Path) -> None:
    """Raise FolderError unless a split has the published numbers of classes, images, and images per class.

    Args:
        images: paths and classes, at least one.
        place: where they were found, for the error.
    """
    size = published.sizes.get(split)
    if size is None:
        return
    counts = Counter(label for _, label in images)
    each, uneven = _wrong_per_class(size, counts)
    if (len(counts), len(images)) != (size.classes, size.images):
        expected = f"{size.images} {SPLIT_WORDS[split]} images of {size.classes} classes of {published.title}"
        detail = f"; expected {each} per class, found {uneven}" if uneven else ""
        if len(counts) == size.classes and size.per_class is None:
            fewest = min(sorted(counts), key=lambda label: counts[label])
            detail = f"; fewest of one class: {counts[fewest]} of {in_words(fewest)}"
        found = f"{len(images)} of {len(counts)}"
        raise FolderError(f"{place}: expected {expected}, found {found}{detail}", PARTIAL_HINT)
    if uneven:
        expected = f"{each} {SPLIT_WORDS[split]} images per class of {published.title}"
        raise FolderError(f"{place}: expected {expected}, found {uneven}", PARTIAL_HINT)


def _wrong_per_class(size: Size, counts: Counter[str]) -> tuple[str, str]:
    """The expected and the wrong numbers of images per class, in words; the latter is empty if nothing is wrong.

    "600" and "599 of class_03; 1 of 20 classes differ", or "5 to 1280" and "5 to 1279".
    """
    if size.per_class is None:
        return "", ""
    fewest, most = size.per_class
    each = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    outside = [label for label in sorted(counts) if not fewest <= counts[label] <= most]
    if outside:
        found = f"{counts[outside[0]]} of {in_words(outside[0])}; {len(outside)} of {len(counts)} classes differ"
        return each, found
    found = f"{min(counts.values())} to {max(counts.values())}"
    return each, "" if (min(counts.values()), max(counts.values())) == size.per_class else found


def require_files(root: Path, split: Split, images: Sequence[Image], partial: bool) -> list[Image]:
    """Return the images that exist, sorted by class and then by path.

    Raises:
        FolderError: an image does not exist, unless ``partial``, or none does.
    """
    files = FileIndex(root)
    found = [image for image in images if image[0] in files]
    missing = min({path for path, _ in images} - {path for path, _ in found}, default="")
    counted = f"{root}: expected {len(images)} {SPLIT_WORDS[split]} images, found"
    if not found:
        raise FolderError(f"{counted} none; first missing: {missing}; the folder holds {contents(root)}")
    if missing and not partial:
        raise FolderError(f"{counted} {len(found)}; first missing: {missing}", PARTIAL_HINT)
    return sorted(found, key=lambda image: image[::-1])


def require_both_splits(
    root: Path, train: Sequence[Image], test: Sequence[Image], partial: bool
) -> tuple[list[Image], list[Image]]:
    """Return both splits without the classes that only one of them has.

    Raises:
        FolderError: a class is in one split only, unless ``partial``, or there is no class in both.
    """
    in_train, in_test = ({label for _, label in split} for split in (train, test))
    if in_train != in_test and not partial:
        label = min(in_train ^ in_test)
        has, lacks = ("training", "test") if label in in_train else ("test", "training")
        more = f"; {len(in_train ^ in_test)} classes are in one split only" if len(in_train ^ in_test) > 1 else ""
        raise FolderError(f"{root}: {label!r} has {has} images but no {lacks} images{more}", PARTIAL_HINT)
    both = in_train & in_test
    if not both:
        raise FolderError(f"{root}: no class has both training and test images")
    kept = ([image for image in split if image[1] in both] for split in (train, test))
    return next(kept), next(kept)


def require_readable(root: Path, images: Sequence[Image], partial: bool, observer: Observer) -> tuple[Source, ...]:
    """Hash the images; the observer is told of unreadable ones that are left out.

    Raises:
        FolderError: an image cannot be read, unless ``partial``, or none of a class can.
    """
    sources, unusable = hashed(root, images, observer)
    lost = {label for _, label in images} - {source.label for source in sources}
    if unusable and (lost or not partial):
        path, reason = unusable[0]
        raise FolderError(f"{root / path} {reason}", "" if lost else PARTIAL_HINT)
    observer.left_out([f"{path} {reason}" for path, reason in unusable])
    return tuple(sources)
