"""Food-101: 101 dishes (Bossard et al. 2014)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from genie_cli.data.dataset import Dataset
from genie_cli.data.lists import Image, Lists, below, json_of, lines_of, lists_of
from genie_cli.data.published import Published, Size
from genie_cli.data.train_test_splits import read_splits
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

HOW_TO_GET = """\
Food-101 is a folder with meta/train.json and meta/test.json (or .txt), and
  images/apple_pie/1005649.jpg, ...
or the folder above it, with food-101/. Where to get it: food-101.tar.gz, from ETH Zurich (data.vision.ee.ethz.ch);
torchvision.datasets.Food101 downloads it; 101 dishes with 750 training and 250 test images each."""

_JSON = TypeAdapter(dict[str, tuple[str, ...]])


def read(root: Path, *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits; see `read_splits` for arguments, order and errors."""
    return read_splits(FOOD101, root, partial=partial, observer=observer)


def read_lists(files: Sequence[Path]) -> Lists:
    """Read `train.json` and `test.json`, or the same as `.txt`.

    In JSON they are `{"apple_pie": ["apple_pie/1005649", ...], ...}`, in text one `apple_pie/1005649` per line.

    Raises:
        FolderError: not such files.
    """
    train, test = files
    return lists_of(train.parent.parent, list(_images(train)), list(_images(test)))


def _images(file: Path) -> Iterator[Image]:
    for name, entry in _json_entries(file) if file.suffix == ".json" else _text_entries(file):
        label, _, image = entry.partition("/")
        if not label or not image or label != name:
            raise FolderError(f"{file}: expected entries such as apple_pie/1005649; found {entry[:80]!r} of {name!r}")
        yield below(file, f"images/{entry}.jpg"), label


def _json_entries(file: Path) -> Iterator[tuple[str, str]]:
    lists = json_of(file, _JSON, 'an object such as {"apple_pie": ["apple_pie/1005649"]}')
    return ((name, entry) for name, entries in lists.items() for entry in entries)


def _text_entries(file: Path) -> Iterator[tuple[str, str]]:
    return ((line.split("/")[0], line) for _, line in lines_of(file))


FOOD101 = Published(
    title="Food-101",
    how_to_get=HOW_TO_GET,
    sizes={"train": Size(101, 75750, (750, 750)), "test": Size(101, 25250, (250, 250))},
    superclass="food",
    files=(("meta/train.json", "meta/train.txt"), ("meta/test.json", "meta/test.txt")),
    list_folders=("", "food-101"),
    read_lists=read_lists,
)
