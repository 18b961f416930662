"""The benchmarks of fleets: each part at a tiny size, and simulated workers against arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.fleet import __main__ as command
from benchmarks.fleet import overhead, simulation, throughput
from benchmarks.fleet.overhead import Trial
from benchmarks.fleet.simulated import Machine
from benchmarks.prepare import write_sources
from genie_cli.jobs import Job, Source


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fleet") / "sources"
    write_sources(root, "digits", 3)
    return root


@pytest.mark.parametrize(("arm", "keeps"), [("one process", False), ("one process", True), ("processes", True)])
def test_jobs_that_cost_nothing_are_made(sources: Path, arm: str, keeps: bool) -> None:
    """That all were made, `measure` asserts."""
    found = overhead.measure(Trial(arm, 1, 32, 9, keeps, str(sources)))
    assert found["seconds"] > 0
    assert 0 < found["memory before"] <= found["memory"] < 2**34


def test_the_rate_is_that_of_the_middle(sources: Path) -> None:
    found = throughput.measure(sources, 12, {"steps": 4, "slots": 4})
    assert found["seconds"] > 0
    assert found["images/s"] > 12 / found["seconds"]  # loading is not in it


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """Medians of three rounds; one process is the measure of the others."""
    common = {"workers": 2, "side": 32, "jobs": 500, "keeps": False, "memory": 2**28, "memory before": 2**27}
    lines = [
        {**common, "arm": arm, "seconds": seconds * number, "cpu": 0.1, "bridge": 0, "shared memory": 0}
        for number in (1, 2, 3)
        for arm, seconds in (("one process", 0.1), ("processes", 0.4))
    ]
    command._show_overhead(lines)
    command._show_memory(lines[:2])
    command._show_throughput([{"arm": arm, "images/s": n, "seconds": 9.0} for n in (1, 2) for arm in ("one", "two")])
    shown = capsys.readouterr().out
    assert "| 32 px, dropped | 2 workers, processes | 1.60 s | 0.80 s | +0.60 s | 0.20 s |  |" in shown
    assert "| 500 | 2 workers, processes, 32 px, dropped | 128 MiB | 256 MiB | 0 MiB |" in shown
    assert "| two | 1.50 | 1.00 to 2.00 | 1.00 | 9.0 s |" in shown


@dataclass(frozen=True)
class Photos:
    root: Path
    sources: list[Source]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    root = tmp_path_factory.mktemp("simulation") / "photos"
    return Photos(root, simulation.write_photos(root))


def simulated(
    photos: Photos, machine: Machine, workers: int, images: int, plan: str = "same", driver: float = 0
) -> dict[str, float]:
    """The figures of a run in which leasing takes no time."""
    jobs = simulation.plan_of(plan, images, photos.sources)
    return simulation.simulate(machine, workers, jobs, photos.root, driver, counts_cpu=False)


class TestSimulation:
    MACHINE = Machine(slots=1, step=0.5, image=2.0, load=30.0)

    def test_one_worker_takes_as_long_as_its_images(self, photos: Photos) -> None:
        """40 steps of half a second and two seconds more: 22 s an image."""
        found = simulated(photos, self.MACHINE, 1, 10)
        assert found["images/s"] == pytest.approx(1 / 22)
        assert found["in use"] == pytest.approx(1)

    def test_a_batch_is_refilled(self, photos: Photos) -> None:
        """Of ratios .5 to 1, 25 to 50 steps: in two slots, nearly always both in use."""
        found = simulated(photos, replace(self.MACHINE, slots=2, image=0), 1, 120, "sweep")
        assert found["images/s"] == pytest.approx(2 / (37.5 * 0.5), rel=0.03)

    @pytest.mark.parametrize("plan", simulation.PLANS)
    def test_several_workers_are_busy_to_the_end(self, photos: Photos, plan: str) -> None:
        found = simulated(photos, Machine(slots=4, step=0.1), 8, 800, plan)
        assert found["in use"] > 0.9
        assert found["last"] <= 50 * 0.1 + 0.2  # the longest image, begun in the middle of a step

    def test_what_failing_workers_leave_is_made(self, photos: Photos) -> None:
        """What a worker held is made by others; its successor loads the model first."""
        machine = Machine(slots=4, step=0.1, load=5.0, life=300.0)
        found = simulated(photos, machine, 8, 1600)
        assert found["images"] == 1600
        assert 1 <= found["failed"] <= 20
        assert 0.8 < found["in use"] < 0.99

    def test_workers_that_fail_often_end_no_run(self, photos: Photos) -> None:
        """A job waits for 40 s and is made in four: workers that live for 150 s lose a few jobs three times, and these
        had not been begun."""
        found = simulated(photos, Machine(slots=1, step=0.1, load=5.0, life=150.0), 8, 800)
        assert found["images"] == 800
        assert found["failed"] > 10

    def test_a_driver_that_is_busy_keeps_workers_waiting(self, photos: Photos) -> None:
        found = simulated(photos, Machine(slots=4, step=0.01), 8, 400, driver=0.1)
        assert found["images/s"] == pytest.approx(10, rel=0.05)
        assert found["up to"] < 2  # workers that make 10 images a second each

    def test_the_plan_is_one_of_different_jobs(self, photos: Photos) -> None:
        jobs = simulation.plan_of("sorted", 120, photos.sources)
        found: list[Job] = list(jobs)
        assert len({job.id for job in found}) == 120
        assert [job.r for job in found] == sorted(job.r for job in found)
