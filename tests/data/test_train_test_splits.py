"""What holds for all data sets with a training and a test split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from torchvision.datasets import FGVCAircraft, Food101, StanfordCars

from genie_cli.data import fgvc_aircraft, food101, stanford_cars, train_test_folder
from genie_cli.data.catalog import entry
from genie_cli.data.dataset import Dataset
from genie_cli.errors import UsageError
from genie_cli.jobs import Source
from tests.data.trees import (
    FOOD_TEST,
    FOOD_TRAIN,
    MODULES,
    PUBLISHED,
    PUT,
    failure,
    put,
    put_published,
)


@pytest.mark.parametrize("dataset", PUT)
def test_with_or_without_the_outer_folder(dataset: str, tmp_path: Path) -> None:
    write_it, outer = PUT[dataset]
    write_it(tmp_path / outer)
    inside, outside = (MODULES[dataset].read(root, partial=True) for root in (tmp_path / outer, tmp_path))
    assert outside.root == inside.root == tmp_path / outer
    assert (outside.train, outside.test, outside.names) == (inside.train, inside.test, inside.names)
    assert inside.layout == outside.layout.replace(f" in {outer}", "")
    assert {source.label for source in inside.train} == {source.label for source in inside.test} == set(inside.names)


def as_torchvision_has_them(images: Any) -> list[tuple[str, str]]:
    return sorted((str(images[place][0]), images.classes[images[place][1]]) for place in range(len(images)))


def as_read(images: Dataset, sources: Sequence[Source]) -> list[tuple[str, str]]:
    return sorted((str(images.root / source.path), source.label) for source in sources)


@pytest.mark.parametrize("split", ["train", "test"])
def test_torchvision_reads_the_same(split: str, tmp_path: Path) -> None:
    for write_it, outer in PUT.values():
        write_it(tmp_path / outer)

    def path(file: Any) -> str:  # instead of a picture
        return str(file)

    cars = stanford_cars.read(tmp_path, partial=True)
    theirs = StanfordCars(tmp_path, split, loader=path)
    assert as_read(cars, getattr(cars, split)) == as_torchvision_has_them(theirs)
    aircraft = fgvc_aircraft.read(tmp_path, partial=True)
    level = {"train": "trainval", "test": "test"}[split]
    theirs = FGVCAircraft(tmp_path, level, annotation_level="manufacturer", loader=path)
    assert as_read(aircraft, getattr(aircraft, split)) == as_torchvision_has_them(theirs)
    food = food101.read(tmp_path, partial=True)
    theirs = Food101(tmp_path, split, loader=path)
    spaced = [(file, name.replace("_", " ")) for file, name in as_torchvision_has_them(theirs)]
    assert as_read(food, getattr(food, split)) == spaced
    assert len(spaced) == len({"train": FOOD_TRAIN, "test": FOOD_TEST}[split])


def test_the_published_sizes_are_the_papers() -> None:
    sizes = [PUBLISHED[dataset].sizes for dataset in ("cub", "food", "cars", "aircraft")]
    assert [(size["train"].images, size["test"].images) for size in sizes] == [
        (5994, 5794),
        (75750, 25250),
        (8144, 8041),
        (6667, 3333),
    ]
    assert [size["train"].classes for size in sizes] == [200, 101, 196, 30]
    assert [size["test"].classes for size in sizes] == [200, 101, 196, 30]


@pytest.mark.parametrize(("dataset", "partial"), [("cub", False), ("cub", True), ("cars", False), ("food", False)])
def test_whole_lists_without_their_images(dataset: str, partial: bool, tmp_path: Path) -> None:
    put_published(dataset, tmp_path, images=False)
    message, hint = failure(MODULES[dataset], tmp_path, partial=partial)
    size = PUBLISHED[dataset].sizes["train"]
    assert message.startswith(f"{tmp_path}: expected {size.images} training images, found none; first missing: ")
    assert hint == MODULES[dataset].HOW_TO_GET


@pytest.mark.parametrize("dataset", PUT)
def test_shorter_lists_than_published(dataset: str, tmp_path: Path) -> None:
    PUT[dataset][0](tmp_path)
    message, hint = failure(MODULES[dataset], tmp_path)
    size, title = PUBLISHED[dataset].sizes["train"], PUBLISHED[dataset].title
    start = f"{tmp_path}: expected {size.images} training images of {size.classes} classes of {title}, found "
    assert message.startswith(start)
    assert hint.startswith("--partial ")


@pytest.mark.parametrize("dataset", MODULES)
def test_folders_that_hold_no_such_data_set(dataset: str, tmp_path: Path) -> None:
    put(tmp_path, "cat/a.txt", "b.txt")
    message, hint = failure(MODULES[dataset], tmp_path)
    assert message.startswith(f"{tmp_path} has no {PUBLISHED[dataset].title}: expected ")
    assert message.endswith("it holds cat/, b.txt")
    assert hint == MODULES[dataset].HOW_TO_GET
    assert failure(MODULES[dataset], tmp_path / "no")[0] == f"{tmp_path / 'no'} does not exist"


@pytest.mark.parametrize("dataset", PUT)
@pytest.mark.parametrize("place", [0, -1])
def test_a_list_that_is_missing(dataset: str, place: int, tmp_path: Path) -> None:
    write_it, outer = PUT[dataset]
    write_it(tmp_path / outer)
    spellings = PUBLISHED[dataset].files[place]
    for spelling in spellings:
        (tmp_path / outer / spelling).unlink(missing_ok=True)
    message, hint = failure(MODULES[dataset], tmp_path, partial=True)
    assert message.startswith(f"{tmp_path / outer} lacks {spellings[0]}; it holds ")
    assert hint == MODULES[dataset].HOW_TO_GET


@pytest.mark.parametrize(
    ("dataset", "file", "old", "new", "problem"),
    [
        ("cub", "images.txt", "1 001", "1 ../001", "leaves its root"),
        ("cub", "images.txt", "1 001", "1001", "images.txt, line 1: expected a line such as '1 001.Black"),
        ("cub", "images.txt", "2 001", "1 001", "images.txt, line 2: 1 comes twice"),
        ("cub", "images.txt", "_0046_18", "_0009_34", "_0009_34.jpg twice"),
        ("cub", "image_class_labels.txt", "1 1", "1 9", "image 1 is of class 9, which "),
        ("cub", "image_class_labels.txt", "1 1", "9 1", "only one of them has image 1"),
        ("cub", "train_test_split.txt", "5 0", "5 0\n6 1", "only one of them has image 6"),
        ("cub", "train_test_split.txt", "5 0", "5 2", "expected 0 or 1 for image 5, found '2'"),
        ("cub", "train_test_split.txt", " 0", " 1", "have no test images"),
        ("food", "meta/train.json", "{", "[", 'train.json: expected an object such as {"apple_pie": ["apple_pie/'),
        ("food", "meta/train.json", '"apple_pie/134"', "134", "train.json: expected an object such as"),
        ("food", "meta/train.json", "apple_pie/134", "waffles/135", "found 'waffles/135' of 'apple_pie'"),
        ("food", "meta/train.json", "apple_pie/134", "apple_pie", "expected entries such as apple_pie/1005649"),
        ("food", "meta/train.json", "apple_pie/134", "apple_pie/../../../x", "leaves its root"),
        ("food", "meta/train.json", "apple_pie/134", "apple_pie/1011328", "images/apple_pie/1011328.jpg twice"),
        ("aircraft", "images_manufacturer_test.txt", "2 de", "../2 de", "leaves its root"),
        ("aircraft", "images_manufacturer_test.txt", "2 de", "1 de", "images/1.jpg twice"),
        ("aircraft", "images_manufacturer_test.txt", "de Hav", "De Hav", "image 2 is of 'De Havilland', which "),
        ("aircraft", "images_manufacturer_test.txt", "2 de Havilland", "2", "line 2: expected a line such as '1025794"),
    ],
)
@pytest.mark.parametrize("partial", [False, True])
def test_lists_that_are_wrong(
    dataset: str, file: str, old: str, new: str, problem: str, partial: bool, tmp_path: Path
) -> None:
    PUT[dataset][0](tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    message, _ = failure(MODULES[dataset], tmp_path, partial=partial)
    assert str(tmp_path) in message
    assert problem in message


def test_the_words_on_getting_the_data_name_the_places() -> None:
    places = {"cub": "data.caltech.edu", "cars": "Kaggle", "food": "ethz.ch", "aircraft": "robots.ox.ac.uk"}
    for dataset, place in places.items():
        assert place in MODULES[dataset].HOW_TO_GET
    assert "val/" in train_test_folder.HOW_TO_GET
    for dataset, module in MODULES.items():
        assert entry("finegrained", dataset).how_to_get() == module.HOW_TO_GET
    with pytest.raises(UsageError, match="no data set 'dogs'"):
        entry("finegrained", "dogs")
