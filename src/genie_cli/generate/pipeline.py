"""Runs a plan: sources in, images and a manifest out.

Sources are read, and files encoded and written, in threads beside the model.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from genie_cli import provenance
from genie_cli.config import Format
from genie_cli.data.images import decode, read_file
from genie_cli.data.listing import counted
from genie_cli.diffusion.requests import Request, Result, SourceImage
from genie_cli.errors import ImageError, OutputError, UsageError
from genie_cli.generate.folder import Output
from genie_cli.generate.paths import folder_of, keep_apart
from genie_cli.jobs import PURE_NOISE, Job, Method, Plan, Source
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer

if TYPE_CHECKING:
    from PIL.Image import Image

    from genie_cli.diffusion.clock import Clock
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.snapshot import Snapshot
    from genie_cli.generate.ledger import Ledger

_PACKAGES = ("genie-cli", "torch", "diffusers", "transformers", "torchvision", "pillow")
_READ_AHEAD = 16  # sources
_SHOWN_FAILURES = 10
_WRITES_WAITING = 64  # images


@dataclass(frozen=True)
class Summary:
    """What a run did, in jobs of its plan."""

    made: int
    resumed: int
    failed: int
    skipped: int


def versions() -> dict[str, str]:
    """Versions of the packages that an image's exact bytes depend on."""
    return {name: version(name) for name in _PACKAGES}


def run(
    plan: Plan,
    share: Plan,
    source_root: Path | None,
    engine: Callable[[], Engine[Job]],
    output: Output,
    observer: Observer,
) -> Summary:
    """Make every job of this run's share of the plan that does not exist yet.

    Args:
        plan: all jobs; the manifest has their order, the images do not depend on it.
        share: those that this run makes: all, or a shard's.
        source_root: folder that the sources' paths are relative to; it is only read.
        engine: makes the engine; not called if there is nothing to do.
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
            work = _Run(source_root, output, share.only(lambda job: not known.made(job)))
            machine = work.begin(engine)
            # Closed at once when interrupted, so that no thread writes after the folder's lock is gone.
            done += _make(work, machine, total - resumed, observer)
        if kept := output.finish(plan):
            observer.found(f"{counted(kept, 'image')} of earlier plans {'stays' if kept == 1 else 'stay'} as they are")
    return Summary(done[Status.MADE], resumed, done[Status.FAILED], done[Status.SKIPPED])


def _make(work: _Run, machine: Engine[Job] | None, total: int, observer: Observer) -> Counter[Status]:
    """Make what is left to do; progress is counted in solver steps, since a batch of images takes long."""
    done: Counter[Status] = Counter()
    with (
        observer.progress(_far(0, total), work.steps(machine)) as progress,
        # Closed at once when interrupted, so that no thread writes after the folder's lock is gone.
        closing(work.rows(machine, progress.advance)) as rows,
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
    """What is left to do, and where sources come from and images go."""

    source_root: Path | None
    output: Output
    todo: Plan

    @property
    def _format(self) -> Format:
        return Format(self.output.header.settings.format or Format.JPG)

    @property
    def _sound(self) -> Plan:
        return self.todo.only(lambda job: not _senseless(job))

    def begin(self, engine: Callable[[], Engine[Job]]) -> Engine[Job] | None:
        """The engine, if there is a job for it; then the folder is bound to the run's settings."""
        machine = engine() if next(iter(self._sound), None) else None
        self.output.begin()  # not before: settings that the machine refuses would bind the folder
        return machine

    def steps(self, machine: Engine[Job] | None) -> int:
        """How many solver steps there are to take."""
        return sum(machine.denoiser.steps_for(job.r) for job in self._sound) if machine else 0

    def rows(self, machine: Engine[Job] | None, on_steps: Callable[[int], None]) -> Generator[Row, None, None]:
        """Rows as they are written.

        Args:
            on_steps: see `Engine.run`.
        """
        for job in self.todo:
            if reason := _senseless(job):
                yield self.output.note(Row(job, Status.SKIPPED, reason=reason))
        if machine:
            yield from self._images(self._sound, machine, on_steps)

    def _images(self, sound: Plan, machine: Engine[Job], on_steps: Callable[[int], None]) -> Generator[Row, None, None]:
        with ThreadPoolExecutor(2, "read") as readers, ThreadPoolExecutor(2, "write") as writers:
            waiting: deque[Future[Row]] = deque()
            clock = machine.clock
            requests = self._requests(sound, self._fitting(machine.snapshot), readers, clock)
            for result in machine.run(requests, on_steps):
                waiting.append(writers.submit(self._store, result))
                while waiting and (waiting[0].done() or len(waiting) > _WRITES_WAITING):
                    yield clock.timed("write", waiting.popleft().result)
            for future in waiting:
                yield clock.timed("write", future.result)

    def _requests(
        self, jobs: Iterable[Job], fitted: Callable[[Source], Image], readers: ThreadPoolExecutor, clock: Clock
    ) -> Iterator[Request[Job]]:
        """Requests, with the sources of the next few jobs already being read and cut to size."""
        reading: OrderedDict[str, Future[Image]] = OrderedDict()
        ahead = iter(jobs)
        window: deque[Job] = deque()
        while True:
            while len(window) < _READ_AHEAD and (job := next(ahead, None)):
                window.append(job)
                if source := job.source:
                    if source.sha256 not in reading:
                        reading[source.sha256] = readers.submit(fitted, source)
                    reading.move_to_end(source.sha256)
            if not window:
                return
            job = window.popleft()
            picture = None
            if job.source and job.method.uses_source:
                picture = SourceImage(
                    job.source.sha256, partial(clock.timed, "read", reading[job.source.sha256].result)
                )
            yield Request(job, job.prompt, job.r, job.noise_seed, picture)
            while len(reading) > 2 * _READ_AHEAD:
                reading.popitem(last=False)

    def _fitting(self, snapshot: Snapshot) -> Callable[[Source], Image]:
        """A function that reads a source and cuts it to the size that the model takes."""

        def fitted(source: Source) -> Image:
            path = (self.source_root or Path()) / source.path
            data = read_file(path)
            if data and hashlib.sha256(data).hexdigest() != source.sha256:
                raise ImageError(path, "has changed since the plan was made", "plan again")
            return snapshot.resize_and_crop(decode(data, path, snapshot.image_size))

        return fitted

    def _store(self, result: Result[Job]) -> Row:
        if result.pixels is None:
            return self.output.note(Row(result.key, Status.FAILED, reason=result.error))
        # Fewer slots than asked for, if memory ran out.
        settings = {**self.output.header.settings.made_with(), "slots": result.slots}
        try:
            image = provenance.encode(result.pixels, self._format, result.key, settings)
        except UsageError as error:  # a record too long for a JPEG
            return self.output.note(Row(result.key, Status.FAILED, reason=str(error)))
        return self.output.save(result.key, image, self._format, result.slots)


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
