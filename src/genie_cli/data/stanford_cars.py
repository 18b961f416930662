"""Stanford Cars: 196 models of cars (Krause et al. 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genie_cli.data.dataset import Dataset
from genie_cli.data.lists import Image, Lists, below, lists_of
from genie_cli.data.published import Published, Size
from genie_cli.data.train_test_splits import read_splits
from genie_cli.errors import FolderError
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
    names = _matlab(meta, "class_names").tolist()
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise FolderError(f"{meta}: expected class_names, a name for each class and none twice")
    return lists_of(meta.parent.parent, _annotated(train, "cars_train", names), _annotated(test, "cars_test", names))


def _annotated(file: Path, folder: str, names: Sequence[str]) -> list[Image]:
    annotations = _matlab(file, "annotations")
    if not {"fname", "class"} <= set(annotations.dtype.names or ()):
        found = ", ".join(annotations.dtype.names or ()) or "none"
        raise FolderError(f"{file}: expected annotations with fname and class, found {found}")
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
        raise FolderError(f"{file} is not a MATLAB file, or is damaged", "copy it again from its source") from error
    if key not in variables or np.ndim(variables[key]) > 1:
        found = ", ".join(sorted(name for name in variables if not name.startswith("__")))
        raise FolderError(f"{file}: expected {key}, a list; found {found or 'nothing'}")
    return np.atleast_1d(variables[key])


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
