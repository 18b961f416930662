"""Reads pickles of arrays and plain containers, and nothing else, so that reading one never runs what is in it.

A pickle is a program that may call anything by its name. Here the few names that arrays need stand for functions of
this file, which build arrays from bytes that are there; all other names are refused. numpy itself is given nothing but
types and shapes that were checked.
"""

from __future__ import annotations

import math
import os
import pickle
import re
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 1 << 34  # of a file: tiered-ImageNet's training images are about half of that
_TYPE = re.compile(r"[<>|=]?([biufSUO])([0-9]{1,6})")
_SMALL = 1 << 16  # bytes that may be asked for in vain
_NUMPY = ("numpy.core", "numpy._core")


class RefusedError(Exception):
    """A pickle asks for something that is no array."""


class _Type:
    """Stands for a numpy.dtype."""

    __slots__ = ("_dtype",)

    def __init__(self, name: object, *_: object) -> None:
        text = name.decode("ascii") if isinstance(name, bytes) else name
        found = _TYPE.fullmatch(text) if isinstance(text, str) else None
        if not found or not isinstance(text, str):
            raise ValueError("an array of a type that is neither numbers nor texts")
        self._dtype = np.dtype("O" if found[1] == "O" else text)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if state[3] or state[4]:
            raise ValueError("an array of records")
        if order in ("<", ">"):
            self._dtype = self._dtype.newbyteorder("<" if order == "<" else ">")

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype


class _Array:
    """Stands for a numpy.ndarray."""

    __slots__ = ("array",)

    def __init__(self, array: NDArray[Any] | None = None) -> None:
        self.array = array

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        shape, kind, is_fortran, data = state[-4:]
        self.array = _array(data, kind, shape, "F" if is_fortran else "C")


class _Name:
    """Stands for something that pickles of arrays call, or only name."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *given: object) -> object:
        return self._call(*given)

    def __setstate__(self, state: object) -> None:
        raise ValueError("a name with a state")


def _array(data: Any, kind: Any, shape: Any, order: str) -> NDArray[Any]:
    """An array of bytes that are there, which it shares."""
    if not isinstance(kind, _Type) or not isinstance(shape, tuple) or order not in ("C", "F"):
        raise ValueError("an array without a type or a shape")
    if not all(type(length) is int and 0 <= length < 1 << 48 for length in shape) or len(shape) > 8:
        raise ValueError("an array with an impossible shape")
    size, dtype = math.prod(shape), kind.dtype
    if dtype.hasobject:
        if not isinstance(data, list) or len(data) != size:
            raise ValueError("an array whose objects are not there")
        objects = np.empty(size, object)
        for place, each in enumerate(data):
            objects[place] = each
        return objects.reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]
    if not isinstance(data, bytes | bytearray) or len(data) != size * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} and type {dtype} whose bytes are not there")
    if not size or not dtype.itemsize:
        return np.empty(shape, dtype)
    return np.frombuffer(data, dtype).reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]


def _scalar(kind: object, data: object) -> object:
    return _array(data, kind, (1,), "C")[0].item()


def _buffer(data: object, kind: object, shape: object, order: str) -> _Array:
    return _Array(_array(data, kind, shape, order))


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """How Python 3 writes bytes in the protocols of Python 2."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise ValueError("a text in another encoding")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """How Python 3 writes bytes that are none in the protocols of Python 2."""
    return b""


def _nothing(*_: object) -> object:
    raise ValueError("a type that is called")


def _allowed() -> dict[str, _Name]:
    names: dict[str, Callable[..., object]] = {
        "numpy.ndarray": _nothing,
        "numpy.dtype": _Type,
        "_codecs.encode": _encode,
        "collections.OrderedDict": dict,
        "collections.defaultdict": lambda *_: {},
    }
    for package in _NUMPY:
        names[f"{package}.multiarray._reconstruct"] = lambda *_: _Array()
        names[f"{package}.multiarray.scalar"] = _scalar
        names[f"{package}.numeric._frombuffer"] = _buffer
    for module in ("builtins", "__builtin__"):
        names |= {f"{module}.{name}": _nothing for name in ("int", "long", "list", "dict")}  # of a defaultdict
        names[f"{module}.bytes"] = _no_bytes
    return {name: _Name(call) for name, call in names.items()}


class _Bounded:
    """A file of which no more is asked for than there is: a length in a pickle may be any number."""

    def __init__(self, file: BinaryIO) -> None:
        begin = file.tell()
        self._file, self._end = file, file.seek(0, os.SEEK_END)
        file.seek(begin)
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        return self._file.read(size if size < _SMALL else min(size, self._end - self._file.tell()))


class _Reader(pickle._Unpickler):
    """An unpickler that knows the names of `_allowed` only.

    The one of C can be made to take any amount of memory by a pickle of ten bytes, this one of Python cannot.
    """

    dispatch = dict(pickle._Unpickler.dispatch)  # noqa: RUF012
    read: Callable[[int], bytes]
    append: Callable[[object], None]

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(_Bounded(file), encoding="bytes")
        self._allowed = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        asked = f"{module}.{name}"
        if asked not in self._allowed:
            raise RefusedError(asked)
        return self._allowed[asked]

    def load_bytearray8(self) -> None:
        """As its parent's, without taking the memory before the bytes are seen."""
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(size))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8  # type: ignore[assignment]


def load(file: BinaryIO) -> object:
    """What a pickle holds: plain values, and `plain` makes arrays of what stands for them.

    Raises:
        RefusedError: it names something else than arrays and containers; the text is that name.
        Exception: almost anything else, on bad bytes.
    """
    return plain(_Reader(file).load())


def plain(value: object) -> Any:
    """The array that something loaded stands for, or else itself."""
    if isinstance(value, _Array):
        if value.array is None:
            raise ValueError("an array without content")
        return value.array
    if isinstance(value, _Type | _Name):
        raise ValueError("a type where a value is expected")
    return value
