"""Episodes are disjoint, balanced, a function of content, design and number, and survive a file."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.data.dataset import Dataset
from genie_cli.errors import FolderError
from genie_cli.fewshot import episodes
from genie_cli.fewshot.episodes import Episode, EpisodeSpec, draw
from genie_cli.jobs import Source


def source(label: str, content: int, path: str = "") -> Source:
    digest = hashlib.sha256(f"{label} {content}".encode()).hexdigest()
    return Source(path=path or f"{content}-{digest[:9]}.png", sha256=digest, label=label)


def a_pool(classes: Sequence[str] = ("cat", "dog", "fox", "owl"), images: int = 9, **changes: Any) -> Dataset:
    own = tuple(source(label, number) for label in classes for number in range(images))
    return Dataset(**{"root": Path("photos"), "train": own, "test": own, **changes})


def contents(drawn: Sequence[Episode]) -> list[tuple[Any, ...]]:
    """Episodes without paths."""
    return [
        (e.number, e.classes, *([[s.sha256 for s in part] for part in parts] for parts in (e.support, e.query)))
        for e in drawn
    ]


DESIGNS = st.builds(
    EpisodeSpec, ways=st.integers(2, 3), shots=st.integers(1, 4), queries=st.integers(1, 5), seed=st.integers(0, 2**40)
)


@st.composite
def overlapping_pools(pick: st.DrawFn) -> Dataset:
    """Pools of which some share images, and have some twice, at other paths."""
    labels = ["cat", "dog", "fox", "owl"][: pick(st.integers(2, 4))]
    roles: list[tuple[Source, ...]] = []
    for role in ("support", "query"):
        ranges = {label: range(pick(st.integers(0, 4)), pick(st.integers(5, 12))) for label in labels}
        again = pick(st.integers(1, 2))
        roles.append(
            tuple(
                source(label, n, f"{role}-{copy}/{label}-{n}.png")
                for label, numbers in ranges.items()
                for n in numbers
                for copy in range(again)
            )
        )
    support, query = roles
    return Dataset(Path("photos"), support, query)


def can_be_drawn(pool: Dataset, spec: EpisodeSpec) -> bool:
    """Whether every class has enough for the worst case: support taken from what queries could have had."""
    for label in pool.train_by_class:
        support, query = ({s.sha256 for s in part[label]} for part in (pool.train_by_class, pool.test_by_class))
        if len(support) < spec.shots or len(query) - min(spec.shots, len(support & query)) < spec.queries:
            return False
    return len(pool.train_by_class) >= spec.ways


@given(overlapping_pools(), DESIGNS)
def test_episodes_are_balanced_and_share_no_content(pool: Dataset, spec: EpisodeSpec) -> None:
    if not can_be_drawn(pool, spec):
        with pytest.raises(FolderError):
            draw(pool, spec, 3)
        return
    drawn = draw(pool, spec, 3)
    assert [episode.number for episode in drawn] == [0, 1, 2]
    for episode in drawn:
        assert len(set(episode.classes)) == len(episode.classes) == spec.ways
        assert len(episode.support) == len(episode.query) == spec.ways
        for label, support, query in zip(episode.classes, episode.support, episode.query, strict=True):
            assert set(support) <= set(pool.train_by_class[label])
            assert set(query) <= set(pool.test_by_class[label])
            assert (len(support), len(query)) == (spec.shots, spec.queries)
        used = [s.sha256 for part in (*episode.support, *episode.query) for s in part]
        assert len(set(used)) == len(used)


@given(DESIGNS, st.integers(0, 2**32))
def test_neither_paths_nor_their_order_matter(spec: EpisodeSpec, shuffle: int) -> None:
    pool = a_pool()
    everything = list(pool.train)
    random.Random(shuffle).shuffle(everything)
    moved = [s.model_copy(update={"path": f"{number}.jpg"}) for number, s in enumerate(everything)]
    twice = (*moved, *(s.model_copy(update={"path": f"copies/{s.path}"}) for s in moved))
    assert contents(draw(Dataset(Path("elsewhere"), twice, twice), spec, 3)) == contents(draw(pool, spec, 3))


@given(DESIGNS, st.integers(0, 6), st.integers(0, 6))
def test_a_longer_list_begins_with_the_shorter(spec: EpisodeSpec, one: int, other: int) -> None:
    shorter, longer = sorted((one, other))
    assert draw(a_pool(), spec, longer)[:shorter] == draw(a_pool(), spec, shorter)


def test_episodes_and_seeds_differ_and_every_image_has_its_turns() -> None:
    pool, spec = a_pool(), EpisodeSpec(ways=3, shots=2, queries=3)
    drawn = draw(pool, spec, 100)
    assert len({json.dumps(content[1:]) for content in contents(drawn)}) == 100
    assert contents(draw(pool, EpisodeSpec(ways=3, shots=2, queries=3, seed=1), 5)) != contents(drawn[:5])
    for part in ("support", "query"):
        seen = {s for episode in drawn for sources in getattr(episode, part) for s in sources}
        assert seen == set(pool.train)


def test_a_list_is_the_same_on_every_machine() -> None:
    """Results name a list by its hash, so another one for the same pool and design must be noticed."""
    spec = EpisodeSpec(ways=3, shots=1, queries=2)
    _, digest = episodes.write(draw(a_pool(), spec, 4), spec, "cats")
    assert digest[:16] == "7e6a01a13b0c2140"


def test_what_is_too_small_is_said() -> None:
    with pytest.raises(FolderError, match=r"5-way episodes need 5 classes; photos has 4") as few_classes:
        draw(a_pool(), EpisodeSpec(ways=5, queries=1), 1)
    assert few_classes.value.hint == "fewer: --ways 4"
    with pytest.raises(
        FolderError, match=r"9 to draw 5 support images from, and 4 others to draw 5 query images"
    ) as few:
        draw(a_pool(), EpisodeSpec(ways=2, shots=5, queries=5), 1)
    assert "--queries" in few.value.hint
    assert draw(a_pool(), EpisodeSpec(ways=2, shots=5, queries=4), 1)


def test_no_number_of_queries_means_all_of_them(tmp_path: Path) -> None:
    tests = [source(label, n) for label, count in (("cat", 12), ("dog", 10), ("fox", 15)) for n in range(8, count)]
    pool = a_pool(("cat", "dog", "fox"), test=tuple(tests))
    spec = EpisodeSpec(ways=2, shots=1, queries=0)
    drawn = draw(pool, spec, 20)
    for episode in drawn:
        shown = {s.sha256 for part in episode.support for s in part}
        for label, asked in zip(episode.classes, episode.query, strict=True):
            assert set(asked) == {s for s in pool.test_by_class[label] if s.sha256 not in shown}
    (tmp_path / "list.jsonl").write_text(episodes.write(drawn, spec, "pets")[0])
    assert episodes.read(tmp_path / "list.jsonl", pool) == (spec, drawn)
    without = a_pool(("cat", "dog"), images=1)
    with pytest.raises(FolderError, match="1 to draw 1 support images from, and 0 others to draw its query images"):
        draw(without, spec, 1)


def test_classes_that_only_one_pool_has_are_not_drawn() -> None:
    pool = a_pool(test=tuple(source(label, n) for label in ("dog", "owl", "elk") for n in range(9)))
    assert {label for e in draw(pool, EpisodeSpec(ways=2, queries=5), 9) for label in e.classes} == {"dog", "owl"}


@pytest.mark.parametrize("wrong", [{"ways": 1}, {"shots": 0}, {"queries": -1}, {"seed": -1}])
def test_a_design_that_is_none_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EpisodeSpec(**wrong)


def test_the_support_comes_with_the_numbers_of_its_classes() -> None:
    episode = draw(a_pool(), EpisodeSpec(ways=2, shots=2, queries=1), 1)[0]
    assert [(number, s.label) for number, s in episode.labelled_support()] == [
        (number, episode.classes[number]) for number in (0, 0, 1, 1)
    ]
