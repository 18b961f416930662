"""`genie longtail`: its three ways to run give one result, trainings resume, and nothing is ignored in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.jobs import Job
from genie_cli.settings import flag_of
from tests.conftest import Genie
from tests.slow import slow

COUNTS = {"zero": 12, "one": 8, "two": 5, "three": 2, "four": 2}
FOLDER = ("--dataset", "folder", "--data-dir", "photos", "--thresholds", "6,4")
CONFUSED = ("--backbone", "digits")
TRAINED = (
    *("--network", "test_vit", "--epochs", 2, "--warmup-epochs", 1, "--batch", 8, "--seeds", "0,1"),
    *("--num-workers", 0),
)
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
    assert "use another --out" in other.stderr
    assert {file: file.stat().st_mtime_ns for file in files} == files


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--augment", "weak"), "--augment: there is no augmentation 'weak'"),
        (("--augment", "none,repeat", "--r", "0.5"), "neither is among --augment"),
        (("--augment", "none", "--backbone", "digits"), "choose GeNIe's sources, and genie is not among --augment"),
        (("--per-class", 3, "--fill-to", 9), "leave out --per-class"),
        (("--epochs", 2, "--warmup-epochs", 2), "leaves none of --epochs 2 after it"),
        (("--thresholds", "20,100"), "'20,100'"),
        (("--network", "vit_base_patch16_22"), "did you mean vit_base_patch16_224"),
        (("--batch", 4096), "a batch of 4096 is more than the 1242 training images"),
        ((flag_of("longtail.gradient_accumulation_steps"), 3), "cannot be split into 3 micro-batches"),
        (
            ("--randaugment", "m9-bogus3"),
            "--randaugment: must be RandAugment in timm's notation, such as m9-mstd0.5-inc1",
        ),
        (("--seeds", "1,2,1"), "a seed is listed twice"),
        (("--device", "gpu"), "'gpu'"),
        (("--network", "foo"), "timm has no network 'foo'"),
        (("--network", "local-dir:folder"), "a training starts from a network by timm's name"),
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


def test_the_oracles_verdicts_are_used(genie: Genie, photos: Path, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("where", ["variable", "file"])
def test_ratios_from_a_variable_or_a_file_are_used(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "variable":
        monkeypatch.setenv("GENIE_R", "0.6")
    else:
        (tmp_path / "genie.toml").write_text("[generate]\nr = [0.6]\n")
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "none,genie", *CONFUSED, "--per-class", 2, *QUICK)
    planned = genie(*words, "--plan-out", "-")
    assert planned.exit_code == 0, planned.stderr
    assert {row["r"] for row in records(planned.stdout)[1:]} == {0.6}


def test_a_variable_of_another_command_does_not_conflict(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", "--per-class", 2)
    assert genie(*words, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    assert genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png").exit_code == 0
    plain = genie(*words, "--manifest", "made", "--out", "plain")
    assert plain.exit_code == 0, plain.stderr
    for name, value in {"GENIE_MODEL": "digits", "GENIE_GUIDANCE": "5", "GENIE_R": "0.5", "GENIE_FILL_TO": "9"}.items():
        monkeypatch.setenv(name, value)
    done = genie(*words, "--manifest", "made/manifest.jsonl", "--out", "done")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == plain.stdout
    for option in ("--model", "digits"), ("--guidance", 5), ("--r", 0.5):
        assert genie(*words, *option, "--manifest", "made/manifest.jsonl").exit_code == 2


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
    assert "four was never confused with another class: its sources come from all other classes" in planned.stderr
    jobs = [Job.model_validate(row) for row in records(planned.stdout)[1:]]
    assert {job.source.label for job in jobs if job.source and job.target == "three"} == {"zero"}
    assert len({job.source.label for job in jobs if job.source and job.target == "four"}) > 1


def test_the_digits_keep_their_recipe_beside_a_whole_settings_file(genie: Genie, tmp_path: Path) -> None:
    assert genie("init").exit_code == 0
    told = genie("longtail", "--augment", "none", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert "test_resnet starts from random weights" in told.stderr
    assert "of 64 images" in " ".join(told.stderr.split())


def test_a_number_on_the_command_line_overrides_filling_up_in_the_file(
    genie: Genie, photos: Path, tmp_path: Path
) -> None:
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


def test_the_bundled_model_draws_only_its_classes(genie: Genie, photos: Path) -> None:
    for split in "train", "test":
        (photos / split / "four").rename(photos / split / "lynx")
    refused = genie("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", *QUICK)
    assert refused.exit_code == 2
    assert "the bundled model digits cannot draw 'lynx'" in refused.stderr


def test_a_missing_image_is_named_by_every_reader(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", "--per-class", 2, "--num-workers", 2)
    assert genie(*words, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    assert genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png").exit_code == 0
    lost = next((tmp_path / "made/train").rglob("*.png"))
    lost.unlink()
    told = genie(*words, "--manifest", "made/manifest.jsonl", "--out", "out")
    assert told.exit_code == 1
    assert f"{lost.name}: cannot be read: No such file or directory" in told.stderr


@slow
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
    assert ", of 8 images (8 at a time per device)" in " ".join(told.stderr.split())
    assert told.stdout == ""


def test_a_dry_run_says_what_it_would_take_and_leaves_nothing(genie: Genie, photos: Path, tmp_path: Path) -> None:
    told = genie("longtail", *FOLDER, *TRAINED, *IMAGES, *QUICK, "--out", "out", "--dry-run")
    assert told.exit_code == 0, told.stderr
    assert len(records(told.stdout)) == 1 + 18  # in a pipe, the plan
    # 29 real images are 3 batches of 8, with 6 more they are 4; 2 epochs, 2 seeds, and three augmentations that add.
    assert f"optimizer steps {2 * 2 * (3 + 3 * 4)}, of 8 images" in " ".join(told.stderr.split())
    assert "GiB on cpu" in told.stderr
    assert not (tmp_path / "out").exists()
