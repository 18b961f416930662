"""`genie fewshot`: its three ways to run give one result, and nothing is left out in silence."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from genie_cli.backbones.backbone import Backbone, Preprocess
from genie_cli.backbones.features import Features
from genie_cli.config import FewShot
from genie_cli.data.catalog import FewShotSet
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, EpisodeJobs
from genie_cli.evaluate.generated import Images
from genie_cli.fewshot.augment import RandomAugment
from genie_cli.fewshot.classifiers import Classifier
from genie_cli.fewshot.episodes import EpisodeSpec, Pool, by_class, draw
from genie_cli.fewshot.options import FewShotOptions, Listed
from genie_cli.fewshot.results import records_of
from genie_cli.fewshot.study import FewShotEvaluator, Outcome
from genie_cli.fewshot.task import FEWSHOT
from genie_cli.fewshot.views import Views
from tests.conftest import Genie

SMALL = ("--dataset", "digits", "--shots", 1, "--ways", 2, "--queries", 3, "--episodes", 2)
GENERATIVE = ("--augment", "weak,img2img-h,txt2img,genie", "--r", "0.6,0.8")
QUICK = ("--steps", 4, "--slots", 4)


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def made(genie: Genie, tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A small run in one go: its manifest and its results."""
    done = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "one-go")
    assert done.exit_code == 0, done.stderr
    return tmp_path / "one-go" / "images" / "manifest.jsonl", records(done.stdout)


def test_three_ways_give_one_result(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    assert genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    generated = genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png")
    assert generated.exit_code == 0, generated.stderr
    by_file = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", "made/manifest.jsonl", "--out", "by-file")
    by_pipe = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", "-", "--out", "by-pipe", stdin=generated.stdout)
    assert records(by_file.stdout) == records(by_pipe.stdout) == made[1]


def test_a_pipe_of_three_commands_gives_what_three_files_give(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]]
) -> None:
    rule = ("--min-confidence", 0.5, "--soft-labels")
    assert genie("oracle", made[0], *rule, "--out", "judged.jsonl").exit_code == 0
    by_file = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", "judged.jsonl", "--soft-labels", "--out", "by-file")
    plan = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--plan-out", "-")
    generated = genie("generate", "--plan", "-", "--out", "made", "--format", "png", stdin=plan.stdout)
    judged = genie("oracle", "-", *rule, stdin=generated.stdout)
    by_pipe = genie(
        "fewshot", *SMALL, *GENERATIVE, "--manifest", "-", "--soft-labels", "--out", "by-pipe", stdin=judged.stdout
    )
    assert by_pipe.exit_code == 0, by_pipe.stderr
    assert records(by_pipe.stdout) == records(by_file.stdout)
    assert any(record["rejected"] for record in records(by_pipe.stdout))


def test_the_results_are_in_files_too(genie: Genie, tmp_path: Path, made: tuple[Path, list[dict[str, Any]]]) -> None:
    assert records((tmp_path / "one-go" / "results.jsonl").read_text()) == made[1]
    rows = list(csv.DictReader((tmp_path / "one-go" / "results.csv").read_text().splitlines()))
    assert [row["augmentation"] for row in rows] == ["weak", "img2img-h", "txt2img", "genie r=0.6", "genie r=0.8"]
    assert [float(row["accuracy"]) for row in rows] == [record["accuracy"] for record in made[1]]


def test_the_same_command_makes_nothing_twice(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    before = {path: path.stat().st_mtime_ns for path in made[0].parent.rglob("*.png")}
    again = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "one-go")
    assert records(again.stdout) == made[1]
    assert {path: path.stat().st_mtime_ns for path in made[0].parent.rglob("*.png")} == before


