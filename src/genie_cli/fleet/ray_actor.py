"""A worker as an actor of Ray."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

from genie_cli.fleet.messages import Lease, Said, Setup
from genie_cli.fleet.worker import serve


class RayActor:
    """Its two methods run side by side, each in a thread of Ray's."""

    def __init__(self) -> None:
        self._leases: queue.SimpleQueue[Lease | None] = queue.SimpleQueue()

    def lease(self, lease: Lease | None) -> None:
        """Take a job; None: there will be no more."""
        self._leases.put(lease)

    def work(self, setup: Setup) -> Iterator[tuple[str, Said]]:
        """Make what is sent; gives what it says, with the machine's name."""
        said: queue.SimpleQueue[Said | None] = queue.SimpleQueue()

        def run() -> None:
            serve(lambda: setup, self._leases.get, said.put)
            said.put(None)

        threading.Thread(target=run, daemon=True).start()
        machine = socket.gethostname()
        while (message := said.get()) is not None:
            yield machine, message
