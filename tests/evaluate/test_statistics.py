"""Means and intervals are the closed forms, and behave under shifts and scales as they must."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from genie_cli.evaluate.statistics import Estimate, estimate, estimate_of_few, paired_difference

ACCURACIES = st.lists(st.floats(0, 1), min_size=2, max_size=40)


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_of_right_and_wrong_it_is_the_closed_form(values: list[bool]) -> None:
    share, count = sum(values) / len(values), len(values)
    found = estimate([float(value) for value in values])
    assert found.mean == pytest.approx(share)
    assert found.half_width == pytest.approx(1.96 * math.sqrt(share * (1 - share) / (count - 1)), rel=1e-4)
    assert found.count == count


@given(ACCURACIES)
def test_it_is_what_scipy_gives(values: list[float]) -> None:
    found = estimate(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.half_width == pytest.approx(stats.norm.ppf(0.975) * stats.sem(values), abs=1e-12)


def test_of_one_value_there_is_no_width() -> None:
    assert estimate([0.25]) == Estimate(0.25, 0.0, 1)


@given(ACCURACIES, st.floats(-10, 10), st.floats(-100, 100))
def test_a_shift_moves_the_mean_alone_and_a_scale_both(values: list[float], shift: float, scale: float) -> None:
    plain, moved = estimate(values), estimate(np.array(values) * scale + shift)
    assert moved.mean == pytest.approx(plain.mean * scale + shift, abs=1e-9)
    assert moved.half_width == pytest.approx(plain.half_width * abs(scale), abs=1e-9)


@given(ACCURACIES, st.randoms(use_true_random=False))
def test_the_order_of_the_values_does_not_matter(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert estimate(shuffled).mean == pytest.approx(estimate(values).mean)
    assert estimate(shuffled).half_width == pytest.approx(estimate(values).half_width, abs=1e-12)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_a_paired_difference_is_the_estimate_of_the_differences(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = [one for one, _ in pairs], [other for _, other in pairs]
    found = paired_difference(ours, theirs)
    assert found == estimate([one - other for one, other in pairs])
    assert found.mean == pytest.approx(estimate(ours).mean - estimate(theirs).mean, abs=1e-12)
    assert paired_difference(theirs, ours) == Estimate(-found.mean, found.half_width, found.count)


@given(ACCURACIES, st.floats(-0.5, 0.5))
def test_what_all_episodes_share_does_not_widen_a_paired_interval(values: list[float], gain: float) -> None:
    found = paired_difference(np.array(values) + gain, values)
    assert found.mean == pytest.approx(gain, abs=1e-9)
    assert found.half_width == pytest.approx(0, abs=1e-9)


def test_the_interval_of_three_seeds_is_student_s() -> None:
    # mean 2, deviation 1, t(.975, 2) = 4.302653
    found = estimate_of_few([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert estimate_of_few([4.0]).half_width == 0
