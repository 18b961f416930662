"""How far the runs in an output folder are: what is made, missing, failed, and the commands that make the rest."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from genie_cli import manifest
from genie_cli.data.listing import counted, is_folder
from genie_cli.errors import FolderError, OutputError, UsageError
from genie_cli.files.reading import look, open_text, reason, sha256_of
from genie_cli.files.temporary import database
from genie_cli.generate import binding, shards
from genie_cli.generate.command import command_of_plan, command_of_rows
from genie_cli.generate.growth import recipe_of
from genie_cli.generate.locks import workers
from genie_cli.header import Header
from genie_cli.jobs import Job, Plan
from genie_cli.manifest import Row
from genie_cli.observer import Observer
from genie_cli.recipe import SourceIndex

if TYPE_CHECKING:
    from genie_cli.generate.rebuild import Rebuilt

_GIVE = "give the folder of a run (--out)"
_TABLE = "CREATE TABLE job (id BLOB PRIMARY KEY, target, r, state, file, sha256, reason, planned)"
_ADD = """
INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, 0)
ON CONFLICT (id) DO UPDATE SET
state = excluded.state, file = excluded.file, sha256 = excluded.sha256, reason = excluded.reason
WHERE excluded.state = 'made'
"""
_PLAN = "INSERT OR IGNORE INTO job VALUES (?, ?, ?, 'missing', '', '', '', 0)"
_WHY = """
SELECT reason, count(*) FROM job WHERE state IN ('failed', 'skipped') GROUP BY reason ORDER BY count(*) DESC, reason
"""
_COUNT = """
SELECT target, r, sum(state = 'made'), sum(state = 'missing'), sum(state = 'failed'), sum(state = 'skipped')
FROM job GROUP BY target, r ORDER BY target, r
"""
_IDS = "SELECT id FROM job WHERE state IN ('missing', 'failed')"
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
        reasons: why jobs failed or were skipped, and of how many jobs that is the reason, the most frequent first.
        changed: images whose content is not what the manifest says; only if that was checked.
        notes: what is odd, or could not be counted.
        parts: of how many parts a run was (`--shard`), and those of them that are not done; (0, ()) if it was whole.
        commands: that make what is missing, and try again what failed; none while a run is at work.
        rebuilt: what the manifest was rebuilt from, if it was.
    """

    root: Path
    counts: tuple[Count, ...]
    workers: tuple[str, ...]
    reasons: tuple[tuple[str, int], ...]
    changed: tuple[str, ...]
    notes: tuple[str, ...]
    parts: tuple[int, tuple[int, ...]]
    commands: tuple[str, ...]
    rebuilt: Rebuilt | None = None

    def __repr__(self) -> str:
        sums = {name: sum(getattr(count, name) for count in self.counts) for name in ("made", "missing", "failed")}
        return f"<FolderStatus: {', '.join(f'{number} {name}' for name, number in sums.items())}; {self.root}>"


def status(root: Path, observer: Observer, *, check: bool = False, rebuilt: Rebuilt | None = None) -> FolderStatus:
    """Count what is there, and what the plans in the header have besides. Nothing is written.

    The sources are listed anew for that, and hashed.

    Args:
        check: compare the content of each image with the manifest.

    Raises:
        OutputError: there is no run in the folder, or its manifest was lost.
        ManifestError: the manifest is not genie's, or is damaged.
    """
    try:
        _require_run(root)
        with database() as table:
            binding.require_manifest(root)
            at_work = tuple(workers(root / ".genie"))
            seen = _Seen(root, table, observer)
            seen.read()
            changed = tuple(seen.look_at_images(check=check))
            commands = tuple(seen.commands(at_rest=not at_work))
            counts = tuple(Count(*each) for each in table.execute(_COUNT))
            reasons = tuple(table.execute(_WHY))
            parts = seen.parts()
    except OSError as error:
        raise OutputError(f"{root} cannot be read: {reason(error)}", _GIVE) from None
    return FolderStatus(root, counts, at_work, reasons, changed, tuple(seen.notes), parts, commands, rebuilt)


