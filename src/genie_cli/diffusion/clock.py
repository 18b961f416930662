"""Where the main thread's time goes. This module does not know what is measured, nor how it is shown.

Threads overlap, so only the main thread is watched: it runs the model, and waits for the threads that read and
write. Every moment belongs to one section, so the sections and the rest sum to the whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

Value = TypeVar("Value")

OTHER = "other"


class Clock:
    """A clock that is off: it measures nothing and costs nothing."""

    def section(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - for a clock that is on
        """Time what happens inside; sections may nest, and time belongs to the innermost."""
        return nullcontext()

    def timed(self, name: str, call: Callable[[], Value]) -> Value:
        """The call's result, its time in section ``name``."""
        with self.section(name):
            return call()

    def count(self, rows: int) -> None:
        """So many rows went through the UNet."""


@dataclass
class Stopwatch(Clock):
    """A clock that is on, from when it is made.

    Attributes:
        synchronize: waits until the device has done what was queued; called at both ends of every section, since a
            GPU's work is only queued by the host. So a profiled run on a GPU is slower than one that is not.
        seconds: time by section, as far as it has been marked.
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
        """Mark what is left as it stands; returns the seconds since the start, which all sections sum to."""
        self._mark()
        return self._last - self._started

    def _mark(self) -> None:
        self.synchronize()
        now = self.now()
        name = self._open[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now
