"""A folder that was grown in steps, killed or not, ends in the bytes of one that was made at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genie_cli.generate.folder import Output
from genie_cli.generate.growth import with_plan
from genie_cli.header import Header, RunSettings
from genie_cli.jobs import Job, Method, Source
from genie_cli.manifest import Row, Status
from genie_cli.recipe import Recipe
from tests.conftest import tree
from tests.generate.outputs import a_job, documents, rows, save
from tests.plans import a_recipe, a_source, ids, labels, planned, recipes, sources


@dataclass(frozen=True)
class Step:
    """A run: of a recipe, with these sources, killed after so many images or not at all."""

    recipe: Recipe
    sources: Sequence[Source]
    killed_after: int | None = None

    @property
    def header(self) -> Header:
        plan = self.recipe.model_dump(mode="json", exclude={"model"})
        settings = RunSettings(steps=50, model=self.recipe.model, plans=[plan])
        return Header(kind="genie.manifest", settings=settings, versions={"torch": "2.7"})

    @property
    def jobs(self) -> list[Job]:
        return planned(self.recipe, self.sources)

    def run(self, root: Path, part: str = "", of_shard: Sequence[Job] | None = None) -> int:
        """As `pipeline.run` does it, without a model."""
        jobs = self.jobs if of_shard is None else of_shard
        out = Output(root, self.header, part)
        with out.opened():
            known = out.known()
            todo = [job for job in jobs if not known.made(job)]
            if todo:
                out.begin()
            save(out, todo[: self.killed_after])
            return out.finish(self.jobs) if self.killed_after is None else 0


@st.composite
def grown(draw: st.DrawFn) -> list[Step]:
    """Three runs, each with more targets, ratios, images per target or, with one of each source, photos."""
    photos = draw(sources)
    last = draw(recipes).model_copy(update={"r": (0.3, 0.5, 0.8)})
    most = len(last.targets), 3, len(photos)
    sizes = [sorted([draw(st.integers(1, size)), draw(st.integers(1, size)), size]) for size in most]
    counts = sorted(draw(st.lists(st.integers(1, 5), min_size=3, max_size=3)))
    order = draw(st.permutations(last.targets))
    steps = []
    for place in range(3):
        targets, ratios, some = (size[place] for size in sizes)
        changes = {
            "targets": tuple(name for name in last.targets if name in order[:targets]),
            "r": last.r[:ratios],
            "per_target": counts[place] if last.per_target else 0,
        }
        seen = photos if last.per_target else [source for source in photos if source in sorted(photos, key=str)[:some]]
        after = draw(st.none() | st.integers(0, 3)) if place < 2 else None
        steps.append(Step(last.model_copy(update=changes), seen, after))
    return steps


def images(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in root.glob("train/*/*.png")
    }


@settings(max_examples=40)
@given(steps=grown())
def test_grown_in_three_steps_equals_made_at_once(steps: list[Step], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("grown")
    for step in steps:
        before = images(root / "grown")
        step.run(root / "grown")
        assert before.items() <= images(root / "grown").items()
    steps[-1].run(root / "once")
    assert tree(root / "grown") == tree(root / "once")


PHOTOS = [a_source(number, label) for number, label in enumerate(("cat", "cat", "dog", "dog"))]
SMALL = Step(a_recipe(targets=("fox",), r=(0.8,)), PHOTOS)
MORE = {
    "targets": Step(a_recipe(targets=("yak", "fox"), r=(0.8,)), PHOTOS),
    "r": Step(a_recipe(targets=("fox",), r=(0.5, 0.8)), PHOTOS),
    "photos": Step(SMALL.recipe, [a_source(9, "bee"), *PHOTOS]),
}


@pytest.mark.parametrize("axis", MORE)
def test_shards_that_grow_a_folder_equal_one_run(axis: str, tmp_path: Path) -> None:
    more = MORE[axis]
    more.run(tmp_path / "once")
    SMALL.run(tmp_path / "grown")
    for part in (1, 0):
        more.run(tmp_path / "grown", f"-{part + 1}-of-2", more.jobs[part::2])
    assert documents(tmp_path / "grown") == documents(tmp_path / "once")


@pytest.mark.parametrize("axis", MORE)
def test_a_killed_run_that_is_gone_on_with_by_a_larger_one(axis: str, tmp_path: Path) -> None:
    MORE[axis].run(tmp_path / "once")
    Step(SMALL.recipe, SMALL.sources, killed_after=2).run(tmp_path / "grown")
    MORE[axis].run(tmp_path / "grown")
    assert tree(tmp_path / "grown") == tree(tmp_path / "once")


OPERATIONS = ("open", "os.link", "os.rename", "os.remove", "os.mkdir")


def killed_at(moment: int, step: Step, root: Path) -> bool:
    """Run a step in a process that is killed before its n-th file operation; whether there were as many."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads, which this process does not need
        process = os.fork()
    if not process:
        left = count(moment - 1, -1)

        def strike(event: str, arguments: tuple[object, ...]) -> None:
            if event in OPERATIONS and str(root) in str(arguments[0]) and not next(left):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(strike)
        try:
            step.run(root)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_killed_at_any_moment_while_it_grows_equals_never_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a killed run of a smaller plan is put into the manifest first."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    small, more = replace(SMALL, sources=PHOTOS[:2]), replace(MORE["r"], sources=PHOTOS[:2])
    owl = Step(a_recipe(targets=("owl",), r=(0.8,)), PHOTOS[:1])
    for root in (tmp_path / "never", tmp_path / "before"):
        owl.run(root)
        replace(small, killed_after=1).run(root)
    more.run(tmp_path / "never")
    for moment in count(1):
        root = tmp_path / f"killed-{moment}"
        shutil.copytree(tmp_path / "before", root)
        if not killed_at(moment, more, root):
            break
        more.run(root)
        assert tree(root) == tree(tmp_path / "never"), moment
    assert moment > 40


