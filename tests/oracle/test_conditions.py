"""Each condition of a selection, on images that one can count, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from genie_cli.errors import ManifestError, UsageError
from genie_cli.oracle.conditions import Band, Condition, Conditions
from genie_cli.oracle.verdict import Verdict
from tests.oracle.judgements import Ears, a_judged, chosen, selected


@pytest.mark.parametrize(
    ("asked", "places", "reason"),
    [
        (Conditions(verdict=(Verdict.EASY,)), [1], "verdict: hard negative"),
        (Conditions(verdict=(Verdict.EASY, Verdict.MISLABELLED)), [1, 2], "verdict: hard negative"),
        (Conditions(min_confidence=0.5), [1, 3], "min-confidence: 0.4"),
        (Conditions(min_confidence=0.0), [0, 1, 2, 3], ""),
        (Conditions(source_similarity=Band(0.25, 0.9)), [1, 2, 3], "source-similarity: 1"),
        (Conditions(keep=frozenset({a_judged(2).job.id})), [2], "keep: not in the list"),
        (Conditions(per_target=1), [1, 3], "per-target: not among the best 1"),
        (Conditions(per_target=2), [0, 1, 3], ""),
        (Conditions(balanced=True), [1, 3], "balanced: not among the best 1"),
        (Conditions(balanced=True, verdict=(Verdict.HARD,)), [0, 3], ""),
    ],
)
def test_each_condition(asked: Conditions, places: list[int], reason: str) -> None:
    rows = [
        a_judged(0, target_probability=0.4),
        a_judged(1, target_probability=0.8, verdict="easy (source lost)", source_similarity=0.25),
        a_judged(2, target_probability=0.2, verdict="mislabelled", source_similarity=0.9),
        a_judged(3, "owl", target_probability=0.5, source_similarity=0.5),
    ]
    assert chosen(rows, asked) == places
    first = selected(rows, asked).table[0].selection
    assert first is not None
    assert first.reason == reason


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ((0.75, 0.25), "did you mean 0.25,0.75?"),
        ((25, 75), "did you mean 0.25,0.75?"),
        ((0, 90), "did you mean 0,0.9?"),
        ((0, 2), "give two numbers from 0 to 1, as .25,.75"),
        ((-0.5, 0.5), "give two numbers from 0 to 1, as .25,.75"),
        ((float("nan"), 1), "give two numbers from 0 to 1, as .25,.75"),
    ],
)
def test_a_band_that_is_none_and_what_was_meant(given: tuple[float, float], hint: str) -> None:
    with pytest.raises(UsageError, match="is not a range within 0,1") as caught:
        Band.of(Condition.HARDNESS, given)
    assert caught.value.hint == hint


def test_what_is_not_known_does_not_meet_a_condition() -> None:
    rows = [a_judged(0), a_judged(1, source_similarity=None, target_probability=None, verdict="")]
    for asked in (
        Conditions(verdict=tuple(Verdict)),
        Conditions(min_confidence=0.0),
        Conditions(source_similarity=Band(0, 1)),
    ):
        assert chosen(rows, asked) == [0]
        told = selected(rows, asked).table[1].selection
        assert told is not None
        assert told.reason.endswith(": not known")


def test_conditions_are_applied_in_their_order() -> None:
    """Equal numbers come last: they are those of what is left."""
    rows = [a_judged(n, "fox", target_probability=n / 10) for n in range(6)]
    rows += [a_judged(10 + n, "owl", target_probability=0.9) for n in range(4)]
    result = selected(rows, Conditions(min_confidence=0.3, per_target=3, balanced=True))
    assert [place for place, row in enumerate(result.table) if row.is_accepted][:3] == [3, 4, 5]
    assert result.by_target()["owl"].dropped == {Condition.PER_TARGET: 1}
    assert result.by_target()["fox"].dropped == {Condition.MIN_CONFIDENCE: 3}


def test_a_class_that_has_lost_all_its_images_is_named_and_does_not_empty_the_others() -> None:
    ears = Ears()
    rows = [a_judged(0, "fox", target_probability=0.1), a_judged(1, "owl"), a_judged(2, "owl")]
    result = selected(rows, Conditions(min_confidence=0.5, balanced=True), ears)
    assert result.counts.selected == 2
    assert ears.heard == ["no image is left of fox"]


def test_without_a_condition_nothing_is_filtered_and_marks_stay() -> None:
    ears = Ears()
    rows = [a_judged(0), replace(a_judged(1), extra={"select": {"selected": False}}), a_judged(2, accepted=False)]
    result = selected(rows, Conditions(), ears)
    assert list(result.table) == rows
    assert ears.heard == ["no condition was given: nothing was filtered"]
    assert list(result.rows(drop=True)) == rows[:1]
    assert (result.counts.images, result.counts.selected, result.counts.dropped) == (3, 1, {})


def test_an_image_that_is_listed_twice_counts_once() -> None:
    rows = [a_judged(0), a_judged(0), a_judged(1, target_probability=0.8), a_judged(2, target_probability=0.7)]
    assert chosen(rows, Conditions(per_target=2)) == [0, 1, 2]


def test_a_judgement_that_is_needed_is_asked_for() -> None:
    bare = replace(a_judged(0), extra={})
    needing = (
        Conditions(verdict=(Verdict.HARD,)),
        Conditions(min_confidence=0.1),
        Conditions(source_similarity=Band(0, 1)),
        Conditions(hardness=Band(0, 1)),
        Conditions(per_target=1),
        Conditions(balanced=True),
    )
    for asked in needing:
        with pytest.raises(UsageError, match=f"--{asked.given[0]}: no oracle has judged the images") as refused:
            selected([bare], asked)
        assert "genie oracle" in refused.value.hint
        with pytest.raises(ManifestError, match="has no judgement of 1 of 2 images, such as train/"):
            selected([bare, a_judged(1)], asked)
    assert chosen([bare, a_judged(1)], Conditions(keep=frozenset({bare.job.id}))) == [0]


def test_ids_that_are_not_there() -> None:
    ears = Ears()
    rows = [a_judged(0), a_judged(1)]
    selected(rows, Conditions(keep=frozenset({rows[0].job.id, "0" * 20})), ears)
    assert ears.heard == [f"not among the images, and so not kept: {'0' * 20}"]
    with pytest.raises(ManifestError, match="has none of the images that --keep names"):
        selected(rows, Conditions(keep=frozenset({"0" * 20})))


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        ((0.5,), "expected two numbers"),
        ((0.1, 0.2, 0.3), "expected two numbers"),
        (0.5, "expected two numbers"),
        (("a", "b"), "expected two numbers"),
        ((0.8, 0.2), "is not a range within 0,1"),
        ((-0.1, 0.2), "is not a range"),
        ((0.1, 1.2), "is not a range"),
        ((float("nan"), 1), "is not a range"),
        ((0.5, 0.5), "no image is between the quantiles"),
    ],
)
def test_bands_that_are_none(numbers: object, reason: str) -> None:
    with pytest.raises(UsageError, match=f"--hardness: .*{reason}"):
        Band.of(Condition.HARDNESS, numbers)  # type: ignore[arg-type]
    assert Band.of(Condition.SOURCE_SIMILARITY, (0.5, 0.5)) == (0.5, 0.5)


@pytest.mark.parametrize("asked", [{"min_confidence": 2}, {"min_confidence": float("nan")}, {"per_target": 0}])
def test_numbers_out_of_range(asked: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be a"):
        Conditions(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("hard negative", "HARD"), ("hard", "HARD"), ("easy", "EASY"), ("m", "MISLABELLED"), ("correct", "CORRECT")],
)
def test_verdicts_by_name(text: str, verdict: str) -> None:
    assert Verdict.parse(text) is Verdict[verdict]


@pytest.mark.parametrize(("text", "near"), [("hrad", "; did you mean hard"), ("", ""), ("negative", "")])
def test_verdicts_that_are_none(text: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"is not one of hard negative .*labelled{near}"):
        Verdict.parse(text)


def test_no_two_beginnings_of_verdicts_are_the_same() -> None:
    assert max(Counter(verdict.value[0] for verdict in Verdict).values()) == 1
