"""Several processes make what one makes, to the byte, whichever of them dies, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.errors import ModelError
from genie_cli.fleet.fleet import Fleet, WorkerError
from genie_cli.fleet.processes import Process, Processes
from genie_cli.generate.run import Run
from genie_cli.jobs import Job, Method, Plan
from genie_cli.observer import Observer, Progress, WorkerStatus
from tests.fleet.conftest import HOW, Library, shown
from tests.slow import slow

GENIE = [sys.executable, "-m", "genie_cli"]


def workers() -> set[int]:
    """The processes of workers that were started by this test, or by a process of its."""
    ours = f"PYTEST_CURRENT_TEST={os.environ['PYTEST_CURRENT_TEST'].rpartition(' ')[0]} ".encode()
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((folder / name).read_bytes().split(b"\0") for name in ("cmdline", "environ"))
        except OSError:  # it has just ended
            continue
        if b"genie_cli.fleet.worker" in command and any(each.startswith(ours) for each in environment):
            found.add(int(folder.name))
    return found


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No test leaves a process."""
    yield
    deadline = time.monotonic() + 20
    while workers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not workers()


def test_two_processes_make_what_one_makes(library: Library, tmp_path: Path) -> None:
    made = library.generate(tmp_path / "out", devices="cpu*2")
    assert (made.made, made.failed) == (68, 4)
    library.require_same(tmp_path / "out")


def fleet_of(run: Run, transport: Callable[..., Processes] = Processes) -> Fleet:
    """The fleet of a run, with another transport."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("genie_cli.fleet.processes.Processes", transport)
        maker = run._maker([])
    assert isinstance(maker, Fleet)
    return maker


def test_a_worker_that_is_killed_costs_nothing(library: Library, tmp_path: Path) -> None:
    warned: list[str] = []
    with (
        api.planned(library.photos, "seven,two", r=(0.5, 0.8), out=tmp_path, devices="cpu*2", **HOW) as run,
        fleet_of(run) as fleet,
    ):
        fleet._observer = Noting(warned)
        images = {}
        heard = Hearing()
        for number, image in enumerate(fleet.make(run.jobs, heard)):
            assert image.job.id not in images
            images[image.job.id] = image
            if number == 10:
                worker = fleet._members[0].worker
                assert isinstance(worker, Process)
                worker._running.kill()
    rows = [json.loads(line) for line in (library.alone / "manifest.jsonl").read_text().splitlines()[1:]]
    assert images.keys() == {row["id"] for row in rows}
    for row in rows:
        image = images[row["id"]]
        assert image.error == row.get("reason", "")
        assert not image.data or image.data == (library.alone / row["file"]).read_bytes()
    [warning] = warned
    assert warning.startswith("the worker on cpu #1 ended (killed by SIGKILL, perhaps for lack of memory); its ")
    assert {worker.name for worker in heard.last} == {"cpu #1", "cpu #2"}
    assert f"its {heard.lost} images are made again" in warning


class Hearing(Progress):
    """Keeps what it was told last of the workers."""

    last: Sequence[WorkerStatus] = ()
    lost = 0

    def workers(self, workers: Sequence[WorkerStatus], lost: int) -> None:
        self.last, self.lost = workers, lost


class Noting(Observer):
    def __init__(self, warned: list[str]) -> None:
        self.warned = warned

    def warning(self, message: str) -> None:
        self.warned.append(message)


class Doomed(Processes):
    """Each of its workers is killed before it can do anything."""

    def start(self, place: int) -> Process:
        process = super().start(place)
        process._running.kill()
        return process


def test_workers_that_never_get_anywhere_end_the_run(library: Library, tmp_path: Path) -> None:
    with (
        api.planned(library.photos, "seven", out=tmp_path, devices="cpu*2", **HOW) as run,
        pytest.raises(ModelError, match=r"the worker on cpu #\d ended again and again: killed by SIGKILL"),
        fleet_of(run, Doomed),
    ):
        pass


def test_what_a_worker_cannot_do_is_said_with_its_name(library: Library, tmp_path: Path) -> None:
    with api.planned(library.photos, "seven", out=tmp_path, devices="cpu", **HOW) as run:
        fleet = fleet_of(run)
        setup = fleet._transport.setup
        missing = replace(setup, located=replace(setup.located, path=tmp_path / "gone"))
        fleet._transport = Processes(missing, ("cpu",))
        with pytest.raises(ModelError, match=r"worker on cpu: .*gone"), fleet:
            pass
        fleet = fleet_of(run)
        fleet._transport = Processes(replace(setup, steps="four"), ("cpu",))  # type: ignore[arg-type]
        with pytest.raises(WorkerError, match="worker on cpu: TypeError") as raised, fleet:
            pass
        assert "Traceback (most recent call last)" in raised.value.__notes__[0]


@slow
def test_a_worker_with_other_versions_is_refused(library: Library, tmp_path: Path) -> None:
    with api.planned(library.photos, "seven", out=tmp_path, devices="cpu", **HOW) as run:
        fleet = fleet_of(run)
        fleet._versions = {**fleet._versions, "torch": "1.0"}
        with pytest.raises(ModelError, match=r"worker cpu has torch .*, this run 1\.0"), fleet:
            pass


def test_a_worker_with_other_weights_is_refused(library: Library, tmp_path: Path) -> None:
    with api.planned(library.photos, "seven", out=tmp_path, devices="cpu", **HOW) as run:
        fleet = fleet_of(run)
        setup = fleet._transport.setup
        other = replace(setup, located=replace(setup.located, identity="digits@0"), elsewhere=True)
        fleet._transport = Processes(other, ("cpu",))
        with pytest.raises(ModelError, match=r"worker cpu has the model digits@\w{12}, this run digits@0"), fleet:
            pass


def test_a_plan_without_end_is_never_held(library: Library, tmp_path: Path) -> None:
    def again() -> Iterator[Job]:
        common: dict[str, Any] = {"target": "two", "prompt": "A photo of a two", "model": "digits@1", "source": None}
        return (Job(method=Method.TXT2IMG, r=1.0, seed=seed, **common) for seed in count())

    with (
        api.planned(library.photos, "seven", out=tmp_path, devices="cpu", **HOW) as run,
        fleet_of(run) as fleet,
    ):
        images = fleet.make(Plan(again), Progress())
        assert len(list(islice(images, 30))) == 30
        assert len(fleet._todo) <= 20
        images.close()


@pytest.mark.parametrize("number", [pytest.param(signal.SIGKILL, marks=slow), signal.SIGINT])
def test_a_run_that_is_ended_leaves_no_process_and_is_resumed(
    library: Library, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [*GENIE, *library.words(out, "cpu*2")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 120
        while not any(out.glob("train/*/*.jpg")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == (-9 if number is signal.SIGKILL else 130), said
    assert b"Traceback" not in said
    made = library.generate(out, devices="")
    assert made.resumed > 0
    assert shown(out) == shown(library.alone)
    assert not (out / ".genie/aside").exists()
    assert os.listdir(tmp_path) == ["out"]
