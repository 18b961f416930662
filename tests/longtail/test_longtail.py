"""`genie longtail`: images for the rare classes alone, as many for every method; trainings that go on and agree."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.evaluate import paper
from genie_cli.evaluate.augmentations import Augmentation, AugmentationName, choose
from genie_cli.evaluate.statistics import estimate_of_few
from genie_cli.jobs import Job, Source
from genie_cli.longtail.groups import THRESHOLDS, Profile
from genie_cli.longtail.tail import TailJobs, by_group
from tests.conftest import Genie

COUNTS = {"zero": 12, "one": 8, "two": 5, "three": 2, "four": 2}
FOLDER = ("--dataset", "folder", "--data-dir", "photos", "--edges", "6,4")
CONFUSED = ("--backbone", "digits")
TRAINED = ("--network", "test_vit", "--epochs", 2, "--warmup-epochs", 1, "--batch", 8, "--seeds", "0,1", "--workers", 0)
IMAGES = ("--augment", "none,img2img-l,txt2img,genie", "--per-class", 3, *CONFUSED)
QUICK = ("--model", "digits", "--steps", 4, "--slots", 4)


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A long-tailed training split with two Few classes, and a balanced test split."""
    root = tmp_path / "photos"
    for number, (label, count) in enumerate(COUNTS.items()):
        assert CLASSES[number] == label
        DigitsInTheWild("train").save_samples(root / "train", range(number, 10 * count, 10))
        DigitsInTheWild("test").save_samples(root / "test", range(number, 20, 10))
    return root


def source(label: str, number: int) -> Source:
    name = f"{label}/{number}.png"
    return Source(path=name, sha256=hashlib.sha256(name.encode()).hexdigest(), label=label)


