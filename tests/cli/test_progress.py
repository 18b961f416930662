"""How far a task is, told where there is no terminal."""

from __future__ import annotations

import io

import pytest

from genie_cli.cli import _progress
from genie_cli.cli._console import Words
from genie_cli.observer import WorkerStatus

TEAM = [
    WorkerStatus("cuda:0", "working", made=60, seconds=40.0),
    WorkerStatus("cuda:1", "working", made=40, seconds=20.0),
    WorkerStatus("cuda:2", "loading"),
    WorkerStatus("ray #4", "waiting"),
]
SUMMARY = (
    "2 workers, 3.50 images/s, each 1.50 to 2.00; 1 loading the model; 1 waiting for room; "
    "5 images given to others, since a worker ended"
)


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


def test_a_line_every_half_a_minute_with_what_is_left(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with _progress.bar(Words(log, quiet=False), "images", 4000) as progress:
        for _ in range(100):  # one image per second
            now += 1
            progress.advance()
        progress.describe("images of lynx")
        now += 100
        progress.advance(100)
    assert log.getvalue().splitlines() == [
        "images: 30 of 4,000, about 66 min left",
        "images: 60 of 4,000, about 66 min left",
        "images: 90 of 4,000, about 65 min left",
        "images of lynx: 200 of 4,000, about 63 min left",
    ]


def test_a_short_task_says_nothing(log: io.StringIO) -> None:
    for total in (None, 3):
        with _progress.bar(Words(log, quiet=False), "Loading", total) as progress:
            progress.advance(3)
    assert log.getvalue() == ""


def test_the_line_says_what_the_workers_do(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with _progress.bar(Words(log, quiet=False), "images", 100) as progress:
        progress.workers(TEAM, 5)
        now += 30
        progress.advance(50)
    assert log.getvalue() == f"images: 50 of 100, about 30 s left; {SUMMARY}\n"


def test_those_that_are_waited_for_are_named_every_half_a_minute(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with _progress.bar(Words(log, quiet=False), "Loading digits", None) as progress:
        for _ in range(31):
            progress.workers(TEAM[3:], 0)
            now += 1
    assert log.getvalue() == "Loading digits: 0 workers; 1 waiting for room\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_each_worker_below_the_bar() -> None:
    screen = Terminal()
    console = Words(screen, quiet=False)
    console.width = 160
    with _progress.bar(console, "images", 100) as progress:
        progress.workers([*TEAM, *(WorkerStatus(f"[b]{number}", "waiting") for number in range(8))], 5)
        progress.advance(7)
    shown = screen.getvalue()
    assert SUMMARY.replace("1 waiting", "9 waiting") in shown
    assert [line.split() for line in shown.splitlines() if "cuda:1" in line][-1] == ["cuda:1", "40", "images", "2.00/s"]
    assert "[b]3" in shown
    assert "[b]4" not in shown
    assert "and 4 more" in shown
