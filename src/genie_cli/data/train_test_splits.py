"""Reads the training and test split of a data set by its lists, or from class folders.

It is for fine-grained data sets (paper, section 4.3) and for the user's own folders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from genie_cli.data.dataset import Dataset, by_class
from genie_cli.data.folder import find, require_folder
from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.data.listing import contents, counted, folders_in, is_file, undoubled
from genie_cli.data.lists import Image, Lists
from genie_cli.data.published import Published
from genie_cli.data.wholeness import require_both_splits, require_files, require_published_size, require_readable
from genie_cli.errors import FolderError
from genie_cli.jobs import Source
from genie_cli.observer import Observer


@dataclass(frozen=True)
class _Found:
    """A layout: in words, the folder that paths are relative to, and the images that should be there."""

    where: str
    root: Path
    lists: Lists


def read_splits(
    published: Published,
    root: Path,
    *,
    partial: bool = False,
    observer: Observer | None = None,
    keep_copies: bool = False,
) -> Dataset:
    """Read both splits; each is by class and then by path, and both have the same classes.

    Args:
        published: the data set.
        root: its folder.
        partial: accept shorter lists than the published ones, missing images, and classes that lack a split; the
            layout then says how much was found.
        observer: is told which images were left out.
        keep_copies: keep test images whose file is also a training image.

    Raises:
        FolderError: no known layout, or not the whole data set: with what was expected and found.
    """
    observer = observer or Observer()
    require_folder(root)
    root /= undoubled(root)
    with published.hinting():
        found = _by_lists(published, root) or _by_class_folders(published, root)
        if found is None:
            raise no_layout(published, root)
        if not partial:
            require_published_size(published, "train", found.lists.train, found.root)
            require_published_size(published, "test", found.lists.test, found.root)
        words = words_of(published, found.root, (name for _, name in (*found.lists.train, *found.lists.test)))
        labels = {name: words[name] if published.labels_are_names else name for name in words}
        splits = ([(path, labels[name]) for path, name in split] for split in (found.lists.train, found.lists.test))
        sources = sources_of(found.root, *splits, partial=partial, observer=observer)
    kept = {source.label for source in sources[0]}
    names = {labels[name]: words[name] for name in words if labels[name] in kept}
    layout = f"{found.where}; {size_in_words(published, *sources)}"
    dataset = Dataset(found.root, *sources, names, published.superclass, layout)
    return dataset if keep_copies else _without_copies(dataset, observer)


def sources_of(
    root: Path, train: Sequence[Image], test: Sequence[Image], *, partial: bool, observer: Observer
) -> tuple[tuple[Source, ...], tuple[Source, ...]]:
    """Hash the images of both splits, by class and then by path.

    Raises:
        FolderError: an image is missing or cannot be read, or a class has one split only, unless ``partial``.
    """
    train, test = require_files(root, "train", train, partial), require_files(root, "test", test, partial)
    both = require_both_splits(root, train, test, partial)
    return (
        require_readable(root, both[0], partial, observer),
        require_readable(root, both[1], partial, observer),
    )


def size_in_words(published: Published, train: Sequence[Source], test: Sequence[Source]) -> str:
    """The numbers of classes and images that were found, and of how many if that is not all."""
    classes, note = len({source.label for source in train}), f" ({published.note})" if published.note else ""
    if published.sizes:
        size, other = published.sizes["train"], published.sizes["test"]
        if (size.classes, size.images, other.images) != (classes, len(train), len(test)):
            return (
                f"{classes} of the published {size.classes} classes{note}, {len(train)} of {size.images} training "
                f"and {len(test)} of {other.images} test images"
            )
    return f"{counted(classes, 'class', 'classes')}{note}, {len(train)} training and {len(test)} test images"


def with_images_per_class(dataset: Dataset) -> Dataset:
    """Add the fewest and most training images per class to the layout."""
    counts = Counter(source.label for source in dataset.train).values()
    return replace(dataset, layout=f"{dataset.layout}; {min(counts)} to {max(counts)} training images per class")


def find_lists(published: Published, root: Path) -> tuple[str, list[Path]] | None:
    """Return the first folder below ``root`` that has all of the lists, and the lists; None if there is none."""
    for place in (undoubled(root, place) if place else "" for place in published.list_folders):
        files = _spelled(published, root / place)
        if None not in files:
            return place, [file for file in files if file]
    return None


def no_layout(published: Published, root: Path) -> FolderError:
    """The error for a folder that has none of the data set's layouts."""
    for folder in (root / place for place in published.list_folders):
        files = _spelled(published, folder)
        if any(files):
            lacking = ", ".join(names[0] for names, file in zip(published.files, files, strict=True) if not file)
            return FolderError(f"{folder} lacks {lacking}; it holds {contents(folder)}")
    lists = ", ".join(names[0] for names in published.files)
    wanted = [lists] * bool(lists) + ["class folders in train and test"] * bool(published.class_folders)
    return FolderError(f"{root} has no {published.title}: expected {', or '.join(wanted)}; it holds {contents(root)}")


