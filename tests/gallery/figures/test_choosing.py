"""A part of many images does not depend on their order, and no group crowds out the others."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from genie_cli.gallery.figures.choosing import evenly, sweeps
from genie_cli.manifest import Status
from tests.manifests import a_job, a_row

MEMBERS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 10_000)), unique=True, max_size=60)


def chosen(members: list[tuple[str, int]], limit: int) -> list[tuple[str, int]]:
    return evenly(members, limit, lambda member: member[0], lambda member: (member[1], member[0]))


@given(members=MEMBERS, limit=st.integers(4, 40), data=st.data())
def test_the_order_does_not_matter_and_groups_are_equal_as_far_as_they_go(
    members: list[tuple[str, int]], limit: int, data: Any
) -> None:
    found = chosen(members, limit)
    assert found == chosen(data.draw(st.permutations(members)), limit)
    assert len(found) <= limit
    before, after = (Counter(group for group, _ in each) for each in (members, found))
    most = max(after.values(), default=0)
    assert all(after[group] == min(most, count) for group, count in before.items())
    if len(found) < len(members):  # and no more would have fitted
        assert sum(min(most + 1, count) for count in before.values()) > limit


@given(members=MEMBERS)
def test_of_more_groups_than_fit_the_members_of_lowest_rank(members: list[tuple[str, int]]) -> None:
    lowest = sorted(members, key=lambda member: (member[1], member[0]))
    assert chosen(members, 1) == lowest[:1]


def test_a_sweep_has_the_images_that_differ_only_in_r() -> None:
    rows = [a_row(a_job(r=r, replicate=number)) for number in (0, 1) for r in (0.8, 0.5)]
    alone = [a_row(a_job("owl")), a_row(a_job("cow", r=0.5), Status.FAILED), a_row(a_job("cow"))]
    found = sweeps([*rows, *alone])
    assert [[row.job.r for row in sweep] for sweep in found] == [[0.5, 0.8]] * 2
    assert sorted(sweep[0].job.replicate for sweep in found) == [0, 1]
    assert sweeps([*alone, *reversed(rows)]) == found
