"""MATLAB files give what SciPy reads in them, and those that make SciPy crash are refused."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import loadmat, savemat

from genie_cli.data.matlab import MAX_BYTES, variables
from tests.damage import damaged

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
NUMBERS = st.sampled_from(["u1", "i2", "u4", "i8", "f4", "f8"]).flatmap(
    lambda kind: st.lists(st.integers(0, 200), min_size=2, max_size=5).map(lambda values: np.array(values, kind))
)
FIELDS = st.sampled_from(["fname", "class", "bbox_x1", "a_long_name_of_a_field"])


def cells(values: list[Any]) -> np.ndarray[Any, Any]:
    array = np.empty((1, len(values)), object)
    array[0, :] = values
    return array


def saved(content: dict[str, Any], **options: Any) -> bytes:
    file = BytesIO()
    savemat(file, content, **options)
    return file.getvalue()


@given(
    numbers=NUMBERS,
    names=st.lists(TEXTS, min_size=2, max_size=5),
    records=st.lists(st.fixed_dictionaries({"fname": TEXTS, "class": st.integers(1, 250)}), min_size=2, max_size=4),
    compressed=st.booleans(),
)
def test_it_is_what_scipy_reads(
    numbers: Any, names: list[str], records: list[dict[str, Any]], compressed: bool
) -> None:
    fields = np.array(
        [[(record["fname"], record["class"]) for record in records]], dtype=[("fname", "O"), ("class", "O")]
    )
    content = {"numbers": numbers, "names": cells(names), "text": names[0], "records": fields}
    data = saved(content, do_compression=compressed)
    theirs = loadmat(BytesIO(data), squeeze_me=True)
    ours: dict[str, Any] = dict(variables(data))
    assert ours["numbers"].tolist() == theirs["numbers"].tolist() == numbers.tolist()
    assert ours["names"] == names
    assert ours["text"] == names[0]
    assert [{"fname": record["fname"], "class": record["class"].tolist()} for record in ours["records"]] == [
        {"fname": record["fname"], "class": [record["class"]]} for record in records
    ]


def element(kind: int, content: bytes, size: int | None = None, order: str = "<") -> bytes:
    return struct.pack(f"{order}II", kind, len(content) if size is None else size) + content + bytes(-len(content) % 8)


def matrix(kind: int, shape: tuple[int, ...], name: bytes, *parts: bytes, order: str = "<") -> bytes:
    head = element(6, struct.pack(f"{order}II", kind, 0), order=order)
    dimensions = element(5, struct.pack(f"{order}{len(shape)}i", *shape), order=order)
    return element(14, head + dimensions + element(1, name, order=order) + b"".join(parts), order=order)


def file_of(*elements: bytes, order: str = "<") -> bytes:
    mark = b"IM" if order == "<" else b"MI"
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", 0x100) + mark + b"".join(elements)


@pytest.mark.parametrize("order", ["<", ">"])
def test_as_matlab_itself_writes_it(order: str) -> None:
    """Texts in UTF-16, whole numbers in few bytes, small elements in the place of their size."""
    text = matrix(
        4,
        (1, 2),
        b"",
        element(4, "\u00e9a".encode(f"utf-16-{'le' if order == '<' else 'be'}"), order=order),
        order=order,
    )
    small = struct.pack(f"{order}I", 1 << 16 | 2) + b"\x07\0\0\0"  # one byte, for a variable of doubles
    number = matrix(6, (1, 1), b"n", small, order=order)
    found: dict[str, Any] = dict(variables(file_of(matrix(1, (1, 1), b"c", text, order=order), number, order=order)))
    assert found["c"] == ["\u00e9a"]
    assert found["n"].tolist() == [7]


def nested(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = matrix(1, (1, 1), b"c", inside)
    return file_of(inside)


def lying(depth: int) -> bytes:
    """Cells in cells, each of which says that it has a megabyte."""
    head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<2i", 1, 1)) + element(1, b"")
    return file_of(*[struct.pack("<II", 14, 1 << 20) + head] * depth)


ZEROS = matrix(9, (1, MAX_BYTES + 8), b"z", element(2, bytes(MAX_BYTES + 8)))

HOSTILE = {
    "nested": nested(500),
    "nested, and lying about sizes": lying(100_000),
    "gigabytes": file_of(element(15, zlib.compress(ZEROS))),
    "many times some megabytes": file_of(*[element(15, zlib.compress(ZEROS[: len(ZEROS) // 2]))] * 3),
    "cells": file_of(matrix(1, (1 << 30, 1 << 30), b"c")),
    "negative": file_of(matrix(1, (-1, -1), b"c")),
    "records": file_of(matrix(2, (1 << 30, 1 << 30), b"c", element(5, b"\x08\0\0\0"), element(1, b"fname\0\0\0"))),
    "records without fields": file_of(matrix(2, (1 << 30, 1), b"c", element(5, b"\x08\0\0\0"), element(1, b""))),
    "numbers": file_of(matrix(6, (1 << 30, 1 << 30), b"c", element(9, bytes(8)))),
    "rows of text": file_of(matrix(4, (2, 1), b"c", element(1, b"ab"))),
    "no shape": file_of(matrix(1, (), b"c")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_that_would_crash_or_exhaust_are_refused(name: str) -> None:
    with pytest.raises((ValueError, IndexError, KeyError)):
        variables(HOSTILE[name])


def test_kinds_that_no_list_has_are_empty() -> None:
    assert variables(saved({"a": np.array([1 + 2j, 3])}))["a"] == []


@given(st.data())
def test_damaged_files_raise_what_is_promised(choose: st.DataObject) -> None:
    data = saved({"names": cells(["a", "bc"]), "numbers": np.arange(3)}, do_compression=choose.draw(st.booleans()))
    with suppress(ValueError, IndexError, KeyError, struct.error, zlib.error):
        variables(data[:124] + choose.draw(damaged(data[124:])))
