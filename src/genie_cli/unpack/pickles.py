"""Pickled caches of images: mini-ImageNet's, tiered-ImageNet's, and those of other few-shot code bases."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genie_cli.files.reading import blaming, open_binary
from genie_cli.unpack import arrays, pickled
from genie_cli.unpack.beside import labels_of
from genie_cli.unpack.packed import Packed, refused

_KIND = "a pickle of arrays"


def read(path: Path, asked: str | None) -> Packed:
    """Read a pickle into memory; see `arrays` for the layouts.

    Raises:
        UsageError: it holds something else than arrays and plain containers, or no images with labels.
    """
    content = loaded(path)
    with blaming(path, refused, _KIND):
        more = labels(path)
        if not isinstance(content, Mapping):
            return arrays.packed(str(path), {}, _several(path, content), asked, more)
        values = arrays.named(content)
        key = arrays.image_key(values, asked)
        return arrays.packed(str(path), values, _several(path, values[key]) if key else None, asked, more)


def labels(path: Path) -> Mapping[str, Any]:
    """What the file of labels beside a file of images holds; empty if there is none."""
    with blaming(path, refused, _KIND):
        beside = labels_of(path)
    if beside is None:
        return {}
    content = loaded(beside)
    with blaming(beside, refused, _KIND):
        return arrays.named(content) if isinstance(content, Mapping) else {"labels": content}


def loaded(path: Path) -> Any:
    """What a pickle holds, of arrays and plain values; UsageError if it holds anything else."""
    with blaming(path, refused, _KIND), open_binary(path) as file:
        if os.fstat(file.fileno()).st_size > pickled.MAX_BYTES:
            raise refused(f"{path} has more than {pickled.MAX_BYTES:,} bytes, and a pickle is read into memory")
        try:
            return pickled.load(file)
        except (EOFError, struct.error):
            raise refused(f"{path} is cut off: its end is missing", "download it again") from None
        except pickled.RefusedError as error:
            raise refused(
                f"{path} is not read: it asks for {error}, and only arrays and plain values are taken from a pickle, "
                "since anything else could run code",
                "get the images as files, or as arrays of numpy",
            ) from None


def _several(path: Path, value: Any) -> arrays.Images:
    value = pickled.plain(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return value
    if isinstance(value, list | tuple):
        return value
    raise refused(f"{path} holds no images, but one {type(value).__name__}")
