"""The layouts of docs/data.md, row by row, and that each is read from a folder of its own name in one of that name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from genie_cli.data import catalog
from genie_cli.data.random_split import RandomSplit
from genie_cli.errors import FolderError
from tests.data.imagenet_lt_trees import put_imagenet_lt
from tests.data.trees import (
    FINCH,
    PUT,
    ROBIN,
    found,
    put,
    put_classes,
    put_ilsvrc,
    put_json,
    put_pictures,
    put_ravi,
    ravi_name,
)

RAVI = [(FINCH, 1), (FINCH, 2), (ROBIN, 1)]
NAMES = [(ravi_name(wnid, place), wnid) for wnid, place in RAVI]


@dataclass(frozen=True)
class Layout:
    """A row.

    Attributes:
        row: what the table calls it, or how that begins.
        lay: puts it into a folder.
        images: paths and classes of the test images; None: they are checked elsewhere.
    """

    benchmark: str
    dataset: str
    row: str
    lay: Callable[[Path], None]
    images: list[tuple[str, str]] | None = None
    options: Any = None


def ravi(row: str, lists: str, template: str) -> Layout:
    """Ravi and Larochelle's list, and the images that it names."""

    def lay(root: Path) -> None:
        (root / lists).mkdir(parents=True, exist_ok=True)
        put_ravi(root / lists, RAVI)
        put(root, *(template.format(name=name, wnid=wnid) for name, wnid in NAMES))

    images = [(template.format(name=name, wnid=wnid), wnid) for name, wnid in NAMES]
    return Layout("fewshot", "mini", row, lay, images)


def json_lists(root: Path) -> None:
    root.mkdir(parents=True)
    put_json(root, ["/x/y/images/a1.jpg", "/x/y/images/a2.jpg"], [0, 1])
    put(root, "images/a1.jpg", "images/a2.jpg")


def listed(lists: str, place: str, before: str = "{wnid}/") -> Callable[[Path], None]:
    """UniSiam's lists of tiered-ImageNet, and images in class folders."""

    def lay(root: Path) -> None:
        (root / lists).mkdir(parents=True, exist_ok=True)
        names = [(f"{before.format(wnid=wnid)}{wnid}_{number}.JPEG", wnid) for wnid, number in RAVI]
        lines = ["filename,label", *map(",".join, names)]
        (root / lists / "test.csv").write_text("\n".join(lines) + "\n")
        for wnid in (FINCH, ROBIN):
            put_ilsvrc(root, wnid, [number for own, number in RAVI if own == wnid], place)

    return lay


def listed_in_one_folder(lists: str, place: str) -> Callable[[Path], None]:
    """The same lists, with all images in one folder."""

    def lay(root: Path) -> None:
        listed(lists, "aside", "")(root)
        (root / place).mkdir(exist_ok=True)
        for image in sorted((root / "aside").rglob("*.JPEG")):
            image.rename(root / place / image.name)

    return lay


def ilsvrc(lay_lists: Callable[[Path], object]) -> Callable[[Path], None]:
    def lay(root: Path) -> None:
        root.mkdir(parents=True)
        lay_lists(root)
        for wnid in (FINCH, ROBIN):
            put_ilsvrc(root, wnid, [1, 2])

    return lay


def counted_out(prefix: str) -> list[tuple[str, str]]:
    return [(f"{prefix}{wnid}/{wnid}_{number}.JPEG", wnid) for wnid, number in RAVI]


def folders(*names: str) -> Callable[[Path], None]:
    """Pictures in class folders in each of these folders."""
    paths = [f"{name}/{label}/{number}.jpg" for name in names for label in ("cat", "dog") for number in range(2)]
    return lambda root: put_pictures(root, [path.removeprefix("/") for path in paths])


IN_FOLDERS = [(f"{label}/{number}.jpg", label) for label in ("cat", "dog") for number in range(2)]
IN_TEST = [(f"test/{path}", label) for path, label in IN_FOLDERS]

LAYOUTS = [
    ravi("`test.csv` (`filename,label`) and `images/NAME`", "", "images/{name}"),
    ravi("`test.csv` and `images/WNID/NAME`", "", "images/{wnid}/{name}"),
    ravi("`test.csv` and `images/WNID/NAME`", "", "{wnid}/{name}"),
    ravi("`test.csv` and `images/WNID/NAME`", "", "test/{wnid}/{name}"),
    ravi("UniSiam", "split/miniImageNet", "images/{name}"),
    ravi("UniSiam", "split", "images/{name}"),
    Layout("fewshot", "mini", "`test.csv` and ILSVRC", ilsvrc(partial(put_ravi, rows=RAVI)), counted_out("train/")),
    Layout("fewshot", "mini", "`novel.json`", json_lists, [("images/a1.jpg", FINCH), ("images/a2.jpg", ROBIN)]),
    Layout("fewshot", "tiered", "`novel.json`", json_lists, [("images/a1.jpg", FINCH), ("images/a2.jpg", ROBIN)]),
    Layout("fewshot", "mini", "`test/CLASS/IMAGE`", folders("test"), IN_FOLDERS),
    Layout("fewshot", "tiered", "`test/CLASS/IMAGE`", folders("novel"), IN_FOLDERS),
    Layout(
        "fewshot", "tiered", "`test.csv` (`wnid,superclass`)", ilsvrc(lambda root: put_classes(root, [FINCH])),
        [(f"train/{FINCH}/{FINCH}_{number}.JPEG", FINCH) for number in (1, 2)],
    ),
    Layout("fewshot", "tiered", "UniSiam", listed("", ""), counted_out("")),
    Layout("fewshot", "tiered", "UniSiam", listed("split/tieredImageNet", "images"), counted_out("images/")),
    Layout("fewshot", "tiered", "UniSiam", listed("split/tieredImageNet", "train", ""), counted_out("train/")),
    Layout(
        "fewshot", "tiered", "UniSiam", listed_in_one_folder("", "images"),
        [(f"images/{wnid}_{number}.JPEG", wnid) for wnid, number in RAVI],
    ),
    Layout("longtail", "imagenet-lt", "lists with", put_imagenet_lt),
    *(Layout("finegrained", name, "lists and images", PUT[name][0]) for name in ("cub", "cars", "food", "aircraft")),
    Layout("finegrained", "folder", "`train/CLASS/IMAGE`", folders("train", "test"), IN_TEST),
    Layout("longtail", "folder", "`train/CLASS/IMAGE`", folders("train", "test"), IN_TEST),
    Layout("finegrained", "folder", "`train/CLASS/IMAGE`", folders(""), options={"split": RandomSplit(0.5, 0)}),
]  # fmt: skip
NAMED = [f"{each.benchmark}-{each.dataset}-{number}" for number, each in enumerate(LAYOUTS)]


