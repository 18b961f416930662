"""Parts of a plan: as they are typed, as Slurm says, and which of them are not done."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli import api
from genie_cli.errors import UsageError
from genie_cli.generate.shards import parse, parts_of
from genie_cli.jobs import shard
from tests.conftest import Genie, tree
from tests.generate.command import EVERYTHING
from tests.manifests import a_job


def slurm(number: int, count: int, first: int = 0, step: int = 1) -> dict[str, str]:
    numbers = {"ID": number, "COUNT": count, "MIN": first, "MAX": first + (count - 1) * step, "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in numbers.items()}


@given(st.integers(1, 50), st.integers(0, 9), st.integers(1, 5))
def test_the_tasks_of_an_array_are_all_parts(count: int, first: int, step: int) -> None:
    tasks = [parse("slurm", slurm(first + step * place, count, first, step)) for place in range(count)]
    assert tasks == [(place + 1, count) for place in range(count)]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SLURM_ARRAY_TASK_ID": "3"},
        {"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "2"},
        slurm(7, 2, 2),  # of --array=2,7
        slurm(5, 3, 2, 2),  # of --array=2,5,8
        slurm(1, 0),
    ],
)
def test_what_is_no_task_of_an_array_of_consecutive_numbers(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="--shard slurm"):
        parse("slurm", environment)


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "-1/2", "1/2/3", "a/b", "1/0", "Slurm"])
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(UsageError, match="expected i/n"):
        parse(text, {})


@given(st.lists(st.integers(0, 10_000), unique=True, max_size=30), st.integers(1, 9))
def test_parts_are_those_that_make_the_jobs(seeds: list[int], count: int) -> None:
    jobs = [a_job(seed=seed) for seed in seeds]
    makers = {part for part in range(1, count + 1) if list(shard(jobs, part, count))}
    assert set(parts_of((bytes.fromhex(job.id) for job in jobs), count)) == makers


def test_status_names_the_parts_that_are_not_done(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("generate", "--src-dir", photos, *EVERYTHING, "--out", "out")
    for part in ("1/3", "3/3"):
        assert genie(*command, "--shard", part).exit_code == 0
    assert api.status("out").parts == (3, (2,))
    result = genie("status", "out")
    assert "not done, of the 3 parts (--shard) of a run: 2" in result.stderr
    [line] = [line for line in result.stderr.splitlines() if line.endswith("--shard=2/3")]
    for name, value in slurm(1, 3).items():
        monkeypatch.setenv(name, value)
    assert genie(*command, "--shard", "slurm").exit_code == 0
    assert api.status("out").parts == (3, ())
    missing = next((tmp_path / "out/train").rglob("*.jpg"))
    before = tree(tmp_path / "out")
    missing.unlink()
    (lost,) = api.status("out").parts[1]
    words = shlex.split(line.replace("--shard=2/3", f"--shard={lost}/3"))
    assert genie(*words[1:]).exit_code == 0
    assert tree(tmp_path / "out") == before
    assert all(json.loads(line)["missing"] == 0 for line in genie("status", "out", "--json").stdout.splitlines())
