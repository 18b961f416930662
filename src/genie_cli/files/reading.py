"""Opens files that may have come from anywhere: regular ones only, and with the true cause if one cannot be opened.

Reading a named pipe waits for a writer, and a device may have no end. So neither is opened, whatever a link to it is
called. Only a pipe that a shell has opened already is read, as for <(...). All functions raise OSError, whose `reason`
is a phrase for "<path> cannot be read: <phrase>".
"""

from __future__ import annotations

import errno
import hashlib
import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

from pydantic_core import ValidationError, from_json

from genie_cli.errors import GenieError, said

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_BYTES = 1 << 30  # of a file that is read into memory: more than any picture or list that genie can use
# What may be read as infinity inside a list or an object; not the digits of a hash, so that few texts are searched.
_HUGE = re.compile(r"[\s:,\[]-?(?:\d[\d.]*[eE]\+?0*[1-9]\d\d|\d{300})")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_FLAGS = ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")  # not every system has all of them
_OPEN_PIPES = ("/dev/fd/", "/proc/self/fd/", "/dev/stdin")  # how they are called
_MARK = b"\xef\xbb\xbf"  # some editors put it in front of UTF-8 text
_Read = TypeVar("_Read", int, bytes)
_KINDS = {
    stat.S_IFIFO: "it is a named pipe",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
    stat.S_IFSOCK: "it is a socket",
}

State = tuple[int, int, int]  # of a file: inode, time of its last change, size


def look(path: str | Path | int) -> os.stat_result | None:
    """What is at ``path``, links followed, or what is open under a descriptor; None if nothing is.

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


def nearest(path: Path) -> Path:
    """``path`` if something is there, if only a broken link, else the nearest folder above it that exists.

    Raises:
        OSError: as `look`; or it is relative, and the working folder is gone.
    """
    return next(place for place in (path, *path.absolute().parents) if os.path.islink(place) or look(place))


def state_of(path: str | Path | int) -> State | None:
    """What changes if a file is written to or replaced; None if there is none. Arguments and errors as `look`."""
    found = look(path)
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


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


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file without their line breaks; raises as `read_text`.

    Only a carriage return and a line feed end lines: a name may hold the other characters that `str.splitlines` knows.
    """
    return lines_in(read_text(path, "utf-8-sig"))


def lines_in(text: str) -> list[str]:
    """The lines of a text, as `read_lines` has them."""
    return _LINE_BREAK.split(text)


def is_text(name: str) -> bool:
    """Whether a name can be encoded in UTF-8; Python puts surrogates where the bytes of a name are not."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_json(path: str | Path) -> Any:
    """The content of a JSON file; raises as `read_bytes`, and ValueError if it is not JSON.

    Infinity and NaN are not JSON. Too deeply nested values raise ValueError, too.
    """
    return parse_json(json_bytes(path).decode())


def json_bytes(path: str | Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a JSON file, not yet parsed; raises as `read_bytes`."""
    return read_bytes(path, limit).removeprefix(_MARK)


def parse_json(text: str) -> Any:
    """The value of a JSON text; raises ValueError as `read_json`."""
    value = from_json(text, allow_inf_nan=False)
    if (isinstance(value, float) or _HUGE.search(text)) and not _is_finite(value):
        raise ValueError("a number is too large")
    return value


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def sha256_of(path: str | Path, *, follow: bool = True) -> str:
    """The SHA-256 of a regular file, hexadecimal; arguments and errors as `open_binary`."""
    with open_binary(path, follow=follow) as file:
        return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()


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
    except MemoryError as error:
        raise wrap(f"{path} cannot be read: {fault(error)}") from None
    except Exception as error:
        raise wrap(f"{path} is not {kind}: {fault(error)}") from None


def first_problem(error: ValidationError) -> tuple[str, tuple[int | str, ...], str]:
    """Of what pydantic finds wrong with a file, the first: its kind, its place in the content, and what it is."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return first["type"], first["loc"], first["msg"].removeprefix("Value error, ")


def fault(error: BaseException) -> str:
    """Why a reader has failed on a file, as a phrase: "it is nested too deeply"."""
    if isinstance(error, OSError) and error.errno:
        return reason(error)
    causes = {
        RecursionError: "it is nested too deeply",
        MemoryError: "it does not fit into memory",
        UnicodeDecodeError: "it is not UTF-8 text",
    }
    return next((cause for kind, cause in causes.items() if isinstance(error, kind)), "") or said(error)
