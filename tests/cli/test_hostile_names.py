"""Every message, table and line of every command, with names that would act on a terminal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import Result

from genie_cli import manifest, provenance
from genie_cli.config import Format
from tests.cli.test_printable import acts
from tests.conftest import Genie

# Sets the title, writes the clipboard, clears the screen, writes from right to left, and begins a line of its own.
NAME = "\x1b]0;x\x07\x1b]52;c;aGk=\x07\x9b2J\u202e[red]a[/nothing]\nerror: \u2066\u200fb\x7f"
FILE = NAME.replace("/", "")  # as the name of a file or a variable may be
SMALL = ("--ways", "2", "--shots", "1", "--queries", "1", "--episodes", "2", "--backbone", "digits", "--out", "few")


def checked(result: Result) -> Result:
    assert "fault of genie" not in result.stderr
    for line in (result.stdout + result.stderr).split("\n"):
        assert not acts(line), line
        assert line != "error: \u2066\u200fb\x7f"
    return result


@pytest.fixture
def hostile(photos: Path) -> Path:
    """A folder of images whose own name, and that of one class and one image, are hostile."""
    for label in ("zero", "two", "four", "six", "nine"):
        shutil.rmtree(photos / label)
    for folder in photos.iterdir():
        (image,) = folder.iterdir()
        for number in range(3):
            (folder / f"{number}{FILE}.png").write_bytes(image.read_bytes() + bytes(number))
        image.unlink()
    (photos / "one").rename(photos / FILE)
    (photos / f"{FILE}.txt").write_text("no image")
    return photos.rename(photos.with_name(FILE))


def test_images_are_made_judged_and_measured(genie: Genie, hostile: Path, tmp_path: Path) -> None:
    out = tmp_path / f"out{FILE}"
    words = ("--src-dir", hostile, "--targets", "three", "--out", out, "--slots", "2", "--r", "1", "--per-target", "3")
    made = checked(genie("generate", *words, "--prompt", "a {target}\x1b[2J[/x]\u202e"))
    assert made.exit_code == 0, made.stderr
    assert checked(genie("generate", *words, "--prompt", "a {target}", "--guidance", "3")).exit_code == 1
    checked(genie("status", out))
    (out / "manifest.jsonl").unlink()
    assert checked(genie("generate", *words)).exit_code == 1
    assert checked(genie("status", out, "--rebuild")).exit_code == 0
    (image, *_) = out.glob("train/three/*.jpg")
    (image.parent / f"{0:020x}.jpg").write_bytes(image.read_bytes())
    image.unlink()
    checked(genie("status", out, "--check"))
    (out / "manifest.jsonl").write_text("")
    checked(genie("status", out, "--rebuild"))
    checked(genie("generate", *words, "--dry-run"))
    assert checked(genie("oracle", out, "--out", tmp_path / f"judged{FILE}")).exit_code == 0
    assert checked(genie("oracle", out)).exit_code == 0
    judged = tmp_path / f"judged{FILE}"
    near = ("--held-out", hostile, "--distinct", "--backbone", "digits")
    assert checked(genie("select", judged, *near, "--out", tmp_path / f"selected{FILE}")).exit_code == 0
    assert checked(genie("select", judged, "--verdict", "hard", "--per-target", "1")).exit_code == 0
    (image, *_) = out.glob("train/three/*.jpg")
    assert checked(genie("explain", image)).exit_code == 0
    assert checked(genie("explain", image, "--json")).exit_code == 0
    few = ("fewshot", "--dataset", "folder", "--data-dir", hostile, "--augment", "none", *SMALL)
    assert checked(genie(*few)).exit_code == 0
    checked(genie(*few, "--manifest", tmp_path / NAME))


def test_confusions(genie: Genie, hostile: Path, tmp_path: Path) -> None:
    words = ("--src-dir", hostile, "--backbone", "digits", "--folds", "2", "--out", tmp_path / f"{FILE}.json")
    assert checked(genie("confuse", *words)).exit_code == 0
    again = ("--src-dir", hostile, "--targets", FILE, "--confusion", tmp_path / f"{FILE}.json")
    assert checked(genie("generate", *again)).exit_code in (1, 2)


def test_a_hostile_record(genie: Genie, hostile: Path, tmp_path: Path) -> None:
    genie("generate", "--src-dir", hostile, "--targets", "three", "--r", "1", "--per-target", "1", "--out", "made")
    with manifest.opened(tmp_path / "made") as document:
        (row, *_) = document.rows()
    job = row.job.model_copy(update={"prompt": NAME, "model": f"{NAME}/{NAME}@{NAME}", "target": NAME})
    import numpy as np

    image = provenance.encode(np.zeros((8, 8, 3), np.uint8), Format.PNG, job, {"model": NAME, NAME: NAME, "steps": 2})
    (tmp_path / "record.png").write_bytes(image)
    checked(genie("explain", "record.png"))


@pytest.mark.parametrize(
    "words",
    [
        (NAME,),
        (f"--{NAME}",),
        ("generate", f"--{NAME}"),
        ("generate", "--src-dir", NAME, "--targets", "three"),
        ("generate", "--src-dir", ".", "--targets", f"@{NAME}"),
        ("generate", "--src-dir", ".", "--targets", "three", "--r", NAME),
        ("generate", "--src-dir", ".", "--targets", "three", "--shard", NAME),
        ("generate", "--model", NAME, "--src-dir", ".", "--targets", "three"),
        ("generate", "--plan", NAME),
        ("generate", "--config", NAME, "--src-dir", "."),
        ("oracle", NAME),
        ("oracle", ".", "--oracle", NAME, "--checkpoint", NAME),
        ("select", NAME),
        ("select", ".", "--keep", NAME, "--verdict", NAME),
        ("select", ".", "--hardness", NAME),
        ("explain", NAME),
        ("status", NAME),
        ("status", NAME, "--rebuild"),
        ("confuse", "--from-logits", NAME, "--true", NAME, "--classes", NAME),
        ("confuse", "--src-dir", NAME, "--backbone", NAME, "--checkpoint", NAME),
        ("fewshot", "--dataset", NAME),
        ("fewshot", "--dataset", "mini", "--data-dir", NAME, "--backbone", "digits"),
        ("fewshot", "--augment", NAME, "--episode-list", NAME),
        ("fewshot", "--backbone", f"local-dir:{NAME}"),
        ("finegrained", "--dataset", "cub", "--data-dir", NAME),
        ("longtail", "--dataset", "folder", "--data-dir", NAME, "--network", NAME),
        ("longtail", "--randaugment", NAME, "--thresholds", NAME),
        ("doctor", "--out", NAME),
        ("init", "--out", f"{NAME}/x"),
        ("config", "--prompt", "{target}" + NAME, "--superclass", NAME),
    ],
    ids=" ".join,
)
def test_what_is_typed_comes_back_printable(genie: Genie, words: tuple[str, ...]) -> None:
    checked(genie(*words))


def test_names_of_variables_and_keys(genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "genie.toml").write_text(
        f"[generate]\nprompt = {json.dumps('{target} ' + NAME)}\n{json.dumps(NAME)} = 1\n".replace("\x7f", "\\u007f")
    )
    checked(genie("config"))
    monkeypatch.setenv(f"GENIE_{FILE}".replace("=", ""), "1")
    checked(genie("config"))
