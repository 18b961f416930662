"""The workers of a fleet: what each has to do, and which has the least. No operation looks at all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from genie_cli.fleet.messages import Known, Ready
from genie_cli.fleet.transport import Worker
from genie_cli.jobs import Job
from genie_cli.observer import WorkerStatus

_BATCHES, _MORE = 3, 8  # jobs of a worker: those in its batch, those being decoded, those that are next


@dataclass(eq=False)
class Member:
    """What is known of a worker.

    Attributes:
        place: among the transport's.
        began: it is there, and loads the model or has loaded it.
        since: when it had loaded the model, on the monotonic clock.
        held: the jobs that it was sent and has not made, by id.
        deaths: of workers in this place, one after the other, that had made nothing.
    """

    place: int
    worker: Worker
    began: bool = False
    ready: Ready | None = None
    since: float = 0.0
    known: Known = field(default_factory=Known)
    held: dict[str, Job] = field(default_factory=dict)
    made: int = 0
    deaths: int = 0

    def status(self, now: float) -> WorkerStatus:
        """What it does; ``now`` is on the monotonic clock."""
        if not self.ready:
            return WorkerStatus(self.worker.name, "loading" if self.began else "waiting")
        return WorkerStatus(self.worker.name, "working", self.made, now - self.since)

    @property
    def begun(self) -> list[Job]:
        """Those of its jobs that it may have begun: it takes them in their order."""
        return list(islice(self.held.values(), 2 * self.ready.slots if self.ready else 0))

    @property
    def most(self) -> int:
        """How many jobs it may hold: enough that its batch never runs dry."""
        return _BATCHES * self.ready.slots + _MORE if self.ready else 0


class Members:
    """Those of all places; jobs are given to them and taken back here, so that the counts stay right.

    Attributes:
        held: jobs that they hold together.
        room: jobs that they may hold together.
        ready: how many have loaded the model.
    """

    def __init__(self) -> None:
        self.held = self.room = self.ready = 0
        self._by_place: dict[int, Member] = {}
        self._by_worker: dict[int, Member] = {}
        self._by_held: list[dict[int, Member]] = [{}]  # those that are ready, by the number of their jobs
        self._fewest = 0  # nobody has fewer

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_place.values())

    def __getitem__(self, place: int) -> Member:
        return self._by_place[place]

    @property
    def workers(self) -> list[Worker]:
        return [member.worker for member in self]

    def of(self, worker: Worker) -> Member:
        """The member that a worker is."""
        return self._by_worker[id(worker)]

    def add(self, member: Member) -> None:
        """Put a member that is not ready into its place."""
        self._by_place[member.place] = member
        self._by_worker[id(member.worker)] = member

    def remove(self, member: Member) -> None:
        """Leave its place empty; its jobs are nobody's then."""
        del self._by_place[member.place], self._by_worker[id(member.worker)]
        if member.ready:
            del self._by_held[len(member.held)][member.place]
            self.held -= len(member.held)
            self.room -= member.most
            self.ready -= 1

    def admit(self, member: Member, ready: Ready) -> None:
        """It has loaded the model, and may be given jobs."""
        member.ready, member.since = ready, time.monotonic()
        self.room += member.most
        self.ready += 1
        self._list(member)

    def give(self, member: Member, job: Job) -> None:
        """It holds one job more."""
        del self._by_held[len(member.held)][member.place]
        member.held[job.id] = job
        self.held += 1
        self._list(member)

    def take(self, member: Member, job: Job) -> bool:
        """It has made a job; False if it did not hold it."""
        if job.id not in member.held:
            return False
        del self._by_held[len(member.held)][member.place]
        del member.held[job.id]
        self.held -= 1
        self._list(member)
        return True

    def _list(self, member: Member) -> None:
        count = len(member.held)
        while count >= len(self._by_held):
            self._by_held.append({})
        self._by_held[count][member.place] = member
        self._fewest = min(self._fewest, count)

    def least(self) -> Member | None:
        """One of those that hold the fewest jobs; None if nobody is ready."""
        if not self.ready:
            return None
        while not self._by_held[self._fewest]:  # each job that is taken back makes this one step longer, at most
            self._fewest += 1
        return next(iter(self._by_held[self._fewest].values()))
