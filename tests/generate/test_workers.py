"""How long several workers would take: what --dry-run says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genie_cli.config import Model
from genie_cli.generate.workers import Workers
from tests.conftest import Genie

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def _four_cores_and_two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("genie_cli.generate.workers.cores", lambda: 4)
    monkeypatch.setattr("genie_cli.generate.workers.all_devices", lambda: ("cuda:0", "cuda:1"))


@pytest.mark.parametrize(
    ("model", "devices", "device", "wanted"),
    [
        ({}, (), CPU, Workers()),
        ({}, ("cpu",) * 2, CPU, Workers(2, 2, threads=2)),
        ({}, ("cpu",) * 8, CPU, Workers(8, 4, threads=1)),
        ({}, ("cuda:0", "cuda:1"), CUDA, Workers(2, 2)),
        ({}, ("cuda:0", "cuda:0"), CUDA, Workers(2, 1)),  # they share the GPU
        ({"ray": "local"}, (), CPU, Workers(1, 1, threads=1)),
        ({"ray": "local", "workers": 6}, (), CPU, Workers(6, 4, threads=1)),
        ({"ray": "local"}, (), CUDA, Workers(2, 2)),
        ({"ray": "local", "workers": 6}, (), CUDA, Workers(6, 2)),
        ({"ray": "auto"}, (), CUDA, Workers(0, 1, elsewhere=True)),
        ({"ray": "10.0.0.1:6379", "workers": 6}, (), CUDA, Workers(6, 6, elsewhere=True)),
        ({"ray": "10.0.0.1:6379", "workers": 6}, (), CPU, Workers(6, 6, threads=1, elsewhere=True)),
    ],
)
def test_how_many_and_how_fast(
    model: dict[str, str], devices: tuple[str, ...], device: torch.device, wanted: Workers
) -> None:
    assert Workers.of(Model.model_validate(model), devices, device) == wanted


@pytest.mark.parametrize(("said", "threads"), [("3", 3), ("3,2", 3), ("many", 2), ("0", 2), ("", 2)])
def test_threads_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch, said: str, threads: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert Workers.of(Model(), ("cpu", "cpu"), CPU).threads == threads


def test_seconds() -> None:
    """100 images of 40 steps, 10 at a time, half a second a step: 400 batches of steps."""
    assert Workers().seconds(4000, 100, 10, 0.5) == 200
    assert Workers(4, 4).seconds(4000, 100, 10, 0.5) == 50
    assert Workers(4, 2).seconds(4000, 100, 10, 0.5) == 100
    assert Workers(0, 1).seconds(4000, 100, 10, 0.5) == 200
    assert Workers().seconds(160, 4, 10, 0.5) == 20  # six slots are empty
    assert Workers(4, 4).seconds(160, 4, 10, 0.5) == 20  # and here 36
    assert Workers().seconds(0, 0, 10, 0.5) == 0


class TestDryRun:
    def table(self, genie: Genie, photos: Path, *words: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        """What is printed on a terminal, by the name of its line; there are 18 images of three steps."""
        monkeypatch.setattr("genie_cli.cli.generate.wants_lines", lambda as_json: as_json)
        monkeypatch.setenv("COLUMNS", "200")
        shown = genie("generate", "--src-dir", photos, "--targets", "seven,two", "--dry-run", *words)
        assert shown.exit_code == 0, shown.output
        lines = (line.strip().split("  ", 1) for line in shown.stdout.splitlines())
        return {line[0]: line[1].strip() for line in lines if len(line) == 2}

    def test_one_process(self, genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        table = self.table(genie, photos, monkeypatch=monkeypatch)
        assert table["solver steps"] == "54"
        assert "workers" not in table
        assert table["time"].endswith("(one step was timed just now)")

    def test_processes(self, genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        table = self.table(genie, photos, "--devices", "cpu*4", monkeypatch=monkeypatch)
        assert (table["solver steps"], table["workers"]) == ("54", "4, each about 14 solver steps")
        assert table["batch"] == "4 slots on cpu, float32"
        assert table["time"].endswith("s (one step was timed just now)")

    def test_a_cluster_of_other_machines(self, genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = ("--ray", "10.0.0.1:6379")
        table = self.table(genie, photos, *words, "--workers", "9", monkeypatch=monkeypatch)
        assert table["workers"] == "9, each about 6 solver steps"
        assert " if all have room and are as fast as this machine (" in table["time"]
        table = self.table(genie, photos, *words, monkeypatch=monkeypatch)
        assert table["workers"] == "one for each GPU of the cluster, or else for each machine"
        assert " for one worker as fast as this machine (" in table["time"]

    @pytest.mark.skipif(torch.cuda.is_available(), reason="here a step can be timed")
    def test_gpus_that_are_elsewhere(self, genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = ("--ray", "10.0.0.1:6379", "--workers", "9", "--device", "cuda")
        table = self.table(genie, photos, *words, monkeypatch=monkeypatch)
        assert table["workers"] == "9, each about 6 solver steps"
        assert table["batch"] == "4 slots on cuda, float16"
        assert table["time"] == "not known: this machine has no such device, on which a step could be timed"
