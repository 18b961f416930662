"""ImageNet-LT as it was published: how large, how long its tail, and where people get it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from genie_cli.data.fewshot_published import PARTIAL_HINT
from genie_cli.data.finegrained_lists import Image
from genie_cli.data.finegrained_published import Published, Size, published_as
from genie_cli.errors import FolderError, UsageError

Dataset = Literal["imagenet-lt", "folder"]

_TRAIN_PER_CLASS = (5, 1280)
_TEST_PER_CLASS = (50, 50)

IMAGENET_LT = Published(
    title="ImageNet-LT",
    size=Size(1000, 115846, 50000),
    files=(("ImageNet_LT_train.txt",), ("ImageNet_LT_test.txt",)),
    places=("", "ImageNet_LT"),
    how_to_get="""\
ImageNet-LT is a folder (a link will do for a part of it) with
  ImageNet_LT_train.txt and ImageNet_LT_test.txt (relative/path label), here, in ImageNet_LT/ or given by --lists, and
    ILSVRC's training images as train/n01440764/n01440764_190.JPEG, ..., and its validation images as
    val/n01440764/ILSVRC2012_val_00000293.JPEG, ..., or without class folders, val/ILSVRC2012_val_00000293.JPEG, ...;
    both also in ILSVRC/Data/CLS-LOC/ and the like
Where people get the images: ILSVRC 2012 (called ImageNet-1k too), from image-net.org after registering, or from
Kaggle's "ImageNet Object Localization Challenge". The lists are Liu et al.'s (GitHub:
zhmiao/OpenLongTailRecognition-OLTR links to them; facebookresearch/classifier-balancing has them in data/ImageNet_LT).
115846 training images, 5 to 1280 of each of 1000 classes, and 50 test images of each.""",
)


def how_to_get(dataset: str) -> str:
    """Which layouts of a data set are accepted, and where people get them, for people.

    Raises:
        UsageError: there is no such data set.
    """
    known = {"imagenet-lt": IMAGENET_LT, "folder": published_as("folder")}
    if dataset not in known:
        raise UsageError(f"there is no long-tailed data set {dataset!r}", f"known: {', '.join(known)}")
    return known[dataset].how_to_get


def require_whole(train: Sequence[Image], test: Sequence[Image], place: Path) -> None:
    """Raise FolderError unless these are as many images as ImageNet-LT has, and as unevenly spread."""
    IMAGENET_LT.require("training", train, place)
    IMAGENET_LT.require("test", test, place)
    for split, images, (fewest, most) in (("training", train, _TRAIN_PER_CLASS), ("test", test, _TEST_PER_CLASS)):
        counts = Counter(label for _, label in images).values()
        if (min(counts), max(counts)) != (fewest, most):
            raise FolderError(
                f"{place}: expected {fewest} to {most} {split} images a class of ImageNet-LT, "
                f"found {min(counts)} to {max(counts)}",
                PARTIAL_HINT,
            )
