"""Runs commands of genie that depend on each other, a few at a time, and none that has ended before."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genie_cli.files.writing import write_atomically


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        name: of its log, and of the file that says that it has ended.
        words: after ``genie``; paths are relative to the folder of the benchmark.
        after: names of steps that must have ended before.
    """

    name: str
    words: tuple[str, ...]
    after: tuple[str, ...] = ()

    @property
    def out(self) -> str:
        """The folder or file that it writes."""
        return self.words[self.words.index("--out") + 1]

    @property
    def reads(self) -> list[str]:
        """The folders whose images it reads."""
        names = (name for word in self.words for name in word.split(","))
        return [name.removesuffix("/images") for name in names if name.endswith("/images")]

    @property
    def command(self) -> str:
        """As it is typed."""
        return shlex.join(["genie", *self.words])


class StepError(Exception):
    """A command has failed; the message says where its words are."""


@dataclass(frozen=True)
class Runner:
    """Runs steps in a folder, in which each step that has ended leaves a file with its command and its times.

    A step is run again if its command is another one than in that file.
    """

    folder: Path
    workers: int

    def run(self, steps: Sequence[Step]) -> None:
        """Run all steps, those first that stand first.

        Raises:
            StepError: a command has failed; those that run are waited for, and no other is begun.
        """
        waiting = [step for step in steps if not self._has_ended(step)]
        if lacking := {name for step in waiting for name in step.after if not self._can_be_ended(name, steps)}:
            raise StepError(f"these steps have to be run before: {', '.join(sorted(lacking))}")
        ended = {name for step in steps for name in (step.name, *step.after)} - {step.name for step in waiting}
        running: dict[Future[None], Step] = {}
        with ThreadPoolExecutor(self.workers) as pool:
            while waiting or running:
                for step in [step for step in waiting if ended.issuperset(step.after)]:
                    if len(running) < self.workers:
                        waiting.remove(step)
                        running[pool.submit(self._run, step)] = step
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    step = running.pop(future)
                    future.result()
                    ended.add(step.name)

    def seconds(self, steps: Sequence[Step], clock: str = "seconds") -> float:
        """The time that these steps took, one after the other; those that have not ended count as 0.

        Args:
            clock: ``seconds``, of the clock on the wall, or ``processor_seconds``, which other work on the same cores
                hardly changes.
        """
        return float(sum(self._record(step).get(clock, 0) for step in steps))

    def _run(self, step: Step) -> None:
        print(f"{time.strftime('%H:%M:%S')} {step.name}: {step.command}", flush=True)
        self._ended(step).parent.mkdir(parents=True, exist_ok=True)
        threads = str(max(1, (os.cpu_count() or 1) // self.workers))
        started = time.monotonic()
        with (self.folder / "steps" / f"{step.name}.log").open("w") as log:
            others = {name: value for name, value in os.environ.items() if not name.startswith("GENIE_")}
            environment = {**others, "OMP_NUM_THREADS": threads}  # settings are those of the command alone
            words = [sys.executable, "-m", "genie_cli", *step.words]
            process = subprocess.Popen(words, cwd=self.folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            code = process.returncode = os.waitstatus_to_exitcode(status)
        if code:
            raise StepError(f"{step.command} has failed ({code}): {log.name}")
        record = {
            "command": step.command,
            "key": _key(step),
            "seconds": round(time.monotonic() - started, 1),
            "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        }
        write_atomically(self._ended(step), (json.dumps(record) + "\n").encode())

    def _can_be_ended(self, name: str, steps: Sequence[Step]) -> bool:
        """Whether a step is among those that are run now, or was run before."""
        return any(step.name == name for step in steps) or self._file(name).exists()

    def _has_ended(self, step: Step) -> bool:
        return self._record(step).get("key") == _key(step) and (self.folder / step.out).exists()

    def _record(self, step: Step) -> dict[str, Any]:
        path = self._ended(step)
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def _ended(self, step: Step) -> Path:
        return self._file(step.name)

    def _file(self, name: str) -> Path:
        return self.folder / "steps" / f"{name}.json"


def _key(step: Step) -> str:
    return hashlib.sha256(json.dumps(step.words).encode()).hexdigest()
