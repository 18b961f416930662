"""What a run tells its caller: what it found, what it left out, how far it is.

Application code never prints. It is handed an `Observer`, whose methods do nothing, so that programs and notebooks
are silent unless they ask for more; the command line passes one that writes to stderr and draws bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext


class Progress:
    """One task under way; does nothing."""

    def advance(self, count: int = 1) -> None:
        """``count`` more units are done."""

    def describe(self, description: str) -> None:
        """What is being worked on now, within the same task."""


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