def _spelled(published: Published, folder: Path) -> list[Path | None]:
    """The lists in a folder, None for each that is not there."""
    return [
        next((folder / spelling for spelling in spellings if is_file(folder / spelling)), None)
        for spellings in published.files
    ]


def _by_lists(published: Published, root: Path) -> _Found | None:
    """The data set by its lists; None unless all of them are in one folder."""
    found = find_lists(published, root)
    if found is None or published.read_lists is None:
        return None
    place, files = found
    lists = _where_they_lie(root / place, published.read_lists(files))
    return _Found(f"{published.title} by its lists{_in(place)}", root / place, lists)


def _where_they_lie(root: Path, lists: Lists) -> Lists:
    """The lists with the paths of images that were unpacked into a folder of the name of the one they are listed in."""
    tops = {path.partition("/")[0] for path, _ in (*lists.train, *lists.test) if "/" in path}
    moved = {top: undoubled(root, top) for top in tops if (root / top / top).is_dir()}

    def placed(images: Sequence[Image]) -> tuple[Image, ...]:
        parts = ((path.partition("/"), label) for path, label in images)
        return tuple((f"{moved.get(top, top)}{slash}{rest}", label) for (top, slash, rest), label in parts)

    return Lists(placed(lists.train), placed(lists.test)) if moved else lists


def _by_class_folders(published: Published, root: Path) -> _Found | None:
    """``train`` and ``test`` (or else ``val``) with a folder of images per class; None if there are none."""
    for place in (undoubled(root, place) if place else "" for place in published.class_folders):
        splits = [split for split in ("test", "val") if folders_in(root / place / split)]
        if splits and folders_in(root / place / "train"):
            train, unused = _images_in(root / place, "train")
            test, also_unused = _images_in(root / place, splits[0])
            where = f"class folders train and {splits[0]}{_in(place)}"
            where += " (test has no class folders)" if splits[0] == "val" else ""
            for path, reason in [*unused, *also_unused][:1]:
                where += f"; {len(unused) + len(also_unused)} images left out, the first since {path} {reason}"
            return _Found(where, root / place, Lists(train, test))
    return None


def _images_in(root: Path, split: str) -> tuple[tuple[Image, ...], list[tuple[str, str]]]:
    """A split's images, and those that cannot be used with the reasons; all paths are below ``root``."""
    place = undoubled(root, split)
    images, ignored = find(root / place)
    odd = [(path, reason) for path, reason in sorted(ignored) if PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise FolderError(f"{root / split} has no images in class folders", f"it holds {contents(root / split)}")
    return tuple((f"{place}/{path}", name) for path, name in images), [(f"{place}/{path}", why) for path, why in odd]


def words_of(published: Published, root: Path, classes: Iterable[str]) -> dict[str, str]:
    """The words of each published class name; FolderError if two are the same but for upper and lower case."""
    names = sorted(set(classes))
    words = {name: published.in_words(name) for name in names}
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(words[name].casefold(), name)
        if other != name:
            raise FolderError(f"{root}: the classes {other!r} and {name!r} have the same name in prompts")
    return words


def _in(place: str) -> str:
    return f" in {place}" if place else ""


def _without_copies(dataset: Dataset, observer: Observer) -> Dataset:
    """Leave out test images whose file is a training image; an observer is told how many are not tested on."""
    known = {source.sha256 for source in dataset.train}
    test = tuple(source for source in dataset.test if source.sha256 not in known)
    if copies := len(dataset.test) - sum(map(len, by_class(test).values())):
        observer.left_out(
            [f"{counted(copies, 'test image')}: the same file is a training image, or another test image"]
        )
    return replace(dataset, test=test)
