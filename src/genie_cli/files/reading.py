"""Opens files that may have come from anywhere: regular ones only, and with the true cause if one cannot be opened.

Reading a named pipe waits for a writer, and a device may have no end. So neither is opened, whatever a link to it is
called. Only a pipe that a shell has opened already is read, as for <(...). All functions raise OSError, whose `reason`
is a phrase for "<path> cannot be read: <phrase>".
"""

from __future__ import annotations

import errno
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from pydantic_core import from_json

from genie_cli.errors import GenieError, said

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 1 << 30  # of a file that is read into memory: more than any picture or list that genie can use
_HUGE = re.compile(r"[eE]\+?0*[1-9]\d\d|\d{300}")  # what may be read as infinity; rare, so that few texts are searched
_FLAGS = ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")  # not every system has all of them
_OPEN_PIPES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")  # how they are called
_Read = TypeVar("_Read", int, bytes)
_KINDS = {
    stat.S_IFIFO: "it is a named pipe",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
    stat.S_IFSOCK: "it is a socket",
}


def look(path: str | Path) -> os.stat_result | None:
    """What is at ``path``, links followed; None if nothing is.

    Raises:
        OSError: that cannot be found out, such as in a folder that may not be searched.
    """
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:  # a NUL, or half of a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name") from None


def is_file(path: str | Path) -> bool:
    """Whether a regular file is there; raises OSError as `look`."""
    found = look(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: str | Path) -> bool:
    """Whether a folder is there; raises OSError as `look`."""
    found = look(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_open_pipe(path: str | Path) -> bool:
    """Whether it is a pipe that is open already, which can be read once."""
    if not str(path).startswith(_OPEN_PIPES):
        return False
    with suppress(OSError):  # opening it will say why
        found = look(path)
        return found is not None and stat.S_ISFIFO(found.st_mode)
    return False


def open_binary(path: str | Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading.

    Args:
        follow: whether ``path`` may be a symbolic link.

    Raises:
        OSError: it is not there, may not be read, or is not a regular file.
    """
    try:
        if not is_open_pipe(path):
            require_regular(os.stat(path, follow_symlinks=follow))  # opening alone may start something, in a device
        flags = os.O_RDONLY | sum(getattr(os, name, 0) for name in _FLAGS)
        descriptor = os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    except ValueError:  # a NUL, or half of a surrogate pair
        raise OSError(errno.EINVAL, "no file can have this name") from None
    try:
        if not is_open_pipe(path):
            require_regular(os.fstat(descriptor))  # it may have been exchanged since
        else:
            os.set_blocking(descriptor, True)
        return BufferedReader(_Waiting(descriptor))
    except BaseException:
        os.close(descriptor)
        raise


class _Waiting(FileIO):
    """An open file that may be of those that the system calls regular and that wait for data, such as /proc/kmsg."""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """As FileIO's, which returns None where there is nothing to be read yet."""
        count: int | None = super().readinto(buffer)
        return _present(count)

    def readall(self) -> bytes:
        return _present(super().readall())


def _present(found: _Read | None) -> _Read:
    if found is None:
        raise BlockingIOError(errno.EAGAIN, "it has no end: the system adds to it while it is read")
    return found


def open_text(path: str | Path, encoding: str = "utf-8", newline: str | None = None) -> TextIO:
    """Open a regular file for reading as text; arguments as those of `open`, errors as of `open_binary`."""
    return TextIOWrapper(open_binary(path), encoding=encoding, newline=newline)


def read_bytes(path: str | Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file; raises OSError as `open_binary`, and if it has more than ``limit`` bytes."""
    with open_binary(path) as file:
        is_large = os.fstat(file.fileno()).st_size > limit  # known of a file, not of a pipe
        content = b"" if is_large else file.read(limit + 1)
        if is_large or len(content) > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit:,} bytes")
        return content


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """The content of a regular file as text; raises as `read_bytes`, and UnicodeDecodeError."""
    return read_bytes(path).decode(encoding)


def read_json(path: str | Path) -> Any:
    """The content of a JSON file; raises as `read_bytes`, and ValueError if it is not JSON.

    Infinity and NaN are not JSON. Too deeply nested values raise ValueError, too.
    """
    return parse_json(read_bytes(path).removeprefix(b"\xef\xbb\xbf").decode())


def parse_json(text: str) -> Any:
    """The value of a JSON text; raises ValueError as `read_json`."""
    value = from_json(text, allow_inf_nan=False)
    if _HUGE.search(text) and not _is_finite(value):
        raise ValueError("a number is too large")
    return value


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def require_regular(status: os.stat_result) -> None:
    """Raise OSError unless ``status`` is of a regular file."""
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, "it is a folder, not a file")
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"{_KINDS.get(kind, 'it is a link')}, not a regular file")


def reason(error: OSError) -> str:
    """Why, as a phrase: "Permission denied"."""
    return error.strerror or str(error)


@contextmanager
def blaming(path: str | Path, wrap: Callable[[str], GenieError], kind: str) -> Iterator[None]:
    """Turns everything that reading a file from outside may raise into one of genie's errors.

    On arbitrary bytes the readers of libraries raise almost anything, so this stands around each such reader, once.

    Args:
        path: the file.
        wrap: makes the error from its message.
        kind: what the file should be, for the message: "a list of episodes".
    """
    try:
        yield
    except GenieError:
        raise
    except OSError as error:
        raise wrap(f"{path} cannot be read: {reason(error)}") from None
    except RecursionError:
        raise wrap(f"{path} is not {kind}: it is nested too deeply") from None
    except MemoryError:
        raise wrap(f"{path} cannot be read: it does not fit into memory") from None
    except UnicodeDecodeError:
        raise wrap(f"{path} is not {kind}: it is not UTF-8 text") from None
    except Exception as error:
        raise wrap(f"{path} is not {kind}: {said(error)}") from None
