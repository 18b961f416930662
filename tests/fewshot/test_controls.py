"""Pools, other numbers of images, GeNIe-Ada by probe and what the authors do: through the commands, on tiny runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genie_cli import api
from genie_cli.config import Settings
from genie_cli.data import catalog
from genie_cli.data.dataset import Dataset
from genie_cli.errors import UsageError
from genie_cli.evaluate.obtain import prompts_for
from genie_cli.fewshot.options import FewShotOptions, check, with_authors
from genie_cli.fewshot.task import AS_AUTHORS, FEWSHOT, FINEGRAINED
from tests.conftest import Genie
from tests.fewshot.test_benchmark import kept, prepared
from tests.fewshot.test_fewshot import QUICK, SMALL, records

__all__ = ["kept"]  # a fixture


class TestPools:
    def test_each_pool_has_images_and_a_name_of_its_own(self, genie: Genie, tmp_path: Path) -> None:
        words = ("fewshot", *SMALL, "--augment", "none")
        seen: dict[int, set[str]] = {}
        for pool, name in ((0, "digits"), (3, "digits-pool-3")):
            done = genie(*words, "--pool", pool, "--out", f"{pool}")
            assert done.exit_code == 0, done.stderr
            assert {record["dataset"] for record in records(done.stdout)} == {name}
            (head, *_) = records((tmp_path / f"{pool}/episodes-2-way-1-shot.jsonl").read_text())
            assert head["dataset"] == name
            seen[pool] = set(head["images"])
        assert not seen[0] & seen[3]
        refused = genie(*words, "--episode-list", "0/episodes-2-way-1-shot.jsonl", "--pool", 3)
        assert refused.exit_code == 2

    def test_other_data_have_none(self, genie: Genie, photos: Path) -> None:
        refused = genie("fewshot", "--dataset", "folder", "--data-dir", photos, "--pool", 1, "--augment", "none")
        assert refused.exit_code == 2
        said = " ".join(refused.stderr.split())
        assert "--dataset folder has no pools, which only the bundled digits have: leave out --pool" in said

    def test_negatives_have_the_same_digits_before_negatives_of_the_photographs(self, kept: None) -> None:
        plain, other = (catalog.load("fewshot", name) for name in ("digits", "digits-negatives"))
        assert [s.path for s in plain.train] == [s.path for s in other.train]
        assert not set(plain.by_content()) & set(other.by_content())
        assert [plain.original_of(s) for s in plain.test] == [other.original_of(s) for s in other.test]
        assert plain.compositor
        assert other.compositor
        for one, two in zip(plain.train[::17], other.train[::17], strict=True):
            assert np.array_equal(np.asarray(other.compositor.paste(two, two)), pixels(other, two.path))
            first, second = pixels(plain, one.path), pixels(other, two.path)
            # Background pixels, far from the digit, are mirrored in brightness, up to the contrast that ink needs.
            corners = [np.r_[image[0], image[-1]].astype(float).mean(axis=1) for image in (first, second)]
            assert np.corrcoef(*corners)[0, 1] < 0


def pixels(dataset: Dataset, path: str) -> Any:
    return np.asarray(Image.open(dataset.root / path))


class TestAdded:
    @pytest.mark.parametrize("command", ["fewshot", "finegrained"])
    def test_a_plan_has_so_many_images_per_class(self, genie: Genie, command: str) -> None:
        words = (command, "--ways", 3, "--episodes", 2, "--shots", 1, "--augment", "txt2img,genie", "--plan-out", "-")
        jobs: dict[int, list[dict[str, Any]]] = {}
        for added in (0, 1, 5):
            plan = genie(*words, *(("--added", added) if added else ()))
            assert plan.exit_code == 0, plan.stderr
            jobs[added] = records(plan.stdout)[1:]
        # Two episodes of three classes, by two methods; two is the paper's number, ways - 1. Episodes can share images.
        assert [len(own) for own in jobs.values()] == pytest.approx([24, 12, 60], rel=0.05)
        names = {added: {json.dumps(job, sort_keys=True) for job in own} for added, own in jobs.items()}
        assert names[1] < names[0] < names[5]

    def test_results_say_how_many(self, kept: None, tmp_path: Path) -> None:
        found = api.fewshot(
            augment=["weak", "repeat", "paste", "txt2img"], out=tmp_path / "out",
            ways=2, shots=1, queries=3, episodes=2, steps=2, slots=4, added=3,
        )  # fmt: skip
        assert [(record.augmentation, record.added) for record in found] == [
            ("weak", 0), ("repeat", 0), ("paste", 0), ("txt2img", 3),
        ]  # fmt: skip


class TestAsAuthors:
    def test_it_sets_prompt_queries_and_views(self, kept: None, tmp_path: Path) -> None:
        settings = with_authors(Settings())
        assert (settings.generate.prompt, settings.fewshot.queries) == ("a photo of a {target}.", 16)
        usual = Settings().model_dump()
        usual["generate"]["prompt"], usual["fewshot"]["queries"] = "a photo of a {target}.", 16
        assert settings.model_dump() == usual
        bench = prepared(tmp_path, as_authors=True, augment=("none", "genie"), plan_only=True)
        assert bench.protocol == AS_AUTHORS
        assert bench.settings.fewshot.queries == 16
        assert bench.run
        assert {job.prompt for job in bench.run.jobs} == {
            f"a photo of a {label}." for episode in bench.lists[0].episodes for label in episode.classes
        }

    def test_it_differs_from_the_paper_in_this_and_nothing_else(self) -> None:
        assert (AS_AUTHORS.crops, AS_AUTHORS.crops_beside_generated, AS_AUTHORS.center_crop) == (5, True, False)
        assert (AS_AUTHORS.mixed_beside_crops, AS_AUTHORS.mix_alpha) == (True, 0.8)
        assert (AS_AUTHORS.crop_generated, AS_AUTHORS.flip_vertically) == (True, True)

    def test_a_class_of_imagenet_has_all_its_words(self, genie: Genie, tmp_path: Path, open_model: Path) -> None:
        for label in ("n01532829", "n02012849", "My cat"):
            for number in range(18):
                path = tmp_path / f"photos/{label}/{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (8, 8), (number, len(label), ord(label[2]))).save(path)
        words = ("fewshot", "--dataset", "folder", "--data-dir", "photos", "--model", open_model, "--shots", 1)
        plan = genie(*words, "--ways", 3, "--episodes", 2, "--augment", "txt2img", "--as-authors", "--plan-out", "-")
        assert plan.exit_code == 0, plan.stderr
        assert {job["prompt"] for job in records(plan.stdout)[1:]} == {
            "a photo of a house finch, linnet, Carpodacus mexicanus.",
            "a photo of a crane.",
            "a photo of a My cat.",
        }
        usual = prompts_for(Settings(), Dataset(tmp_path, (), (), {"n01532829": "house finch"}))
        assert usual("n01532829") == ("A photo of a house finch",)

    @pytest.mark.parametrize(("key", "flag"), [("generate.prompt", "--prompt"), ("fewshot.queries", "--queries")])
    def test_what_it_decides_cannot_be_typed_beside_it(self, key: str, flag: str) -> None:
        options = FewShotOptions("digits", Path("out"), ("weak",), as_authors=True)
        entry = catalog.entry("fewshot", "digits")
        check(FEWSHOT, options, entry, Settings(), set(), plan_only=False)
        with pytest.raises(UsageError, match=f"--as-authors decides these: leave out {flag}"):
            check(FEWSHOT, options, entry, Settings(), {key}, plan_only=False)

    def test_the_authors_published_no_fine_grained_code(self) -> None:
        options = FewShotOptions("digits", Path("out"), ("weak",), as_authors=True)
        with pytest.raises(UsageError, match="is about few-shot classification"):
            check(FINEGRAINED, options, catalog.entry("finegrained", "digits"), Settings(), set(), plan_only=False)

    def test_a_run_of_everything(self, genie: Genie, tmp_path: Path) -> None:
        small = ("--shots", 1, "--ways", 2, "--episodes", 2)
        done = genie("fewshot", *small, *QUICK, "--augment", "none,weak,strong,cutmix,mixup,genie", "--as-authors")
        assert done.exit_code == 0, done.stderr
        assert {(record["queries"], record["paper"]) for record in records(done.stdout)} == {(16, None)}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, _cache: Path) -> tuple[Path, Any, Any]:
    """A run by probes and one by whole images, on the same episodes: where they are, and their records."""
    out = tmp_path_factory.mktemp("ada")
    small: dict[str, Any] = {"ways": 2, "shots": 1, "queries": 3, "episodes": 2, "steps": 4, "slots": 4}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(_cache))
        probed = api.fewshot(augment=["weak", "genie-ada"], ada="probe", out=out / "probe", **small)
        whole = api.fewshot(augment=["weak", "genie-ada"], out=out / "full", **small)
    return out, probed, whole


class TestAdaByProbe:
    WORDS = ("fewshot", *SMALL, *QUICK)

    def test_only_the_chosen_images_are_made(self, both: tuple[Path, Any, Any]) -> None:
        out, *_ = both
        jobs = {
            name: {row["id"]: row for row in records((out / name / "manifest.jsonl").read_text())[1:]}
            for name in ("probe/probes", "probe/images", "full/images")
        }
        assert set(jobs["probe/probes"]) == set(jobs["full/images"])
        assert len(jobs["probe/probes"]) == 5 * len(jobs["probe/images"])
        families = {(row["source"]["sha256"], row["target"]) for row in jobs["probe/images"].values()}
        assert len(families) == len(jobs["probe/images"])
        # A chosen image is the one that a run of all candidates makes.
        for name, row in jobs["probe/images"].items():
            assert row["sha256"] == jobs["full/images"][name]["sha256"]
            assert row["sha256"] != jobs["probe/probes"][name]["sha256"]

    def test_records_say_so(self, both: tuple[Path, Any, Any]) -> None:
        _, (weak, probed), (same, whole) = both
        assert weak == same
        assert (probed.augmentation, whole.augmentation) == ("genie-ada by probe", "genie-ada")
        assert probed.added == whole.added == 1
        # Of the timesteps 999, 749, 500 and 250 those run whose predecessor is at most 1000 r; a probe takes one step.
        assert whole.denoising_steps == 2 + 2 + 2 + 3 + 3
        assert 5 + 2 <= probed.denoising_steps <= 5 + 3

    def test_again_nothing_is_made_and_nothing_changes(
        self, genie: Genie, both: tuple[Path, Any, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out, probed, _ = both
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
        again = genie(*self.WORDS, "--augment", "weak,genie-ada", "--ada", "probe", "--out", out / "probe")
        assert again.exit_code == 0, again.stderr
        assert [record["accuracy"] for record in records(again.stdout)] == [record.accuracy for record in probed]
        assert {path: path.stat().st_mtime_ns for path in out.rglob("*.png")} == before

    @pytest.mark.parametrize("option", [("--plan-out", "-"), ("--dry-run",), ("--manifest", "m.jsonl")])
    def test_it_cannot_say_beforehand_which_images_it_needs(self, genie: Genie, option: tuple[str, ...]) -> None:
        refused = genie("fewshot", *SMALL, "--augment", "genie-ada", "--ada", "probe", *option)
        assert refused.exit_code == 2
        assert "--ada probe decides which images are needed when it has seen the probes" in " ".join(
            refused.stderr.split()
        )