def tail_of(counts: dict[str, int], **more: Any) -> TailJobs:
    train = [source(label, number) for label, count in counts.items() for number in range(count)]
    return TailJobs(
        Profile(counts, THRESHOLDS["livt"]), train, lambda label: f"A photo of a {label}", "model@1", **more
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
    for augmentation in choose(
        [AugmentationName.IMG2IMG_L, AugmentationName.IMG2IMG_H, AugmentationName.TXT2IMG, AugmentationName.GENIE], []
    ):
        jobs = tail.jobs(augmentation)
        assert Counter(job.target for job in jobs) == wanted
        assert len({job.id for job in jobs}) == len(jobs)
        for job in jobs:
            own = job.source.label == job.target if job.source else None
            assert own is {"img2img": True, "txt2img": None, "genie": False}[job.method.value]
    assert tail.jobs(Augmentation(AugmentationName.NONE)) == []


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


def test_groups_are_means_of_per_class_accuracies() -> None:
    profile = Profile({"a": 1000, "b": 200, "c": 60, "d": 10, "e": 5}, THRESHOLDS["livt"])
    accuracy = {"a": 0.9, "b": 0.7, "c": 0.6, "d": 0.2, "e": 0.4}
    assert by_group(accuracy, profile) == pytest.approx({"many": 0.8, "med": 0.6, "few": 0.3, "overall": 0.56})
    without = by_group({"a": 1.0, "d": 0.0}, Profile({"a": 1000, "d": 10}, THRESHOLDS["livt"]))
    assert without == {"many": 1.0, "few": 0.0, "overall": 0.5}


def test_the_interval_of_three_seeds_is_student_s() -> None:
    # mean 2, deviation 1, t(.975, 2) = 4.302653
    found = estimate_of_few([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.half_width == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert estimate_of_few([4.0]).half_width == 0


def test_the_paper_s_rows_stand_beside_its_own_data_set_and_network_only() -> None:
    assert paper.longtail("imagenet-lt", "vit_base_patch16_224", "genie r=0.8") == (74.46, 56.71, 50.85, 62.80)
    assert paper.longtail("imagenet-lt", "vit_base_patch16_224", "none") == (73.6, 56.4, 41.0, 60.9)
    assert paper.longtail("imagenet-lt", "vit_base_patch16_224", "genie r=0.7") is None
    assert paper.longtail("digits", "vit_base_patch16_224", "none") is None
    assert paper.longtail("imagenet-lt", "resnet50", "none") is None


def test_three_ways_give_one_result(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, *IMAGES)
    in_one_go = genie(*words, *QUICK, "--out", "one-go")
    assert in_one_go.exit_code == 0, in_one_go.stderr
    assert "Few" in in_one_go.stderr
    assert genie(*words, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    generated = genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png")
    assert generated.exit_code == 0, generated.stderr
    by_pipe = genie(*words, "--manifest", "-", "--out", "by-pipe", stdin=generated.stdout)
    assert by_pipe.exit_code == 0, by_pipe.stderr
    assert records(by_pipe.stdout) == records(in_one_go.stdout)
    assert (tmp_path / "by-pipe/results.jsonl").read_text() == in_one_go.stdout
    rows = [row for row in records(in_one_go.stdout) if row["seed"] is None]
    assert [(row["augmentation"], row["added"], row["seeds"]) for row in rows] == [
        ("none", 0, 2),
        ("img2img-l", 6, 2),
        ("txt2img", 6, 2),
        ("genie r=0.8", 6, 2),
    ]
    for row in rows:
        own = [
            r for r in records(in_one_go.stdout) if r["augmentation"] == row["augmentation"] and r["seed"] is not None
        ]
        assert row["overall"] == pytest.approx(sum(r["overall"] for r in own) / 2, abs=1e-3)
    assert load_file(tmp_path / "one-go/trainings/none-seed-0/network.safetensors")["head.weight"].shape == (5, 64)


def test_what_was_trained_is_not_trained_again_and_other_settings_are_refused(
    genie: Genie, photos: Path, tmp_path: Path
) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "none", "--out", "out")
    first = genie(*words)
    assert first.exit_code == 0, first.stderr
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "out/trainings").rglob("*.*")}
    again = genie(*words)
    assert again.stdout == first.stdout
    assert {file: file.stat().st_mtime_ns for file in files} == files
    other = genie(*words, "--loss", "bce")
    assert other.exit_code == 1
    assert "loss: 'bal-bce' -> 'bce'" in other.stderr
    assert "give this run another --out" in other.stderr
    assert {file: file.stat().st_mtime_ns for file in files} == files


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--augment", "weak"), "there is no such augmentation"),
        (("--augment", "none", "--r", "0.5"), "genie is not among --augment"),
        (("--augment", "none", "--backbone", "digits"), "choose GeNIe's sources, and genie is not among --augment"),
        (("--per-class", 3, "--fill-to", 9), "leave out --per-class"),
        (("--epochs", 2, "--warmup-epochs", 2), "leaves none of --epochs 2 after it"),
        (("--edges", "20,100"), "'20,100'"),
        (("--network", "vit_base_patch16_22"), "did you mean vit_base_patch16_224"),
        (("--batch", 4096), "a batch of 4096 is more than the 1242 training images"),
        (("--gradient-accumulation-steps", 3), "cannot be split into 3 micro-batches"),
        (("--randaugment", "m9-bogus3"), "--randaugment: string should match pattern"),
        (("--seeds", "1,2,1"), "a seed stands there twice"),
        (("--device", "cuda:7"), "device 'cuda:7' cannot be used"),
        (("--device", "cpu", "--precision", "float16"), "--precision float16 needs a GPU"),
        (("--soft-labels",), "--soft-labels takes the oracle's labels from a manifest"),
        (("--lists", "."), "--lists goes with --dataset imagenet-lt"),
        (("--dataset", "imagenet-lt"), "needs --data-dir FOLDER"),
        (("--mean", "0.5,0.5"), "--mean"),
        (("--fill-to", 5), "no class needs images"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_made(
    genie: Genie, tmp_path: Path, words: tuple[object, ...], message: str
) -> None:
    refused = genie("longtail", *words, "--out", "out")
    assert refused.exit_code == (1 if "--device cuda" in " ".join(map(str, words)) else 2), refused.stderr
    assert message in " ".join(refused.stderr.split())
    assert not (tmp_path / "out").exists()


def test_an_image_that_is_missing_is_named(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "genie", *CONFUSED)
    assert genie(*words, *QUICK, "--per-class", 2, "--plan-out", "plan.jsonl").exit_code == 0
    assert genie("generate", "--plan", "plan.jsonl", "--out", "made", "--limit", 3).exit_code == 0
    lacking = genie(*words, "--per-class", 2, "--manifest", "made/manifest.jsonl", "--out", "out")
    assert lacking.exit_code == 2
    assert "1 generated images that are needed are not in the manifests" in lacking.stderr
    assert "genie at r = 0.8" in lacking.stderr


def test_the_oracle_s_word_is_taken(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", "--per-class", 4)
    assert genie(*words, "--model", "digits", "--steps", 2, "--plan-out", "plan.jsonl").exit_code == 0
    made = genie("generate", "--plan", "plan.jsonl", "--steps", 2, "--out", "made", "--format", "png")
    assert made.exit_code == 0, made.stderr
    judged = genie("oracle", "-", "--soft-labels", "--min-confidence", 0.6, stdin=made.stdout)
    accepted = sum(row["oracle"]["accepted"] for row in records(judged.stdout)[1:])
    assert 0 < accepted < 8
    hard = genie(*words, "--manifest", "-", "--out", "hard", stdin=judged.stdout)
    soft = genie(*words, "--manifest", "-", "--out", "soft", "--soft-labels", stdin=judged.stdout)
    assert soft.exit_code == 0, soft.stderr
    assert records(hard.stdout)[0]["added"] == accepted
    assert records(hard.stdout)[0]["rejected"] == pytest.approx((8 - accepted) / 8, abs=1e-4)
    weights = [load_file(tmp_path / out / "trainings/txt2img-seed-0/network.safetensors") for out in ("hard", "soft")]
    assert any(not weights[0][key].equal(weights[1][key]) for key in weights[0])
    without = genie(*words, "--manifest", "made/manifest.jsonl", "--soft-labels", "--out", "none")
    assert "has no soft label" in without.stderr


def test_a_confusion_file_decides_the_sources(genie: Genie, photos: Path, tmp_path: Path) -> None:
    labels = sorted(COUNTS)
    matrix = [[9 if row == column else 0 for column in labels] for row in labels]
    matrix[labels.index("three")][labels.index("zero")] = 2
    document = {"kind": "genie.confusion", "schema": 1, "labels": labels, "matrix": matrix}
    (tmp_path / "confusion.json").write_text(json.dumps(document))
    words = (
        "longtail",
        *FOLDER[:-2],
        *TRAINED,
        "--augment",
        "genie",
        "--per-class",
        4,
        "--confusion",
        "confusion.json",
    )
    planned = genie(*words, *QUICK, "--plan-out", "-")
    assert planned.exit_code == 0, planned.stderr
    assert "four was never mistaken: its sources are of any other class" in planned.stderr
    jobs = [Job.model_validate(row) for row in records(planned.stdout)[1:]]
    assert {job.source.label for job in jobs if job.source and job.target == "three"} == {"zero"}
    assert len({job.source.label for job in jobs if job.source and job.target == "four"}) > 1


def test_the_digits_keep_their_recipe_beside_a_whole_settings_file(genie: Genie, tmp_path: Path) -> None:
    assert genie("init").exit_code == 0
    told = genie("longtail", "--augment", "none", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert "test_resnet starts from random weights" in told.stderr
    assert "of 64 images" in told.stderr


def test_a_number_on_the_command_line_beats_filling_up_in_the_file(genie: Genie, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "genie.toml").write_text("[longtail]\nfill_to = 9\n")
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", *QUICK, "--plan-out", "-")
    assert len(records(genie(*words).stdout)) == 1 + 2 * 7
    assert len(records(genie(*words, "--per-class", 3).stdout)) == 1 + 2 * 3


def test_the_matrix_that_chose_the_sources_is_kept_and_can_be_given(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "genie", "--per-class", 2, *QUICK)
    first = genie(*words, *CONFUSED, "--out", "first")
    assert first.exit_code == 0, first.stderr
    second = genie(*words, "--confusion", "first/confusion.json", "--out", "second")
    assert second.stdout == first.stdout


def test_what_is_tested_on_counts_too(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "none", "--out", "out")
    assert genie(*words).exit_code == 0
    next((tmp_path / "photos/test/zero").iterdir()).unlink()
    changed = genie(*words)
    assert changed.exit_code == 1
    assert "  test: " in changed.stderr


def test_a_picture_that_is_gone_is_named_whoever_reads_it(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", "--per-class", 2, "--workers", 2)
    assert genie(*words, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    assert genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png").exit_code == 0
    lost = next((tmp_path / "made/train").rglob("*.png"))
    lost.unlink()
    told = genie(*words, "--manifest", "made/manifest.jsonl", "--out", "out")
    assert told.exit_code == 1
    assert f"{lost.name}: cannot be read: No such file or directory" in told.stderr


def test_two_processes_say_everything_once(photos: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "-m", "genie_cli"]
    words = ["longtail", *map(str, FOLDER), *map(str, TRAINED), "--augment", "none", "--device", "cpu", "--out", "out"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}

    def told() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    first = told()
    assert first.returncode == 0, first.stderr
    assert [row["seed"] for row in records(first.stdout)] == [0, 1, None]
    assert first.stderr.count("starts from random weights") == 1
    assert told().stdout == first.stdout  # all had ended


def test_a_dry_run_with_images_prices_the_trainings(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", "--per-class", 2)
    assert genie(*words, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    assert genie("generate", "--plan", "plan.jsonl", "--out", "made").exit_code == 0
    told = genie(*words, "--manifest", "made/manifest.jsonl", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert "in all, of 8 images" in " ".join(told.stderr.split())
    assert told.stdout == ""


def test_a_dry_run_says_what_it_would_take_and_leaves_nothing(genie: Genie, photos: Path, tmp_path: Path) -> None:
    told = genie("longtail", *FOLDER, *TRAINED, *IMAGES, *QUICK, "--out", "out", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert len(records(told.stdout)) == 1 + 18  # in a pipe, the plan
    # 29 real images are 3 batches of 8, with 6 more they are 4; 2 epochs, 2 seeds, and three augmentations that add.
    assert f"{2 * 2 * (3 + 3 * 4)} in all, of 8 images" in " ".join(told.stderr.split())
    assert "GiB on cpu" in told.stderr
    assert not (tmp_path / "out").exists()
