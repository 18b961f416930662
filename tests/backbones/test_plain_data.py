"""Options, paths and numbers beside weights are read as plain values; nothing else is, and nothing is called."""

from __future__ import annotations

import argparse
import io
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genie_cli.backbones.plain_data import allowed

CLAIMED = st.sampled_from(["f8", "i4", "O", "V8", "c16", "U2", "f99", "\x00"])
NUMBERS = hnp.scalar_dtypes().filter(lambda kind: kind.kind in "biuf" and kind.itemsize <= 8)


def read(content: object) -> Any:
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    with torch.serialization.safe_globals(allowed()):
        return torch.load(file, weights_only=True)


@given(NUMBERS.flatmap(hnp.from_dtype))
def test_a_number_of_numpy_is_the_number(number: Any) -> None:
    found = read({"accuracy": number})["accuracy"]
    assert type(found) is type(number.item())
    assert found == number.item() or found != found


def test_options_and_paths() -> None:
    options = read({"args": argparse.Namespace(lr=0.1, out=Path("a/b"), data=PurePosixPath("/c"))})["args"]
    assert (options.lr, str(options.out), str(options.data)) == (0.1, "a/b", "/c")
    assert not isinstance(options.out, Path)
    assert isinstance(options.out, PurePath)


@pytest.mark.parametrize("value", [np.complex64(1), np.datetime64("2020-01-01"), np.void(b"12")])
def test_other_scalars_are_nothing(value: Any) -> None:
    assert read({"what": value}) == {"what": None}


@given(CLAIMED, st.binary(min_size=1, max_size=16) | st.none())
def test_a_scalar_that_claims_another_size_is_nothing_or_what_its_bytes_say(kind: str, content: bytes | None) -> None:
    class Claims:
        def __reduce__(self) -> Any:
            return np._core.multiarray.scalar, (Kind(), content)  # type: ignore[attr-defined]

    class Kind:
        def __reduce__(self) -> Any:
            return np.dtype, (kind, False, True)

    with_size = {"f8": 8, "i4": 4, "U2": 8}.get(kind)
    try:
        found = read({"what": Claims()})["what"]
    except (ValueError, TypeError, UnicodeError):  # bytes that are no text, or a type that does not exist
        assert kind in ("U2", "f99", "\x00")
        return
    assert (found is None) == (content is None or len(content) != with_size)
