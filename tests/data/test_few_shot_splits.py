"""What holds for mini- and tiered-ImageNet alike: the places, the JSON lists, and that layouts agree."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from genie_cli.data import mini_imagenet, tiered_imagenet
from genie_cli.data.catalog import entry
from genie_cli.data.published import Split
from genie_cli.errors import UsageError
from tests.data.trees import (
    CRANE,
    FINCH,
    ROBIN,
    failure,
    found,
    put,
    put_classes,
    put_ilsvrc,
    put_json,
    put_ravi,
    ravi_name,
)

JSON = "expected an object with label_names, image_names and image_labels"


@pytest.mark.parametrize("place", ["", "train", "ILSVRC/Data/CLS-LOC/train", "Data/CLS-LOC/train", "ILSVRC2012/train"])
def test_where_ilsvrc_may_lie(place: str, tmp_path: Path) -> None:
    put_ilsvrc(tmp_path, FINCH, [30, 4, 100], place)
    put_ravi(tmp_path, [(FINCH, 2)])
    put_classes(tmp_path, [FINCH], "tiered_imagenet_split/test.csv")
    below = f"{place}/{FINCH}/{FINCH}".lstrip("/")
    assert found(mini_imagenet.read(tmp_path, partial=True).test) == [(f"{below}_30.JPEG", FINCH)]
    (tmp_path / "test.csv").unlink()
    everything = [(f"{below}_{number}.JPEG", FINCH) for number in (4, 30, 100)]
    assert found(tiered_imagenet.read(tmp_path, partial=True).test) == everything


# The JSON lists


def test_json_lists_from_another_machine(tmp_path: Path) -> None:
    elsewhere = "/home/somebody/ILSVRC2015/Data/CLS-LOC/train"
    names = [f"{elsewhere}/{CRANE}/{CRANE}_40.JPEG", f"{elsewhere}/{FINCH}/{FINCH}_7.JPEG"]
    put_json(tmp_path, names, [2, 0])
    put_ilsvrc(tmp_path, CRANE, [40, 41], "Data/CLS-LOC/train")
    put_ilsvrc(tmp_path, FINCH, [7], "Data/CLS-LOC/train")
    images = mini_imagenet.read(tmp_path)
    below = "Data/CLS-LOC/train"
    assert found(images.test) == [
        (f"{below}/{FINCH}/{FINCH}_7.JPEG", FINCH),
        (f"{below}/{CRANE}/{CRANE}_40.JPEG", CRANE),
    ]
    assert images.names == {FINCH: "house finch", CRANE: "crane (bird)"}


@pytest.mark.parametrize("dataset", [mini_imagenet, tiered_imagenet])
@pytest.mark.parametrize(
    ("listed", "lies"),
    [
        ("/mnt/mini/images/a1.jpg", "images/a1.jpg"),
        ("C:\\data\\mini\\test\\n01532829\\a1.jpg", "test/n01532829/a1.jpg"),
        ("/mnt/sets/deep/down/n01532829/a1.jpg", "deep/down/n01532829/a1.jpg"),
        ("n01532829/a1.jpg", "n01532829/a1.jpg"),
    ],
)
def test_listed_paths_are_found_by_their_ends(dataset: ModuleType, listed: str, lies: str, tmp_path: Path) -> None:
    put_json(tmp_path, [listed], [0])
    put(tmp_path, lies)
    assert found(dataset.read(tmp_path).test) == [(lies, FINCH)]


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
        assert found(mini_imagenet.read(tmp_path, split).test) == [
            (f"images/{split}1.jpg", [FINCH, ROBIN, CRANE][label])
        ]


@pytest.mark.parametrize(
    ("lists", "problem"),
    [
        ([], f"{JSON}; the file is not an object"),
        ({"label_names": ["a"], "image_names": ["x/1.jpg"]}, f"{JSON}; image_labels is missing"),
        ({"label_names": ["a"], "image_names": [], "image_labels": []}, f"{JSON}; image_names is empty"),
        ({"label_names": [""], "image_names": ["x/1.jpg"], "image_labels": [0]}, f"{JSON}; label_names[0] is empty"),
        ({"label_names": "a", "image_names": ["x/1.jpg"], "image_labels": [0]}, f"{JSON}; label_names is not a list"),
        ({"label_names": ["a"], "image_names": [7], "image_labels": [0]}, f"{JSON}; image_names[0] is not a string"),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [0, 0]},
            "expected a label for each image, found 2 for 1 images",
        ),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [1]},
            "image_labels has 1, but label_names only 1 names",
        ),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [0, -1]},
            f"{JSON}; image_labels[1] is negative",
        ),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": [0.5]},
            f"{JSON}; image_labels[0] is not a whole number",
        ),
        (
            {"label_names": ["a"], "image_names": ["x/1.jpg"], "image_labels": ["zero"]},
            f"{JSON}; image_labels[0] is not a whole number",
        ),
        (
            {"label_names": ["a"], "image_names": ["../../etc/passwd"], "image_labels": [0]},
            "'../../etc/passwd' in image_names is not the path of an image",
        ),
        (
            {"label_names": ["a"], "image_names": [""], "image_labels": [0]},
            "'' in image_names is not the path of an image",
        ),
    ],
)
def test_json_that_is_not_a_list(lists: object, problem: str, tmp_path: Path) -> None:
    (tmp_path / "novel.json").write_text(json.dumps(lists))
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / 'novel.json'}: {problem}"


@pytest.mark.parametrize("text", ["", "{", "label_names", "\x00"])
def test_what_is_not_json(text: str, tmp_path: Path) -> None:
    (tmp_path / "novel.json").write_text(text)
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / 'novel.json'}: {JSON}; the file is not valid JSON"


def test_json_may_not_name_an_image_twice(tmp_path: Path) -> None:
    put_json(tmp_path, [f"/a/{FINCH}/1.jpg", f"/b/{FINCH}/1.jpg"], [0, 0])
    assert failure(mini_imagenet, tmp_path)[0] == f"{tmp_path / 'novel.json'} has {FINCH}/1.jpg twice"


# All layouts, and none


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
    images = mini_imagenet.read(tmp_path, partial=True)
    contents = [(images.root / source.path).read_text() for source in images.test]
    assert contents == [f"{wnid} {number}" for wnid, own in numbers.items() for number in own]


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("dataset", [mini_imagenet, tiered_imagenet])
def test_lists_without_any_of_their_images(dataset: ModuleType, partial: bool, tmp_path: Path) -> None:
    if dataset is mini_imagenet:
        put_ravi(tmp_path, [(FINCH, 5)])
    else:
        put_classes(tmp_path, [FINCH])
    put(tmp_path, "pictures/a.jpg")
    message, hint = failure(dataset, tmp_path, partial=partial)
    where = f"none is in a place where they are looked for; {tmp_path} holds pictures/, test.csv"
    assert message.endswith(f"lists images, and {where}")
    assert hint == dataset.HOW_TO_GET


@pytest.mark.parametrize("dataset", [mini_imagenet, tiered_imagenet])
def test_folders_that_hold_no_such_data_set(dataset: ModuleType, tmp_path: Path) -> None:
    message, hint = failure(dataset, tmp_path)
    name = {mini_imagenet: "mini", tiered_imagenet: "tiered"}[dataset]
    expected = f"{tmp_path} has no {name}-ImageNet test split: neither test.csv nor novel.json nor class folders"
    assert message == f"{expected} in test or novel; it holds nothing"
    assert hint == dataset.HOW_TO_GET
    put(tmp_path, "cat/a.jpg", *(f"{letter}.txt" for letter in "abcdefg"))
    assert failure(dataset, tmp_path)[0].endswith("it holds cat/, a.txt, b.txt, c.txt, d.txt, e.txt and 2 more")
    put_ilsvrc(tmp_path, FINCH, [1])
    assert failure(dataset, tmp_path)[0].endswith("it holds ILSVRC images, but not the lists")
    assert failure(dataset, tmp_path / "no")[0] == f"{tmp_path / 'no'} does not exist"


def test_the_words_on_getting_the_data_name_the_places() -> None:
    for dataset in ("mini", "tiered"):
        words = entry("fewshot", dataset).how_to_get()
        assert words.startswith(f"{dataset}-ImageNet")
        assert "image-net.org" in words
        assert "Kaggle" in words
    with pytest.raises(UsageError, match="no data set 'maxi'; did you mean mini"):
        entry("fewshot", "maxi")
