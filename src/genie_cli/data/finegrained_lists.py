"""The files that say which images a fine-grained data set has, and of which class. Each reader checks every entry.

A reader takes its files in the order of `Published.files`. Class names are as published: words come later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from genie_cli.errors import FolderError
from genie_cli.jobs import inside_root

Image = tuple[str, str]  # path below the data set's folder, POSIX, and class

_FOOD_LISTS = TypeAdapter(dict[str, tuple[str, ...]])


@dataclass(frozen=True)
class Lists:
    """What is to train with and what to test on; no path twice."""

    train: tuple[Image, ...]
    test: tuple[Image, ...]


def read_cub(files: Sequence[Path]) -> Lists:
    """CUB-200-2011: `images.txt`, `image_class_labels.txt`, `train_test_split.txt` (1 is training), `classes.txt`.

    Each is a line `number value` an image, or a class.

    Raises:
        FolderError: a line is not of that form, or the files do not fit together.
    """
    images, labels, splits, classes = files
    names = _table(classes, "1 001.Black_footed_Albatross")
    paths = _table(images, "1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg")
    class_of, training = _table(labels, "1 1"), _table(splits, "1 0")
    for file, table in ((labels, class_of), (splits, training)):
        for number in [*(paths.keys() - table.keys()), *(table.keys() - paths.keys())][:1]:
            raise FolderError(f"{file} and {images} differ: only one of them has image {number}")
    both: dict[str, list[Image]] = {"1": [], "0": []}
    for number, path in paths.items():
        if class_of[number] not in names:
            raise FolderError(f"{labels}: image {number} is of class {class_of[number]}, which {classes} does not have")
        if training[number] not in both:
            raise FolderError(f"{splits}: expected 0 or 1 for image {number}, found {training[number]!r}")
        both[training[number]].append((below(images, f"images/{path}"), names[class_of[number]]))
    return lists_of(images.parent, both["1"], both["0"])


def read_cars(files: Sequence[Path]) -> Lists:
    """Stanford Cars: `cars_meta.mat` (class_names), `cars_train_annos.mat`, `cars_test_annos_withlabels.mat`.

    The latter two hold `annotations` with the fields `fname` and `class`, from 1: what torchvision reads.

    Raises:
        FolderError: not such files.
    """
    meta, train, test = files
    names = _matlab(meta, "class_names").tolist()
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise FolderError(f"{meta}: expected class_names, a name for each class and none twice")
    return lists_of(meta.parent.parent, _annotated(train, "cars_train", names), _annotated(test, "cars_test", names))


def _annotated(file: Path, folder: str, names: Sequence[str]) -> list[Image]:
    annotations = _matlab(file, "annotations")
    if not {"fname", "class"} <= set(annotations.dtype.names or ()):
        raise FolderError(f"{file}: expected annotations with fname and class, found {annotations.dtype.names}")
    numbers = dict(enumerate(names, start=1))
    images = []
    for fname, number in zip(annotations["fname"], annotations["class"], strict=True):
        if not isinstance(fname, str) or not isinstance(number, int | float) or number not in numbers:
            expected = f"a file name and a class from 1 to {len(names)}"
            raise FolderError(f"{file}: expected {expected}, found {str(fname)[:80]!r} and {str(number)[:80]!r}")
        images.append((below(file, f"{folder}/{fname}"), numbers[int(number)]))
    return images


def _matlab(file: Path, key: str) -> np.ndarray[Any, np.dtype[Any]]:
    """A variable of a MATLAB file as an array of one dimension: of strings, or of records."""
    from scipy.io import loadmat

    try:
        variables = loadmat(file, squeeze_me=True)
    except OSError as error:
        raise FolderError(f"{file} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # On bad bytes scipy's reader raises almost anything.
        raise FolderError(f"{file} is not a MATLAB file that can be read: {error}") from error
    if key not in variables or np.ndim(variables[key]) > 1:
        raise FolderError(f"{file}: expected {key}, a list; found {', '.join(sorted(variables))}")
    return np.atleast_1d(variables[key])


def read_food(files: Sequence[Path]) -> Lists:
    """Food-101: `train.json` and `test.json`, `{"apple_pie": ["apple_pie/1005649", ...], ...}`, or `.txt`, a line each.

    Raises:
        FolderError: not such files.
    """
    train, test = files
    return lists_of(train.parent.parent, list(_food(train)), list(_food(test)))


def _food(file: Path) -> Iterator[Image]:
    for name, entry in _food_json(file) if file.suffix == ".json" else _food_text(file):
        label, _, image = entry.partition("/")
        if not label or not image or label != name:
            raise FolderError(f"{file}: expected entries such as apple_pie/1005649; found {entry[:80]!r} of {name!r}")
        yield below(file, f"images/{entry}.jpg"), label


def _food_json(file: Path) -> Iterator[tuple[str, str]]:
    try:
        lists = _FOOD_LISTS.validate_json(_text(file))
    except ValidationError as error:
        expected = 'expected an object such as {"apple_pie": ["apple_pie/1005649"]}'
        raise FolderError(f"{file}: {expected}; {error.errors()[0]['msg']}") from None
    return ((name, entry) for name, entries in lists.items() for entry in entries)


def _food_text(file: Path) -> Iterator[tuple[str, str]]:
    return ((line.split("/")[0], line) for _, line in lines_of(file))


def read_aircraft(files: Sequence[Path]) -> Lists:
    """FGVC-Aircraft: `manufacturers.txt`, `images_manufacturer_trainval.txt`, `images_manufacturer_test.txt`.

    Lines of the latter two are `1025794 Boeing`: a file in `images/` without its suffix, and a line of the first.

    Raises:
        FolderError: not such files.
    """
    classes, train, test = files
    names = frozenset(name for _, name in lines_of(classes))
    return lists_of(classes.parent, list(_of_makers(train, names)), list(_of_makers(test, names)))


def _of_makers(file: Path, names: frozenset[str]) -> Iterator[Image]:
    for number, name in _table(file, "1025794 Boeing").items():
        if name not in names:
            raise FolderError(f"{file}: image {number} is of {name!r}, which manufacturers.txt does not have")
        yield below(file, f"images/{number}.jpg"), name


READERS: Mapping[str, Callable[[Sequence[Path]], Lists]] = {
    "cub": read_cub,
    "cars": read_cars,
    "food": read_food,
    "aircraft": read_aircraft,
}


def lists_of(root: Path, train: Sequence[Image], test: Sequence[Image]) -> Lists:
    """The two as they are, if neither is empty and no path is in them twice: none may be trained and tested on."""
    seen: set[str] = set()
    for path, _ in (*train, *test):
        if path in seen:
            raise FolderError(f"the lists in {root} have {path} twice")
        seen.add(path)
    for split, images in (("training", train), ("test", test)):
        if not images:
            raise FolderError(f"the lists in {root} have no {split} images")
    return Lists(tuple(train), tuple(test))


def below(file: Path, path: str) -> str:
    try:
        return inside_root(path)
    except ValueError as error:
        raise FolderError(f"{file}: {error}") from None


def _table(file: Path, example: str) -> dict[str, str]:
    """Lines `key value` as a dictionary; a key may not come twice, and a value may have spaces."""
    table: dict[str, str] = {}
    for number, line in lines_of(file):
        cells = line.split(maxsplit=1)
        if len(cells) != 2:
            raise FolderError(f"{file}, line {number}: expected a line such as {example!r}; found {line[:80]!r}")
        if cells[0] in table:
            raise FolderError(f"{file}, line {number}: {cells[0]} comes twice")
        table[cells[0]] = cells[1]
    return table


def lines_of(file: Path) -> Iterable[tuple[int, str]]:
    """The lines that are not empty, stripped, with their numbers from 1."""
    lines = enumerate(_text(file).splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FolderError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FolderError(f"{file} is not a text file: {error}") from None
