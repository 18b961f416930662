"""Notes in a temporary file are remembered like notes in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import OutputError
from genie_cli.files import copied, seen_set


@given(st.lists(st.binary(max_size=2)))
def test_the_first_time_is_told_from_all_others(shown: list[bytes]) -> None:
    with seen_set() as is_first:
        assert [is_first(what) for what in shown] == [what not in shown[:place] for place, what in enumerate(shown)]


def test_two_do_not_know_of_each_other() -> None:
    with seen_set() as one, seen_set() as two:
        assert one(b"x")
        assert two(b"x")


def show(what: Iterable[bytes]) -> None:
    with seen_set() as is_first:
        for one in what:
            is_first(one)


def copy(what: Iterable[bytes]) -> None:
    with copied(BytesIO(b"".join(what))):
        pass


def test_a_copy_is_there_while_it_is_open() -> None:
    stream = BytesIO(b"all that is left")
    stream.read(4)
    with copied(stream) as path:
        assert path.read_bytes() == b"that is left"
    assert not path.parent.exists()


@pytest.mark.parametrize("write", [show, copy])
def test_no_room_for_it_is_said(write: Callable[[Iterable[bytes]], None]) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot write a temporary file") as caught:
            write(number.to_bytes(1000, "big") for number in range(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "TMPDIR" in caught.value.hint
