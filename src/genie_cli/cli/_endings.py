"""Every end of a command in words, with its exit code: errors, Ctrl-C, a reader that has gone, a fault of genie."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from genie_cli.cli import _console, _signals, _streams
from genie_cli.errors import GenieError, OutputError, UsageError
from genie_cli.files.reading import is_text, reason

TRACEBACK = "GENIE_TRACEBACK"  # a variable; not empty: a fault of genie's own is shown with its traceback


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what ends a command into words on stderr, and into `typer.Exit` with the exit code.

    Ctrl-C gets its words at the very end: see `tell_of_interrupt`.
    """
    try:
        yield
        sys.stdout.flush()  # here, where a reader that is gone is no error
    except GenieError as error:
        _fail(error)
    except KeyboardInterrupt:
        raise typer.Exit(_signals.INTERRUPTED) from None
    except _streams.ReaderGoneError:
        raise typer.Exit(0) from None
    except (typer._click.exceptions.ClickException, typer.Exit, typer.Abort):
        raise
    except MemoryError:
        _fail(GenieError("there is not enough memory", "give fewer images, or a smaller --slots"))
    except OSError as error:
        _fail(_of_system(error))
    except Exception as error:
        if os.environ.get(TRACEBACK) and not _signals.came():
            raise
        _fail(_of_genie(error))


def tell_of_interrupt() -> None:
    """The last words of a command that was interrupted; one place for them, since Typer ends some commands itself."""
    _signals.handled()
    _console.stderr().print("interrupted; what exists is safe, and the same command resumes")


def require_text(words: Sequence[str]) -> None:
    """Raise UsageError unless the command's words, genie's variables and the working folder are UTF-8 text.

    They end up in plans, manifests and images, which are UTF-8.
    """
    named = {f"argument {number}": word for number, word in enumerate(words, start=1)}
    named |= {name: value for name, value in os.environ.items() if name.startswith(("GENIE_", "XDG_CACHE_HOME"))}
    for name, word in named.items():
        if not is_text(word):
            raise _not_text(name, word)
        if "\0" in word:
            raise UsageError(f"{name} has a NUL character: {word}")


def require_working_folder() -> None:
    """Raise UsageError if the working folder no longer exists."""
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(f"there is no working folder: {reason(error)}", "change to another folder") from None


def _not_text(name: str, word: str) -> UsageError:
    encoding = sys.getfilesystemencoding()
    if encoding == "utf-8":
        return UsageError(f"{name} is not valid UTF-8: {word}", "rename the file or folder, or give another")
    return UsageError(f"{name} is not text in the locale's encoding, {encoding}: {word}", "to use UTF-8: PYTHONUTF8=1")


def _fail(error: GenieError) -> None:
    if _signals.came():
        raise typer.Exit(_signals.INTERRUPTED) from None
    _console.explain(error)
    raise typer.Exit(error.exit_code) from None


def _of_system(error: OSError) -> GenieError:
    """An error of the system that nothing below has put into words."""
    about = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    hint = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return OutputError(f"{about}{reason(error)}", hint)


def _of_genie(error: Exception) -> GenieError:
    said = next(iter(str(error).splitlines()), "")
    what = type(error).__name__ + (f": {said}" if said else "")
    return GenieError(
        f"this is a fault of genie: {what}", f"to report it, show where it is: the same command with {TRACEBACK}=1"
    )
