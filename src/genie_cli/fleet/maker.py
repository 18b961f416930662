"""What makes images of jobs, whether in this process or in others, and what it gives back."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from genie_cli import provenance
from genie_cli.config import Format
from genie_cli.diffusion.clock import Clock
from genie_cli.diffusion.requests import Result
from genie_cli.errors import UsageError
from genie_cli.jobs import Job, Plan
from genie_cli.observer import Progress

Value = TypeVar("Value")


@dataclass(frozen=True)
class Encoded:
    """What became of a job.

    Attributes:
        slots: the batch size that the image was made with.
        data: the image's file; empty if there is an error.
        error: why there is no image; empty if there is one.
    """

    job: Job
    slots: int
    data: bytes = b""
    error: str = ""


class Maker(Protocol):
    """Makes images of jobs while it is entered."""

    @property
    def clock(self) -> Clock:
        """Is told what the main thread's time is spent on."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def steps_for(self, r: float) -> int:
        """Solver steps of a job at noise ratio ``r``."""
        ...

    def make(self, jobs: Plan, progress: Progress) -> Generator[Encoded, None, None]:
        """Make every job, in any order; one that fails gives its reason.

        Args:
            progress: is told of each solver step of a job.

        Raises:
            ModelError: images can no longer be made here.
        """
        ...


@dataclass(frozen=True)
class Encoder:
    """From the engine's result to an image file with its record.

    Attributes:
        settings: what the record says that the image was made with, besides its slots.
    """

    format: Format
    settings: Mapping[str, Any]

    def __call__(self, result: Result[Job]) -> Encoded:
        if result.pixels is None:
            return Encoded(result.key, result.slots, error=result.error)
        settings = {**self.settings, "slots": result.slots}  # fewer than asked for, if memory ran out
        try:
            data = provenance.encode(result.pixels, self.format, result.key, settings)
        except UsageError as error:  # a record too long for a JPEG
            return Encoded(result.key, result.slots, error=str(error))
        return Encoded(result.key, result.slots, data)


def in_order(futures: Iterable[Future[Value]], most: int, clock: Clock, section: str) -> Iterator[Value]:
    """The futures' results in their order, each as soon as it is there.

    Args:
        most: futures that may be waited for at a time.
        clock: the time that is waited for them counts to this section of it.
    """
    waiting: deque[Future[Value]] = deque()
    for future in futures:
        waiting.append(future)
        while waiting and (waiting[0].done() or len(waiting) > most):
            yield clock.timed(section, waiting.popleft().result)
    for future in waiting:
        yield clock.timed(section, future.result)
