"""The few-shot data sets of the paper's section 4.1, read from the layouts in which people have them.

What a split must hold comes from the lists that lie with it, or else from the published numbers. A benchmark on
part of its images is another benchmark, so anything less is an error unless ``partial`` is asked for.

This module does not know torch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from genie_cli.data.fewshot_lists import read_classes, read_json, read_ravi
from genie_cli.data.fewshot_places import Placed, best, contents, of_classes, of_json, of_ravi
from genie_cli.data.fewshot_published import MINI, PARTIAL_HINT, TIERED, Published, Split, how_to_get
from genie_cli.data.folder import find, hashed, require_folder, saying
from genie_cli.data.ilsvrc import FEWEST, WNID, folders_in, trees
from genie_cli.data.imagenet import distinct_names, in_words, is_class
from genie_cli.errors import FolderError
from genie_cli.jobs import Source

__all__ = ["LabelledImages", "Split", "how_to_get", "mini_imagenet", "tiered_imagenet"]

_JSON: dict[Split, str] = {"train": "base.json", "val": "val.json", "test": "novel.json"}
_FOLDERS: dict[Split, tuple[str, ...]] = {"train": ("train", "base"), "val": ("val",), "test": ("test", "novel")}


@dataclass(frozen=True)
class LabelledImages:
    """What an evaluator reads.

    Attributes:
        root: the folder that the sources' paths are relative to.
        sources: by class, and within a class by the number at the end of the file's name: the same images have the
            same order in every layout. A label is a WordNet id, or the folder's or list's own name for the class.
        names: a label's words for prompts; a label that is not here is its own name.
        layout: which layout was found, in words, and what of it if it is not the whole split.
    """

    root: Path
    sources: tuple[Source, ...]
    names: Mapping[str, str]
    layout: str


def mini_imagenet(root: Path, split: Split = "test", *, partial: bool = False) -> LabelledImages:
    """mini-ImageNet (Vinyals et al., split by Ravi and Larochelle): 64, 16 and 20 classes of 600 images.

    Args:
        root: a folder in one of the layouts of ``how_to_get("mini")``; only ``split`` of it is read.
        partial: accept a split that lacks images or classes, or has other class folders; ``layout`` then says so.

    Raises:
        FolderError: no layout that is known, or not the whole split: with what was expected and found.
    """
    return _read(MINI, root, split, partial)


def tiered_imagenet(root: Path, split: Split = "test", *, partial: bool = False) -> LabelledImages:
    """tiered-ImageNet (Ren et al.): 351, 97 and 160 classes, all of their ILSVRC training images.

    Arguments and errors are those of `mini_imagenet`; the layouts are those of ``how_to_get("tiered")``.
    """
    return _read(TIERED, root, split, partial)


def _read(published: Published, root: Path, split: Split, partial: bool) -> LabelledImages:
    require_folder(root)
    with saying(published.how_to_get):
        for folder in published.list_folders:
            for name in (f"{split}.csv", _JSON[split]):
                if (root / folder / name).is_file():
                    return _listed(published, root, split, partial, root / folder / name)
        for folder in _FOLDERS[split]:
            if folders_in(root / folder):
                return _class_folders(published, root / folder, split, partial)
        raise _no_layout(published, root, split)


def _places(published: Published, root: Path, file: Path) -> Iterable[Placed]:
    if file.suffix == ".json":
        return of_json(root, read_json(file))
    return of_ravi(root, read_ravi(file)) if published.csv_lists == "images" else of_classes(root, read_classes(file))


def _listed(published: Published, root: Path, split: Split, partial: bool, file: Path) -> LabelledImages:
    placed = best(_places(published, root, file))
    if placed is None:
        raise FolderError(
            f"{file} was read, but of the images it lists not one is below {root}, which holds {contents(root)}"
        )
    images = [(image.path, image.label) for image in placed.images if image.path is not None]
    if not partial:
        _require_whole(root, placed)
        # A list of images says how many there are. A list of classes does not, but if it is the published one:
        if placed.all_of_a_class and len({label for _, label in images}) == published.classes[split]:
            published.require(split, images, root)
    return _images(published, root, split, partial, images, f"list {file.relative_to(root)}, {placed.where}")


def _require_whole(root: Path, placed: Placed) -> None:
    """Raise FolderError if listed images are missing, or the list counts into a class that is cut short."""
    wanted = Counter(image.label for image in placed.images)
    missing = Counter(image.label for image in placed.images if image.path is None)
    if missing:
        label = next(iter(missing))
        first = next(image.name for image in placed.images if image.path is None)
        others = f"; {len(missing)} of {len(wanted)} classes are incomplete" if len(missing) > 1 else ""
        expected = f"expected {wanted[label]} images of {in_words(label)} as {placed.where}, "
        found = f"found {wanted[label] - missing[label]}; first missing: {first}{others}"
        if placed.all_of_a_class:  # then what is missing is whole classes
            expected = f"expected images of {len(wanted)} classes as {placed.where}, "
            found = f"found {len(wanted) - len(missing)} classes; first missing: {in_words(label)}"
        raise FolderError(f"{root}: {expected}{found}", PARTIAL_HINT)
    for label in wanted if placed.tree else ():
        count = len(placed.tree.images(label)) if placed.tree else 0
        if count < FEWEST:
            expected = f"expected all ILSVRC images of {in_words(label)}, at least {FEWEST}"
            raise FolderError(f"{root}: {expected}, found {count}: {placed.where}", PARTIAL_HINT)


def _class_folders(published: Published, folder: Path, split: Split, partial: bool) -> LabelledImages:
    images, _ = find(folder)
    if not images:
        raise FolderError(f"{folder} has no images in class folders")
    if not partial:
        published.require(split, images, folder)
    return _images(published, folder, split, partial, images, f"class folders in {folder.name}")


def _images(
    published: Published, root: Path, split: Split, partial: bool, images: Sequence[tuple[str, str]], layout: str
) -> LabelledImages:
    labels = sorted({label for _, label in images})
    names = _names(labels)
    sources, unusable = hashed(root, sorted(images, key=_order))
    if not sources or (unusable and not partial):
        path, reason = unusable[0]
        raise FolderError(f"{root / path} {reason}", PARTIAL_HINT if sources else "")
    found = (len({source.label for source in sources}), len(sources))
    expected = (published.classes[split], published.images[split])
    if found != expected:
        layout += f"; {found[0]} of the published {expected[0]} classes, {found[1]} of {expected[1]} images"
    return LabelledImages(root, tuple(sources), names, layout)


def _order(image: tuple[str, str]) -> tuple[str, int, str]:
    path, label = image
    numbers = re.findall(r"[0-9]+", PurePosixPath(path).stem)
    return label, int(numbers[-1]) if numbers else -1, path


def _names(labels: Sequence[str]) -> dict[str, str]:
    """Words for prompts: of WordNet ids from ImageNet, of other names without underscores."""
    for label in labels:
        if WNID.fullmatch(label) and not is_class(label):
            raise FolderError(f"{label} is not a class of ILSVRC 2012")
    names = distinct_names(label for label in labels if is_class(label))
    return names | {label: label.replace("_", " ") for label in labels if "_" in label}


def _no_layout(published: Published, root: Path, split: Split) -> FolderError:
    wanted = f"neither {split}.csv nor {_JSON[split]} nor class folders in {' or '.join(_FOLDERS[split])}"
    found = "ILSVRC images, but not the lists" if trees(root) else contents(root)
    return FolderError(f"{root} has no {published.title} {split} split: {wanted}; it holds {found}")
