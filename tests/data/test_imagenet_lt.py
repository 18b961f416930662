"""ImageNet-LT in the layouts that it is kept in: small trees in those exact formats."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from genie_cli.data import imagenet_lt, train_test_folder
from genie_cli.data.catalog import load
from genie_cli.data.dataset import Dataset
from genie_cli.data.digits.long_tail import exponential
from genie_cli.data.ilsvrc import PLACES, VALIDATION_PLACES
from genie_cli.data.imagenet import wnids
from genie_cli.errors import FolderError, UsageError
from tests.data import trees
from tests.data.trees import found, put_pictures

TENCH, GOLDFISH, CRANE = "n01440764", "n01443537", "n03126707"  # labels 0, 1 and 517
TRAIN = [(TENCH, 190), (TENCH, 18), (TENCH, 10026), (GOLDFISH, 7), (GOLDFISH, 10007), (CRANE, 5)]
TEST = [(TENCH, 293), (TENCH, 2138), (GOLDFISH, 236), (CRANE, 1)]
LABEL = {TENCH: 0, GOLDFISH: 1, CRANE: 517}
LISTS = ("ImageNet_LT_train.txt", "ImageNet_LT_test.txt")


def training_name(wnid: str, number: int) -> str:
    return f"{wnid}/{wnid}_{number}.JPEG"


def validation_name(wnid: str, number: int, in_folder: bool) -> str:
    return (f"{wnid}/" if in_folder else "") + f"ILSVRC2012_val_{number:08d}.JPEG"


def put_lists(folder: Path, train: Sequence[str], test: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(LISTS, (train, test), strict=True):
        (folder / name).write_text("".join(row + "\n" for row in rows))
    (folder / "ImageNet_LT_val.txt").write_text("train/n01440764/n01440764_1.JPEG 0\n")  # is there, and is not read


def put_imagenet_lt(
    root: Path,
    lists: str = "",
    train_at: str = "train",
    val_at: str = "val",
    listed_in_folders: bool = True,
    lie_in_folders: bool = True,
) -> None:
    """The lists as published, in ``lists``, and the images; those for testing with or without class folders."""
    train_rows = [f"train/{training_name(*image)} {LABEL[image[0]]}" for image in TRAIN]
    test_rows = [f"val/{validation_name(*image, listed_in_folders)} {LABEL[image[0]]}" for image in TEST]
    put_lists(root / lists, train_rows, test_rows)
    put_pictures(root, (f"{train_at}/{training_name(*image)}".lstrip("/") for image in TRAIN))
    put_pictures(root, (f"{val_at}/{validation_name(*image, lie_in_folders)}" for image in TEST))


def failure(root: Path, partial: bool = False, lists: Path | None = None) -> tuple[str, str]:
    return trees.failure(imagenet_lt, root, partial=partial, lists=lists)


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


# The published size: as many lines as the real lists have, without images


def published_counts() -> list[int]:
    """1000 counts from 1280 to 5 that add up to 115,846."""
    counts = list(exponential(1000, 1280, 5))
    for place in range(1, 999):  # the tail of the real one falls faster than an exponential
        excess = sum(counts) - 115846
        counts[place] -= min(excess, counts[place] - 5, counts[place] * 3 // 4)
    return counts


def published_rows(counts: Sequence[int], tests: Sequence[int]) -> tuple[list[str], list[str]]:
    train = [
        f"train/{training_name(wnid, number)} {label}"
        for label, (wnid, count) in enumerate(zip(wnids(), counts, strict=True))
        for number in range(1, count + 1)
    ]
    test = [
        f"val/{validation_name(wnid, label * 100 + number, True)} {label}"
        for label, (wnid, count) in enumerate(zip(wnids(), tests, strict=True))
        for number in range(1, count + 1)
    ]
    return train, test


@pytest.mark.parametrize("partial", [False, True])
def test_whole_lists_without_their_images(partial: bool, tmp_path: Path) -> None:
    counts = published_counts()
    assert (sum(counts), min(counts), max(counts), len(counts)) == (115846, 5, 1280, 1000)
    put_lists(tmp_path, *published_rows(counts, [50] * 1000))
    message, hint = failure(tmp_path, partial)
    first = f"train/{training_name(TENCH, 1)}"
    assert message == (
        f"{tmp_path}: expected 115846 training images, found none; first missing: {first}; the folder holds "
        "ImageNet_LT_test.txt, ImageNet_LT_train.txt, ImageNet_LT_val.txt"
    )
    assert hint == imagenet_lt.HOW_TO_GET


def test_whole_lists_with_some_of_their_images(tmp_path: Path) -> None:
    put_lists(tmp_path, *published_rows(published_counts(), [50] * 1000))
    put_pictures(tmp_path, [f"train/{training_name(TENCH, number)}" for number in (2, 3)])
    put_pictures(tmp_path, [f"val/{validation_name(TENCH, 1, True)}"])
    message, hint = failure(tmp_path)
    first = f"train/{training_name(TENCH, 1)}"
    assert message == f"{tmp_path}: expected 115846 training images, found 2; first missing: {first}"
    assert hint.startswith("--partial ")
    assert len(imagenet_lt.read(tmp_path, partial=True).train) == 2


TRAIN_SIZE = "expected 115846 training images of 1000 classes of ImageNet-LT"
TEST_SIZE = "expected 50000 test images of 1000 classes of ImageNet-LT"
PER_CLASS = "images per class of ImageNet-LT"
SHARK, TISSUE = "n01491361 (tiger shark)", "n15075141 (toilet tissue)"
ONE = "1 of 1000 classes differ"


@pytest.mark.parametrize(
    ("train_changes", "test_changes", "expected"),
    [
        (
            {999: -1},
            {},
            f"{TRAIN_SIZE}, found 115845 of 1000; expected 5 to 1280 per class, found 4 of {TISSUE}; {ONE}",
        ),
        ({999: -5}, {}, f"{TRAIN_SIZE}, found 115841 of 999"),
        ({}, {3: -1}, f"{TEST_SIZE}, found 49999 of 1000; expected 50 per class, found 49 of {SHARK}; {ONE}"),
        ({}, {3: -1, 4: 1}, f"expected 50 test {PER_CLASS}, found 49 of {SHARK}; 2 of 1000 classes differ"),
        ({0: 1, 1: -1}, {}, f"expected 5 to 1280 training {PER_CLASS}, found 1281 of {TENCH} (tench); {ONE}"),
        ({0: -1, 1: 1}, {}, f"expected 5 to 1280 training {PER_CLASS}, found 5 to 1279"),
    ],
)
def test_lists_of_another_size(
    train_changes: dict[int, int], test_changes: dict[int, int], expected: str, tmp_path: Path
) -> None:
    counts, tests = published_counts(), [50] * 1000
    for changed, changes in ((counts, train_changes), (tests, test_changes)):
        for place, change in changes.items():
            changed[place] += change
    put_lists(tmp_path, *published_rows(counts, tests))
    message, hint = failure(tmp_path)
    assert message == f"{tmp_path}: {expected}"
    assert hint.startswith("--partial ")


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
        (0, "train/n01440764/n01440764_18", "../train/n01440764/n01440764_18", "leaves its root"),
        (1, "val/", "/val/", "leaves its root"),
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
