"""What became of jobs, as manifests and journals say: an index of their rows, which stay where they are.

A row takes some thirty bytes in a temporary file, and none in memory. This module does not know where documents
lie, and writes none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genie_cli import manifest
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

if TYPE_CHECKING:
    from sqlite3 import Connection

_TABLE = "CREATE TABLE row (id BLOB PRIMARY KEY, made INTEGER, document INTEGER, start INTEGER) WITHOUT ROWID"
_ADD = """
INSERT INTO row VALUES (?, ?, ?, ?) ON CONFLICT (id)
DO UPDATE SET made = excluded.made, document = excluded.document, start = excluded.start
WHERE excluded.made OR NOT made
"""


class Ledger:
    """Of two rows for one job the made one counts, then the later one.

    Args:
        index: an empty database, to be used by this ledger alone.
    """

    def __init__(self, index: Connection) -> None:
        self._index = index
        self._documents: list[Path] = []
        index.execute(_TABLE)

    def add(self, path: Path, counts: Callable[[Row], bool]) -> None:
        """Take in the rows of a document that count; nothing if it is not there.

        Raises:
            ManifestError: it is no manifest, or a line is not a row.
        """
        with suppress(FileNotFoundError), path.open("rb") as file:
            number = len(self._documents)
            self._documents.append(path)
            lines = _Lines(file)
            rows = filter(counts, manifest.read(lines, str(path), "genie.manifest").rows())
            places = ((_key(row.job), row.status is Status.MADE, number, lines.start) for row in rows)
            self._index.executemany(_ADD, places)

    def made(self, job: Job) -> bool:
        """Whether the job's image was made."""
        found = self._index.execute("SELECT made FROM row WHERE id = ?", (_key(job),)).fetchone()
        return bool(found and found[0])

    def drain(self, plan: Iterable[Job]) -> Iterator[Row]:
        """Take all rows out: in the plan's order, then those of no job in it, by id.

        The documents must be as they were when they were added, except for rows added at their ends.
        """
        (left,) = self._index.execute("SELECT count(*) FROM row").fetchone()
        with ExitStack() as held:
            files = [held.enter_context(path.open("rb")) for path in self._documents]
            for job in plan:
                if not left:
                    return
                found = self._index.execute("SELECT document, start FROM row WHERE id = ?", (_key(job),)).fetchone()
                if found:
                    self._index.execute("DELETE FROM row WHERE id = ?", (_key(job),))
                    left -= 1
                    yield _row(files, *found)
            for place in self._index.execute("SELECT document, start FROM row ORDER BY id"):
                yield _row(files, *place)


def _row(files: Sequence[BinaryIO], document: int, start: int) -> Row:
    files[document].seek(start)
    return Row.from_json(json.loads(files[document].readline()))


class _Lines:
    """The lines of a file, and where the last one given starts, in bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.start = 0

    def __iter__(self) -> Iterator[str]:
        end = 0
        for line in self._file:
            self.start, end = end, end + len(line)
            yield line.decode()


def _key(job: Job) -> bytes:
    return bytes.fromhex(job.id)
