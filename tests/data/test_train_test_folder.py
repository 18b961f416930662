"""A folder with train and test: the user's own data, for episodes and with a long tail."""

from __future__ import annotations

import os
from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from genie_cli.data import train_test_folder
from genie_cli.errors import FolderError
from tests.data.trees import failure, found, put, put_pictures

TENCH = "n01440764"


def test_a_folder_with_train_and_test(tmp_path: Path) -> None:
    put(tmp_path, "train/house_sparrow/b.png", "train/house_sparrow/deep/a.jpg", "train/n01532829/1.JPEG", "notes.txt")
    put(tmp_path, "test/n01532829/2.JPEG", "test/house_sparrow/c.jpg", "test/readme.txt", "val/cat/a.jpg")
    images = train_test_folder.read(tmp_path)
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
    images = train_test_folder.read(tmp_path)
    assert found(images.test) == [("val/cat/b.jpg", "cat")]
    assert images.layout == (
        "class folders train and val (test has no class folders); 2 images left out, the first since val/c.jpg "
        "lies beside the class folders; 1 class, 1 training and 1 test images"
    )


def test_classes_in_one_split_only_are_left_out_of_a_part(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "train/dog/a.jpg", "test/cat/a.jpg", "test/emu/a.jpg")
    message, hint = failure(train_test_folder, tmp_path)
    assert message == f"{tmp_path}: 'dog' has training images but no test images; 2 classes are in one split only"
    assert hint.startswith("--partial ")
    images = train_test_folder.read(tmp_path, partial=True)
    assert (found(images.train), found(images.test)) == ([("train/cat/a.jpg", "cat")], [("test/cat/a.jpg", "cat")])
    assert set(images.names) == {"cat"}
    (tmp_path / "train/cat/a.jpg").unlink()
    assert (
        failure(train_test_folder, tmp_path, partial=True)[0]
        == f"{tmp_path}: no class has both training and test images"
    )


def test_two_classes_of_the_same_name(tmp_path: Path) -> None:
    put(tmp_path, *(f"{split}/{name}/a.jpg" for split, name in product(("train", "test"), ("big_cat", "big cat"))))
    expected = "the classes 'big cat' and 'big_cat' have the same name in prompts"
    assert failure(train_test_folder, tmp_path, partial=True)[0] == f"{tmp_path}: {expected}"


def test_class_folders_without_images(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "test/cat/a.txt")
    message, hint = failure(train_test_folder, tmp_path)
    assert message == f"{tmp_path / 'test'} has no images in class folders"
    assert hint.startswith("it holds cat/\n")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_image_that_may_not_be_read(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/a.jpg", "train/cat/b.jpg", "test/cat/c.jpg")
    (tmp_path / "train/cat/a.jpg").chmod(0)
    assert (
        failure(train_test_folder, tmp_path)[0] == f"{tmp_path / 'train/cat/a.jpg'} cannot be read: Permission denied"
    )
    assert found(train_test_folder.read(tmp_path, partial=True).train) == [("train/cat/b.jpg", "cat")]
    (tmp_path / "train/cat/b.jpg").chmod(0)
    assert failure(train_test_folder, tmp_path, partial=True)[0].endswith("a.jpg cannot be read: Permission denied")


@pytest.mark.parametrize("split", ["test", "val"])
def test_a_folder_with_a_long_tail(split: str, tmp_path: Path) -> None:
    put_pictures(tmp_path, [f"train/house_cat/{number}.jpg" for number in range(7)])
    put_pictures(tmp_path, ["train/Lynx/1.jpg", f"train/{TENCH}/1.jpg", f"train/{TENCH}/2.jpg"])
    put_pictures(tmp_path, [f"{split}/{label}/{n}.jpg" for label in ("house_cat", "Lynx", TENCH) for n in (1, 2)])
    images = train_test_folder.read_long_tailed(tmp_path)
    assert images.classes == ("Lynx", "house_cat", TENCH)
    assert images.names == {"house_cat": "house cat", TENCH: "tench"}
    assert Counter(source.label for source in images.train) == {"house_cat": 7, TENCH: 2, "Lynx": 1}
    assert {source.path.split("/")[0] for source in images.test} == {split}
    assert images.layout.endswith("; 3 classes, 10 training and 6 test images; 1 to 7 training images per class")


def test_a_folder_of_classes_without_splits_has_one_drawn_if_that_is_asked_for(tmp_path: Path) -> None:
    put_pictures(tmp_path, ["cat/1.jpg", "dog/2.jpg", "papers/more/3.jpg"])
    for read in (train_test_folder.read, train_test_folder.read_long_tailed):
        with pytest.raises(FolderError) as caught:
            read(tmp_path)
        assert str(caught.value) == f"{tmp_path} has class folders (cat, dog), but no training and test split"
        assert "--test-share 0.2" in caught.value.hint


def test_a_folder_without_a_test_split(tmp_path: Path) -> None:
    put_pictures(tmp_path, ["train/cat/1.jpg"])
    with pytest.raises(FolderError) as caught:
        train_test_folder.read_long_tailed(tmp_path, partial=True)
    expected = f"{tmp_path} has no class folders: expected class folders in train and test; it holds train/"
    assert (str(caught.value), caught.value.hint) == (expected, train_test_folder.HOW_TO_GET)
