"""What `ray_cluster` and the process of `ray_bridge` say to each other."""

from __future__ import annotations

from dataclasses import dataclass

from genie_cli.fleet.messages import Lease, Said, Setup

LOCAL = "local"  # the address of a cluster that is started for one run


@dataclass(frozen=True)
class Join:
    """The first message.

    Attributes:
        address: of a cluster, or `LOCAL`.
        workers: how many there are to be; 0: as many as suit the cluster.
        threads: that each worker on a CPU computes with, as OMP_NUM_THREADS says it.
        setup: what each begins with.
    """

    address: str
    workers: int
    threads: str
    setup: Setup


@dataclass(frozen=True)
class Joined:
    """The answer, if it is not `messages.Failed`.

    Attributes:
        workers: how many there are to be.
    """

    workers: int


@dataclass(frozen=True)
class Start:
    """Start a worker, which is called by ``number`` from now on; it may have to wait for room."""

    number: int


@dataclass(frozen=True)
class Send:
    """Send a worker a job; None: there will be no more."""

    number: int
    lease: Lease | None


@dataclass(frozen=True)
class End:
    """Stop a worker."""

    number: int


@dataclass(frozen=True)
class Heard:
    """What a worker has said.

    Attributes:
        machine: where it is; empty if it is nowhere yet, or no more.
    """

    number: int
    machine: str
    said: Said