def read(layout: Layout, root: Path) -> Any:
    options: dict[str, Any] = (
        {"partial": True} if catalog.entry(layout.benchmark, layout.dataset).can_be_partial else {}
    )
    return catalog.load(layout.benchmark, layout.dataset, str(root), **options, **(layout.options or {}))


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMED)
def test_it_is_read(layout: Layout, tmp_path: Path) -> None:
    layout.lay(tmp_path / "sets")
    dataset = read(layout, tmp_path / "sets")
    assert dataset.test
    if layout.images is not None:
        assert sorted(found(dataset.test)) == sorted(layout.images)


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMED)
def test_it_is_read_in_a_folder_of_its_own_name(layout: Layout, tmp_path: Path) -> None:
    layout.lay(tmp_path / "sets/sets")
    (tmp_path / "sets/__MACOSX").mkdir()
    doubled = read(layout, tmp_path / "sets")
    shutil.move(tmp_path / "sets/sets", tmp_path / "plain")
    plain = read(layout, tmp_path / "plain")
    assert (doubled.train, doubled.test, doubled.names) == (plain.train, plain.test, plain.names)


@pytest.mark.parametrize("layout", [each for each in LAYOUTS if not each.options], ids=lambda each: each.row)
def test_its_folders_may_be_doubled(layout: Layout, tmp_path: Path) -> None:
    """cars_train/cars_train/00001.jpg, images/images/...: whatever holds images or folders of them."""
    layout.lay(tmp_path / "plain")
    layout.lay(tmp_path / "doubled")
    for folder in [path for path in (tmp_path / "doubled").iterdir() if path.is_dir() and path.name not in LISTS]:
        if re.fullmatch(r"n[0-9]{8}", folder.name):
            continue  # a class
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        (tmp_path / "moved").rename(folder / folder.name)
    plain, doubled = (read(layout, tmp_path / name) for name in ("plain", "doubled"))
    for split in ("train", "test"):
        contents = [[(one.sha256, one.label) for one in getattr(each, split)] for each in (plain, doubled)]
        assert contents[0] == contents[1] != []


LISTS = ("meta", "devkit", "split", "ImageNet_LT")


def test_the_page_has_the_rows() -> None:
    page = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    table = page[page.index("## Layouts") :].split("\n\n")[2].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    assert len(rows) == 12
    for layout in LAYOUTS:
        assert any(f"`{layout.dataset}`" in row[0] and row[1].startswith(layout.row) for row in rows), layout
    for names, row in rows[:-1]:
        for name in re.findall("`([a-z-]+)`", names):
            assert any(each.dataset == name and row.startswith(each.row) for each in LAYOUTS), (name, row)


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMED)
def test_it_is_read_from_the_folder_that_it_was_unpacked_in(layout: Layout, tmp_path: Path) -> None:
    """Where the data set's own folder has the name that it was published under."""
    names = {
        "mini": "miniImagenet",
        "tiered": "tiered_imagenet",
        "aircraft": "fgvc-aircraft-2013b/fgvc-aircraft-2013b/data",
    }
    names |= {"cub": "CUB_200_2011/CUB_200_2011", "cars": "stanford_cars/stanford_cars", "food": "food-101/food-101"}
    if layout.dataset not in names:
        pytest.skip("it has no name")
    layout.lay(tmp_path / "data" / names[layout.dataset])
    dataset = read(layout, tmp_path / "data")
    assert dataset.test
    if layout.images is not None:
        assert sorted(found(dataset.test)) == sorted(layout.images)


def test_a_class_folder_of_the_name_of_its_root_is_a_class(tmp_path: Path) -> None:
    """Beside others: then it is no folder that was unpacked."""
    folders("train", "test")(tmp_path / "cat")
    dataset = catalog.load("finegrained", "folder", str(tmp_path / "cat"))
    assert dataset.classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        (
            "mini-imagenet-cache-test.pkl",
            "mini-imagenet-cache-test.pkl holds arrays; make class folders of them: genie unpack ",
        ),
        ("test.npz", "test.npz holds arrays; make class folders"),
        ("test.h5", "test.h5 holds arrays, which are not read"),
        ("mini.tar.gz", "unpack mini.tar.gz there"),
    ],
)
def test_what_is_packed_is_named(file: str, hint: str, tmp_path: Path) -> None:
    put(tmp_path, file)
    with pytest.raises(FolderError, match="has no mini-ImageNet test split") as caught:
        catalog.load("fewshot", "mini", str(tmp_path))
    assert caught.value.hint.startswith(hint)
