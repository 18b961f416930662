"""``.npz`` archives of images and labels. Images are read one by one, so that a large file takes no memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from genie_cli.files.reading import blaming, open_binary
from genie_cli.unpack import arrays, pickled, pickles
from genie_cli.unpack.packed import Packed, refused

_KIND = "a .npz archive of arrays"
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_LARGEST = 1 << 28  # bytes of one image, or of all labels


def read(path: Path, asked: str | None) -> Packed:
    """Read an archive of arrays, as numpy.savez writes it; see `arrays` for the layouts.

    Raises:
        UsageError: it is damaged, or has no images with labels.
    """
    with blaming(path, refused, _KIND), open_binary(path) as file, zipfile.ZipFile(file) as archive:
        names = [each.filename for each in archive.infolist()]
        members = {name.removesuffix(".npy"): name for name in names if name.endswith(".npy")}
        if not members:
            raise refused(f"{path} is an archive, but not of arrays", f"unpack it: unzip {path}")
        key = arrays.image_key(members, asked)
        wanted = {*arrays.LABELLING, asked}
        values = {
            name: _whole(archive, member) if name in wanted else None for name, member in members.items() if name != key
        }
        images = _Rows(path, members[key], *_rows(archive, members[key])) if key else None
        return arrays.packed(str(path), values, images, asked, pickles.labels(path))


@dataclass(frozen=True)
class _Rows:
    """The images of an array of an archive, which is opened when they are read."""

    path: Path
    member: str
    count: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[NDArray[Any]]:
        size = math.prod(self.shape) * self.dtype.itemsize
        with (
            blaming(self.path, refused, _KIND),
            open_binary(self.path) as file,
            zipfile.ZipFile(file) as archive,
            archive.open(self.member) as stream,
        ):
            _header(stream)
            for _ in range(self.count):
                data = stream.read(size)
                if len(data) != size:
                    raise ValueError("it ends too early")
                yield np.frombuffer(data, self.dtype).reshape(self.shape)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError("its version is not of arrays of numbers")
    shape, is_fortran, dtype = _HEADERS[version](stream)
    if min(shape, default=0) < 0 or dtype.kind not in "biufSUO":
        raise ValueError(f"an array of {str(dtype)[:80]} in the shape {shape}")
    return shape, is_fortran, dtype


def _rows(archive: zipfile.ZipFile, member: str) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
    """The number, shape and type of the images of an array, of which the bytes are there."""
    with archive.open(member) as stream:
        shape, is_fortran, dtype = _header(stream)
        begin = stream.tell()
    there = archive.getinfo(member).file_size - begin
    if dtype.hasobject or (is_fortran and len(shape) > 1) or len(shape) < 2:
        raise ValueError(f"images of {dtype} in the shape {shape}, which are not read")
    if math.prod(shape) * dtype.itemsize != there or not 0 < math.prod(shape[1:]) * dtype.itemsize <= _LARGEST:
        raise ValueError(f"images in the shape {shape} of {dtype}, in {there:,} bytes")
    return shape[0], shape[1:], dtype


def _whole(archive: zipfile.ZipFile, member: str) -> Any:
    """An array that is small: labels or names."""
    if archive.getinfo(member).file_size > _LARGEST:
        raise ValueError(f"{member} has more than {_LARGEST:,} bytes")
    with archive.open(member) as stream:
        shape, is_fortran, dtype = _header(stream)
        data = stream.read(_LARGEST + 1)
    if dtype.hasobject:
        return pickled.load(BytesIO(data))
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{member} has the shape {shape} of {dtype}, in {len(data):,} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")
