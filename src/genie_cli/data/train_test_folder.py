"""Your own data with a training and a test split: ``train/<class>/**/<image>`` and ``test/<class>/**/<image>``.

Or ``<class>/**/<image>``, from which a test split is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.folder import list_sources, require_folder
from genie_cli.data.images import IMAGE_SUFFIXES
from genie_cli.data.listing import files_in, folders_in, undoubled
from genie_cli.data.published import Published
from genie_cli.data.random_split import RandomSplit
from genie_cli.data.train_test_splits import read_splits, size_in_words, with_images_per_class, words_of
from genie_cli.errors import FolderError, shorten
from genie_cli.observer import Observer

HOW_TO_GET = """\
folder is your own data: a folder with
  train/<class>/<image>, ... and test/<class>/<image>, ...; without test/, val/ is taken
or a folder with <class>/<image>, ..., from which --test-share 0.2 draws a test split
A class's folder is its name in prompts, with spaces for underscores; a WordNet id becomes ImageNet's word for it."""

TRAIN_TEST_FOLDER = Published(title="class folders", how_to_get=HOW_TO_GET, class_folders=("",), labels_are_names=False)


def read(
    root: Path, *, split: RandomSplit | None = None, partial: bool = False, observer: Observer | None = None
) -> Dataset:
    """Read both splits; see `read_splits` for the other arguments, order and errors.

    Args:
        split: draws the test split, of a folder without one.
    """
    root = _root(root)
    if split:
        return _drawn(root, split, observer or Observer())
    _require_splits(root)
    return read_splits(TRAIN_TEST_FOLDER, root, partial=partial, observer=observer)


def read_long_tailed(
    root: Path, *, split: RandomSplit | None = None, partial: bool = False, observer: Observer | None = None
) -> Dataset:
    """Read both splits with every test image, and say in the layout how many training images the classes have.

    Arguments and errors are those of `read`.
    """
    root = _root(root)
    if split:
        found = _drawn(root, split, observer or Observer())
    else:
        _require_splits(root)
        found = read_splits(TRAIN_TEST_FOLDER, root, partial=partial, observer=observer, keep_copies=True)
    names = {label: words for label, words in found.names.items() if words != label}
    return with_images_per_class(replace(found, names=names))


def _root(root: Path) -> Path:
    """The folder, or the one of its own name in it; FolderError if it cannot be read."""
    require_folder(root)
    return root / undoubled(root)


def _require_splits(root: Path) -> None:
    """Raise FolderError for a folder whose subfolders hold images, and none of which is named as a split."""
    found = folders_in(root)
    if not found & {"train", "test", "val"} and (
        flat := [name for name in sorted(found) if _holds_images(root / name)]
    ):
        raise FolderError(
            f"{root} has class folders ({shorten(flat)}), but no training and test split",
            ["to draw one: --test-share 0.2", "or make folders train and test, with the class folders in each"],
        )


def _holds_images(folder: Path) -> bool:
    return any(Path(name).suffix.lower() in IMAGE_SUFFIXES for name in files_in(folder))


def _drawn(root: Path, split: RandomSplit, observer: Observer) -> Dataset:
    """Read a folder of classes and draw its test split.

    Raises:
        FolderError: the folder has splits already, or no class with two images; or see `folder.list_sources`.
    """
    found = folders_in(root)
    if "train" in found and found & {"test", "val"}:
        raise FolderError(f"{root} has a training and a test split", "leave out --test-share")
    drawn = split.of(list_sources(root, observer=observer))
    observer.left_out(list(drawn.reasons()))
    if not drawn.test:
        raise FolderError(f"{root} has no class with two different images: nothing can be tested", "add images")
    names = words_of(TRAIN_TEST_FOLDER, root, (source.label for source in drawn.train))
    where = f"class folders, {split.share:g} of each class drawn for the test split with seed {split.seed}"
    layout = f"{where}; {size_in_words(TRAIN_TEST_FOLDER, drawn.train, drawn.test)}"
    return Dataset(root, drawn.train, drawn.test, names, layout=layout, is_drawn=True)
