"""Which runs may be at work in an output folder at the same time: one whole run, or the shards of one number."""

from __future__ import annotations

import errno
import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from genie_cli.errors import OutputError
from genie_cli.files.folders import entries
from genie_cli.files.reading import read_text
from genie_cli.files.writing import write_atomically

# What a file system without locks answers, besides ENOSYS, with which filelock itself does as `_locked` does.
_NO_LOCKS = frozenset((errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP))
_PATIENCE = 600  # seconds; a shard that ends holds a lock while it writes a long manifest


@contextmanager
def at_work(private: Path, part: str) -> Iterator[None]:
    """Be the only run of this name in a folder, and no run of another kind beside it.

    Args:
        private: the folder of the locks; exists.
        part: the shard's name, such as ``-1-of-2``; empty for a whole run.

    Raises:
        OutputError: another run is at work there.
    """
    with held(private, "run" + part):
        # One at a time: who looks whether a lock is free holds it for a moment, and must not find others who look.
        with held(private, "start", _PATIENCE):
            _refuse_conflicts(private, part)
        yield


def alone(private: Path) -> AbstractContextManager[None]:
    """Be the only one who reads or writes the manifest and the journals for the moment."""
    return held(private, "manifest", _PATIENCE)


def _refuse_conflicts(private: Path, part: str) -> None:
    """Look whether a run of another kind is at work: a whole one, or a shard of another number."""
    siblings = "run-*" + part[part.find("-of-") :] if part else "run"
    for lock in entries(private, "run*.lock"):
        if lock.stem != "run" + part and not fnmatch(lock.stem, siblings):
            with held(private, lock.stem):
                pass


@contextmanager
def held(private: Path, name: str, patience: float = 0) -> Iterator[None]:
    """Hold a lock; a file beside it names the process that holds it, for messages.

    Args:
        patience: seconds to wait for it.
    """
    owner = private / f"{name}.owner"
    try:
        with _locked(private / f"{name}.lock", patience):
            with suppress(OutputError):  # it is only there to be shown
                write_atomically(owner, f"process {os.getpid()} on {platform.node()}\n".encode(), follow=False)
            try:
                yield
            finally:
                with suppress(OSError):
                    owner.unlink(missing_ok=True)
    except Timeout:
        raise OutputError(
            f"{private.parent} is in use by {_holder(owner)}", "wait for it to end, or give this run another --out"
        ) from None


@contextmanager
def _locked(path: Path, patience: float) -> Iterator[None]:
    """Hold a lock file; on a file system without locks a file beside it that is there as long as it is held.

    Raises:
        Timeout: another process holds it, and has not let go of it within ``patience`` seconds.
        OSError: the file cannot be written.
    """
    lock: BaseFileLock = FileLock(path, timeout=patience)
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        lock = SoftFileLock(path.with_suffix(".held"), timeout=patience)  # the other name is taken by now
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _holder(owner: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):  # it may end just now
        return read_text(owner).strip() or "another process"
    return "another process"


def workers(private: Path) -> list[str]:
    """The runs that are at work in a folder, in words such as "process 7 on elsewhere"; nothing is waited for."""
    found = []
    for owner in entries(private, "run*.owner"):  # without one there is no lock to be looked at
        try:
            with _locked(owner.with_suffix(".lock"), 0):
                pass
        except Timeout:
            found.append(_holder(owner))
        except OSError:  # a folder that may only be read
            continue
    return found
