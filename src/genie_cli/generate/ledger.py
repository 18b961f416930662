"""What became of jobs: an index of the rows of manifests and journals, which stay where they are.

A row takes some thirty bytes in a temporary file, and none in memory. Documents are only read.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pydantic_core import from_json

from genie_cli import manifest
from genie_cli.files.json_lines import LONGEST
from genie_cli.files.reading import State, open_binary, state_of
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

if TYPE_CHECKING:
    from sqlite3 import Connection

_TABLE = """
CREATE TABLE row (
  id BLOB PRIMARY KEY, made INTEGER, document INTEGER, start INTEGER, before INTEGER, place INTEGER
) WITHOUT ROWID
"""
# "before" is where it stood in the manifest, "place" where it stands in a plan.
_ADD = """
INSERT INTO row VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (id)
DO UPDATE SET made = excluded.made, document = excluded.document, start = excluded.start
WHERE excluded.made OR NOT made
"""
_ROWS = "SELECT document, start FROM row ORDER BY"
_AS_BEFORE = "before IS NULL, before, id"
_IN_ORDER = f"place IS NOT NULL, place, {_AS_BEFORE}"


class Left(NamedTuple):
    """What a plan leaves of the rows: how many jobs are not in it, and how many of these were made."""

    jobs: int
    images: int


class Ledger:
    """The rows of some documents. Of two for one job the made one counts, then the later one.

    Args:
        index: an empty database, to be used by this ledger alone.
    """

    def __init__(self, index: Connection) -> None:
        self._index = index
        self._read: dict[Path, State] = {}
        index.execute(_TABLE)

    def read(
        self, documents: Iterable[Path], counts: Callable[[Row], bool], whole: Collection[Path] = frozenset()
    ) -> None:
        """Take in the rows that count, instead of those before; nothing is done if no document has changed since.

        Args:
            documents: manifests; one that is not there has no rows.
            whole: the manifest, which is no journal: if it lacks rows it was damaged, and its order is known.

        Raises:
            ManifestError: one is no manifest, or a line is not a row.
        """
        found = {path: state for path in documents if (state := state_of(path))}
        if found == self._read:
            return
        self._index.execute("DELETE FROM row")
        self._read = found
        for number, path in enumerate(found):
            with suppress(FileNotFoundError), open_binary(path) as file:
                lines = _Lines(file)
                document = manifest.read(lines, str(path), "genie.manifest", whole=path in whole)
                self._index.executemany(_ADD, _places(document.rows(), counts, number, lines, path in whole))

    def __len__(self) -> int:
        """The number of jobs that have a row."""
        (count,) = self._index.execute("SELECT count(*) FROM row").fetchone()
        return int(count)

    def made(self, job: Job) -> bool:
        """Whether the job's image was made."""
        found = self._index.execute("SELECT made FROM row WHERE id = ?", (_key(job),)).fetchone()
        return bool(found and found[0])

    def __contains__(self, job: Job) -> bool:
        """Whether the job has a row."""
        return self._index.execute("SELECT 1 FROM row WHERE id = ?", (_key(job),)).fetchone() is not None

    def adds(self) -> bool:
        """Whether any job has a row that is not in the manifest."""
        return bool(self._index.execute("SELECT EXISTS (SELECT 1 FROM row WHERE before IS NULL)").fetchone()[0])

    def arrange(self, plan: Iterable[Job]) -> Left:
        """Put the rows of a plan's jobs into its order, after those that are not in it."""
        self._index.execute("UPDATE row SET place = NULL WHERE place IS NOT NULL")
        left = len(self)
        for place, job in enumerate(plan):
            if not left:
                break  # most of a plan may not have been made yet
            left -= self._index.execute("UPDATE row SET place = ? WHERE id = ?", (place, _key(job))).rowcount
        made = self._index.execute("SELECT count(*) FROM row WHERE place IS NULL AND made").fetchone()[0]
        return Left(left, int(made))

    def in_order(self, plan: Iterable[Job]) -> Iterator[Row]:
        """All rows: those of no job in the plan as they were in the manifest, or else by id; then in the plan's order.

        The documents must be as they were when they were read, except for rows added at their ends.
        """
        self.arrange(plan)
        yield from self.rows()

    def rows(self, *, as_before: bool = False) -> Iterator[Row]:
        """All rows, as they were arranged.

        Args:
            as_before: in the order of the manifest instead.
        """
        with ExitStack() as held:
            files = [held.enter_context(open_binary(path)) for path in self._read]
            for document, start in self._index.execute(f"{_ROWS} {_AS_BEFORE if as_before else _IN_ORDER}"):
                files[document].seek(start)
                yield Row.from_json(from_json(files[document].readline()))


class _Lines:
    """The lines of a file, and where the last one given starts, in bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.start = 0

    def __iter__(self) -> Iterator[str]:
        end = 0
        while line := self._file.readline(LONGEST):
            if len(line) == LONGEST:  # it may have no end
                raise OSError(errno.EFBIG, f"a line has more than {LONGEST:,} bytes")
            self.start, end = end, end + len(line)
            yield line.decode()


def _places(
    rows: Iterable[Row], counts: Callable[[Row], bool], document: int, lines: _Lines, is_in_order: bool
) -> Iterator[tuple[bytes, bool, int, int, int | None]]:
    """The rows that count, as they are added."""
    for row in filter(counts, rows):
        yield _key(row.job), row.status is Status.MADE, document, lines.start, lines.start if is_in_order else None


def _key(job: Job) -> bytes:
    return bytes.fromhex(job.id)
