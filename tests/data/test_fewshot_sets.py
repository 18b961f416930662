"""mini- and tiered-ImageNet in the layouts that people have them in: small trees in those exact formats."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.data import fewshot_lists
from genie_cli.data.fewshot_sets import LabelledImages, Split, how_to_get, mini_imagenet, tiered_imagenet
from genie_cli.data.ilsvrc import FEWEST
from genie_cli.errors import FolderError, UsageError

FINCH, ROBIN, CRANE = "n01532829", "n01558993", "n02012849"
SUPERCLASS = "n00020090"
Reader = Callable[..., LabelledImages]


def put(root: Path, *paths: str) -> None:
    """Write files, each with its own path as content."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)


def ravi_name(wnid: str, place: int) -> str:
    return f"{wnid}{place:08d}.jpg"


def put_ravi(root: Path, rows: Sequence[tuple[str, int]], split: str = "test") -> None:
    lines = ["filename,label", *(f"{ravi_name(wnid, place)},{wnid}" for wnid, place in rows)]
    (root / f"{split}.csv").write_text("\n".join(lines) + "\n")


def put_json(root: Path, names: Sequence[str], labels: Sequence[int], file: str = "novel.json") -> None:
    lists = {"label_names": [FINCH, ROBIN, CRANE], "image_names": names, "image_labels": labels}
    (root / file).write_text(json.dumps(lists))


def put_ilsvrc(root: Path, wnid: str, numbers: Sequence[int], place: str = "train") -> None:
    put(root, *(f"{place}/{wnid}/{wnid}_{number}.JPEG".lstrip("/") for number in numbers))


def put_classes(root: Path, wnids: Sequence[str], file: str = "test.csv") -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text("".join(f"{wnid},{SUPERCLASS}\n" for wnid in wnids))


def found(images: LabelledImages) -> list[tuple[str, str]]:
    return [(source.path, source.label) for source in images.sources]


def failure(read: Reader, root: Path, split: Split = "test", partial: bool = False) -> tuple[str, str]:
    """An error's message and hint. Whatever is wrong with a folder, the hint says where people get the data set."""
    with pytest.raises(FolderError) as caught:
        read(root, split, partial=partial)
    dataset = "mini" if read is mini_imagenet else "tiered"
    assert caught.value.hint.endswith(how_to_get(dataset)) or not root.exists()
    return str(caught.value), caught.value.hint


# Ravi and Larochelle's lists


def test_the_processed_tree_beside_the_lists(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(ROBIN, 2), (FINCH, 5), (FINCH, 1)])
    put(tmp_path, *(f"images/{ravi_name(*one)}" for one in [(FINCH, 1), (FINCH, 5), (ROBIN, 2), (CRANE, 1)]))
    images = mini_imagenet(tmp_path)
    expected = [
        (f"images/{ravi_name(FINCH, 1)}", FINCH),
        (f"images/{ravi_name(FINCH, 5)}", FINCH),
        (f"images/{ravi_name(ROBIN, 2)}", ROBIN),
    ]
    assert found(images) == expected
    assert images.root == tmp_path
    assert [one.sha256 for one in images.sources] == [hashlib.sha256(p.encode()).hexdigest() for p, _ in expected]
    assert images.names == {FINCH: "house finch", ROBIN: "robin"}
    assert images.layout == "list test.csv, images; 2 of the published 20 classes, 3 of 12000 images"


def test_lists_count_ilsvrc_images_by_their_numbers(tmp_path: Path) -> None:
    numbers = [7 * number + 3 for number in range(FEWEST)]  # 3, 10, 17, ...: as text, 10 comes before 3
    put_ilsvrc(tmp_path, FINCH, numbers)
    put(tmp_path, f"train/{FINCH}/.DS_Store", f"train/{FINCH}/notes.txt", f"train/{FINCH}/{FINCH}_1.txt")
    put_ravi(tmp_path, [(FINCH, 1), (FINCH, 2), (FINCH, FEWEST)])
    images = mini_imagenet(tmp_path)
    assert [path for path, _ in found(images)] == [
        f"train/{FINCH}/{FINCH}_{number}.JPEG" for number in (3, 10, numbers[-1])
    ]
    assert "ILSVRC images in train" in images.layout


