"""The command line as a whole: it answers at once, its page is up to date, and its other commands work."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from genie_cli import __version__
from genie_cli.config import Settings
from tests.conftest import Genie, tree

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "torchvision", "diffusers", "transformers", "sklearn", "numpy")


@pytest.mark.parametrize("words", [["--help"], ["generate", "--help"], ["demo", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from genie_cli.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert done.stdout


def test_the_commands_page_is_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs/make_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.render(), "run: python docs/make_cli.py"


def test_version(genie: Genie) -> None:
    assert genie("--version").stdout.strip() == __version__


def test_the_name_alone_shows_the_help(genie: Genie) -> None:
    result = genie()
    assert result.exit_code == 2
    assert "─ Measure ─" in result.stdout
    assert not result.stderr


def test_a_command_is_imported_without_the_others() -> None:
    code = (
        "import sys; from genie_cli.cli.app import app\n"
        "try: app(['status', 'nowhere'])\n"
        "finally: print([name for name in sys.modules if name.startswith('genie_cli.cli.')], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    imported = {name.removeprefix("genie_cli.cli.") for name in re.findall(r"'([\w.]+)'", done.stderr)}
    assert {name for name in imported if not name.startswith("_")} == {"app", "status"}


def test_an_unknown_option_is_a_usage_error(genie: Genie) -> None:
    result = genie("demo", "--no-such-option")
    assert result.exit_code == 2
    assert "no such option: --no-such-option" in result.stderr


def test_init_writes_the_defaults_and_overwrites_nothing(genie: Genie, tmp_path: Path) -> None:
    assert genie("init").exit_code == 0
    assert Settings.model_validate(tomllib.loads((tmp_path / "genie.toml").read_text())) == Settings()
    (tmp_path / "genie.toml").write_text("mine")
    result = genie("init")
    assert result.exit_code == 1
    assert "already exists" in result.stderr
    assert (tmp_path / "genie.toml").read_text() == "mine"


def test_the_file_the_environment_and_the_flag(
    genie: Genie, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guidance(*words: str) -> object:
        done = genie("generate", "--src-dir", photos, "--targets", "two", "--dry-run", *words)
        return json.loads(done.stdout.splitlines()[0])["settings"]["guidance"]

    (tmp_path / "genie.toml").write_text("[generate]\nguidance = 2\n")
    assert guidance() == 2
    monkeypatch.setenv("GENIE_GUIDANCE", "3")
    assert guidance() == 3
    assert guidance("--guidance", "4") == 4


def test_every_mistake_in_the_file_is_named_at_once(genie: Genie, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "genie.toml").write_text("[generate]\nguidence = 2\nr = [2]\n[modl]\nname = 'x'\n")
    result = genie("generate", "--src-dir", photos, "--targets", "two")
    message = " ".join(result.stderr.split())
    assert result.exit_code == 2
    assert "unknown key 'guidence' in [generate]; did you mean 'guidance'?" in message
    assert "unknown section [modl]; did you mean 'model'?" in message
    assert "[generate] r: must be a number, above 0 and at most 1: 2 was given" in message


def test_explain_of_an_ordinary_photo(genie: Genie, photos: Path) -> None:
    result = genie("explain", photos / "one/test-00001.png")
    assert result.exit_code == 1
    assert "carries no record of how it was made" in result.stderr


def test_demo_leaves_a_contact_sheet_and_can_be_run_again(
    genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genie_cli.cli.demo.RATIOS", ("0.1", "0.2"))
    monkeypatch.setattr("genie_cli.cli.demo.EPISODES", 2)
    result = genie("demo")
    assert result.exit_code == 0, result.output
    for results in ("fewshot", "fewshot-lite0"):
        assert (tmp_path / f"genie-demo/{results}/results.csv").read_text().count("digits,") == 5
    judged = (tmp_path / "genie-demo/negatives/judged.jsonl").read_text().splitlines()[1:]
    assert {json.loads(line)["oracle"]["verdict"] for line in judged} == {"mislabelled"}
    with Image.open(tmp_path / "genie-demo/contact-sheet.png") as sheet:
        assert sheet.width > 300
    assert all(not line.startswith("{") for line in result.stdout.splitlines())  # words, though this is no terminal
    assert "4. What do such images do for a classifier" in result.stdout
    assert result.stdout.count("digits, 5-way, 2 episodes") == 2
    before = tree(tmp_path / "genie-demo")
    assert genie("demo").exit_code == 0
    assert tree(tmp_path / "genie-demo") == before


def test_a_demo_goes_into_no_folder_of_somebodys(genie: Genie, photos: Path) -> None:
    before = tree(photos)
    result = genie("demo", "--out", photos)
    assert result.exit_code == 1
    assert f"{photos} has files that are not genie demo's" in result.stderr
    assert tree(photos) == before
