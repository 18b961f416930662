"""The fine-grained data sets in the layouts that people have them in: small trees in those exact formats."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import FGVCAircraft, Food101, StanfordCars

from genie_cli.data.finegrained_published import published_as
from genie_cli.data.finegrained_sets import Dataset, SplitImages, how_to_get, read
from genie_cli.errors import FolderError, UsageError
from genie_cli.generate.paths import folder_of
from genie_cli.jobs import Source
from genie_cli.recipe import Recipe

ALL: tuple[Dataset, ...] = ("cub", "cars", "food", "aircraft", "folder")
Images = Sequence[tuple[str, str]]  # as a list has them, and class


def put(root: Path, *paths: str) -> None:
    """Write files, each with its own path as content."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


def write(file: Path, lines: Sequence[str], end: str = "\n") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(line + end for line in lines), newline="")


def found(sources: Sequence[Source]) -> list[tuple[str, str]]:
    return [(source.path, source.label) for source in sources]


def failure(dataset: Dataset, root: Path, partial: bool = False) -> tuple[str, str]:
    """An error's message and hint. Whatever is wrong with a folder, the hint says where people get the data set."""
    with pytest.raises(FolderError) as caught:
        read(dataset, root, partial=partial)
    assert caught.value.hint.endswith(how_to_get(dataset)) or not root.exists()
    return str(caught.value), caught.value.hint


# The four data sets, in small. Each writes its lists, and its images unless told not to.

BIRDS = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "023.Brandt_Cormorant")
CUB_TRAIN = [(f"{BIRDS[0]}/Black_Footed_Albatross_0009_34.jpg", BIRDS[0]), (f"{BIRDS[1]}/a_0001.jpg", BIRDS[1])]
CUB_TEST = [
    (f"{BIRDS[0]}/Black_Footed_Albatross_0046_18.jpg", BIRDS[0]),
    (f"{BIRDS[0]}/Black_Footed_Albatross_0002_55.jpg", BIRDS[0]),
    (f"{BIRDS[1]}/a_0002.jpg", BIRDS[1]),
]


def put_cub(
    root: Path, train: Images = CUB_TRAIN, test: Images = CUB_TEST, names: Sequence[str] = BIRDS, images: bool = True
) -> None:
    rows = list(enumerate(sorted([(*image, 1) for image in train] + [(*image, 0) for image in test]), start=1))
    write(root / "classes.txt", [f"{number} {name}" for number, name in enumerate(names, start=1)])
    write(root / "images.txt", [f"{number} {path}" for number, (path, _, _) in rows])
    write(root / "image_class_labels.txt", [f"{number} {names.index(label) + 1}" for number, (_, label, _) in rows])
    write(root / "train_test_split.txt", [f"{number} {side}" for number, (_, _, side) in rows])
    put(root, *(f"images/{path}" for path, _ in (*train, *test) if images))


CARS = ("AM General Hummer SUV 2000", "BMW M3 Coupe 2012", "Ram C/V Cargo Van Minivan 2012")
CARS_TRAIN = [("00001.jpg", CARS[2]), ("00002.jpg", CARS[0]), ("00003.jpg", CARS[1]), ("00004.jpg", CARS[0])]
CARS_TEST = [("00001.jpg", CARS[1]), ("00002.jpg", CARS[2]), ("00003.jpg", CARS[0])]


