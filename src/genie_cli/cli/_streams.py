"""The standard streams, which may be closed, full or read by nobody."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO, TextIOWrapper
from typing import Any, TextIO, cast

from genie_cli.errors import OutputError
from genie_cli.files.reading import reason

_SIZE = re.compile("[1-9][0-9]{1,3}")  # of a terminal, in characters


def prepare() -> None:
    """Give every standard stream a file, before anything else is opened, and make data UTF-8 whatever the locale.

    The first file that a program opens takes the number of a closed stream, and would be written to in its place. A
    terminal's size that no terminal has is forgotten: nothing would be shown in 0 columns.
    """
    for name in ("COLUMNS", "LINES"):
        if not _SIZE.fullmatch(os.environ.get(name, "80")):
            del os.environ[name]
    closed = [number for number in range(3) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for as long as the program runs
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    sys.stdout = cast("TextIO", Output(_Closed() if sys.stdout is None or 1 in closed else sys.stdout))


def is_pipe(stream: TextIO) -> bool:
    """Whether another program reads what is written, as of `genie ... | genie ...`."""
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):  # closed, or no file
        return False


class ReaderGoneError(Exception):
    """Who reads standard output has had enough. No OSError: libraries take a broken pipe for an error of their own."""


class Output:
    """Standard output, with its failures in words.

    Its methods raise OutputError if it is closed or its disk is full, and ReaderGoneError if its reader has had enough.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _reraised():
            return self._stream.write(text)

    def flush(self) -> None:
        with _reraised():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _reraised() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _discard()
        raise ReaderGoneError from None
    except OSError as error:
        _discard()
        hint = "redirect it elsewhere: genie ... > FILE"
        raise OutputError(f"cannot write to standard output: {reason(error)}", hint) from None


def _discard() -> None:
    """Send what is still to come on standard output nowhere: Python would complain again when it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class Forgiving:
    """A stream for words: those that cannot be shown, since it is closed or full, are lost, and nothing else is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Closed(StringIO):
    """Stands for a standard output that was closed: nothing may be lost in silence."""

    def write(self, text: str) -> int:  # noqa: ARG002 - the signature of a stream
        raise OSError(errno.EBADF, "it is closed")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