@pytest.mark.parametrize("place", ["", "train", "ILSVRC/Data/CLS-LOC/train", "Data/CLS-LOC/train", "ILSVRC2012/train"])
def test_where_ilsvrc_may_lie(place: str, tmp_path: Path) -> None:
    put_ilsvrc(tmp_path, FINCH, [30, 4, 100], place)
    put_ravi(tmp_path, [(FINCH, 2)])
    put_classes(tmp_path, [FINCH], "tiered_imagenet_split/test.csv")
    below = f"{place}/{FINCH}/{FINCH}".lstrip("/")
    assert found(mini_imagenet(tmp_path, partial=True)) == [(f"{below}_30.JPEG", FINCH)]
    (tmp_path / "test.csv").unlink()
    everything = [(f"{below}_{number}.JPEG", FINCH) for number in (4, 30, 100)]
    assert found(tiered_imagenet(tmp_path, partial=True)) == everything


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=12), st.data())
def test_a_list_means_the_nth_of_the_sorted_numbers(numbers: set[int], data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(1, len(numbers)), min_size=1))
    with tempfile.TemporaryDirectory() as folder:
        put_ilsvrc(Path(folder), FINCH, list(numbers))
        put_ravi(Path(folder), [(FINCH, place) for place in places])
        got = [path for path, _ in found(mini_imagenet(Path(folder), partial=True))]
    assert got == [f"train/{FINCH}/{FINCH}_{sorted(numbers)[place - 1]}.JPEG" for place in sorted(places)]


def test_listed_names_in_class_folders_and_lists_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    put_ravi(tmp_path / "split", [(FINCH, 5)])
    put(tmp_path, f"test/{FINCH}/{ravi_name(FINCH, 5)}", f"train/{ROBIN}/{ravi_name(ROBIN, 1)}")
    assert found(mini_imagenet(tmp_path)) == [(f"test/{FINCH}/{ravi_name(FINCH, 5)}", FINCH)]


