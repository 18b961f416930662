"""A maker with several engines, each in a process of its own: one plan, given out job by job, whatever happens to them.

A worker holds a few jobs at a time: enough that its batch never runs dry, and a bounded number of images, however long
the plan is. When a worker dies, its jobs go to the others, and another is started in its place. Which worker makes an
image makes no difference to it: all have the same model, versions and kind of device, or are refused.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.solver import steps_of
from genie_cli.errors import ImageError, ModelError
from genie_cli.fleet.maker import Encoded
from genie_cli.fleet.members import Member, Members
from genie_cli.fleet.messages import Began, Failed, Gone, Lease, Ready, Said, Steps
from genie_cli.fleet.reader import Reader
from genie_cli.fleet.sources import SourceFile
from genie_cli.fleet.transport import Transport
from genie_cli.jobs import Job, Plan, Source
from genie_cli.observer import Observer, Progress

_LOOKED_AT = 64  # jobs, for the sources that are read ahead
_MOST_DEATHS = 3
_SECONDS_BETWEEN = 1.0  # looks at what all workers do


class WorkerError(RuntimeError):
    """A fault of genie's, or of a library, in a worker."""


class Fleet:
    """See `maker.Maker`.

    Args:
        transport: starts workers.
        source_root: folder that the sources' paths are relative to; it is only read.
        versions: what workers must have.
        observer: is told which workers have died.
    """

    clock = Clock()

    def __init__(
        self, transport: Transport[Any], source_root: Path | None, versions: Mapping[str, str], observer: Observer
    ) -> None:
        self._transport = transport
        self._reader = Reader(source_root)
        self._versions = versions
        self._observer = observer
        self._members = Members()
        self._todo: deque[Job] = deque()
        self._looked_at: Job | None = None
        self._lost: dict[str, int] = {}
        self._remade = 0
        self._told = 0.0

    def __enter__(self) -> Fleet:
        """Start the workers, and wait until all have loaded the model; those that wait for room are not waited for.

        Raises:
            ModelError: one cannot, or is of another kind than the others.
        """
        try:
            with self._observer.progress(f"Loading {self._transport.setup.located.name}") as progress:
                self._transport.begin()
                for place in range(self._transport.places):
                    self._members.add(Member(place, self._transport.start(place)))
                wanted = 1 if self._transport.may_wait else self._transport.places
                while self._members.ready < wanted:
                    for _ in self._heard():
                        pass
                    self._tell(progress)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._transport.end(self._members.workers)
        self._transport.close()
        self._reader.close()

    def steps_for(self, r: float) -> int:
        setup = self._transport.setup
        return 1 if setup.probe else steps_of(r, setup.steps)

    def make(self, jobs: Plan, progress: Progress) -> Generator[Encoded, None, None]:
        rest = iter(jobs)
        while self._fill(rest):
            yield from self._lease()
            yield from self._results(progress)
            self._tell(progress)
        self._dismiss(progress)

    def _results(self, progress: Progress) -> Iterator[Encoded]:
        """What workers have made, once any of them has said something, or after a while."""
        for said in self._heard():
            if isinstance(said, Steps):
                progress.advance(said.count)
            elif isinstance(said, Encoded):
                yield said

    def _tell(self, progress: Progress) -> None:
        """Say what each worker does, every second."""
        now = time.monotonic()
        if now - self._told >= _SECONDS_BETWEEN:
            self._told = now
            progress.workers([member.status(now) for member in self._members], self._remade)

    def _dismiss(self, progress: Progress) -> None:
        """Let the workers end by themselves, but not those that have not even begun."""
        idle = [member for member in self._members if not member.ready]
        self._transport.end([member.worker for member in idle])
        for member in idle:
            self._members.remove(member)
        workers = self._members.workers
        for worker in workers:
            worker.lease(None)
        while workers:
            for worker in self._transport.heard(workers, _SECONDS_BETWEEN):
                said = worker.hear()
                if isinstance(said, Steps):
                    progress.advance(said.count)
                elif isinstance(said, Gone):
                    workers.remove(worker)

    def _fill(self, rest: Iterator[Job]) -> bool:
        """Have as many jobs at hand as workers have room for, and a few; returns whether there is anything to make."""
        room = self._members.room
        # With one it shows whether there is more, even if no worker is there.
        wanted = max(1, min(room, room - self._members.held + _LOOKED_AT))
        self._todo.extend(islice(rest, max(0, wanted - len(self._todo))))
        if self._todo and self._todo[0] is not self._looked_at:
            self._looked_at = self._todo[0]
            self._reader.expect(islice(self._todo, _LOOKED_AT))
        return bool(self._todo or self._members.held)

    def _lease(self) -> Iterator[Encoded]:
        """Send jobs to workers that have room, to that with the fewest first; returns those without a source."""
        while self._todo and (member := self._members.least()):
            if len(member.held) >= self._share(member):
                return
            job = self._todo.popleft()
            try:
                source = self._source(member, job.source) if job.source and job.method.uses_source else None
            except ImageError as error:
                yield Encoded(job, 0, error=str(error))
                continue
            self._members.give(member, job)
            member.worker.lease(Lease(job, source))

    def _share(self, member: Member) -> int:
        """How many jobs a worker may hold: near the end of the plan no more than its part of what is left."""
        left = len(self._todo) + self._members.held
        return min(member.most, -(-left // self._members.ready))

    def _source(self, member: Member, source: Source) -> SourceFile | None:
        """A source's file if the worker does not have it."""
        if member.known.has(source.sha256):
            member.known.add(source.sha256)
            return None
        file = self._reader.get(source)
        member.known.add(source.sha256)
        return file

    def _heard(self) -> Iterator[Said]:
        """One message of each worker that has something to say; what concerns the fleet itself is seen to."""
        for worker in self._transport.heard(self._members.workers, _SECONDS_BETWEEN):
            member, said = self._members.of(worker), worker.hear()
            match said:
                case Began():
                    member.began = True
                case Ready():
                    self._admit(member, said)
                case Failed():
                    raise _error(worker.name, said)
                case Gone():
                    self._replace(member, said)
                case Encoded():
                    if not self._members.take(member, said.job):
                        continue
                    member.made += 1
            yield said

    def _admit(self, member: Member, ready: Ready) -> None:
        """Check that a worker makes the same bytes as the others."""
        if ready.model != self._transport.setup.located.identity:
            found, wanted = ready.model, self._transport.setup.located.identity
            raise ModelError(
                f"worker {member.worker.name} has the model {found}, this run {wanted}",
                "have the same folder at the same path on every machine, or use a model of the hub",
            )
        for name, wanted in self._versions.items():
            if ready.versions.get(name) != wanted:
                found = ready.versions.get(name, "none")
                raise ModelError(f"worker {member.worker.name} has {name} {found}, this run {wanted}")
        for other in self._members:
            if other.ready and other.ready.hardware != ready.hardware:
                raise ModelError(
                    f"{other.worker.name} is a {other.ready.hardware}, and {member.worker.name} a {ready.hardware}: "
                    "they make different bytes",
                    "name devices of one model only, and give those of another a run of their own",
                )
        self._members.admit(member, ready)

    def _replace(self, member: Member, gone: Gone) -> None:
        """Give the jobs of a worker that has died to the others, and start another in its place."""
        name, how = member.worker.name, gone.how
        self._transport.end([member.worker])
        for job in member.begun:  # the others, which only waited, have not ended it
            self._lost[job.id] = self._lost.get(job.id, 0) + 1
        deaths = 0 if member.made else member.deaths + 1
        if max([deaths, *(self._lost[job.id] for job in member.begun)]) >= _MOST_DEATHS:
            raise ModelError(
                f"the worker on {name} ended again and again: {how}",
                self._transport.advice,
            )
        self._remade += len(member.held)
        self._observer.warning(f"the worker on {name} ended ({how}); its {len(member.held)} images are made again")
        self._todo.extendleft(reversed(member.held.values()))
        self._members.remove(member)
        self._members.add(Member(member.place, self._transport.start(member.place), deaths=deaths))
        if self._transport.may_wait and not self._members.ready:
            self._observer.warning("no worker is left: waiting until there is room for one")


def _error(name: str, failed: Failed) -> Exception:
    """What a worker has failed of, with its name."""
    first, *others = failed.lines
    if not failed.traceback:
        return ModelError([f"worker on {name}: {first}", *others], failed.hints)
    error = WorkerError(f"worker on {name}: {first}")
    error.add_note(failed.traceback)
    return error
