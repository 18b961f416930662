"""Clustered intervals: by hand, against closed forms, and by how often they hold in a simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from genie_cli.evaluate.clusters import Clustered, Observed, clustered, holm

Z = stats.norm.ppf(0.975)


def an_episode(values: Sequence[float] | NDArray[Any], query: Sequence[str], support: Sequence[str]) -> Observed:
    return Observed(np.array(values, dtype=np.float64), query, support)


def test_what_shares_no_image_is_the_interval_over_episodes() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 1))
    found = clustered([an_episode(row, [f"q{i}"], [f"s{i}"]) for i, row in enumerate(values)])
    assert found.half_width == pytest.approx(Z * stats.sem(values.ravel()), rel=1e-6)
    assert found.half_width == pytest.approx(found.episodes.half_width, rel=1e-6)
    assert found.support == 0


def test_query_images_by_hand() -> None:
    """Two episodes of the same two query images, whose values are all of the difference: 1, 1 and 0, 0."""
    found = clustered([an_episode([1, 0], ["a", "b"], ["s"]), an_episode([1, 0], ["a", "b"], ["t"])])
    assert found.mean == 0.5
    assert found.episodes.half_width == 0
    # Each image's four shares of the error sum to 2 x .5 / 4 = .25; two clusters: 2 / (2 - 1) x 2 x .25^2 = .25.
    assert found.query == pytest.approx(0.5)
    assert found.half_width == pytest.approx(Z * 0.5)


def test_one_query_image_says_nothing_of_others() -> None:
    found = clustered([an_episode([1], ["a"], ["s"]), an_episode([0], ["a"], ["t"])])
    assert math.isinf(found.half_width)


def crossed(
    rng: np.random.Generator, shots: int, *, query: float = 0.3, support: float = 0.3, episodes: int = 120
) -> Clustered:
    """The difference zero, seen through 5 classes with 15 support images and 12 scans of 36 query images each."""
    by_scan, by_image = rng.normal(0, query, (5, 12)), rng.normal(0, support / shots**0.5, (5, 15))
    seen = []
    for _ in range(episodes):
        shown = [rng.permutation(15)[:shots] for _ in range(5)]
        effect = sum(by_image[label, own].sum() for label, own in enumerate(shown)) / 5**0.5
        asked = [(label, image % 12) for label in range(5) for image in rng.permutation(36)[:3]]
        values = [by_scan[label, scan] + effect + rng.normal(0, 0.2) for label, scan in asked]
        names = [f"{label} {image}" for label, own in enumerate(shown) for image in own]
        seen.append(an_episode(values, [f"{label} {scan}" for label, scan in asked], names))
    return clustered(seen)


@pytest.mark.parametrize("shots", [1, 5])
def test_it_holds_for_other_images_where_the_usual_interval_does_not(shots: int) -> None:
    rng = np.random.default_rng(shots)
    runs = [crossed(rng, shots) for _ in range(100)]
    assert 0.87 <= np.mean([abs(run.mean) < run.half_width for run in runs]) <= 1
    assert np.mean([abs(run.mean) < run.episodes.half_width for run in runs]) < 0.7
    spread = Z * np.std([run.mean for run in runs])
    assert np.mean([run.half_width for run in runs]) == pytest.approx(spread, rel=0.25)


def test_each_source_of_variance_is_told_from_the_other() -> None:
    rng = np.random.default_rng(3)
    queries = [crossed(rng, 1, support=0) for _ in range(20)]
    supports = [crossed(rng, 1, query=0) for _ in range(20)]
    assert np.mean([run.query for run in queries]) > 4 * np.mean([run.support for run in queries])
    assert np.mean([run.support for run in supports]) > 2 * np.mean([run.query for run in supports])


def names(numbers: NDArray[np.int64]) -> list[str]:
    return [str(number) for number in numbers]


@given(st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_order_and_names_mean_nothing(seed: int, random: object) -> None:
    rng = np.random.default_rng(seed)
    seen = [
        an_episode(rng.integers(-1, 2, 4), names(rng.integers(0, 6, 4)), names(rng.integers(0, 5, 2))) for _ in range(8)
    ]
    before = clustered(seen)
    other = [an_episode(e.values, ["x" + str(q) for q in e.query], ["y" + str(s) for s in e.support]) for e in seen]
    random.shuffle(other)  # type: ignore[attr-defined]
    after = clustered(other)
    assert after.mean == pytest.approx(before.mean)
    assert after.half_width == pytest.approx(before.half_width)
    assert before.half_width >= before.episodes.half_width * (1 - 1e-9)


@given(st.integers(0, 2**32 - 1))
def test_a_p_value_of_five_per_cent_is_an_interval_that_ends_at_zero(seed: int) -> None:
    found = crossed(np.random.default_rng(seed), 1, episodes=10)
    assert (found.p_value < 0.05) == (abs(found.mean) > found.half_width)


def test_holms_method_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7, 0.6]) == [1.0, 1.0]


def test_one_shared_image_says_little_of_all_others() -> None:
    """Two of many episodes share one image: the estimate is bounded by what episodes vary by at all."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        support = [[f"{episode} {image}" for image in range(5)] for episode in range(60)]
        support[1][0] = support[0][0]
        seen = [an_episode(rng.normal(size=1), [f"q{number}"], own) for number, own in enumerate(support)]
        found = clustered(seen)
        assert found.half_width <= 2 * found.episodes.half_width
