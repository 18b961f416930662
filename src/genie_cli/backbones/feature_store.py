"""Where features are kept: one SQLite file per backbone, or the memory.

Nothing in the file is trusted. Every row has a checksum over the backbone, the key and the value, and a row that does
not fit is as good as none. A file that SQLite cannot read is deleted: what was in it can be computed again. Another
process that has it open at that moment loses no more than that.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from genie_cli.errors import OutputError
from genie_cli.files.reading import look, reason, require_regular
from genie_cli.observer import Observer

_TABLE = "features_2"  # the 2 is the format's version; the rows of another one are not read
_KEYS_PER_QUERY = 500  # older versions of SQLite allow 999
_TIMEOUT = 120.0  # seconds to wait while another process writes
_ATTEMPTS = 3
_BESIDE = ("", "-journal", "-wal", "-shm")  # what SQLite opens, by the end of its name
_IN_THE_WAY = (errno.EISDIR, errno.EINVAL, errno.ELOOP, errno.ENAMETOOLONG)
_ELSEWHERE = "to cache them in another folder, set XDG_CACHE_HOME"

# Why SQLite cannot use a file that may well be whole. Whatever else it says means that the file is damaged.
_CAUSES = {
    sqlite3.SQLITE_BUSY: "another process has been writing to it for {:.0f} seconds",
    sqlite3.SQLITE_LOCKED: "another process has been writing to it for {:.0f} seconds",
    sqlite3.SQLITE_PROTOCOL: "another process has been writing to it for {:.0f} seconds",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or created",
    sqlite3.SQLITE_PERM: "permission denied",
    sqlite3.SQLITE_NOMEM: "there is too little memory",
    sqlite3.SQLITE_IOERR: "",
    sqlite3.SQLITE_NOLFS: "",
}
_DAMAGED_IO = (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_DATA, sqlite3.SQLITE_IOERR_CORRUPTFS)

_T = TypeVar("_T")


class InMemory:
    """Features for as long as this object lives."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}

    def get(self, keys: Sequence[str], fits: Callable[[bytes], bool]) -> dict[str, bytes]:  # noqa: ARG002 - as OnDisk's
        """The values of those keys that are known."""
        return {key: self._rows[key] for key in keys if key in self._rows}

    def put(self, rows: Mapping[str, bytes]) -> None:
        """Keep values by their keys."""
        self._rows |= rows


