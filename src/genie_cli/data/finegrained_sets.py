"""The fine-grained data sets of the paper's section 4.3, read from the layouts in which people have them.

Support images come from the training split, and what is tested is the test split. A benchmark on part of its images
is another benchmark, so lists and images that are fewer than published are an error unless ``partial`` is asked for.

This module does not know torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genie_cli.data.fewshot_places import contents
from genie_cli.data.finegrained_lists import READERS, Image, Lists
from genie_cli.data.finegrained_published import Dataset, Published, how_to_get, published_as
from genie_cli.data.folder import find, require_folder, saying
from genie_cli.data.ilsvrc import WNID, folders_in
from genie_cli.data.imagenet import distinct_names, is_class
from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.data.splits import lists_in, no_layout, shared, size_in_words, sources_of, there
from genie_cli.errors import FolderError
from genie_cli.jobs import Source

__all__ = ["Dataset", "SplitImages", "how_to_get", "read"]


@dataclass(frozen=True)
class SplitImages:
    """What an evaluator reads.

    Attributes:
        root: the folder that the sources' paths are relative to.
        train, test: the sources of either split, by class and then by path. Both have the same classes. A label is
            the class in words; for ``folder`` it is the folder's name.
        names: every label's words for prompts; no two are alike.
        superclass: for ", a type of bird" in prompts; "" for ``folder``.
        layout: what was found, in words, with numbers; also how much of what was published, if not all.
    """

    root: Path
    train: tuple[Source, ...]
    test: tuple[Source, ...]
    names: Mapping[str, str]
    superclass: str
    layout: str


@dataclass(frozen=True)
class _Found:
    """A layout: where in words, the folder that paths are relative to, and what it should hold."""

    where: str
    root: Path
    lists: Lists


def read(dataset: Dataset, root: Path, *, partial: bool = False) -> SplitImages:
    """Read both splits of a fine-grained data set (paper, section 4.3 and Table 4).

    Args:
        dataset: CUB-200-2011, Stanford Cars, Food-101, FGVC-Aircraft by manufacturer, or any ``folder``.
        root: a folder in one of the layouts of ``how_to_get(dataset)``.
        partial: accept shorter lists than the published ones, leave out what is listed but missing, and classes that
            lack either split; ``layout`` then says how much is left.

    Raises:
        FolderError: no layout that is known, or not the whole data set: with what was expected and found.
        UsageError: there is no such data set.
    """
    published = published_as(dataset)
    require_folder(root)
    with saying(published.how_to_get):
        return _read(dataset, published, root, partial)


def _read(dataset: Dataset, published: Published, root: Path, partial: bool) -> SplitImages:
    found = _lists(dataset, published, root) or _class_folders(published, root)
    if found is None:
        raise no_layout(published, root)
    if not partial:
        published.require("training", found.lists.train, found.root)
        published.require("test", found.lists.test, found.root)
    words = _words(published, found)
    label_of = {name: name if dataset == "folder" else words[name] for name in words}
    splits = [
        there(found.root, split, [(path, label_of[name]) for path, name in images], partial)
        for split, images in (("training", found.lists.train), ("test", found.lists.test))
    ]
    train, test = (sources_of(found.root, images, partial) for images in shared(found.root, splits, partial))
    kept = {source.label for source in train}
    names = {label_of[name]: words[name] for name in words if label_of[name] in kept}
    layout = f"{found.where}; {size_in_words(published, train, test)}"
    return SplitImages(found.root, train, test, names, published.superclass, layout)


def _lists(dataset: Dataset, published: Published, root: Path) -> _Found | None:
    """The data set by its lists; None unless all of them are in one of the places."""
    found = lists_in(published, root)
    if found is None:
        return None
    place, files = found
    return _Found(f"{published.title} by its lists{_in(place)}", root / place, READERS[dataset](files))


def _class_folders(published: Published, root: Path) -> _Found | None:
    """``train`` and ``test`` (or else ``val``) with a folder of images per class; None if there are none."""
    for place in published.folders:
        splits = [split for split in ("test", "val") if folders_in(root / place / split)]
        if splits and folders_in(root / place / "train"):
            train, odd = _images_in(root / place, "train")
            test, also_odd = _images_in(root / place, splits[0])
            where = f"class folders train and {splits[0]}{_in(place)}"
            where += " (test has no class folders)" if splits[0] == "val" else ""
            for path, reason in [*odd, *also_odd][:1]:
                where += f"; {len(odd) + len(also_odd)} images left out, the first since {path} {reason}"
            return _Found(where, root / place, Lists(train, test))
    return None


def _images_in(root: Path, split: str) -> tuple[tuple[Image, ...], list[tuple[str, str]]]:
    """A split's images, and those that cannot be used with the reasons; all paths below ``root``."""
    images, ignored = find(root / split)
    odd = [(path, reason) for path, reason in sorted(ignored) if PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise FolderError(f"{root / split} has no images in class folders", f"it holds {contents(root / split)}")
    return tuple((f"{split}/{path}", name) for path, name in images), [(f"{split}/{path}", why) for path, why in odd]


def _words(published: Published, found: _Found) -> dict[str, str]:
    """A published class name's words; FolderError if two classes have the same, even in upper and lower case."""
    names = sorted({name for _, name in (*found.lists.train, *found.lists.test)})
    words = {name: published.in_words(name) for name in names}
    words |= distinct_names(name for name in names if WNID.fullmatch(name) and is_class(name))
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(words[name].casefold(), name)
        if other != name:
            raise FolderError(f"{found.root}: the classes {other!r} and {name!r} have the same name in prompts")
    return words


def _in(place: str) -> str:
    return f" in {place}" if place else ""
