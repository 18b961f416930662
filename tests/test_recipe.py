"""A plan depends on nothing but its recipe and its sources' content and classes."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from hashlib import sha256
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genie_cli.errors import UsageError
from genie_cli.jobs import Method, Source
from genie_cli.recipe import Recipe
from tests.plans import CLASSES, a_job, a_recipe, a_source, ids, labels, planned, recipes, sources


class TestPlan:
    @given(recipes, sources, st.randoms())
    def test_the_order_of_sources_does_not_matter(self, recipe: Recipe, some: list[Source], random: Any) -> None:
        shuffled = random.sample(some, len(some))
        assert set(ids(planned(recipe, some))) == set(ids(planned(recipe, shuffled)))

    @given(recipes, sources)
    def test_jobs_of_one_source_stand_together_and_none_is_there_twice(
        self, recipe: Recipe, some: list[Source]
    ) -> None:
        jobs = planned(recipe, some)
        runs = [source for source, _ in groupby(job.source for job in jobs)]
        assert len(runs) == len(set(runs))
        assert len(set(ids(jobs))) == len(jobs)

    @given(recipes, sources)
    def test_a_source_fits_its_method(self, recipe: Recipe, some: list[Source]) -> None:
        for job in planned(recipe, some):
            assert job.source
            assert (job.source.label == job.target) == (recipe.method is Method.IMG2IMG)

    @given(recipes, sources)
    def test_without_per_target_every_eligible_source_gives_one(self, recipe: Recipe, some: list[Source]) -> None:
        jobs = planned(recipe.model_copy(update={"per_target": 0}), some)
        expected = {
            (source, target, r)
            for source in some
            for target in recipe.targets
            for r in recipe.r
            if recipe.method.accepts(source.label, target)
        }
        assert Counter((job.source, job.target, job.r) for job in jobs) == Counter(expected)

    @given(recipes, sources)
    def test_it_can_be_gone_through_again(self, recipe: Recipe, some: list[Source]) -> None:
        possible = tuple(t for t in recipe.targets if any(recipe.method.accepts(s.label, t) for s in some))
        plan = recipe.model_copy(update={"targets": possible}).jobs(some)
        assert list(plan) == list(plan)
        for_owl = plan.only(lambda job: job.target == "owl")
        assert list(for_owl) == list(for_owl) == [job for job in plan if job.target == "owl"]

    def test_a_target_or_ratio_given_twice_counts_once(self) -> None:
        jobs = list(a_recipe(targets=("fox", "fox"), r=(0.8, 0.5, 0.8)).jobs([a_source(1)]))
        assert [job.r for job in jobs] == [0.5, 0.8]

    def test_the_recipe_is_in_every_job(self) -> None:
        (job,) = a_recipe(targets=("fox",), r=(0.6,), seed=5).jobs([a_source(1)])
        assert job == a_job(r=0.6, seed=5)


class TestPerTarget:
    @given(recipes, sources, st.integers(1, 30))
    def test_gives_exactly_so_many(self, recipe: Recipe, some: list[Source], count: int) -> None:
        jobs = planned(recipe.model_copy(update={"per_target": count}), some)
        made = Counter((job.target, job.r) for job in jobs)
        assert set(made.values()) <= {count}
        assert len(made) == len({job.target for job in jobs}) * len(set(recipe.r))

    def test_more_than_there_are_sources_gives_replicates_in_turn(self) -> None:
        some = [a_source(number) for number in range(3)]
        jobs = list(a_recipe(targets=("fox",), per_target=7).jobs(some))
        images = Counter(job.source for job in jobs)
        assert sorted(images.values()) == [2, 2, 3]
        for source, count in images.items():
            assert [job.replicate for job in jobs if job.source == source] == list(range(count))

    @given(sources, st.builds(a_source, st.integers(10**7, 10**8), labels), st.integers(1, 30), st.integers(0, 3))
    def test_another_source_moves_at_most_one(self, some: list[Source], another: Source, count: int, seed: int) -> None:
        recipe = a_recipe(per_target=count, seed=seed)

        def chosen(these: list[Source]) -> dict[str, set[Source | None]]:
            jobs = planned(recipe, these)
            return {target: {job.source for job in jobs if job.target == target} for target in recipe.targets}

        before, after = chosen(some), chosen([*some, another])
        for target in recipe.targets:
            assert after[target] - before[target] <= {another}
            assert len(before[target] - after[target]) <= len(after[target] - before[target])

    def test_another_seed_chooses_others(self) -> None:
        some = [a_source(number) for number in range(50)]
        chosen = {
            frozenset(job.source for job in a_recipe(targets=("fox",), per_target=5, seed=seed).jobs(some))
            for seed in range(5)
        }
        assert len(chosen) == 5

    def test_targets_do_not_all_choose_the_same(self) -> None:
        some = [a_source(number) for number in range(50)]
        jobs = list(a_recipe(per_target=5).jobs(some))
        fox, owl = ({job.source for job in jobs if job.target == target} for target in ("fox", "owl"))
        assert fox != owl


class TestSameContentTwice:
    some = (a_source(1, path="a.png"), a_source(1, path="b.png"), a_source(2))

    def test_no_job_is_there_twice(self) -> None:
        jobs = list(a_recipe(targets=("fox",)).jobs(self.some))
        assert [job.source for job in jobs] == [self.some[0], self.some[2]]

    @given(recipes, st.lists(st.builds(a_source, st.integers(0, 3), labels, st.sampled_from("abc")), min_size=1))
    def test_nor_if_it_lies_in_two_classes(self, recipe: Recipe, some: list[Source]) -> None:
        found = Counter(ids(planned(recipe, some)))
        assert set(found.values()) <= {1}
        if not recipe.per_target:  # every source by itself, and of equal jobs one
            alone = [job for source in some for job in planned(recipe, [source])]
            assert set(found) == set(ids(alone))

    @pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
    def test_per_target_still_gives_so_many(self, count: int) -> None:
        jobs = list(a_recipe(targets=("fox",), per_target=count).jobs(self.some))
        assert len(jobs) == count
        assert set(ids(jobs)) == set(ids(list(a_recipe(targets=("fox",), per_target=count).jobs(self.some[1:]))))


class TestNothingToMakeItFrom:
    def test_genie_finds_only_the_targets_own_class(self) -> None:
        with pytest.raises(
            UsageError, match="no source for target 'fox': genie needs images of another class"
        ) as caught:
            list(a_recipe().jobs([a_source(1, "fox")]))
        assert caught.value.hint == "classes found: fox"

    def test_img2img_finds_only_other_classes(self) -> None:
        with pytest.raises(UsageError, match="img2img needs images of its own class") as caught:
            list(a_recipe(method=Method.IMG2IMG).jobs([a_source(1, "dog"), a_source(2, "cat"), a_source(3, "dog")]))
        assert caught.value.hint == "classes found: cat, dog"

    def test_no_sources_at_all(self) -> None:
        with pytest.raises(UsageError, match="no source for target 'fox'") as caught:
            list(a_recipe().jobs([]))
        assert caught.value.hint == "classes found: none"

    def test_nothing_is_made_for_the_others_either(self) -> None:
        """A target that cannot be made is said before the first job, not after an hour of them."""
        with pytest.raises(UsageError, match="'cat'"):
            a_recipe(targets=("fox", "cat")).jobs([a_source(1, "cat")])

    def test_the_classes_asked_for_are_not_there(self) -> None:
        with pytest.raises(UsageError, match=r"no source for target 'fox': .* only wolf, coyote"):
            list(a_recipe(sources_for={"fox": ("wolf", "coyote")}).jobs([a_source(1, "cat")]))


class TestTxt2img:
    def test_is_refused_without_per_target(self) -> None:
        with pytest.raises(UsageError, match="txt2img has no sources to count by") as caught:
            list(a_recipe(method=Method.TXT2IMG).jobs([]))
        assert "--per-target" in caught.value.hint

    def test_needs_no_source_and_takes_none(self) -> None:
        for some in ([], [a_source(1)]):
            jobs = list(a_recipe(method=Method.TXT2IMG, per_target=3, r=(1.0,)).jobs(some))
            assert [(job.source, job.target, job.replicate) for job in jobs] == [
                (None, target, replicate) for target in ("fox", "owl") for replicate in range(3)
            ]
            assert len(set(ids(jobs))) == 6


class TestPrompt:
    @pytest.mark.parametrize(
        ("changes", "prompt"),
        [
            ({}, "A photo of a fox"),
            ({"superclass": "animal"}, "A photo of a fox, a type of animal"),
            ({"prompt": "{target} or {target}? {other}"}, "fox or fox? {other}"),
            ({"prompt": "100 % {target}, {}", "superclass": "pet"}, "100 % fox, {}, a type of pet"),
        ],
    )
    def test_names_the_target(self, changes: dict[str, Any], prompt: str) -> None:
        (job,) = a_recipe(targets=("fox",), **changes).jobs([a_source(1)])
        assert job.prompt == prompt

    def test_a_target_that_looks_like_a_template(self) -> None:
        assert a_recipe().prompts_for("{target} \\1") == ("A photo of a {target} \\1",)


class TestSourcesFor:
    some = tuple(a_source(label, label) for label in CLASSES)

    def test_restricts_its_target_and_no_other(self) -> None:
        jobs = list(a_recipe(sources_for={"fox": ("cat", "owl")}).jobs(self.some))
        used = {target: {job.source.label for job in jobs if job.source and job.target == target} for target in CLASSES}
        assert (used["fox"], used["owl"]) == ({"cat", "owl"}, {"cat", "dog", "fox"})

    def test_does_not_let_in_the_targets_own_class(self) -> None:
        jobs = a_recipe(targets=("fox",), sources_for={"fox": ("fox", "dog")}).jobs(self.some)
        assert [job.source.label for job in jobs if job.source] == ["dog"]


def test_only_chosen_sources_are_held() -> None:
    """Of 1000 sources and 100 targets at one image each, not the 100,000 pairs that give none."""
    sources = [Source(path=f"cat/{n}.png", sha256=f"{n:064x}", label="cat") for n in range(1000)]
    recipe = Recipe(targets=tuple(f"thing {n}" for n in range(100)), per_target=1, model="sd15@abc")
    tracemalloc.start()
    try:
        plan = recipe.jobs(sources)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(list(plan)) == 100
    assert held < 200_000


class TestManyTargets:
    """Sources are indexed once, not scanned once per target."""

    @pytest.mark.parametrize("per_target", [0, 3])
    @pytest.mark.parametrize("confused", [False, True])
    def test_a_source_is_looked_at_a_few_times_whatever_the_number_of_targets(
        self, per_target: int, confused: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks = Counter[str]()

        class Watched(Source):
            def __getattribute__(self, name: str) -> Any:
                if name in ("label", "sha256"):
                    looks[name] += 1
                return super().__getattribute__(name)

        classes = [f"c{number}" for number in range(100)]
        every = [
            Watched(path=f"{number}.png", sha256=a_source(number).sha256, label=classes[number % 100])
            for number in range(2000)
        ]
        hardest = {name: [classes[place - 1]] for place, name in enumerate(classes)} if confused else {}
        recipe = a_recipe(targets=tuple(classes), per_target=per_target, sources_for=hardest)
        looks.clear()
        first = next(iter(recipe.jobs(every)))
        assert first.target in classes
        # Scanning all for each target would take 200,000 looks of each kind; at most 20 images per target are compared.
        assert max(looks.values()) < 12 * len(every) + 25 * len(classes)

    def test_the_nearest_sources_are_those_of_a_full_sort(self) -> None:
        every = [a_source(number, ("dog", "cat", "fox")[number % 3]) for number in range(300)]
        for seed in range(5):
            jobs = list(a_recipe(targets=("fox",), per_target=7, seed=seed).jobs(every))
            digest = sha256(json.dumps(("fox", seed)).encode()).hexdigest()
            others = [source for source in every if source.label != "fox"]
            ranked = sorted(others, key=lambda source: int(source.sha256[:16], 16) ^ int(digest[:16], 16))
            assert {job.source for job in jobs} == set(ranked[:7])
