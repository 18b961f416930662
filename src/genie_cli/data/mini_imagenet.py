"""mini-ImageNet: 100 classes of ImageNet with 600 images each (Vinyals et al. 2016; Ravi and Larochelle 2017)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from genie_cli.data import ilsvrc
from genie_cli.data.dataset import Dataset
from genie_cli.data.few_shot_splits import read_split
from genie_cli.data.imagenet import is_class
from genie_cli.data.listed_images import read_listed_images
from genie_cli.data.listing import FileIndex, undoubled
from genie_cli.data.lists import Image, csv_of, distinct, refuse_row
from genie_cli.data.places import SPLIT_FOLDERS, Placed, Wanted, of_paths
from genie_cli.data.published import Published, Size, Split, split_folders
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

HOW_TO_GET = f"""\
mini-ImageNet is a folder (parts of it may be links) with
  train.csv, val.csv, test.csv (filename,label), and one of
    images/n0153282900000005.jpg, ...
    n01532829/n0153282900000005.jpg, ..., also in images/
    train/n01532829/n0153282900000005.jpg, ..., and val/ and test/ likewise
    ILSVRC's images as train/n01532829/n01532829_5.JPEG, ...; also in ILSVRC/Data/CLS-LOC/train and the like
or base.json, val.json, novel.json (label_names, image_names, image_labels), and the images that they list
or train/, val/, test/ (or base/, val/, novel/), each with a folder of images per class: a WordNet id or a name
{ilsvrc.HOW_TO_GET}
The CSV lists are Ravi and Larochelle's (GitHub: twitter-research/meta-learning-lstm, data/miniImagenet); the JSON
lists are made by "A closer look at few-shot classification" (GitHub: wyharveychen/CloserLookFewShot)."""

MINI_IMAGENET = Published(
    title="mini-ImageNet",
    how_to_get=HOW_TO_GET,
    sizes={
        "train": Size(64, 38400, (600, 600)),
        "val": Size(16, 9600, (600, 600)),
        "test": Size(20, 12000, (600, 600)),
    },
    list_folders=("", *split_folders("miniImageNet", "miniImagenet", "mini-imagenet", "mini_imagenet")),
)

_NAME = re.compile(r"(n[0-9]{8})([0-9]{8})\.jpg")
_EXAMPLE = "n0153282900000005.jpg,n01532829"


def read(root: Path, split: Split = "test", *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read a split; see `read_split` for arguments, order and errors."""
    return read_split(MINI_IMAGENET, root, split, _places, partial=partial, observer=observer)


def read_list(file: Path) -> tuple[Image, ...]:
    """Read a list of Ravi and Larochelle, `filename,label`: name and class of each image.

    `n0153282900000005.jpg` is the fifth of n01532829's ILSVRC training images by their numbers: see `place_in_class`.

    Raises:
        FolderError: a line is not of that form, or lists an image twice or of a class that is not ImageNet's.
    """
    header, *rows = csv_of(file)
    if header[1] != ["filename", "label"]:
        refuse_row(file, header, f"a header filename,label and then rows such as {_EXAMPLE}")
    images = []
    for line, row in rows:
        match = _NAME.fullmatch(row[0])
        if len(row) != 2 or not match or match[1] != row[1] or place_in_class(row[0]) < 1:
            refuse_row(file, (line, row), f"a row such as {_EXAMPLE}")
        if not is_class(row[1]):
            raise FolderError(f"{file}, line {line}: {row[1]} is not a class of ILSVRC 2012")
        images.append((row[0], row[1]))
    return distinct(file, images, lambda image: image[0])


def place_in_class(name: str) -> int:
    """Which of its class's ILSVRC training images a listed name stands for, from 1."""
    return int(name[9:17])


def _places(root: Path, file: Path) -> Iterator[Placed]:
    """Listed images by path; or by name, in one folder, in class folders, or counted out in ILSVRC trees."""
    if listed := read_listed_images(file):
        yield from of_paths(root, listed)
        return
    images, files = read_list(file), FileIndex(root)
    flat = undoubled(root, "images")
    folders = {flat: f"{flat}/{{name}}", "class folders": "{label}/{name}"}
    for split in ("images", *SPLIT_FOLDERS):
        folder = undoubled(root, split)
        folders[f"class folders in {folder}"] = f"{folder}/{{label}}/{{name}}"
    for where, template in folders.items():
        paths = ((name, label, template.format(name=name, label=label)) for name, label in images)
        yield Placed(where, tuple(Wanted(label, name, path if path in files else None) for name, label, path in paths))
    for tree in ilsvrc.trees(root):
        yield Placed(str(tree), tuple(_counted_out(tree, *image) for image in images), tree)


def _counted_out(tree: ilsvrc.Tree, name: str, label: str) -> Wanted:
    images, place = tree.images(label), place_in_class(name)
    return Wanted(label, name, images[place - 1] if place <= len(images) else None)
