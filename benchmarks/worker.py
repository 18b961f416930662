"""The process in which one arm lives, or that prepares the work: asked on standard input, answers in JSON lines.

An arm has a process of its own so that its memory is its own and its model stays loaded between rounds. `Worker` is
the handle on it from outside. torch is imported only inside that process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.work import Work, images_in

ARMS = ("authors", "pipeline", "genie")


class Worker:
    """A process for ``role``: an arm, ``prepare`` or ``tune``; its own messages go to ``log``."""

    def __init__(self, role: str, work: Work) -> None:
        self.role, self.log = role, work.folder / f"{role}.log"
        command = [sys.executable, "-m", "benchmarks.worker", role, repr(time.time())]
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._send(work.line())

    def answer(self) -> dict[str, Any]:
        """The next answer; WorkerError if the process has died."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise WorkerError(self.role, self.log.read_text(errors="replace"))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def round(self) -> dict[str, Any]:
        """Make the whole work once."""
        self._send("round")
        return self.answer()

    def end(self) -> None:
        """Let the process end; what it still has to say is not read."""
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()

    def _send(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()


def ask(role: str, work: Work) -> dict[str, Any]:
    """The one answer of a process that is there for nothing else."""
    worker = Worker(role, work)
    answer = worker.answer()
    worker.end()
    return answer


class WorkerError(Exception):
    """A process died; ``reason`` is what its last error said, on one line and without frames."""

    def __init__(self, role: str, log: str) -> None:
        self.reason = re.sub(r"[\u2500-\u257f\s]+", " ", log.rpartition("Error: ")[2]).strip()[:400]
        super().__init__(f"{role} died:\n{log.strip()[-3000:]}")


def main() -> None:
    role, born = sys.argv[1], float(sys.argv[2])
    # Answers keep the pipe to themselves: whatever else is printed goes to the log.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(facts: dict[str, Any]) -> None:
        print(json.dumps(facts), file=answers, flush=True)

    work = Work.read(sys.stdin.readline())
    if role == "prepare":
        from benchmarks.prepare import prepare

        answer(prepare(work))
    elif role == "tune":
        from benchmarks.pipeline import Pipeline

        answer({"batch": Pipeline(work).best_batch()})
    else:
        arm, exact, first = _arm(role, work), work.folder / f"{role}-exact", work.folder / f"{role}-first"
        for folder in (exact, first):  # of an earlier process in the same role
            shutil.rmtree(folder, ignore_errors=True)
        exact.mkdir()
        arm.make(work.jobs[: work.check], first, exact)
        answer({"first image": min(file.stat().st_mtime for file in images_in(first)) - born})
        for _ in sys.stdin:
            answer(_round(arm, work, work.folder / f"{role}-images"))


def _arm(role: str, work: Work) -> Any:
    if role == "authors":
        from benchmarks.authors import Authors

        return Authors(work)
    if role == "pipeline":
        from benchmarks.pipeline import Pipeline

        return Pipeline(work)
    from benchmarks.command import Command

    return Command(work)


def _round(arm: Any, work: Work, out: Path) -> dict[str, Any]:
    """Seconds for the whole work, the machine's peak FLOP/s just before it, and the peak memory so far."""
    import torch

    from benchmarks.arithmetic import peak, synchronize
    from genie_cli.devices import choose_device

    shutil.rmtree(out, ignore_errors=True)
    device = choose_device(work.device)
    most = peak(device, getattr(torch, work.dtype))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    started = time.perf_counter()
    arm.make(work.jobs, out)
    synchronize(device)
    seconds = time.perf_counter() - started
    if len(images_in(out)) != len(work.jobs):
        raise RuntimeError(f"{len(images_in(out))} images in {out}, {len(work.jobs)} wanted")
    gpu = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0
    return {"seconds": seconds, "peak FLOP/s": most, "memory": _peak_memory(), "gpu memory": gpu}


def _peak_memory() -> int:
    """The peak main memory of this process, in bytes."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main()
