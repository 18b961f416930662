"""What is broken, or was left by a killed process, is said, and the run does what a whole one would have done."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from genie_cli.files.writing import _prefix
from tests.conftest import Genie, tree
from tests.longtail.test_longtail import FOLDER

TRAINED = ("--network", "test_vit", "--epochs", 2, "--warmup-epochs", 1, "--batch", 8, "--seeds", 0)
NONE = ("longtail", *FOLDER, *TRAINED, "--num-workers", 0, "--augment", "none")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes with ten, five and two training images."""
    root = tmp_path / "photos"
    for number, count in enumerate((10, 5, 2)):
        DigitsInTheWild("train").save_samples(root / "train", range(number, 10 * count, 10))
        DigitsInTheWild("test").save_samples(root / "test", range(number, 20, 10))
    return root


class TestImages:
    def test_ones_own_broken_images_are_left_out(self, genie: Genie, photos: Path) -> None:
        broken = [next((photos / split / "zero").iterdir()) for split in ("train", "test")]
        for path in broken:
            path.write_bytes(path.read_bytes()[:70])
        done = genie(*NONE, "--out", "with")
        assert done.exit_code == 0, done.stderr
        for path in broken:
            assert f"left out: {path.relative_to(photos)} is truncated" in done.stderr
            path.unlink()
        assert genie(*NONE, "--out", "without").stdout == done.stdout

    def test_a_class_without_a_whole_test_image_is_named(self, genie: Genie, photos: Path) -> None:
        for path in (photos / "test/one").iterdir():
            path.write_bytes(b"")
        refused = genie(*NONE, "--out", "out")
        assert refused.exit_code == 1
        assert "class 'one' has no test image that can be used: " in refused.stderr

    @pytest.mark.parametrize("workers", [0, 2])
    def test_a_generated_image_that_has_gone_is_named_with_the_command(
        self, genie: Genie, photos: Path, tmp_path: Path, workers: int
    ) -> None:
        words = ("longtail", *FOLDER, *TRAINED, "--augment", "txt2img", "--per-class", 1, "--num-workers", workers)
        quick = ("--model", "digits", "--steps", 2, "--slots", 2)
        assert genie(*words, *quick, "--plan-out", "plan.jsonl").exit_code == 0
        assert genie("generate", "--plan", "plan.jsonl", "--steps", 2, "--slots", 2, "--out", "made").exit_code == 0
        lost = next((tmp_path / "made/train").rglob("*.jpg"))
        lost.unlink()
        told = genie(*words, "--manifest", "made/manifest.jsonl", "--out", "out")
        assert told.exit_code == 1
        assert f"{lost.name}: cannot be read: No such file or directory" in told.stderr
        assert "make it again: genie generate --plan=made --model=digits --steps=2" in told.stderr


class TestTrainings:
    @pytest.fixture
    def done(self, genie: Genie, photos: Path, tmp_path: Path) -> str:
        first = genie(*NONE, "--out", "out")
        assert first.exit_code == 0, first.stderr
        return first.stdout

    def test_a_result_that_does_not_fit_is_measured_again(self, genie: Genie, done: str, tmp_path: Path) -> None:
        folder = tmp_path / "out/trainings/none-seed-0"
        before = tree(folder)
        content = json.loads((folder / "result.json").read_text())
        content["accuracy"] |= {CLASSES[0]: 1 - content["accuracy"][CLASSES[0]]}
        (folder / "result.json").write_text(json.dumps(content))
        again = genie(*NONE, "--out", "out")
        assert again.exit_code == 0, again.stderr
        assert "warning: out/trainings/none-seed-0/result.json does not fit its SHA-256" in again.stderr
        assert (again.stdout, tree(folder)) == (done, before)

    def test_what_killed_processes_left_is_cleared(self, genie: Genie, done: str, tmp_path: Path) -> None:
        """Also beside files that are not written again."""
        folder = tmp_path / "out/trainings/none-seed-0"
        before = tree(folder)
        for name in ("state.pt", "network.safetensors", "result.json"):
            (folder / f"{_prefix(folder / name)}{'0' * 32}").write_bytes(b"half")
        (folder / "state.pt").write_bytes(b"of the last epoch")  # killed just after the result had been written
        assert genie(*NONE, "--out", "out").stdout == done
        assert tree(folder) == before

    @pytest.mark.parametrize("place", ["trainings", "trainings/none-seed-0"])
    @pytest.mark.parametrize("kind", ["a link", "a file"])
    def test_what_is_in_the_way_is_named(
        self, genie: Genie, photos: Path, tmp_path: Path, place: str, kind: str
    ) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "out" / place).parent.mkdir(parents=True)
        if kind == "a link":
            (tmp_path / "out" / place).symlink_to(tmp_path / "theirs")
        else:
            (tmp_path / "out" / place).write_text("mine")
        refused = genie(*NONE, "--out", "out")
        assert refused.exit_code == 1
        assert f"out/{place} is {kind}, not a folder of genie's" in refused.stderr
        assert list((tmp_path / "theirs").iterdir()) == []

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_what_cannot_be_written_is_named_and_the_same_command_goes_on(
        self, genie: Genie, done: str, tmp_path: Path
    ) -> None:
        folder = tmp_path / "out/trainings/none-seed-0"
        (folder / "result.json").unlink()
        folder.chmod(0o500)
        refused = genie(*NONE, "--out", "out")
        assert refused.exit_code == 1
        assert "state.pt: Permission denied" in refused.stderr
        folder.chmod(0o700)
        assert genie(*NONE, "--out", "out").stdout == done
