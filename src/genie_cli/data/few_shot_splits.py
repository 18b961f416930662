"""Reads one split of a few-shot data set (paper, section 4.1) by its lists, or from class folders.

What the split must hold comes from the lists, or else from the published numbers.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from genie_cli.data.class_words import names_of
from genie_cli.data.dataset import Dataset
from genie_cli.data.folder import find, hashed, require_folder
from genie_cli.data.ilsvrc import FEWEST, trees
from genie_cli.data.imagenet import WNID, in_words, is_class
from genie_cli.data.listing import ARCHIVES, contents, counted, files_in, folders_in, is_file, only_folder, undoubled
from genie_cli.data.lists import Image, read_few_shot_json
from genie_cli.data.places import Placed, best, of_paths
from genie_cli.data.published import Published, Split
from genie_cli.data.wholeness import PARTIAL_HINT, require_published_size
from genie_cli.errors import FolderError
from genie_cli.observer import Observer

CsvPlaces = Callable[[Path, Path], Iterable[Placed]]

_CACHES = (".pkl", ".pickle", ".npz")  # of the code of some few-shot papers; genie unpack reads them
_OTHERS = (".npy", ".h5", ".hdf5", ".mat")
_JSON: dict[Split, str] = {"train": "base.json", "val": "val.json", "test": "novel.json"}
_FOLDERS: dict[Split, tuple[str, ...]] = {"train": ("train", "base"), "val": ("val",), "test": ("test", "novel")}


def read_split(
    published: Published,
    root: Path,
    split: Split,
    csv_places: CsvPlaces,
    *,
    partial: bool = False,
    observer: Observer | None = None,
) -> Dataset:
    """Read one split; it is both the training and the test split of the result.

    Sources are sorted by class, and within a class by the number at the end of the file's name, so that every layout
    gives the same images in the same order. A label is a WordNet id, or the class name of the folder or list.

    Args:
        published: the data set.
        root: its folder; only ``split`` of it is read.
        csv_places: from the root and a CSV list to the places where the listed images were looked for.
        partial: accept missing images and classes, and other class folders; the layout then says how much was found.
        observer: is told which images were left out.

    Raises:
        FolderError: no known layout, or not the whole split: with what was expected and found.
    """
    require_folder(root)
    root = _home(published, root, split)
    with published.hinting():
        found, images, layout = _find(published, root, split, csv_places, partial)
        labels = sorted({label for _, label in images})
        names = _names(labels)
        sources, unusable = hashed(found, sorted(images, key=_order), observer)
        if not sources or (unusable and not partial):
            path, reason = unusable[0]
            raise FolderError(f"{found / path} {reason}", PARTIAL_HINT if sources else "")
    (observer or Observer()).left_out([f"{path} {reason}" for path, reason in unusable])
    size = published.sizes[split]
    classes = len({source.label for source in sources})
    if (classes, len(sources)) != (size.classes, size.images):
        layout += f"; {classes} of the published {size.classes} classes, {len(sources)} of {size.images} images"
    return Dataset(found, tuple(sources), tuple(sources), names, layout=layout)


def _home(published: Published, root: Path, split: Split) -> Path:
    """The folder of the data set: the one that was given, or the only one in it if the data set is there."""
    root /= undoubled(root)
    within = root / undoubled(root, only_folder(root)) if only_folder(root) else root
    return within if not _has(published, root, split) and _has(published, within, split) else root


def _has(published: Published, root: Path, split: Split) -> bool:
    """Whether a folder has a list or a folder of the split."""
    lists = (root / undoubled(root, place) / name for place in published.list_folders for name in _names_of(split))
    return any(map(is_file, lists)) or any(folders_in(root / undoubled(root, name)) for name in _FOLDERS[split])


def _names_of(split: Split) -> tuple[str, str]:
    return f"{split}.csv", _JSON[split]


def _find(
    published: Published, root: Path, split: Split, csv_places: CsvPlaces, partial: bool
) -> tuple[Path, list[Image], str]:
    """The folder that paths are relative to, the split's images, and the layout in words."""
    for folder in (undoubled(root, place) if place else "" for place in published.list_folders):
        for name in _names_of(split):
            file = root / folder / name
            if is_file(file):
                is_json = file.suffix == ".json"
                places = of_paths(root, read_few_shot_json(file)) if is_json else csv_places(root, file)
                return root, *_listed(published, root, split, partial, file, places)
    for folder in (undoubled(root, name) for name in _FOLDERS[split]):
        if folders_in(root / folder):
            images, _ = find(root / folder)
            if not images:
                raise FolderError(f"{root / folder} has no images in class folders")
            if not partial:
                require_published_size(published, split, images, root / folder)
            return root / folder, images, f"class folders in {folder}"
    wanted = f"neither {split}.csv nor {_JSON[split]} nor class folders in {' or '.join(_FOLDERS[split])}"
    found = "ILSVRC images, but not the lists" if trees(root) else contents(root)
    raise FolderError(
        f"{root} has no {published.title} {split} split: {wanted}; it holds {found}", _packed(root, split)
    )


