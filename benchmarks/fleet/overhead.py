"""Makes jobs that cost nothing, in a process of its own so that its memory is its own, and says what that took."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from genie_cli.fleet.maker import Maker
from genie_cli.jobs import Plan
from genie_cli.observer import Observer, Progress

_SHARED_MEMORY = "/dev/shm"  # where Ray has its object store
_SECONDS_BETWEEN = 0.05


@dataclass(frozen=True)
class Trial:
    """One measurement.

    Attributes:
        arm: one of `noop.ARMS`.
        workers: of the arms that have several.
        side: of the images, in pixels.
        jobs: how many.
        keeps: images go into a folder of genie's, with its journal and flushed one by one; else they are dropped.
        sources: folder of the source images.
    """

    arm: str
    workers: int
    side: int
    jobs: int
    keeps: bool
    sources: str


def measured(trial: Trial) -> dict[str, Any]:
    """What a process of its own says of it; see `measure`."""
    command = [sys.executable, "-m", "benchmarks.fleet.overhead", json.dumps(asdict(trial))]
    return {**asdict(trial), **json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)}


def measure(trial: Trial) -> dict[str, float]:
    """Make the jobs.

    Returns:
        ``seconds`` from the first lease to the last image, and seconds of the processor meanwhile: ``cpu`` of this
        process's threads, ``bridge`` of the process between it and Ray, if there is one; ``end`` seconds until the
        workers have ended, and the manifest is written; this process's ``memory before`` all that and its peak
        ``memory`` by then, and the most ``shared memory`` that was taken meanwhile on the machine, in bytes.
    """
    from benchmarks.fleet import noop

    sources = Path(trial.sources)
    plan = noop.plan(sources, trial.jobs)
    maker = noop.maker(trial.arm, trial.workers, trial.side, sources)
    watch = _Watch()
    with _shared() as shared:
        if trial.keeps:
            _keep(plan, sources, maker, watch)
        else:
            with maker:
                watch.start(trial.jobs)
                for _ in maker.make(plan, Progress()):
                    watch.describe("")
            watch.end()
    return {**watch.figures, "shared memory": max(shared) - shared[0]}


def _keep(plan: Plan, sources: Path, maker: Maker, watch: _Watch) -> None:
    from benchmarks.fleet import noop
    from genie_cli.generate import pipeline
    from genie_cli.generate.folder import Output

    # Beside the sources: where temporary files are may be memory, which has nothing to flush to.
    with tempfile.TemporaryDirectory(dir=sources.parent) as folder:
        done = pipeline.run(plan, plan, sources, lambda: maker, Output(Path(folder) / "out", noop.header()), watch)
        watch.end()
        assert done.made == sum(1 for _ in plan), done


class _Watch(Observer, Progress):
    """Measures from when the first job may be sent."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}

    @contextmanager
    def progress(self, description: str, total: int | None = None) -> Iterator[Progress]:
        if total is not None:
            self.start(int(description.split()[2].replace(",", "")))  # 0 of 1,000 images, solver steps
        yield self

    def describe(self, description: str) -> None:  # noqa: ARG002 - called once for each image
        self._left -= 1
        if not self._left:
            self.figures["seconds"] = time.perf_counter() - self._started[0]
            self.figures["cpu"] = time.process_time() - self._started[1]
            self.figures["bridge"] = bridge_seconds() - self._started[2]

    def start(self, jobs: int) -> None:
        self._left = jobs
        self._started = time.perf_counter(), time.process_time(), bridge_seconds()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self.figures["memory before"] = peak_memory()

    def end(self) -> None:
        """All is done."""
        assert not self._left, self._left
        self.figures["end"] = time.perf_counter() - self._started[0] - self.figures["seconds"]
        # Linux counts a few pages late, so that the peak may seem to fall.
        self.figures["memory"] = max(self.figures["memory before"], peak_memory())


def bridge_seconds() -> float:
    """Seconds of the processor that the process between this one and Ray has taken; 0 if there is none, or no Linux."""
    with suppress(OSError):
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            if b"ray_bridge" in Path(f"/proc/{child}/cmdline").read_bytes():
                *_, fields = Path(f"/proc/{child}/stat").read_text().rpartition(") ")
                return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def peak_memory() -> int:
    """The peak resident set of this process, in bytes; on other systems than Linux it may be that of its parent."""
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def _shared() -> Iterator[list[int]]:
    """Collects how many bytes of shared memory are in use on this machine, again and again; at first only once."""
    found, ended = [_used()], threading.Event()

    def look() -> None:
        while not ended.wait(_SECONDS_BETWEEN):
            found.append(_used())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _used() -> int:
    try:
        system = os.statvfs(_SHARED_MEMORY)
    except OSError:  # not on every system
        return 0
    return (system.f_blocks - system.f_bfree) * system.f_frsize


if __name__ == "__main__":
    print(json.dumps(measure(Trial(**json.loads(sys.argv[1])))))
