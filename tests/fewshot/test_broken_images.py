"""Broken images: one's own are left out, a benchmark's are named before hours of work, generated ones are remade."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from genie_cli.data.digits.paint import CLASSES, DigitsInTheWild
from tests.conftest import Genie

FOLDER = ("--dataset", "folder", "--data-dir", "photos", "--backbone", "digits")
SMALL = ("--shots", 1, "--ways", 3, "--queries", 3, "--episodes", 3, "--augment", "none,weak")
CUT = "is truncated, damaged or of a kind that cannot be read"


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:60])
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six photos of three classes each."""
    root = tmp_path / "photos"
    DigitsInTheWild("val").save_samples(root, (turn * 10 + label for label in range(3) for turn in range(6)))
    return root


def test_they_are_left_out_before_episodes_are_drawn(genie: Genie, photos: Path) -> None:
    broken = cut(next((photos / "one").iterdir()))
    with_it = genie("fewshot", *FOLDER, *SMALL, "--out", "with")
    assert with_it.exit_code == 0, with_it.stderr
    assert f"left out: one/{broken.name} is truncated" in with_it.stderr
    broken.unlink()
    without = genie("fewshot", *FOLDER, *SMALL, "--out", "without")
    assert "left out" not in without.stderr
    assert records(with_it.stdout) == records(without.stdout)


def test_a_class_that_has_none_left_is_named(genie: Genie, photos: Path) -> None:
    for path in (photos / "two").iterdir():
        cut(path)
    refused = genie("fewshot", *FOLDER, *SMALL)
    assert refused.exit_code == 1
    assert "class 'two' has no training image that can be used: " in refused.stderr


def test_a_list_of_episodes_is_run_with_all_of_its_images_or_not_at_all(genie: Genie, photos: Path) -> None:
    assert genie("fewshot", *FOLDER, *SMALL, "--out", "first").exit_code == 0
    words = ("fewshot", *FOLDER, "--augment", "none", "--episode-list", "first/episodes-3-way-1-shot.jsonl")
    whole = next((photos / "one").iterdir())
    content = whole.read_bytes()
    listed = json.loads(Path("first/episodes-3-way-1-shot.jsonl").read_text().splitlines()[0])["images"]
    assert len(listed) > 12
    cut(whole)
    refused = genie(*words)
    assert refused.exit_code == 2  # its content is another one now
    assert "that first/episodes-3-way-1-shot.jsonl names by their SHA-256 are not in" in refused.stderr
    whole.write_bytes(content)
    assert genie(*words).exit_code == 0


def test_a_broken_image_that_is_in_the_list_is_named(genie: Genie, photos: Path) -> None:
    """It was broken when the list was written, by another program."""
    from genie_cli.data.folder import read
    from genie_cli.fewshot.episodes import EpisodeSpec, draw, write

    broken, spec = cut(next((photos / "one").iterdir())), EpisodeSpec(ways=3, shots=1, queries=5)
    Path("list.jsonl").write_text(write(draw(read(photos), spec, 2), spec, "folder")[0])
    refused = genie("fewshot", *FOLDER, "--augment", "none", "--episode-list", "list.jsonl")
    assert refused.exit_code == 1
    assert "1 of the images that are needed cannot be used:" in refused.stderr
    assert f"{broken}: is truncated" in refused.stderr.replace("\n", "")
    assert "or leave out --episode-list" in refused.stderr


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    """A part of mini-ImageNet's test split, with a list."""
    root = tmp_path / "mini"
    (root / "images").mkdir(parents=True)
    lines = ["filename,label"]
    for number, label in enumerate(("n01930112", "n01981276", "n02099601")):
        DigitsInTheWild("val").save_samples(tmp_path / "painted", range(number, 60, 10))
        for turn, picture in enumerate(sorted((tmp_path / "painted" / CLASSES[number]).iterdir()), start=1):
            lines.append(f"{label}{turn:08}.jpg,{label}")
            picture.rename(root / "images" / f"{label}{turn:08}.jpg")
    (root / "test.csv").write_text("\n".join(lines) + "\n")
    return root


def test_a_benchmark_is_not_changed_in_silence(genie: Genie, mini: Path, tmp_path: Path) -> None:
    words = ("fewshot", "--dataset", "mini", "--data-dir", "mini", "--backbone", "digits", *SMALL[:-1], "weak,txt2img")
    broken = [cut(path) for path in sorted((mini / "images").iterdir())[:2]]
    for more in ("--plan-out", "plan.jsonl"), ("--out", "out"):
        refused = genie(*words, *more, "--queries", 5, "--model", tmp_path / "nowhere")
        assert refused.exit_code == 1
        assert "2 of the images that are needed cannot be used:" in refused.stderr
        for path in broken:
            assert f"  {path}: is truncated" in refused.stderr
        assert "put back these files as they were published; or leave them out: --partial" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "plan.jsonl").exists()
    done = genie(*words[:-1], "weak", "--partial", "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert f"left out: images/{broken[0].name} is truncated" in done.stderr


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_a_generated_image_that_is_not_what_it_was_is_made_again_by_the_command_that_is_shown(
    genie: Genie, photos: Path, tmp_path: Path, change: str
) -> None:
    words: tuple[object, ...] = ("fewshot", *FOLDER, *SMALL[:-1], "txt2img", "--classifier", "prototype")
    assert genie(*words, "--model", "digits", "--steps", 2, "--slots", 2, "--plan-out", "plan.jsonl").exit_code == 0
    made = genie(
        "generate", "--plan", "plan.jsonl", "--steps", 2, "--slots", 2, "--out", "made; $(x)", "--format", "png"
    )
    assert made.exit_code == 0, made.stderr
    words = (*words, "--manifest", "made; $(x)")
    image = sorted((tmp_path / "made; $(x)/train").rglob("*.png"))[0]
    before = image.read_bytes()
    image.unlink()
    if change == "changed":
        image.write_bytes(before[:-40])
    refused = genie(*words, "--out", "out", cache=tmp_path / "cache")
    assert refused.exit_code == 1
    assert (
        f"{image.relative_to(tmp_path)}: {'has changed' if change == 'changed' else 'cannot be read'}" in refused.stderr
    )
    *_, first, command = refused.stderr.strip().partition("make it again: ")
    assert first
    if change == "changed":
        assert "delete it, and make it again: " in refused.stderr
        image.unlink()
    _, *again = shlex.split(command)
    assert genie(*again).exit_code == 0
    assert image.read_bytes() == before
    assert genie(*words, "--out", "out", cache=tmp_path / "cache").exit_code == 0
