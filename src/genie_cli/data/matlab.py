"""Reads variables of MATLAB files (level 5, with or without compression): numbers, texts, cells and structs.

For lists in files that may have come from anywhere. SciPy's reader crashes on deeply nested cells, expands a small file
to gigabytes, and is given more kinds of variables than lists have.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Order = Literal["<", ">"]
Value = str | NDArray[Any] | list[Any] | list[dict[str, Any]]

MAX_BYTES = 1 << 26  # of the file, and of its variables without compression; those of Stanford Cars have 4 MB

_HEADER = 128  # bytes
_DEEPEST = 8
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_ENCODINGS = {1: "latin-1", 2: "latin-1", 16: "utf-8"}
_WIDE_ENCODINGS = {4: "utf-16", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x800


def variables(data: bytes) -> dict[str, Value]:
    """The variables of a file by name: a text, numbers as an array of one dimension, a list, or a list of records.

    A variable of another kind is an empty list. The shapes of arrays are not kept: a list of one is a list.

    Raises:
        ValueError, IndexError, KeyError, struct.error, zlib.error: it is not such a file, damaged, nested deeper than
            any list, or larger than `MAX_BYTES`.
    """
    if len(data) < _HEADER or data[126:128] not in (b"IM", b"MI"):
        raise ValueError("its header is not that of a MATLAB file of level 5")
    order: Order = "<" if data[126:128] == b"IM" else ">"
    left = MAX_BYTES
    found: dict[str, Value] = {}
    stream = _Stream(memoryview(data)[_HEADER:], order)
    while stream.data:
        kind, content = stream.element(padded=False)
        if kind == _COMPRESSED:
            expanded = _expanded(content, left)
            left -= len(expanded)
            kind, content = _Stream(memoryview(expanded), order).element()
        if kind != _MATRIX:
            raise ValueError("it holds something that is no variable")
        name, value = _variable(_Stream(content, order), 0)
        found[name] = value
    return found


def _expanded(content: memoryview, most: int) -> bytes:
    expander = zlib.decompressobj()
    expanded = expander.decompress(content, most + 1)
    if len(expanded) > most:
        raise ValueError(f"its variables have more than {MAX_BYTES:,} bytes")
    return expanded


@dataclass
class _Stream:
    """Elements of a file, one after the other: each has a kind, a size and a content."""

    data: memoryview
    order: Order

    def element(self, *, padded: bool = True) -> tuple[int, memoryview]:
        """The next one, which must be there completely."""
        kind, size = self._number(0), self._number(4)
        begin, end = 8, 8 + size
        if kind >> 16:  # up to four bytes are stored in the place of their size
            kind, size = kind & 0xFFFF, kind >> 16
            begin, end = 4, 4 + size
            after = 8
        else:
            after = end + -end % 8 if padded else end
        if end > len(self.data) or (begin == 4 and size > 4):
            raise ValueError("it is shorter than it says")
        content = self.data[begin:end]
        self.data = self.data[after:]
        return kind, content

    def numbers(self) -> NDArray[Any]:
        """The next element as numbers."""
        kind, content = self.element()
        return np.frombuffer(content, np.dtype(_NUMBERS[kind]).newbyteorder(self.order))

    def text(self) -> str:
        """The next element as text."""
        kind, content = self.element()
        if kind in _ENCODINGS:
            return bytes(content).decode(_ENCODINGS[kind])
        return bytes(content).decode(_WIDE_ENCODINGS[kind] + ("-le" if self.order == "<" else "-be"))

    def values(self, number: int, depth: int) -> Iterator[Value]:
        """So many variables; an empty one has no content at all."""
        if number * 8 > len(self.data):
            raise ValueError("it is shorter than it says")
        for _ in range(number):
            kind, content = self.element()
            if kind != _MATRIX:
                raise ValueError("it holds something that is no variable")
            yield _variable(_Stream(content, self.order), depth + 1)[1] if content else []

    def _number(self, place: int) -> int:
        if place + 4 > len(self.data):
            raise ValueError("it is shorter than it says")
        return int.from_bytes(self.data[place : place + 4], "little" if self.order == "<" else "big")


def _variable(stream: _Stream, depth: int) -> tuple[str, Value]:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    flags = int(stream.numbers()[0])
    shape = [int(number) for number in stream.numbers()]
    if min(shape) < 0:
        raise ValueError("a shape is negative")
    name = stream.text()
    return name, _value(stream, flags & 0xFF, math.prod(shape), shape[0], bool(flags & _COMPLEX), depth)


def _value(stream: _Stream, kind: int, number: int, rows: int, is_complex: bool, depth: int) -> Value:
    if kind == _CHAR:
        text = stream.text() if number else ""
        if rows > 1:
            raise ValueError("a text has several rows")
        return text
    if kind == _CELL:
        return list(stream.values(number, depth))
    if kind == _STRUCT:
        return list(_records(stream, number, depth))
    if kind not in _NUMERIC or is_complex:
        return []
    numbers = stream.numbers() if number else np.empty(0)
    if len(numbers) != number:
        raise ValueError("it is shorter than it says")
    return numbers


def _records(stream: _Stream, number: int, depth: int) -> Iterator[dict[str, Value]]:
    length = int(stream.numbers()[0])
    _, names = stream.element()
    if length < 1 or not names:
        raise ValueError("a struct has no fields")
    fields = [
        bytes(names[start : start + length]).partition(b"\0")[0].decode() for start in range(0, len(names), length)
    ]
    for _ in range(number):
        yield dict(zip(fields, stream.values(len(fields), depth), strict=True))
