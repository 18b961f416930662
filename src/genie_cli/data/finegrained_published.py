"""The fine-grained data sets of the paper's Table 4 as they were published: how large, and where people get them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from genie_cli.data.fewshot_published import PARTIAL_HINT
from genie_cli.errors import FolderError, UsageError

Dataset = Literal["cub", "cars", "food", "aircraft", "folder"]


@dataclass(frozen=True)
class Size:
    """How many classes, and images of each split; ``per_class`` (train, test) if all classes have as many."""

    classes: int
    train: int
    test: int
    per_class: tuple[int, int] | None = None


@dataclass(frozen=True)
class Published:
    """One data set.

    Attributes:
        title: its name.
        superclass: for prompts: ", a type of bird".
        size: how large it is; None if it may be of any size.
        files: the lists that it needs, each under any of its spellings.
        places: where the lists lie below the folder that a person gives; "" is that folder itself.
        folders: where ``train`` and ``test`` with a folder per class may lie instead of lists.
        tidied: pattern and replacement that turn a published class name into words; underscores become spaces anyway.
        note: what is to be said wherever its number of classes is.
        how_to_get: which layouts are accepted and where people get them, for people.
    """

    title: str
    how_to_get: str
    superclass: str = ""
    size: Size | None = None
    files: tuple[tuple[str, ...], ...] = ()
    places: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tidied: tuple[str, str] = ("", "")
    note: str = ""

    def in_words(self, name: str) -> str:
        """A class as a prompt has it: "Black footed Albatross" for ``001.Black_footed_Albatross``."""
        return re.sub(*self.tidied, name).replace("_", " ")

    def require(self, split: Literal["training", "test"], images: Sequence[tuple[str, str]], place: Path) -> None:
        """Raise FolderError unless ``images``, (path, class), are as many as were published."""
        if self.size is None:
            return
        counts = Counter(label for _, label in images)
        total = self.size.train if split == "training" else self.size.test
        if (len(counts), len(images)) != (self.size.classes, total):
            raise FolderError(
                f"{place}: expected {total} {split} images of {self.size.classes} classes of {self.title}, "
                f"found {len(images)} of {len(counts)}",
                PARTIAL_HINT,
            )
        each = self.size.per_class and self.size.per_class[split == "test"]
        uneven = [label for label in sorted(counts) if each and counts[label] != each]
        if uneven:
            found = f"{counts[uneven[0]]}; {len(uneven)} of {len(counts)} classes differ"
            raise FolderError(f"{place}: expected {each} {split} images of {uneven[0]}, found {found}", PARTIAL_HINT)


def published_as(dataset: str) -> Published:
    """The data set of that name.

    Raises:
        UsageError: there is none.
    """
    if dataset not in _ALL:
        raise UsageError(f"there is no fine-grained data set {dataset!r}", f"known: {', '.join(_ALL)}")
    return _ALL[dataset]


def how_to_get(dataset: str) -> str:
    """Which layouts of a data set are accepted, and where people get them, for people.

    Raises:
        UsageError: there is no such data set.
    """
    return published_as(dataset).how_to_get


_CUB = Published(
    title="CUB-200-2011",
    superclass="bird",
    size=Size(200, 5994, 5794),
    files=(("images.txt",), ("image_class_labels.txt",), ("train_test_split.txt",), ("classes.txt",)),
    places=("", "CUB_200_2011"),
    tidied=(r"^[0-9]{3}\.", ""),
    how_to_get="""\
CUB-200-2011 is a folder with images.txt, image_class_labels.txt, train_test_split.txt, classes.txt and
  images/001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg, ...
or the folder above it, with CUB_200_2011/. Where people get it: CUB_200_2011.tgz, from Caltech's data repository
(data.caltech.edu, "CUB-200-2011"); 200 kinds of birds, 5994 training and 5794 test images.""",
)

_CARS = Published(
    title="Stanford Cars",
    superclass="car",
    size=Size(196, 8144, 8041),
    files=(
        ("devkit/cars_meta.mat",),
        ("devkit/cars_train_annos.mat",),
        ("cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat"),
    ),
    places=("", "stanford_cars"),
    folders=("", "car_data", "car_data/car_data"),
    tidied=("^Ram C-V ", "Ram C/V "),  # one class has a slash in its name, which a folder cannot have
    how_to_get="""\
Stanford Cars is a folder, as torchvision reads it, with
  devkit/cars_meta.mat, devkit/cars_train_annos.mat, cars_test_annos_withlabels.mat
  cars_train/00001.jpg, ..., cars_test/00001.jpg, ...
or the folder above it, with stanford_cars/; or train/ and test/ with a folder of images per class, also in
car_data/car_data/. devkit/cars_test_annos.mat will not do: it has no classes. Stanford's own page is gone; people get
copies from Kaggle ("Stanford Cars Dataset", "Stanford Car Dataset by classes folder"); 196 models of cars, 8144
training and 8041 test images.""",
)

_FOOD = Published(
    title="Food-101",
    superclass="food",
    size=Size(101, 75750, 25250, per_class=(750, 250)),
    files=(("meta/train.json", "meta/train.txt"), ("meta/test.json", "meta/test.txt")),
    places=("", "food-101"),
    how_to_get="""\
Food-101 is a folder with meta/train.json and meta/test.json (or .txt), and
  images/apple_pie/1005649.jpg, ...
or the folder above it, with food-101/. Where people get it: food-101.tar.gz, from ETH Zurich (data.vision.ee.ethz.ch);
torchvision.datasets.Food101 downloads it; 101 dishes with 750 training and 250 test images each.""",
)

_AIRCRAFT = Published(
    title="FGVC-Aircraft by manufacturer",
    superclass="aircraft",
    size=Size(30, 6667, 3333),
    files=(("manufacturers.txt",), ("images_manufacturer_trainval.txt",), ("images_manufacturer_test.txt",)),
    places=("", "data", "fgvc-aircraft-2013b/data"),
    note=" (the paper says 41)",
    how_to_get="""\
FGVC-Aircraft is a folder with manufacturers.txt, images_manufacturer_trainval.txt, images_manufacturer_test.txt and
  images/0034309.jpg, ...
or a folder above it, with data/ or fgvc-aircraft-2013b/data/. Where people get it: fgvc-aircraft-2013b.tar.gz, from
Oxford's Visual Geometry Group (robots.ox.ac.uk/~vgg/data/fgvc-aircraft); torchvision.datasets.FGVCAircraft downloads
it; 30 manufacturers (the paper says 41), 6667 training and 3333 test images.""",
)

_FOLDER = Published(
    title="class folders",
    folders=("",),
    how_to_get="""\
folder is your own data: a folder with
  train/<class>/<image>, ... and test/<class>/<image>, ...; without test/, val/ is taken
A class's folder is its name in prompts, with spaces for underscores; a WordNet id becomes ImageNet's word for it.""",
)

_ALL: dict[str, Published] = {
    "cub": _CUB,
    "cars": _CARS,
    "food": _FOOD,
    "aircraft": _AIRCRAFT,
    "folder": _FOLDER,
}
