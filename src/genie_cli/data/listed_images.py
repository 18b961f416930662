"""Reads lists of images, `filename,label`, as the code of UniSiam has them for tiered-ImageNet.

An image is listed in its class's folder, or as ILSVRC names it, with the class in its own name.
"""

from __future__ import annotations

import re
from pathlib import Path

from genie_cli.data.imagenet import is_class
from genie_cli.data.lists import Image, csv_of, distinct, listed_path, refuse_row
from genie_cli.errors import FolderError

HEADER = ["filename", "label"]
_ILSVRC = re.compile(r"(n[0-9]{8})_[0-9]+\.JPEG", re.IGNORECASE)
_EXAMPLE = "n03314780/n03314780_1234.JPEG,n03314780"


def read_listed_images(file: Path) -> tuple[Image, ...] | None:
    """The images of such a list: path and class. Paths may be those of another computer.

    Returns:
        None if it is a list of another kind: it has another header, or its first image has no class in its path.

    Raises:
        FolderError: a line is not of that form, or lists an image twice or of a class that is not ImageNet's.
    """
    header, *rows = csv_of(file)
    if header[1] != HEADER or not rows or not _class_of(rows[0][1][0].replace("\\", "/")):
        return None
    images = []
    for line, row in rows:
        path = listed_path(file, row[0])
        if len(row) != 2 or _class_of(path) != row[1]:
            refuse_row(file, (line, row), f"a row such as {_EXAMPLE}")
        if not is_class(row[1]):
            raise FolderError(f"{file}, line {line}: {row[1]} is not a class of ILSVRC 2012")
        images.append((path, row[1]))
    return distinct(file, images, lambda image: "/".join(image[0].split("/")[-2:]))


def _class_of(path: str) -> str:
    """The class by a listed path; empty if it does not say."""
    *folders, name = path.split("/")
    match = _ILSVRC.fullmatch(name)
    return folders[-1] if folders else match[1] if match else ""
