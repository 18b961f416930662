"""What a fleet needs of that which starts its workers and carries what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from genie_cli.fleet.messages import Lease, Said, Setup


class Worker(Protocol):
    """A worker that was started, as the fleet sees it."""

    @property
    def name(self) -> str:
        """What a person knows it by: its device, or its machine."""
        ...

    def lease(self, lease: Lease | None) -> None:
        """Send a job; None: there will be no more. Nothing happens if the worker has just ended."""
        ...

    def hear(self) -> Said:
        """What it says next; `Gone` once everything else was heard, if it has ended."""
        ...


Started = TypeVar("Started", bound=Worker)


class Transport(Protocol[Started]):
    """Starts workers."""

    @property
    def setup(self) -> Setup:
        """What each worker begins with."""
        ...

    @property
    def places(self) -> int:
        """How many workers there are to be; known once this has begun."""
        ...

    @property
    def may_wait(self) -> bool:
        """Whether a worker may have to wait for room, so that the others begin without it."""
        ...

    @property
    def advice(self) -> Sequence[str]:
        """What to do about workers that end again and again."""
        ...

    def begin(self) -> None:
        """Called before a worker is started.

        Raises:
            ModelError: none can be.
        """
        ...

    def start(self, place: int) -> Started:
        """Start the worker of a place, 0 to ``places`` - 1, where the one before has ended."""
        ...

    def heard(self, workers: Sequence[Started], seconds: float) -> list[Started]:
        """Wait until some workers have something to say, and return those; none, if that takes longer."""
        ...

    def end(self, workers: Sequence[Started]) -> None:
        """Stop workers."""
        ...

    def close(self) -> None:
        """Leave nothing behind; called at the very end, even if `begin` has failed."""
        ...
