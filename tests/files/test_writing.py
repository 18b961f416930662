"""Files are written completely or not at all, through no link, and nothing of a killed writer stays."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from genie_cli.errors import OutputError
from genie_cli.files.writing import (
    clear_unfinished,
    create,
    open_new,
    open_to_append,
    replace_atomically,
    require_own,
    write_atomically,
)


def test_a_file_is_replaced_completely_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, b"first")

    def broken(file: BinaryIO) -> None:
        file.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replace_atomically(file, broken)
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


def test_in_a_folder_of_genies_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.write_bytes(b"mine")
    link.symlink_to(mine)
    write_atomically(link, b"genie's", follow=False)
    assert (link.read_bytes(), link.is_symlink(), mine.read_bytes()) == (b"genie's", False, b"mine")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_never_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    {"pipe": os.mkfifo, "folder": os.mkdir, "device": lambda name: os.symlink("/dev/null", name)}[kind](path)
    with pytest.raises(OutputError, match=r"cannot write .*: it is a"):
        write_atomically(path, b"genie's")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert os.listdir(tmp_path) == [kind]


def test_a_new_file_takes_no_place(tmp_path: Path) -> None:
    create(tmp_path / "new", b"whole")
    assert (tmp_path / "new").read_bytes() == b"whole"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("new", "link"):
        with pytest.raises(FileExistsError):
            create(tmp_path / name, b"other")
        with pytest.raises(FileExistsError):
            open_new(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["link", "new"]


def test_a_new_file_that_does_not_fit_on_the_disk_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        for write in (create, write_atomically):
            with pytest.raises(OutputError, match=r"cannot write .*new: File too large"):
                write(tmp_path / "new", bytes(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []


def test_a_link_in_place_of_a_journal_is_not_written_through(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    (tmp_path / "journal").symlink_to(mine)
    with pytest.raises(OSError, match="it is a link, not a regular file"):
        open_to_append(tmp_path / "journal")
    assert mine.read_bytes() == b"mine"


def test_modes_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "replaced", b"")
        create(tmp_path / "created", b"")
        open_new(tmp_path / "new").close()
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize("name", ["x" * 255, "a\0b", "\ud800", "missing/file"])
def test_names_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    write = [lambda: write_atomically(tmp_path / name, b""), lambda: require_own(tmp_path / name, "x")]
    if len(name) == 255:
        write[0]()  # the longest name there is, and an unfinished file needs no longer one
        return
    with pytest.raises(OutputError, match="cannot write "):
        write[0]()
    assert os.listdir(tmp_path) == []


_WRITER = """
import sys, time
from pathlib import Path
from genie_cli.files.writing import replace_atomically
def slowly(file):
    file.write(b"half")
    file.flush()
    print("half", flush=True)
    time.sleep(60)
replace_atomically(Path(sys.argv[1]), slowly)
"""


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    path, other = tmp_path / "result", tmp_path / ".genie-0123456789ab-mine"
    other.write_text("mine")
    with subprocess.Popen([sys.executable, "-c", _WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "half\n"
        (unfinished,) = set(tmp_path.iterdir()) - {other}
        clear_unfinished(path)
        assert unfinished.exists()
        writer.send_signal(signal.SIGKILL)
    clear_unfinished(tmp_path / "another")
    assert unfinished.exists()
    write_atomically(path, b"whole")
    assert set(tmp_path.iterdir()) == {path, other}
