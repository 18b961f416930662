"""Which folders of folders are class folders, and which are refused since they are splits or one level too high."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.data.catalog import load
from genie_cli.data.folder import list_sources, scan
from genie_cli.errors import FolderError
from genie_cli.observer import Observer


def put(root: Path, *paths: str) -> None:
    """Write files, each with its own path as content."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


def put_classes(root: Path, *folders: str) -> None:
    """Write two images into each class folder."""
    put(root, *(f"{folder}/{number}.jpg" for folder in folders for number in (1, 2)))


def failure(root: Path) -> tuple[str, str]:
    with pytest.raises(FolderError) as caught:
        scan(root)
    with pytest.raises(FolderError) as also:
        list_sources(root)
    assert (str(also.value), also.value.hint) == (str(caught.value), caught.value.hint)
    return str(caught.value), caught.value.hint


def labels(root: Path) -> list[str]:
    return sorted({source.label for source in scan(root).sources})


class Listener(Observer):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, message: str) -> None:
        self.warnings.append(message)


def warnings(root: Path) -> list[str]:
    listener = Listener()
    list_sources(root, observer=listener)
    return listener.warnings


# Splits


@pytest.mark.parametrize(
    ("splits", "named", "first"),
    [
        (("train", "val", "test"), "train, val, test", "train"),
        (("test", "valid", "train"), "train, valid, test", "train"),
        (("Test", "TRAINING"), "TRAINING, Test", "TRAINING"),
        (("eval", "dev"), "dev, eval", "dev"),
        (("testing", "validation"), "validation, testing", "validation"),
        (("base", "novel", "val"), "base, val, novel", "base"),
        (("query", "support"), "support, query", "support"),
        (("train2017", "val2017"), "train2017, val2017", "train2017"),
        (("train_images", "test-set"), "train_images, test-set", "train_images"),
        (("train",), "train", "train"),
    ],
)
def test_splits_are_refused_and_one_of_them_is_named(
    splits: tuple[str, ...], named: str, first: str, tmp_path: Path
) -> None:
    put_classes(tmp_path / "photos", *(f"{split}/{label}" for split in splits for label in ("lynx", "cat")))
    message, hint = failure(tmp_path / "photos")
    assert message == f"{tmp_path / 'photos'} holds dataset splits ({named}), not class folders"
    assert hint == f"give one of them: {tmp_path / 'photos' / first}"
    assert labels(tmp_path / "photos" / first) == ["cat", "lynx"]


def test_a_split_without_class_folders_beside_one_that_has_them(tmp_path: Path) -> None:
    """As in many competitions, whose test images have no public labels."""
    put_classes(tmp_path, "train/lynx", "train/cat")
    put(tmp_path, "test/1.jpg", "test/2.jpg", "labels.csv", ".cache/lynx/1.jpg", "notes/readme.txt")
    message, hint = failure(tmp_path)
    assert message == f"{tmp_path} holds dataset splits (train, test), not class folders"
    assert hint == f"give one of them: {tmp_path / 'train'}"


def test_the_split_that_is_named_has_class_folders(tmp_path: Path) -> None:
    put(tmp_path, "train/1.jpg")
    put_classes(tmp_path, "val/lynx")
    assert failure(tmp_path)[1] == f"give one of them: {tmp_path / 'val'}"


def test_another_folder_of_class_folders_beside_splits(tmp_path: Path) -> None:
    put_classes(tmp_path, "extra/lynx", "train/lynx", "train/cat", "test/lynx")
    message, hint = failure(tmp_path)
    assert message == f"{tmp_path} holds dataset splits (train, test, extra), not class folders"
    assert hint == f"give one of them: {tmp_path / 'train'}"


def test_splits_one_level_down(tmp_path: Path) -> None:
    put_classes(tmp_path, *(f"data/photos/{split}/{label}" for split in ("train", "test") for label in ("a", "b")))
    message, hint = failure(tmp_path)
    assert message == f"{tmp_path / 'data/photos'} holds dataset splits (train, test), not class folders"
    assert hint == f"give one of them: {tmp_path / 'data/photos/train'}"


def test_the_data_set_of_class_folders_is_no_folder_of_splits(tmp_path: Path) -> None:
    put_classes(tmp_path, "train/lynx", "train/cat", "test/lynx", "test/cat")
    with pytest.raises(FolderError, match=r"holds dataset splits \(train, test\)"):
        load("fewshot", "folder", str(tmp_path))
    assert load("fewshot", "folder", str(tmp_path / "test")).classes == ("cat", "lynx")
    assert load("finegrained", "folder", str(tmp_path)).classes == ("cat", "lynx")