def put_annotations(file: Path, images: Images, names: Sequence[str]) -> None:
    """Stanford's structure: 1 x N records of boxes, a class from 1 in 8 bits, and a file name."""
    fields = [(name, "O") for name in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")]
    records = np.empty((1, len(images)), dtype=fields)
    for place, (fname, label) in enumerate(images):
        number = np.uint8(names.index(label) + 1)
        records[0, place] = (np.uint16(39), np.uint16(116), np.uint16(569), np.uint16(375), number, fname)
    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(file, {"annotations": records})


def put_cars(
    root: Path,
    train: Images = CARS_TRAIN,
    test: Images = CARS_TEST,
    names: Sequence[str] = CARS,
    images: bool = True,
    labelled: str = "cars_test_annos_withlabels.mat",
) -> None:
    put_annotations(root / "devkit/cars_train_annos.mat", train, names)
    put_annotations(root / labelled, test, names)
    savemat(root / "devkit/cars_meta.mat", {"class_names": np.array([names], dtype=object)})
    for folder, split in (("cars_train", train), ("cars_test", test)):
        (root / folder).mkdir(exist_ok=True)
        put(root, *(f"{folder}/{fname}" for fname, _ in split if images))


FOOD_TRAIN = [(f"{name}/{number}", name) for name in ("apple_pie", "waffles") for number in (1005649, 134, 99)]
FOOD_TEST = [("apple_pie/1011328", "apple_pie"), ("waffles/7", "waffles")]


def put_food(
    root: Path, train: Images = FOOD_TRAIN, test: Images = FOOD_TEST, suffix: str = "json", images: bool = True
) -> None:
    for split, listed in (("train", train), ("test", test)):
        names = dict.fromkeys(name for _, name in listed)
        write(root / f"meta/{split}.txt", [path for path, _ in listed])
        if suffix == "json":
            entries: dict[str, list[str]] = {name: [] for name in names}
            for path, name in listed:
                entries[name].append(path)
            (root / f"meta/{split}.json").write_text(json.dumps(entries))
    write(root / "meta/classes.txt", list(names))
    write(root / "meta/labels.txt", [name.replace("_", " ").capitalize() for name in names])
    (root / "images").mkdir(exist_ok=True)
    put(root, *(f"images/{path}.jpg" for path, _ in (*train, *test) if images))


MAKERS = ("ATR", "Boeing", "Douglas Aircraft Company", "de Havilland")
AIRCRAFT_TRAIN = [("1025794", "Boeing"), ("0056978", "Boeing"), ("0034309", "de Havilland"), ("1", MAKERS[2])]
AIRCRAFT_TEST = [("0062765", "Boeing"), ("2", "de Havilland"), ("0501291", MAKERS[2])]


def put_aircraft(
    root: Path,
    train: Images = AIRCRAFT_TRAIN,
    test: Images = AIRCRAFT_TEST,
    names: Sequence[str] = MAKERS,
    images: bool = True,
) -> None:
    write(root / "manufacturers.txt", names)
    write(root / "images_manufacturer_trainval.txt", [f"{number} {name}" for number, name in train])
    write(root / "images_manufacturer_test.txt", [f"{number} {name}" for number, name in test])
    put(root, *(f"images/{number}.jpg" for number, _ in (*train, *test) if images))


PUT: Mapping[Dataset, tuple[Callable[..., None], str]] = {
    "cub": (put_cub, "CUB_200_2011"),
    "cars": (put_cars, "stanford_cars"),
    "food": (put_food, "food-101"),
    "aircraft": (put_aircraft, "fgvc-aircraft-2013b/data"),
}


# What is read


def test_cub(tmp_path: Path) -> None:
    put_cub(tmp_path / "CUB_200_2011")
    images = read("cub", tmp_path, partial=True)
    albatross, laysan = "Black footed Albatross", "Laysan Albatross"
    assert images.root == tmp_path / "CUB_200_2011"
    assert found(images.train) == [(f"images/{CUB_TRAIN[0][0]}", albatross), (f"images/{CUB_TRAIN[1][0]}", laysan)]
    assert found(images.test) == [
        (f"images/{CUB_TEST[1][0]}", albatross),
        (f"images/{CUB_TEST[0][0]}", albatross),
        (f"images/{CUB_TEST[2][0]}", laysan),
    ]
    assert images.names == {albatross: albatross, laysan: laysan}
    assert images.superclass == "bird"
    assert images.layout == (
        "CUB-200-2011 by its lists in CUB_200_2011; 2 of the published 200 classes, "
        "2 of 5994 training and 3 of 5794 test images"
    )
    for source in (*images.train, *images.test):
        assert source.sha256 == hashlib.sha256((images.root / source.path).read_bytes()).hexdigest()
    recipe = Recipe(targets=(laysan,), superclass=images.superclass, model="m")
    assert recipe.prompt_for(images.names[laysan]) == "A photo of a Laysan Albatross, a type of bird"


@pytest.mark.parametrize("dataset", PUT)
def test_with_or_without_the_outer_folder(dataset: Dataset, tmp_path: Path) -> None:
    write_it, outer = PUT[dataset]
    write_it(tmp_path / outer)
    inside, outside = (read(dataset, root, partial=True) for root in (tmp_path / outer, tmp_path))
    assert outside.root == inside.root == tmp_path / outer
    assert (outside.train, outside.test, outside.names) == (inside.train, inside.test, inside.names)
    assert inside.layout == outside.layout.replace(f" in {outer}", "")
    assert {source.label for source in inside.train} == {source.label for source in inside.test} == set(inside.names)


def as_torchvision_has_them(images: Any) -> list[tuple[str, str]]:
    return sorted((str(images[place][0]), images.classes[images[place][1]]) for place in range(len(images)))


def as_read(images: SplitImages, sources: Sequence[Source]) -> list[tuple[str, str]]:
    return sorted((str(images.root / source.path), source.label) for source in sources)


@pytest.mark.parametrize("split", ["train", "test"])
def test_torchvision_reads_the_same(split: str, tmp_path: Path) -> None:
    for write_it, outer in PUT.values():
        write_it(tmp_path / outer)

    def path(file: Any) -> str:  # instead of a picture
        return str(file)

    cars = read("cars", tmp_path, partial=True)
    theirs = StanfordCars(tmp_path, split, loader=path)
    assert as_read(cars, getattr(cars, split)) == as_torchvision_has_them(theirs)
    aircraft = read("aircraft", tmp_path, partial=True)
    level = {"train": "trainval", "test": "test"}[split]
    theirs = FGVCAircraft(tmp_path, level, annotation_level="manufacturer", loader=path)
    assert as_read(aircraft, getattr(aircraft, split)) == as_torchvision_has_them(theirs)
    food = read("food", tmp_path, partial=True)
    theirs = Food101(tmp_path, split, loader=path)
    spaced = [(file, name.replace("_", " ")) for file, name in as_torchvision_has_them(theirs)]
    assert as_read(food, getattr(food, split)) == spaced
    assert len(spaced) == len({"train": FOOD_TRAIN, "test": FOOD_TEST}[split])


@pytest.mark.parametrize("place", ["", "car_data", "car_data/car_data"])
def test_cars_in_class_folders_are_the_same_images_in_the_same_order(place: str, tmp_path: Path) -> None:
    put_cars(tmp_path / "lists")
    for split, images in (("train", CARS_TRAIN), ("test", CARS_TEST)):
        for fname, label in images:
            file = tmp_path / "folders" / place / split / label.replace("/", "-") / fname
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"cars_{split}/{fname}")
    listed, folders = (read("cars", tmp_path / name, partial=True) for name in ("lists", "folders"))
    assert folders.names == listed.names
    assert list(folders.names) == [*CARS]
    for one, other in ((listed.train, folders.train), (listed.test, folders.test)):
        assert [(source.label, source.sha256) for source in one] == [(source.label, source.sha256) for source in other]
    assert folders.layout.startswith("class folders train and test" + (f" in {place};" if place else ";"))
    assert folders.layout.endswith("3 of the published 196 classes, 4 of 8144 training and 3 of 8041 test images")


