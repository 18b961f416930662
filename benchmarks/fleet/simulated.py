"""Workers that exist in simulated time only, for the real `Fleet`: how busy it keeps them, and what it takes to do so.

A worker is genie's engine on paper: a batch of slots that all take one step at a time, a slot that is refilled as soon
as its image is done. It fails at random, and its successor loads the model first. The fleet is the driver of real runs,
and the time of its processor counts as simulated time, so that a fleet that is too slow keeps its workers waiting.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from genie_cli.diffusion.solver import steps_of
from genie_cli.fleet.maker import Encoded
from genie_cli.fleet.messages import Gone, Lease, Ready, Said, Setup, Steps
from genie_cli.jobs import Job

_SECONDS_BETWEEN = 0.2  # messages of how many steps were taken
_NOTHING = 1e-9  # seconds, by which sums of the same times may differ


@dataclass(frozen=True)
class Machine:
    """A worker's speed and fate.

    Attributes:
        slots: images in a batch.
        step: seconds that one solver step of the batch takes.
        image: seconds that an image takes besides, in which the batch waits: encoding its source, decoding.
        load: seconds until a worker has loaded the model.
        life: seconds until it fails, on average; 0: it never does.
    """

    slots: int
    step: float
    image: float = 0.0
    load: float = 30.0
    life: float = 0.0


class SimulatedWorker:
    """See `transport.Worker`."""

    def __init__(self, name: str, transport: Simulated) -> None:
        self.name = name
        self.said: deque[Said] = deque()
        self._transport = transport
        self._machine = transport.machine
        self._next: deque[Job] = deque()
        self._running: list[tuple[int, int, Job, float]] = []  # the step at which each ends, and when it started
        self._step, self._since = 0, 0.0  # steps that were taken by then
        self._told, self._last = 0, 0.0
        self._due = math.inf  # when it is looked at next
        self._is_last = self._has_ended = False

    def lease(self, lease: Lease | None) -> None:
        if lease is None:
            self._is_last = True
            self._look(self._transport.now)
            return
        self._next.append(lease.job)
        self._transport.sent += len(lease.source.data) if lease.source else 0
        if len(self._running) < self._machine.slots:
            self._start(self._transport.now)

    def hear(self) -> Said:
        return self.said.popleft()

    def begin(self) -> None:
        """Load the model: it is ready, and may fail from then on."""
        transport = self._transport
        setup = transport.setup
        self.said.append(Ready(self._machine.slots, "simulated", setup.located.identity, {}))
        self._last = transport.now
        if self._machine.life:
            transport.at(transport.now + transport.dice.expovariate(1 / self._machine.life), self, fails=True)

    def fail(self) -> None:
        """End, with all that it holds."""
        if not self._has_ended:
            self._has_ended = True
            self._transport.failed += 1
            self.said.append(Gone("simulated failure"))

    def end(self) -> None:
        self._has_ended = True

    def tick(self) -> None:
        """Take the steps up to now: give what is done, and refill its slots."""
        if self._has_ended:
            return
        now = self._transport.now
        if now >= self._due - _NOTHING:
            self._due = math.inf
        while self._running and self._ends(self._running[0][0]) <= now + _NOTHING:
            end, _, job, started = heapq.heappop(self._running)
            self._since, self._step = self._ends(end), end
            self.said.append(Encoded(job, self._machine.slots))
            self._transport.made.append((started, now, self._transport.steps(job)))
            self._told += self._transport.steps(job)
        if self._told and now - self._last >= _SECONDS_BETWEEN:
            self.said.append(Steps(self._told))
            self._told, self._last = 0, now
        self._start(now)
        if self._is_last and not self._running:
            self._has_ended = True
            self.said.append(Gone("exit code 0"))

    def _ends(self, step: int) -> float:
        """When a step will have been taken."""
        return self._since + (step - self._step) * self._machine.step

    def _start(self, now: float) -> None:
        """Fill free slots: from the next step on, or at once if no step is under way."""
        if not self._running:
            self._since = max(self._since, now)
        first = self._step + max(0, math.ceil((now - self._since - _NOTHING) / self._machine.step))
        while self._next and len(self._running) < self._machine.slots:
            job = self._next.popleft()
            self._since += self._machine.image
            end = first + self._transport.steps(job)
            heapq.heappush(self._running, (end, next(self._transport.numbers), job, now))
        if self._running:
            self._look(self._ends(self._running[0][0]))

    def _look(self, when: float) -> None:
        """Look at it then, unless that happens earlier anyway."""
        if when < self._due:
            self._due = when
            self._transport.at(when, self)


@dataclass
class Simulated:
    """See `transport.Transport`.

    Attributes:
        setup: as a worker of a real run gets it.
        places: how many workers.
        driver: seconds of the driver's processor per image that are not the fleet's own: messages and files.
        counts_cpu: the fleet's own seconds of the processor are simulated time, too.
        now: simulated seconds since the start.
        cpu: seconds of this process that were the fleet's own.
        made: of each image, when it was started and done, and its steps.
        sent: bytes of sources that were sent.
        failed: workers that failed.
    """

    setup: Setup
    places: int
    machine: Machine
    driver: float = 0.0
    counts_cpu: bool = True
    seed: int = 0
    may_wait: bool = False
    advice: Sequence[str] = ()
    now: float = 0.0
    cpu: float = 0.0
    made: list[tuple[float, float, int]] = field(default_factory=list)
    sent: int = 0
    failed: int = 0
    numbers: count[int] = field(default_factory=count)
    _events: list[tuple[float, int, SimulatedWorker, bool]] = field(default_factory=list)
    _loading: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._left = time.process_time()
        self._given = 0
        self._steps: dict[float, int] = {}

    def steps(self, job: Job) -> int:
        if job.r not in self._steps:
            self._steps[job.r] = steps_of(job.r, self.setup.steps)
        return self._steps[job.r]

    def begin(self) -> None: ...

    def start(self, place: int) -> SimulatedWorker:
        worker = SimulatedWorker(f"simulated #{place + 1}", self)
        self._loading.add(id(worker))
        self.at(self.now + self.machine.load, worker)
        return worker

    def at(self, when: float, worker: SimulatedWorker, *, fails: bool = False) -> None:
        """Something happens to a worker then."""
        heapq.heappush(self._events, (when, next(self.numbers), worker, fails))

    def heard(self, workers: Sequence[SimulatedWorker], seconds: float) -> list[SimulatedWorker]:  # noqa: ARG002 - time is simulated
        self._charge()
        self._advance()
        while not (speaking := [worker for worker in workers if worker.said]):
            self.now = max(self.now, self._events[0][0])
            self._advance()
        self._given = sum(1 for worker in speaking if isinstance(worker.said[0], Encoded))
        self._left = time.process_time()
        return speaking

    def _charge(self) -> None:
        """The driver was at work since this was left: by the processor's time, and for the images that it got."""
        spent = time.process_time() - self._left
        self.cpu += spent
        self.now += (spent if self.counts_cpu else 0.0) + self._given * self.driver
        self._given = 0

    def _advance(self) -> None:
        """Let happen what is due."""
        while self._events and self._events[0][0] <= self.now + _NOTHING:
            when, _, worker, fails = heapq.heappop(self._events)
            now, self.now = self.now, when
            if fails:
                worker.fail()
            elif id(worker) in self._loading:
                self._loading.discard(id(worker))
                worker.begin()
            else:
                worker.tick()
            self.now = now

    def end(self, workers: Sequence[SimulatedWorker]) -> None:
        for worker in workers:
            worker.end()

    def close(self) -> None: ...