def test_a_list_as_some_editors_save_it(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(f"\ufefffilename, label\r\n{ravi_name(FINCH, 5)}, {FINCH}\r\n\r\n".encode())
    put(tmp_path, f"images/{ravi_name(FINCH, 5)}")
    assert len(mini_imagenet(tmp_path).sources) == 1


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_only_the_split_that_is_asked_for_is_read(split: Split, tmp_path: Path) -> None:
    for other in ("train", "val", "test"):
        (tmp_path / f"{other}.csv").write_text("not a list at all\n")
    put_ravi(tmp_path, [(FINCH, 5)], split)
    put(tmp_path, f"images/{ravi_name(FINCH, 5)}")
    assert found(mini_imagenet(tmp_path, split)) == [(f"images/{ravi_name(FINCH, 5)}", FINCH)]


# The JSON lists


def test_json_lists_from_another_machine(tmp_path: Path) -> None:
    elsewhere = "/home/somebody/ILSVRC2015/Data/CLS-LOC/train"
    names = [f"{elsewhere}/{CRANE}/{CRANE}_40.JPEG", f"{elsewhere}/{FINCH}/{FINCH}_7.JPEG"]
    put_json(tmp_path, names, [2, 0])
    put_ilsvrc(tmp_path, CRANE, [40, 41], "Data/CLS-LOC/train")
    put_ilsvrc(tmp_path, FINCH, [7], "Data/CLS-LOC/train")
    images = mini_imagenet(tmp_path)
    below = "Data/CLS-LOC/train"
    assert found(images) == [(f"{below}/{FINCH}/{FINCH}_7.JPEG", FINCH), (f"{below}/{CRANE}/{CRANE}_40.JPEG", CRANE)]
    assert images.names == {FINCH: "house finch", CRANE: "crane (bird)"}


@pytest.mark.parametrize("read", [mini_imagenet, tiered_imagenet])
@pytest.mark.parametrize(
    ("listed", "lies"),
    [
        ("/mnt/mini/images/a1.jpg", "images/a1.jpg"),
        ("C:\\data\\mini\\test\\n01532829\\a1.jpg", "test/n01532829/a1.jpg"),
        ("/mnt/sets/deep/down/n01532829/a1.jpg", "deep/down/n01532829/a1.jpg"),
        ("n01532829/a1.jpg", "n01532829/a1.jpg"),
    ],
)
def test_listed_paths_are_found_by_their_ends(read: Reader, listed: str, lies: str, tmp_path: Path) -> None:
    put_json(tmp_path, [listed], [0])
    put(tmp_path, lies)
    assert found(read(tmp_path)) == [(lies, FINCH)]


def test_the_splits_of_json_lists(tmp_path: Path) -> None:
    splits: dict[Split, tuple[str, int]] = {
        "train": ("base.json", 0),
        "val": ("val.json", 1),
        "test": ("novel.json", 2),
    }
    for split, (file, label) in splits.items():
        put_json(tmp_path, [f"/x/images/{split}1.jpg"], [label], file)
        put(tmp_path, f"images/{split}1.jpg")
    for split, (_, label) in splits.items():
        assert found(mini_imagenet(tmp_path, split)) == [(f"images/{split}1.jpg", [FINCH, ROBIN, CRANE][label])]


# Class folders, and lists of classes


def test_class_folders_of_the_published_size(tmp_path: Path) -> None:
    classes = [f"class_{number:02d}" for number in range(20)]
    put(tmp_path, *(f"novel/{name}/{number}.jpg" for name in classes for number in range(600)))
    images = mini_imagenet(tmp_path)
    assert images.root == tmp_path / "novel"
    assert images.layout == "class folders in novel"
    assert found(images)[598:602] == [
        ("class_00/598.jpg", "class_00"),
        ("class_00/599.jpg", "class_00"),
        ("class_01/0.jpg", "class_01"),
        ("class_01/1.jpg", "class_01"),
    ]
    assert images.names["class_07"] == "class 07"
    (tmp_path / "novel/class_03/17.jpg").unlink()
    message, hint = failure(mini_imagenet, tmp_path)
    assert message == f"{tmp_path / 'novel'}: expected 600 images of class_03, found 599; 1 of 20 classes differ"
    assert hint.startswith("--partial ")


def test_part_of_the_class_folders(tmp_path: Path) -> None:
    put(tmp_path, f"test/{FINCH}/a_2.jpg", f"test/{FINCH}/a_10.jpg", "test/house sparrow/b.png", "test/readme.txt")
    message, hint = failure(mini_imagenet, tmp_path)
    assert message == f"{tmp_path / 'test'}: expected the 20 classes of mini-ImageNet's test split, found 2"
    assert "--partial" in hint
    images = mini_imagenet(tmp_path, partial=True)
    labels = [(f"{FINCH}/a_2.jpg", FINCH), (f"{FINCH}/a_10.jpg", FINCH), ("house sparrow/b.png", "house sparrow")]
    assert sorted(found(images)) == sorted(labels)
    assert found(images).index(labels[0]) < found(images).index(labels[1])
    assert images.names == {FINCH: "house finch"}
    assert images.layout == "class folders in test; 2 of the published 20 classes, 3 of 12000 images"


def test_tiered_class_folders_must_have_the_published_number_of_images(tmp_path: Path) -> None:
    put(tmp_path, *(f"val/class {number}/{image}.jpg" for number in range(97) for image in range(2)))
    message, _ = failure(tiered_imagenet, tmp_path, "val")
    assert message == (
        f"{tmp_path / 'val'}: expected the 124261 images of tiered-ImageNet's val split, found 194; "
        "fewest of one class: 2 of class 0"
    )
    assert len(tiered_imagenet(tmp_path, "val", partial=True).sources) == 194


def test_tiered_takes_all_images_of_listed_classes(tmp_path: Path) -> None:
    put_classes(tmp_path, [ROBIN])
    put_ilsvrc(tmp_path, ROBIN, range(FEWEST))
    put_ilsvrc(tmp_path, FINCH, [1])
    images = tiered_imagenet(tmp_path)
    assert found(images) == [(f"train/{ROBIN}/{ROBIN}_{number}.JPEG", ROBIN) for number in range(FEWEST)]
    assert images.layout.endswith(f"; 1 of the published 160 classes, {FEWEST} of 206209 images")


def test_tiered_lists_beside_class_folders(tmp_path: Path) -> None:
    put_classes(tmp_path, [ROBIN])
    put(tmp_path, f"test/{ROBIN}/{ROBIN}00000002.jpg", f"test/{ROBIN}/notes.txt", f"train/{FINCH}/{FINCH}00000001.jpg")
    assert found(tiered_imagenet(tmp_path)) == [(f"test/{ROBIN}/{ROBIN}00000002.jpg", ROBIN)]


@pytest.mark.parametrize("layout", ["ravi", "ilsvrc", "json", "folders"])
def test_every_layout_gives_the_same_images_in_the_same_order(layout: str, tmp_path: Path) -> None:
    numbers = {FINCH: [9, 10, 111], ROBIN: [3, 20, 100]}
    for wnid, own in numbers.items():
        for place, number in enumerate(own, start=1):
            path = {
                "ravi": f"images/{ravi_name(wnid, place)}",
                "ilsvrc": f"train/{wnid}/{wnid}_{number}.JPEG",
                "json": f"train/{wnid}/{wnid}_{number}.JPEG",
                "folders": f"test/{wnid}/{wnid}_{number}.JPEG",
            }[layout]
            put(tmp_path, path)
            (tmp_path / path).write_text(f"{wnid} {number}")
    if layout in ("ravi", "ilsvrc"):
        put_ravi(tmp_path, [(wnid, place) for place in (3, 1, 2) for wnid in (ROBIN, FINCH)])
    if layout == "json":
        listed = [(wnid, number) for wnid in (ROBIN, FINCH) for number in reversed(numbers[wnid])]
        names = [f"/elsewhere/train/{wnid}/{wnid}_{number}.JPEG" for wnid, number in listed]
        put_json(tmp_path, names, [[FINCH, ROBIN].index(wnid) for wnid, _ in listed])
    images = mini_imagenet(tmp_path, partial=True)
    contents = [(images.root / source.path).read_text() for source in images.sources]
    assert contents == [f"{wnid} {number}" for wnid, own in numbers.items() for number in own]


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
    images = mini_imagenet(tmp_path, partial=True)
    assert len(images.sources) == 4
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


def test_a_listed_class_without_a_folder(tmp_path: Path) -> None:
    put_classes(tmp_path, [FINCH, ROBIN])
    put_ilsvrc(tmp_path, FINCH, [1])
    message, _ = failure(tiered_imagenet, tmp_path)
    expected = "expected images of 2 classes as ILSVRC images in train, found 1 classes"
    assert message == f"{tmp_path}: {expected}; first missing: {ROBIN} (robin)"
    assert found(tiered_imagenet(tmp_path, partial=True)) == [(f"train/{FINCH}/{FINCH}_1.JPEG", FINCH)]


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize(("read", "dataset"), [(mini_imagenet, "mini"), (tiered_imagenet, "tiered")])
def test_lists_without_any_of_their_images(read: Reader, dataset: str, partial: bool, tmp_path: Path) -> None:
    if dataset == "mini":
        put_ravi(tmp_path, [(FINCH, 5)])
    else:
        put_classes(tmp_path, [FINCH])
    put(tmp_path, "pictures/a.jpg")
    message, hint = failure(read, tmp_path, partial=partial)
    assert message.endswith(f"not one is below {tmp_path}, which holds pictures/, test.csv")
    assert hint == how_to_get(dataset)


@pytest.mark.parametrize(("read", "dataset"), [(mini_imagenet, "mini"), (tiered_imagenet, "tiered")])
def test_folders_that_hold_no_such_data_set(read: Reader, dataset: str, tmp_path: Path) -> None:
    message, hint = failure(read, tmp_path)
    expected = f"{tmp_path} has no {dataset}-ImageNet test split: neither test.csv nor novel.json nor class folders"
    assert message == f"{expected} in test or novel; it holds nothing"
    assert hint == how_to_get(dataset)
    put(tmp_path, "cat/a.jpg", *(f"{letter}.txt" for letter in "abcdefg"))
    assert failure(read, tmp_path)[0].endswith("it holds cat/, a.txt, b.txt, c.txt, d.txt, e.txt and 2 more")
    put_ilsvrc(tmp_path, FINCH, [1])
    assert failure(read, tmp_path)[0].endswith("it holds ILSVRC images, but not the lists")
    assert failure(read, tmp_path / "no")[0] == f"{tmp_path / 'no'} does not exist"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", " is empty"),
        ("filename,label\n", " lists nothing"),
        (f"{FINCH},{SUPERCLASS}\n", ", line 1: expected a header filename,label"),
        (f"filename,label\n{FINCH}_5.JPEG,{FINCH}\n", ", line 2: expected a row such as"),
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


def test_a_list_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_bytes(b"\xff\xfe\x00filename")
    assert failure(mini_imagenet, tmp_path)[0].startswith(f"{tmp_path / 'test.csv'} is not a CSV file: ")


@pytest.mark.parametrize(
    ("lists", "problem"),
    [
        ([], "expected an object with label_names, image_names and image_labels; the whole: "),
        ({"label_names": ["a"], "image_names": ["x/1.jpg"]}, "expected an object with label_names"),
        ({"label_names": ["a"], "image_names": [], "image_labels": []}, "expected an object with label_names"),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [0, 0]},
            "expected a label for each image, found 2 for 1 images",
        ),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [1]},
            "image_labels has 1, but label_names only 1 names",
        ),
        ({"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [-1]}, "expected an object with"),
        (
            {"label_names": ["a"], "image_names": ["../../etc/passwd"], "image_labels": [0]},
            "'../../etc/passwd' in image_names is no path of an image",
        ),
        ({"label_names": ["a"], "image_names": [""], "image_labels": [0]}, "'' in image_names is no path of an image"),
    ],
)
def test_json_that_is_not_a_list(lists: object, problem: str, tmp_path: Path) -> None:
    (tmp_path / "novel.json").write_text(json.dumps(lists))
    assert failure(mini_imagenet, tmp_path)[0].startswith(f"{tmp_path / 'novel.json'}: {problem}")


