"""What a label may be, and what is said of one that is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.unpack.labels import label_of

NAMES = {0: "cat", 1: "dog"}


@pytest.mark.parametrize("value", [1, 1.0, np.int8(1), np.uint64(1), np.float32(1), "dog", b"dog", " dog\n", b" dog "])
def test_numbers_stand_for_names_and_texts_for_themselves(value: Any) -> None:
    assert label_of(value, NAMES) == "dog"


@given(st.integers(0))
def test_without_names_a_number_is_its_own(number: int) -> None:
    assert label_of(number, {}) == str(number)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "an empty label"),
        (" \n", "an empty label"),
        (b"", "an empty label"),
        (True, "neither a number nor a text: bool"),
        (np.True_, "neither a number nor a text: bool"),
        (None, "neither a number nor a text: NoneType"),
        ([1], "neither a number nor a text: list"),
        (0.5, r"not a whole number: 0\.5"),
        (float("nan"), "not a whole number: nan"),
        (-1, "the label -1, which stands for none"),
        (2, "the label 2, and 2 classes have names"),
    ],
)
def test_what_is_no_label(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        label_of(value, NAMES)


@pytest.mark.parametrize("value", [b"\xff", "\ud800", float("inf")])
def test_nor_is_what_no_text_or_number_can_be(value: Any) -> None:
    with pytest.raises((ValueError, OverflowError)):
        label_of(value, NAMES)
