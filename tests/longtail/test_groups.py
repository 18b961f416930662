"""Groups of classes by their training images, and accuracies by group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import UsageError
from genie_cli.jobs import Source
from genie_cli.longtail.groups import THRESHOLDS, Group, Profile, ShotThresholds

COUNTS = st.lists(st.integers(1, 2000), min_size=1, max_size=200)


@st.composite
def thresholds(draw: st.DrawFn) -> ShotThresholds:
    below = draw(st.integers(2, 500))
    return ShotThresholds.parse(f"{draw(st.integers(below, 1000))},{below}")


ANY_THRESHOLDS = st.one_of(st.sampled_from(list(THRESHOLDS.values())), thresholds())


def profile(counts: list[int], where: ShotThresholds) -> Profile:
    return Profile({f"class {place}": count for place, count in enumerate(counts)}, where)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("livt", {101: "many", 100: "med", 20: "med", 19: "few", 1: "few"}),
        ("oltr", {101: "many", 100: "many", 99: "med", 21: "med", 20: "few", 1: "few"}),
        ("30,10", {31: "many", 30: "med", 10: "med", 9: "few"}),
    ],
)
def test_on_which_side_of_a_threshold_a_class_is(name: str, counts: dict[int, str]) -> None:
    found = ShotThresholds.parse(name)
    assert found.name == name
    assert {count: found.group(count).value for count in counts} == counts


def test_the_published_groups_differ_by_the_classes_at_the_thresholds() -> None:
    """385, 479, 136 and 391, 463, 146 of ImageNet-LT: as if 6 classes had 100 images and 10 had 20."""
    counts = [1280] * 385 + [100] * 6 + [60] * 463 + [20] * 10 + [5] * 136
    for name, sizes in (("livt", [385, 479, 136]), ("oltr", [391, 463, 146])):
        assert [len(labels) for labels in profile(counts, THRESHOLDS[name]).groups().values()] == sizes


@given(st.integers(2, 500), st.integers(2, 1000), st.integers(0, 2000))
def test_two_numbers_mean_more_than_and_less_than(below: int, above: int, count: int) -> None:
    if below > above:
        with pytest.raises(UsageError):
            ShotThresholds.parse(f"{above},{below}")
    else:
        expected = Group.MANY if count > above else Group.FEW if count < below else Group.MED
        assert ShotThresholds.parse(f"{above}, {below}").group(count) is expected


@pytest.mark.parametrize("text", ["", "livit", "100", "100,20,5", "100,x", "1.5,1", "-5,2", "20,100", "20,1", "5,0"])
def test_thresholds_that_are_none(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        ShotThresholds.parse(text)
    assert f"--thresholds: {text!r}" in str(caught.value)
    assert "100,20" in caught.value.hint


@given(COUNTS, ANY_THRESHOLDS)
def test_every_class_is_in_one_group_and_larger_classes_are_in_higher_ones(
    counts: list[int], where: ShotThresholds
) -> None:
    found = profile(counts, where)
    groups = found.groups()
    assert list(groups) == [Group.MANY, Group.MED, Group.FEW]
    assert sorted(label for labels in groups.values() for label in labels) == sorted(found.counts)
    places = [list(groups).index(where.group(count)) for count in sorted(counts, reverse=True)]
    assert places == sorted(places)
    assert found.imbalance == max(counts) / min(counts)


def test_a_profile_of_sources_has_the_order_of_the_classes() -> None:
    sources = [Source(path=f"{n}.png", sha256="0" * 64, label=label) for n, label in enumerate("abbbaca")]
    assert list(Profile.of("cba", sources, THRESHOLDS["livt"]).counts.items()) == [("c", 1), ("b", 3), ("a", 3)]


def test_groups_are_means_of_per_class_accuracies() -> None:
    found = Profile({"a": 1000, "b": 200, "c": 60, "d": 10, "e": 5}, THRESHOLDS["livt"])
    accuracy = {"a": 0.9, "b": 0.7, "c": 0.6, "d": 0.2, "e": 0.4}
    assert found.means_by_group(accuracy) == pytest.approx({"many": 0.8, "med": 0.6, "few": 0.3, "overall": 0.56})
    without = Profile({"a": 1000, "d": 10}, THRESHOLDS["livt"]).means_by_group({"a": 1.0, "d": 0.0})
    assert without == {"many": 1.0, "few": 0.0, "overall": 0.5}
