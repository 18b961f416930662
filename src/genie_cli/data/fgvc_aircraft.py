"""FGVC-Aircraft by manufacturer: 30 makers of aircraft (Maji et al. 2013)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.lists import Image, Lists, below, lines_of, lists_of, table_of
from genie_cli.data.published import Published, Size
from genie_cli.data.train_test_splits import read_splits
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

HOW_TO_GET = """\
FGVC-Aircraft is a folder with manufacturers.txt, images_manufacturer_trainval.txt, images_manufacturer_test.txt and
  images/0034309.jpg, ...
or a folder above it, with data/ or fgvc-aircraft-2013b/data/. Where to get it: fgvc-aircraft-2013b.tar.gz, from
Oxford's Visual Geometry Group (robots.ox.ac.uk/~vgg/data/fgvc-aircraft); torchvision.datasets.FGVCAircraft downloads
it; 30 manufacturers (the paper says 41), 6667 training and 3333 test images."""


def read(root: Path, *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits; see `read_splits` for arguments, order and errors."""
    return read_splits(FGVC_AIRCRAFT, root, partial=partial, observer=observer)


def read_lists(files: Sequence[Path]) -> Lists:
    """Read `manufacturers.txt`, `images_manufacturer_trainval.txt` and `images_manufacturer_test.txt`.

    Lines of the latter two are `1025794 Boeing`: a file in `images/` without its suffix, and a line of the first.

    Raises:
        FolderError: not such files.
    """
    classes, train, test = files
    names = frozenset(name for _, name in lines_of(classes))
    return lists_of(classes.parent, list(_images(train, names)), list(_images(test, names)))


def _images(file: Path, names: frozenset[str]) -> Iterator[Image]:
    for number, name in table_of(file, "1025794 Boeing").items():
        if name not in names:
            raise FolderError(f"{file}: image {number} is of {name!r}, which manufacturers.txt does not have")
        yield below(file, f"images/{number}.jpg"), name


FGVC_AIRCRAFT = Published(
    title="FGVC-Aircraft by manufacturer",
    how_to_get=HOW_TO_GET,
    sizes={"train": Size(30, 6667), "test": Size(30, 3333)},
    superclass="aircraft",
    files=(("manufacturers.txt",), ("images_manufacturer_trainval.txt",), ("images_manufacturer_test.txt",)),
    list_folders=("", "data", "fgvc-aircraft-2013b/data"),
    read_lists=read_lists,
    note="the paper says 41",
)
