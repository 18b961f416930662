"""`genie finegrained`: learned from training images, tested on all test images, and every method has as many."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genie_cli.cli import _episodes
from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.data.folder import scan
from genie_cli.fewshot.results import Records
from genie_cli.fewshot.task import FINEGRAINED
from tests.conftest import Genie
from tests.data.trees import CUB_TEST, CUB_TRAIN, put_aircraft, put_cub
from tests.fewshot.test_results import a_record

WAYS = 3
FOLDER = ("--dataset", "folder", "--data-dir", "photos", "--backbone", "digits", "--ways", WAYS, "--episodes", 2)
GENERATIVE = ("--augment", "weak,img2img-h,txt2img,genie", "--superclass", "digit")
QUICK = ("--model", "digits", "--steps", 4, "--slots", 4)


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def prompts(plan: str) -> set[str]:
    return {json.loads(line)["prompt"] for line in plan.splitlines()[1:]}


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """`photos`: train with two images of each class, test with one to three."""
    root = tmp_path / "photos"
    DigitsInTheWild("val").save(root / "train", per_class=2)
    DigitsInTheWild("test").save(root / "test", per_class=3)
    for number, folder in enumerate(sorted((root / "test").iterdir())):
        for extra in sorted(folder.iterdir())[1 + number % 3 :]:
            extra.unlink()
    return root


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """`cub`: CUB-200-2011 with two of its classes, in its own layout, with pictures."""
    put_cub(tmp_path / "cub", images=False)
    rng = np.random.default_rng(0)
    for path, _ in (*CUB_TRAIN, *CUB_TEST):
        file = tmp_path / "cub/images" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(file)
    return tmp_path / "cub"


def test_three_ways_give_one_result(genie: Genie, splits: Path) -> None:
    words = ("finegrained", *FOLDER, *GENERATIVE)
    in_one_go = genie(*words, *QUICK, "--out", "one-go")
    assert in_one_go.exit_code == 0, in_one_go.stderr
    assert genie(*words, *QUICK, "--plan-out", "plan.jsonl").exit_code == 0
    generated = genie("generate", "--plan", "plan.jsonl", "--out", "made", "--format", "png")
    assert generated.exit_code == 0, generated.stderr
    images = ("finegrained", *FOLDER, *GENERATIVE[:2])
    by_file = genie(*images, "--manifest", "made/manifest.jsonl", "--out", "by-file")
    by_pipe = genie(*images, "--manifest", "-", "--out", "by-pipe", stdin=generated.stdout)
    assert records(by_file.stdout) == records(by_pipe.stdout) == records(in_one_go.stdout)
    added = {record["augmentation"]: record["added"] for record in records(in_one_go.stdout)}
    assert added == {"weak": 0, "img2img-h": WAYS - 1, "txt2img": WAYS - 1, "genie r=0.8": WAYS - 1}
    listed = "one-go/episodes-3-way-1-shot.jsonl"
    short = ("--dataset", "folder", "--data-dir", splits, "--backbone", "digits", *GENERATIVE[:2])
    again = genie("finegrained", *short, "--manifest", "made/manifest.jsonl", "--episode-list", listed)
    assert records(again.stdout) == records(in_one_go.stdout)


def test_queries_are_all_test_images_and_support_is_from_the_training_images(
    genie: Genie, splits: Path, tmp_path: Path
) -> None:
    done = genie("finegrained", *FOLDER, "--augment", "none", "--out", "out")
    assert done.exit_code == 0, done.stderr
    train, test = (scan(splits / split).sources for split in ("train", "test"))
    head, *rows = records((tmp_path / "out/episodes-3-way-1-shot.jsonl").read_text())
    assert (head["dataset"], head["queries"], len(rows)) == ("folder", 0, 2)
    for row in rows:
        for label, support, query in zip(row["classes"], row["support"], row["query"], strict=True):
            assert {head["images"][i] for i in support} < {s.sha256 for s in train if s.label == label}
            assert {head["images"][i] for i in query} == {s.sha256 for s in test if s.label == label}


@pytest.mark.parametrize("augment", ["weak", "strong", "genie", "genie-ada", "none"])
def test_every_classifier_learns_from_as_many_images(genie: Genie, splits: Path, tmp_path: Path, augment: str) -> None:
    """Seen in the features that were kept: random views only where nothing is generated, ways - 1 of each image."""
    words = ("finegrained", *FOLDER, *QUICK, "--augment", augment, "--superclass", "digit", "--out", "out")
    done = genie(*words, cache=tmp_path / "cache")
    assert done.exit_code == 0, done.stderr
    (file,) = (tmp_path / "cache/genie/features").glob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        keys = [key for (key,) in connection.execute("SELECT key FROM features_2")]
    head, *rows = records((tmp_path / "out/episodes-3-way-1-shot.jsonl").read_text())
    shown = {head["images"][i] for row in rows for part in row["support"] for i in part}
    views = {(key.partition(":")[0], key.rpartition(":")[2]) for key in keys if ":" in key}
    random = augment in ("weak", "strong")
    assert views == {(digest, str(turn)) for digest in shown for turn in range(WAYS - 1) if random}
    candidates = {"genie": 1, "genie-ada": 5}.get(augment, 0)
    made = [hashlib.sha256(image.read_bytes()).hexdigest() for image in (tmp_path / "out").rglob("*.png")]
    assert set(keys) >= shown | set(made)
    assert len(made) == len(rows) * WAYS * (WAYS - 1) * candidates
    assert records(done.stdout)[0]["added"] == (WAYS - 1 if candidates else 0)


@pytest.mark.parametrize("augment", ["cutmix", "mixup"])
def test_mixtures_beside_the_images_themselves(genie: Genie, splits: Path, augment: str) -> None:
    done = genie("finegrained", *FOLDER, "--augment", augment, "--shots", "1,2")
    assert done.exit_code == 0, done.stderr
    assert [record["shots"] for record in records(done.stdout)] == [1, 2]


def test_birds_in_their_own_layout(genie: Genie, birds: Path) -> None:
    words = ("finegrained", "--dataset", "cub", "--data-dir", "cub", "--ways", 2, "--episodes", 3)
    refused = genie(*words, "--backbone", "digits", "--augment", "weak")
    assert refused.exit_code == 1
    assert "expected 5994 training images" in refused.stderr
    done = genie(*words, "--backbone", "digits", "--augment", "weak", "--partial")
    assert done.exit_code == 0, done.stderr
    assert "2 of the published 200 classes, 2 of 5994 training and 3 of 5794 test images" in done.stderr
    (record,) = records(done.stdout)
    assert (record["queries"], record["classifier"], record["paper"]) == (0, "svm", None)
    # Three test images in all, so the accuracies are thirds.
    assert round(record["accuracy"] * 3 * 3 / 100, 3) in range(10)


def test_prompts_say_what_the_classes_are_a_type_of(genie: Genie, birds: Path, open_model: Path) -> None:
    words: tuple[object, ...]
    words = ("finegrained", "--dataset", "cub", "--data-dir", "cub", "--partial", "--ways", 2, "--plan-out", "-")
    words = (*words, "--model", open_model)
    names = ("Black footed Albatross", "Laysan Albatross")
    assert prompts(genie(*words).stdout) == {f"A photo of a {name}, a type of bird" for name in names}
    other = genie(*words, "--superclass", "seabird").stdout
    assert prompts(other) == {f"A photo of a {name}, a type of seabird" for name in names}
    assert prompts(genie(*words, "--superclass", "").stdout) == {f"A photo of a {name}" for name in names}
    Path("genie.toml").write_text('[generate]\nsuperclass = "animal"')
    assert prompts(genie(*words).stdout) == {f"A photo of a {name}, a type of animal" for name in names}


def test_the_bundled_model_draws_no_birds(genie: Genie, birds: Path) -> None:
    words: tuple[object, ...]
    words = ("finegrained", "--dataset", "cub", "--data-dir", "cub", "--partial", "--ways", 2, "--backbone", "digits")
    refused = genie(*words, *QUICK)
    assert refused.exit_code == 2
    assert "the bundled model digits cannot draw 'Black footed Albatross', 'Laysan Albatross'" in refused.stderr


def test_aircraft_says_both_numbers_of_classes(genie: Genie, tmp_path: Path, open_model: Path) -> None:
    put_aircraft(tmp_path / "data")
    for number, path in enumerate(sorted(tmp_path.rglob("*.jpg"))):
        Image.fromarray(DigitsInTheWild()[number].image).save(path, "PNG")
    words = ("--dataset", "aircraft", "--data-dir", ".", "--partial", "--ways", 3, "--plan-out", "-")
    planned = genie("finegrained", *words, "--model", open_model)
    assert "3 of the published 30 classes (the paper says 41)" in planned.stderr
    assert "A photo of a Boeing, a type of aircraft" in prompts(planned.stdout)


def test_the_digits_have_five_classes_that_their_encoder_does_not_know(genie: Genie) -> None:
    planned = genie("finegrained", "--plan-out", "-", "--augment", "genie", "--episodes", 2)
    assert planned.exit_code == 0, planned.stderr
    assert prompts(planned.stdout) == {f"A photo of a {name}, a type of digit" for name in CLASSES[5:]}
    assert "5-way, not 20: the digits' encoder was trained on the other five classes" in planned.stderr
    refused = genie("finegrained", "--ways", 6, "--augment", "none")
    assert refused.exit_code == 1
    assert "fewer: --ways 5" in refused.stderr


def test_twenty_ways_need_twenty_classes(genie: Genie, splits: Path, tmp_path: Path) -> None:
    refused = genie("finegrained", *FOLDER[:6], *QUICK)
    assert refused.exit_code == 1
    assert "20-way episodes need 20 classes" in refused.stderr
    assert "fewer: --ways 10" in refused.stderr
    assert not (tmp_path / "genie-finegrained").exists()


def test_a_training_image_is_no_test_image(genie: Genie, splits: Path, tmp_path: Path) -> None:
    leaked = sorted((splits / "train/three").iterdir())[0]
    shutil.copy(leaked, splits / "test/three/leaked.png")
    shutil.copy(leaked, splits / "test/four/leaked.png")
    first = sorted((splits / "test/five").iterdir())[0]
    shutil.copy(first, splits / "test/five/again.png")
    done = genie("finegrained", *FOLDER, "--augment", "none", "--ways", 10, "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert "left out: 3 test images: the same file is a training image" in done.stderr
    head, row, _ = records((tmp_path / "out/episodes-10-way-1-shot.jsonl").read_text())
    shown, asked = ({head["images"][i] for part in row[role] for i in part} for role in ("support", "query"))
    (train,) = (s.sha256 for s in scan(splits / "train").sources if s.path == f"three/{leaked.name}")
    assert train not in asked
    assert not shown & asked


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--partial",), "--partial goes with --dataset cub, cars, food, aircraft, folder"),
        (("--dataset", "cars"), "--dataset cars needs --data-dir FOLDER"),
        (("--dataset", "folder"), "val/"),
        (("--dataset", "food", "--data-dir", "nowhere"), "nowhere"),
        (("--manifest", "m.jsonl", "--superclass", "bird"), "leave out --superclass"),
        (("--episode-list", "e.jsonl", "--ways", 4), "leave out --ways"),
        (("--queries", -1), "--queries"),
    ],
)
def test_what_makes_no_sense_is_refused(genie: Genie, tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    refused = genie("finegrained", *words, "--out", "out")
    assert refused.exit_code in (1, 2)
    assert complaint in " ".join(refused.stderr.split())
    assert not (tmp_path / "out").exists()


def test_what_else_the_paper_reports_is_told_beside_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    for dataset, said in (("cub", "92.49 and 92.52 for GeNIe"), ("aircraft", "41 classes, the data set has 30")):
        for paper in (90.34, None):
            record = a_record(dataset=dataset, backbone=f"{FINEGRAINED.backbone}@1", paper=paper)
            _episodes._show(FINEGRAINED, Records([record]), Path("out"), as_json=True)
            assert (said in " ".join(capsys.readouterr().err.split())) is (paper is not None)