class OnDisk:
    """Features in a SQLite file, opened only for each read and write, so that several processes can share it.

    It uses SQLite's rollback journal, because the faster write-ahead log does not work on network file systems.

    A file that cannot be read or written, because the disk is full, read-only, or another process holds it, ends no
    run: the observer is told once, and features are kept in memory.

    Args:
        path: the file, which need not exist, nor its folder.
        backbone: identity of the network; rows of another one are not used.
        observer: is told what was damaged, and what cannot be written.
    """

    def __init__(self, path: Path, backbone: str, observer: Observer) -> None:
        self._path, self._backbone, self._observer = path, backbone, observer
        self._memory = InMemory()
        self._reads = self._writes = True
        self._told = False

    def get(self, keys: Sequence[str], fits: Callable[[bytes], bool]) -> dict[str, bytes]:
        """The values of those keys that are in the file or in memory.

        Args:
            fits: whether a value can be one of the backbone's features; others are as good as none.

        Raises:
            OutputError: something that is not a regular file is in the file's place, or no folder in its folder's.
        """
        rows = self._tried(lambda connection: _select(connection, keys), writing=False) if self._reads else None
        found, bad = self._memory.get(keys, fits), []
        for number, key, value, checksum in rows or ():
            if self._is_good(key, value, checksum, fits):
                found[key.decode()] = value
            else:
                bad.append((number,))
        if bad:
            what = (
                "row that does not fit its checksum is" if len(bad) == 1 else "rows that do not fit their checksums are"
            )
            self._observer.warning(f"{self._path} is damaged: {len(bad):,} {what} computed again")
            self._tried(lambda connection: _delete(connection, bad), writing=False)
        return {key: found[key] for key in keys if key in found}

    def put(self, rows: Mapping[str, bytes]) -> None:
        """Keep values by their keys; those that are there already are replaced.

        Raises:
            OutputError: as `get`.
        """
        signed = [(key, value, self._checksum(key.encode(), value)) for key, value in rows.items()]

        def insert(connection: sqlite3.Connection) -> bool:
            with connection:
                connection.executemany(f"INSERT OR REPLACE INTO {_TABLE} VALUES (?, ?, ?)", signed)  # noqa: S608
            return True

        if not (self._writes and self._tried(insert, writing=True)):
            self._memory.put(rows)

    def _is_good(self, key: Any, value: Any, checksum: Any, fits: Callable[[bytes], bool]) -> bool:
        if not (isinstance(key, bytes) and isinstance(value, bytes)):
            return False
        return bool(checksum == self._checksum(key, value) and fits(value))

    def _checksum(self, key: bytes, value: bytes) -> bytes:
        return hashlib.sha256(b"\0".join((self._backbone.encode(), key, value))).digest()

    def _tried(self, work: Callable[[sqlite3.Connection], _T], *, writing: bool) -> _T | None:
        """What ``work`` returns, in a new file if the one that is there is damaged.

        Args:
            writing: whether a file is made if there is none.

        Returns:
            None if there is none, or it cannot be used.
        """
        for _ in range(_ATTEMPTS):
            try:
                if not self._is_there() and not writing:
                    return None
                with self._opened() as connection:
                    return work(connection)
            except (sqlite3.Error, UnicodeError) as error:  # the latter, if its names are damaged
                if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
                    continue  # another process has deleted it just now
                trouble = self._cause(error) or self._discard()
            except OSError as error:
                trouble = reason(error)
            if trouble:
                self._do_without(trouble, writing=writing)
                return None
        self._do_without("it is damaged each time that it is made", writing=writing)
        return None

    def _is_there(self) -> bool:
        """Whether the file exists, once it is sure that there is nothing but files where SQLite opens some."""
        for end in _BESIDE:
            path = f"{self._path}{end}"
            try:
                if found := look(path):
                    require_regular(found)
            except OSError as error:
                if error.errno not in _IN_THE_WAY:
                    raise
                raise OutputError(
                    f"features cannot be cached in {path}: {reason(error)}", f"move it away; or, {_ELSEWHERE}"
                ) from None
        return look(self._path) is not None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise OutputError(
                f"features cannot be cached in {self._path.parent}: {reason(error)}", f"move it away; or, {_ELSEWHERE}"
            ) from None
        with closing(sqlite3.connect(self._path, timeout=_TIMEOUT)) as connection:
            connection.text_factory = bytes  # what is damaged may not be UTF-8
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {_TABLE} "
                "(key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum BLOB NOT NULL)"
            )
            yield connection

    def _cause(self, error: Exception) -> str:
        """Why a file cannot be used that may be whole; empty if it is damaged."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        primary = code & 0xFF
        if primary not in _CAUSES or code in _DAMAGED_IO:
            return ""
        if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            # SQLite says so, too, of a file whose header is damaged.
            return self._refused(_CAUSES[primary])
        return _CAUSES[primary].format(_TIMEOUT) or f"SQLite says: {error}"

    def _refused(self, otherwise: str) -> str:
        """Why the system does not let the file be written to; empty if it does."""
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666))
        except OSError as error:
            return reason(error)
        return "" if os.access(self._path.parent, os.W_OK | os.X_OK) else otherwise

    def _discard(self) -> str:
        """Delete the file; returns why that cannot be done, or nothing."""
        try:
            for end in reversed(_BESIDE):
                with suppress(FileNotFoundError):
                    os.unlink(f"{self._path}{end}")
        except OSError as cause:
            return f"it is damaged, and cannot be deleted: {reason(cause)}"
        self._observer.warning(f"{self._path} was damaged: it was deleted, and its features are computed again")
        return ""

    def _do_without(self, trouble: str, *, writing: bool) -> None:
        """Go on in memory, and say so once."""
        self._writes = False
        self._reads = self._reads and writing  # what can be read may still be used
        if not self._told:
            self._told = True
            self._observer.warning(
                f"features cannot be cached in {self._path}: {trouble}; they are kept in memory until the end of this "
                f"run; {_ELSEWHERE}"
            )


def _select(connection: sqlite3.Connection, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of these keys: number, key, value, checksum."""
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(keys), _KEYS_PER_QUERY):
        part = keys[start : start + _KEYS_PER_QUERY]
        marks = ",".join("?" * len(part))
        query = f"SELECT rowid, key, value, checksum FROM {_TABLE} WHERE key IN ({marks})"  # noqa: S608
        rows += connection.execute(query, part).fetchall()
    return rows


def _delete(connection: sqlite3.Connection, numbers: Sequence[tuple[object]]) -> None:
    """Delete rows, and what the index may have kept of them under a key that they no longer have."""
    with connection:
        connection.executemany(f"DELETE FROM {_TABLE} WHERE rowid = ?", numbers)  # noqa: S608
        connection.execute(f"REINDEX {_TABLE}")
