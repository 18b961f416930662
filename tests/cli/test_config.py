"""`genie config`, `genie.toml` and GENIE_ variables: what is in force, and where it comes from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from genie_cli.cli._console import only_words
from genie_cli.cli._settings import template
from genie_cli.settings import SECTIONS, keys, variable_of
from tests.conftest import Genie

ROOT = Path(__file__).parents[2]


def shown(genie: Genie, *words: str) -> dict[str, tuple[object, str]]:
    result = genie("config", *words)
    assert result.exit_code == 0, result.stderr
    return {row["setting"]: (row["value"], row["from"]) for row in map(json.loads, result.stdout.splitlines())}


def test_every_setting_is_shown_with_its_origin(genie: Genie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "genie.toml").write_text('[generate]\nsteps = 30\nguidance = 5\nseed = 3\n[model]\ndevice = "cpu"\n')
    monkeypatch.setenv("GENIE_GUIDANCE", "4")
    monkeypatch.setenv("GENIE_SEED", "4")
    settings = shown(genie, "--seed", "5", "--preset", "fast")
    assert list(settings) == list(keys(*SECTIONS))
    assert settings["generate.seed"] == (5, "flag --seed")
    assert settings["generate.guidance"] == (4.0, "environment GENIE_GUIDANCE")
    assert settings["generate.steps"] == (20, "preset fast")
    assert settings["model.device"] == ("cpu", "file genie.toml")
    assert settings["output.format"] == ("jpg", "default")


def test_a_file_in_the_working_directory_is_named_with_what_it_changes(genie: Genie, tmp_path: Path) -> None:
    (tmp_path / "genie.toml").write_text("[generate]\nsteps = 30\ntop_k = 4\n[longtail]\nepochs = 3\n")
    said = genie("config").stderr
    assert said == "settings from genie.toml: generate.steps = 30\n"
    assert genie("config", "--config", "genie.toml").stderr == ""


def test_the_repositorys_file_is_what_init_writes(genie: Genie, tmp_path: Path) -> None:
    assert (ROOT / "genie.toml").read_text(encoding="utf-8") == template(), "run: genie init --out genie.toml"
    assert genie("init").exit_code == 0
    assert (tmp_path / "genie.toml").read_text(encoding="utf-8") == template()
    assert {origin for _, origin in shown(genie).values()} == {"default"}
    assert genie("config").stderr == ""


def test_the_file_is_toml_1_1(genie: Genie, tmp_path: Path) -> None:
    (tmp_path / "genie.toml").write_text("generate = {\n  steps = 30,  # newlines and a trailing comma\n}\n")
    assert shown(genie)["generate.steps"] == (30, "file genie.toml")


@pytest.mark.parametrize(("variable", "meant"), [("GENIE_STEP", "GENIE_STEPS"), ("GENIE_MODLE", "GENIE_MODEL")])
def test_an_unknown_variable_is_named_with_the_nearest(
    genie: Genie, monkeypatch: pytest.MonkeyPatch, variable: str, meant: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert genie("config").stderr == f"warning: {variable} is not a setting; did you mean {meant}?\n"


def test_known_variables_are_not(genie: Genie, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in keys(*SECTIONS):
        monkeypatch.setenv(variable_of(key), "")
    assert genie("config").stderr == ""


def test_a_bad_variable_is_named(genie: Genie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENIE_STEPS", "ten")
    result = genie("config")
    assert result.exit_code == 2
    assert "error: GENIE_STEPS: must be a whole number, at least 2 and at most 500: 'ten' was given" in result.stderr


def test_settings_are_a_table_with_their_origins(genie: Genie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENIE_GUIDANCE", "3")
    monkeypatch.setenv("COLUMNS", "200")
    with only_words():
        table = genie("config", "--prompt", "a [red]{target}[/red]", "--steps", 20).stdout
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines() if re.match(r" +\w+\.", line)}
    assert rows["generate.steps"] == ["20", "flag", "--steps"]
    assert rows["generate.guidance"] == ["3.0", "environment", "GENIE_GUIDANCE"]
    assert rows["generate.seed"] == ["0", "default"]
    assert "a [red]{target}[/red]" in table
    assert set(rows) == set(keys(*SECTIONS))
