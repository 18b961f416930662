"""CUB-200-2011: 200 kinds of birds (Wah et al. 2011)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.lists import Image, Lists, below, lists_of, table_of
from genie_cli.data.published import Published, Size
from genie_cli.data.train_test_splits import read_splits
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

HOW_TO_GET = """\
CUB-200-2011 is a folder with images.txt, image_class_labels.txt, train_test_split.txt, classes.txt and
  images/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg, ...
or the folder above it, with CUB_200_2011/. Where to get it: CUB_200_2011.tgz, from Caltech's data repository
(data.caltech.edu, "CUB-200-2011"); 200 kinds of birds, 5994 training and 5794 test images."""


def read(root: Path, *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits; see `read_splits` for arguments, order and errors."""
    return read_splits(CUB, root, partial=partial, observer=observer)


def read_lists(files: Sequence[Path]) -> Lists:
    """Read `images.txt`, `image_class_labels.txt`, `train_test_split.txt` (1 is training) and `classes.txt`.

    Every line is `number value`, one line per image or class.

    Raises:
        FolderError: a line is not of that form, or the files do not fit together.
    """
    images, labels, splits, classes = files
    names = table_of(classes, "1 001.Black_footed_Albatross")
    paths = table_of(images, "1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg")
    class_of, training = table_of(labels, "1 1"), table_of(splits, "1 0")
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


CUB = Published(
    title="CUB-200-2011",
    how_to_get=HOW_TO_GET,
    sizes={"train": Size(200, 5994), "test": Size(200, 5794)},
    superclass="bird",
    files=(("images.txt",), ("image_class_labels.txt",), ("train_test_split.txt",), ("classes.txt",)),
    list_folders=("", "CUB_200_2011"),
    read_lists=read_lists,
)
