"""A job is what is made, not where its source lies; shards share a plan, and no path leaves its root."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genie_cli.jobs import Job, Method, Source, inside_root, shard
from genie_cli.recipe import Recipe
from tests.plans import a_job, a_recipe, a_source, ids, planned, recipes, sources


class TestIdentity:
    @pytest.mark.parametrize(
        "changes",
        [
            {"source": a_source(2)},
            {"source": None},
            {"target": "owl"},
            {"prompt": "A drawing of a fox"},
            {"method": Method.IMG2IMG},
            {"model": "sd15@abc124"},
            {"replicate": 1},
            {"seed": 8},
        ],
    )
    def test_another_image_has_another_id_and_other_noise(self, changes: dict[str, Any]) -> None:
        assert a_job(**changes).id != a_job().id
        assert a_job(**changes).noise_seed != a_job().noise_seed

    def test_another_r_is_another_image_with_the_same_noise(self) -> None:
        assert a_job(r=0.7).id != a_job().id
        assert a_job(r=0.7).noise_seed == a_job().noise_seed

    @pytest.mark.parametrize(
        "source", [a_source(1, path="elsewhere/photo.jpg"), a_source(1, "dog"), a_source(1, "dog", "x.png")]
    )
    def test_path_and_class_of_the_source_do_not_count(self, source: Source) -> None:
        assert a_job(source=source).id == a_job().id
        assert a_job(source=source).noise_seed == a_job().noise_seed

    def test_neighbouring_fields_do_not_run_together(self) -> None:
        assert a_job(target="a", prompt="bc").id != a_job(target="ab", prompt="c").id

    def test_id_and_noise_stay_as_they_are(self) -> None:
        """Runs of an older version are gone on with: should this ever have to change, so has the manifest's schema."""
        assert a_job().id == "763f2efe1d2e7b01f6af"
        assert a_job().noise_seed == 2919301512826245938

    @given(st.text(min_size=1), st.text(), st.floats(0, 1, exclude_min=True), st.integers())
    def test_any_job_has_one(self, target: str, prompt: str, r: float, seed: int) -> None:
        job = a_job(target=target, prompt=prompt, r=r, seed=seed)
        assert len(bytes.fromhex(job.id)) == 10
        assert 0 <= job.noise_seed < 2**63
        assert Job.model_validate_json(job.model_dump_json()).id == job.id

    @pytest.mark.parametrize("changes", [{"r": 0}, {"r": 1.01}, {"r": float("nan")}, {"target": ""}, {"replicate": -1}])
    def test_what_cannot_be_made_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            a_job(**changes)


class TestShard:
    @given(recipes, sources, st.integers(1, 20))
    def test_every_job_is_in_exactly_one(self, recipe: Recipe, some: list[Source], count: int) -> None:
        jobs = planned(recipe, some)
        parts = [list(shard(jobs, index, count)) for index in range(1, count + 1)]
        assert sorted(ids([job for part in parts for job in part])) == sorted(ids(jobs))
        assert all(part == [job for job in jobs if job in part] for part in parts)  # in the plan's order

    def test_shards_are_of_like_size(self) -> None:
        jobs = list(a_recipe().jobs([a_source(number) for number in range(500)]))
        assert all(len(list(shard(jobs, index, 4))) == pytest.approx(250, abs=60) for index in range(1, 5))


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "",
            ".",
            "..",
            "../x",
            "a/..",
            "a/../../b",
            "/",
            "/etc/passwd",
            "//host/share/x",
            "C:/x",
            "C:x",
            "..\\x",
            "a\\..\\..\\x",
            "\\x",
            "\\\\host\\share\\x",
            "a\0b",
        ],
    )
    def test_that_leave_the_root_are_refused(self, path: str) -> None:
        with pytest.raises(ValidationError, match="leaves its root"):
            Source(path=path, sha256="0" * 64, label="cat")

    @pytest.mark.parametrize(
        "path", ["x.png", "a/b/c.png", "a/..b/c..", "...", "~/x", "a b/ü 🦊.png", "./x", "CON", "%2e%2e/x", "$HOME/x"]
    )
    def test_that_stay_below_it_are_kept_as_they_are(self, path: str) -> None:
        assert inside_root(path) == path

    @given(st.text("./\\:a\0 ~ü🦊"))
    def test_what_is_seen_at_a_glance_is_what_a_closer_look_finds(self, path: str) -> None:
        windows = PureWindowsPath(path)
        leaves = not windows.parts or windows.anchor or ".." in windows.parts or "\0" in path
        try:
            assert inside_root(path) == path
            assert not leaves
        except ValueError:
            assert leaves

    @pytest.mark.parametrize("digest", ["", "0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n", "AB" * 32])
    def test_a_digest_is_sha256_in_lower_case(self, digest: str) -> None:
        with pytest.raises(ValidationError):
            Source(path="x", sha256=digest, label="cat")


@pytest.mark.parametrize(("method", "r"), [(Method.GENIE, 0.8), (Method.IMG2IMG, 0.3), (Method.TXT2IMG, 1.0)])
def test_default_ratio_is_the_papers(method: Method, r: float) -> None:
    assert method.default_r == r
