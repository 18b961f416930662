"""Reads arrays of numbers or names from ``.npy`` files that may have come from anywhere."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from genie_cli.errors import UsageError
from genie_cli.files.reading import blaming, open_binary

_refused = partial(UsageError, hint="numpy.save writes one")
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def array_of(path: Path) -> NDArray[Any]:
    """An array, mapped and not loaded; without pickles, which could run anything.

    Raises:
        UsageError: the file cannot be read, is not a regular one, is no ``.npy`` file, holds Python objects, or is
            shorter than its header says.
    """
    with blaming(path, _refused, "a .npy file of numbers"), open_binary(path) as file:
        if file.read(2) == b"PK":
            raise UsageError(f"{path} is an archive of several arrays", "give one array: numpy.save writes a .npy file")
        file.seek(0)
        return _mapped(file)


def _mapped(file: BinaryIO) -> NDArray[Any]:
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError("its version is not of arrays of numbers")
    shape, is_fortran, dtype = _HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if dtype.kind == "V":
        raise ValueError("it holds records, or bytes")
    if min(shape, default=0) < 0:
        raise ValueError("its shape is negative")
    begin, end = file.tell(), file.seek(0, 2)
    if math.prod(shape) * dtype.itemsize > end - begin:
        raise ValueError("it is shorter than its header says")
    order: Literal["C", "F"] = "F" if is_fortran else "C"
    if not math.prod(shape) * dtype.itemsize:
        return np.empty(shape, dtype, order)
    mapped: NDArray[Any] = np.memmap(file, dtype, "r", begin, shape, order)
    return mapped


def described(values: NDArray[Any]) -> str:
    """What an array is, for messages: "float32 of shape (4, 3)"."""
    return f"{str(values.dtype)[:80]} of shape {values.shape}"
