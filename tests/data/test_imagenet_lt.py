"""ImageNet-LT in the layouts that it is kept in: what is read, and trees that are wrong or not whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from genie_cli.data import imagenet_lt, train_test_folder
from genie_cli.data.catalog import load
from genie_cli.data.dataset import Dataset
from genie_cli.data.ilsvrc import PLACES, VALIDATION_PLACES
from genie_cli.data.imagenet import wnids
from genie_cli.errors import FolderError, UsageError
from tests.data.imagenet_lt_trees import (
    CRANE,
    GOLDFISH,
    LABEL,
    LISTS,
    TENCH,
    TEST,
    TRAIN,
    failure,
    put_imagenet_lt,
    put_lists,
    training_name,
    validation_name,
)
from tests.data.trees import found, put_pictures

# What is read


def check(images: Dataset, train_at: str, val_at: str, lie_in_folders: bool) -> None:
    assert found(images.train) == [
        (f"{train_at}/{training_name(*image)}".lstrip("/"), image[0])
        for image in sorted(TRAIN, key=lambda image: (image[0], training_name(*image)))
    ]
    assert found(images.test) == [(f"{val_at}/{validation_name(*image, lie_in_folders)}", image[0]) for image in TEST]
    assert images.classes == (TENCH, GOLDFISH, CRANE)
    assert images.names == {TENCH: "tench", GOLDFISH: "goldfish", CRANE: "crane (machine)"}
    for source in (*images.train, *images.test):
        assert source.sha256 == hashlib.sha256((images.root / source.path).read_bytes()).hexdigest()


@pytest.mark.parametrize("listed_in_folders", [True, False])
@pytest.mark.parametrize("lie_in_folders", [True, False])
def test_both_ways_that_people_keep_the_validation_images(
    listed_in_folders: bool, lie_in_folders: bool, tmp_path: Path
) -> None:
    put_imagenet_lt(tmp_path, listed_in_folders=listed_in_folders, lie_in_folders=lie_in_folders)
    images = imagenet_lt.read(tmp_path, partial=True)
    check(images, "train", "val", lie_in_folders)
    assert images.root == tmp_path
    assert images.layout == (
        f"ImageNet-LT by its lists, images in train/<class> and {'val/<class>' if lie_in_folders else 'val'}; "
        "3 of the published 1000 classes, 6 of 115846 training and 4 of 50000 test images; "
        "1 to 3 training images per class"
    )


@pytest.mark.parametrize(("train_at", "val_at"), [*zip(PLACES[1:], VALIDATION_PLACES, strict=True), ("", "val")])
def test_where_ilsvrc_may_lie(train_at: str, val_at: str, tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path, train_at=train_at, val_at=val_at, lie_in_folders=False)
    check(imagenet_lt.read(tmp_path, partial=True), train_at, val_at, False)


def test_where_the_lists_may_lie(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path / "beside")
    put_imagenet_lt(tmp_path / "in", lists="ImageNet_LT")
    put_imagenet_lt(tmp_path / "elsewhere", lists="../lists")
    put_imagenet_lt(tmp_path / "above", lists="../metadata/ImageNet_LT")
    beside, inside = (imagenet_lt.read(tmp_path / name, partial=True) for name in ("beside", "in"))
    elsewhere = imagenet_lt.read(tmp_path / "elsewhere", lists=tmp_path / "lists", partial=True)
    above = imagenet_lt.read(tmp_path / "above", lists=tmp_path / "metadata", partial=True)
    for images in (inside, elsewhere, above):
        assert (images.train, images.test, images.classes) == (beside.train, beside.test, beside.classes)
    assert inside.layout.startswith("ImageNet-LT by its lists in ImageNet_LT, ")
    assert elsewhere.layout.startswith(f"ImageNet-LT by its lists in {tmp_path / 'lists'}, ")
    assert above.layout.startswith(f"ImageNet-LT by its lists in {tmp_path / 'metadata/ImageNet_LT'}, ")


def test_lists_that_are_given_are_the_ones_that_are_read(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    rows = [f"train/{training_name(TENCH, 18)} 0"], [f"val/{validation_name(TENCH, 293, True)} 0"]
    put_lists(tmp_path / "mine", *rows)
    images = imagenet_lt.read(tmp_path, lists=tmp_path / "mine", partial=True)
    assert (images.classes, len(images.train), len(images.test)) == ((TENCH,), 1, 1)


@pytest.mark.parametrize("before", ["/data/my sets/ImageNet_LT/", "../imagenet/", "../../", "C:\\sets\\", "./"])
def test_listed_paths_may_be_those_of_another_computer(before: str, tmp_path: Path) -> None:
    """Only the class and the name of a listed image count."""
    put_imagenet_lt(tmp_path)
    as_published = imagenet_lt.read(tmp_path, partial=True)
    for name in LISTS:
        lines = (tmp_path / name).read_text().splitlines()
        (tmp_path / name).write_text("".join(f"{before}{line}\n" for line in lines))
    assert imagenet_lt.read(tmp_path, partial=True) == as_published


def test_lists_as_some_editors_save_them(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    before = imagenet_lt.read(tmp_path, partial=True)
    for name in LISTS:
        file = tmp_path / name
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b" \r\n") + b"\r\n")
    assert imagenet_lt.read(tmp_path, partial=True) == before


def test_a_part_has_the_images_and_classes_that_are_there(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    (tmp_path / "train" / training_name(TENCH, 190)).unlink()
    (tmp_path / "val" / validation_name(CRANE, 1, True)).unlink()
    images = imagenet_lt.read(tmp_path, partial=True)
    assert images.classes == (TENCH, GOLDFISH)
    assert Counter(source.label for source in images.train) == {TENCH: 2, GOLDFISH: 2}
    assert "2 of the published 1000 classes, 4 of 115846 training and 3 of 50000 test images" in images.layout


# Trees that are wrong, or not whole


def test_short_lists(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    message, hint = failure(tmp_path)
    expected = (
        "expected 115846 training images of 1000 classes of ImageNet-LT, found 6 of 3; "
        f"expected 5 to 1280 per class, found 3 of {TENCH} (tench); 3 of 3 classes differ"
    )
    assert message == f"{tmp_path}: {expected}"
    assert "image-net.org" in hint


def test_folders_that_hold_no_imagenet_lt(tmp_path: Path) -> None:
    put_pictures(tmp_path, [f"train/{training_name(TENCH, 18)}"])
    message, hint = failure(tmp_path, partial=True)
    wanted = "ImageNet_LT_train.txt, ImageNet_LT_test.txt"
    assert message == f"{tmp_path} has no ImageNet-LT: expected {wanted}; it holds train/"
    assert hint == imagenet_lt.HOW_TO_GET
    with pytest.raises(FolderError, match="no does not exist"):
        imagenet_lt.read(tmp_path / "no")
    assert failure(tmp_path, lists=tmp_path / "no")[0] == f"{tmp_path / 'no'} does not exist"
    assert failure(tmp_path, lists=tmp_path / "train")[0].startswith(f"{tmp_path / 'train'} has no ImageNet-LT: ")


@pytest.mark.parametrize("place", ["", "ImageNet_LT"])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_that_is_missing(name: str, place: str, tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path, lists=place)
    (tmp_path / place / name).unlink()
    message, hint = failure(tmp_path, partial=True)
    assert message.startswith(f"{tmp_path / place} lacks {name}; it holds ")
    assert hint == imagenet_lt.HOW_TO_GET


def test_training_images_alone(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path, val_at="validation")
    message, hint = failure(tmp_path, partial=True)
    first = f"val/{validation_name(TENCH, 293, True)}"
    assert message.startswith(f"{tmp_path}: expected 4 test images, found none; first missing: {first}; the folder ")
    assert "validation/" in message
    assert hint == imagenet_lt.HOW_TO_GET


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        (0, "_190.JPEG 0", "_190.JPEG", "line 1: expected a line such as 'train/n01440764/n01440764_190.JPEG 0'"),
        (0, "_190.JPEG 0", "_190.JPEG,0", "line 1: expected a line such as"),
        (0, "_190.JPEG 0", "_190.JPEG 1000", "line 1: expected a line such as"),
        (0, "_190.JPEG 0", "_190.JPEG -1", "line 1: expected a line such as"),
        (0, "_18.JPEG 0", "_18.JPEG 1", "line 2: expected label 1 to be n01443537 (goldfish), as WordNet ids are "),
        (1, "_00000236.JPEG 1", "_00000236.JPEG 2", "line 3: expected label 2 to be n01484850 (great white shark)"),
        (0, "_18.JPEG", "_190.JPEG", "_190.JPEG twice"),
        (0, "train/n01440764/n01440764_18.JPEG", "..", "'..' is not the path of an image"),
    ],
)
@pytest.mark.parametrize("partial", [False, True])
def test_lists_that_are_wrong(name: int, old: str, new: str, problem: str, partial: bool, tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    file = tmp_path / LISTS[name]
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    message, _ = failure(tmp_path, partial)
    assert str(tmp_path) in message
    assert problem in message


def test_labels_in_another_order_name_the_first_line(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    rows = [f"train/{training_name(*image)} {999 - LABEL[image[0]]}" for image in TRAIN]
    put_lists(tmp_path, rows, [f"val/{validation_name(TENCH, 293, True)} 999"])
    message, _ = failure(tmp_path, partial=True)
    assert message.startswith(f"{tmp_path / LISTS[0]}, line 1: expected label 999 to be {wnids()[999]} (")
    assert message.endswith(f"found train/{training_name(TENCH, 190)}")


def test_an_empty_list(tmp_path: Path) -> None:
    put_imagenet_lt(tmp_path)
    (tmp_path / LISTS[1]).write_text("\n")
    assert failure(tmp_path, partial=True)[0] == f"the lists in {tmp_path} have no test images"


def test_the_words_on_getting_the_data_name_the_places() -> None:
    words = imagenet_lt.HOW_TO_GET
    for part in ("image-net.org", "Kaggle", *LISTS, "val/n01440764/ILSVRC2012_val_00000293.JPEG", "--lists"):
        assert part in words
    assert "val/" in train_test_folder.HOW_TO_GET


def test_there_is_no_other_data_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data set 'inat'"):
        load("longtail", "inat", str(tmp_path))


def test_a_folder_has_no_lists(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--lists goes with --dataset imagenet-lt"):
        load("longtail", "folder", str(tmp_path), lists=tmp_path)
