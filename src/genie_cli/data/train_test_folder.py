"""Your own data with a training and a test split: ``train/<class>/**/<image>`` and ``test/<class>/**/<image>``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from genie_cli.data.dataset import Dataset
from genie_cli.data.published import Published
from genie_cli.data.train_test_splits import read_splits, with_images_per_class
from genie_cli.observer import Observer

HOW_TO_GET = """\
folder is your own data: a folder with
  train/<class>/<image>, ... and test/<class>/<image>, ...; without test/, val/ is taken
A class's folder is its name in prompts, with spaces for underscores; a WordNet id becomes ImageNet's word for it."""

TRAIN_TEST_FOLDER = Published(title="class folders", how_to_get=HOW_TO_GET, class_folders=("",), labels_are_names=False)


def read(root: Path, *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits; see `read_splits` for arguments, order and errors."""
    return read_splits(TRAIN_TEST_FOLDER, root, partial=partial, observer=observer)


def read_long_tailed(root: Path, *, partial: bool = False, observer: Observer | None = None) -> Dataset:
    """Read both splits with every test image, and say in the layout how many training images the classes have.

    Arguments and errors are those of `read`.
    """
    found = read_splits(TRAIN_TEST_FOLDER, root, partial=partial, observer=observer, keep_copies=True)
    names = {label: words for label, words in found.names.items() if words != label}
    return with_images_per_class(replace(found, names=names))
