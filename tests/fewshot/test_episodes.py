"""Episodes are disjoint, balanced, a function of content, design and number, and survive a file."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.data.dataset import Dataset
from genie_cli.errors import FolderError, UsageError
from genie_cli.fewshot import episodes
from genie_cli.fewshot.episodes import Episode, EpisodeList, EpisodeSpec, draw, draw_lists, read_lists, require_list
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
    return Dataset(Path("photos"), *roles)


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
    with pytest.raises(FolderError, match=r"'cat' has 9 different images for 5 shots, and then 4 for 5 queries") as few:
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
    with pytest.raises(FolderError, match="'cat' has 1 different images for 1 shots, and then 0 for its queries"):
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


LABELS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)


class TestFile:
    DESIGN = EpisodeSpec(ways=2, shots=2, queries=3)

    def text(self, count: int = 3) -> str:
        return episodes.write(draw(a_pool(), self.DESIGN, count), self.DESIGN, "cats")[0]

    @settings(max_examples=30)
    @given(st.lists(LABELS, min_size=2, max_size=4, unique=True), st.integers(0, 4))
    def test_what_was_written_is_read(
        self, tmp_path_factory: pytest.TempPathFactory, labels: list[str], count: int
    ) -> None:
        pool = a_pool(labels)
        drawn = draw(pool, self.DESIGN, count)
        text, digest = episodes.write(drawn, self.DESIGN, "cats & dogs")
        path = tmp_path_factory.mktemp("list") / "episodes.jsonl"
        path.write_bytes(text.encode())
        assert episodes.read(path, pool) == (self.DESIGN, drawn)
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert episodes.write(*reversed(episodes.read(path, pool)), "cats & dogs") == (text, digest)

    def test_images_are_found_by_content(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text())
        moved = tuple(source(label, n, f"{n}/{label}") for label in ("cat", "dog", "fox", "owl") for n in range(9))
        _, found = episodes.read(tmp_path / "list.jsonl", Dataset(Path("elsewhere"), moved, moved))
        assert contents(found) == contents(draw(a_pool(), self.DESIGN, 3))
        assert all(s.path == f"{s.path[0]}/{s.label}" for e in found for part in e.support for s in part)

    def test_another_data_set_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text())
        with pytest.raises(
            UsageError, match=r"of the \d+ images that .*list\.jsonl names .* are not in photos"
        ) as lost:
            episodes.read(tmp_path / "list.jsonl", a_pool(("cat", "dog", "fox")))
        assert "'cats'" in lost.value.hint

    def test_the_same_images_under_another_label_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text())
        renamed = tuple(s.model_copy(update={"label": s.label.upper()}) for s in a_pool().train)
        with pytest.raises(UsageError, match="does not have the images that its header and classes say"):
            episodes.read(tmp_path / "list.jsonl", Dataset(Path("photos"), renamed, renamed))

    @given(st.floats(0, 1, exclude_max=True))
    def test_a_torn_file_is_refused(self, tmp_path_factory: pytest.TempPathFactory, where: float) -> None:
        whole = self.text().encode()
        path = tmp_path_factory.mktemp("torn") / "list.jsonl"
        path.write_bytes(whole[: int(where * (len(whole) - 1))])  # without its last line break it would still be whole
        with pytest.raises(UsageError, match="is not a whole list of episodes"):
            episodes.read(path, a_pool())

    @pytest.mark.parametrize("count", [1, 2])
    def test_lines_that_are_lost_are_missed(self, tmp_path: Path, count: int) -> None:
        (tmp_path / "list.jsonl").write_text("".join(self.text().splitlines(keepends=True)[: 1 + count]))
        with pytest.raises(UsageError, match=f"is not a whole list of episodes: {count} of 3 episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("support", [[0, 1]]),
            ("support", [[-1, -2], [-3, -4]]),
            ("support", [[0], [1]]),
            ("query", [[0, 1, 2], [3, 4, 999]]),
            ("query", 3),
            ("classes", ["cat"]),
            ("classes", None),
        ],
    )
    def test_a_line_edited_by_hand_is_refused(self, tmp_path: Path, key: str, value: object) -> None:
        head, first, *rest = self.text().splitlines()
        (tmp_path / "list.jsonl").write_text("\n".join([head, json.dumps({**json.loads(first), key: value}), *rest]))
        with pytest.raises(UsageError, match="is not a whole list of episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())

    @pytest.mark.parametrize(
        "content",
        [b"", b"\n", b"3\n", b"[]", b"{}", b'{"kind": "genie.plan", "schema": 1}', b"\xff\xd8\xff", b"[" * 100_000],
    )
    def test_another_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "list.jsonl").write_bytes(content)
        with pytest.raises(UsageError, match=r"is not a (whole )?list of episodes"):
            episodes.read(tmp_path / "list.jsonl", a_pool())
        with pytest.raises(UsageError, match="is not a list of episodes"):
            require_list(tmp_path / "list.jsonl")

    def test_a_newer_list_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "list.jsonl").write_text(self.text().replace('"schema": 1', '"schema": 2'))
        with pytest.raises(UsageError, match="schema 2, this one reads 1"):
            episodes.read(tmp_path / "list.jsonl", a_pool())
        with pytest.raises(UsageError, match="schema 2, this one reads 1"):
            require_list(tmp_path / "list.jsonl")

    @pytest.mark.parametrize("name", [".", "missing.jsonl"])
    def test_no_file_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UsageError, match="cannot be read: "):
            episodes.read(tmp_path / name, a_pool())
        with pytest.raises(UsageError, match="cannot be read: "):
            require_list(tmp_path / name)


class TestLists:
    SPECS = (EpisodeSpec(ways=2, shots=1, queries=3), EpisodeSpec(ways=2, shots=2, queries=3))

    def written(self, tmp_path: Path, drawn: Sequence[EpisodeList]) -> list[Path]:
        for number, each in enumerate(drawn):
            (tmp_path / f"{number}.jsonl").write_text(each.text)
            require_list(tmp_path / f"{number}.jsonl")
        return [tmp_path / f"{number}.jsonl" for number in range(len(drawn))]

    def test_lists_are_drawn_written_and_read(self, tmp_path: Path) -> None:
        drawn = draw_lists(a_pool(), "cats", self.SPECS, 4)
        assert [each.file_name for each in drawn] == ["episodes-2-way-1-shot.jsonl", "episodes-2-way-2-shot.jsonl"]
        for each, spec in zip(drawn, self.SPECS, strict=True):
            assert each == EpisodeList.of(spec, draw(a_pool(), spec, 4), "cats")
            assert each.sha256 == hashlib.sha256(each.text.encode()).hexdigest()
        paths = self.written(tmp_path, drawn)
        assert read_lists(paths, a_pool(), "cats") == drawn
        assert read_lists([*paths, paths[0]], a_pool(), "cats") == drawn

    @pytest.mark.parametrize(
        ("spec", "count", "reason"),
        [
            (EpisodeSpec(ways=2, shots=1, queries=3, seed=1), 4, "are both 2-way 1-shot"),
            (EpisodeSpec(ways=3, shots=2, queries=3), 4, "into one table"),
            (EpisodeSpec(ways=2, shots=2, queries=4), 4, "into one table"),
            (EpisodeSpec(ways=2, shots=2, queries=3), 5, "into one table"),
        ],
    )
    def test_lists_that_would_not_fit_into_one_table(
        self, tmp_path: Path, spec: EpisodeSpec, count: int, reason: str
    ) -> None:
        (one,), (other,) = (
            draw_lists(a_pool(), "cats", [each], number) for each, number in ((self.SPECS[0], 4), (spec, count))
        )
        with pytest.raises(UsageError, match=reason):
            read_lists(self.written(tmp_path, [one, other]), a_pool(), "cats")
