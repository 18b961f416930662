"""mini- and tiered-ImageNet as they were published: how many classes and images, and where people get them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genie_cli.data.imagenet import in_words
from genie_cli.errors import FolderError, UsageError

Split = Literal["train", "val", "test"]

PARTIAL_HINT = "--partial reads what is there; the numbers are then not comparable with published ones"


@dataclass(frozen=True)
class Published:
    """One data set.

    Attributes:
        title: its name.
        classes, images: how many a split has.
        per_class: how many images each class has, if all have as many.
        csv_lists: what the CSV lists name.
        list_folders: where lists are looked for below the data set's folder.
        how_to_get: which layouts are accepted and where people get them, for people.
    """

    title: str
    classes: Mapping[Split, int]
    images: Mapping[Split, int]
    per_class: int | None
    csv_lists: Literal["images", "classes"]
    list_folders: tuple[str, ...]
    how_to_get: str

    def require(self, split: Split, images: Sequence[tuple[str, str]], place: Path) -> None:
        """Raise FolderError unless ``images``, (path, class), are as many as were published, class by class."""
        counts = Counter(label for _, label in images)
        if len(counts) != self.classes[split]:
            expected = f"the {self.classes[split]} classes of {self.title}'s {split} split"
            raise FolderError(f"{place}: expected {expected}, found {len(counts)}", PARTIAL_HINT)
        uneven = [label for label in sorted(counts) if self.per_class and counts[label] != self.per_class]
        if uneven:
            found = f"{counts[uneven[0]]}; {len(uneven)} of {len(counts)} classes differ"
            expected = f"{self.per_class} images of {in_words(uneven[0])}"
            raise FolderError(f"{place}: expected {expected}, found {found}", PARTIAL_HINT)
        if len(images) != self.images[split]:
            fewest = min(sorted(counts), key=lambda label: counts[label])
            raise FolderError(
                f"{place}: expected the {self.images[split]} images of {self.title}'s {split} split, "
                f"found {len(images)}; fewest of one class: {counts[fewest]} of {in_words(fewest)}",
                PARTIAL_HINT,
            )


def how_to_get(dataset: str) -> str:
    """Which layouts of ``"mini"`` or ``"tiered"`` are accepted, and where people get them."""
    known = {"mini": MINI, "tiered": TIERED}
    if dataset not in known:
        raise UsageError(f"there is no few-shot data set {dataset!r}", f"known: {', '.join(known)}")
    return known[dataset].how_to_get


_IMAGES = """\
Where people get the images: the training images of ILSVRC 2012 (called ImageNet-1k too), from image-net.org after
registering, or from Kaggle's "ImageNet Object Localization Challenge"."""

MINI = Published(
    title="mini-ImageNet",
    classes={"train": 64, "val": 16, "test": 20},
    images={"train": 38400, "val": 9600, "test": 12000},
    per_class=600,
    csv_lists="images",
    list_folders=("", "split", "splits"),
    how_to_get=f"""\
mini-ImageNet is a folder (a link will do for a part of it) with
  train.csv, val.csv, test.csv (filename,label), and one of
    images/n0153282900000005.jpg, ...
    train/n01532829/n0153282900000005.jpg, ..., and val/ and test/ likewise
    ILSVRC's images as train/n01532829/n01532829_5.JPEG, ...; also in ILSVRC/Data/CLS-LOC/train and the like
or base.json, val.json, novel.json (label_names, image_names, image_labels), and the images that they list
or train/, val/, test/ (or base/, val/, novel/), each with a folder of images per class: a WordNet id or a name
{_IMAGES}
The CSV lists are Ravi and Larochelle's (GitHub: twitter-research/meta-learning-lstm, data/miniImagenet); the JSON
lists are made by "A closer look at few-shot classification" (GitHub: wyharveychen/CloserLookFewShot).""",
)

TIERED = Published(
    title="tiered-ImageNet",
    classes={"train": 351, "val": 97, "test": 160},
    images={"train": 448695, "val": 124261, "test": 206209},
    per_class=None,
    csv_lists="classes",
    list_folders=("", "split", "splits", "tiered_imagenet_split"),
    how_to_get=f"""\
tiered-ImageNet is a folder (a link will do for a part of it) with
  train.csv, val.csv, test.csv (wnid,superclass, no header), here or in tiered_imagenet_split/, and
    ILSVRC's images as train/n03314780/n03314780_5.JPEG, ...; also in ILSVRC/Data/CLS-LOC/train and the like
or base.json, val.json, novel.json (label_names, image_names, image_labels), and the images that they list
or train/, val/, test/ (or base/, val/, novel/), each with a folder of images per class: a WordNet id or a name
{_IMAGES}
The CSV lists are Ren et al.'s (GitHub: renmengye/few-shot-ssl-public, tiered_imagenet_split).""",
)
