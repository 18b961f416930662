"""A Ray cluster makes what one process makes, to the byte, whatever happens to its machines, and nothing is left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.errors import ModelError
from genie_cli.fleet.fleet import Fleet, WorkerError
from genie_cli.fleet.ray_cluster import RayCluster
from genie_cli.observer import Observer, Progress
from tests.fleet.conftest import HOW, Library
from tests.slow import slow

_STORE_BYTES = 80 * 2**20
_OURS = (b"ray::RayActor", b"ray_bridge", b"raylet/raylet", b"gcs_server", b"runtime_env", b"DashboardAgent")


class Machines:
    """A cluster of several raylets on this machine: a head that has room for no worker, and nodes for one each."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "object_store_memory": _STORE_BYTES},
        )
        self._nodes: list[Any] = []
        self.add()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add(self) -> None:
        self._nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES))

    def remove(self) -> None:
        """Take away the node that was added first."""
        self._cluster.remove_node(self._nodes.pop(0), allow_graceful=False)

    def end(self) -> None:
        self._cluster.shutdown()


# A cluster of several machines takes over a minute of two cores: the nightly job runs these.
pytestmark = slow


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    folder = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
    before = processes()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        for name, value in (("USAGE_STATS_ENABLED", "0"), ("AUTH_MODE", "disabled"), ("TMPDIR", str(folder))):
            patched.setenv(f"RAY_{name}", value)
        found = Machines()
        yield found
        found.end()
    shutil.rmtree(folder, ignore_errors=True)
    assert settles(lambda: processes() <= before)


@pytest.fixture(autouse=True)
def _nothing_left(machines: Machines) -> Iterator[None]:
    """No test leaves a worker, a cluster of its own, shared memory or a temporary folder."""
    before = left()
    yield
    assert settles(lambda: not left() - before), left() - before


def processes(*kinds: bytes) -> set[int]:
    """The processes of Ray on this machine, and of what speaks with it."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:  # it has just ended
            continue
        if any(kind in words for kind in kinds or _OURS):
            found.add(int(path.parent.name))
    return found


def left() -> set[str]:
    kept = {str(number) for number in processes(b"ray::RayActor", b"ray_bridge", b"gcs_server")}
    return kept | set(os.listdir("/dev/shm")) | {path.name for path in Path("/tmp").glob("genie-run-*")}


def settles(is_so: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether something is so, after a while perhaps."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_so()


class Watching(Observer):
    """Calls functions when so many images are there, and keeps the warnings."""

    def __init__(self, events: dict[int, Callable[[], None]]) -> None:
        self.warned: list[str] = []
        self._events = events

    def warning(self, message: str) -> None:
        self.warned.append(message)

    def progress(self, description: str, total: int | None = None) -> AbstractContextManager[Progress]:
        return nullcontext(Counting(self._events) if total else Progress())


class Counting(Progress):
    def __init__(self, events: dict[int, Callable[[], None]]) -> None:
        self._events = events
        self._images = 0

    def describe(self, description: str) -> None:
        self._images += 1
        self._events.get(self._images, lambda: None)()


def test_workers_that_die_and_machines_that_come_and_go_change_nothing(
    machines: Machines, library: Library, tmp_path: Path
) -> None:
    def kill() -> None:
        for number in processes(b"ray::RayActor"):
            os.kill(number, signal.SIGKILL)

    def move() -> None:
        machines.add()
        machines.remove()

    watching = Watching({5: kill, 30: move})
    out = tmp_path / "out"
    made = api.generate(
        library.photos,
        "seven,two",
        r=(0.5, 0.8),
        out=out,
        ray=machines.address,
        workers=2,  # one has to wait for room
        observer=watching,
        **HOW,
    )
    assert (made.made, made.failed) == (68, 4)
    library.require_same(out)
    causes = "its process was killed, perhaps for lack of memory|its machine has left the cluster"
    ended = rf"\(ray #\d\) ended \(({causes}|it does not answer any more)\); its \d+ images are made again"
    lost = re.compile(f"the worker on {socket.gethostname()} {ended}")
    assert sum(bool(lost.match(warning)) for warning in watching.warned) == 2, watching.warned
    assert "no worker is left: waiting until there is room for one" in watching.warned


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_leaves_nothing_and_is_resumed(
    library: Library, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-m", "genie_cli", *library.words(out), "--ray", "local", "--workers", "1"]
    before = processes()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert settles(lambda: any(out.glob("train/*/*.jpg")) or process.poll() is not None, 300)
        assert addresses(processes() - before) == {"127.0.0.1"}
        process.send_signal(number)
        printed, said = process.communicate(timeout=60)
    assert process.returncode == (-9 if number is signal.SIGKILL else 130), said
    assert not printed
    assert not [line for line in said.splitlines() if b"ray" in line.lower() or b"Traceback" in line]
    made = library.generate(out, devices="")
    assert made.resumed > 0
    library.require_same(out)


def addresses(numbers: set[int]) -> set[str]:
    """Where these processes can be reached from."""
    found = set()
    for number in numbers:
        listening = {}
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{number}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    listening[f"socket:[{fields[9]}]"] = address_of(fields[1].partition(":")[0])
        for handle in Path(f"/proc/{number}/fd").iterdir():
            target = os.readlink(handle) if handle.is_symlink() else ""
            found |= {listening[target]} if target in listening else set()
    return found


def address_of(digits: str) -> str:
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    packed = b"".join(words)
    text = socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
    return text.removeprefix("::ffff:")


class Deadly:
    """Kills the process of a worker that is sent it."""

    def __reduce__(self) -> Any:
        return _die, ()


def _die() -> Deadly:
    if "ray_bridge" not in sys.argv[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return Deadly()


class Faulty:
    """Cannot be read by a worker."""

    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> Faulty:
    if "ray_bridge" not in sys.argv[0]:
        raise RuntimeError("no such thing")
    return Faulty()


def started(machines: Machines, library: Library, out: Path, **changed: Any) -> None:
    """Start a fleet of one worker that is given a changed setup."""
    with api.planned(library.photos, "seven", out=out, ray=machines.address, workers=1, **HOW) as run:
        fleet = run._maker([])
        assert isinstance(fleet, Fleet)
        transport = fleet._transport
        assert isinstance(transport, RayCluster)
        located = transport.setup.located
        begin = transport.begin

        def begin_changed() -> None:
            transport.setup = replace(transport.setup, **changed)
            begin()
            transport.setup = replace(transport.setup, located=located)

        transport.begin = begin_changed  # type: ignore[method-assign]
        with fleet:
            pass


def test_workers_that_never_get_anywhere_end_the_run(machines: Machines, library: Library, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the worker on ray #1 ended again and again: its process was killed"):
        started(machines, library, tmp_path, guidance=Deadly())


def test_what_a_worker_cannot_do_is_said_with_its_name(machines: Machines, library: Library, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"worker on ray #1: .*no such thing") as raised:
        started(machines, library, tmp_path, guidance=Faulty())
    assert "Traceback" in raised.value.__notes__[0] or "ray::" in raised.value.__notes__[0]


def test_a_cluster_that_is_not_there_is_said(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"Ray cannot be used: nobody answers at 127.0.0.1:1: "):
        api.generate(library.photos, "seven", out=tmp_path / "out", ray="127.0.0.1:1", **HOW)
