"""ImageNet-LT: ImageNet with a long tail, 5 to 1280 training images per class (Liu et al. 2019; paper, section 4.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from genie_cli.data import ilsvrc
from genie_cli.data.dataset import Dataset
from genie_cli.data.folder import require_folder
from genie_cli.data.imagenet import WNID, distinct_names, in_words, wnids
from genie_cli.data.listing import FileIndex, is_folder, undoubled
from genie_cli.data.lists import Image, Lists, lines_of, listed_path, lists_of
from genie_cli.data.published import Published, Size
from genie_cli.data.train_test_splits import find_lists, no_layout, size_in_words, sources_of, with_images_per_class
from genie_cli.data.wholeness import require_published_size
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

HOW_TO_GET = f"""\
ImageNet-LT is a folder (parts of it may be links) with
  ImageNet_LT_train.txt and ImageNet_LT_test.txt (relative/path label), here, in ImageNet_LT/ or given by --lists, and
    ILSVRC's training images as train/n01440764/n01440764_190.JPEG, ..., and its validation images as
    val/n01440764/ILSVRC2012_val_00000293.JPEG, ..., or without class folders, val/ILSVRC2012_val_00000293.JPEG, ...;
    both also in ILSVRC/Data/CLS-LOC/ and the like
{ilsvrc.HOW_TO_GET}
The lists are Liu et al.'s (GitHub: zhmiao/OpenLongTailRecognition-OLTR links to them;
facebookresearch/classifier-balancing has them in data/ImageNet_LT). 115846 training images, 5 to 1280 of each of 1000
classes, and 50 test images of each."""

# Where a listed image may lie below the folder, by the WordNet id of its class and its own name.
_TRAINING_PATHS = tuple(f"{place}/{{wnid}}/{{name}}".lstrip("/") for place in ilsvrc.PLACES)
_TEST_PATHS = tuple(f"{place}/{path}" for place in ilsvrc.VALIDATION_PLACES for path in ("{wnid}/{name}", "{name}"))


def read(root: Path, *, lists: Path | None = None, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits; the test split is ILSVRC's validation images, 50 per class.

    Sources are by WordNet id and then by path; classes are in the order of the lists' numbers.

    Args:
        root: a folder in one of the layouts of `HOW_TO_GET`.
        lists: the folder of the lists, if they do not lie with the images.
        partial: accept shorter lists than the published ones, missing images, and classes that lack a split; the
            layout then says how much was found.
        observer: is told which images were left out.

    Raises:
        FolderError: no known layout, or not the whole data set: with what was expected and found.
    """
    require_folder(root)
    root /= undoubled(root)
    with IMAGENET_LT.hinting():
        where, listed = _listed(root, lists)
        if not partial:
            require_published_size(IMAGENET_LT, "train", listed.train, lists or root)
            require_published_size(IMAGENET_LT, "test", listed.test, lists or root)
        train_at, train_images = _placed(root, _TRAINING_PATHS, listed.train)
        test_at, test_images = _placed(root, _TEST_PATHS, listed.test)
        train, test = sources_of(root, train_images, test_images, partial=partial, observer=observer or Observer())
    kept = {source.label for source in train}
    classes = tuple(wnid for wnid in wnids() if wnid in kept)
    size = size_in_words(IMAGENET_LT, train, test)
    layout = f"ImageNet-LT by its lists{where}, images in {train_at} and {test_at}; {size}"
    return with_images_per_class(Dataset(root, train, test, distinct_names(classes), layout=layout, order=classes))


def read_lists(files: Sequence[Path]) -> Lists:
    """Read `ImageNet_LT_train.txt` and `ImageNet_LT_test.txt`: lines ``relative/path label``.

    Classes are WordNet ids; a label is the place of its id among the thousand, sorted, from 0.

    Raises:
        FolderError: a line is not of that form, or its path and label are of different classes.
    """
    train, test = files
    return lists_of(train.parent, list(_images(train)), list(_images(test)))


def _images(file: Path) -> Iterator[Image]:
    in_order = wnids()
    for number, line in lines_of(file):
        match = re.fullmatch(r"(\S.*?)\s+([0-9]{1,3})", line, re.ASCII)
        if not match:
            expected = "expected a line such as 'train/n01440764/n01440764_190.JPEG 0', with a label from 0 to 999"
            raise FolderError(f"{file}, line {number}: {expected}; found {line[:80]!r}")
        path, wnid = listed_path(file, match[1]), in_order[int(match[2])]
        for other in WNID.findall(path):
            if other != wnid:
                expected = f"expected label {match[2]} to be {in_words(wnid)}, as WordNet ids are sorted"
                raise FolderError(f"{file}, line {number}: {expected}; found {path}")
        yield path, wnid


def _listed(root: Path, lists: Path | None) -> tuple[str, Lists]:
    """Where the lists lie, in words, and what they list."""
    require_folder(lists or root)
    found = find_lists(IMAGENET_LT, lists or root)
    if found is None:
        raise no_layout(IMAGENET_LT, lists or root)
    place, files = found
    where = f" in {lists / place}" if lists else f" in {place}" if place else ""
    return where, read_lists(files)


def _placed(root: Path, templates: Sequence[str], images: Sequence[Image]) -> tuple[str, list[Image]]:
    """Where most of the images lie, in words, and their paths below ``root`` there.

    If none is found, they are as listed: `require_files` then says what is missing.
    """
    files = FileIndex(root)
    names = [(path.rpartition("/")[2], wnid) for path, wnid in images]
    there = [_undoubled(root, template) for template in templates if is_folder(root / template.partition("{")[0])]
    places = [(each, [(each.format(wnid=wnid, name=name), wnid) for name, wnid in names]) for each in there]
    found = [sum(path in files for path, _ in placed) for _, placed in places]
    if not any(found):
        return "", list(images)
    template, placed = places[found.index(max(found))]
    return template.format(wnid="<class>", name="").rstrip("/") or "the folder itself", placed


def _undoubled(root: Path, template: str) -> str:
    folder, brace, rest = template.partition("{")
    return f"{undoubled(root, folder.rstrip('/'))}/{brace}{rest}".lstrip("/") if folder else template


IMAGENET_LT = Published(
    title="ImageNet-LT",
    how_to_get=HOW_TO_GET,
    sizes={"train": Size(1000, 115846, (5, 1280)), "test": Size(1000, 50000, (50, 50))},
    files=(("ImageNet_LT_train.txt",), ("ImageNet_LT_test.txt",)),
    list_folders=("", "ImageNet_LT"),
    read_lists=read_lists,
)
