"""Stanford Cars: 196 models of cars (Krause et al. 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from genie_cli.data import matlab
from genie_cli.data.dataset import Dataset
from genie_cli.data.lists import Image, Lists, below, lists_of
from genie_cli.data.published import Published, Size
from genie_cli.data.train_test_splits import read_splits
from genie_cli.errors import FolderError, shorten
from genie_cli.files.reading import blaming, read_bytes
from genie_cli.observer import Observer

HOW_TO_GET = """\
Stanford Cars is a folder, as torchvision reads it, with
  devkit/cars_meta.mat, devkit/cars_train_annos.mat, cars_test_annos_withlabels.mat
  cars_train/00001.jpg, ..., cars_test/00001.jpg, ...
or the folder above it, with stanford_cars/; or train/ and test/ with a folder of images per class, also in
car_data/car_data/. devkit/cars_test_annos.mat will not do: it has no classes. Where to get it: Stanford's own page is
gone; Kaggle has copies ("Stanford Cars Dataset", "Stanford Car Dataset by classes folder"); 196 models of cars, 8144
training and 8041 test images."""


def read(root: Path, *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits; see `read_splits` for arguments, order and errors."""
    return read_splits(STANFORD_CARS, root, partial=partial, observer=observer)


def read_lists(files: Sequence[Path]) -> Lists:
    """Read `cars_meta.mat` (class_names), `cars_train_annos.mat` and `cars_test_annos_withlabels.mat`.

    The latter two hold `annotations` with the fields `fname` and `class`, from 1, as torchvision reads them.

    Raises:
        FolderError: not such files.
    """
    meta, train, test = files
    names = [name for name in _matlab(meta, "class_names") if isinstance(name, str) and name]
    if len(set(names)) < len(_matlab(meta, "class_names")):
        raise FolderError(f"{meta}: expected class_names, a name for each class and none twice")
    return lists_of(meta.parent.parent, _annotated(train, "cars_train", names), _annotated(test, "cars_test", names))


def _annotated(file: Path, folder: str, names: Sequence[str]) -> list[Image]:
    annotations = _matlab(file, "annotations")
    numbers = dict(enumerate(names, start=1))
    images = []
    for record in annotations:
        if not isinstance(record, dict) or not {"fname", "class"} <= set(record):
            found = ", ".join(record) if isinstance(record, dict) else "none"
            raise FolderError(f"{file}: expected annotations with fname and class, found {found[:80]}")
        fname, number = record["fname"], _one(record["class"])
        if not isinstance(fname, str) or number is None or number not in numbers:
            expected = f"a file name and a class from 1 to {len(names)}"
            raise FolderError(f"{file}: expected {expected}, found {str(fname)[:80]!r} and {str(number)[:80]!r}")
        images.append((below(file, f"{folder}/{fname}"), numbers[int(number)]))
    return images


def _one(value: matlab.Value) -> float | None:
    """A single number."""
    return value.tolist()[0] if isinstance(value, np.ndarray) and len(value) == 1 else None


def _matlab(file: Path, key: str) -> list[Any] | np.ndarray[Any, np.dtype[Any]]:
    """A variable of a MATLAB file that is a list."""
    refused = partial(FolderError, hint="copy it again from its source")
    with blaming(file, refused, "a MATLAB file, or is damaged"):
        found = matlab.variables(read_bytes(file, matlab.MAX_BYTES))
    if isinstance(value := found.get(key, ""), str):
        raise FolderError(f"{file}: expected {key}, a list; found {shorten(sorted(found)) or 'nothing'}")
    return value


STANFORD_CARS = Published(
    title="Stanford Cars",
    how_to_get=HOW_TO_GET,
    sizes={"train": Size(196, 8144), "test": Size(196, 8041)},
    superclass="car",
    files=(
        ("devkit/cars_meta.mat",),
        ("devkit/cars_train_annos.mat",),
        ("cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat"),
    ),
    list_folders=("", "stanford_cars"),
    read_lists=read_lists,
    class_folders=("", "car_data", "car_data/car_data"),
    tidy=("^Ram C-V ", "Ram C/V "),  # one class has a slash in its name, which a folder cannot have
)
