"""What is asked of `genie generate` is checked before a model is looked for, and only what was typed can conflict."""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path

import pytest

from genie_cli import api
from genie_cli.settings import variable_of
from tests.conftest import Genie


def bundled_file(name: str) -> str:
    """A file of weights, which a dry run does not load."""
    return str(files("genie_cli") / "bundled" / name / "model.safetensors")


# A value for every setting of the command that is valid, and is not the default.
VALUES = {
    "generate.method": "genie",
    "generate.r": "0.6, 0.8",
    "generate.prompt": "A drawing of a {target}",
    "generate.superclass": "digit",
    "generate.per_target": "1",
    "generate.top_k": "2",
    "generate.negative_prompt": "blurry",
    "generate.steps": "6",
    "generate.guidance": "3",
    "generate.seed": "7",
    "generate.probe": "true",
    "generate.preset": "exact",
    "model.name": "digits",
    "model.revision": "main",
    "model.lora": f"{bundled_file('encoder')}:0.5",
    "model.embedding": bundled_file("encoder"),
    "model.device": "cpu",
    "model.devices": "cpu",
    "model.ray": "local",
    "model.workers": "2",
    "model.dtype": "float32",
    "model.attention": "sdpa",
    "model.compile": "off",
    "model.slots": "2",
    "output.dir": "elsewhere",
    "output.format": "png",
}


def test_the_list_of_values_is_complete() -> None:
    assert set(VALUES) == set(api.GENERATE)


@pytest.mark.parametrize("key", VALUES)
@pytest.mark.parametrize("conflict", ["a plan", "no sources", "no confusion"])
def test_a_variable_never_conflicts(
    genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch, key: str, conflict: str
) -> None:
    """GENIE_SEED=1 may stand in a shell for other runs; what it says is used where it applies."""
    plain = ("generate", "--src-dir", photos, "--targets", "seven", "--dry-run")
    if key in ("model.lora", "model.embedding"):  # a plan is made for one model, which these make another
        monkeypatch.setenv(variable_of(key), VALUES[key])
    plan = genie(*plain).stdout
    monkeypatch.setenv(variable_of(key), VALUES[key])
    result = {
        "a plan": lambda: genie("generate", "--plan", "-", "--dry-run", stdin=plan),
        "no sources": lambda: genie(
            "generate", "--method", "txt2img", "--targets", "two", "--per-target", 1, "--dry-run"
        ),
        "no confusion": lambda: genie(*plain),
    }[conflict]()
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()[1:]]
    if conflict == "a plan":
        assert result.stdout.splitlines()[1:] == plan.splitlines()[1:]
    if conflict == "no sources":
        assert {row["r"] for row in rows} == {1.0}
    if (conflict, key) == ("no confusion", "generate.r"):
        assert {row["r"] for row in rows} == {0.6, 0.8}


@pytest.mark.parametrize("key", [key for key in VALUES if key.startswith("generate.") and key != "generate.preset"])
def test_a_file_never_conflicts(genie: Genie, photos: Path, tmp_path: Path, key: str) -> None:
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    value = VALUES[key] if VALUES[key].isdecimal() else json.dumps(VALUES[key])
    (tmp_path / "genie.toml").write_text(
        f"[generate]\n{key.partition('.')[2]} = {'[0.6]' if key[-1] == 'r' else value}\n"
    )
    result = genie("generate", "--plan", "-", "--dry-run", stdin=plan)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[1:] == plan.splitlines()[1:]


@pytest.mark.parametrize("flag", ["--method", "--r", "--prompt", "--superclass", "--per-target", "--top-k", "--seed"])
def test_what_is_typed_beside_a_plan_is_refused(genie: Genie, photos: Path, flag: str) -> None:
    key = "generate." + flag.strip("-").replace("-", "_")
    plan = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run").stdout
    result = genie("generate", "--plan", "-", flag, VALUES[key], "--dry-run", stdin=plan)
    assert result.exit_code == 2
    assert f"the plan decides these: leave out {flag}" in result.stderr


@pytest.mark.parametrize(
    "words", [["--targets", "seven,two"], ["--targets", "seven", "--targets", "two"], ["--targets", "seven , two,"]]
)
def test_lists_are_repeated_or_have_commas(genie: Genie, photos: Path, words: list[str]) -> None:
    result = genie("generate", "--src-dir", photos, *words, "--r", "0.5", "--r", "0.6, 0.8", "--dry-run")
    rows = [json.loads(line) for line in result.stdout.splitlines()[1:]]
    assert {row["target"] for row in rows} == {"seven", "two"}
    assert {row["r"] for row in rows} == {0.5, 0.6, 0.8}


