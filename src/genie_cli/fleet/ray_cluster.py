"""Workers on the machines of a Ray cluster, started and heard by way of `ray_bridge`."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from multiprocessing.connection import Connection
from typing import ClassVar

from genie_cli.errors import ModelError
from genie_cli.fleet.messages import Failed, Lease, Said, Setup
from genie_cli.fleet.processes import environment_of_python
from genie_cli.fleet.ray_messages import LOCAL, End, Heard, Join, Joined, Send, Start

_SECONDS_TO_END = 30.0


@dataclass(eq=False)
class RayWorker:
    """See `transport.Worker`.

    Attributes:
        said: what it has said and nobody has heard yet.
    """

    name: str
    number: int
    said: deque[Said]
    _cluster: RayCluster

    def lease(self, lease: Lease | None) -> None:
        self._cluster.send(Send(self.number, lease))

    def hear(self) -> Said:
        return self.said.popleft()


@dataclass
class RayCluster:
    """See `transport.Transport`.

    Attributes:
        address: of a running cluster; `ray_messages.LOCAL`: one is started, and ends with the run.
        workers: how many there are to be; 0: one for each GPU of the cluster, or else for each machine.
    """

    setup: Setup
    address: str
    workers: int = 0
    places: int = 0
    may_wait: ClassVar[bool] = True
    _bridge: subprocess.Popen[bytes] | None = None
    _connection: Connection | None = None
    _started: dict[int, RayWorker] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def advice(self) -> Sequence[str]:
        last = "--devices, instead of --ray local, shows" if self.address == LOCAL else "Ray's logs on its machine have"
        return f"{last} what it said last", "with fewer workers on a machine, or fewer --slots, it has more memory"

    def begin(self) -> None:
        import torch

        ours, its = socket.socketpair()
        with its:
            self._bridge = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of ours
                [sys.executable, "-P", "-m", "genie_cli.fleet.ray_bridge", str(its.fileno())],
                pass_fds=[its.fileno()],
                process_group=0,  # Ctrl-C is for this process, which ends that one
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=os.path.abspath(os.sep),  # Ray's workers would find modules in this process's folder
                env=_environment(self.address),
            )
        self._connection = Connection(ours.detach())
        choices = replace(self.setup.choices, device=torch.device(self.setup.choices.device.type))
        setup = replace(self.setup, choices=choices, elsewhere=True)
        self.send(Join(self.address, self.workers, os.environ.get("OMP_NUM_THREADS") or "1", setup))
        match self._receive():
            case Joined(workers):
                self.places = workers
            case Failed(lines):
                raise ModelError(lines, self._hint)

    @property
    def _hint(self) -> str:
        if self.address == LOCAL:
            return "see genie doctor"
        return "is the cluster running? ray status; its machines need the same versions of Python, Ray and genie"

    def start(self, place: int) -> RayWorker:
        worker = RayWorker(f"ray #{place + 1}", next(self._numbers), deque(), self)
        self._started[worker.number] = worker
        self.send(Start(worker.number))
        return worker

    def heard(self, workers: Sequence[RayWorker], seconds: float) -> list[RayWorker]:
        while not (speaking := [worker for worker in workers if worker.said]):
            if not self._has_more(seconds):
                break
            self._hear()
            for _ in workers:  # to look at all workers again takes longer than to take another message
                if not self._has_more():
                    break
                self._hear()
        return speaking

    def _hear(self) -> None:
        """Take one message, and keep it for the worker that has said it."""
        message = self._receive()
        if isinstance(message, Heard) and (worker := self._started.get(message.number)):
            if message.machine and "(" not in worker.name:
                worker.name = f"{message.machine} ({worker.name})"
            worker.said.append(message.said)

    def _has_more(self, seconds: float = 0.0) -> bool:
        try:
            return self._connected.poll(seconds)
        except OSError:  # it has ended, which is found out where something is heard
            return True

    def end(self, workers: Sequence[RayWorker]) -> None:
        for worker in workers:
            if self._started.pop(worker.number, None):
                self.send(End(worker.number))

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        if self._bridge:
            try:
                self._bridge.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                os.killpg(self._bridge.pid, signal.SIGKILL)
                self._bridge.wait()

    def send(self, message: object) -> None:
        """Tell the bridge something; if it has ended, that is found out where something is heard."""
        if self._connection:
            with contextlib.suppress(OSError):
                self._connection.send(message)

    @property
    def _connected(self) -> Connection:
        assert self._connection is not None  # noqa: S101 - this has begun
        return self._connection

    def _receive(self) -> object:
        try:
            message: object = self._connected.recv()
        except (EOFError, OSError):
            raise ModelError("the connection to Ray was lost", "run the same command again: it resumes") from None
        return message


def _environment(address: str) -> dict[str, str]:
    """No statistics are sent; a cluster of our own is for nobody else: on the loopback device, behind a secret."""
    environment = {**environment_of_python(), "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_AUTO_CONNECT": "0"}
    if address == LOCAL:
        environment |= {
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's name for it: off, the address is 127.0.0.1 everywhere
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_enable_metrics_collection": "0",
        }
    return environment
