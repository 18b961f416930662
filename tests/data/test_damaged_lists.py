"""Whatever is in the lists of a data set, or at their paths: the data set, or an error that names the cause."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.data import (
    cub,
    fgvc_aircraft,
    food101,
    imagenet_lt,
    mini_imagenet,
    stanford_cars,
    tiered_imagenet,
)
from genie_cli.errors import FolderError
from tests.damage import damaged, only_our_errors
from tests.data import trees
from tests.data.imagenet_lt_trees import put_imagenet_lt


def put_mini(root: Path) -> None:
    trees.put_ravi(root, [(trees.FINCH, 1), (trees.ROBIN, 2)])
    trees.put_ilsvrc(root, trees.FINCH, [1, 2])
    trees.put_ilsvrc(root, trees.ROBIN, [1, 2])


def put_tiered(root: Path) -> None:
    trees.put_classes(root, [trees.FINCH, trees.ROBIN])
    trees.put_ilsvrc(root, trees.FINCH, [1, 2])
    trees.put_ilsvrc(root, trees.ROBIN, [1, 2])


def put_few_shot_json(root: Path) -> None:
    trees.put_json(root, [f"/home/ann/images/{trees.FINCH}/a_1.jpg", f"{trees.ROBIN}/b_2.jpg"], [0, 1])
    trees.put(root, f"images/{trees.FINCH}/a_1.jpg", f"images/{trees.ROBIN}/b_2.jpg")


@dataclass(frozen=True)
class Kind:
    """A data set, how its smallest tree is written, and one of its lists."""

    module: ModuleType
    put: Callable[[Path], None]
    list: str

    def __str__(self) -> str:
        return self.list.rpartition("/")[2]


KINDS = [
    *(
        Kind(cub, trees.put_cub, f"{name}.txt")
        for name in ("images", "image_class_labels", "train_test_split", "classes")
    ),
    *(
        Kind(stanford_cars, trees.put_cars, name)
        for name in ("devkit/cars_meta.mat", "devkit/cars_train_annos.mat", "cars_test_annos_withlabels.mat")
    ),
    Kind(food101, trees.put_food, "meta/train.json"),
    Kind(food101, lambda root: trees.put_food(root, suffix="txt"), "meta/test.txt"),
    Kind(fgvc_aircraft, trees.put_aircraft, "manufacturers.txt"),
    Kind(fgvc_aircraft, trees.put_aircraft, "images_manufacturer_test.txt"),
    Kind(imagenet_lt, put_imagenet_lt, "ImageNet_LT_train.txt"),
    Kind(mini_imagenet, put_mini, "test.csv"),
    Kind(tiered_imagenet, put_tiered, "test.csv"),
    Kind(mini_imagenet, put_few_shot_json, "novel.json"),
]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, Path]:
    found = {}
    for kind in KINDS:
        found[kind] = tmp_path_factory.mktemp("root")
        kind.put(found[kind])
    return found


@every_kind
@settings(max_examples=50)
@given(st.data())
def test_damage(kind: Kind, roots: dict[Kind, Path], choose: st.DataObject) -> None:
    root = roots[kind]
    whole = (root / kind.list).read_bytes()
    (root / kind.list).write_bytes(choose.draw(damaged(whole)))
    try:
        only_our_errors(lambda: kind.module.read(root, partial=True))
    finally:
        (root / kind.list).write_bytes(whole)


@every_kind
def test_cut_at_every_byte(kind: Kind, roots: dict[Kind, Path]) -> None:
    root = roots[kind]
    whole = (root / kind.list).read_bytes()
    ends = range(len(whole)) if len(whole) < 300 else range(0, len(whole), len(whole) // 100)
    for end in ends:
        (root / kind.list).write_bytes(whole[:end])
        only_our_errors(lambda: kind.module.read(root, partial=True))
    (root / kind.list).write_bytes(whole)
    assert kind.module.read(root, partial=True).train


@every_kind
def test_no_other_kind_of_file_is_waited_for(kind: Kind, tmp_path: Path) -> None:
    """A pipe or device is not there, or refused: it may be named by another spelling of the list."""
    kind.put(tmp_path)
    (tmp_path / kind.list).unlink()
    os.mkfifo(tmp_path / kind.list)
    only_our_errors(lambda: kind.module.read(tmp_path, partial=True))
    (tmp_path / kind.list).unlink()
    (tmp_path / kind.list).symlink_to("/dev/zero")
    only_our_errors(lambda: kind.module.read(tmp_path, partial=True))


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind this user")
@every_kind
def test_a_list_that_may_not_be_read(kind: Kind, tmp_path: Path) -> None:
    kind.put(tmp_path)
    (tmp_path / kind.list).chmod(0)
    with pytest.raises(FolderError, match="cannot be read: Permission denied"):
        kind.module.read(tmp_path, partial=True)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (
            b'{"label_names": ["a"], "image_names": ["a/b.jpg"], "image_labels": ["0"]}',
            "image_labels[0] is not a whole",
        ),
        (
            b'{"label_names": ["a"], "image_names": ["a/b.jpg"], "image_labels": [false]}',
            "image_labels[0] is not a whole",
        ),
        (
            b'{"label_names": ["a"], "image_names": ["a/b.jpg"], "image_labels": [0.0]}',
            "image_labels[0] is not a whole",
        ),
        (
            b'{"label_names": ["a"], "image_names": ["a/b.jpg"], "image_labels": [1e22]}',
            "image_labels[0] is not a whole",
        ),
        (b'{"label_names": ["a"], "image_names": ["a/b.jpg"], "image_labels": [%d]}' % 10**22, "image_labels has 1000"),
        (
            b'{"label_names": ["a"], "image_names": ["a/b\\u0000.jpg"], "image_labels": [0]}',
            "is not the path of an image",
        ),
        (b'{"label_names": ["a"], "image_names": ["a/\\ud800.jpg"], "image_labels": [0]}', "is not valid JSON"),
        (b'{"label_names": {}, "image_names": [], "image_labels": []}', "label_names is not a list"),
        (b"[" * 100_000, "the file is not valid JSON"),
    ],
)
def test_few_shot_lists_have_one_type_for_each_value(content: bytes, fault: str, tmp_path: Path) -> None:
    (tmp_path / "novel.json").write_bytes(content)
    with pytest.raises(FolderError) as caught:
        mini_imagenet.read(tmp_path)
    assert fault in str(caught.value)


def test_the_true_cause_of_a_csv_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("filename,label\n" + "x" * 140_000)
    with pytest.raises(FolderError, match="is not a CSV file: line 2: field larger than field limit"):
        mini_imagenet.read(tmp_path)


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_names_may_have_what_python_takes_for_line_breaks(character: str, tmp_path: Path) -> None:
    trees.put_aircraft(tmp_path, names=[f"AT{character}R", *trees.MAKERS[1:]])
    assert fgvc_aircraft.read(tmp_path, partial=True).train
