"""Regular files are opened, and nothing else; why not is said."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import UsageError
from genie_cli.files import reading


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


KINDS: dict[str, Callable[[Path], object]] = {
    "it is a named pipe, not a regular file": os.mkfifo,
    "it is a device, not a regular file": lambda path: path.symlink_to("/dev/zero"),
    "it is a socket, not a regular file": a_socket,
    "it is a folder, not a file": os.mkdir,
    "No such file or directory": lambda path: None,
    "Too many levels of symbolic links": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("why", KINDS)
@pytest.mark.parametrize(
    "read", [reading.open_binary, reading.open_text, reading.read_bytes, reading.read_json, reading.sha256_of]
)
def test_nothing_but_regular_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object], why: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    KINDS[why](Path("x"))
    with pytest.raises(OSError, match=why):
        read(Path("x"))


def test_a_link_is_followed_unless_it_must_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"here")
    (tmp_path / "link").symlink_to("file")
    assert reading.read_bytes(tmp_path / "link") == b"here"
    with pytest.raises(OSError, match="it is a link, not a regular file"):
        reading.open_binary(tmp_path / "link", follow=False)


@pytest.mark.skipif(not os.access("/proc/kmsg", os.R_OK), reason="there is no such file that may be read here")
def test_a_file_that_has_no_end_is_not_waited_for() -> None:
    """Linux calls it a regular file; reading it waits for the kernel's next message."""
    with pytest.raises(OSError, match="it has no end"):
        reading.read_bytes("/proc/kmsg")
    with reading.open_text("/proc/kmsg") as lines, pytest.raises(OSError, match="it has no end"):
        list(lines)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_names_that_no_file_can_have(name: str) -> None:
    for read in (reading.look, reading.is_file, reading.is_folder, reading.open_binary):
        with pytest.raises(OSError, match="no file can have this name"):
            read(name)


def test_a_name_that_is_too_long() -> None:
    for read in (reading.look, reading.is_file, reading.open_binary):
        with pytest.raises(OSError, match="File name too long"):
            read("x" * 300)


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="it has more than 1,073,741,824 bytes"):
        reading.read_bytes(tmp_path / "sparse")


def test_an_open_pipe_is_read(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b'{"a": 1}')
    os.close(write)
    assert reading.read_json(f"/dev/fd/{read}") == {"a": 1}
    os.close(read)


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "NaN", "[Infinity]", '{"a": 1e400}', "9" * 5000, '"\\ud800', "1 2"]
)
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"at line 1 column|a number is too large|surrogate"):
        reading.parse_json(text)


@given(
    st.from_regex(r"-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?0{0,2}[0-9]{1,4})?", fullmatch=True),
    st.sampled_from(["{}", "[{}]", "[0,{}]", '{{"a":{}}}', '{{"a": [ {} ]}}', "[\n{}]"]),
)
def test_numbers_are_finite_wherever_they_stand(number: str, around: str) -> None:
    text = around.format(number)
    if math.isfinite(float(number)):
        assert reading.parse_json(text) == json.loads(text)
    else:
        with pytest.raises(ValueError, match="a number is too large"):
            reading.parse_json(text)


def test_hashes_are_no_numbers() -> None:
    digests = [hashlib.sha256(bytes([number])).hexdigest() for number in range(256)]
    assert any(re.search("[0-9]e[1-9][0-9]{2}", digest) for digest in digests)
    assert not any(map(reading._HUGE.search, map(json.dumps, digests)))


@given(st.binary(max_size=50))
def test_one_guard_turns_all_that_a_reader_may_raise_into_an_error_of_ours(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(b"[" + content)
    with (
        pytest.raises(UsageError, match=r"any\.json is not a list of things: "),
        reading.blaming(path, UsageError, "a list of things"),
    ):
        raise ValueError(reading.read_json(path))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "f cannot be read: Permission denied"),
        (RecursionError(), "f is not a list: it is nested too deeply"),
        (MemoryError(), "f cannot be read: it does not fit into memory"),
        (KeyError("x"), "f is not a list: 'x'"),
        (ZeroDivisionError(), "f is not a list: ZeroDivisionError"),
        (UsageError("ours"), "ours"),
    ],
)
def test_true_causes(error: Exception, message: str) -> None:
    with pytest.raises(UsageError) as caught, reading.blaming("f", UsageError, "a list"):
        raise error
    assert str(caught.value) == message
