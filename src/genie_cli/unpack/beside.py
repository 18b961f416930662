"""The file of labels that lies beside a file of images: ``train_labels.pkl`` of ``train_images_png.pkl``."""

from __future__ import annotations

import re
from pathlib import Path

from genie_cli.files.reading import is_file

_IMAGES = re.compile(r"_images(_png)?\.(pkl|pickle|npz)\Z")


def labels_of(path: Path) -> Path | None:
    """The file of labels of a file of images; None if there is none.

    Raises:
        OSError: it cannot be found out whether there is one.
    """
    name = _IMAGES.sub("_labels.pkl", path.name)
    if name == path.name:
        return None
    beside = path.with_name(name)
    return beside if is_file(beside) else None
