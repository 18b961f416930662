"""Tells class folders from the splits of a data set, and from class folders that lie further down.

Only paths of images are looked at. Where they leave a doubt, folders are classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genie_cli.errors import FolderError, shorten

# In the order in which a person is likely to want them as sources.
_SPLITS = (
    *("train", "training", "base", "support"),
    *("val", "valid", "validation", "dev"),
    *("test", "testing", "eval", "evaluation", "novel", "query", "holdout"),
)
_LIKE_A_SPLIT = re.compile(rf"({'|'.join(_SPLITS)})[ _-]?(set|split|data|images)?[ _-]?[0-9]*", re.IGNORECASE)


@dataclass
class _Subfolder:
    """A folder in the root: whether it holds images directly, and which of its folders do at any depth."""

    has_images: bool = False
    folders: set[str] = field(default_factory=set)


def require_class_folders(root: Path, images: Sequence[str]) -> None:
    """Raise FolderError if the subfolders of ``root`` are clearly not classes, and name the folder to give instead.

    A subfolder is *nested* if it has images in folders, but none directly. ``root`` is refused if

    1. all its subfolders are named like splits (train, val, test, base, novel, ...; "train2017" and "test_images" are
       such names, too), and at least one is nested; or
    2. all its subfolders are nested, and at least two are named like splits; or
    3. its only subfolder is nested, and holds two or more folders with images; or what holds for 1 to 3 of ``root``
       holds for the only, nested subfolder.

    Everything else is read as ``root/<class>/**/<image>``: a class "train" beside others, classes "train" and "test"
    with images directly inside, and classes of which some or all are nested.

    Args:
        root: the folder that was given.
        images: paths below it, POSIX, of images in subfolders.
    """
    place, subfolders = root, _subfolders(images)
    while True:
        nested = [name for name, inner in subfolders.items() if not inner.has_images]
        splits = [name for name in subfolders if _LIKE_A_SPLIT.fullmatch(name)]
        if (nested and len(splits) == len(subfolders)) or (len(nested) == len(subfolders) and len(splits) >= 2):
            raise _holds_splits(place, subfolders, nested)
        if len(subfolders) != 1 or not nested:
            break
        place /= nested[0]
        images = [path.partition("/")[2] for path in images]
        subfolders = _subfolders(images)
    if place != root and len(subfolders) > 1:
        raise _one_folder_too_many(root, place, sorted(subfolders))


def nested_classes(root: Path, images: Sequence[str]) -> str:
    """A warning if all subfolders are nested and hold two or more folders each: they may be parts, not classes.

    They may as well be classes with a folder per video, day or patient. Arguments are those of
    `require_class_folders`; the warning is empty if there is nothing to warn of.
    """
    subfolders = _subfolders(images)
    if len(subfolders) < 2 or any(inner.has_images or len(inner.folders) < 2 for inner in subfolders.values()):
        return ""
    names = sorted(subfolders)
    return (
        f"{root}: the classes are {shorten(names)}; they hold folders, but no images directly. "
        f"If the folders inside are the classes, give one of these: {root / names[0]}"
    )


def _subfolders(images: Sequence[str]) -> dict[str, _Subfolder]:
    """The folders in the root that hold images, by name."""
    found: dict[str, _Subfolder] = {}
    for path in images:
        name, _, rest = path.partition("/")
        inner, slash, _ = rest.partition("/")
        subfolder = found.setdefault(name, _Subfolder())
        if slash:
            subfolder.folders.add(inner)
        else:
            subfolder.has_images = True
    return found


def _order(name: str) -> tuple[int, str]:
    """Splits first, in the order of `_SPLITS`."""
    match = _LIKE_A_SPLIT.fullmatch(name)
    return _SPLITS.index(match[1].lower()) if match else len(_SPLITS), name


def _holds_splits(place: Path, names: Iterable[str], nested: Iterable[str]) -> FolderError:
    ordered = sorted(names, key=_order)
    return FolderError(
        f"{place} holds dataset splits ({shorten(ordered, 8)}), not class folders",
        f"give one of them: {place / min(nested, key=_order)}",
    )


def _one_folder_too_many(root: Path, place: Path, names: Sequence[str]) -> FolderError:
    levels = len(place.relative_to(root).parts)
    down = "one level" if levels == 1 else f"{levels} levels"
    return FolderError(
        f"{root} has its {len(names)} class folders {down} down, in {place}: {shorten(names)}",
        f"give {place}; or, if all images are of one class, give the class: --src-label {place.name}",
    )