def test_cars_lists_with_one_image_and_labels_in_the_devkit(tmp_path: Path) -> None:
    put_cars(tmp_path, CARS_TRAIN[:1], CARS_TEST[1:2], CARS, labelled="devkit/cars_test_annos_withlabels.mat")
    images = read("cars", tmp_path, partial=True)
    assert found(images.train) == [("cars_train/00001.jpg", CARS[2])]
    assert found(images.test) == [("cars_test/00002.jpg", CARS[2])]
    assert folder_of(images.train[0].label) == "Ram C%2FV Cargo Van Minivan 2012"


def test_food_by_its_text_lists(tmp_path: Path) -> None:
    put_food(tmp_path / "json")
    put_food(tmp_path / "txt", suffix="txt")
    both = [read("food", tmp_path / name, partial=True) for name in ("json", "txt")]
    assert (both[0].train, both[0].test, both[0].names) == (both[1].train, both[1].test, both[1].names)
    assert both[0].names == {"apple pie": "apple pie", "waffles": "waffles"}
    assert both[0].superclass == "food"


def test_aircraft_says_both_numbers_of_classes(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    images = read("aircraft", tmp_path, partial=True)
    assert images.layout == (
        "FGVC-Aircraft by manufacturer by its lists; 3 of the published 30 classes (the paper says 41), "
        "4 of 6667 training and 3 of 3333 test images"
    )
    assert (images.superclass, set(images.names)) == ("aircraft", set(MAKERS[1:]))
    assert "30 manufacturers (the paper says 41)" in how_to_get("aircraft")


def test_lists_as_some_editors_save_them(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    before = read("aircraft", tmp_path, partial=True)
    for file in tmp_path.glob("*.txt"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b" \r\n") + b"\r\n")
    assert read("aircraft", tmp_path, partial=True) == before


def test_a_folder_with_train_and_test(tmp_path: Path) -> None:
    put(tmp_path, "train/house_sparrow/b.png", "train/house_sparrow/deep/a.jpg", "train/n01532829/1.JPEG", "notes.txt")
    put(tmp_path, "test/n01532829/2.JPEG", "test/house_sparrow/c.jpg", "test/readme.txt", "val/cat/a.jpg")
    images = read("folder", tmp_path)
    assert found(images.train) == [
        ("train/house_sparrow/b.png", "house_sparrow"),
        ("train/house_sparrow/deep/a.jpg", "house_sparrow"),
        ("train/n01532829/1.JPEG", "n01532829"),
    ]
    assert found(images.test) == [("test/house_sparrow/c.jpg", "house_sparrow"), ("test/n01532829/2.JPEG", "n01532829")]
    assert images.root == tmp_path
    assert images.names == {"house_sparrow": "house sparrow", "n01532829": "house finch"}
    assert images.superclass == ""
    assert images.layout == "class folders train and test; 2 classes, 3 training and 2 test images"


def test_val_stands_in_for_test_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "val/cat/b.jpg", "val/c.jpg")
    os.symlink(tmp_path / "gone.jpg", tmp_path / "val/cat/d.jpg")
    images = read("folder", tmp_path)
    assert found(images.test) == [("val/cat/b.jpg", "cat")]
    assert images.layout == (
        "class folders train and val (test has no class folders); 2 images left out, the first since val/c.jpg "
        "lies beside the class folders; 1 classes, 1 training and 1 test images"
    )


