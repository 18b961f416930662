"""Workers as processes of this machine, each with a socket to this one."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import ClassVar

from genie_cli.devices import cores
from genie_cli.fleet.messages import Gone, Lease, Said, Setup

_SECONDS_TO_END = 5.0


@dataclass
class Process:
    """See `transport.Worker`.

    Attributes:
        name: its device, as it was asked for; with a number if there are several on one.
    """

    name: str
    _running: subprocess.Popen[bytes]
    _connection: Connection

    def lease(self, lease: Lease | None) -> None:
        with contextlib.suppress(OSError):
            self._connection.send(lease)

    def hear(self) -> Said:
        try:
            said: Said = self._connection.recv()
        except (EOFError, OSError):
            return Gone(_ending(self._running.wait()))
        return said

    def end(self, until: float) -> None:
        """Wait until it has ended, and kill it if that takes longer than ``until``, on the monotonic clock."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._running.wait(max(0.0, until - time.monotonic()))
        self._running.kill()
        self._running.wait()
        self._connection.close()

    def stop(self) -> None:
        """Tell it to end at once."""
        self._running.terminate()


@dataclass(frozen=True)
class Processes:
    """Starts workers on devices of this machine; see `transport.Transport`.

    Attributes:
        setup: what each gets, with its own device.
        devices: one for each worker.
    """

    setup: Setup
    devices: Sequence[str]
    may_wait: ClassVar[bool] = False
    advice: ClassVar[Sequence[str]] = (
        "what it said last is above",
        "with fewer processes, or fewer --slots, it has more memory",
    )

    @property
    def places(self) -> int:
        return len(self.devices)

    @property
    def names(self) -> list[str]:
        """The workers: their devices, with a number where several are on one."""
        many, numbers, names = Counter(self.devices), Counter[str](), []
        for device in self.devices:
            numbers[device] += 1
            names.append(f"{device} #{numbers[device]}" if many[device] > 1 else device)
        return names

    def begin(self) -> None: ...

    def start(self, place: int) -> Process:
        import torch

        ours, its = socket.socketpair()
        with its:
            running = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of ours
                [sys.executable, "-P", "-m", "genie_cli.fleet.worker", str(its.fileno())],
                pass_fds=[its.fileno()],
                process_group=0,  # Ctrl-C is for this process, which ends its workers
                stdin=subprocess.DEVNULL,
                stdout=sys.__stderr__ if _is_open(sys.__stderr__) else subprocess.DEVNULL,
                env=self._environment(),
            )
        connection = Connection(ours.detach())
        process = Process(self.names[place], running, connection)
        choices = replace(self.setup.choices, device=torch.device(self.devices[place]))
        with contextlib.suppress(OSError):  # it has ended already, which is heard next
            connection.send(replace(self.setup, choices=choices))
        return process

    def heard(self, workers: Sequence[Process], seconds: float) -> list[Process]:
        ready = wait([worker._connection for worker in workers], seconds)
        return [worker for worker in workers if worker._connection in ready]

    def end(self, workers: Sequence[Process]) -> None:
        for worker in workers:
            worker.stop()
        until = time.monotonic() + _SECONDS_TO_END
        for worker in workers:
            worker.end(until)

    def close(self) -> None: ...

    def _environment(self) -> dict[str, str]:
        """Processes on the CPU share its cores."""
        environment = environment_of_python()
        if self.devices[0] == "cpu":
            environment.setdefault("OMP_NUM_THREADS", str(max(1, cores() // len(self.devices))))
        return environment


def environment_of_python() -> dict[str, str]:
    """This process's environment, for one that finds modules where this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _is_open(stream: object) -> bool:
    try:
        return stream is not None and os.fstat(stream.fileno()) is not None  # type: ignore[attr-defined]
    except (OSError, ValueError):
        return False


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}" + (", perhaps for lack of memory" if code == -9 else "")
    return f"killed by signal {-code}"
