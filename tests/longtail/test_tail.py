"""Images for the Few classes only, as many with every method, from sources that the paper names."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli import recipe
from genie_cli.confuse.confusion import Confusion
from genie_cli.errors import UsageError
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, choose
from genie_cli.jobs import Source
from genie_cli.longtail.groups import THRESHOLDS, Profile
from genie_cli.longtail.tail import TailJobs, hardest_of, repeated_images, wanted_images
from genie_cli.observer import Observer

GENERATIVE = [
    AugmentationName.IMG2IMG_L,
    AugmentationName.IMG2IMG_H,
    AugmentationName.IMG2IMG,
    AugmentationName.TXT2IMG,
    AugmentationName.GENIE,
]


def source(label: str, number: int) -> Source:
    name = f"{label}/{number}.png"
    return Source(path=name, sha256=hashlib.sha256(name.encode()).hexdigest(), label=label)


def tail_of(counts: dict[str, int], **more: Any) -> TailJobs:
    train = [source(label, number) for label, count in counts.items() for number in range(count)]
    return TailJobs(
        Profile(counts, THRESHOLDS["livt"]), train, lambda label: (f"A photo of a {label}",), "model@1", **more
    )


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 130), min_size=2),
    st.integers(1, 60),
    st.integers(0, 40),
    st.integers(0, 3),
)
def test_every_method_makes_as_many_images_and_of_few_classes_alone(
    counts: dict[str, int], per_class: int, fill_to: int, seed: int
) -> None:
    tail = tail_of(counts, per_class=per_class, fill_to=fill_to, seed=seed)
    few = {label for label, count in counts.items() if count < 20}
    wanted = {label: fill_to - counts[label] if fill_to else per_class for label in few}
    wanted = {label: number for label, number in wanted.items() if number > 0}
    assert tail.wanted == wanted
    for augmentation in choose(GENERATIVE, []):
        jobs = tail.jobs(augmentation)
        assert len(jobs) == tail.count(augmentation)
        assert Counter(job.target for job in jobs) == wanted
        assert len({job.id for job in jobs}) == len(jobs)
        for job in jobs:
            own = job.source.label == job.target if job.source else None
            assert own is {"img2img": True, "txt2img": None, "genie": False}[job.method.value]
    repeat, none = Augmentation(AugmentationName.REPEAT), Augmentation(AugmentationName.NONE)
    assert tail.jobs(none) == tail.jobs(repeat) == []
    assert (tail.count(none), tail.count(repeat)) == (0, sum(wanted.values()))
    repeated = repeated_images(tail.train, wanted_images(tail.profile, per_class, fill_to))
    assert Counter(image.label for image in repeated) == wanted
    for label, number in wanted.items():
        times = Counter(image for image in repeated if image.label == label)
        assert set(times) <= {image for image in tail.train if image.label == label}
        assert len(times) == min(number, counts[label])
        assert max(times.values()) - min(times.values()) <= 1  # in turn


def test_real_images_are_repeated_in_turn() -> None:
    train = [source("a", 0), source("b", 0), source("b", 1), source("b", 2)]
    names = [image.path for image in repeated_images(train, {"b": 5, "a": 2})]
    assert names == ["b/0.png", "b/1.png", "b/2.png", "b/0.png", "b/1.png", "a/0.png", "a/0.png"]


def test_genie_s_sources_are_of_the_most_confused_classes_and_of_any_group() -> None:
    counts = {"many": 101, "med": 50, "few": 5, "rare": 3, "other": 30}
    tail = tail_of(counts, per_class=40, hardest={"few": ("many", "rare"), "rare": ("med",)})
    jobs = tail.jobs(choose([AugmentationName.GENIE], [0.7])[0])
    used: dict[str, set[str]] = {}
    for job in jobs:
        assert job.r == 0.7
        assert job.source is not None
        used.setdefault(job.target, set()).add(job.source.label)
    assert used == {"few": {"many", "rare"}, "rare": {"med"}}


def test_that_no_class_needs_images_is_told() -> None:
    tail_of({"a": 101, "b": 5}, fill_to=6).require_some()
    for counts, fill_to in (({"a": 101, "b": 50}, 0), ({"a": 101, "b": 5}, 5)):
        with pytest.raises(UsageError, match="no class needs images") as refused:
            tail_of(counts, fill_to=fill_to).require_some()
        assert "--thresholds" in refused.value.hint


def test_sources_are_indexed_once_for_all_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand rare classes each would else go through all training images."""
    seen = 0

    class Counted(recipe.SourceIndex):
        def __init__(self, sources: Sequence[Source]) -> None:
            nonlocal seen
            seen += len(sources)
            super().__init__(sources)

    monkeypatch.setattr("genie_cli.longtail.tail.SourceIndex", Counted)
    monkeypatch.setattr("genie_cli.recipe.SourceIndex", Counted)
    tail = tail_of({f"class {place}": 5 for place in range(40)}, per_class=3)
    for augmentation in choose(GENERATIVE, []):
        assert len(tail.jobs(augmentation)) == 120
    # One index of all 200 for GeNIe, and for the three kinds of img2img one of each class.
    assert seen == 200 + 3 * 200


class Told(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def found(self, message: str) -> None:
        self.words.append(message)


class TestHardest:
    CONFUSION = Confusion(labels=("a", "b", "c"), matrix=((5, 1, 3), (0, 9, 0), (2, 0, 7)))

    def test_the_most_confused_classes_are_told_and_any_other_where_there_are_none(self) -> None:
        told = Told()
        assert hardest_of(self.CONFUSION, ["a", "b"], 4, told) == {"a": ("c", "b")}
        assert told.words == [
            "sources for a, the classes it is most often confused with: c (3), b (1)",
            "b was never confused with another class: its sources come from all other classes",
        ]
        assert hardest_of(self.CONFUSION, ["a"], 1, told) == {"a": ("c",)}

    def test_of_many_classes_nothing_is_told(self) -> None:
        labels = tuple(f"class {place}" for place in range(11))
        matrix = tuple(tuple(int(row != column) for column in range(11)) for row in range(11))
        told = Told()
        assert len(hardest_of(Confusion(labels=labels, matrix=matrix), labels, 2, told)) == 11
        assert not told.words

    def test_a_class_that_the_matrix_does_not_know(self) -> None:
        with pytest.raises(UsageError, match="has no class 'd'"):
            hardest_of(self.CONFUSION, ["d"], 4, Observer())