# The published sizes


def many(total: int, names: Sequence[str], path: str) -> list[tuple[str, str]]:
    """Images of all classes in turn."""
    return [(path.format(name=names[n % len(names)], n=n), names[n % len(names)]) for n in range(total)]


def put_published(dataset: Dataset, root: Path, images: bool) -> None:
    size = published_as(dataset).size
    assert size is not None
    names = [f"{number:03d}.Bird_{number}" if dataset == "cub" else f"kind{number}" for number in range(size.classes)]
    path = {"cub": "{name}/{n}", "cars": "{n:05d}.jpg", "food": "{name}/{n}", "aircraft": "{n:07d}"}[dataset]
    tests = many(size.test, names, path.replace("{n:", "9{n:").replace("{n}", "9{n}"))
    known = {} if dataset == "food" else {"names": names}
    PUT[dataset][0](root, many(size.train, names, path), tests, images=images, **known)


def test_the_published_sizes_are_the_papers() -> None:
    sizes = [published_as(dataset).size for dataset in ("cub", "food", "cars", "aircraft")]
    assert [(size.train, size.test) for size in sizes if size] == [
        (5994, 5794),
        (75750, 25250),
        (8144, 8041),
        (6667, 3333),
    ]
    assert [size.classes for size in sizes if size] == [200, 101, 196, 30]


def test_a_data_set_of_the_published_size(tmp_path: Path) -> None:
    put_published("aircraft", tmp_path, images=True)
    images = read("aircraft", tmp_path)
    assert images.layout == (
        "FGVC-Aircraft by manufacturer by its lists; 30 classes (the paper says 41), 6667 training and 3333 test images"
    )
    (tmp_path / images.test[5].path).unlink()
    message, hint = failure("aircraft", tmp_path)
    assert message == f"{tmp_path}: expected 3333 test images, found 3332; first missing: {images.test[5].path}"
    assert hint.startswith("--partial ")
    assert "3332 of 3333 test images" in read("aircraft", tmp_path, partial=True).layout


