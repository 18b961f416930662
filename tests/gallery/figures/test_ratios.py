"""Shares of labels and verdicts by method and r."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from genie_cli.gallery.figures.ratios import data, wilson
from genie_cli.jobs import Method
from tests.gallery.drawn import judgement
from tests.manifests import a_job, a_row


@given(trials=st.integers(1, 5000), share=st.floats(0, 1))
def test_the_interval_is_wilsons(trials: int, share: float) -> None:
    successes = round(share * trials)
    expected = binomtest(successes, trials).proportion_ci(method="wilson")
    assert wilson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_counts_by_method_and_r() -> None:
    rows = [
        *(a_row(a_job(r=0.5, replicate=number)).judged(judgement(consistent=number > 2)) for number in range(4)),
        a_row(a_job(r=0.8)).judged(judgement(verdict="of another program")),
        a_row(a_job(source=None, method=Method.TXT2IMG, r=1.0)).judged(judgement(verdict="")),
        a_row(a_job("not judged")),
    ]
    found = data(rows)
    assert found["verdicts"] == ["hard negative", "mislabelled", "", "of another program"]
    half, *others = found["groups"]
    assert half == {
        "method": "genie",
        "r": 0.5,
        "images": 4,
        "consistent": 1,
        **dict(zip(("low", "high"), wilson(1, 4), strict=True)),
        "verdicts": {"mislabelled": 3, "hard negative": 1},
    }
    assert [(each["method"], each["r"], each["images"]) for each in others] == [("genie", 0.8, 1), ("txt2img", 1, 1)]


def test_nothing_is_shown_of_images_that_were_not_judged() -> None:
    assert data([a_row()]) == {}
