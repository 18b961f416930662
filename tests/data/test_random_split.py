"""A test split that is drawn from one folder of classes."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.data import catalog, train_test_folder
from genie_cli.data.random_split import RandomSplit, split_file
from genie_cli.errors import FolderError
from genie_cli.jobs import Source
from tests.data.trees import put_pictures


def sources_of(contents: dict[str, list[int]]) -> list[Source]:
    """Sources by class, one for each number; equal numbers are equal files."""
    return [
        Source(path=f"{label}/{place}", sha256=hashlib.sha256(b"%d" % content).hexdigest(), label=label)
        for label, own in contents.items()
        for place, content in enumerate(own)
    ]


SHARES = st.floats(0.01, 0.99)
FOLDERS = st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 60), min_size=1), min_size=1)


@given(FOLDERS, SHARES, st.integers(0, 5))
def test_every_image_is_in_one_split_or_said_to_be_in_none(
    contents: dict[str, list[int]], share: float, seed: int
) -> None:
    sources = sources_of(contents)
    drawn = RandomSplit(share, seed).of(sources)
    trained, tested = ({source.sha256 for source in split} for split in (drawn.train, drawn.test))
    assert not trained & tested
    assert {source.label for source in drawn.train} == {source.label for source in drawn.test}
    left = [source for source in sources if source not in (*drawn.train, *drawn.test)]
    shared = set(drawn.contradictory)
    assert all(source.label in drawn.single or source.path in shared for source in left)


@given(st.integers(2, 60), SHARES)
def test_the_share_of_a_class(count: int, share: float) -> None:
    drawn = RandomSplit(share).of(sources_of({"a": list(range(count))}))
    assert len(drawn.test) + len(drawn.train) == count
    assert 1 <= len(drawn.test) < count
    assert abs(len(drawn.test) - share * count) <= 1


@given(FOLDERS, st.randoms(use_true_random=False))
def test_neither_names_nor_their_order_decide(contents: dict[str, list[int]], random: object) -> None:
    sources = sources_of(contents)
    renamed = [source.model_copy(update={"path": f"{source.label}/x{hash(source.path)}"}) for source in sources]
    random.shuffle(renamed)  # type: ignore[attr-defined]
    first, second = (RandomSplit(0.3).of(given) for given in (sources, renamed))
    assert sorted(source.sha256 for source in first.test) == sorted(source.sha256 for source in second.test)


def test_another_seed_tests_on_other_images_and_one_more_image_moves_few() -> None:
    sources = sources_of({"a": list(range(100)), "b": list(range(100, 150))})
    first = set(RandomSplit(0.2, 0).of(sources).test)
    assert first != set(RandomSplit(0.2, 1).of(sources).test)
    more = set(RandomSplit(0.2, 0).of([*sources, *sources_of({"c": [999, 1000]})]).test)
    assert first < more
    grown = sources_of({"a": [*range(100), 500], "b": list(range(100, 150))})
    assert len(first - set(RandomSplit(0.2, 0).of(grown).test)) <= 1


def test_a_folder_of_classes(tmp_path: Path) -> None:
    put_pictures(tmp_path, (f"{label}/{number}.png" for label in ("house_cat", "n01440764") for number in range(5)))
    put_pictures(tmp_path, ["rare/0.png"])
    found = train_test_folder.read(tmp_path, split=RandomSplit(0.2))
    assert (len(found.train), len(found.test), found.classes) == (8, 2, ("house_cat", "n01440764"))
    assert found.names == {"house_cat": "house cat", "n01440764": "tench"}
    assert found.layout == (
        "class folders, 0.2 of each class drawn for the test split with seed 0; 2 classes, 8 training and 2 test images"
    )
    ((name, text),) = split_file(found).items()
    rows = list(csv.DictReader(text.splitlines()))
    assert name == "split.csv"
    assert [row["split"] for row in rows] == ["train"] * 8 + ["test"] * 2
    assert all(hashlib.sha256((tmp_path / row["path"]).read_bytes()).hexdigest() == row["sha256"] for row in rows)
    assert split_file(catalog.load("fewshot", "folder", str(tmp_path))) == {}


@pytest.mark.parametrize(
    ("paths", "split", "message", "hint"),
    [
        (("train/a/1.png", "test/a/2.png"), RandomSplit(0.2), "has a training and a test split", "leave out --test-sh"),
        (("a/1.png", "b/2.png"), RandomSplit(0.2), "no class with two different images", "add images"),
        (("a/1.png", "a/2.png"), None, "but no training and test split", "--test-share 0.2"),
    ],
)
def test_folders_that_cannot_be_split(
    paths: tuple[str, ...], split: RandomSplit | None, message: str, hint: str, tmp_path: Path
) -> None:
    put_pictures(tmp_path, paths)
    with pytest.raises(FolderError) as caught:
        train_test_folder.read(tmp_path, split=split)
    assert message in str(caught.value)
    assert hint in caught.value.hint
