"""tiered-ImageNet by its CSV lists and in class folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from genie_cli.data import tiered_imagenet
from genie_cli.data.ilsvrc import FEWEST
from tests.data.trees import FINCH, ROBIN, SUPERCLASS, failure, found, put, put_classes, put_ilsvrc


def test_tiered_class_folders_must_have_the_published_number_of_images(tmp_path: Path) -> None:
    put(tmp_path, *(f"val/class {number}/{image}.jpg" for number in range(97) for image in range(2)))
    message, _ = failure(tiered_imagenet, tmp_path, "val")
    assert message == (
        f"{tmp_path / 'val'}: expected 124261 validation images of 97 classes of tiered-ImageNet, found 194 of 97; "
        "fewest of one class: 2 of class 0"
    )
    assert len(tiered_imagenet.read(tmp_path, "val", partial=True).test) == 194


def test_tiered_takes_all_images_of_listed_classes(tmp_path: Path) -> None:
    put_classes(tmp_path, [ROBIN])
    put_ilsvrc(tmp_path, ROBIN, range(FEWEST))
    put_ilsvrc(tmp_path, FINCH, [1])
    images = tiered_imagenet.read(tmp_path)
    assert found(images.test) == [(f"train/{ROBIN}/{ROBIN}_{number}.JPEG", ROBIN) for number in range(FEWEST)]
    assert images.layout.endswith(f"; 1 of the published 160 classes, {FEWEST} of 206209 images")


def test_tiered_lists_beside_class_folders(tmp_path: Path) -> None:
    put_classes(tmp_path, [ROBIN])
    put(tmp_path, f"test/{ROBIN}/{ROBIN}00000002.jpg", f"test/{ROBIN}/notes.txt", f"train/{FINCH}/{FINCH}00000001.jpg")
    assert found(tiered_imagenet.read(tmp_path).test) == [(f"test/{ROBIN}/{ROBIN}00000002.jpg", ROBIN)]


def test_a_listed_class_without_a_folder(tmp_path: Path) -> None:
    put_classes(tmp_path, [FINCH, ROBIN])
    put_ilsvrc(tmp_path, FINCH, [1])
    message, _ = failure(tiered_imagenet, tmp_path)
    expected = "expected images of 2 classes as ILSVRC images in train, found 1 class"
    assert message == f"{tmp_path}: {expected}; first missing: {ROBIN} (robin)"
    assert found(tiered_imagenet.read(tmp_path, partial=True).test) == [(f"train/{FINCH}/{FINCH}_1.JPEG", FINCH)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"filename,label\n{FINCH}00000005.jpg,{FINCH}\n", ", line 1: expected a row such as n03314780,n00020090"),
        (f"{FINCH}\n", ", line 1: expected a row such as"),
        (f"n00000000,{SUPERCLASS}\n", ", line 1: n00000000 is not a class of ILSVRC 2012"),
        (2 * f"{FINCH},{SUPERCLASS}\n", f" has {FINCH} twice"),
    ],
)
def test_lists_that_are_not_tiereds(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(text)
    assert failure(tiered_imagenet, tmp_path)[0].startswith(f"{tmp_path / 'test.csv'}{problem}")
