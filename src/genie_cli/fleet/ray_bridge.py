"""The process in which Ray runs: between a fleet and its workers on a cluster.

Ray writes to the terminal, handles signals and reads its settings from the environment. In a process of its own none of
that is the fleet's business, and when the fleet's process is gone, however it ended, this one tidies up after both.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from tempfile import gettempdir
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from genie_cli.errors import ModelError, said
from genie_cli.files.temporary import temporary_folder
from genie_cli.fleet.messages import Failed, Gone, Said
from genie_cli.fleet.ray_actor import RayActor
from genie_cli.fleet.ray_messages import LOCAL, End, Heard, Join, Joined, Send, Start

_STORE_BYTES = 128 * 2**20  # of a local cluster; jobs and images that are under way take far less
_LONGEST_PATH = 40  # of Ray's folder, whose sockets have some 65 characters more: a system allows about 107
_SECONDS_BETWEEN = 0.1  # looks at workers that were started meanwhile
_SECONDS_TO_END = 5.0
_SECONDS_TO_ANSWER = 10.0

# What Ray says of workers that have ended, by a part of its message, and what that means.
_CAUSES: Mapping[str, str] = {
    "low on memory": "killed by Ray for lack of memory",
    "node has died": "its machine has left the cluster",
    "node died": "its machine has left the cluster",
    "was terminated": "its machine has left the cluster",
    "is unavailable": "it does not answer any more",  # at first, of a machine or a process that has gone
    "connection error code 2": "its process was killed, perhaps for lack of memory",
    "SIGKILL": "its process was killed, perhaps for lack of memory",
}


def main(handle: int) -> None:
    """Work; ``handle`` is the number of the open socket to the fleet's process."""
    connection = Connection(handle)
    try:
        join: Join = connection.recv()
        with ExitStack() as held:
            try:
                workers = held.enter_context(_joined(join))
            except Exception as error:  # Ray raises whatever it likes
                connection.send(Failed((f"Ray cannot be used: {said(error)}",)))
                return
            connection.send(Joined(workers))
            _Bridge(connection, join).run()
    except (EOFError, OSError):
        pass  # nobody is there any more


@contextmanager
def _joined(join: Join) -> Iterator[int]:
    """Be part of a cluster; gives the number of workers."""
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    with ExitStack() as held:
        options: dict[str, Any] = {"address": join.address}
        if join.address == LOCAL:
            folder = held.enter_context(temporary_folder(_short_folder()))
            options |= {
                "num_cpus": max(1, join.workers),
                "include_dashboard": False,
                "object_store_memory": _STORE_BYTES,
                "_temp_dir": str(folder),
            }
        elif ":" in join.address:
            _require_answer(join.address)
        ray.init(**options, log_to_driver=False, logging_level=logging.CRITICAL, configure_logging=False)
        held.callback(ray.shutdown)
        yield join.workers or _workers(join)


def _require_answer(address: str) -> None:
    """Raise ModelError if nobody answers there, which Ray would try to find out for many minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise ModelError(f"nobody answers at {address}: {said(error)}") from None


def _workers(join: Join) -> int:
    """One for each GPU of the cluster, or else for each machine."""
    if join.setup.choices.device.type == "cuda":
        return max(1, int(ray.cluster_resources().get("GPU", 0)))
    return sum(1 for node in ray.nodes() if node["Alive"])


def _short_folder() -> str:
    """The folder for temporary files; another one if its path is too long for a socket in it."""
    return gettempdir() if len(gettempdir()) + len("/genie-run-0000000000-00000000") <= _LONGEST_PATH else "/tmp"  # noqa: S108


@dataclass
class _Bridge:
    """Passes messages on, in two threads: this one takes those of the fleet, the other those of the workers."""

    connection: Connection
    join: Join
    _actors: dict[int, Any] = field(default_factory=dict)
    _streams: dict[int, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until the fleet's process closes the connection, or is gone."""
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        try:
            self._take(self._remote())
        finally:
            self._ended.set()
            listener.join(_SECONDS_TO_END)

    def _take(self, remote: Any) -> None:
        while True:
            match self.connection.recv():
                case Start(number):
                    actor = remote.remote()
                    stream = actor.work.options(num_returns="streaming", concurrency_group="work").remote(
                        self.join.setup
                    )
                    with self._lock:
                        self._actors[number], self._streams[number] = actor, stream
                case Send(number, lease):
                    self._actors[number].lease.options(concurrency_group="lease").remote(lease)
                case End(number):
                    with self._lock:
                        actor = self._actors.pop(number)
                        self._streams.pop(number, None)
                    ray.kill(actor)

    def _remote(self) -> Any:
        """What starts a worker, with what it takes of a machine; one that has ended is the fleet's business."""
        on_gpu = self.join.setup.choices.device.type == "cuda"
        # Groups of one thread each: what is sent arrives in its order, while the worker speaks.
        actor: Any = ray.remote(concurrency_groups={"lease": 1, "work": 1})(RayActor)
        return actor.options(
            num_gpus=1 if on_gpu else 0,
            num_cpus=0 if on_gpu else 1,
            max_restarts=0,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": self.join.threads}},
        )

    def _listen(self) -> None:
        try:
            self._pass_all_on()
        except OSError:
            pass  # nobody is there any more, which the other thread finds, too
        except Exception:
            os.kill(os.getpid(), signal.SIGTERM)  # ends the other thread, which tidies up
            raise

    def _pass_all_on(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                streams = dict(self._streams)
            if not streams:
                time.sleep(_SECONDS_BETWEEN)
                continue
            waited = list(streams.values())
            first, _ = ray.wait(waited, num_returns=1, timeout=_SECONDS_BETWEEN)
            if not first:
                continue
            ready, _ = ray.wait(waited, num_returns=len(waited), timeout=0)
            for number, stream in streams.items():
                if any(stream is other for other in ready):
                    self._pass_on(number, stream)

    def _pass_on(self, number: int, stream: Any) -> None:
        machine, message = _next(stream)
        if isinstance(message, Gone):
            with self._lock:
                self._streams.pop(number, None)
        self.connection.send(Heard(number, machine, message))


def _next(stream: Any) -> tuple[str, Said]:
    """What a worker says next, and its machine."""
    try:
        heard: tuple[str, Said] = ray.get(next(stream))
    except StopIteration:
        return "", Gone("it has ended")
    except RayTaskError as error:
        first = str(error).strip().splitlines()[-1]
        return "", Failed((first,), traceback=str(error))
    except RayError as error:
        return "", Gone(_ending(str(error)))
    return heard


def _ending(text: str) -> str:
    """Why a worker is there no more, in words."""
    lines = text.strip().splitlines() or ["for no reason that Ray knows"]
    return next((cause for part, cause in _CAUSES.items() if part in text), lines[-1][:200])


if __name__ == "__main__":
    main(int(sys.argv[1]))
    os._exit(0)  # not to wait for the thread that listens
