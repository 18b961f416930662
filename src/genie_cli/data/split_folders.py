"""Refuses folders whose subfolders are not classes: they are splits, or the class folders are further down.

Only the paths of the images count. In doubt, subfolders are classes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from genie_cli.errors import FolderError, shorten

# In order of preference as sources: the first that is there is suggested.
_SPLITS = (
    *("train", "training", "base", "support"),
    *("val", "valid", "validation", "dev"),
    *("test", "testing", "eval", "evaluation", "novel", "query", "holdout", "pred", "unlabeled", "unlabelled", "extra"),
)
_LIKE_A_SPLIT = re.compile(
    rf"(?:(?P<prefix>\w+)[ _-])??(?P<split>{'|'.join(_SPLITS)})[ _-]?(?:set|split|data|images)?[ _-]?[0-9]*",
    re.IGNORECASE,
)


@dataclass
class _Subfolder:
    """A folder in the root: whether images are directly inside, and which of its folders have some at any depth."""

    has_images: bool = False
    folders: set[str] = field(default_factory=set)


def require_class_folders(root: Path, images: Sequence[str]) -> None:
    """Raise FolderError if the subfolders of ``root`` are clearly not classes; the hint names the folder to give.

    Only subfolders that have images count. One is *nested* if it has images in its folders, but none directly inside.
    ``root`` is refused if

    1. all subfolders are named like splits (train, val, test, base, novel and the like; also "train2017" and
       "test_images", or "seg_train" beside "seg_test"), and at least one is nested: ``photos/train/<class>``; or
    2. all subfolders are nested, and at least two are named like splits; or
    3. the only subfolder is nested and has two or more folders: ``photos/photos/<class>``. It may also hold splits, or
       again a single nested folder.

    Everything else is read as ``root/<class>/**/<image>``: a class "train" among others, classes "train" and "test"
    with images directly inside, and nested classes, even if all of them are.

    Args:
        root: the folder that was given.
        images: paths of the images in its subfolders, relative to ``root``, POSIX.
    """
    place, subfolders = root, _subfolders(images)
    while True:
        nested = [name for name, inner in subfolders.items() if not inner.has_images]
        splits = _splits(subfolders)
        if (nested and len(splits) == len(subfolders)) or (len(nested) == len(subfolders) and len(splits) >= 2):
            raise _holds_splits(place, subfolders, nested)
        if len(subfolders) != 1 or not nested:
            break
        place /= nested[0]
        images = [path.partition("/")[2] for path in images]
        subfolders = _subfolders(images)
    if place != root and len(subfolders) > 1:
        raise _one_folder_too_many(root, place, sorted(subfolders))


def odd_classes(root: Path, images: Sequence[str]) -> str:
    """Return a warning about subfolders that may be no classes; else "".

    Either all of several are nested and have two or more folders each. They may be parts of a data set, but also
    classes with a folder per video, day or patient. Or all of several are named like "cars_train" and "cars_test",
    with images directly inside. Arguments are those of `require_class_folders`.
    """
    subfolders = _subfolders(images)
    names = sorted(subfolders, key=_order)
    if len(names) > 1 and len(_splits(names, only_with_prefix=True)) == len(names):
        return (
            f"{root}: the classes are {shorten(names)}, which are named like dataset splits. "
            "If they are, give a folder of class folders"
        )
    if len(subfolders) < 2 or any(inner.has_images or len(inner.folders) < 2 for inner in subfolders.values()):
        return ""
    names = sorted(subfolders)
    return (
        f"{root}: the classes are {shorten(names)}; they hold folders, but no images directly. "
        f"If the folders inside are the classes, give one of these: {root / names[0]}"
    )


def _splits(names: Iterable[str], *, only_with_prefix: bool = False) -> list[str]:
    """The names that are like those of splits; one with a prefix is if another has the same, and is another split."""
    found = {name: match for name in names if (match := _LIKE_A_SPLIT.fullmatch(name))}
    prefixes: dict[str, set[str]] = {}
    for match in found.values():
        prefixes.setdefault(match["prefix"] or "", set()).add(match["split"].lower())
    shared = {prefix for prefix, words in prefixes.items() if prefix and len(words) > 1}
    alone = set() if only_with_prefix else {""}
    return [name for name, match in found.items() if (match["prefix"] or "") in shared | alone]


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
    return _SPLITS.index(match["split"].lower()) if match else len(_SPLITS), name


def _holds_splits(place: Path, names: Iterable[str], nested: Iterable[str]) -> FolderError:
    ordered = sorted(names, key=_order)
    return FolderError(
        f"{place} holds dataset splits ({shorten(ordered, 8)}), not class folders",
        f"give one of them: {place / min(nested, key=_order)}",
    )


def _one_folder_too_many(root: Path, place: Path, names: Sequence[str]) -> FolderError:
    parts = place.relative_to(root).parts
    down = "one level" if len(parts) == 1 else f"{len(parts)} levels"
    return FolderError(
        f"{root} has its {len(names)} class folders {down} down, in {place}: {shorten(names)}",
        f"give {place}; or, if all images are of one class, name it: --src-label {shlex.quote(parts[0])}",
    )
