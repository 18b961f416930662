"""Shows how far a run is, how fast, and what failed."""

from __future__ import annotations

import time

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from genie_cli.cli._console import words
from genie_cli.generate.pipeline import Observer
from genie_cli.manifest import Row, Status

_SHOWN_FAILURES = 10


class ProgressBar(Observer):
    """An observer that draws on stderr; where that is no terminal, in words alone.

    Args:
        slots: the batch size that the run begins with.
    """

    def __init__(self, slots: int) -> None:
        self.console = words()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._task: TaskID | None = None
        self._failures = self._done = 0
        self._slots = slots
        self._started = time.monotonic()

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def started(self, total: int, resumed: int) -> None:
        if resumed:
            self.console.print(f"{resumed} of {total} images were made before; going on")
        if resumed == total:
            return  # nothing to watch
        self._started = time.monotonic()
        self._task = self._progress.add_task("images", total=total - resumed, rate="")

    def finished(self, row: Row) -> None:
        if self._task is None:
            return
        self._done += 1
        seconds = max(time.monotonic() - self._started, 1e-6)
        self._progress.update(self._task, completed=self._done, rate=f"{self._done / seconds:.2f} images/s")
        if row.slots and row.slots < self._slots:
            self.console.print(f"out of memory: going on with {row.slots} images in a batch instead of {self._slots}")
        self._slots = row.slots or self._slots
        if row.status is not Status.MADE:
            self._failures += 1
            if self._failures <= _SHOWN_FAILURES:
                self.console.print(f"{row.status.value}: {row.job.target}: {row.reason}")
