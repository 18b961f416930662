"""What a run leaves, and how it survives being killed at any moment.

    out/manifest.jsonl                what became of every job, in the plan's order
    out/train/<class>/<job id>.jpg    the images: torchvision's ImageFolder("out/train")
    out/train/metadata.jsonl          file_name, label, ...: datasets.load_dataset("out")
    out/README.md                     a dataset card, unless a person's is there
    out/.genie/                       the lock, and while a run is under way its journal

An image is written aside, flushed and linked into place; its journal line comes after it. When the run ends,
the manifest is rebuilt from the journal and the manifest before it, and the journal goes. Nothing that is
already there is overwritten or deleted, except genie's own manifest, metadata, card and journal.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from genie_cli import manifest, provenance
from genie_cli.config import Format
from genie_cli.errors import ImageError, ManifestError, OutputError
from genie_cli.files.folders import remove_folder, require_own_folder
from genie_cli.files.json_lines import drop_torn_line
from genie_cli.files.reading import look, open_binary, open_text, read_bytes, sha256_of
from genie_cli.files.temporary import database
from genie_cli.files.writing import open_new, open_to_append, open_to_change, place, reraise_as_output_error
from genie_cli.generate import card
from genie_cli.generate.ledger import Ledger
from genie_cli.generate.locks import alone, at_work
from genie_cli.generate.paths import IMAGES, file_of
from genie_cli.header import Header, RunSettings
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status

_LONGEST_HEADER = 1 << 24  # bytes
_DAMAGED = (
    f"move it and {IMAGES}/metadata.jsonl away and run the same command again: the images that are there are kept, and "
    "this plan's are found again"
)


@dataclass
class Output:
    """An output folder that this process has locked.

    Attributes:
        part: the shard's name, empty for a whole run: shards share the folder, each with a journal of its own.
    """

    root: Path
    header: Header
    part: str = ""
    _write: threading.Lock = field(default_factory=threading.Lock)
    _ledger: Ledger = field(init=False)

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.jsonl"

    @property
    def _metadata(self) -> Path:
        return self.root / IMAGES / "metadata.jsonl"

    @property
    def _private(self) -> Path:
        return self.root / ".genie"

    @property
    def _journal(self) -> Path:
        return self._private / f"journal{self.part}.jsonl"

    @property
    def _aside(self) -> Path:
        return self._private / f"aside{self.part}"

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Lock the folder, check that what is there belongs to the same run, and tidy up after a killed one.

        Raises:
            OutputError: another run is at work there, its settings differ, it cannot be written, or it holds
                a manifest that is not genie's.
        """
        with ExitStack() as held:
            with reraise_as_output_error(self.root):
                self._make_folders()
                held.enter_context(at_work(self._private, self.part))
                self._check_settings()
                remove_folder(self._aside)
                self._aside.mkdir()
                held.callback(remove_folder, self._aside)
                self._heal()
            self._ledger = Ledger(held.enter_context(database()))
            yield

    def _make_folders(self) -> None:
        """Make genie's own folder, unless something else is in its place or in that of the images."""
        self._private.mkdir(parents=True, exist_ok=True)
        require_own_folder(self._private)
        images = self.root / IMAGES  # which may well be a link to another disk
        if (found := look(images)) and not stat.S_ISDIR(found.st_mode):
            raise OutputError(f"{images} is a file, not a folder of genie's", "move it away, or choose another --out")

    def _heal(self) -> None:
        """Cut off what a killed run has left of a journal line."""
        if look(self._journal):
            with alone(self._private), open_to_change(self._journal) as journal:  # another shard may be reading it
                drop_torn_line(journal, str(self._journal))

    def begin(self) -> None:
        """Bind the folder to the settings of this run, before its first row, unless another shard was first.

        Raises:
            OutputError: they differ from those of a run that began meanwhile.
        """
        with reraise_as_output_error(self.root), self._write:
            self._begin()

    def _begin(self) -> None:
        if (found := look(self._journal)) and found.st_size:  # healed when it was opened
            return
        with alone(self._private):  # between the look and the line no other shard may look
            self._check_settings()
            self._append(self.header.line())

    def known(self) -> Ledger:
        """What earlier runs made; an image that no longer exists counts as not made."""
        with reraise_as_output_error(self.root), self._explaining():
            self._ledger.read((self.manifest, *self._journals()), self._is_there, whole={self.manifest})
        return self._ledger

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Adds to an error of the manifest what can be done: it was written whole, and has been damaged since."""
        try:
            yield
        except ManifestError as error:
            if str(error.path) != str(self.manifest):
                raise
            raise ManifestError(error.path, error.line, error.reason, _DAMAGED) from None

    def save(self, job: Job, image: bytes, image_format: Format, slots: int) -> Row:
        """Write an image and note it in the journal. Safe to call from several threads.

        An existing file is kept. With the same bytes, or with a record of the same job and settings, it is this image
        (a run was killed between the two writes); otherwise it is the user's own, and the job fails.
        """
        with reraise_as_output_error(self.root):
            name = file_of(job, image_format)
            final, aside = self.root / name, self._aside / job.id
            aside.unlink(missing_ok=True)  # of an attempt for which the disk was too full
            with open_new(aside) as file:
                file.write(image)
                file.flush()
                os.fsync(file.fileno())
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                place(aside, final)
            except FileExistsError:
                if not _is_same(final, image):
                    return self.note(self._adopt(job, name))
            finally:
                aside.unlink(missing_ok=True)
            digest = hashlib.sha256(image).hexdigest()
            return self.note(Row(job, Status.MADE, name, digest, slots))

    def _adopt(self, job: Job, name: str) -> Row:
        """A file in the way is the job's own image after all if it says so: killed before its journal line, and
        made again with other bytes, as a device whose sums vary may do."""
        try:
            record = provenance.read(self.root / name)
        except ImageError:
            record = None
        slots = record.settings.get("slots") if record else None
        ours = {**self.header.settings.made_with(), "slots": slots}
        is_ours = record and record.job == job and {key: record.settings.get(key) for key in ours} == ours
        if not is_ours or type(slots) is not int or not 1 <= slots <= (self.header.settings.slots or slots):
            return Row(job, Status.FAILED, reason=f"another file is in the way: {name}")
        return Row(job, Status.MADE, name, sha256_of(self.root / name), slots)

    def note(self, row: Row) -> Row:
        """Add a row to the journal, which begins if it has not."""
        with reraise_as_output_error(self.root), self._write:
            self._begin()
            self._append(row.line())
        return row

    def _append(self, line: str) -> None:
        """Add a line to the journal: all of it or, if the disk is full, nothing."""
        with open_to_append(self._journal) as file:
            end, content = file.tell(), line.encode()
            if file.write(content) < len(content):
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finish(self, plan: Iterable[Job]) -> None:
        """Rebuild the manifest and the metadata in the plan's order, and drop the journal."""
        with reraise_as_output_error(self.root), alone(self._private):
            self._check_settings()  # a run that had nothing to make has not begun
            known = self.known()
            self._rebuild(known.in_order(plan), len(known))
            # A whole run has made sure that no shard is at work, so what one left behind is in the manifest now.
            for journal in [self._journal] if self.part else self._private.glob("journal*.jsonl"):
                journal.unlink(missing_ok=True)

    def _rebuild(self, rows: Iterable[Row], count: int) -> None:
        tally = card.Tally()
        with self._set_aside(self.manifest) as table, self._set_aside(self._metadata) as shown:
            table.write(self.header.line(count))
            for row in rows:
                table.write(row.line())
                if row.status is Status.MADE:
                    shown.write(_metadata_line(row))
                    tally.add(row.job, row.sha256)
        replaced = [self.manifest, self._metadata] if tally.images else [self.manifest]
        readme = self.root / card.NAME
        if tally.images and not self.header.settings.probe and card.is_replaceable(readme):
            with self._set_aside(readme) as described:
                described.write(card.of_run(self.header, tally))
            replaced.append(readme)
        for path in replaced:
            os.replace(self._aside / path.name, path)

    @contextmanager
    def _set_aside(self, path: Path) -> Iterator[TextIO]:
        """A file that is to replace ``path``, on disk when it is closed."""
        (self._aside / path.name).unlink(missing_ok=True)
        with TextIOWrapper(open_new(self._aside / path.name), encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

    def _journals(self) -> list[Path]:
        """This run's and those of other shards, which may be at work; one without a whole first line has no rows."""
        return [path for path in sorted(self._private.glob("journal*.jsonl")) if _is_begun(path)]

    def _is_there(self, row: Row) -> bool:
        return row.status is not Status.MADE or os.path.isfile(f"{self.root}/{row.file}")  # a Path takes its time

    def _check_settings(self) -> None:
        documents = [path for path in (self.manifest, *self._journals()) if look(path)]
        if not documents and os.path.lexists(self._metadata):
            raise OutputError(f"{self._metadata} is there already and is not genie's", "give this run another --out")
        now = Header.model_validate_json(self.header.line())  # as it will be read: a tuple is a list then
        for path in documents:
            differences: list[str] = []
            with suppress(FileNotFoundError), self._explaining(), open_text(path) as stream:  # another shard may end
                before = manifest.read(stream, str(path), "genie.manifest").header
                differences = list(before.differences(now))
            if differences:
                raise OutputError(
                    [f"{self.root} was made with other settings:", *(f"  {line}" for line in differences)],
                    "give this run another --out, or the same settings to resume",
                )


def begun(root: Path) -> RunSettings:
    """The settings of the run that began the folder; none are stated if there is none, or it is not genie's.

    Raises:
        OutputError: the folder cannot be looked into.
    """
    with reraise_as_output_error(root):
        for path in (root / "manifest.jsonl", *sorted((root / ".genie").glob("journal*.jsonl"))):
            with suppress(OSError, ManifestError), open_text(path) as stream:
                return manifest.read(stream, str(path), "genie.manifest").header.settings
    return RunSettings()


def _is_same(path: Path, content: bytes) -> bool:
    """Whether a regular file with this content is there."""
    try:
        return read_bytes(path, limit=len(content)) == content
    except OSError:
        return False


def _is_begun(journal: Path) -> bool:
    with suppress(FileNotFoundError), open_binary(journal, follow=False) as file:
        return file.readline(_LONGEST_HEADER).endswith(b"\n")
    return False


def _metadata_line(row: Row) -> str:
    job = row.job
    shown = {"label": job.target, "source_label": job.source.label if job.source else None, "r": job.r, "id": job.id}
    return json.dumps({"file_name": row.file.removeprefix(f"{IMAGES}/"), **shown}, ensure_ascii=False) + "\n"
