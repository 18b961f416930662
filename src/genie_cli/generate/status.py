"""How far the runs in an output folder are: what is made, missing, failed, and the commands that make the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from genie_cli import manifest
from genie_cli.data.listing import is_folder
from genie_cli.errors import FolderError, OutputError, UsageError
from genie_cli.files.reading import open_text, sha256_of
from genie_cli.files.temporary import database
from genie_cli.files.writing import reraise_as_output_error
from genie_cli.generate import binding
from genie_cli.generate.command import command_of_plan, command_of_rows
from genie_cli.generate.growth import recipe_of
from genie_cli.generate.locks import workers
from genie_cli.header import Header
from genie_cli.jobs import Job
from genie_cli.manifest import Row
from genie_cli.observer import Observer
from genie_cli.recipe import SourceIndex

if TYPE_CHECKING:
    from genie_cli.generate.rebuild import Rebuilt

_MISSING = "missing"  # the state of a job that has no row, or whose image is not there
_TABLE = "CREATE TABLE job (id BLOB PRIMARY KEY, target, r, state, file, sha256, planned)"
_ADD = """
INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, file = excluded.file, sha256 = excluded.sha256
WHERE excluded.state = 'made'
"""
_PLAN = "INSERT OR IGNORE INTO job VALUES (?, ?, ?, 'missing', '', '', 0)"
_COUNT = """
SELECT target, r, sum(state = 'made'), sum(state = 'missing'), sum(state = 'failed'), sum(state = 'skipped')
FROM job GROUP BY target, r ORDER BY target, r
"""
_REST = "SELECT count(*) FROM job WHERE state IN ('missing', 'failed')"


@dataclass(frozen=True)
class Count:
    """Jobs of one target and r.

    Attributes:
        missing: planned and not made yet, or made and gone since.
        failed: will be tried again; ``skipped``: make no sense, and the manifest says why.
    """

    target: str
    r: float
    made: int
    missing: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class FolderStatus:
    """How far the runs in an output folder are.

    Attributes:
        counts: by target and r.
        workers: who is at work there, in words.
        changed: images whose content is not what the manifest says; only if that was checked.
        notes: what is odd, or could not be counted.
        commands: that make what is missing, and try again what failed; none while a run is at work.
        rebuilt: what the manifest was rebuilt from, if it was.
    """

    root: Path
    counts: tuple[Count, ...]
    workers: tuple[str, ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]
    commands: tuple[str, ...]
    rebuilt: Rebuilt | None = None


def status(root: Path, observer: Observer, *, check: bool = False, rebuilt: Rebuilt | None = None) -> FolderStatus:
    """Count what is there, and what the plans in the header have besides. Nothing is written.

    The sources are listed anew for that, and hashed.

    Args:
        check: compare the content of each image with the manifest.

    Raises:
        OutputError: there is no run in the folder, or its manifest was lost.
        ManifestError: the manifest is not genie's, or is damaged.
    """
    with reraise_as_output_error(root), database() as table:
        binding.require_manifest(root)
        at_work = tuple(workers(root / ".genie"))
        seen = _Seen(root, table, observer)
        seen.read()
        changed = tuple(seen.look_at_images(check=check))
        commands = list(seen.commands(at_rest=not at_work))
        counts = tuple(Count(*each) for each in table.execute(_COUNT))
    return FolderStatus(root, counts, at_work, changed, tuple(seen.notes), tuple(commands), rebuilt)


class _Seen:
    """The jobs of a folder, in a table."""

    def __init__(self, root: Path, table: Connection, observer: Observer) -> None:
        self.root, self.table, self.observer = root, table, observer
        self.notes: list[str] = []
        self.headers: list[Header] = []
        self.is_unfinished = False
        table.execute(_TABLE)

    def read(self) -> None:
        """Journals first: a run that ends meanwhile puts their rows into the manifest before they go."""
        path = binding.manifest_of(self.root)
        for document in (*binding.journals(self.root / ".genie"), path):
            with suppress(FileNotFoundError), binding.explaining(self.root), open_text(document) as stream:
                read = manifest.read(stream, str(document), "genie.manifest", whole=document == path)
                self.headers.append(read.header)
                self.is_unfinished |= document != path
                self.table.executemany(_ADD, map(_entry, read.rows()))
        if not self.headers:
            raise OutputError(f"{self.root} has no manifest.jsonl", "give the folder of a run (--out)")

    def look_at_images(self, *, check: bool) -> Iterator[str]:
        """Mark those that are not there; yield the files whose content has changed, if that is to be checked."""
        made = self.table.execute("SELECT id, file, sha256 FROM job WHERE state = 'made'").fetchall
        with self.observer.progress("images") as progress:
            for key, file, sha256 in made():
                path = self.root / file
                if not path.is_file():
                    self.table.execute("UPDATE job SET state = ? WHERE id = ?", (_MISSING, key))
                elif check and sha256_of(path) != sha256:
                    yield file
                progress.advance()

    def commands(self, *, at_rest: bool) -> Iterator[str]:
        """Add the plans' jobs that have no row, and yield the commands that make the rest."""
        plans: dict[str, tuple[Mapping[str, Any], Header]] = {}
        for header in reversed(self.headers):  # the manifest first
            plans |= {str(plan): (plan, header) for plan in header.settings.plans or () if str(plan) not in plans}
        for plan, header in plans.values():
            rest = self._rest_of(plan, header)
            if at_rest and (rest or self.is_unfinished):
                yield from self._told(command_of_plan(plan, header.settings, header.source_root, self.root))
        (others,) = self.table.execute(f"{_REST} AND NOT planned").fetchone()
        if at_rest and others:
            yield from self._told(command_of_rows(self.headers[-1].settings, self.root))

    def _told(self, command: str | None) -> Iterator[str]:
        if command:
            yield command
        else:
            self.notes.append(
                "no command can be shown for a plan of another genie, or with characters that do not print"
            )

    def _rest_of(self, plan: Mapping[str, Any], header: Header) -> int:
        """How many jobs of a plan are not made."""
        (before,) = self.table.execute(f"{_REST} AND planned").fetchone()
        for job in self._jobs(plan, header):
            key = bytes.fromhex(job.id)
            self.table.execute(_PLAN, (key, job.target, job.r))
            self.table.execute("UPDATE job SET planned = 1 WHERE id = ?", (key,))
        (now,) = self.table.execute(f"{_REST} AND planned").fetchone()
        return int(now - before)

    def _jobs(self, plan: Mapping[str, Any], header: Header) -> Iterator[Job]:
        """The jobs of a plan as its sources are now; none, and a note, if they cannot be listed."""
        from genie_cli.data.folder import list_sources

        recipe = recipe_of(plan, header.settings.model or "")
        if recipe is None:
            self.notes.append("a plan of another genie is in the header: what it has besides cannot be counted")
            return
        index = SourceIndex(())
        if recipe.method.uses_source:
            root = Path(header.source_root or "")
            try:
                if not header.source_root or not is_folder(root):
                    raise FolderError(f"the sources' folder {header.source_root or ''} is not there")
                index = SourceIndex(list_sources(root, plan.get("src_label") or None, Observer()))
            except FolderError as error:
                self.notes.append(f"{error}: what is missing of its plan cannot be counted")
                return
        possible = []
        for target in recipe.targets:
            with suppress(UsageError):
                recipe.check(target, index)
                possible.append(target)
        yield from recipe.model_copy(update={"targets": tuple(possible)}).jobs(index)


def _entry(row: Row) -> tuple[bytes, str, float, str, str, str]:
    return bytes.fromhex(row.job.id), row.job.target, row.job.r, row.status.value, row.file, row.sha256
