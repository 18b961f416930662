"""Sources, jobs and recipes to try things on, and hypothesis strategies that make any of them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from genie_cli.jobs import Job, Method, Source
from genie_cli.recipe import Recipe

CLASSES = ("cat", "dog", "fox", "owl")


def a_source(name: object, label: str = "cat", path: str = "") -> Source:
    return Source(path=path or f"{label}/{name}.png", sha256=sha256(str(name).encode()).hexdigest(), label=label)


def a_job(**changes: Any) -> Job:
    given_fields = {"source": a_source(1), "target": "fox", "prompt": "A photo of a fox", "method": Method.GENIE}
    return Job(**{**given_fields, "r": 0.8, "model": "sd15@abc123", "seed": 7, **changes})


def a_recipe(**changes: Any) -> Recipe:
    return Recipe(**{"targets": ("fox", "owl"), "model": "sd15@abc123", **changes})


def ids(jobs: Sequence[Job]) -> list[str]:
    return [job.id for job in jobs]


labels = st.sampled_from(CLASSES)
sources = st.lists(
    st.builds(a_source, st.integers(0, 10**6), labels), min_size=1, max_size=12, unique_by=lambda source: source.sha256
)
recipes = st.builds(
    a_recipe,
    targets=st.lists(st.sampled_from(("fox", "owl", "yak")), min_size=1, unique=True).map(tuple),
    method=st.sampled_from((Method.GENIE, Method.IMG2IMG)),
    r=st.lists(st.sampled_from((0.3, 0.5, 0.8)), min_size=1).map(tuple),
    per_target=st.integers(0, 30),
    seed=st.integers(0, 3),
)


def planned(recipe: Recipe, some: Sequence[Source]) -> list[Job]:
    """The plan; a target without sources is no matter of these laws."""
    targets = [t for t in recipe.targets if any(recipe.method.accepts(s.label, t) for s in some)]
    return list(recipe.model_copy(update={"targets": tuple(targets)}).jobs(some))
