"""What several processes do that share a task, in a line, and in a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Column, Table

from genie_cli.cli._printable import text
from genie_cli.data.listing import counted
from genie_cli.observer import WorkerStatus

_MOST_ROWS = 8
_STATES = {"loading": "loading the model", "waiting": "waiting for room"}


def summary(workers: Sequence[WorkerStatus], lost: int) -> str:
    """All of them in a line: ``2 workers, 3.1 images/s, each 1.5 to 1.6; 1 waits for room``."""
    working = [worker for worker in workers if worker.state == "working"]
    parts = [counted(len(working), "worker") + _speed(working)]
    for state, words in _STATES.items():
        if count := sum(worker.state == state for worker in workers):
            parts.append(f"{count} {words}")
    if lost:
        parts.append(f"{counted(lost, 'image')} given to others, since a worker ended")
    return "; ".join(parts)


def table(workers: Sequence[WorkerStatus]) -> Table:
    """One row for each of the first few."""
    grid = Table.grid("", Column(justify="right"), Column(justify="right"), padding=(0, 2))
    for worker in workers[:_MOST_ROWS]:
        working = worker.state == "working"
        what = f"{worker.made:,} images" if working else _STATES[worker.state]
        grid.add_row(text(f"  {worker.name}"), what, f"{worker.rate:.2f}/s" if working else "")
    if len(workers) > _MOST_ROWS:
        grid.add_row(f"  and {len(workers) - _MOST_ROWS} more")
    return grid


def _speed(working: Sequence[WorkerStatus]) -> str:
    rates = [worker.rate for worker in working if worker.made]
    if not rates:
        return ""
    each = f", each {min(rates):.2f} to {max(rates):.2f}" if len(rates) > 1 else ""
    return f", {sum(rates):.2f} images/s{each}"
