"""mini-ImageNet by its CSV lists and in class folders."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.data import mini_imagenet
from genie_cli.data.ilsvrc import FEWEST
from genie_cli.data.published import Split
from genie_cli.errors import FolderError
from tests.data.trees import CRANE, FINCH, ROBIN, SUPERCLASS, failure, found, put, put_ilsvrc, put_ravi, ravi_name

# Ravi and Larochelle's lists


def test_the_processed_tree_beside_the_lists(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(ROBIN, 2), (FINCH, 5), (FINCH, 1)])
    put(tmp_path, *(f"images/{ravi_name(*one)}" for one in [(FINCH, 1), (FINCH, 5), (ROBIN, 2), (CRANE, 1)]))
    images = mini_imagenet.read(tmp_path)
    expected = [
        (f"images/{ravi_name(FINCH, 1)}", FINCH),
        (f"images/{ravi_name(FINCH, 5)}", FINCH),
        (f"images/{ravi_name(ROBIN, 2)}", ROBIN),
    ]
    assert found(images.test) == expected
    assert images.root == tmp_path
    assert [one.sha256 for one in images.test] == [hashlib.sha256(p.encode()).hexdigest() for p, _ in expected]
    assert images.names == {FINCH: "house finch", ROBIN: "robin"}
    assert images.layout == "list test.csv, images; 2 of the published 20 classes, 3 of 12000 images"


def test_lists_count_ilsvrc_images_by_their_numbers(tmp_path: Path) -> None:
    numbers = [7 * number + 3 for number in range(FEWEST)]  # 3, 10, 17, ...: as text, 10 comes before 3
    put_ilsvrc(tmp_path, FINCH, numbers)
    put(tmp_path, f"train/{FINCH}/.DS_Store", f"train/{FINCH}/notes.txt", f"train/{FINCH}/{FINCH}_1.txt")
    put_ravi(tmp_path, [(FINCH, 1), (FINCH, 2), (FINCH, FEWEST)])
    images = mini_imagenet.read(tmp_path)
    assert [path for path, _ in found(images.test)] == [
        f"train/{FINCH}/{FINCH}_{number}.JPEG" for number in (3, 10, numbers[-1])
    ]
    assert "ILSVRC images in train" in images.layout


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=12), st.data())
def test_a_list_means_the_nth_of_the_sorted_numbers(numbers: set[int], data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(1, len(numbers)), min_size=1))
    with tempfile.TemporaryDirectory() as folder:
        put_ilsvrc(Path(folder), FINCH, list(numbers))
        put_ravi(Path(folder), [(FINCH, place) for place in places])
        got = [path for path, _ in found(mini_imagenet.read(Path(folder), partial=True).test)]
    assert got == [f"train/{FINCH}/{FINCH}_{sorted(numbers)[place - 1]}.JPEG" for place in sorted(places)]


def test_listed_names_in_class_folders_and_lists_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    put_ravi(tmp_path / "split", [(FINCH, 5)])
    put(tmp_path, f"test/{FINCH}/{ravi_name(FINCH, 5)}", f"train/{ROBIN}/{ravi_name(ROBIN, 1)}")
    assert found(mini_imagenet.read(tmp_path).test) == [(f"test/{FINCH}/{ravi_name(FINCH, 5)}", FINCH)]


def test_a_list_as_some_editors_save_it(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(f"\ufefffilename, label\r\n{ravi_name(FINCH, 5)}, {FINCH}\r\n\r\n".encode())
    put(tmp_path, f"images/{ravi_name(FINCH, 5)}")
    assert len(mini_imagenet.read(tmp_path).test) == 1


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_only_the_split_that_is_asked_for_is_read(split: Split, tmp_path: Path) -> None:
    for other in ("train", "val", "test"):
        (tmp_path / f"{other}.csv").write_text("not a list at all\n")
    put_ravi(tmp_path, [(FINCH, 5)], split)
    put(tmp_path, f"images/{ravi_name(FINCH, 5)}")
    assert found(mini_imagenet.read(tmp_path, split).test) == [(f"images/{ravi_name(FINCH, 5)}", FINCH)]


def test_reading_the_lists_alone(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(FINCH, 1300)])
    assert mini_imagenet.read_list(tmp_path / "test.csv") == ((ravi_name(FINCH, 1300), FINCH),)
    assert mini_imagenet.place_in_class(ravi_name(FINCH, 1300)) == 1300


# Class folders


def test_class_folders_of_the_published_size(tmp_path: Path) -> None:
    classes = [f"class_{number:02d}" for number in range(20)]
    put(tmp_path, *(f"novel/{name}/{number}.jpg" for name in classes for number in range(600)))
    images = mini_imagenet.read(tmp_path)
    assert images.root == tmp_path / "novel"
    assert images.layout == "class folders in novel"
    assert found(images.test)[598:602] == [
        ("class_00/598.jpg", "class_00"),
        ("class_00/599.jpg", "class_00"),
        ("class_01/0.jpg", "class_01"),
        ("class_01/1.jpg", "class_01"),
    ]
    assert images.names["class_07"] == "class 07"
    (tmp_path / "novel/class_03/17.jpg").unlink()
    message, hint = failure(mini_imagenet, tmp_path)
    assert message == (
        f"{tmp_path / 'novel'}: expected 12000 test images of 20 classes of mini-ImageNet, found 11999 of 20; "
        "expected 600 per class, found 599 of class_03; 1 of 20 classes differ"
    )
    assert hint.startswith("--partial ")


def test_part_of_the_class_folders(tmp_path: Path) -> None:
    put(tmp_path, f"test/{FINCH}/a_2.jpg", f"test/{FINCH}/a_10.jpg", "test/house sparrow/b.png", "test/readme.txt")
    message, hint = failure(mini_imagenet, tmp_path)
    assert message == (
        f"{tmp_path / 'test'}: expected 12000 test images of 20 classes of mini-ImageNet, found 3 of 2; "
        "expected 600 per class, found 1 of house sparrow; 2 of 2 classes differ"
    )
    assert "--partial" in hint
    images = mini_imagenet.read(tmp_path, partial=True)
    labels = [(f"{FINCH}/a_2.jpg", FINCH), (f"{FINCH}/a_10.jpg", FINCH), ("house sparrow/b.png", "house sparrow")]
    assert sorted(found(images.test)) == sorted(labels)
    assert found(images.test).index(labels[0]) < found(images.test).index(labels[1])
    assert images.names == {FINCH: "house finch"}
    assert images.layout == "class folders in test; 2 of the published 20 classes, 3 of 12000 images"


# Trees that are wrong, or not whole


def test_images_that_are_listed_but_missing(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(wnid, place) for wnid in (FINCH, ROBIN, CRANE) for place in (1, 2, 3)])
    put(tmp_path, *(f"images/{ravi_name(*one)}" for one in [(FINCH, 1), (ROBIN, 1), (ROBIN, 2), (ROBIN, 3)]))
    message, hint = failure(mini_imagenet, tmp_path)
    assert message == (
        f"{tmp_path}: expected 3 images of {FINCH} (house finch) as images, found 1; "
        f"first missing: {ravi_name(FINCH, 2)}; 2 of 3 classes are incomplete"
    )
    assert hint.startswith("--partial ")
    images = mini_imagenet.read(tmp_path, partial=True)
    assert len(images.test) == 4
    assert set(images.names) == {FINCH, ROBIN}


def test_a_class_that_is_cut_short_is_not_counted_into(tmp_path: Path) -> None:
    put_ilsvrc(tmp_path, FINCH, range(600))
    put_ravi(tmp_path, [(FINCH, 5)])
    message, _ = failure(mini_imagenet, tmp_path)
    expected = f"expected all ILSVRC images of {FINCH} (house finch), at least 732, found 600: ILSVRC images in train"
    assert message == f"{tmp_path}: {expected}"


def test_a_place_beyond_the_last_image_is_missing(tmp_path: Path) -> None:
    put_ilsvrc(tmp_path, FINCH, range(3))
    put_ravi(tmp_path, [(FINCH, 3), (FINCH, 4)])
    assert f"found 1; first missing: {ravi_name(FINCH, 4)}" in failure(mini_imagenet, tmp_path)[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", " is empty"),
        ("filename,label\n", " lists nothing"),
        (f"{FINCH},{SUPERCLASS}\n", ", line 1: expected a header filename,label"),
        (f"filename,label\n{FINCH}_5.JPEG,{FINCH}\n", " lists images, and none is in a place"),
        (f"filename,label\n{FINCH}00000005.jpg,{ROBIN}\n", ", line 2: expected a row such as"),
        (f"filename,label\n{FINCH}00000000.jpg,{FINCH}\n", ", line 2: expected a row such as"),
        (f"filename,label\n\n{FINCH}00000005.jpg\n", ", line 3: expected a row such as"),
        ("filename,label\nn9999999900000005.jpg,n99999999\n", ", line 2: n99999999 is not a class of ILSVRC 2012"),
        ("filename,label\n" + 2 * f"{FINCH}00000005.jpg,{FINCH}\n", f" has {FINCH}00000005.jpg twice"),
    ],
)
def test_lists_that_are_not_ravis(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(text)
    assert failure(mini_imagenet, tmp_path)[0].startswith(f"{tmp_path / 'test.csv'}{problem}")


def test_a_list_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(b"\xff\xfe\x00filename")
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / 'test.csv'} is not a CSV file: it is not UTF-8 text"


def test_a_class_folder_of_another_wordnet_id(tmp_path: Path) -> None:
    put(tmp_path, "test/n00000000/a.jpg")
    assert failure(mini_imagenet, tmp_path, partial=True)[0] == "n00000000 is not a class of ILSVRC 2012"


def test_a_link_that_leads_nowhere_but_to_itself(tmp_path: Path) -> None:
    (tmp_path / "train").symlink_to("train")
    with pytest.raises(FolderError, match="Too many levels of symbolic links"):
        mini_imagenet.read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_image_that_may_not_be_read(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(FINCH, 1), (FINCH, 2)])
    secret, other = (f"images/{ravi_name(FINCH, place)}" for place in (1, 2))
    put(tmp_path, secret, other)
    (tmp_path / secret).chmod(0)
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / secret} cannot be read: Permission denied"
    assert found(mini_imagenet.read(tmp_path, partial=True).test) == [(other, FINCH)]
