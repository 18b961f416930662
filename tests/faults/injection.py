"""Makes the N-th file call of this process fail, or the process die there, or every file stop growing.

File calls are those below one folder, as Python's audit events tell of them, and every flush to disk.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "killed at a file call"
    FAIL = "a file call fails"
    FULL = "no file grows beyond a size"
    SIGNAL = "a signal arrives"
    TWICE = "two signals arrive"
    CUT = "a file was cut short"
    FLIP = "a bit of a file was flipped"
    TOGETHER = "two shards start together"


ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EMFILE)
_CALLS = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.scandir")
_READS = ("os.scandir",)


@dataclass(frozen=True)
class Fault:
    """What happens to a process.

    Attributes:
        at: for a call, its number, from 0; for a size, bytes; for a signal, milliseconds.
        number: of the error, or of the signal.
    """

    kind: Kind
    at: int = 0
    number: int = 0

    def install(self, root: Path) -> None:
        """Let it happen in this process."""
        if self.kind is Kind.FULL:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (self.at, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        elif self.kind in (Kind.KILL, Kind.FAIL):
            _watch(root, self._happen, changes_only=self.kind is Kind.KILL)

    def _happen(self, number: int) -> None:
        if number != self.at:
            return
        if self.kind is Kind.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self.number, os.strerror(self.number))


def count(root: Path, report: Callable[[int, int], object]) -> Callable[[], object]:
    """Count this process's file calls: all, and those that change something; call the result to report them."""
    counts = [0, 0]

    def counted(index: int) -> Callable[[int], None]:
        def one(number: int) -> None:
            counts[index] = number + 1

        return one

    _watch(root, counted(0), changes_only=False)
    _watch(root, counted(1), changes_only=True)
    return lambda: report(*counts)


def _watch(root: Path, happen: Callable[[int], None], changes_only: bool) -> None:
    """Call ``happen`` with the number of each file call below ``root``, before it is done."""
    below, calls = str(root.resolve()), iter(range(sys.maxsize))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CALLS and not (changes_only and _is_read(event, arguments)) and _is_below(below, arguments[0]):
            happen(next(calls))

    flush = os.fsync

    def fsync(fd: Any) -> None:
        happen(next(calls))
        flush(fd)

    sys.addaudithook(hook)
    os.fsync = fsync


def _is_read(event: str, arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2] if event == "open" else 0
    return event in _READS or (event == "open" and isinstance(flags, int) and not flags & (os.O_WRONLY | os.O_RDWR))


def _is_below(root: str, path: Any) -> bool:
    return isinstance(path, str | bytes | os.PathLike) and os.path.abspath(os.fsdecode(path)).startswith(root)