class _Seen:
    """The jobs of a folder, in a table."""

    def __init__(self, root: Path, table: Connection, observer: Observer) -> None:
        self.root, self.table, self.observer = root, table, observer
        self.notes: list[str] = []
        self.headers: list[Header] = []
        self._indices: dict[tuple[Path, str | None], SourceIndex] = {}
        self.is_unfinished = False  # a run was killed, or is at work
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
            hint = (
                "a run that was begun there has made no image yet: give its command again"
                if look(self.root / ".genie")
                else _GIVE
            )
            raise OutputError(f"{self.root} has no manifest.jsonl", hint)

    def look_at_images(self, *, check: bool) -> Iterator[str]:
        """Mark those that are not there; yield the files whose content has changed, if that is to be checked."""
        self.table.create_function("is_there", 1, lambda file: (self.root / file).is_file())
        self.table.execute("UPDATE job SET state = 'missing' WHERE state = 'made' AND NOT is_there(file)")
        if not check:
            return
        (total,) = self.table.execute("SELECT count(*) FROM job WHERE state = 'made'").fetchone()
        with self.observer.progress("images", total) as progress:
            for file, sha256 in self.table.execute("SELECT file, sha256 FROM job WHERE state = 'made' ORDER BY file"):
                if sha256_of(self.root / file) != sha256:
                    yield file
                progress.advance()

    def commands(self, *, at_rest: bool) -> Iterator[str]:
        """Add the plans' jobs that have no row, and yield the commands that make the rest if no run is at work."""
        plans: dict[str, tuple[Mapping[str, Any], Header]] = {}
        for header in self.headers:
            plans |= {str(plan): (plan, header) for plan in header.settings.plans or ()}
        for plan, header in plans.values():
            if self._has_rest(plan, header) and at_rest:
                yield from self._shown(command_of_plan(plan, header.settings, header.source_root, self.root))
        (others,) = self.table.execute(f"{_REST} AND NOT planned").fetchone()
        if others and at_rest and look(binding.manifest_of(self.root)):
            yield from self._shown(command_of_rows(self.headers[0].settings, self.root))
        if self.is_unfinished and at_rest:
            self.notes.append("a run was stopped before its end: the same command resumes it")

    def parts(self) -> tuple[int, tuple[int, ...]]:
        """See `FolderStatus`."""
        count = shards.seen(self.root / ".genie")
        return count, shards.parts_of((id_ for (id_,) in self.table.execute(_IDS)), count) if count else ()

    def _shown(self, command: str | None) -> Iterator[str]:
        if command:
            yield command
        else:
            self.notes.append("no command can be shown for a plan of another genie, or one that does not print")

    def _has_rest(self, plan: Mapping[str, Any], header: Header) -> bool:
        """Whether any job of a plan is not made, as far as that can be known."""
        try:
            jobs = self._jobs(plan, header)
        except FolderError as error:
            self.notes.append(f"{error}: what is missing of its plan cannot be counted")
            return True
        rest = f"{_REST} AND planned"
        before, unchosen = self.table.execute(rest).fetchone(), len(self.notes)
        for job in jobs:
            key = bytes.fromhex(job.id)
            self.table.execute(_PLAN, (key, job.target, job.r))
            self.table.execute("UPDATE job SET planned = 1 WHERE id = ?", (key,))
        return bool(self.table.execute(rest).fetchone() != before or len(self.notes) > unchosen)

    def _jobs(self, plan: Mapping[str, Any], header: Header) -> Plan:
        """The jobs of a plan as its sources are now.

        Raises:
            FolderError: they cannot be listed.
        """
        recipe = recipe_of(plan, header.settings.model or "")
        if recipe is None:
            raise FolderError("the header has a plan of another genie")
        index = SourceIndex(())
        if recipe.method.uses_source:
            root = Path(header.source_root or "")
            if not header.source_root or not is_folder(root):
                raise FolderError(f"the sources' folder {header.source_root or ''} is not there")
            index = self._index(root, plan.get("src_label") or None)
        possible = []
        for target in recipe.targets:
            with suppress(UsageError):  # it was left out
                recipe.check(target, index)
                possible.append(target)
        whole = recipe.model_copy(update={"targets": tuple(possible)})
        jobs = whole.jobs(index)
        return Plan(lambda: self._with_rows(jobs, len({*whole.r}))) if whole.chosen_by else jobs

    def _with_rows(self, jobs: Plan, ratios: int) -> Iterator[Job]:
        """The jobs that have a row, of a plan that makes one at one of several ratios; what has none is noted."""
        unchosen = 0
        for family in zip(*[iter(jobs)] * ratios, strict=True):
            known = [job for job in family if self._has_row(job)]
            unchosen += not known
            yield from known
        if unchosen:
            self.notes.append(f"{counted(unchosen, 'image')} of --r adaptive: the r is to be chosen first")

    def _has_row(self, job: Job) -> bool:
        return self.table.execute("SELECT 1 FROM job WHERE id = ?", (bytes.fromhex(job.id),)).fetchone() is not None

    def _index(self, root: Path, label: str | None) -> SourceIndex:
        """Of the sources in a folder, which is read once for all plans."""
        from genie_cli.data.folder import scan

        if (root, label) not in self._indices:
            self._indices[root, label] = SourceIndex(scan(root, label, self.observer).sources)
        return self._indices[root, label]


def _entry(row: Row) -> tuple[bytes, str, float, str, str, str, str]:
    return bytes.fromhex(row.job.id), row.job.target, row.job.r, row.status.value, row.file, row.sha256, row.reason


def _require_run(root: Path) -> None:
    """Raise OutputError, with what was probably meant, unless ``root`` is a folder."""
    run = next((parent for parent in root.absolute().parents if look(binding.manifest_of(parent))), None)
    hint = f"give the folder of the run: {shlex.join(['genie', 'status', os.path.relpath(run)])}" if run else _GIVE
    if not look(root):
        raise OutputError(f"{root} does not exist", hint)
    if not is_folder(root):
        raise OutputError(f"{root} is not a folder", hint)
    if run and not look(binding.manifest_of(root)) and not look(root / ".genie"):
        raise OutputError(f"{root} has no manifest.jsonl", hint)
