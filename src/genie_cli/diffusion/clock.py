"""Where the main thread's time goes.

Threads overlap, so only the main thread is measured: it runs the model, and waits for the threads that read and
write files. Every moment belongs to exactly one section, so that the sections sum to the total.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Value = TypeVar("Value")

OTHER = "other"  # the section of all time that is in no other


class Clock:
    """Measures nothing, at no cost. `Stopwatch` has the same methods and measures."""

    def section(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - used by Stopwatch
        """Count the time of a ``with`` block to section ``name``. Blocks may nest; the innermost one counts."""
        return nullcontext()

    def timed(self, name: str, call: Callable[[], Value]) -> Value:
        """Return ``call()``, its time counted to section ``name``."""
        with self.section(name):
            return call()

    def count(self, rows: int) -> None:
        """Count rows that went through the UNet."""


@dataclass
class Stopwatch(Clock):
    """A clock that measures, starting when it is created.

    Attributes:
        synchronize: waits until the device has finished its queued work. Called at both ends of every section, because
            the host only queues a GPU's work. Profiling a run on a GPU therefore slows it down.
        now: the current time in seconds.
        seconds: seconds by section, up to the last change of section.
        rows: rows that went through the UNet.
    """

    synchronize: Callable[[], None] = lambda: None
    now: Callable[[], float] = time.perf_counter
    seconds: dict[str, float] = field(default_factory=dict)
    rows: int = 0

    def __post_init__(self) -> None:
        self._open = [OTHER]
        self._last = self._started = self.now()

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        self._mark()
        self._open.append(name)
        try:
            yield
        finally:
            self._mark()
            self._open.pop()

    def count(self, rows: int) -> None:
        self.rows += rows

    def stop(self) -> float:
        """Update ``seconds`` to now, and return the total: the seconds since the clock was created."""
        self._mark()
        return self._last - self._started

    def _mark(self) -> None:
        """Add the time since the last call to the innermost open section."""
        self.synchronize()
        now = self.now()
        name = self._open[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now


def stopwatch(device: torch.device) -> Stopwatch:
    """A `Stopwatch` for work on ``device``, which synchronizes if that is a GPU."""
    import torch

    if device.type == "cuda":
        return Stopwatch(lambda: torch.cuda.synchronize(device))
    return Stopwatch()
