"""tiered-ImageNet: all training images of 608 classes of ImageNet, split by superclass (Ren et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial as bind
from pathlib import Path, PurePosixPath

from genie_cli.data import ilsvrc
from genie_cli.data.dataset import Dataset
from genie_cli.data.few_shot_splits import read_split
from genie_cli.data.imagenet import WNID, is_class
from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.data.listed_images import read_listed_images
from genie_cli.data.listing import files_in, undoubled
from genie_cli.data.lists import csv_of, distinct, refuse_row
from genie_cli.data.places import SPLIT_FOLDERS, Placed, Wanted, of_paths
from genie_cli.data.published import Published, Size, Split, split_folders
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

HOW_TO_GET = f"""\
tiered-ImageNet is a folder (parts of it may be links) with
  train.csv, val.csv, test.csv (wnid,superclass, no header), here or in tiered_imagenet_split/, and
    ILSVRC's images as train/n03314780/n03314780_5.JPEG, ...; also in ILSVRC/Data/CLS-LOC/train and the like
or train.csv, val.csv, test.csv (filename,label), also in split/tieredImageNet/, and the images that they list:
    n03314780/n03314780_5.JPEG, ... or n03314780_5.JPEG, ..., also in images/, train/ and the like
or base.json, val.json, novel.json (label_names, image_names, image_labels), and the images that they list
or train/, val/, test/ (or base/, val/, novel/), each with a folder of images per class: a WordNet id or a name
{ilsvrc.HOW_TO_GET}
The CSV lists are Ren et al.'s (GitHub: renmengye/few-shot-ssl-public, tiered_imagenet_split)."""

TIERED_IMAGENET = Published(
    title="tiered-ImageNet",
    how_to_get=HOW_TO_GET,
    sizes={"train": Size(351, 448695), "val": Size(97, 124261), "test": Size(160, 206209)},
    list_folders=(
        "",
        *split_folders("tieredImageNet", "tieredImagenet", "tiered-imagenet", "tiered_imagenet"),
        "tiered_imagenet_split",
    ),
)


def read(root: Path, split: Split = "test", *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read a split; see `read_split` for arguments, order and errors."""
    return read_split(TIERED_IMAGENET, root, split, _places, partial=partial, observer=observer)


def read_list(file: Path) -> tuple[str, ...]:
    """Read a list of Ren et al., `wnid,superclass` without a header: the WordNet ids.

    Raises:
        FolderError: a line is not of that form, or lists a class twice or one that is not ImageNet's.
    """
    classes = []
    for line, row in csv_of(file):
        if len(row) != 2 or not all(WNID.fullmatch(cell) for cell in row):
            refuse_row(file, (line, row), "a row such as n03314780,n00020090: class and superclass, no header")
        if not is_class(row[0]):
            raise FolderError(f"{file}, line {line}: {row[0]} is not a class of ILSVRC 2012")
        classes.append(row[0])
    return distinct(file, classes, lambda wnid: wnid)


def _places(root: Path, file: Path) -> Iterator[Placed]:
    """All images of the listed classes, in ILSVRC trees or other class folders; or the images of a list of paths."""
    if listed := read_listed_images(file):
        yield from of_paths(root, listed)
        return
    wnids = read_list(file)
    for tree in ilsvrc.trees(root):
        yield Placed(str(tree), _all_of(wnids, tree.images), tree, lists_classes=True)
    for folder in (undoubled(root, split) for split in SPLIT_FOLDERS):
        images = _all_of(wnids, bind(_images_in, root, folder))
        yield Placed(f"class folders in {folder}", images, lists_classes=True)


def _all_of(wnids: Sequence[str], images_of: Callable[[str], Sequence[str]]) -> tuple[Wanted, ...]:
    """The images of each class; a class without any is one missing image."""
    images: list[Wanted] = []
    for wnid in wnids:
        paths = images_of(wnid)
        images += [Wanted(wnid, PurePosixPath(path).name, path) for path in paths]
        if not paths:
            images.append(Wanted(wnid, f"folder {wnid}", None))
    return tuple(images)


def _images_in(root: Path, folder: str, wnid: str) -> list[str]:
    names = files_in(root / folder / wnid)
    return [f"{folder}/{wnid}/{name}" for name in names if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES]
