"""Reads files of JSON objects, one per line, from a file, standard input or a shell's pipe, line by line."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from genie_cli.errors import ManifestError
from genie_cli.files.reading import is_open_pipe, open_text, parse_json, reason

_BLOCK = 1 << 16  # bytes; a journal may be larger than memory
LONGEST = 1 << 24  # characters of a line; a soft label of ten thousand classes has half a million
_CUT_OFF = ("its last line is incomplete: the file was cut off", "make it, or copy it, again")


@contextmanager
def open_lines(name: str | Path) -> Iterator[TextIO]:
    """The lines of a regular file, of an open pipe, or of standard input for ``"-"``.

    Raises:
        ManifestError: it cannot be opened, or is another kind of file.
    """
    try:
        stream = _standard_input() if str(name) == "-" else open_text(name)
    except FileNotFoundError:
        hint = "give a manifest, or the folder of a run (--out)"
        raise ManifestError(str(name), 0, "does not exist", hint) from None
    except OSError as error:
        raise ManifestError(_label(name), 0, f"cannot be read: {reason(error)}") from None
    # Not around what is done with the lines: writing them to a closed pipe, for example, is no fault of this file.
    with nullcontext(stream) if stream is sys.stdin else stream:
        yield stream


def is_pipe(name: str | Path) -> bool:
    """Whether it can be read only once: standard input ("-"), or an open pipe such as a shell's <(...)."""
    return str(name) == "-" or is_open_pipe(name)


def objects(lines: Iterable[str], name: str, whole: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects and the numbers of their lines; blank lines are passed over.

    Args:
        lines: with their line breaks.
        name: what errors call the file.
        whole: an incomplete last line is an error: the file was cut off. Otherwise it is passed over unless it is an
            object: a killed writer leaves one in a journal. In the first line, the header, it is an error always.

    Raises:
        ManifestError: a line is not a JSON object, or the file cannot be read.
    """
    for number, line in _numbered(lines, name, whole):
        if not line.strip():
            continue
        is_cut = not line.endswith("\n")
        if is_cut and whole:
            raise ManifestError(name, number, *_CUT_OFF)
        try:
            data = parse_json(line)
        except ValueError as error:
            if is_cut and number == 1:
                raise ManifestError(name, number, *_CUT_OFF) from None
            if is_cut:
                return
            raise ManifestError(name, number, f"is not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ManifestError(name, number, "is not a JSON object")
        yield number, data


def drop_torn_line(file: BinaryIO, name: str) -> None:
    """Remove an incomplete last line from a journal, so that the next row starts on a new line.

    Args:
        file: open for reading and writing.
        name: what errors call it.

    Raises:
        ManifestError: the line is longer than any of a journal's: it is some other file, and may have no end.
    """
    size = end = file.seek(0, os.SEEK_END)
    while end:
        if size - end > LONGEST:
            raise ManifestError(name, 0, f"has more than {LONGEST:,} bytes without a line break: it is no journal")
        start = max(0, end - _BLOCK)
        file.seek(start)
        if (found := file.read(end - start).rfind(b"\n")) >= 0:
            end = start + found + 1
            break
        end = start
    file.truncate(end)


def _standard_input() -> TextIO:
    """Standard input, if it ends: a file, a pipe or a terminal; OSError for a device."""
    try:
        status = os.fstat(sys.stdin.fileno())
    except ValueError:  # one that is no file, as in a test
        return sys.stdin
    is_nothing = os.path.samestat(status, os.stat(os.devnull))
    if stat.S_ISCHR(status.st_mode) and not sys.stdin.isatty() and not is_nothing:
        raise OSError(errno.EINVAL, "it is a device")
    return sys.stdin


def _label(name: str | Path) -> str:
    return "standard input" if str(name) == "-" else str(name)


def _numbered(lines: Iterable[str], name: str, whole: bool) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; what is left of a character that was cut in two counts as an incomplete line."""
    try:
        for number, line in enumerate(_bounded(lines), start=1):
            if len(line) >= LONGEST:
                raise ManifestError(name, number, f"has more than {LONGEST:,} characters")
            yield number, line
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            raise ManifestError(name, 0, "is not UTF-8 text") from None
        if whole:
            raise ManifestError(name, 0, *_CUT_OFF) from None
    except OSError as error:
        raise ManifestError(name, 0, f"cannot be read: {reason(error)}") from None


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """The lines; of a file, in parts of bounded length: a file without line breaks may be larger than memory."""
    readline = getattr(lines, "readline", None)
    yield from iter(lambda: readline(LONGEST), "") if readline else lines