def test_more_augmentations_join_the_same_folder(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    more = genie("fewshot", *SMALL, *QUICK, "--augment", "weak,genie", "--r", 0.9, "--out", "one-go")
    assert more.exit_code == 0, more.stderr
    assert records(more.stdout)[0] == made[1][0]


def edited(manifest: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Path:
    """A copy beside ``manifest``, with other rows."""
    head, *rows = manifest.read_text().splitlines()
    other = manifest.with_name("edited.jsonl")
    changed = change([json.loads(row) for row in rows])
    other.write_text("\n".join([head, *(json.dumps(row) for row in changed)]) + "\n")
    return other


def test_the_order_of_a_manifest_does_not_matter(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    shuffled = edited(made[0], lambda rows: random.Random(1).sample(rows, len(rows)))
    assert records(genie("fewshot", *SMALL, *GENERATIVE, "--manifest", shuffled).stdout) == made[1]


def test_a_missing_image_is_named(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    lost = json.loads(made[0].read_text().splitlines()[1])
    without = edited(made[0], lambda rows: rows[1:])
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", without)
    assert refused.exit_code == 2
    assert "1 generated images that are needed are not in the manifests" in refused.stderr
    assert f"{lost['method']} at r = {lost['r']:g}, {lost['target']!r}" in refused.stderr
    assert "--plan-out" in refused.stderr


def test_a_lost_file_is_named(genie: Genie, made: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    gone = next(made[0].parent.rglob("*.png"))
    gone.unlink()
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", made[0])
    # Its features may have been kept from the run that made it; then it is not needed.
    assert refused.exit_code == 0
    unknown = tmp_path / "another-cache"
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", made[0], cache=unknown)
    assert refused.exit_code == 1
    assert gone.name in refused.stderr


def test_what_the_oracle_rejected_is_left_out_and_counted(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]]
) -> None:
    rejected = edited(made[0], lambda rows: [{**row, "oracle": {"accepted": row["r"] != 0.8}} for row in rows])
    done = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", rejected)
    found = {record["augmentation"]: record for record in records(done.stdout)}
    assert (found["genie r=0.8"]["added"], found["genie r=0.8"]["rejected"]) == (0, 1)
    assert (found["genie r=0.6"]["added"], found["genie r=0.6"]["rejected"]) == (1, 0)
    assert found["genie r=0.8"]["accuracy"] == found["weak"]["accuracy"]
    assert "genie r=0.8, 1-shot: the oracle rejected 100.0% of the images" in done.stderr


def test_soft_labels_are_needed_where_they_are_asked_for(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    refused = genie("fewshot", *SMALL, *GENERATIVE, "--manifest", made[0], "--soft-labels")
    assert refused.exit_code == 2
    assert "genie oracle MANIFEST --soft-labels" in refused.stderr
    one_hot = edited(made[0], lambda rows: [{**row, "oracle": {"soft_label": {row["target"]: 1.0}}} for row in rows])
    assert records(genie("fewshot", *SMALL, *GENERATIVE, "--manifest", one_hot, "--soft-labels").stdout) == made[1]


def test_an_episode_list_reruns_the_episodes(
    genie: Genie, made: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    listed = tmp_path / "one-go" / "episodes-2-way-1-shot.jsonl"
    again = genie("fewshot", *GENERATIVE, "--manifest", made[0], "--episode-list", listed)
    assert records(again.stdout) == made[1]
    refused = genie("fewshot", "--episode-list", listed, "--ways", 3)
    assert refused.exit_code == 2
    assert "--episode-list decides these: leave out --ways" in refused.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--augment", "week"), "there is no such augmentation"),
        (("--augment", "weak", "--r", "0.8"), "genie is not among --augment"),
        (("--r", "1.5"), "a noise ratio is above 0 and at most 1"),
        (("--r", "much"), "expected numbers"),
        (("--manifest", "m.jsonl", "--steps", "9"), "leave out --steps"),
        (("--manifest", "m.jsonl", "--plan-out", "p.jsonl"), "leave out --plan-out"),
        (("--manifest", "nowhere.jsonl"), "cannot be read"),
        (("--soft-labels",), "takes the oracle's labels from a manifest"),
        (("--augment", "none", "--plan-out", "p.jsonl"), "there is no plan"),
        (("--shots", "0"), "--shots"),
        (("--ways", "6"), "digits"),
        (("--data-dir", "somewhere"), "leave out --data-dir"),
        (("--dataset", "folder"), "needs --data-dir"),
        (("--dataset", "mini"), "--data-dir"),
        (("--dataset", "mini", "--data-dir", "nowhere"), "nowhere"),
        (("--backbone", "unisiam-resnet18", "--augment", "none"), "--checkpoint"),
        (("--episode-list", "nowhere.jsonl"), "cannot be read"),
        (("--manifest", "m.jsonl", "--augment", "weak"), "leave out --manifest"),
        (("--manifest", "m.jsonl", "--episode-list", "e.jsonl", "--seed", 1), "leave out --seed"),
        (("--partial",), "--partial goes with --dataset mini, tiered"),
        (("--steps", "3"), "img2img-l has r = 0.3, which leaves no step to run out of 3"),
        (("--revision", "main", "--episodes", 2), "--revision goes with a model of the hub"),
        (("--backbone", "unisiam-resnet18", "--episodes", 2), "--checkpoint"),
    ],
)
def test_what_makes_no_sense_is_refused(genie: Genie, tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    refused = genie("fewshot", *words, "--out", "out")
    assert refused.exit_code in (1, 2)
    assert complaint in " ".join(refused.stderr.split())
    assert not (tmp_path / "out").exists()


def test_another_seed_shares_the_folder(genie: Genie, made: tuple[Path, list[dict[str, Any]]]) -> None:
    other = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--seed", 1, "--out", "one-go")
    assert other.exit_code == 0, other.stderr
    assert [record["episode_list"] for record in records(other.stdout)] != [r["episode_list"] for r in made[1]]
    again = genie("fewshot", *SMALL, *GENERATIVE, *QUICK, "--out", "one-go")
    assert records(again.stdout) == made[1]


def test_lists_that_would_not_fit_into_one_table(genie: Genie, tmp_path: Path) -> None:
    words = ("fewshot", *SMALL, "--augment", "none")
    assert genie(*words, "--out", "one").exit_code == 0
    assert genie(*words, "--out", "other", "--seed", 1).exit_code == 0
    assert genie(*words, "--out", "wide", "--ways", 3).exit_code == 0
    first, other = (f"{out}/episodes-2-way-1-shot.jsonl" for out in ("one", "other"))
    for second, reason in ((other, "are both 2-way 1-shot"), ("wide/episodes-3-way-1-shot.jsonl", "into one table")):
        refused = genie("fewshot", "--episode-list", first, "--episode-list", second, "--augment", "none", "--out", "x")
        assert refused.exit_code == 2
        assert reason in refused.stderr
        assert not (tmp_path / "x").exists()


def test_the_environment_may_name_a_folder_that_the_digits_do_not_need(
    genie: Genie, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENIE_DATA", "/data/mini")
    assert genie("fewshot", *SMALL, "--augment", "none").exit_code == 0


@pytest.mark.parametrize(
    ("partial", "classifier", "paper"), [(False, "lr", 63.14), (True, "lr", None), (False, "svm", None)]
)
def test_the_papers_figure_stands_beside_what_was_measured_alike(
    partial: bool, classifier: Literal["lr", "svm"], paper: float | None
) -> None:
    wanted = FewShot(classifier=classifier)
    asked = FewShotOptions(FEWSHOT, FewShotSet.MINI, wanted, Path(), (), backbone="unisiam-resnet18", partial=partial)
    outcome = Outcome(Augmentation(AugmentationName.WEAK), np.array([0.5, 0.7]), 0, 0)
    [record] = records_of(asked, "unisiam-resnet18@0", Listed(EpisodeSpec(), (), "", ""), [outcome])
    assert record.paper == paper


def test_a_backbone_is_asked_for_before_hours_of_making_images(genie: Genie, tmp_path: Path) -> None:
    DigitsInTheWild("val").save(tmp_path / "photos", per_class=4)
    words = ("fewshot", "--dataset", "folder", "--data-dir", "photos", "--model", "digits", *SMALL[2:], *QUICK)
    refused = genie(*words, "--augment", "genie")
    assert refused.exit_code == 2
    assert "say which network gives the features: --backbone" in refused.stderr
    assert not (tmp_path / "genie-fewshot").exists()


def test_a_folder_of_any_classes(genie: Genie, tmp_path: Path) -> None:
    DigitsInTheWild("val").save(tmp_path / "photos", per_class=4)
    small = ("--shots", 1, "--ways", 3, "--queries", 3, "--episodes", 3, "--augment", "none,weak,strong,cutmix,mixup")
    done = genie("fewshot", "--dataset", "folder", "--data-dir", "photos", "--backbone", "digits", *small)
    assert done.exit_code == 0, done.stderr
    assert len(records(done.stdout)) == 5


class _MeanColour(nn.Module):
    """Features with a known answer: a picture's mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3))


@pytest.fixture
def colours(tmp_path: Path) -> Pool:
    """Three classes, each of one colour and a little noise."""
    rng = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (tmp_path / "colours" / name).mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(0, 40, (8, 8, 3))
            pixels[..., channel] += 180
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "colours" / name / f"{number}.png")
    images = by_class(scan(tmp_path / "colours").sources)
    return Pool(tmp_path / "colours", images, images, names={})


@pytest.mark.parametrize("classifier", list(Classifier))
@pytest.mark.parametrize(
    "name", [AugmentationName.NONE, AugmentationName.WEAK, AugmentationName.CUTMIX, AugmentationName.MIXUP]
)
def test_classes_that_features_tell_apart_are_all_found(
    colours: Pool, classifier: Classifier, name: AugmentationName
) -> None:
    preprocess = Preprocess(resize=8, size=8, mean=(0, 0, 0), std=(1, 1, 1))
    study = FewShotEvaluator(
        draw(colours, EpisodeSpec(ways=3, shots=3, queries=4), 4),
        Views(colours.root, RandomAugment.of_photos(preprocess)),
        Features(Backbone("mean-colour", _MeanColour(), preprocess), None),
        classifier,
        EpisodeJobs(str, ""),
        Images(),
    )
    assert study.run(Augmentation(name)).accuracies.tolist() == [1.0] * 4


def test_every_class_of_the_digits_has_a_prompt(genie: Genie) -> None:
    plan = genie("fewshot", "--plan-out", "-", "--augment", "genie", "--episodes", 5)
    prompts = {json.loads(line)["prompt"] for line in plan.stdout.splitlines()[1:]}
    assert prompts == {f"A photo of a {name}" for name in CLASSES[5:]}
