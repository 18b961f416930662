"""A worker: one engine, in a process that a transport has started, which makes the jobs that it is sent.

It ends when it is told to, and when the process that started it is gone.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from genie_cli.diffusion.locate import Located, found_here
from genie_cli.diffusion.requests import Request
from genie_cli.errors import GenieError
from genie_cli.fleet.maker import in_order
from genie_cli.fleet.messages import Failed, Known, Lease, Ready, Said, Setup, Steps
from genie_cli.fleet.single import request
from genie_cli.fleet.sources import SourceFile
from genie_cli.header import versions
from genie_cli.jobs import Job

if TYPE_CHECKING:
    from PIL.Image import Image

    from genie_cli.diffusion.clock import Clock
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.locate import Located
    from genie_cli.diffusion.requests import Result

_WAITING = 64  # images that are being encoded
_SECONDS_BETWEEN = 0.2  # messages of how many steps were taken


class Inbox:
    """The jobs that were sent, as a feed of the engine. Their sources are decoded at once, in threads."""

    def __init__(self, fitted: Callable[[SourceFile], Image], clock: Clock) -> None:
        self._fitted = fitted
        self._clock = clock
        self._readers = ThreadPoolExecutor(2, "read")
        self._known = Known()
        self._images: dict[str, Future[Image]] = {}
        self._requests: queue.SimpleQueue[Request[Job] | None] = queue.SimpleQueue()

    def put(self, lease: Lease) -> None:
        job, image = lease.job, None
        if job.source and job.method.uses_source:
            key = job.source.sha256
            is_new, forgotten = self._known.add(key)
            if is_new and lease.source:
                self._images[key] = self._readers.submit(self._fitted, lease.source)
            image = self._images[key]
            for other in forgotten:
                del self._images[other]
        self._requests.put(request(job, image, self._clock))

    def close(self) -> None:
        """No more jobs will come."""
        self._requests.put(None)

    def take(self, wait: bool) -> Request[Job] | None:
        """See `diffusion.requests.Feed`."""
        try:
            taken = self._requests.get(wait)
        except queue.Empty:
            return None
        if taken is None:
            self._requests.put(None)  # the end stays the end, however often it is asked for
        return taken


class Mouth:
    """Says things to the fleet, from any thread.

    Args:
        send: takes one message; called by one thread at a time.
    """

    def __init__(self, send: Callable[[Said], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._steps, self._last = 0, time.monotonic()

    def say(self, message: Said) -> None:
        with self._lock:
            self._send(message)

    def count(self, steps: int) -> None:
        """Say how many steps were taken, now or later, since there are many."""
        self._steps += steps
        if time.monotonic() - self._last > _SECONDS_BETWEEN:
            self.tell_steps()

    def tell_steps(self) -> None:
        self.say(Steps(self._steps))
        self._steps, self._last = 0, time.monotonic()


def main(handle: int) -> None:
    """Work; ``handle`` is the number of the open socket to the process that started this one."""
    connection = Connection(handle)
    serve(connection.recv, connection.recv, connection.send)


def serve(begin: Callable[[], Setup], hear: Callable[[], Lease | None], send: Callable[[Said], None]) -> None:
    """Work, and say why that ends if it is not the end of the jobs.

    Args:
        begin: gives what is needed to begin.
        hear: waits for the next job, and gives None at the end; raises OSError or EOFError if nobody is there any more.
    """
    warnings.simplefilter("ignore")  # they were shown there, or are of a source's file, and each worker has the same
    mouth = Mouth(send)
    try:
        work(begin(), hear, mouth)
    except GenieError as error:
        mouth.say(Failed(error.lines, error.hints))
    except BaseException as error:
        mouth.say(Failed((f"{type(error).__name__}: {error}",), traceback=traceback.format_exc()))


def work(setup: Setup, hear: Callable[[], Lease | None], mouth: Mouth) -> None:
    """Load the model, and make what is sent until there is no more."""
    located = found_here(setup.located) if setup.elsewhere else setup.located
    engine = _engine(setup, located)
    inbox = Inbox(lambda source: source.fitted(engine.snapshot), engine.clock)
    threading.Thread(target=_listen, args=(hear, inbox), daemon=True).start()
    mouth.say(_ready(engine, located.identity))

    def deliver(result: Result[Job]) -> None:
        mouth.say(setup.encoder(result))

    with ThreadPoolExecutor(2, "encode") as encoders:
        sent = (encoders.submit(deliver, result) for result in engine.serve(inbox, mouth.count))
        for _ in in_order(sent, _WAITING, engine.clock, "write"):
            pass
    mouth.tell_steps()


def _listen(hear: Callable[[], Lease | None], inbox: Inbox) -> None:
    """Take what is sent: leases, and at the end None."""
    try:
        while (lease := hear()) is not None:
            inbox.put(lease)
        inbox.close()
    except (EOFError, OSError):
        os._exit(1)  # nobody is there any more


def _engine(setup: Setup, located: Located) -> Engine[Job]:
    from genie_cli.diffusion.engine import Engine
    from genie_cli.diffusion.snapshot import load

    chosen = setup.choices
    snapshot = load(located, str(chosen.device), chosen.dtype, chosen.attention, chosen.compile)
    negative = setup.negative_prompt
    return Engine(snapshot, chosen.slots, setup.steps, setup.guidance, negative_prompt=negative, probe=setup.probe)


def _ready(engine: Engine[Job], model: str) -> Ready:
    from genie_cli.devices import hardware_name

    return Ready(engine.slots, hardware_name(engine.snapshot.device), model, versions())


if __name__ == "__main__":
    main(int(sys.argv[1]))