def test_json_may_not_name_an_image_twice(tmp_path: Path) -> None:
    put_json(tmp_path, [f"/a/{FINCH}/1.jpg", f"/b/{FINCH}/1.jpg"], [0, 0])
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / 'novel.json'} has {FINCH}/1.jpg twice"


def test_a_class_folder_of_another_wordnet_id(tmp_path: Path) -> None:
    put(tmp_path, "test/n00000000/a.jpg")
    assert failure(mini_imagenet, tmp_path, partial=True)[0] == "n00000000 is not a class of ILSVRC 2012"


def test_a_link_that_leads_nowhere_but_to_itself(tmp_path: Path) -> None:
    (tmp_path / "train").symlink_to("train")
    with pytest.raises(FolderError, match="Too many levels of symbolic links"):
        mini_imagenet(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="permissions do not bind this user")
def test_an_image_that_may_not_be_read(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(FINCH, 1), (FINCH, 2)])
    secret, other = (f"images/{ravi_name(FINCH, place)}" for place in (1, 2))
    put(tmp_path, secret, other)
    (tmp_path / secret).chmod(0)
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / secret} cannot be read: Permission denied"
    assert found(mini_imagenet(tmp_path, partial=True)) == [(other, FINCH)]


def test_the_words_on_getting_the_data_name_the_places() -> None:
    for dataset in ("mini", "tiered"):
        words = how_to_get(dataset)
        assert words.startswith(f"{dataset}-ImageNet")
        assert "image-net.org" in words
        assert "Kaggle" in words
    with pytest.raises(UsageError, match="no few-shot data set 'maxi'"):
        how_to_get("maxi")


def test_reading_the_lists_alone(tmp_path: Path) -> None:
    put_ravi(tmp_path, [(FINCH, 1300)])
    assert fewshot_lists.read_ravi(tmp_path / "test.csv") == ((FINCH, ravi_name(FINCH, 1300)),)
    assert fewshot_lists.place_in_class(ravi_name(FINCH, 1300)) == 1300
