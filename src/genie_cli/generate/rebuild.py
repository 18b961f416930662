"""A manifest that was lost or damaged, rebuilt from the records that the images carry, and from what is left of it.

Nothing is deleted: a manifest or metadata that is there and differs is kept under another name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from genie_cli import manifest, provenance
from genie_cli.config import Format
from genie_cli.data.images import decode, read_file
from genie_cli.errors import ImageError, ManifestError, OutputError
from genie_cli.files.json_lines import LONGEST
from genie_cli.files.reading import is_folder, look, open_binary, sha256_of
from genie_cli.files.temporary import database
from genie_cli.files.writing import place, reraise_as_output_error
from genie_cli.generate import binding
from genie_cli.generate.documents import card_of, drop_superseded, set_aside
from genie_cli.generate.folder import Output
from genie_cli.generate.paths import file_of
from genie_cli.header import Header, RunSettings
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer, Progress

_COLUMNS = "sha256, line, source, target, replicate, r"
_TABLES = (
    f"CREATE TABLE image (id, kind, slots, file, {_COLUMNS})",
    f"CREATE TABLE row (id PRIMARY KEY, place, {_COLUMNS})",
)
_TAKE = f"INSERT OR IGNORE INTO row SELECT id, NULL, {_COLUMNS} FROM image WHERE kind = ? ORDER BY file"  # noqa: S608
_KINDS = "SELECT kind, max(slots) FROM image GROUP BY kind ORDER BY count(*) DESC, kind"
_LINES = "SELECT line FROM row ORDER BY place IS NULL, place, source, target, replicate, r, id"
_SHOWN = 5  # images, in an error
_GENIE = "genie-cli"  # the package whose version an image states


@dataclass(frozen=True)
class Rebuilt:
    """What a manifest was rebuilt from, and what cannot be known any more.

    Attributes:
        images: that have a row; ``others``: rows of jobs that failed or were skipped, left of the old manifest.
        left_out: images that have no row, each with the reason: damaged, without a record, or made with other settings.
        replaced: where the files are now that the new ones took the place of.
        unknown: what no image says, in words.
    """

    images: int
    others: int
    left_out: tuple[str, ...]
    replaced: tuple[Path, ...]
    unknown: tuple[str, ...]


def rebuild(root: Path, observer: Observer) -> Rebuilt:
    """Write the manifest and the metadata of an output folder from its images. Every image is read and decoded.

    Raises:
        OutputError: the manifest is whole, no image is genie's, another run is at work, or it cannot be written.
    """
    _require_damaged(root)
    output = Output(root, Header(kind="genie.manifest"))
    with reraise_as_output_error(root), output.opened(is_lost=True), database() as tables:
        found = _Found(root, tables, _header_left(root))
        with observer.progress("images") as progress:
            found.look_through(progress)
        header = found.take()
        rows, images = found.counts()
        written = set_aside(root, output.aside, header, found.rows(), rows)
        replaced = [kept for path in written if (kept := _put(output.aside / path.name, path, root))]
        drop_superseded(written)
    unknown = tuple(_unknown(found.before is not None, header))
    return Rebuilt(images, rows - images, tuple(found.left_out), tuple(replaced), unknown)


def _require_damaged(root: Path) -> None:
    """Raise OutputError if a manifest is there that needs no rebuilding, or no folder."""
    path = binding.manifest_of(root)
    with reraise_as_output_error(root):
        if not is_folder(root):
            why = f"{root} is not a folder" if look(root) else f"there is no folder {root}"
            raise OutputError(why, "give the folder of a run (--out)")
        if not os.path.lexists(path):
            return
    with suppress(ManifestError), manifest.opened(path, "genie.manifest") as document:
        for _ in document.rows():
            pass
        raise OutputError(
            f"{path} is whole: there is nothing to rebuild",
            "to rebuild it from the images all the same, move it away first",
        )


def _header_left(root: Path) -> Header | None:
    """The header of the damaged manifest or, if it has none, of a journal."""
    for path in (binding.manifest_of(root), *binding.journals(root / ".genie")):
        with suppress(OSError, ManifestError):
            if look(path):
                return binding.headers(root, [path])[0]
    return None


@dataclass
class _Found:
    """What is found in a folder.

    Attributes:
        before: the header that is left, if one is.
        left_out: images without a row, and why.
        kinds: what images were made with: the settings as JSON, without the number of slots, and genie's version.
    """

    root: Path
    tables: Connection
    before: Header | None
    left_out: list[str] = field(default_factory=list)
    kinds: list[tuple[str, str]] = field(default_factory=list)

    def look_through(self, progress: Progress) -> None:
        """Read all images."""
        for table in _TABLES:
            self.tables.execute(table)
        for path in sorted(binding.named_as_jobs(self.root)):
            try:
                self._add(path)
            except (ImageError, OutputError) as error:  # a class name may be too long for a folder
                self.left_out.append(str(error))
            progress.advance()

    def _add(self, path: Path) -> None:
        record, data = provenance.read(path), read_file(path)
        decode(data, path)
        job, slots = record.job, record.settings.get("slots")
        name = file_of(job, Format(path.suffix[1:]))
        if name != path.relative_to(self.root).as_posix():
            raise ImageError(path, f"is the image of another job, which belongs at {name}")
        kind = json.dumps({**record.settings, "slots": None}, sort_keys=True), record.genie
        if type(slots) is not int or not _header_of(kind, slots):
            raise ImageError(path, "carries a record with settings that no run has")
        if kind not in self.kinds:
            self.kinds.append(kind)
        row = Row(job, Status.MADE, name, hashlib.sha256(data).hexdigest(), slots)
        order = (job.source.path if job.source else "", job.target, job.replicate, job.r)
        entry = (job.id, self.kinds.index(kind), slots, name, row.sha256, row.line(), *order)
        self.tables.execute("INSERT INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)

    def take(self) -> Header:
        """Choose the images that were made alike, most of all, or as the header that is left says; they become rows.

        Raises:
            OutputError: there is none.
        """
        if not (most := self._most()):
            self.before = None  # damaged, or of other images
            most = self._most()
        if not most:
            raise OutputError(
                [f"{self.root} has no image that a manifest could be rebuilt from", *self.left_out[:_SHOWN]],
                "give the folder of a run (--out)",
            )
        header = self.before or _header_of(self.kinds[most[0]], most[1])
        assert header  # noqa: S101 - `_add` has tried
        for file, kind in self.tables.execute("SELECT file, kind FROM image WHERE kind != ? ORDER BY file", most[:1]):
            other = _header_of(self.kinds[kind], header.settings.slots)
            why = ", ".join(header.differences(other)) if other else ""
            self.left_out.append(f"{self.root / file}: was made with other settings: {why}")
        self.tables.execute(_TAKE, most[:1])
        self._take_rows_left()
        return header

    def _most(self) -> tuple[int, int] | None:
        """Of the kinds that fit the header that is left, or else of all, the one of most images, and its most slots."""
        kinds = self.tables.execute(_KINDS).fetchall()
        return next(((kind, slots) for kind, slots in kinds if self._fits(self.kinds[kind])), None)

    def _fits(self, kind: tuple[str, str]) -> bool:
        if not self.before:
            return True
        stated = {name: version for name, version in self.before.versions.items() if name == _GENIE}
        now = _header_of(kind, self.before.settings.slots)
        return now is not None and not any(self.before.model_copy(update={"versions": stated}).differences(now))

    def _take_rows_left(self) -> None:
        """What is left of the old manifest has an order, columns that no image has, and the jobs that failed."""
        for number, row in enumerate(_rows_left(binding.manifest_of(self.root))):
            own = "SELECT line FROM row WHERE id = ? AND sha256 = ?", (row.job.id, row.sha256)
            if row.status is not Status.MADE:
                entry = (row.job.id, number, row.line())
                self.tables.execute("INSERT OR IGNORE INTO row (id, place, line) VALUES (?, ?, ?)", entry)
            elif found := self.tables.execute(*own).fetchone():
                line = replace(Row.from_json(from_json(found[0])), extra=row.extra).line()
                self.tables.execute("UPDATE row SET place = ?, line = ? WHERE id = ?", (number, line, row.job.id))

    def counts(self) -> tuple[int, int]:
        """How many rows there are, and how many of images."""
        rows, images = self.tables.execute("SELECT count(*), count(sha256) FROM row").fetchone()
        return int(rows), int(images)

    def rows(self) -> Iterator[Row]:
        """The rows: those that were left in their order, then those of images by source, target and r."""
        for (line,) in self.tables.execute(_LINES):
            yield Row.from_json(from_json(line))


def _header_of(kind: tuple[str, str], slots: int | None) -> Header | None:
    """The header that a folder of such images has; None if it cannot have one."""
    settings: dict[str, Any] = {**json.loads(kind[0]), "slots": slots}
    try:
        made_with = RunSettings.model_validate(settings if slots is not None else {**settings, "slots": None})
        return Header(kind="genie.manifest", settings=made_with, versions={_GENIE: kind[1]})
    except ValidationError:
        return None


def _rows_left(path: Path) -> Iterator[Row]:
    """The rows of a damaged manifest that can still be read."""
    with suppress(OSError), open_binary(path) as file:
        while line := file.readline(LONGEST):
            with suppress(ValueError):
                said = from_json(line)
                if isinstance(said, dict):
                    yield Row.from_json(said)


def _put(aside: Path, path: Path, root: Path) -> Path | None:
    """Give a new file its place, and what is there, unless it is the same, a name beside the manifest; returns that."""
    kept = None
    # Nobody has edited the card that is there, or there would be no new one.
    if path != card_of(root) and os.path.lexists(path) and not _is_same(aside, path):
        for number in count(1):
            kept = root / (f"{path.name}.before-rebuild" + (f"-{number}" if number > 1 else ""))
            with suppress(FileExistsError):
                place(path, kept)
                break
    os.replace(aside, path)
    return kept


def _is_same(first: Path, second: Path) -> bool:
    try:
        return sha256_of(first) == sha256_of(second)
    except OSError:
        return False


def _unknown(has_header: bool, header: Header) -> Iterator[str]:
    """What no image says."""
    yield "which jobs failed or were skipped, and why: the same command tries them again"
    yield "columns that other commands had added to the manifest"
    if has_header:
        return
    yield "the plan, and the order of its rows: the same command puts both in again"
    yield "the folder of the sources, until then"
    yield f"versions of packages other than {_GENIE}"
    yield f"the batch size that the run began with, if memory ran out: the largest is {header.settings.slots}"