def test_a_run_that_adds_nothing_changes_nothing(tmp_path: Path) -> None:
    """Also one of a plan that another one has taken the place of, and one of jobs from a file, which has no recipe."""
    for step in (SMALL, MORE["r"], Step(a_recipe(targets=("owl",)), PHOTOS)):
        step.run(tmp_path)
    before = tree(tmp_path)
    SMALL.run(tmp_path)
    assert tree(tmp_path) == before
    stated = SMALL.header.settings.model_copy(update={"plans": []})
    out = Output(tmp_path, Header(kind="genie.manifest", settings=stated, versions=SMALL.header.versions))
    with out.opened():
        out.finish(SMALL.jobs)
    assert tree(tmp_path) == before


def test_what_another_plan_adds_comes_after_and_both_are_in_the_header(tmp_path: Path) -> None:
    owl = Step(a_recipe(targets=("owl",), r=(0.8,)), PHOTOS)
    SMALL.run(tmp_path)
    assert owl.run(tmp_path) == sum(int(job.id, 16) % 4 > 0 for job in SMALL.jobs)  # images of the earlier plan
    out = Output(tmp_path, owl.header)
    assert ids([row.job for row in rows(out)]) == ids([*SMALL.jobs, *owl.jobs])
    with out.manifest.open() as file:
        said = json.loads(file.readline())["settings"]["plans"]
    assert [plan["targets"] for plan in said] == [["fox"], ["owl"]]
    both = Step(a_recipe(targets=("owl", "fox"), r=(0.8,)), PHOTOS)
    both.run(tmp_path)
    both.run(tmp_path / "once")
    assert documents(tmp_path) == documents(tmp_path / "once")


def test_photos_that_have_gone_take_no_image_with_them(tmp_path: Path) -> None:
    SMALL.run(tmp_path)
    before = rows(Output(tmp_path, SMALL.header))
    fewer = Step(MORE["r"].recipe, PHOTOS[2:])
    assert fewer.run(tmp_path) == sum(row.status is Status.MADE for row in before if row.job.source in PHOTOS[:2])
    after = rows(Output(tmp_path, SMALL.header))
    assert {row.job.id for row in before} < {row.job.id for row in after}
    assert ids([row.job for row in after])[2:] == ids(fewer.jobs)


