"""`genie generate` as a person runs it: what it leaves, what it shows, and what it says about bad input."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Genie, tree
from tests.files.jpegs import with_scans
from tests.generate.command import EVERYTHING, rows


def test_makes_an_image_folder_and_a_manifest(genie: Genie, photos: Path, tmp_path: Path) -> None:
    result = genie("generate", "--src-dir", photos, *EVERYTHING, "--out", "out")
    assert result.exit_code == 0, result.output
    made = rows(tmp_path / "out")
    assert len(made) == 2 * 9 * 2
    assert {row["status"] for row in made} == {"made"}
    for row in made:
        with Image.open(tmp_path / "out" / str(row["file"])) as image:
            assert image.size == (32, 32)
    assert result.stdout.splitlines()[1:] == (tmp_path / "out/manifest.jsonl").read_text().splitlines()[1:]


def test_torchvision_and_datasets_read_it(genie: Genie, photos: Path, tmp_path: Path, open_model: Path) -> None:
    from datasets import load_dataset
    from torchvision.datasets import ImageFolder

    shutil.copytree(photos / "one", photos / "test")  # a class that looks like a split
    what = ("--src-dir", photos, "--targets", "seven,test", "--per-target", "3", "--model", open_model)
    assert genie("generate", *what, "--out", "out").exit_code == 0
    folder = ImageFolder(str(tmp_path / "out/train"))
    assert folder.classes == ["seven", "tes%74"]
    assert len(folder) == 6
    loaded = load_dataset("imagefolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    assert sorted(loaded["train"]["label"]) == ["seven"] * 3 + ["test"] * 3
    assert loaded["train"][0]["image"].size == (32, 32)


def test_bad_images_fail_alone_and_sources_are_never_written_to(genie: Genie, photos: Path, tmp_path: Path) -> None:
    good = (photos / "one/test-00001.png").read_bytes()
    bad = {"empty": b"", "text": b"no image", "cut": good[: len(good) // 2], "scans": with_scans(3000)}
    for name, content in bad.items():
        (photos / f"one/{name}.png").write_bytes(content)
    before = tree(photos)
    result = genie("generate", "--src-dir", photos, "--targets", "seven", "--out", "out")
    assert result.exit_code == 3
    reasons = {str(row["source"]["path"]): str(row["reason"]) for row in rows(tmp_path / "out") if "reason" in row}  # type: ignore[index]
    assert "is empty (0 bytes)" in reasons["one/empty.png"]
    assert "is not an image" in reasons["one/text.png"]
    assert "truncated" in reasons["one/cut.png"]
    assert "has more than 100 scans" in reasons["one/scans.png"]
    assert len(reasons) == 4
    assert len(list((tmp_path / "out/train/seven").glob("*.jpg"))) == 9
    assert tree(photos) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--targets", "seven", "--r", "1.5"], "--r: must be a number, above 0 and at most 1: '1.5' was given"),
        (["--targets", "seven", "--r", "0"], "--r: must be a number, above 0 and at most 1: '0' was given"),
        (["--targets", "seven", "--slots", "3"], "power of two"),
        (["--targets", "seven", "--prompt", "a cat"], "the prompt must contain {target}"),
        (["--targets", " , "], "names no class"),
        ([], "name the classes to generate"),
        (["--targets", "seven", "--method", "txt2img"], "txt2img uses no sources"),
        (["--targets", "seven", "--top-k", "2"], "--top-k goes with --confusion"),
        (["--targets", "seven", "--shard", "3/2"], "expected i/n"),
        (["--targets", "@missing.txt"], "cannot be read"),
        (["--targets", "seven", "--plan", "jobs.jsonl"], "leave out --targets"),
        (["--targets", "ten", "--method", "img2img", "--model", "OPEN"], "needs images of its own class"),
        (["--targets", "seven", "--r", "0.01"], "leaves no step to run"),
        (["--targets", "seven", "--revision", "main"], "--revision goes with a Hugging Face model"),
        (["--targets", "seven", "--device", "cuda:99"], "cannot be used"),
    ],
)
def test_what_a_careless_person_types(
    genie: Genie, photos: Path, open_model: Path, words: list[str], message: str
) -> None:
    words = [str(open_model) if word == "OPEN" else word for word in words]
    result = genie("generate", "--src-dir", photos, *words, "--out", "out")
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["a/b", "..", "test", "🦊", "two words", "100%"])
def test_odd_class_names(genie: Genie, photos: Path, tmp_path: Path, open_model: Path, name: str) -> None:
    from urllib.parse import unquote

    what = ("--src-dir", photos, "--targets", name, "--per-target", "1", "--model", open_model)
    result = genie("generate", *what, "--out", "out")
    assert result.exit_code == 0, result.stderr
    [row] = rows(tmp_path / "out")
    file = tmp_path / "out" / str(row["file"])
    assert row["target"] == name
    assert file.is_file()
    assert unquote(file.parent.name) == name
    assert file.parent.parent == tmp_path / "out/train"


def test_a_prompt_too_long_fails_its_jobs_alone(genie: Genie, photos: Path, tmp_path: Path, open_model: Path) -> None:
    long = "lynx " * 12
    what = ("--src-dir", photos, "--targets", f"seven,{long}", "--per-target", "2", "--model", open_model)
    result = genie("generate", *what, "--out", "out")
    assert result.exit_code == 3
    failed = [row for row in rows(tmp_path / "out") if row["status"] == "failed"]
    assert {row["target"] for row in failed} == {long.strip()}
    assert "tokens, the model reads" in str(failed[0]["reason"])
    assert len(rows(tmp_path / "out")) == 4


def test_out_inside_the_sources_is_refused(genie: Genie, photos: Path) -> None:
    before = tree(photos)
    result = genie("generate", "--src-dir", photos, "--targets", "seven", "--out", photos / "out")
    assert result.exit_code == 1
    assert "lies inside the sources" in result.stderr
    assert tree(photos) == before


def test_txt2img_and_img2img(genie: Genie, photos: Path, tmp_path: Path) -> None:
    assert (
        genie("generate", "--method", "txt2img", "--targets", "seven,two", "--per-target", "3", "--out", "t").exit_code
        == 0
    )
    assert [row["r"] for row in rows(tmp_path / "t")] == [1.0] * 6
    assert (
        genie("generate", "--method", "img2img", "--src-dir", photos, "--targets", "seven", "--out", "i").exit_code == 0
    )
    [row] = rows(tmp_path / "i")
    assert row["source"]["label"] == "seven"  # type: ignore[index]
    assert row["r"] == 0.3


def test_sources_by_confusion(genie: Genie, photos: Path, tmp_path: Path) -> None:
    confusion = {"kind": "genie.confusion", "schema": 1, "labels": ["one", "seven", "two", "four"]}
    matrix = [[9, 0, 0, 0], [3, 5, 0, 2], [0, 0, 9, 0], [0, 0, 0, 9]]
    (tmp_path / "confusion.json").write_text(json.dumps({**confusion, "matrix": matrix}))
    options = ("--confusion", "confusion.json", "--top-k", "2")
    result = genie("generate", "--src-dir", photos, "--targets", "seven", *options, "--out", "out")
    assert "most often confused with: one (3), four (2)" in result.stderr
    assert {row["source"]["label"] for row in rows(tmp_path / "out")} == {"one", "four"}  # type: ignore[index]


def test_a_flat_folder_with_a_label(genie: Genie, photos: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(photos / "one", flat)
    assert genie("generate", "--src-dir", flat, "--targets", "seven", "--out", "out").exit_code == 1
    result = genie("generate", "--src-dir", flat, "--src-label", "one", "--targets", "seven", "--out", "out")
    assert result.exit_code == 0, result.stderr


def test_one_impossible_target_leaves_the_others_unharmed(genie: Genie, photos: Path, tmp_path: Path) -> None:
    """A flat folder of ones: "one" cannot be made of it by GeNIe, "seven" can."""
    flat = ("--src-dir", photos / "one", "--src-label", "one")
    result = genie("generate", *flat, "--targets", "one,seven", "--out", "out")
    assert result.exit_code == 3
    assert "left out: no source for target 'one'" in result.stderr
    assert [row["target"] for row in rows(tmp_path / "out")] == ["seven"]


def test_what_a_terminal_shows(genie: Genie, photos: Path, tmp_path: Path, open_model: Path) -> None:
    """A run, its dry run and its explanation in a real terminal, with a class that looks like markup."""
    import pty

    def typed(*words: str) -> str:
        code = "import sys; from genie_cli.cli.app import main; sys.argv[0] = 'genie'; main()"
        shown: list[bytes] = []

        def read(terminal: int) -> bytes:
            shown.append(os.read(terminal, 4096))
            return shown[-1]

        status = pty.spawn([sys.executable, "-c", code, *words], read, lambda _: b"")
        screen = b"".join(shown).decode()
        assert os.waitstatus_to_exitcode(status) == 0, screen
        return screen

    shutil.copytree(photos / "one", photos / "[red]")
    command = ["generate", "--model", str(open_model), "--slots", "4", "--steps", "4", "--src-dir", str(photos)]
    command += ["--targets", "[x]", "--out", "out"]
    assert "Nothing was made" in typed(*command, "--dry-run")
    screen = typed(*command)
    assert "10 of 10 images" in screen  # the two folders of ones hold the same image
    assert "manifest" in screen
    image = next((tmp_path / "out/train").rglob("*.jpg"))
    assert "A photo of a [x]" in typed("explain", str(image))


def test_a_reader_that_has_had_enough_is_no_error(genie: Genie, photos: Path, tmp_path: Path) -> None:
    words = ["--src-dir", str(photos), "--targets", "seven,two", "--out", "out"]
    assert genie("generate", *words).exit_code == 0
    command = f"{shlex.join([sys.executable, '-m', 'genie_cli', 'generate', '--model', 'digits', '--steps', '4'])} "
    command += f"--slots 4 {shlex.join(words)} --json | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith("18 of 18 images already exist\n")
    assert "error" not in done.stderr
    assert done.returncode == 0