def _packed(root: Path, split: Split) -> str:
    """What to do about a data set that is packed into a file; empty if there is none."""
    names = sorted(files_in(root))
    if archive := next((name for name in names if name.lower().endswith(ARCHIVES)), ""):
        return f"unpack {archive} there"
    caches = [name for name in names if name.lower().endswith(_CACHES)]
    if cache := next((name for name in caches if split in name), next(iter(caches), "")):
        words = ["genie", "unpack", str(root / cache), "--out", str(root / split)]
        return f"{cache} holds arrays; make class folders of them: {shlex.join(words)}"
    if other := next((name for name in names if name.lower().endswith(_OTHERS)), ""):
        return f"{other} holds arrays, which are not read: save each as an image in a folder of its class"
    return ""


def _listed(
    published: Published, root: Path, split: Split, partial: bool, file: Path, places: Iterable[Placed]
) -> tuple[list[Image], str]:
    """The listed images that exist, and the layout in words."""
    placed = best(places)
    if placed is None:
        raise FolderError(
            f"{file} lists images, and none is in a place where they are looked for; {root} holds {contents(root)}"
        )
    images = [(image.path, image.label) for image in placed.images if image.path is not None]
    if not partial:
        _require_listed(root, placed)
        # A list of images says how many there are. A list of classes does not, unless it is the published one.
        if placed.lists_classes and len({label for _, label in images}) == published.sizes[split].classes:
            require_published_size(published, split, images, root)
    return images, f"list {file.relative_to(root)}, {placed.where}"


def _require_listed(root: Path, placed: Placed) -> None:
    """Raise FolderError if listed images are missing, or the list counts into an ILSVRC class that is incomplete."""
    wanted = Counter(image.label for image in placed.images)
    missing = Counter(image.label for image in placed.images if image.path is None)
    if missing:
        label = next(iter(missing))
        if placed.lists_classes:  # then what is missing is whole classes
            expected = f"expected images of {len(wanted)} classes as {placed.where}, "
            found = f"found {counted(len(wanted) - len(missing), 'class', 'classes')}; first missing: {in_words(label)}"
        else:
            first = next(image.name for image in placed.images if image.path is None)
            others = f"; {len(missing)} of {len(wanted)} classes are incomplete" if len(missing) > 1 else ""
            expected = f"expected {wanted[label]} images of {in_words(label)} as {placed.where}, "
            found = f"found {wanted[label] - missing[label]}; first missing: {first}{others}"
        raise FolderError(f"{root}: {expected}{found}", PARTIAL_HINT)
    if placed.tree:
        for label in wanted:
            count = len(placed.tree.images(label))
            if count < FEWEST:
                expected = f"expected all ILSVRC images of {in_words(label)}, at least {FEWEST}"
                raise FolderError(f"{root}: {expected}, found {count}: {placed.where}", PARTIAL_HINT)


def _order(image: Image) -> tuple[str, int, str]:
    path, label = image
    numbers = re.findall(r"[0-9]+", PurePosixPath(path).stem)
    return label, int(numbers[-1]) if numbers else -1, path


def _names(labels: Sequence[str]) -> dict[str, str]:
    """Names for prompts; FolderError for a WordNet id that is not ImageNet's."""
    for label in labels:
        if WNID.fullmatch(label) and not is_class(label):
            raise FolderError(f"{label} is not a class of ILSVRC 2012")
    return names_of(labels)
