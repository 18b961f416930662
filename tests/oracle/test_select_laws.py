"""The laws of a selection, on judged images without files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import UsageError
from genie_cli.manifest import Row, Status
from genie_cli.observer import Observer
from genie_cli.oracle.conditions import Band, Conditions
from genie_cli.oracle.select import select
from tests.oracle.judgements import Ears, a_judged, bands, chosen, conditions, judged_rows, selected


@given(judged_rows(), conditions())
def test_twice_is_once(rows: list[Row], asked: Conditions) -> None:
    once = selected(rows, asked)
    again = select(replace(once.images, rows=once.table), asked, None, Observer())
    assert again.table == once.table
    assert again.by_r() == once.by_r()


@given(judged_rows(), conditions(), st.data())
def test_the_order_of_rows_changes_nothing(rows: list[Row], asked: Conditions, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    straight, permuted = selected(rows, asked), selected([rows[place] for place in order], asked)
    assert list(permuted.table) == [straight.table[place] for place in order]
    assert permuted.by_target() == straight.by_target()


def test_of_equally_good_images_the_ids_decide() -> None:
    rows = sorted((a_judged(number) for number in range(6)), key=lambda row: row.job.id)
    assert chosen(rows, Conditions(per_target=2)) == [0, 1]
    assert chosen(rows[::-1], Conditions(per_target=2)) == [4, 5]


@given(judged_rows(), conditions(), conditions())
def test_an_earlier_selection_is_replaced(rows: list[Row], first: Conditions, then: Conditions) -> None:
    """Conditions are evaluated anew: a wider band brings back what a narrower one left out."""
    if then.given:
        assert selected(list(selected(rows, first).table), then).table == selected(rows, then).table


@given(judged_rows(), conditions())
def test_to_drop_is_to_mark_and_leave_out_the_marked(rows: list[Row], asked: Conditions) -> None:
    result = selected(rows, asked)
    marked = [row for row in result.rows() if row.status is not Status.MADE or row.is_accepted]
    assert list(result.rows(drop=True)) == marked


@given(judged_rows(), conditions())
def test_what_the_oracle_rejected_is_never_selected_and_the_rest_of_a_row_stays(
    rows: list[Row], asked: Conditions
) -> None:
    for before, after in zip(rows, selected(rows, asked).table, strict=True):
        assert not (before.is_rejected and after.is_accepted)
        assert {**after.extra, "select": None} == {**before.extra, "select": None}
        if before.status is not Status.MADE or not asked.given:
            assert after == before
        else:
            assert after.selection is not None
            assert bool(after.selection.reason) is not after.selection.selected


@given(judged_rows(), conditions())
def test_the_counts_add_up(rows: list[Row], asked: Conditions) -> None:
    result = selected(rows, asked)
    made = [row for row in rows if row.status is Status.MADE]
    for groups in (result.by_target(), result.by_r(), {"all": result.counts}):
        assert sum(counts.images for counts in groups.values()) == len(made)
        assert sum(counts.selected for counts in groups.values()) == sum(
            row.is_accepted for row in result.table if row.status is Status.MADE
        )
        if asked.given:
            for counts in groups.values():
                assert counts.selected + sum(counts.dropped.values()) == counts.images
                assert 0 not in counts.dropped.values()


@given(judged_rows(), conditions())
def test_more_conditions_select_no_more(rows: list[Row], asked: Conditions) -> None:
    """Each by itself; the number per target is refilled by the next best."""
    alone = replace(asked, per_target=None, balanced=False)
    narrower = replace(alone, min_confidence=max(alone.min_confidence or 0, 0.5))
    if alone.given:
        assert set(chosen(rows, narrower)) <= set(chosen(rows, alone))


@given(st.lists(st.tuples(st.sampled_from([0.5, 0.9, 1.0]), st.sampled_from([0.1, 0.2])), min_size=1, max_size=9))
def test_bands_of_hardness_that_adjoin_share_nothing_and_leave_out_nothing(
    hardness: list[tuple[float, float]],
) -> None:
    rows = [
        a_judged(place, source_similarity=similarity, source_probability=probability)
        for place, (similarity, probability) in enumerate(hardness)
    ]
    parts = [chosen(rows, Conditions(hardness=Band(low, low + 0.25))) for low in (0, 0.25, 0.5, 0.75)]
    assert sorted(place for part in parts for place in part) == list(range(len(rows)))
    for easier, harder in pairwise(parts):
        assert all(hardness[low] <= hardness[high] for low in easier for high in harder)


@given(st.integers(1, 12), bands(least=0.1))
def test_as_many_are_in_a_band_as_its_width_says(number: int, band: Band) -> None:
    rows = [a_judged(place, source_similarity=place / 12) for place in range(number)]
    wanted = [
        place
        for place in range(number)
        if Fraction(str(band.low)) <= Fraction(2 * place + 1, 2 * number) < Fraction(str(band.high))
    ]
    assert chosen(rows, Conditions(hardness=band)) == wanted


def test_hardness_is_ranked_within_each_target() -> None:
    rows = [a_judged(n, "fox", source_similarity=0.9 + n / 100) for n in range(4)]
    rows += [a_judged(10 + n, "owl", source_similarity=n / 100) for n in range(4)]
    assert chosen(rows, Conditions(hardness=Band(0.25, 0.75))) == [1, 2, 5, 6]


def test_hardness_is_the_sources_probability_where_similarity_is_not_known() -> None:
    ears = Ears()
    rows = [a_judged(n, source_similarity=None, source_probability=0.1 * n) for n in range(4)]
    result = selected(rows, Conditions(hardness=Band(0.5, 1)), ears)
    assert [row.is_accepted for row in result.table] == [False, False, True, True]
    assert ears.heard == ["hardness: the probability of the source's class, since source similarity is not known"]
    mixed = [*rows, a_judged(9, source_similarity=0.2)]  # the two measures are not compared
    assert chosen(mixed, Conditions(hardness=Band(0, 1))) == [4]


def test_an_image_of_its_sources_own_class_has_no_hardness() -> None:
    rows = [a_judged(0, "fox", label="fox"), a_judged(1, "fox")]
    assert chosen(rows, Conditions(hardness=Band(0, 1))) == [1]
    with pytest.raises(UsageError, match="hardness is known of no image"):
        selected(rows[:1], Conditions(hardness=Band(0, 1)))


def test_mislabelled_images_in_a_band_are_pointed_out() -> None:
    ears = Ears()
    rows = [a_judged(0), a_judged(1, verdict="mislabelled")]
    selected(rows, Conditions(hardness=Band(0, 1)), ears)
    assert ears.heard == [
        "1 of the 2 selected images are mislabelled, which is no hardness: --verdict hard,easy leaves them out"
    ]
