"""Temporary sets and copies behave like ones in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import OutputError
from genie_cli.files.temporary import copied, seen_set


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


def test_what_a_killed_process_left_is_deleted_by_the_next_and_what_is_used_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = "import os; from genie_cli.files.temporary import temporary_folder\n"
    killed += "with temporary_folder() as folder: (folder / 'copy').write_text('x'); os.kill(os.getpid(), 9)"
    for _ in range(2):
        subprocess.run([sys.executable, "-c", killed], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (left,) = tmp_path.iterdir()
    strange = tmp_path / f"{left.name}-elsewhere"
    strange.symlink_to(tmp_path.parent)
    with copied(BytesIO(b"one")) as one, copied(BytesIO(b"two")) as other:
        assert not left.exists()
        assert (one.read_bytes(), other.read_bytes()) == (b"one", b"two")
        assert one.stat().st_mode & 0o077 == 0 or one.parent.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [strange]


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
