"""How far a task is, and where a run's time went."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.status import Status
from rich.table import Table

from genie_cli.cli import _workers
from genie_cli.cli._printable import duration, text
from genie_cli.diffusion.clock import OTHER, Stopwatch
from genie_cli.observer import Progress, WorkerStatus

EVERY = 30  # seconds

_SECTIONS = {
    "read": "waiting for sources to be read",
    "encode": "encoding prompts and sources",
    "unet": "solver steps",
    "decode": "decoding latents",
    "write": "waiting for images to be written",
    OTHER: "everything else",
}


@contextmanager
def bar(console: Console, description: str, total: int | None) -> Iterator[Progress]:
    """On a terminal, a bar that disappears when the task is done, or a spinner for a task without a total.

    Elsewhere a line every half a minute, so that the log of a long run shows how far it is.
    """
    if not console.is_terminal:
        yield _Lines(console, description, total) if total else _Waiting(console, description)
        return
    if total is None:
        with console.status(text(f"{description} ...")) as status:
            yield _Spinner(status, description)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with _Bars(*columns, console=console, transient=True) as bars:
        yield _Bar(bars, bars.add_task(description, total=total, rate=""))


class _Bars(Bars):
    """Bars with something below them."""

    below: RenderableType = ""

    def get_renderables(self) -> Iterator[RenderableType]:
        yield from super().get_renderables()
        if self.below:
            yield self.below


class _Bar(Progress):
    def __init__(self, bars: _Bars, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, count: int = 1) -> None:
        self._bars.advance(self._task, count)
        if speed := self._bars.tasks[0].finished_speed or self._bars.tasks[0].speed:
            self._bars.update(self._task, rate=f"{speed:.2f}/s")

    def describe(self, description: str) -> None:
        self._bars.update(self._task, description=description)

    def workers(self, workers: Sequence[WorkerStatus], lost: int) -> None:
        self._bars.below = Group(text(_workers.summary(workers, lost)), _workers.table(workers))


class _Spinner(Progress):
    def __init__(self, status: Status, description: str) -> None:
        self._status, self._description = status, description

    def workers(self, workers: Sequence[WorkerStatus], lost: int) -> None:
        self._status.update(text(f"{self._description}: {_workers.summary(workers, lost)} ..."))


class _Lines(Progress):
    """A line when `EVERY` seconds have passed since the last one."""

    def __init__(self, console: Console, description: str, total: int) -> None:
        self._console, self._description, self._total = console, description, total
        self._done = 0
        self._workers = ""
        self._started = self._told = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._told >= EVERY and 0 < self._done < self._total:
            self._told = now
            left = (now - self._started) * (self._total - self._done) / self._done
            done = f"{self._done:,} of {self._total:,}"
            line = f"{self._description}: {done}, about {duration(left)} left{self._workers}"
            self._console.print(line, soft_wrap=True)

    def describe(self, description: str) -> None:
        self._description = description

    def workers(self, workers: Sequence[WorkerStatus], lost: int) -> None:
        self._workers = f"; {_workers.summary(workers, lost)}"


class _Waiting(Progress):
    """A line when workers have been waited for for `EVERY` seconds."""

    def __init__(self, console: Console, description: str) -> None:
        self._console, self._description = console, description
        self._told = time.monotonic()

    def workers(self, workers: Sequence[WorkerStatus], lost: int) -> None:
        if (now := time.monotonic()) - self._told >= EVERY:
            self._told = now
            self._console.print(f"{self._description}: {_workers.summary(workers, lost)}", soft_wrap=True)


def show_profile(watch: Stopwatch, console: Console) -> None:
    """Print seconds and share of each section of the main thread's time; they sum to the total."""
    total = watch.stop()
    table = Table("", "seconds", "share", "", box=None, title="Where the time went", title_justify="left")
    for column in table.columns[1:3]:
        column.justify = "right"
    for name, meaning in _SECTIONS.items():
        seconds = watch.seconds.get(name, 0.0)
        table.add_row(name, f"{seconds:.2f}", f"{seconds / total:.1%}", meaning)
    table.add_row("total", f"{total:.2f}", "100.0%", "since the model was loaded")
    console.print(table)
    if watch.rows:
        each = 1000 * watch.seconds["unet"] / watch.rows
        console.print(f"{watch.rows} rows went through the UNet, {each:.2f} ms each", highlight=False)