def test_more_photos_with_per_target_choose_others_and_keep_what_is_there(tmp_path: Path) -> None:
    few = Step(a_recipe(targets=("fox",), per_target=2), PHOTOS)
    many = Step(few.recipe, [a_source(number) for number in range(40)])
    few.run(tmp_path)
    before = images(tmp_path)
    many.run(tmp_path)
    assert {job.id for job in few.jobs} != {job.id for job in many.jobs}
    assert before.items() <= images(tmp_path).items()
    assert {row.job.id for row in rows(Output(tmp_path, few.header))} == {job.id for job in [*few.jobs, *many.jobs]}


class TestCovers:
    @given(recipes, recipes, sources)
    def test_then_it_has_every_job(self, one: Recipe, other: Recipe, some: list[Source]) -> None:
        if one.covers(other):
            assert set(ids(planned(other, some))) <= set(ids(planned(one, some)))

    @given(recipes, sources, st.integers(0, 9))
    def test_more_of_one_thing_covers(self, recipe: Recipe, some: list[Source], more: int) -> None:
        for changes in (
            {"targets": ("ewe", *recipe.targets)},
            {"r": (0.1, *recipe.r)},
            {"per_target": recipe.per_target and recipe.per_target + more},
        ):
            larger = recipe.model_copy(update=changes)
            assert larger.covers(recipe)
            assert set(ids(planned(recipe, some))) <= set(ids(planned(larger, some)))

    @pytest.mark.parametrize(
        "changes",
        [
            {"seed": 1},
            {"prompt": "{target}"},
            {"superclass": "animal"},
            {"method": Method.IMG2IMG},
            {"model": "other"},
            {"per_target": 3},
            {"targets": ("fox",)},
            {"r": (0.5,)},
            {"sources_for": {"fox": ["cat"]}},
        ],
    )
    def test_not_if_anything_else_differs(self, changes: dict[str, Any]) -> None:
        assert not a_recipe(**changes).covers(a_recipe())

    @given(st.lists(labels, unique=True), st.lists(labels, unique=True), st.integers(0, 3), st.integers(0, 3), sources)
    def test_with_other_classes_to_draw_from(
        self, own: list[str], others: list[str], count: int, fewer: int, some: list[Source]
    ) -> None:
        one = a_recipe(targets=("yak",), per_target=count, sources_for={"yak": own})
        other = a_recipe(targets=("yak",), per_target=fewer, sources_for={"yak": others})
        if one.covers(other) and {source.label for source in some} & {*others}:
            assert set(ids(list(other.jobs(some)))) <= set(ids(list(one.jobs(some))))


def test_a_plan_of_another_genie_is_kept() -> None:
    unknown: dict[str, Any] = {"targets": 3}
    known = SMALL.recipe.model_dump(mode="json")
    assert with_plan([unknown], known, leaves_rows=True) == [unknown, known]
    assert with_plan([unknown], known, leaves_rows=False) == [known]


def test_a_folder_from_before_it_could_grow(tmp_path: Path) -> None:
    SMALL.run(tmp_path)
    head, _, rest = (tmp_path / "manifest.jsonl").read_text().partition("\n")
    said = json.loads(head)
    [said["settings"]["plan"]] = said["settings"].pop("plans")
    (tmp_path / "manifest.jsonl").write_text(json.dumps(said) + "\n" + rest)
    for step in (MORE["targets"], MORE["targets"]):
        step.run(tmp_path)
    MORE["targets"].run(tmp_path / "once")
    assert documents(tmp_path) == documents(tmp_path / "once")


def test_a_failed_job_of_an_earlier_plan_keeps_its_reason(tmp_path: Path) -> None:
    out = Output(tmp_path, SMALL.header)
    with out.opened():
        out.note(Row(a_job(), Status.FAILED, reason="no luck"))
        out.finish([a_job()])
    MORE["r"].run(tmp_path)
    assert rows(out)[0] == Row(a_job(), Status.FAILED, reason="no luck")