def test_splits_with_the_name_of_the_data_set(tmp_path: Path) -> None:
    put_classes(tmp_path / "a", "seg_train/sea", "seg_train/street", "seg_test/sea", "seg_test/street", "seg_pred")
    message, hint = failure(tmp_path / "a")
    assert "holds dataset splits (seg_train, seg_test, seg_pred)" in message
    assert hint == f"give one of them: {tmp_path / 'a/seg_train'}"
    put_classes(tmp_path / "b", "cars_train", "cars_test")
    assert labels(tmp_path / "b") == ["cars_test", "cars_train"]
    (warning,) = warnings(tmp_path / "b")
    assert "the classes are cars_train, cars_test, which are named like dataset splits" in warning
    put_classes(tmp_path / "c", "bullet_train/red", "bullet_train/blue", "freight_train/red", "freight_train/blue")
    assert labels(tmp_path / "c") == ["bullet_train", "freight_train"]


def test_a_label_makes_one_class_of_splits(tmp_path: Path) -> None:
    put_classes(tmp_path, "train/young", "test/young", "test/old")
    assert {source.label for source in scan(tmp_path, "lynx").sources} == {"lynx"}


# One level too high


def test_a_folder_of_class_folders_in_a_folder(tmp_path: Path) -> None:
    put_classes(tmp_path / "photos", "photos/lynx", "photos/cat", "photos/dog/brown")
    put(tmp_path / "photos", "readme.txt", "cover.png")
    message, hint = failure(tmp_path / "photos")
    inner = tmp_path / "photos/photos"
    assert message == f"{tmp_path / 'photos'} has its 3 class folders one level down, in {inner}: cat, dog, lynx"
    assert hint == f"give {inner}; or, if all images are of one class, name it: --src-label photos"
    assert labels(inner) == ["cat", "dog", "lynx"]


def test_several_levels_too_high(tmp_path: Path) -> None:
    put_classes(tmp_path, *(f"a/b/c/{number}" for number in range(10, 18)))
    message, hint = failure(tmp_path)
    inner = tmp_path / "a/b/c"
    listed = "10, 11, 12, 13, 14 and 3 more"
    assert message == f"{tmp_path} has its 8 class folders 3 levels down, in {inner}: {listed}"
    assert hint == f"give {inner}; or, if all images are of one class, name it: --src-label a"


# Classes


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (("train", "car", "bus"), ["bus", "car", "train"]),  # a train is a vehicle
        (("train/steam", "train/diesel", "car", "bus"), ["bus", "car", "train"]),
        (("train/steam", "car/2024", "bus/2024"), ["bus", "car", "train"]),
        (("train", "test"), ["test", "train"]),  # images directly inside: these may well be classes
        (("training shoe/red", "boot/red", "boot/blue"), ["boot", "training shoe"]),
        (("cat/indoors/2024", "cat", "dog"), ["cat", "dog"]),
        (("cat/indoors", "cat/outdoors", "dog"), ["cat", "dog"]),
        (("cat/indoors", "cat/outdoors", "dog/indoors", "dog"), ["cat", "dog"]),
        (("cat/2023", "dog/2023"), ["cat", "dog"]),
        (("cat",), ["cat"]),
        (("cat/2023",), ["cat"]),
        (("cat/2023", "cat"), ["cat"]),
        (("cat/2023", "cat/2024", "cat"), ["cat"]),
    ],
)
def test_what_may_be_classes_stays_so(folders: tuple[str, ...], classes: list[str], tmp_path: Path) -> None:
    put_classes(tmp_path, *folders)
    assert labels(tmp_path) == classes
    assert warnings(tmp_path) == []


def test_folders_in_all_class_folders_are_only_warned_of(tmp_path: Path) -> None:
    """They may be the videos of a class, or the classes of a part: nothing on disk tells one from the other."""
    put_classes(tmp_path, *(f"{outer}/{inner}" for outer in ("juggling", "diving") for inner in ("v1", "v2")))
    assert labels(tmp_path) == ["diving", "juggling"]
    (warning,) = warnings(tmp_path)
    assert warning == (
        f"{tmp_path}: the classes are diving, juggling; they hold folders, but no images directly. "
        f"If the folders inside are the classes, give one of these: {tmp_path / 'diving'}"
    )
