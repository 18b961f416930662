"""What a run tells its caller: what it found, what it left out, how far it is.

Application code never prints. It is handed an `Observer`, whose methods do nothing, so that programs and notebooks
are silent unless they ask for more; the command line passes one that writes to stderr and draws bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class WorkerStatus:
    """What one of several processes does that share a task.

    Attributes:
        name: its device, or its machine.
        state: whether it waits for room on a machine, loads the model, or makes images.
        made: images that it has made.
        seconds: since it had loaded the model.
    """

    name: str
    state: Literal["waiting", "loading", "working"]
    made: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Images per second."""
        return self.made / self.seconds if self.seconds else 0.0


class Progress:
    """One task under way; does nothing."""

    def advance(self, count: int = 1) -> None:
        """``count`` more units are done."""

    def describe(self, description: str) -> None:
        """What is being worked on now, within the same task."""

    def workers(self, workers: Sequence[WorkerStatus], lost: int) -> None:
        """What each process does, if several share the task; called every second or so.

        Args:
            lost: images that a worker had not made yet when it ended, and that others make.
        """


class Observer:
    """Is told what happens, and does nothing. Override the methods whose news you want to show."""

    def found(self, message: str) -> None:
        """Something was found or chosen that decides the result: a data set's layout, a target's source classes."""

    def left_out(self, reasons: Sequence[str]) -> None:
        """Inputs that the run does without, one sentence each. May be empty."""

    def warning(self, message: str) -> None:
        """Something went wrong, or is likely a mistake, and the run continues."""

    def progress(self, description: str, total: int | None = None) -> AbstractContextManager[Progress]:  # noqa: ARG002
        """A task that takes a while.

        Args:
            description: the unit that is counted ("images"), or, without a total, what is being done.
            total: how many units there are; None if the task cannot be counted.
        """
        return nullcontext(Progress())