@pytest.mark.parametrize(("dataset", "partial"), [("cub", False), ("cub", True), ("cars", False), ("food", False)])
def test_whole_lists_without_their_images(dataset: Dataset, partial: bool, tmp_path: Path) -> None:
    put_published(dataset, tmp_path, images=False)
    size = published_as(dataset).size
    assert size is not None
    message, hint = failure(dataset, tmp_path, partial)
    assert message.startswith(f"{tmp_path}: expected {size.train} training images, found none; first missing: ")
    assert hint == how_to_get(dataset)


def test_foods_of_uneven_size(tmp_path: Path) -> None:
    put_published("food", tmp_path, images=False)
    lists = json.loads((tmp_path / "meta/train.json").read_text())
    lists["kind5"].append(lists["kind7"].pop().replace("kind7/", "kind5/"))
    (tmp_path / "meta/train.json").write_text(json.dumps(lists))
    expected = "expected 750 training images of kind5, found 751; 2 of 101 classes differ"
    assert failure("food", tmp_path)[0] == f"{tmp_path}: {expected}"


@pytest.mark.parametrize("dataset", PUT)
def test_shorter_lists_than_published(dataset: Dataset, tmp_path: Path) -> None:
    PUT[dataset][0](tmp_path)
    message, hint = failure(dataset, tmp_path)
    size, title = published_as(dataset).size, published_as(dataset).title
    assert size is not None
    start = f"{tmp_path}: expected {size.train} training images of {size.classes} classes of {title}, found "
    assert message.startswith(start)
    assert hint.startswith("--partial ")


# Trees that are wrong, or not whole


@pytest.mark.parametrize("dataset", ALL)
def test_folders_that_hold_no_such_data_set(dataset: Dataset, tmp_path: Path) -> None:
    put(tmp_path, "cat/a.jpg", "b.txt")
    message, hint = failure(dataset, tmp_path)
    assert message.startswith(f"{tmp_path} has no {published_as(dataset).title}: expected ")
    assert message.endswith("it holds cat/, b.txt")
    assert hint == how_to_get(dataset)
    assert failure(dataset, tmp_path / "no")[0] == f"{tmp_path / 'no'} does not exist"


@pytest.mark.parametrize("dataset", PUT)
@pytest.mark.parametrize("place", [0, -1])
def test_a_list_that_is_missing(dataset: Dataset, place: int, tmp_path: Path) -> None:
    write_it, outer = PUT[dataset]
    write_it(tmp_path / outer)
    spellings = published_as(dataset).files[place]
    for spelling in spellings:
        (tmp_path / outer / spelling).unlink(missing_ok=True)
    message, hint = failure(dataset, tmp_path, partial=True)
    assert message.startswith(f"{tmp_path / outer} lacks {spellings[0]}; it holds ")
    assert hint == how_to_get(dataset)


def test_classes_in_one_split_only_are_left_out_of_a_part(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "train/dog/a.jpg", "test/cat/a.jpg", "test/emu/a.jpg")
    message, hint = failure("folder", tmp_path)
    assert message == f"{tmp_path}: 'dog' has training images but no test images; 2 classes are in one split only"
    assert hint.startswith("--partial ")
    images = read("folder", tmp_path, partial=True)
    assert (found(images.train), found(images.test)) == ([("train/cat/a.jpg", "cat")], [("test/cat/a.jpg", "cat")])
    assert set(images.names) == {"cat"}
    (tmp_path / "train/cat/a.jpg").unlink()
    assert failure("folder", tmp_path, partial=True)[0] == f"{tmp_path}: no class has both training and test images"


def test_two_classes_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path, *(f"{split}/{name}/a.jpg" for split, name in product(("train", "test"), ("big_cat", "big cat"))))
    expected = "the classes 'big cat' and 'big_cat' have the same name in prompts"
    assert failure("folder", tmp_path, partial=True)[0] == f"{tmp_path}: {expected}"


