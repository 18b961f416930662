"""A person's own small data set: a drawn test split, and a batch and a network that fit."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from genie_cli.config import Settings
from genie_cli.data.digits.paint import DigitsInTheWild
from genie_cli.longtail.small import NETWORK, fitted
from genie_cli.observer import Observer
from tests.conftest import Genie

SHORT = ("--network", "test_vit", "--epochs", 2, "--warmup-epochs", 1, "--seeds", "0", "--num-workers", 0)


class Listener(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def found(self, message: str) -> None:
        self.heard.append(message)


@pytest.mark.parametrize(
    ("images", "batch"), [(2, 2), (15, 2), (100, 8), (128, 16), (1000, 64), (16_383, 1024), (16_384, 2048)]
)
def test_a_batch_fills_an_epoch_eight_times(images: int, batch: int) -> None:
    listener = Listener()
    recipe = fitted(Settings(), images, listener, has_checkpoint=False).longtail
    assert recipe.batch == batch
    assert (recipe.network == NETWORK, bool(listener.heard)) == (images < 16_384, images < 16_384)


def test_what_anybody_has_set_stays() -> None:
    for setting in ({"network": "vit_tiny_patch16_224"}, {"batch": 4}, {"layer_decay": 0.5}):
        recipe = fitted(Settings.model_validate({"longtail": setting}), 100, Observer(), has_checkpoint=False).longtail
        assert setting.items() <= recipe.model_dump().items()
    own = Settings.model_validate({"longtail": {"network": "test_vit", "batch": 4}})
    listener = Listener()
    assert fitted(own, 100, listener, has_checkpoint=False) == own
    assert listener.heard == []
    assert fitted(Settings(), 100, listener, has_checkpoint=True).longtail.network == Settings().longtail.network


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Classes of 12, 6 and 1 images, without a test split."""
    for number, count in enumerate((12, 6, 1)):
        DigitsInTheWild("train").save_samples(tmp_path / "flat", range(number, 10 * count, 10))
    return tmp_path / "flat"


def test_a_flat_folder(genie: Genie, flat: Path, tmp_path: Path) -> None:
    words = ("longtail", "--dataset", "folder", "--data-dir", flat, *SHORT, "--augment", "none", "--thresholds", "8,8")
    refused = genie(*words)
    assert refused.exit_code == 1
    assert "--test-share 0.2" in refused.stderr
    run = genie(*words, "--test-share", 0.25, "--split-seed", 3, "--out", "out")
    assert run.exit_code == 0, run.stderr
    told = " ".join(run.stderr.split())
    assert "classes with a single image, which cannot be both trained and tested on: two" in told
    assert "13 training images are few for LiVT's recipe: test_vit is trained in batches of 2" in told
    text = (tmp_path / "out/split.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert sorted((row["split"], row["label"]) for row in rows) == sorted(
        [("train", "zero")] * 9 + [("test", "zero")] * 3 + [("train", "one")] * 4 + [("test", "one")] * 2
    )
    records = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    assert {record["split"] for record in records} == {hashlib.sha256(text.encode()).hexdigest()}
    again = genie(*words, "--test-share", 0.25, "--split-seed", 3, "--out", "out")
    assert again.exit_code == 0, again.stderr
    assert again.stdout == run.stdout


def test_a_flat_folder_in_episodes(genie: Genie, flat: Path, tmp_path: Path) -> None:
    words = ("finegrained", "--dataset", "folder", "--data-dir", flat, "--backbone", "digits", "--augment", "none")
    run = genie(*words, "--ways", 2, "--episodes", 2, "--test-share", 0.25, "--out", "out")
    assert run.exit_code == 0, run.stderr
    assert (tmp_path / "out/split.csv").read_text().startswith("split,label,path,sha256\n")
    assert genie("fewshot", "--dataset", "folder", "--data-dir", flat, "--test-share", 0.25).exit_code == 2
