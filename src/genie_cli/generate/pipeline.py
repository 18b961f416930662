"""Runs a plan: jobs in, images and a manifest out. Files are written in threads beside what makes the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli.config import Format
from genie_cli.data.listing import counted
from genie_cli.errors import OutputError
from genie_cli.fleet.maker import Encoded, Maker, in_order
from genie_cli.generate.folder import Output
from genie_cli.generate.paths import folder_of, keep_apart
from genie_cli.jobs import PURE_NOISE, Job, Method, Plan
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer, Progress

if TYPE_CHECKING:
    from genie_cli.generate.ledger import Ledger

_SHOWN_FAILURES = 10
_WRITES_WAITING = 64  # images


@dataclass(frozen=True)
class Summary:
    """What a run did, in jobs of its plan."""

    made: int
    resumed: int
    failed: int
    skipped: int


def run(
    plan: Plan,
    share: Plan,
    source_root: Path | None,
    maker: Callable[[], Maker],
    output: Output,
    observer: Observer,
) -> Summary:
    """Make every job of this run's share of the plan that does not exist yet.

    Args:
        plan: all jobs; the manifest has their order, the images do not depend on it.
        share: those that this run makes: all, or a shard's.
        source_root: folder that the sources' paths are relative to.
        maker: gives what makes the images; not called if there is nothing to do.
        observer: is told what fails, and how far the run is.

    Raises:
        OutputError: the output folder cannot be used, or no longer; what was made so far stays, and a second
            run resumes.
    """
    if source_root is not None:
        keep_apart(source_root, output.root)
    done: Counter[Status] = Counter()
    with output.opened():
        if others := output.sources_before():
            observer.warning(
                f"earlier images were made from {others}, these are from {source_root}, where the sources of all are "
                "looked for from now on: put them into one folder, or give this run another --out"
            )
        known = output.known()
        total, resumed = _count(share, known)
        if resumed:
            observer.found(f"{resumed} of {total} images already exist")
        if resumed < total:
            work = _Run(output, share.only(lambda job: not known.made(job)))
            with work.begun(maker) as machine:
                done += _make(work, machine, total - resumed, observer)
        if kept := output.finish(plan):
            observer.found(f"{counted(kept, 'image')} of earlier plans {'stays' if kept == 1 else 'stay'} as they are")
    return Summary(done[Status.MADE], resumed, done[Status.FAILED], done[Status.SKIPPED])


def _make(work: _Run, machine: Maker | None, total: int, observer: Observer) -> Counter[Status]:
    """Make what is left to do; progress is counted in solver steps, since a batch of images takes long."""
    done: Counter[Status] = Counter()
    with (
        observer.progress(_far(0, total), work.steps(machine)) as progress,
        # Closed at once when interrupted, so that no thread writes after the folder's lock is gone.
        closing(work.rows(machine, progress)) as rows,
    ):
        for row in _reported(rows, work.output.header.settings.slots or 0, observer):
            done[row.status] += 1
            progress.describe(_far(done.total(), total))
    return done


def _far(done: int, total: int) -> str:
    return f"{done:,} of {counted(total, 'image')}, solver steps"


def _reported(rows: Iterable[Row], slots: int, observer: Observer) -> Iterator[Row]:
    """The rows; the observer is told of the first few that failed, and when memory runs out.

    Args:
        slots: batch size that the run begins with.
    """
    failures = 0
    for row in rows:
        if row.slots and row.slots < slots:
            observer.warning(f"out of memory: continuing with {row.slots} images per batch instead of {slots}")
        slots = row.slots or slots
        if row.status is not Status.MADE:
            failures += 1
            if failures <= _SHOWN_FAILURES:
                observer.warning(f"{row.status.value}: {row.job.target}: {row.reason}")
        yield row


def _count(share: Plan, known: Ledger) -> tuple[int, int]:
    """How many jobs there are, and how many of them an earlier run has made."""
    total = made = 0
    for job in share:
        total += 1
        made += known.made(job)
    return total, made


@dataclass(frozen=True)
class _Run:
    """What is left to do, and where images go."""

    output: Output
    todo: Plan

    @property
    def _format(self) -> Format:
        return Format(self.output.header.settings.format or Format.JPG)

    @property
    def _sound(self) -> Plan:
        return self.todo.only(lambda job: not _senseless(job))

    @contextmanager
    def begun(self, maker: Callable[[], Maker]) -> Iterator[Maker | None]:
        """What makes the images, if there is a job for it; then the folder is bound to the run's settings."""
        has_jobs = next(iter(self._sound), None) is not None
        with maker() if has_jobs else nullcontext() as machine:
            self.output.begin()  # not before: settings that the machine refuses would bind the folder
            yield machine

    def steps(self, machine: Maker | None) -> int:
        """How many solver steps there are to take."""
        return sum(machine.steps_for(job.r) for job in self._sound) if machine else 0

    def rows(self, machine: Maker | None, progress: Progress) -> Generator[Row, None, None]:
        """Rows as they are written.

        Args:
            progress: see `Maker.make`.
        """
        for job in self.todo:
            if reason := _senseless(job):
                yield self.output.note(Row(job, Status.SKIPPED, reason=reason))
        if machine:
            yield from self._images(machine, progress)

    def _images(self, machine: Maker, progress: Progress) -> Generator[Row, None, None]:
        with ThreadPoolExecutor(2, "write") as writers, closing(machine.make(self._sound, progress)) as images:
            stored = (writers.submit(self._store, image) for image in images)
            yield from in_order(stored, _WRITES_WAITING, machine.clock, "write")

    def _store(self, image: Encoded) -> Row:
        if image.error:
            return self.output.note(Row(image.job, Status.FAILED, reason=image.error))
        return self.output.save(image.job, image.data, self._format, image.slots)


def _senseless(job: Job) -> str:
    """Why a job, of a plan written by hand perhaps, makes no sense; empty if it does."""
    try:
        folder_of(job.target)
    except OutputError as error:
        return str(error)
    if job.method is Method.TXT2IMG:
        fits = job.source is None and job.r > PURE_NOISE
        return "" if fits else f"txt2img starts from noise alone: no source, and r above {PURE_NOISE}"
    if job.source is None:
        return f"{job.method.value} needs a source"
    if not job.method.accepts(job.source.label, job.target):
        return f"{job.method.value} cannot make {job.target!r} from a source of class {job.source.label!r}"
    return ""
