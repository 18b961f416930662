"""What a run leaves, and how it survives being killed at any moment.

    out/manifest.jsonl                what became of every job, in the plan's order
    out/train/<class>/<job id>.jpg    the images: torchvision's ImageFolder("out/train")
    out/train/metadata.jsonl          file_name, label, ...: datasets.load_dataset("out")
    out/README.md                     a dataset card, unless a person's is there
    out/.genie/                       the lock, and while a run is under way its journal

An image is written aside, flushed and linked into place; its journal line comes after it. When the run ends,
the manifest is written anew from the journal and the manifest before it, and the journal goes. Nothing that is
already there is overwritten or deleted, except genie's own manifest, metadata, card and journal.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from genie_cli import provenance
from genie_cli.config import Format
from genie_cli.data.images import decode, read_file
from genie_cli.errors import ImageError, OutputError
from genie_cli.files.folders import entries, remove_folder, require_own_folder
from genie_cli.files.json_lines import drop_torn_line
from genie_cli.files.reading import look, open_text, read_bytes, sha256_of
from genie_cli.files.temporary import database
from genie_cli.files.writing import open_new, open_to_append, open_to_change, place, reraise_as_output_error
from genie_cli.generate import binding, metadata
from genie_cli.generate.documents import card_of, drop_superseded, metadata_of, set_aside
from genie_cli.generate.growth import grown
from genie_cli.generate.ledger import Ledger
from genie_cli.generate.locks import alone, at_work
from genie_cli.generate.paths import IMAGES, file_of
from genie_cli.header import Header
from genie_cli.jobs import Job
from genie_cli.manifest import Row, Status


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
        return binding.manifest_of(self.root)

    @property
    def _private(self) -> Path:
        return self.root / ".genie"

    @property
    def _journal(self) -> Path:
        return self._private / f"journal{self.part}.jsonl"

    @property
    def aside(self) -> Path:
        """Where files are written before they get their names, while the folder is open."""
        return self._private / f"aside{self.part}"

    @contextmanager
    def opened(self, *, is_lost: bool = False) -> Iterator[None]:
        """Lock the folder, check that what is there was made with the same settings, and tidy up after a killed run.

        Args:
            is_lost: its manifest is lost or damaged, and is not looked at.

        Raises:
            OutputError: another run is at work there, its settings differ, it cannot be written, or it holds
                images without a manifest.
            ManifestError: it holds a manifest that is not genie's, or is damaged.
        """
        with ExitStack() as held:
            with reraise_as_output_error(self.root):
                self._make_folders()
                held.enter_context(at_work(self._private, self.part))
                if not is_lost:
                    binding.require_manifest(self.root)
                    self._check_settings()
                remove_folder(self.aside)
                self.aside.mkdir()
                held.callback(remove_folder, self.aside)
                self._heal()
            self._ledger = Ledger(held.enter_context(database()))
            yield

    @contextmanager
    def looked_at(self) -> Iterator[Ledger]:
        """What earlier runs made, without a lock and without a change.

        Raises:
            OutputError, ManifestError: as `opened`, but for what is at work there or cannot be written.
        """
        with reraise_as_output_error(self.root), database() as table:
            if look(self.root):
                binding.require_manifest(self.root)
                self._check_settings()
            self._ledger = Ledger(table)
            yield self.known()

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

        What a killed run of another plan has left in this run's journal is put into the manifest first, so that the
        manifest says that plan, too.

        Raises:
            OutputError: they differ from those of a run that began meanwhile.
        """
        with reraise_as_output_error(self.root), self._write:
            if self._has_another_plan():
                with alone(self._private):
                    self._finish((), self._headers())
            self._begin()

    def _has_another_plan(self) -> bool:
        """Whether this run's journal was begun by a run of another plan."""
        left = binding.headers(self.root, [self._journal] if binding.is_begun(self._journal) else [])
        return any(header.settings.plans != self._stated.settings.plans for header in left)

    def _begin(self) -> None:
        if (found := look(self._journal)) and found.st_size:  # healed when it was opened
            return
        with alone(self._private):  # between the look and the line no other shard may look
            self._check_settings()
            self._append(self.header.line())

    def sources_before(self) -> str:
        """The folder of sources of earlier runs, if this run has another one; empty if it has gone."""
        return binding.sources_before(self.root, self._documents(), self._stated)

    def known(self) -> Ledger:
        """What earlier runs made; an image that no longer exists counts as not made."""
        with reraise_as_output_error(self.root), binding.explaining(self.root):
            self._ledger.read(self._documents(), self._is_there, whole={self.manifest})
        return self._ledger

    def save(self, job: Job, image: bytes, image_format: Format, slots: int) -> Row:
        """Write an image and note it in the journal. Safe to call from several threads.

        An existing file is kept. With the same bytes, or with a record of the same job and settings, it is this image
        (a run was killed between the two writes); otherwise it is the user's own, and the job fails.
        """
        with reraise_as_output_error(self.root):
            name = file_of(job, image_format)
            final, aside = self.root / name, self.aside / job.id
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
            decode(read_file(self.root / name), self.root / name)  # it may have been damaged since
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

    def finish(self, plan: Iterable[Job]) -> int:
        """Write the manifest and the metadata in the plan's order, and drop the journal.

        Returns:
            How many images are there that are not in the plan, of earlier ones.
        """
        with reraise_as_output_error(self.root), alone(self._private):
            self._check_settings()  # a run that had nothing to make has not begun
            return self._finish(plan, [*self._headers(), self._stated])

    def _finish(self, plan: Iterable[Job], headers: list[Header]) -> int:
        """The same with the plans of these headers; a run that adds nothing leaves the manifest as it was."""
        known = self.known()
        left = known.arrange(plan)
        *before, now = headers
        header = grown(before, now, leaves_rows=left.jobs > 0)
        as_before = bool(before) and header.settings.plans == before[0].settings.plans and not known.adds()
        if not (as_before and self._has(header, len(known))):
            self._rebuild(header, known.rows(as_before=as_before), len(known))
        # A whole run has made sure that no shard is at work, so what one left behind is in the manifest now.
        for journal in [self._journal] if self.part else entries(self._private, "journal*.jsonl"):
            journal.unlink(missing_ok=True)
        return left.images

    def _has(self, header: Header, count: int) -> bool:
        """Whether the manifest has this header and as many rows, and no run was killed before all that goes with it."""
        if binding.journals(self._private) or not all(map(look, (self.manifest, card_of(self.root)))):
            return False
        if not any(look(metadata_of(self.root, name)) for name in (metadata.LINES, metadata.TABLE)):
            return False
        with open_text(self.manifest) as lines:
            return lines.readline() == header.line(count)

    def _rebuild(self, header: Header, rows: Iterable[Row], count: int) -> None:
        places = set_aside(self.root, self.aside, header, rows, count)
        for path in places:
            os.replace(self.aside / path.name, path)
        drop_superseded(places)

    def _documents(self) -> list[Path]:
        """The manifest, and the journals of this run and of other shards, which may be at work."""
        return [self.manifest, *binding.journals(self._private)]

    def _headers(self) -> list[Header]:
        return binding.headers(self.root, self._documents())

    @cached_property
    def _stated(self) -> Header:
        """This run's header as it will be read: a tuple is a list then."""
        return Header.model_validate_json(self.header.line())

    def _is_there(self, row: Row) -> bool:
        return row.status is not Status.MADE or os.path.isfile(f"{self.root}/{row.file}")  # a Path takes its time

    def _check_settings(self) -> None:
        binding.require_same(self.root, self._documents(), self._stated)


def _is_same(path: Path, content: bytes) -> bool:
    """Whether a regular file with this content is there."""
    try:
        return read_bytes(path, limit=len(content)) == content
    except OSError:
        return False
