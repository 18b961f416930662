"""Files are written completely or not at all; temporary sets and copies behave like ones in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import OutputError
from genie_cli.files.temporary import copied, seen_set
from genie_cli.files.writing import replace_atomically, require_own, write_atomically


@given(st.lists(st.binary(max_size=2)))
def test_an_item_is_new_only_the_first_time(shown: list[bytes]) -> None:
    with seen_set() as is_new:
        assert [is_new(item) for item in shown] == [item not in shown[:index] for index, item in enumerate(shown)]


def test_two_sets_are_independent() -> None:
    with seen_set() as one, seen_set() as two:
        assert one(b"x")
        assert two(b"x")


def add_all(items: Iterable[bytes]) -> None:
    with seen_set() as is_new:
        for item in items:
            is_new(item)


def copy(items: Iterable[bytes]) -> None:
    with copied(BytesIO(b"".join(items))):
        pass


def test_a_copy_exists_as_long_as_it_is_open() -> None:
    stream = BytesIO(b"all that is left")
    stream.read(4)
    with copied(stream) as path:
        assert path.read_bytes() == b"that is left"
    assert not path.parent.exists()


@pytest.mark.parametrize("write", [add_all, copy])
def test_a_full_disk_is_reported(write: Callable[[Iterable[bytes]], None]) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(OutputError, match="cannot write a temporary file") as caught:
            write(number.to_bytes(1000, "big") for number in range(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "TMPDIR" in caught.value.hint


def test_a_file_is_replaced_completely_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, b"first")

    def broken(file: BinaryIO) -> None:
        file.write(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed\nand more")

    with pytest.raises(OutputError) as caught:
        replace_atomically(file, broken)
    assert str(caught.value).endswith("; torch says: PytorchStreamWriter failed writing file data/0: file write failed")
    assert file.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"first")
    link.symlink_to(target)
    write_atomically(link, b"second")
    assert link.is_symlink()
    assert target.read_bytes() == b"second"


def test_a_file_of_another_kind_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "file"
    require_own(file, "genie")
    file.write_text("genie's")
    require_own(file, "genie")
    file.write_text("mine")
    with pytest.raises(OutputError, match="already exists and was not written by this command"):
        require_own(file, "genie")
