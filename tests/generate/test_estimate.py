"""What a run would make and take: besides what is there, and only if it would not be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genie_cli import api
from genie_cli.errors import OutputError, UsageError
from genie_cli.generate.published import seconds_elsewhere
from tests.conftest import tree

HOW: dict[str, Any] = {"model": "digits", "steps": 4, "slots": 4}


def test_what_is_there_is_not_counted_and_nothing_changes(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with api.planned(photos, "seven,two", out=out, **HOW) as run:
        assert (run.estimate().tally.images, run.estimate().tally.there) == (18, 0)
    assert not out.exists()
    api.generate(photos, "seven", out=out, **HOW)
    next((out / "train").rglob("*.jpg")).unlink()
    before = tree(out)
    with api.planned(photos, "seven,two", out=out, **HOW) as run:
        tally = run.estimate().tally
    assert (tally.images, tally.there, tally.steps) == (10, 8, 30)  # three of the four steps run at r = 0.8
    with api.planned(photos, "seven,two", out=out, limit=5, **HOW) as run:
        tally = run.estimate().tally
        assert tally.images + tally.there == 5
    assert tree(out) == before


def test_a_run_that_would_be_refused_is_not_estimated(photos: Path, tmp_path: Path) -> None:
    api.generate(photos, "seven", out=tmp_path / "out", limit=1, **HOW)
    with (
        api.planned(photos, "seven", out=tmp_path / "out", **{**HOW, "steps": 5}) as run,
        pytest.raises(OutputError, match="steps: 4 -> 5"),
    ):
        run.estimate()


@pytest.mark.parametrize("where", [{"devices": "cpu*2"}, {"ray": "local"}])
def test_a_profile_is_of_one_process(photos: Path, tmp_path: Path, where: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--profile measures this process"):
        api.generate(photos, "seven", out=tmp_path / "out", profile=True, **where, **HOW)
    assert not (tmp_path / "out").exists()


def test_what_gpus_take_follows_from_published_step_times() -> None:
    """2,000 images of 40 steps at 3.04 steps of a batch of 16 per second: 1,645 s, and 4 % for decoding."""
    assert seconds_elsewhere(80_000, rows=2)["A100"] == pytest.approx(1645 / 0.96, rel=1e-3)
    assert seconds_elsewhere(80_000, rows=1)["A100"] == pytest.approx(1645 / 2 / 0.96, rel=1e-3)


def test_they_are_of_stable_diffusions_size_alone(photos: Path, tmp_path: Path) -> None:
    with api.planned(photos, "seven", out=tmp_path / "out", **HOW) as run:
        assert run.estimate().elsewhere == {}
