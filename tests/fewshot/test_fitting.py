"""Classifiers are fitted in several processes as in one: the same predictions, in order, few problems at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from genie_cli import api
from genie_cli.errors import ModelError
from genie_cli.fewshot.classifiers import Classifier, Features, Labels, one_hot
from genie_cli.fewshot.fitting import Fitter, Problem


def problems(count: int, taken: list[int] | None = None) -> Iterator[Problem]:
    """Of different sizes; every third has soft labels."""
    for number in range(count):
        if taken is not None:
            taken.append(number)
        rng = np.random.default_rng(number)
        ways = 2 + number % 4
        hard = one_hot(np.arange(3 * ways) % ways, ways)
        labels = (hard + 1 / ways) / 2 if number % 3 == 0 else hard
        support = rng.normal(size=(3 * ways, 8)).astype(np.float32)
        yield support, labels, rng.normal(size=(5 + number % 7, 8)).astype(np.float32)


@pytest.mark.parametrize("classifier", Classifier)
def test_processes_do_not_matter(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genie_cli.fewshot.fitting._ALONE", 0.005)  # so that others start between two problems
    expected = [classifier.predict(*problem) for problem in problems(40)]
    for jobs in (1, 2, 0):
        found = list(Fitter(classifier, jobs).predictions(problems(40)))
        assert len(found) == len(expected)
        for own, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(own, other)


def test_problems_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []
    found = Fitter(Classifier.PROTOTYPE, 2).predictions(problems(10_000, taken))
    next(found)
    assert len(taken) < 2_000
    found.close()


class Killed:
    """A classifier whose process the system kills."""

    def predict(self, support: Features, labels: Labels, query: Features) -> NDArray[np.int64]:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_a_process_that_is_killed_is_told() -> None:
    with pytest.raises(ModelError, match="a process that fits classifiers was killed"):
        list(Fitter(cast("Classifier", Killed()), 2).predictions(problems(4)))


def test_results_do_not_depend_on_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    how = {"augment": "none,weak", "episodes": 6, "shots": 1, "queries": 3}
    tables = [list(api.fewshot("digits", **how, jobs=jobs, out=f"out-{jobs}")) for jobs in (1, 2)]  # type: ignore[arg-type]
    assert tables[0] == tables[1]
