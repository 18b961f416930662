"""Which kind of file a packed file is, by how it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from genie_cli.errors import UsageError
from genie_cli.files.reading import blaming, open_binary
from genie_cli.unpack import npz, parquet, pickles, web_dataset
from genie_cli.unpack.packed import Packed, Picture, refused

Read = Callable[[Path, str | None], Packed]

_TAR = slice(257, 262)  # where a tar archive says that it is one
_OTHERS = (
    (b"\x1f\x8b", "is compressed by gzip", "gunzip it first"),
    (b"BZh", "is compressed by bzip2", "bunzip2 it first"),
    (b"\xfd7zXZ", "is compressed by xz", "unxz it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed by Zstandard", "unzstd it first"),
    (b"\x93NUMPY", "is a single array, without labels", "save images and labels together: numpy.savez"),
    (b"\x89HDF", "is HDF5, which is not read", "save its arrays as images and labels: numpy.savez"),
    (b"<", "is a page of the web, such as a download page", "download the file itself"),
    (b"version https://git-lfs", "is a pointer of Git LFS", "get the file itself: git lfs pull"),
)

_no_file = partial(UsageError, hint="give a file: a pickle, .npz, Parquet or a tar archive")


def opened(path: Path, asked: str | None) -> Packed:
    """Look into a packed file, and read it; its first image is read at once.

    Args:
        asked: the key, column or field of the labels; None: one of those that are known.

    Raises:
        UsageError: there is no such file, or it is none that is read.
    """
    with blaming(path, _no_file, "a file"), open_binary(path) as file:
        head = file.read(512)
    packed = _reader(path, head)(path, asked)
    pictures = _blamed(path, packed.pictures)
    first = next(pictures, None)
    if first is None:
        raise refused(f"{path} has no images: {packed.layout}")
    return replace(packed, pictures=chain([first], pictures))


def _blamed(path: Path, pictures: Iterator[Picture]) -> Iterator[Picture]:
    with blaming(path, refused, "a file of images with labels"):
        yield from pictures


def _reader(path: Path, head: bytes) -> Read:
    if head.startswith(b"PAR1"):
        return parquet.read
    if head.startswith(b"PK"):
        return npz.read
    if head[_TAR] == b"ustar" or path.suffix.lower() == ".tar":
        return web_dataset.read
    for start, what, hint in _OTHERS:
        if head.startswith(start):
            raise refused(f"{path} {what}", hint)
    if not head:
        raise refused(f"{path} is empty")
    return pickles.read