def test_class_folders_without_images(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "test/cat/a.txt")
    message, hint = failure("folder", tmp_path)
    assert message == f"{tmp_path / 'test'} has no images in class folders"
    assert hint.startswith("it holds cat/\n")


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
    dataset: Dataset, file: str, old: str, new: str, problem: str, partial: bool, tmp_path: Path
) -> None:
    PUT[dataset][0](tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    message, _ = failure(dataset, tmp_path, partial)
    assert str(tmp_path) in message
    assert problem in message


def test_lists_that_are_no_text(tmp_path: Path) -> None:
    put_aircraft(tmp_path)
    (tmp_path / "manufacturers.txt").write_bytes(b"\xff\xfeB")
    assert failure("aircraft", tmp_path)[0].startswith(f"{tmp_path / 'manufacturers.txt'} is not a text file: ")


@pytest.mark.parametrize(
    ("file", "variables", "problem"),
    [
        ("devkit/cars_meta.mat", {"names": [1.0]}, "expected class_names, a list; found "),
        ("devkit/cars_meta.mat", {"class_names": np.eye(2)}, "expected class_names, a list; found "),
        ("devkit/cars_meta.mat", {"class_names": np.ones(3)}, "expected class_names, a name for each class"),
        ("devkit/cars_meta.mat", {"class_names": np.array([["A", "A"]], object)}, "expected class_names, a name for"),
        ("devkit/cars_meta.mat", {"class_names": np.array([["A", "B"]], object)}, "a class from 1 to 2, found '00001"),
        ("devkit/cars_train_annos.mat", {"annotations": np.ones(3)}, "expected annotations with fname and class"),
        ("devkit/cars_train_annos.mat", {}, "expected annotations, a list; found "),
    ],
)
def test_matlab_files_that_are_wrong(file: str, variables: dict[str, Any], problem: str, tmp_path: Path) -> None:
    put_cars(tmp_path)
    savemat(tmp_path / file, variables)
    message, _ = failure("cars", tmp_path, partial=True)
    assert problem in message


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0", b"<html>moved</html>" * 20])
def test_files_that_are_not_matlabs(content: bytes, tmp_path: Path) -> None:
    put_cars(tmp_path)
    (tmp_path / "devkit/cars_meta.mat").write_bytes(content)
    expected = f"{tmp_path / 'devkit/cars_meta.mat'} is not a MATLAB file that can be read: "
    assert failure("cars", tmp_path)[0].startswith(expected)


def test_cars_may_not_leave_their_folder_nor_have_a_class_zero(tmp_path: Path) -> None:
    put_cars(tmp_path, [("../../secret.jpg", CARS[0])], images=False)
    assert "leaves its root" in failure("cars", tmp_path, partial=True)[0]
    put_cars(tmp_path, CARS_TRAIN, images=False)
    fields = [("class", "O"), ("fname", "O")]
    savemat(tmp_path / "devkit/cars_train_annos.mat", {"annotations": np.array([[(0, "00001.jpg")]], dtype=fields)})
    expected = "expected a file name and a class from 1 to 3, found '00001.jpg' and '0'"
    assert failure("cars", tmp_path, partial=True)[0].endswith(expected)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_image_that_may_not_be_read(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "train/cat/b.jpg", "test/cat/c.jpg")
    (tmp_path / "train/cat/a.jpg").chmod(0)
    assert failure("folder", tmp_path)[0] == f"{tmp_path / 'train/cat/a.jpg'} cannot be read: Permission denied"
    assert found(read("folder", tmp_path, partial=True).train) == [("train/cat/b.jpg", "cat")]
    (tmp_path / "train/cat/b.jpg").chmod(0)
    assert failure("folder", tmp_path, partial=True)[0].endswith("a.jpg cannot be read: Permission denied")


def test_the_words_on_getting_the_data_name_the_places() -> None:
    places = {"cub": "data.caltech.edu", "cars": "Kaggle", "food": "ethz.ch", "aircraft": "robots.ox.ac.uk"}
    for dataset, place in places.items():
        assert place in how_to_get(dataset)
    assert "val/" in how_to_get("folder")
    with pytest.raises(UsageError, match="no fine-grained data set 'dogs'"):
        how_to_get("dogs")
