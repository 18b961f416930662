"""How far a task is, told where there is no terminal."""

from __future__ import annotations

import io

import pytest

from genie_cli.cli import _progress
from genie_cli.cli._console import Words


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