def test_targets_from_files_and_a_pipe(genie: Genie, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("\ufeffseven\n\ntwo\n")
    reading, writing = os.pipe()
    os.write(writing, b"four\n")
    os.close(writing)
    words = ("--targets", "@names.txt", "--targets", "one", "--targets", f"@/dev/fd/{reading}")
    result = genie("generate", "--src-dir", photos, *words, "--dry-run")
    os.close(reading)
    rows = [json.loads(line) for line in result.stdout.splitlines()[1:]]
    assert {row["target"] for row in rows} == {"seven", "two", "one", "four"}


def test_targets_from_standard_input(genie: Genie, photos: Path) -> None:
    result = genie("generate", "--src-dir", photos, "--targets", "@-", "--dry-run", stdin="seven\n\ntwo\n")
    assert {json.loads(line)["target"] for line in result.stdout.splitlines()[1:]} == {"seven", "two"}
    assert "names no class" in genie("generate", "--src-dir", photos, "--targets", "@-", "--dry-run", stdin="").stderr


def test_a_file_for_a_folder_is_called_one(genie: Genie, tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    result = genie("generate", "--src-dir", "photos.zip", "--targets", "two", "--dry-run")
    assert "photos.zip is a file, not a folder" in result.stderr
    assert "unpack it" in result.stderr


class TestTargets:
    def test_all_are_the_classes_of_the_sources(self, genie: Genie, photos: Path) -> None:
        result = genie("generate", "--src-dir", photos, "--targets", "all", "--dry-run")
        rows = [json.loads(line) for line in result.stdout.splitlines()[1:]]
        assert {row["target"] for row in rows} == {path.name for path in photos.iterdir()}
        assert len(rows) == 10 * 9

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--targets", "all,two"], "--targets all stands for every class: leave out the other names"),
            (["--targets", "all", "--method", "txt2img", "--per-target", "1"], "stands for the classes of --src-dir"),
        ],
    )
    def test_all_alone_and_of_sources(self, genie: Genie, photos: Path, words: list[str], message: str) -> None:
        sources = () if "txt2img" in words else ("--src-dir", photos)
        result = genie("generate", *sources, *words, "--dry-run")
        assert result.exit_code == 2
        assert message in result.stderr

    @pytest.mark.parametrize(("typed", "meant"), [("brid", "bird"), ("red foxx", "red")])
    def test_nearly_a_class_of_the_sources_is_pointed_out(
        self, genie: Genie, photos: Path, open_model: Path, typed: str, meant: str
    ) -> None:
        (photos / "one").rename(photos / "bird")
        (photos / "two").rename(photos / "red_fox")
        words = ("--src-dir", photos, "--targets", typed, "--model", open_model, "--dry-run")
        result = genie("generate", *words)
        assert result.exit_code == 0  # a new class may have such a name
        assert f"warning: {typed!r} is not a class of {photos}; did you mean {meant}" in result.stderr
        assert "lynx" not in genie("generate", *words, "--targets", "lynx").stderr  # nothing is like it

    def test_a_new_class_is_not(self, genie: Genie, photos: Path, open_model: Path) -> None:
        result = genie("generate", "--src-dir", photos, "--targets", "lynx", "--model", open_model, "--dry-run")
        assert result.exit_code == 0
        assert "warning" not in result.stderr

    def test_the_bundled_model_knows_ten_words(
        self, genie: Genie, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Refused before anything is loaded, with the list."""

        def untouched(*_: object) -> None:
            raise AssertionError("a model was looked for")

        monkeypatch.setattr("genie_cli.diffusion.locate.locate", untouched)
        result = genie("generate", "--src-dir", photos, "--targets", "two,thre,lynx")
        assert result.exit_code == 2
        assert "the bundled model digits cannot draw 'thre', 'lynx'; did you mean three?" in result.stderr
        assert "it knows only: zero, one, two, three, four, five, six, seven, eight, nine" in result.stderr

    def test_other_classes_are_refused_when_all_are_asked_for(self, genie: Genie, photos: Path) -> None:
        (photos / next(path.name for path in photos.iterdir())).rename(photos / "lynx")
        result = genie("generate", "--src-dir", photos, "--targets", "all")
        assert result.exit_code == 2
        assert "the bundled model digits cannot draw 'lynx'" in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--out", "a-file"], 1, "a-file cannot be a folder"),
        (["--out", "a-file/below"], 1, "a-file/below cannot be a folder: "),
        (["--device", "gpu"], 2, "did you mean"),
        (["--dtype", "fp61"], 2, "'fp61' is not one of auto, half, float32, float16, bfloat16"),
        (["--format", "jpeg"], 2, "'jpeg' is not one of jpg, png, webp; did you mean jpg?"),
        (["--method", "img2image"], 2, "did you mean img2img?"),
        (["--steps", "ten"], 2, "--steps: must be a whole number, at least 2 and at most 500: 'ten' was given"),
        (["--r", "80"], 2, "--r: must be a number, above 0 and at most 1: '80' was given; did you mean 0.8?"),
    ],
)
def test_bad_values_are_found_before_a_model_is_looked_for(
    genie: Genie, photos: Path, tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    (tmp_path / "a-file").write_text("mine")
    # A model that is nowhere: looking for it would be the error.
    result = genie("generate", "--src-dir", photos, "--targets", "lynx", "--model", "nobody/nothing", *words)
    assert result.exit_code == code
    assert message in result.stderr
    assert "nothing" not in result.stderr


def test_a_dry_run_lists_the_source_classes_with_their_counts(genie: Genie, photos: Path) -> None:
    (photos / "one/again.png").write_bytes((photos / "two/test-00002.png").read_bytes())
    result = genie("generate", "--src-dir", photos, "--targets", "seven", "--dry-run")
    assert "10 source classes: eight (1), five (1), four (1), nine (1), one (2), seven (1)" in result.stderr


def test_split_folders_are_refused_with_the_folder_to_name(genie: Genie, photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for split in ("train", "val", "test"):
        (root / split).mkdir(parents=True)
        for name in ("one", "two", "seven"):
            (root / split / name).symlink_to(photos / name)
    # A model that is nowhere: looking for it would be the error.
    for command in (("generate", "--targets", "all", "--model", "nobody/nothing"), ("confuse", "--backbone", "digits")):
        result = genie(command[0], "--src-dir", root, *command[1:])
        assert result.exit_code == 1, result.stderr
        assert str(root / "train") in result.stderr
    assert genie("generate", "--src-dir", root / "train", "--targets", "seven", "--dry-run").exit_code == 0


def test_lists_of_targets_are_text(genie: Genie, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"\xff\xfe")
    refused = genie("generate", "--src-dir", photos, "--targets", f"@{tmp_path / 'names.txt'}")
    assert refused.exit_code == 2
    assert "is not UTF-8 text" in refused.stderr
