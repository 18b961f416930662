"""How fast the bundled model's images are made by one process, by two, and by two workers of a local Ray cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.work import TARGETS
from genie_cli.observer import Observer, Progress

# Options of `genie generate`, and threads that each process computes with; empty: as many as torch takes by itself.
ARMS: Mapping[str, tuple[dict[str, Any], str]] = {
    "one process of two threads": ({}, "2"),
    "--devices cpu*2": ({"devices": "cpu*2"}, ""),
    "--ray local --workers 2": ({"ray": "local", "workers": 2}, ""),
}


def measured(arm: str, sources: Path, images: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a process of its own says of a run; see `measure`."""
    own, threads = ARMS[arm]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [sys.executable, "-m", "benchmarks.fleet.throughput", str(sources), str(images)]
    done = subprocess.run(
        [*command, json.dumps({**options, **own})],
        check=True,
        stdout=subprocess.PIPE,
        env={**environment, **({"OMP_NUM_THREADS": threads} if threads else {})},
    )
    return {"arm": arm, **json.loads(done.stdout)}


def measure(sources: Path, images: int, options: Mapping[str, Any]) -> dict[str, float]:
    """Run `genie generate` with the bundled model.

    Returns:
        ``seconds`` of the whole run, with loading, and ``images/s``: the rate in the middle of it, from a quarter to
        three quarters of the steps, when all workers are there and have enough to do.
    """
    from genie_cli import api

    watch = _Watch()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        made = api.generate(
            sources, ",".join(TARGETS), model="digits", limit=images, out=out, compile="off", observer=watch, **options
        )
    assert made.made == images, made
    return {"seconds": time.perf_counter() - started, "images/s": watch.rate() * images}


class _Watch(Observer):
    """Notes when which share of the steps was done."""

    def __init__(self) -> None:
        self._shares: list[tuple[float, float]] = []

    @contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[Progress]:
        yield _Counting(self._shares, total) if total and "solver steps" in description else Progress()

    def rate(self) -> float:
        """The share that was done in a second, in the middle half."""
        first = next(noted for noted in self._shares if noted[1] >= 0.25)
        last = next(noted for noted in self._shares if noted[1] >= 0.75)
        return (last[1] - first[1]) / (last[0] - first[0])


class _Counting(Progress):
    def __init__(self, shares: list[tuple[float, float]], total: int) -> None:
        self._shares, self._total, self._done = shares, total, 0

    def advance(self, count: int = 1) -> None:
        self._done += count
        self._shares.append((time.perf_counter(), self._done / self._total))


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))))
