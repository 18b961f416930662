"""The benchmark of docs/results.md: its commands can be typed, run once each, and are put together over pools."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer.main

from benchmarks.paper.outcomes import Pools
from benchmarks.paper.plan import BACKBONES, FEW_POOLS, PLAIN, POOLS, folder, stages
from benchmarks.paper.steps import Runner, Step, StepError
from benchmarks.paper.tables import primary, write_all
from genie_cli import api
from genie_cli.cli.app import app
from genie_cli.errors import FolderError
from tests.conftest import Genie, tree

STEPS = [step for steps in stages().values() for step in steps]


def test_names_are_unique_and_each_step_comes_after_those_that_it_needs() -> None:
    names = [step.name for step in STEPS]
    assert len(set(names)) == len(names)
    for number, step in enumerate(STEPS):
        assert set(step.after) <= set(names[:number])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_command_has_the_options_that_it_is_given(step: Step) -> None:
    command = typer.main.get_command(app).commands[step.words[0]]  # type: ignore[attr-defined]
    known = {flag for parameter in command.params for flag in parameter.opts}
    assert {word for word in step.words if word.startswith("--")} <= known


@pytest.mark.parametrize(
    "step",
    [step for step in STEPS if step.name.endswith(("-1", "-1-lite0-64", "-1-lite0", "-1-digits"))],
    ids=lambda step: step.name,
)
def test_every_command_asks_for_what_can_be_had(step: Step, genie: Genie, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options do not contradict each other; the images of earlier steps, and data, are not looked for."""

    def stop(*_: object, **__: object) -> None:
        raise FolderError("as far as it should get")

    monkeypatch.setattr("genie_cli.data.catalog.load", stop)
    monkeypatch.setattr("genie_cli.evaluate.checks.check_places", lambda *_: None)
    monkeypatch.setattr("genie_cli.manifest.opened", stop)
    result = genie(*step.words)
    assert "as far as it should get" in result.stderr, result.stderr


def test_every_pool_has_its_own_noise_and_episodes() -> None:
    for step in STEPS:
        if "--pool" in step.words:
            pool = step.words[step.words.index("--pool") + 1]
            assert step.words[step.words.index("--seed") + 1] == pool
            assert pool != "0"  # which earlier results are from


class TestRunner:
    def test_a_step_that_has_ended_is_not_run_again(self, tmp_path: Path) -> None:
        steps = [
            Step("one", ("init", "--out", "one.toml")),
            Step("two", ("init", "--out", "two.toml"), ("one",)),
            Step("three", ("init", "--out", "three.toml"), ("one", "two")),
        ]
        runner = Runner(tmp_path, 2)
        runner.run(steps)
        assert sorted(path.name for path in tmp_path.glob("*.toml")) == ["one.toml", "three.toml", "two.toml"]
        before = tree(tmp_path)
        runner.run(steps)
        assert tree(tmp_path) == before
        assert runner.seconds(steps) > 0
        assert runner.seconds(steps, "processor_seconds") > 0

    def test_a_failure_is_named_and_only_what_failed_is_run_again(self, tmp_path: Path) -> None:
        (tmp_path / "bad.toml").write_text("mine")
        steps = [Step("good", ("init", "--out", "good.toml")), Step("bad", ("init", "--out", "bad.toml"), ("good",))]
        with pytest.raises(StepError, match=r"genie init --out bad\.toml has failed \(\d\): .*bad\.log"):
            Runner(tmp_path, 1).run(steps)
        (tmp_path / "bad.toml").unlink()
        before = (tmp_path / "good.toml").stat().st_mtime_ns
        Runner(tmp_path, 1).run(steps)
        assert (tmp_path / "good.toml").stat().st_mtime_ns == before


@pytest.fixture(autouse=True)
def kept(_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(_cache))


@pytest.fixture(scope="module")
def small(_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pools of six episodes, without generated images."""
    root = tmp_path_factory.mktemp("paper")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        for pool in POOLS[:2]:
            out = root / folder(PLAIN, pool)
            api.fewshot(augment=["none", "weak"], pool=pool, seed=pool, episodes=6, out=out)
    return root


def test_pools_are_put_together(small: Path) -> None:
    for shots in (1, 5):
        pools = Pools.read(small, PLAIN, PLAIN, POOLS, "digits", shots)
        assert (len(pools.pools), pools.episodes, pools.labels) == (2, 12, ["none", "weak"])
        means = {label: [pool.mean(label) for pool in pools.pools] for label in pools.labels}
        assert pools.accuracy("weak").mean == pytest.approx(np.mean(means["weak"]))
        found = pools.difference("weak", "none")
        assert found.mean == pytest.approx(np.mean(means["weak"]) - np.mean(means["none"]))
        assert found.half_width >= found.episodes.half_width
        assert pools.over_pools("weak", "none").count == 2


def test_tables_are_of_what_there_is(small: Path, tmp_path: Path) -> None:
    write_all(small, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}.csv" for name in ("digits-mixed", "digits-ratios", "digits", "primary-plain")
    ]
    header, *rows = (tmp_path / "digits.csv").read_text().splitlines()
    assert header.startswith("data,backbone,shots,augmentation,pools,episodes,accuracy")
    assert [row.split(",")[:6] for row in rows] == [
        ["digits", "digits", str(shots), label, "2", "12"] for shots in (1, 5) for label in ("none", "weak")
    ]
    assert list(primary(small / "nothing")) == []
    assert set(FEW_POOLS) <= set(POOLS)
    assert len(BACKBONES) == 2
