"""Arrays in a pickle are those that numpy wrote; what claims to be one, and cannot be, is refused."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genie_cli.unpack import pickled

ARRAYS = hnp.arrays(
    st.sampled_from(["u1", "<i4", ">i8", "<f4", ">f8", "?", "S3", "<U2", ">U2"]),
    hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
)


class Made:
    """Whatever a pickle may say of how something is made."""

    def __init__(self, *how: Any) -> None:
        self.how = how

    def __reduce__(self) -> Any:
        return self.how


def read(value: object, protocol: int = 2) -> Any:
    return pickled.load(io.BytesIO(pickle.dumps(value, protocol)))


@given(ARRAYS, st.integers(0, pickle.HIGHEST_PROTOCOL), st.booleans())
def test_arrays_are_read_as_they_were(array: np.ndarray, protocol: int, fortran: bool) -> None:
    array = np.asfortranarray(array) if fortran else array
    found = read(array, protocol)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


def test_numbers_texts_and_containers() -> None:
    content: dict[str, Any] = {"a": [1, 2.5, None], "b": (True, "x"), "c": np.float32(0.5), "d": {"e"}}
    assert read(content, 4) == {**content, "c": 0.5}
    assert read(OrderedDict(a=1)) == {"a": 1}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert read(defaultdict(list, {"a": [0]}), protocol) == {"a": [0]}
        assert read(defaultdict(int, {"a": 1}), protocol) == {"a": 1}
    objects = np.array([b"1", "2", None], object)
    assert read(objects).tolist() == [b"1", "2", None]


def an_array(state: tuple[Any, ...]) -> Made:
    return Made(np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), state)  # type: ignore[attr-defined]


U1 = np.dtype("u1")


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        (np.zeros(2, [("a", "u1")]), "a type that is neither numbers nor texts|records"),
        (np.zeros(2, "M8[s]"), "neither numbers nor texts"),
        (np.zeros(2, "c8"), "neither numbers nor texts"),
        (an_array((1, (3,), U1, False, b"12")), r"of shape \(3,\) and type uint8 whose bytes are not there"),
        (an_array((1, (1 << 60,), U1, False, b"12")), "impossible shape"),
        (an_array((1, (-1,), U1, False, b"")), "impossible shape"),
        (an_array((1, (1,) * 9, U1, False, b"1")), "impossible shape"),
        (an_array((1, (1.5,), U1, False, b"1")), "impossible shape"),
        (an_array((1, 3, U1, False, b"123")), "without a type or a shape"),
        (an_array((1, (1,), "u1", False, b"1")), "without a type or a shape"),
        (an_array((1, (2,), np.dtype("O"), False, ["1"])), "objects are not there"),
        (an_array((1, (2,), np.dtype("O"), False, b"12")), "objects are not there"),
        (Made(np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b")), "an array without content"),  # type: ignore[attr-defined]
        (np.dtype("u1"), "a type where a value is expected"),
        (int, "a type where a value is expected"),
        (Made(int, ("3",)), "a type that is called"),
        (Made(bytes, (1 << 40,)), "takes 0 positional arguments"),
    ],
)
def test_what_claims_to_be_an_array(claimed: object, said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        read(claimed)


@pytest.mark.parametrize("encoding", ["utf-8", "unicode_escape", 3])
def test_texts_are_encoded_in_no_other_way_than_python_2_did(encoding: Any) -> None:
    from _codecs import encode

    assert read(Made(encode, ("é", "latin1"))) == b"\xe9"
    with pytest.raises(ValueError, match="another encoding"):
        read(Made(encode, ("é", encoding)))
